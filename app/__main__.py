"""The command line: `onecode serve|db|simulate-scales …`, also `python -m app`."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from app import logs, retaining, simulator
from app.demo import CHINA, LOGINS, DemoFailed, Login, Stage, market_day, show
from app.domain.errors import Refusal
from app.domain.opening import read_opening
from app.domain.retention import own_rules as retention_rules
from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.enrolling.passwords import hashed, temporary_password
from app.enrolling.persons import ChangePerson, EnrolPerson, change_persons, enrol_persons
from app.enrolling.sessions import find_by_login
from app.exchanging import import_file
from app.main import close_service, create_app, open_database, open_service, read_rules
from app.overseeing import Watch
from app.overseeing import sweep as run_sweep
from app.recording.tasks import cancel as cancel_task
from app.settings import Settings
from app.store import backup as backups
from app.store import schema
from app.store.check import verify
from app.store.engine import Database, open_engine, reading
from app.store.errors import SchemaOutdated, StoreUnavailable
from app.store.rebuild import rebuild as rebuild_projections
from app.store.secret import SecretMissing
from app.store.writer import C, Job, R, Writer
from app.tracing import Direction, Limits, Start, to_json, tree_lines
from app.tracing import trace as walk
from app.tracing.tree import Language

DRAIN_SECONDS = 30
DAY = timedelta(days=1)

cli = typer.Typer(
    name="onecode",
    help="一码：从农场到餐桌，一个码 · One code for every stall, batch, shipment, unit and receipt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="数据库 · The database: migrations, check, backup, rebuild.", no_args_is_help=True)
key = typer.Typer(help="密钥 · Keys.", no_args_is_help=True)
retention = typer.Typer(help="留存 · Archive and thin what is kept no longer; restore it.", no_args_is_help=True)
cli.add_typer(db, name="db")
cli.add_typer(key, name="key")
cli.add_typer(retention, name="retention")
person = typer.Typer(help="人员 · Persons who log in.", no_args_is_help=True)
cli.add_typer(person, name="person")


@contextmanager
def refusals() -> Iterator[None]:
    """What an operator can mend is said in a line and ends with exit code 1; everything else is a bug and shows."""
    try:
        yield
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = "ONECODE_" + "_".join(map(str, fault["loc"])).upper()
            typer.echo(f"{name}: {fault['msg']}", err=True)
    except Refusal as refusal:
        typer.echo(refusal.detail, err=True)
    except (
        SchemaOutdated,
        SecretMissing,
        StoreUnavailable,
        backups.BackupUnusable,
        retaining.ArchiveUnusable,
        ValueError,
        OSError,
    ) as error:
        typer.echo(str(error), err=True)
    else:
        return
    raise typer.Exit(1)


@contextmanager
def opened() -> Iterator[tuple[Settings, Database, bytes]]:
    """The settings, their database as `serve` finds it (a new SQLite file is migrated) and the master secret."""
    with refusals():
        settings = Settings()
        engine, master = open_database(settings)
        try:
            yield settings, engine, master
        finally:
            engine.dispose()


@contextmanager
def database() -> Iterator[tuple[Settings, Database]]:
    """The settings and their database, for a command that does its work and ends."""
    with refusals():
        settings = Settings()
        engine = open_engine(settings.database_url)
        try:
            yield settings, engine
        finally:
            engine.dispose()


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="监听地址 · address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help="录入一个市场日 · post a market day, and print it")] = False,
    workers: Annotated[int, typer.Option(min=1, help="进程数，仅限 PostgreSQL · processes, with PostgreSQL")] = 1,
) -> None:
    """启动服务 · Serve. A new SQLite database is migrated; any other must be at the newest schema."""
    # What is printed into codes leads to where this process listens, unless somebody has said better.
    os.environ.setdefault("ONECODE_PUBLIC_URL", f"http://localhost:{port}")
    with refusals():
        settings = Settings()
        if workers > 1 and settings.database_url.startswith("sqlite"):
            raise ValueError(
                "SQLite 只能有一个写入进程；多进程请用 PostgreSQL（ONECODE_DATABASE_URL） · SQLite has room for one "
                "writing process: serve with --workers 1, or name a PostgreSQL database in ONECODE_DATABASE_URL"
            )
        logs.configure(settings.log_level)
        app = create_app(settings) if workers == 1 else "app.main:create_app"
        if workers > 1:
            close_service(open_service(settings))  # finds out here, once, what would end every worker
        if demo:
            threading.Thread(target=_demonstrate, args=(settings, host, port), daemon=True).start()
    uvicorn.run(
        app,
        factory=workers > 1,
        workers=workers,
        host=host,
        port=port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _demonstrate(settings: Settings, host: str, port: int) -> None:
    """Posts yesterday's market day to the service as soon as it answers."""
    engine = open_engine(settings.database_url)
    try:
        operator_key = _make_key(engine, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "demo"))
        logins = [_demo_login(engine, *login) for login in LOGINS]
    finally:
        engine.dispose()
    at = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    stage = Stage(f"http://{f'[{at}]' if ':' in at else at}:{port}", operator_key, datetime.now(CHINA).date() - DAY)
    try:
        stage.await_ready()
        show(settings.public_url, *market_day(stage), logins)
    except (DemoFailed, httpx.TransportError) as error:
        typer.echo(f"演示未能完成 · the demonstration did not finish: {error}", err=True)
    finally:
        stage.close()


