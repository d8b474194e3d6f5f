"""The doors of boards: what a hundred screens cost, how a stream tells of changes, and when it ends."""

import asyncio
import gzip
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from httpx2 import Client
from starlette.types import ASGIApp

from app import web
from app.domain import codes
from app.scanning import boards
from app.store.errors import StoreUnavailable
from app.web import assets, screens
from app.web.memo import Memo
from app.web.metrics import Metrics
from app.web.service import Service
from app.web.stopping import hearing_the_end
from tests.scanning.hall import Hall, open_hall
from tests.support.databases import Database
from tests.support.freshness import settled
from tests.support.server import serving
from tests.support.statements import Statements
from tests.support.story import Story

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9", "Accept-Language": "zh-CN"}
JSON = {"Accept": "application/json"}
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def hall(story: Story, service: Service) -> Hall:
    opened = open_hall(story)
    for stall, name in zip(opened.stalls, ("上海青", "番茄", "菠菜"), strict=True):
        opened.deliver(opened.harvest(name, f"HD-{name}"), stall)
    settled(service)
    return opened


def market(hall: Hall) -> str:
    return f"/boards/{hall.market.site['code']}"


def asked(statements: Statements) -> list[str]:
    return [text for text in statements.texts if "feed" not in text]


def test_a_hundred_screens_cost_one_reading_of_one_stall(
    hall: Hall, client: Client, service_statements: Statements
) -> None:
    path = market(hall)
    service_statements.clear()
    first = client.get(path, headers=JSON)
    whole = len(asked(service_statements))
    assert whole <= 16 * 4 + 3, "a stall takes sixteen statements at most, and the plan three"
    service_statements.clear()
    for _ in range(100):
        assert client.get(path, headers=JSON).content == first.content
    assert asked(service_statements) == []
    hall.test(hall.on_sale[1], "12")
    time.sleep(0.3)
    service_statements.clear()
    second = [client.get(path, headers=JSON).content for _ in range(100)]
    assert set(second) == {second[0]}
    assert second[0] != first.content
    assert len(asked(service_statements)) <= 2 * 16 + 3, "the stall, and the gate where it was tested"


def test_sales_are_nothing_to_it_until_something_is_sold_out(
    hall: Hall, client: Client, service_statements: Statements
) -> None:
    scale = hall.story.handheld(hall.stalls[0], "秤", "scale")
    path = market(hall)
    time.sleep(0.3)
    before = client.get(path, headers=JSON).json()
    for _ in range(3):
        scale.prints({"custody_id": hall.on_sale[0]["custody_id"], "quantity": {"value": "1", "unit": "公斤"}})
    scale.upload()
    time.sleep(0.3)
    service_statements.clear()
    assert client.get(path, headers=JSON).json() == before
    assert asked(service_statements) == []
    scale.prints({"custody_id": hall.on_sale[0]["custody_id"], "quantity": {"value": "17", "unit": "公斤"}})
    scale.upload()
    after = client.get(path, headers=JSON).json()
    assert before["totals"]["on_sale"] - after["totals"]["on_sale"] == 1


