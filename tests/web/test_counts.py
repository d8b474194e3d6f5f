"""How often a code was scanned: counted in memory, written in batches, told as of a minute ago at most."""

import asyncio
import gzip
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Client

from app.main import close_service, open_service
from app.scanning.counting import NEVER, NoteScans, Scans, note_scans, read_scans
from app.settings import Settings
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Writer
from app.web import counts as counting
from app.web.counts import ScanCounts
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.support.story import Story

HTML = {"Accept": "text/html", "Accept-Language": "zh-CN"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def town(story: Story, service: Service) -> Market:
    opened = open_market(story)
    settled(service)
    return opened


def written(engine: Database, *codes: str) -> dict[str, int]:
    with reading(engine) as snapshot:
        return {code: scans.count for code, scans in read_scans(snapshot, codes).items()}


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count_anew(service: Service) -> None:
    """As if a minute had passed."""
    for _, made in service.scans.kept():
        assert made.value is not None
        made.value.counted_at = float("-inf")


def test_scans_are_counted_and_told(town: Market, client: Client, service: Service) -> None:
    code = town.stall.site["code"]
    told = client.get(f"/c/{code}", headers=JSON).json()["scans"]
    assert told["count"] == 1
    first = datetime.fromisoformat(told["first_time"])
    assert abs(datetime.now(UTC) - first) < timedelta(seconds=30)
    # The same minute tells the same; a minute later it is up to date, in every representation.
    client.get(f"/c/{code.lower()}", headers=JSON)
    client.head(f"/c/{code}", headers=JSON)
    client.get(f"/c/{code}", headers={**JSON, "Authorization": f"Bearer {town.stall.key}"})
    assert client.get(f"/c/{code}", headers=JSON).json()["scans"] == told
    count_anew(service)
    assert client.get(f"/c/{code}", headers=JSON).json()["scans"]["count"] == 4
    assert "第 5 次扫码，首次 " in client.get(f"/c/{code}", headers=HTML).text
    assert "Scanned 6 times, first on " in client.get(f"/c/{code}?lang=en", headers=HTML).text
    eventually(lambda: written(service.engine, code) == {code: 6})
    with reading(service.engine) as snapshot:
        assert abs(first - (read_scans(snapshot, [code])[code].first_time or first)) < timedelta(seconds=2)


def test_a_key_sees_the_count_and_adds_nothing(town: Market, client: Client, service: Service) -> None:
    code = town.farm.site["code"]
    own = {**HTML, "Authorization": f"Bearer {town.farm.key}"}
    assert "此前没有扫码记录" in client.get(f"/c/{code}", headers=own).text
    client.get(f"/c/{code}", headers=HTML)
    eventually(lambda: written(service.engine, code) == {code: 1})
    assert "第 1 次扫码" in client.get(f"/c/{code}", headers=own).text
    assert client.get(f"/c/{code}", headers={**own, **JSON}).json()["scans"]["count"] == 1


def test_scans_that_the_route_answers_count_as_well(town: Market, client: Client, service: Service) -> None:
    story = town.story
    batch = town.move(town.farm, town.stall, town.harvest())
    receipt = story.scale(town.stall).sell(0, story.item(batch, "1"))["receipt_code"]
    assert [client.get(f"/c/{receipt}", headers=JSON).json()["scans"]["count"] for _ in range(3)] == [1, 2, 3]
    assert "第 4 次扫码" in client.get(f"/c/{receipt}", headers=HTML).text
    strange = client.get(f"/c/{batch['code']}?lang=tlh", headers=JSON)
    assert strange.json()["scans"]["count"] == 1
    # Nothing is counted of what there is not.
    unknown = f"/c/{receipt[:-2]}{'0' if receipt[-2] != '0' else '1'}{receipt[-1]}"
    assert client.get(unknown, headers=JSON).status_code in (400, 404)
    eventually(lambda: written(service.engine, receipt, batch["code"]) == {receipt: 4, batch["code"]: 1})


def test_a_count_is_renewed_without_making_the_page_again(
    town: Market, client: Client, service: Service, service_statements: Statements
) -> None:
    path = f"/c/{town.stall.site['code']}"
    packed = {**HTML, "Accept-Encoding": "gzip"}
    first = client.get(path, headers=packed)
    eventually(lambda: written(service.engine, town.stall.site["code"]) != {town.stall.site["code"]: 0})
    time.sleep(0.2)
    service_statements.clear()
    for n in (2, 6, 40):
        while n > service.counts.heard(town.stall.site["code"]).count + 1:  # type: ignore[union-attr]
            client.get(path, headers=HTML)
        count_anew(service)
        again = client.get(path, headers=packed)
        assert f"第 {n} 次扫码" in again.text
        assert again.headers["etag"] != first.headers["etag"]
        plain = client.get(path, headers={**HTML, "Accept-Encoding": "identity"})
        assert plain.content == again.content
        assert int(again.headers["content-length"]) < int(plain.headers["content-length"]) / 2
        for told in (again, plain):
            same = client.get(path, headers={**packed, "If-None-Match": told.headers["etag"]})
            assert same.status_code == 304
        assert re.sub(r"第 \d+ 次", "", again.text) == re.sub(r"第 \d+ 次", "", first.text)
    ran = [text for text in service_statements.texts if "feed" not in text]
    assert [text for text in ran if "scan_count" not in text] == []


def test_a_compressed_answer_is_whole_by_any_reader(town: Market, client: Client, service: Service) -> None:
    client.get(f"/c/{town.market.site['code']}", headers=HTML)
    ((_, made),) = service.scans.kept()
    kept = made.value
    assert kept is not None
    for n in (1, 22, 333, 1):
        kept.count(Scans(n, datetime(2026, 3, 1, tzinfo=UTC)), 0.0)
        assert gzip.decompress(kept.gzip_body) == kept.body
        assert f"第 {n} 次扫码，首次 2026年3月1日 08:00".encode() in kept.body


def test_counts_of_several_processes_add_up(database: Any, settings: Settings, engine: Database) -> None:
    if engine.dialect.name == "sqlite":
        services = [open_service(settings)]  # room for one that writes
    else:
        services = [open_service(settings), open_service(settings)]
    times = datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    try:
        for n, service in enumerate(services * 3):
            command = NoteScans({"S1": 2, f"S{n}x": 1}, times[0] - timedelta(minutes=n), times[1])
            told = service.writer.submit(note_scans, command)
            assert told["S1"] == Scans(2 * (n + 1), times[0] - timedelta(minutes=n))
    finally:
        for service in services:
            close_service(service)
    with reading(engine) as snapshot:
        assert read_scans(snapshot, ["S1", "S0"]) == {
            "S1": Scans(6 * len(services), times[0] - timedelta(minutes=3 * len(services) - 1)),
            "S0": NEVER,
        }


def test_commands_of_one_batch_add_up(writer: Writer, engine: Database) -> None:
    async def crowd() -> list[Any]:
        now = datetime(2026, 3, 1, 8, tzinfo=UTC)
        return await writer.settle(note_scans, [NoteScans({"S1": n, "S2": 1}, now, now) for n in (1, 2, 3)])

    told = asyncio.run(crowd())
    assert told[-1]["S1"].count == 6
    assert written(engine, "S1", "S2") == {"S1": 6, "S2": 3}


# --- what waits ---


class Slow:
    """A writer that answers when it is told to."""

    def __init__(self) -> None:
        self.sent: list[NoteScans] = []
        self.answers: list[Callable[[Any], None]] = []
        self.fails = False

    def offer(self, job: Any, command: NoteScans, done: Callable[[Any], None]) -> None:
        if self.fails:
            raise StoreUnavailable("shut")
        self.sent.append(command)
        self.answers.append(done)

    def submit(self, job: Any, command: NoteScans) -> Any:
        if self.fails:
            raise StoreUnavailable("shut")
        self.sent.append(command)


def test_a_crawl_over_many_codes_does_not_grow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "CODES", 100)
    lost: list[int] = []
    slow = Slow()

    async def crawl() -> ScanCounts:
        counts = ScanCounts(None, slow, lost.append)  # type: ignore[arg-type]
        for n in range(1_000):
            counts.count(f"S{n}")
            counts.count("S0")
        assert len(slow.sent) == 1, "early, and no second before the first is written"
        slow.answers[0]({code: Scans(1, None) for code in slow.sent[0].counts})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return counts

    counts = asyncio.run(crawl())
    assert len(slow.sent) == 2
    assert [len(command.counts) for command in slow.sent] == [100, 100]
    counts.close()
    assert sum(sum(command.counts.values()) for command in slow.sent) + sum(lost) == 2_000
    assert sum(lost) < 1_000


