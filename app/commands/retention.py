"""`onecode retention run|cancel|restore`: what the law no longer asks to keep."""

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from app import retaining
from app.commands import database, opened
from app.domain.retention import own_rules as retention_rules
from app.main import read_rules
from app.recording.tasks import cancel as cancel_task
from app.store import schema
from app.store.files import FileStore
from app.store.writer import Writer

retention = typer.Typer(help="留存 · Archive and thin what is kept no longer; restore it.", no_args_is_help=True)


@retention.command("run")
def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只统计 · count, and take nothing away")] = False,
) -> None:
    """按法定留存期归档并清理，中断后再次运行即继续 · Archives what is kept no longer, and thins; goes on after a break.

    Ctrl-C stops it after its step. Never anything under hold, recall, an open case or complaint, nor what kept goods
    came from.
    """
    stopped = threading.Event()
    with opened() as (settings, engine, master), Progress(console=Console(stderr=True)) as progress:
        _, own = read_rules(settings)
        rules = retention_rules(own)
        bar = progress.add_task("retention", total=None)
        writer = Writer(engine)
        before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
        try:
            done = retaining.run(
                engine, writer, FileStore(settings.files_dir), settings.archive_dir, master,
                clock=lambda: datetime.now(UTC), rules=rules,
                dry=dry_run, stop=stopped.is_set,
                told=lambda looked, all_: progress.update(bar, completed=looked, total=max(all_, looked)),
            )  # fmt: skip
        finally:
            signal.signal(signal.SIGINT, before)
            writer.close()
    if done is None:
        typer.echo("另一进程正在清理 · another process is at it", err=True)
        raise typer.Exit(1)
    for name, number in sorted(done.rows.items()):
        typer.echo(f"{name} {number}")
    verb = "可清理 · could go" if dry_run else "已归档并清理 · archived and thinned"
    typer.echo(f"{verb}: {done.custodies} custodies, {sum(done.rows.values())} rows; {done.looked} looked at")
    for text, number in (
        ("牵连过多，未查看 · not looked at, too much hangs together", done.entangled),
        ("清理时有变动，下次再查 · changed meanwhile, looked at next time", done.changed),
        ("已抹去个人信息的记录 · records whose personal data were erased", done.erased),
    ):
        if number:
            typer.echo(f"{text}: {number}")
    if done.archive is not None:
        typer.echo(str(done.archive))
    if not done.whole:
        typer.echo("已停止，再次运行即继续 · stopped: run it again to go on", err=True)
        raise typer.Exit(1)


@retention.command("cancel")
def retention_cancel() -> None:
    """让正在进行的清理在本步之后停下 · Tells the run that is on to stop after its step; the next goes on from there."""
    with database() as (_, engine):
        schema.require_head(engine)
        writer = Writer(engine)
        try:
            running = writer.submit(cancel_task, retaining.NAME)
        finally:
            writer.close()
    typer.echo("将停止 · it will stop" if running else "没有在进行 · nothing is running")


@retention.command("restore")
def retention_restore(
    file: Annotated[Path, typer.Argument(help="归档 · an archive, its manifest beside it; the newest first")],
) -> None:
    """从归档恢复 · Puts every row of an archive back as it was."""
    with database() as (settings, engine):
        schema.require_head(engine)
        writer = Writer(engine)
        try:
            rows = retaining.restore(writer, FileStore(settings.files_dir), file)
        finally:
            writer.close()
    for name, number in sorted(rows.items()):
        typer.echo(f"{name} {number}")
    typer.echo(f"已恢复 · restored: {sum(rows.values())} rows; now run `onecode db check`")
