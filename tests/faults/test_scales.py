"""Scales go on selling while the service is killed, its database restarted, its disk full, and when all come back at
once: what was acknowledged is there, once, to the gram and the fen."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.simulator import Habits, Plan, Report, simulate
from app.store import schema
from app.store.engine import open_engine
from app.store.writer import Writer
from app.web.service import Service
from tests.simulator.playing import ALL, played
from tests.support import postgres
from tests.support.cast import Cast, Scale, ago, operator_key, quantity
from tests.support.databases import Database
from tests.support.fullness import full
from tests.support.server import free_port, serving


def key_of(url: str) -> str:
    engine = open_engine(url)
    writer = Writer(engine)
    made = operator_key(writer)
    writer.close()
    engine.dispose()
    return made


@dataclass(slots=True)
class Run:
    """A simulation in a thread of its own, and how many sales it has had acknowledged."""

    report: "Future[Report]"
    kept: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, kept: int, seconds: float = 90) -> None:
        """Waits until so many sales were acknowledged, or it is over."""
        with self.changed:
            reached = self.changed.wait_for(lambda: self.kept >= kept or self.report.done(), seconds)
        assert reached, f"{self.kept} of {kept} sales after {seconds} seconds"


@contextmanager
def simulated(plan: Plan, url: str, key: str) -> Iterator[Run]:
    run: Run

    async def play() -> Report:
        def watch(stage: str, done: int, total: int) -> None:
            with run.changed:
                run.kept = done if stage == "sell" else run.kept
                run.changed.notify()

        limits = httpx.Limits(max_connections=plan.connections, max_keepalive_connections=plan.connections)
        async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as client:
            return await simulate(plan, client, key, stop=stop, watch=watch)

    stop = asyncio.Event()
    with ThreadPoolExecutor(1) as pool:
        future: Future[Report] = Future()
        run = Run(future)

        def work() -> None:
            try:
                future.set_result(asyncio.run(play()))
            except BaseException as error:
                future.set_exception(error)
            with run.changed:
                run.changed.notify()

        pool.submit(work)
        try:
            yield run
        finally:
            stop.set()


# --- kill -9 ---


def storm(directory: Path, database: Database, plan: Plan, kills: int) -> Report:
    """The service is killed `kills` times, after as many sales each time, and started again where it was."""
    key, port = key_of(database.url), free_port()
    step = plan.total // (kills + 1)
    run: Run | None = None
    with ExitStack() as stack:
        for kill in range(1, kills + 1):
            with serving(directory, database.url, port=port) as server:
                run = run or stack.enter_context(simulated(plan, server.url, key))
                run.until(kill * step)
                server.kill()
        assert run is not None
        with serving(directory, database.url, port=port):
            report = run.report.result()
    assert report.closed, report.differences.told
    assert report.tally.kept == plan.total
    assert report.theirs.sales == plan.scales * plan.sales_of_a_scale
    return report


def test_kills_under_scales_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    plan = Plan(1, 8, 60, seconds=2.0, batches=4, habits=ALL)
    report = storm(tmp_path, database, plan, kills=2)
    assert report.tally.silences > 0


@pytest.mark.soak
def test_two_minutes_of_kills_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    plan = Plan(2, 20, 300, seconds=120.0, habits=replace(Habits(), copied=3, power_cuts=0.4))
    report = storm(tmp_path, database, plan, kills=30)
    assert report.tally.silences > 30
    assert report.tally.answers["duplicate"] > 0


# --- a database that goes and comes ---


def test_a_postgresql_that_restarts_under_scales(tmp_path: Path) -> None:
    with postgres.own_server() as server:
        url = server.get_uri("postgres")
        engine = open_engine(url)
        schema.upgrade(engine)
        engine.dispose()
        plan = Plan(1, 6, 50, seconds=2.0, batches=4, habits=ALL)
        with serving(tmp_path, url) as ours, simulated(plan, ours.url, key_of(url)) as run:
            run.until(plan.total // 4)
            server.stop()
            with httpx2.Client(base_url=ours.url, timeout=30) as client:
                assert client.get("/readyz").status_code == 503
                assert client.get("/healthz").status_code == 200
                server.start()
                report = run.report.result()
                assert client.get("/readyz").status_code == 200
    assert report.closed, report.differences.told
    assert report.tally.kept == plan.total
    assert report.tally.turned_away > 0


class FullAfter:
    """In front of the service: once it has answered `after` uploads its disk is full, until it has turned `until`
    away."""

    def __init__(self, app: ASGIApp, service: Service, after: int, until: int) -> None:
        self._app, self._service = app, service
        self._after, self._until = after, until
        self._full: Any = None
        self.refused: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if scope["path"] == "/api/v1/sales" and scope["method"] == "POST":
                self._note(message)
            await send(message)

        await self._app(scope, receive, told)

    def _note(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            return
        if message["status"] == 503:
            self.refused.append(dict(message["headers"])[b"retry-after"])
            if len(self.refused) == self._until:
                self._full.__exit__(None, None, None)
            return
        self._after -= 1
        if self._after == 0:
            self._full = full(self._service.engine, "receipt")
            self._full.__enter__()


def test_a_disk_that_fills_up_under_scales(service: Service) -> None:
    fronts: list[FullAfter] = []

    def between(app: ASGIApp) -> ASGIApp:
        fronts.append(FullAfter(app, service, after=20, until=4))
        return fronts[0]

    plan = Plan(1, 6, 60, seconds=2.0, batches=4, habits=ALL)
    report = played(service, plan, between=between)
    assert report.closed, report.differences.told
    assert report.tally.kept == plan.total
    assert len(fronts[0].refused) >= 4
    assert all(int(seconds) >= 1 for seconds in fronts[0].refused)


# --- everybody at once ---


def flood(directory: Path, database: Database, plan: Plan) -> tuple[Report, list[float]]:
    """A day of all scales arrives at once, and one scale goes on selling: the report, and how long its sales took."""
    key = key_of(database.url)
    with serving(directory, database.url) as server, httpx2.Client(base_url=server.url, timeout=60) as client:
        cast = Cast(client, key)
        live, late = cast.scale(cast.stall, "live"), cast.scale(cast.stall, "late")
        line = {"product_id": cast.product("大米")["id"], "quantity": quantity("1", "g")}
        times: list[float] = []
        with simulated(plan, server.url, key) as run:
            run.until(1, seconds=900)  # enrolling a district takes its time
            in_order(late, line, 1_500)
            counter = 0
            while not run.report.done():
                counter += 1
                started = time.monotonic()
                outcome = live.sell(counter, line)
                times.append(time.monotonic() - started)
                assert outcome["status"] == "recorded"
                if run.kept >= plan.total:
                    break
            report = run.report.result()
    return report, times


def in_order(scale: Scale, line: dict[str, Any], number: int) -> None:
    """A backlog in one body is recorded in the order in which it was sent."""
    moment = ago(hours=3)
    sales = [{"counter": number - n, "event_time": moment, "lines": [line]} for n in range(number)]
    content = "\n".join(map(json.dumps, sales)).encode()
    while True:
        sent = scale.request("POST", "/sales", content=content, headers={"Content-Type": "application/x-ndjson"})
        if sent.status_code != 503:
            break
        time.sleep(int(sent.headers["Retry-After"]))
    assert sent.status_code == 200, sent.text
    *outcomes, _ = [json.loads(row) for row in sent.text.splitlines()]
    assert [outcome["counter"] for outcome in outcomes] == [sale["counter"] for sale in sales]
    told = [outcome["record_time"] for outcome in outcomes]
    assert told == sorted(told)
    listed = scale.get("/sales", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    kept = {row["counter"]: row["record_time"] for row in map(json.loads, listed[:-1])}
    assert [kept[sale["counter"]] for sale in sales] == told


def test_a_morning_without_a_network_arrives_at_once(database: Database, tmp_path: Path) -> None:
    plan = Plan(1, 38, 40, seconds=0.1, batches=3, connections=100, backlog=True, habits=replace(ALL, copied=0))
    report, times = flood(tmp_path, database, plan)
    assert report.closed, report.differences.told
    assert report.tally.kept == plan.total
    assert times


@pytest.mark.soak
def test_the_day_of_eight_markets_arrives_at_once(database: Database, tmp_path: Path) -> None:
    """A district has 33; to enrol them all takes longer than the pipeline has."""
    plan = Plan(8, 76, 120, seconds=0.1, batches=8, connections=500, backlog=True, habits=replace(Habits(), copied=0))
    report, times = flood(tmp_path, database, plan)
    assert report.closed, report.differences.told
    assert report.theirs.sales == 8 * 76 * 120
    slowest = sorted(times)[int(len(times) * 0.99)]
    assert slowest <= 1.0, f"p99 of {len(times)} live sales: {slowest:.3f} s"
