"""`onecode db upgrade|check|rebuild|backup|restore`."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands import database
from app.store import backup as backups
from app.store import schema
from app.store.check import verify
from app.store.rebuild import rebuild as rebuild_projections

db = typer.Typer(help="数据库 · The database: migrations, check, backup, rebuild.", no_args_is_help=True)


@db.command()
def upgrade() -> None:
    """升级数据库结构 · Brings the schema to the newest revision."""
    with database() as (_, engine):
        schema.upgrade(engine)
        typer.echo(f"at revision {schema.revision(engine)}")


@db.command()
def check() -> None:
    """核对账目 · Proves links, balances and codes from the events up; exit code 1 where something is wrong."""
    with database() as (_, engine):
        schema.require_head(engine)
        findings = verify(engine)
    for finding in findings:
        typer.echo(finding)
    if findings:
        typer.echo(f"{len(findings)} findings; `onecode db rebuild` puts balances and timelines right", err=True)
        raise typer.Exit(1)
    typer.echo("账目一致 · nothing is wrong")


@db.command()
def rebuild() -> None:
    """重算余额 · Computes timelines, balances and slips from the events again, and says what differed."""
    with database() as (_, engine):
        schema.require_head(engine)
        differences = rebuild_projections(engine)
    for difference in differences:
        typer.echo(difference)
    typer.echo(f"{len(differences)} differences put right")


@db.command()
def backup(directory: Annotated[Path, typer.Argument(help="新目录 · a new directory")]) -> None:
    """在线备份 · Backs up database, files and secret while the service runs."""
    with database() as (settings, engine):
        manifest = backups.backup(engine, directory, files_dir=settings.files_dir, secret_file=settings.secret_file)
    typer.echo(f"{directory}: {sum(manifest.rows.values())} rows, {len(manifest.sha256)} files, {manifest.made_at}")


@db.command()
def restore(directory: Annotated[Path, typer.Argument(help="备份目录 · a backup")]) -> None:
    """恢复到空库 · Restores a backup into an empty database, verified against its manifest."""
    with database() as (settings, engine):
        manifest = backups.restore(engine, directory, files_dir=settings.files_dir, secret_file=settings.secret_file)
    typer.echo(f"{sum(manifest.rows.values())} rows of {manifest.made_at} restored; now run `onecode db check`")
