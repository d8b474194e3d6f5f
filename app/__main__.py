"""The command line: `onecode serve|db|simulate-scales …`, also `python -m app`."""

import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer
import uvicorn
from rich.console import Console

from app import logs, simulator
from app.commands import made_key, opened, refusals, written
from app.commands.access import key, person
from app.commands.databases import db
from app.commands.retention import retention
from app.demo import CHINA, LOGINS, DemoFailed, Login, Stage, market_day, show
from app.domain.opening import read_opening
from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey
from app.enrolling.passwords import hashed, temporary_password
from app.enrolling.persons import ChangePerson, EnrolPerson, change_persons, enrol_persons
from app.enrolling.sessions import find_by_login
from app.exchanging import import_file
from app.main import close_service, create_app, open_service, read_rules
from app.overseeing import Watch
from app.overseeing import sweep as run_sweep
from app.settings import Settings
from app.store import schema
from app.store.engine import Database, open_engine, reading
from app.store.writer import Writer
from app.tracing import Direction, Limits, Start, to_json, tree_lines
from app.tracing import trace as walk
from app.tracing.tree import Language
from app.web import wire

DRAIN_SECONDS = 30
LOAD_SECONDS = 60  # that a worker has to load the program: five are too few where several begin on a slow machine
DAY = timedelta(days=1)

cli = typer.Typer(
    name="onecode",
    help="一码：从农场到餐桌，一个码 · One code for every stall, batch, shipment, unit and receipt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cli.add_typer(db, name="db")
cli.add_typer(key, name="key")
cli.add_typer(retention, name="retention")
cli.add_typer(person, name="person")


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
        http=wire.HttpProtocol,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_worker_healthcheck=LOAD_SECONDS,
        ws=wire.SocketProtocol,
        ws_max_size=wire.LARGEST,
        ws_per_message_deflate=False,
    )


def _demonstrate(settings: Settings, host: str, port: int) -> None:
    """Posts yesterday's market day to the service as soon as it answers."""
    engine = open_engine(settings.database_url)
    try:
        operator_key = made_key(engine, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "demo"))
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
        written(engine, enrol_persons, enrol)
    else:
        change = ChangePerson(OPERATOR, known.id, {}, hashed(password), forget_codes=True, must_change=False)
        written(engine, change_persons, change)
    return Login(name, login, password)


@cli.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="EPCIS: JSON-LD 或 XML · JSON-LD or XML")],
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
    time: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
            help="物流单元当时所装 · of an SSCC, what was packed in it then: 2026-03-01T06:30+08:00",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="与 /trace 相同的 JSON · the JSON of /trace")] = False,
    lang: Annotated[Language, typer.Option(help="zh | en")] = "zh",
) -> None:
    """来可溯、去可追 · Prints the chain of what a code or EPC names, or a unit holds, as a tree or as JSON."""
    direction: Direction = "back" if back else "forward"
    with opened() as (settings, engine, master), reading(engine) as snapshot:
        found = walk(
            snapshot, OPERATOR, Start("code", start, time=time), direction, now=datetime.now(UTC), secret=master,
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
                key = made_key(engine, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "simulation"))
            finally:
                engine.dispose()
    try:
        report = simulator.play(plan, url, key, Console())
    except simulator.SimulationFailed as error:
        typer.echo(f"模拟未能完成 · the simulation did not finish: {error}", err=True)
        raise typer.Exit(1) from None
    if not report.closed:
        raise typer.Exit(1)


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