def _demo_login(engine: Database, login: str, name: str, role: Role, region: str) -> Login:
    """A person of the demonstration, with another password each time."""
    password = temporary_password()
    with reading(engine) as snapshot:
        known = find_by_login(snapshot, login)
    if known is None:
        enrol = EnrolPerson(OPERATOR, login, name, role, None, region, None, hashed(password), must_change=False)
        _written(engine, enrol_persons, enrol)
    else:
        change = ChangePerson(OPERATOR, known.id, {}, hashed(password), forget_codes=True, must_change=False)
        _written(engine, change_persons, change)
    return Login(name, login, password)


@cli.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="EPCIS 2.0 JSON-LD")],
    issue: Annotated[bool, typer.Option("--issue", help="赋码 · mint codes for the goods they name")] = False,
    proceed: Annotated[
        bool, typer.Option("--proceed", help="收下无误的事件 · take the good events of a document with faults")
    ] = False,
) -> None:
    """导入 EPCIS 文档 · Takes EPCIS documents in; prints what was recorded, refused and flagged, and the codes minted.

    Exit code 1 where anything was refused. Importing again changes nothing.
    """
    whole = True
    with opened() as (settings, engine, _):
        writer = Writer(engine, limit=settings.queue_limit, skew=timedelta(seconds=settings.clock_skew_seconds))
        try:
            for file in files:
                printed, taken = import_file(
                    writer, engine, file, principal=OPERATOR, public_url=settings.public_url, issue=issue,
                    proceed=proceed,
                )  # fmt: skip
                typer.echo("\n".join(printed))
                whole = whole and taken
        finally:
            writer.close()
    if not whole:
        raise typer.Exit(1)


@cli.command()
def trace(
    start: Annotated[str, typer.Argument(metavar="CODE_OR_EPC", help="编码、网址或 EPC · a code, its URL, or an EPC")],
    back: Annotated[bool, typer.Option("--back/--forward", help="溯源或追踪 · to sources or to buyers")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="与 /trace 相同的 JSON · the JSON of /trace")] = False,
    lang: Annotated[Language, typer.Option(help="zh | en")] = "zh",
) -> None:
    """来可溯、去可追 · Prints the chain of what a code or EPC names, as a tree or as the JSON of /trace."""
    direction: Direction = "back" if back else "forward"
    with opened() as (settings, engine, master), reading(engine) as snapshot:
        found = walk(
            snapshot, OPERATOR, Start.read(start), direction, now=datetime.now(UTC), secret=master,
            limits=Limits(nodes=settings.trace_limit),
        )  # fmt: skip
    if as_json:
        typer.echo(to_json(found))
    else:
        typer.echo("\n".join(tree_lines(found, direction, lang)))


@cli.command()
def sweep() -> None:
    """巡查 · Goes through the books once and raises alerts; where it was cut off, it goes on."""
    with opened() as (settings, engine, _):
        rules, _own = read_rules(settings)
        watch = Watch(read_opening(settings.market_hours), timedelta(hours=settings.silent_hours))
        writer = Writer(engine)
        try:
            done = run_sweep(
                engine, writer, clock=lambda: datetime.now(UTC), rules=rules, watch=watch,
                told=lambda step, number: typer.echo(f"{step}: {number}"),
            )  # fmt: skip
        finally:
            writer.close()
    if done is None:
        typer.echo("另一进程正在巡查 · another process is sweeping", err=True)
        raise typer.Exit(1)
    for slug, number in sorted(done.raised.items()):
        typer.echo(f"{slug} {number}")
    typer.echo(f"新警报 {sum(done.raised.values())} 条 · new alerts: {sum(done.raised.values())}")