@SQLITE
def test_a_page_and_its_headers(hall: Hall, client: Client) -> None:
    page = client.get(market(hall), headers=HTML)
    assert page.status_code == 200
    assert page.headers["content-language"] == "zh-CN"
    assert page.headers["cache-control"] == "public, no-cache"
    assert page.headers["content-encoding"] == "gzip"
    assert "set-cookie" not in page.headers
    rules = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert (rules["default-src"], rules["script-src"], rules["connect-src"]) == ("'none'", "'self'", "'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert len(gzip.compress(page.content)) < 14_000
    plain = client.get(market(hall), headers={**HTML, "Accept-Encoding": "identity"})
    assert plain.content == page.content
    assert client.get(market(hall), headers={**HTML, "If-None-Match": page.headers["etag"]}).status_code == 304
    english = client.get(f"{market(hall)}?lang=en", headers=HTML)
    assert "Traceability board" in english.text
    assert english.headers["etag"] != page.headers["etag"]
    assert client.get(market(hall), headers=JSON).json() == client.get(f"{market(hall)}.json").json()
    own = client.get(market(hall), headers={**JSON, "Authorization": f"Bearer {hall.market.key}"})
    assert (own.headers["cache-control"], own.json()["expiring"]) == ("private, no-store", [])
    assert client.get(market(hall).lower().replace("/boards/s", "/boards/S-"), headers=JSON).status_code == 200


@SQLITE
def test_scripts_are_kept_until_they_change(client: Client) -> None:
    for name in assets.FILES:
        kept = client.get(assets.address(name))
        assert kept.headers["content-type"].startswith("text/javascript")
        assert "immutable" in kept.headers["cache-control"]
        assert client.get(f"/static/{name}").headers["cache-control"] == "public, no-cache"
        again = client.get(f"/static/{name}", headers={"If-None-Match": kept.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/static/else.js").status_code == 404


@SQLITE
def test_beside_a_feed_that_is_cut_nothing_older_than_a_second_is_shown(
    hall: Hall, client: Client, service: Service, service_statements: Statements
) -> None:
    client.get(market(hall), headers=JSON)
    service.tail.close()
    time.sleep(1.1)
    service_statements.clear()
    client.get(market(hall), headers=JSON)
    read = len(asked(service_statements))
    assert read > 0
    client.get(market(hall), headers=JSON)
    assert len(asked(service_statements)) == read, "what is younger than a second is shown again"


# --- streams ---


class Screen:
    """A client of the stream without a network: what it has heard, and how it goes."""

    def __init__(self, app: ASGIApp, path: str, query: str = "") -> None:
        self.heard: list[str] = []
        self.status = 0
        self._gone = asyncio.Event()
        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(b"accept", b"text/event-stream")], "http_version": "1.1", "scheme": "https",
            "server": ("food.example.cn", 443), "client": ("127.0.0.1", 1), "root_path": "",
        }  # fmt: skip
        self._first = True
        asking: Any = app(scope, self._receive, self._send)
        self.task: asyncio.Task[None] = asyncio.create_task(asking)

    async def _receive(self) -> dict[str, Any]:
        if self._first:
            self._first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.heard += [text for text in message["body"].decode().split("\n\n") if text]

    async def hears(self, number: int, seconds: float = 2.0) -> list[str]:
        """What it has heard as soon as that is so many events."""
        deadline = time.monotonic() + seconds
        while len(self.events) < number:
            assert time.monotonic() < deadline, self.heard
            assert not self.task.done() or self.task.result() is None
            await asyncio.sleep(0.01)
        return self.events

    @property
    def events(self) -> list[str]:
        return [text for text in self.heard if text.startswith("event: board")]

    async def goes(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 2)


@asynccontextmanager
async def looking(service: Service, hall: Hall, number: int = 1) -> AsyncIterator[list[Screen]]:
    app = web.create_app(service)
    screens = [Screen(app, f"{market(hall)}/events") for _ in range(number)]
    yield screens
    for screen in screens:
        await screen.goes()
    assert service.boards.screens == 0


async def elsewhere(change: Any, *arguments: Any) -> None:
    await asyncio.get_running_loop().run_in_executor(None, change, *arguments)


def test_every_screen_hears_of_a_change_within_a_second(hall: Hall, service: Service, unfrozen: None) -> None:
    async def play() -> None:
        async with looking(service, hall, 20) as screens:
            for screen in screens:
                [first] = await screen.hears(1)
            await elsewhere(hall.test, hall.on_sale[0], "71")
            for screen in screens:
                told = await screen.hears(2, 1.0)
                assert told[1] != first
            assert "onecode_screens_open 20" in service.metrics.text()

    asyncio.run(play())


def test_changes_that_concern_another_market_wake_nobody(hall: Hall, service: Service, unfrozen: None) -> None:
    async def play() -> None:
        async with looking(service, hall) as [screen]:
            await screen.hears(1)
            far = hall.story.enrol("market", "城东市场", "market", "market")
            assert far.site["name"] == "城东市场"
            await asyncio.sleep(0.6)
            assert len(screen.events) == 1

    asyncio.run(play())


@SQLITE
def test_a_stream_beats_and_ends_when_the_service_stops(
    hall: Hall, service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.boards.BEAT", 0.05)

    async def play() -> None:
        app = web.create_app(service)
        screen = Screen(app, f"{market(hall)}/events")
        await screen.hears(1)
        while "event: beat\ndata: " not in screen.heard:
            await asyncio.sleep(0.01)
        assert screen.heard[0] == "retry: 3000"
        await elsewhere(service.boards.close)
        await asyncio.wait_for(screen.task, 2)
        assert service.boards.screens == 0

    asyncio.run(play())


@SQLITE
def test_beyond_the_limit_it_is_refused(hall: Hall, service: Service, unfrozen: None, client: Client) -> None:
    service.boards.limit = 2

    async def play() -> None:
        async with looking(service, hall, 2) as screens:
            for screen in screens:
                await screen.hears(1)
            third = Screen(web.create_app(service), f"{market(hall)}/events")
            await asyncio.wait_for(third.task, 2)
            assert third.status == 503
            assert "/problems/too-many-screens" in third.heard[0]
            once = Screen(web.create_app(service), f"{market(hall)}/events", "once=true")
            await asyncio.wait_for(once.task, 2)
            assert once.events == screens[0].events

    asyncio.run(play())
    service.boards.limit = 0
    refused = client.get(f"{market(hall)}/events")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    # Two that come at once where there is room for one: the second is told as it begins.
    with pytest.raises(screens.TooManyScreens):
        service.boards.watch(codes.parse(hall.market.site["code"]))


@SQLITE
def test_a_board_that_cannot_be_read_for_a_while_is_read_again(
    hall: Hall, service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [StoreUnavailable("away"), RuntimeError("a bug")]

    def failing(*arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return boards.plan(*arguments)

    async def play() -> None:
        async with looking(service, hall) as [screen]:
            await screen.hears(1)
            monkeypatch.setattr(screens, "plan", failing)
            for _ in range(2):
                service.boards.forget_all()
                await asyncio.sleep(0.5)
            await elsewhere(hall.test, hall.on_sale[0], "71")
            await screen.hears(2)

    asyncio.run(play())
    assert "cannot be shown" in caplog.text
    assert "cannot be read" in caplog.text


@SQLITE
def test_many_changes_cost_a_few_looks_and_no_memory(
    hall: Hall, service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen that listens slowly hears of the last, not of each; nothing piles up for it."""
    made: list[float] = []

    def composed(*arguments: Any) -> Any:
        made.append(time.monotonic())
        return boards.compose(*arguments)

    monkeypatch.setattr(screens, "compose", composed)

    def change() -> None:
        for _ in range(60):
            held = hall.market.record("hold", custody_id=hall.on_sale[0]["custody_id"], scope="custody", reason="x")
            hall.market.record("release", hold_event_id=held["id"], reason="y")
        hall.test(hall.on_sale[1], "71")

    async def play() -> None:
        async with looking(service, hall) as [screen]:
            await screen.hears(1)
            began = time.monotonic()
            await elsewhere(change)
            seconds = time.monotonic() - began
            await asyncio.sleep(1.0)
            assert len(made) <= (seconds + 1.0) / screens.GAP + 3
            ready = await service.boards.ready(codes.parse(hall.market.site["code"]))
            assert screen.events[-1].endswith(ready.tag)
            assert ready.board.totals["notices"] == 1

    asyncio.run(play())


@SQLITE
def test_where_there_is_no_room_to_keep_a_board_it_is_told_of_changes_all_the_same(
    hall: Hall, service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.boards, "_stands", Memo(lambda: service.tail.age, 1))

    async def play() -> None:
        async with looking(service, hall) as [screen]:
            await screen.hears(1)
            await elsewhere(hall.test, hall.on_sale[0], "71")
            await screen.hears(2, 1.0)

    asyncio.run(play())


@SQLITE
def test_as_many_boards_are_kept_ready_as_are_looked_at(
    hall: Hall, client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "KEPT", 2)
    for actor in (hall.market, *hall.stalls):
        assert client.get(f"/boards/{actor.site['code']}.json").status_code == 200
    assert len(service.boards._ready) == 2


def test_a_server_with_open_screens_stops_at_once(database: Database, tmp_path: Path) -> None:
    """It waits for no screen: they come back by themselves."""
    with serving(tmp_path, database.url) as server:
        from app.store.engine import open_engine
        from app.store.writer import Writer
        from tests.support.cast import operator_key

        engine = open_engine(database.url)
        writer = Writer(engine)
        key = operator_key(writer)
        writer.close()
        engine.dispose()
        with httpx2.Client(base_url=server.url, timeout=30) as client:
            hall = open_hall(Story(client, key), 1)
            with client.stream("GET", f"{server.url}{market(hall)}/events") as stream:
                lines = stream.iter_lines()
                while not next(lines).startswith("event: board"):
                    pass
                began = time.monotonic()
                server.signal(signal.SIGTERM)
                for _ in lines:
                    pass
                server.process.join(10)
                assert time.monotonic() - began < 5
                assert server.process.exitcode is not None


def test_nobody_hears_signals_off_the_main_thread_or_where_nobody_listens() -> None:
    heard: list[str] = []
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with hearing_the_end(lambda: heard.append("told")):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "the process just ends"
        signal.signal(signal.SIGTERM, lambda *_: heard.append("server"))
        with hearing_the_end(lambda: heard.append("told")):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert heard == ["told", "server", "server"]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert Metrics({}).text()