def test_what_could_not_be_written_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "PERIOD", 0.01)
    slow = Slow()

    async def stand() -> ScanCounts:
        counts = ScanCounts(None, slow, lambda lost: None)  # type: ignore[arg-type]
        slow.fails = True
        counts.count("S1")
        await asyncio.sleep(0.05)
        slow.fails = False
        counts.count("S1")
        counts.count("S2")
        await asyncio.sleep(0.1)
        slow.answers.pop()(StoreUnavailable("gone"))
        counts.count("S2")
        await asyncio.sleep(0.1)
        slow.answers.pop()({"S1": Scans(12, None), "S2": Scans(2, None)})
        await asyncio.sleep(0)
        return counts

    counts = asyncio.run(stand())
    assert [dict(command.counts) for command in slow.sent] == [{"S1": 2, "S2": 1}, {"S1": 2, "S2": 2}]
    assert slow.sent[0].begun == slow.sent[1].begun
    assert counts.heard("S1") == Scans(12, None)
    counts.close()
    assert len(slow.sent) == 2


def test_what_is_left_is_written_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()

    async def stand() -> ScanCounts:
        counts = ScanCounts(None, slow, lambda lost: None)  # type: ignore[arg-type]
        counts.count("S1")
        return counts

    asyncio.run(stand()).close()
    assert [dict(command.counts) for command in slow.sent] == [{"S1": 1}]
    slow.fails = True
    asyncio.run(stand()).close()  # says so in the log, and ends