@cli.command("simulate-scales")
def simulate_scales(
    markets: Annotated[int, typer.Option(min=1, max=1_000, help="市场数 · markets")],
    stalls: Annotated[int, typer.Option(min=1, max=1_000, help="每个市场的摊位 · stalls of a market, a scale each")],
    sales: Annotated[int, typer.Option(min=1, max=10_000, help="每秤每天的销售 · sales of a scale and day")],
    url: Annotated[str, typer.Option(help="运行中的服务 · the running service")] = "http://127.0.0.1:8000",
    key: Annotated[
        str | None,
        typer.Option(help="运营方密钥；缺省时在设置的数据库中新发一把 · the operator's; made where left out"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=30, help="天数 · days")] = 1,
    seconds: Annotated[float, typer.Option(min=0.1, help="一天用几秒 · seconds that a day takes")] = 60.0,
    seed: Annotated[int, typer.Option(help="同一种子同一天 · the same seed plays the same day")] = 1,
    connections: Annotated[int, typer.Option(min=1, max=1_000, help="连接数 · connections")] = 64,
    backlog: Annotated[
        bool, typer.Option("--backlog", help="全天断网，收市时一起上传 · all offline until the market closes")
    ] = False,
) -> None:
    """模拟追溯秤并对账 · Plays market days as scales do, with all that goes wrong, and reconciles to gram and fen.

    Exit code 1 where the service holds anything else than what was sold, or could not be reached.
    """
    with refusals():
        plan = simulator.Plan(
            markets, stalls, sales, days=days, seconds=seconds, seed=seed, connections=connections, backlog=backlog
        )
        if key is None:
            engine = open_engine(Settings().database_url)
            try:
                schema.require_head(engine)
                key = _make_key(engine, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "simulation"))
            finally:
                engine.dispose()
    try:
        report = simulator.play(plan, url, key, Console())
    except simulator.SimulationFailed as error:
        typer.echo(f"模拟未能完成 · the simulation did not finish: {error}", err=True)
        raise typer.Exit(1) from None
    if not report.closed:
        raise typer.Exit(1)


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
                engine, writer, settings.archive_dir, master, clock=lambda: datetime.now(UTC), rules=rules,
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
        ("投诉人联系方式已抹去 · contacts of complaints erased", done.erased),
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
    with database() as (_, engine):
        schema.require_head(engine)
        writer = Writer(engine)
        try:
            rows = retaining.restore(engine, writer, file)
        finally:
            writer.close()
    for name, number in sorted(rows.items()):
        typer.echo(f"{name} {number}")
    typer.echo(f"已恢复 · restored: {sum(rows.values())} rows; now run `onecode db check`")


@key.command("create")
def create_key(
    role: Annotated[Role, typer.Option(help="角色 · what the key may do")],
    party: Annotated[UUID | None, typer.Option(help="主体 id · the party it speaks for")] = None,
    region: Annotated[str | None, typer.Option(help="GB/T 2260 区划前缀 · a regulator's region, e.g. 3301")] = None,
    device: Annotated[UUID | None, typer.Option(help="设备 id · the device it belongs to")] = None,
    name: Annotated[str | None, typer.Option(help="名称 · what to call it")] = None,
) -> None:
    """发放密钥，只显示一次 · Makes a key and prints it, once."""
    with database() as (_, engine):
        schema.require_head(engine)
        typer.echo(_make_key(engine, MakeKey(OPERATOR, role, party, region, device, name)))


@person.command("create")
def create_person(
    login: Annotated[str, typer.Option(help="登录名 · login name")],
    name: Annotated[str, typer.Option(help="姓名 · what to call them")],
    role: Annotated[Role, typer.Option(help="角色 · what they may do")],
    party: Annotated[UUID | None, typer.Option(help="主体 id · the party they speak for")] = None,
    region: Annotated[str | None, typer.Option(help="GB/T 2260 区划前缀 · an office's region, e.g. 3301")] = None,
    email: Annotated[str | None, typer.Option(help="统一认证邮箱 · as an issuer of OpenID Connect names them")] = None,
) -> None:
    """登记人员，临时密码只显示一次 · Enrols a person and prints a password, once, to be changed at the first login."""
    password = temporary_password()
    command = EnrolPerson(OPERATOR, login, name, role, party, region, email, hashed(password))
    with database() as (_, engine):
        schema.require_head(engine)
        _written(engine, enrol_persons, command)
        typer.echo(password)


@person.command("reset")
def reset_person(login: Annotated[str, typer.Argument(help="登录名 · login name")]) -> None:
    """重置密码并停用动态验证码 · A new password, one-time codes off, all logins ended, and no waiting."""
    password = temporary_password()
    with database() as (_, engine):
        schema.require_head(engine)
        with reading(engine) as snapshot:
            found = find_by_login(snapshot, login)
        if found is None:
            raise ValueError(f"没有此人 · there is no {login}")
        _written(engine, change_persons, ChangePerson(OPERATOR, found.id, {}, hashed(password), forget_codes=True))
        typer.echo(password)


def _written(engine: Database, job: Job[C, R], command: C) -> R:
    writer = Writer(engine)
    try:
        return writer.submit(job, command)
    finally:
        writer.close()


def _make_key(engine: Database, command: MakeKey) -> str:
    return _written(engine, make_keys, command).secret


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


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