def test_a_count_is_forgotten_after_a_minute() -> None:
    now = 100.0
    counts = ScanCounts(None, Slow(), lambda lost: None, lambda: now)  # type: ignore[arg-type]
    counts.learn("S1", Scans(3, None))
    counts.learn("S1", Scans(9, None))
    assert counts.heard("S1") == Scans(3, None)
    now = 161.0
    assert counts.heard("S1") is None
    counts.learn("S2", Scans(1, None))
    counts.learn("S1", Scans(4, None))
    assert (counts.heard("S1"), counts.heard("S2")) == (Scans(4, None), Scans(1, None))
    now = 222.0
    counts.learn("S3", NEVER)
    counts.learn("S4", NEVER)
    assert counts.heard("S1") is None
    now = 283.0
    counts.learn("S5", NEVER)
    assert len(counts._heard) + len(counts._heard_before) == 3


def test_all_who_ask_at_once_are_told_by_one_statement(
    engine: Database, writer: Writer, statements: Statements
) -> None:
    writer.submit(note_scans, NoteScans({"S1": 5}, datetime.now(UTC), datetime.now(UTC)))
    statements.clear()

    async def crowd() -> list[Scans]:
        counts = ScanCounts(engine, writer, lambda lost: None)
        return list(await asyncio.gather(*(counts.read(code) for code in ("S1", "S2", "S1"))))

    assert [scans.count for scans in asyncio.run(crowd())] == [5, 0, 5]
    assert len(statements) == 1
