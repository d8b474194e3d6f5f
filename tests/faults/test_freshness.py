"""A page is never older than a second: in another process, in one that was stopped, and beside a feed that is cut."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.scanning.chains import Market, open_market
from tests.support.cast import operator_key
from tests.support.databases import Database
from tests.support.server import Server, serving
from tests.support.story import Story

JSON = {"Accept": "application/json"}
BOUND = 1.0  # seconds


@pytest.fixture
def others(database: Database, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two processes on one database: one to write to, one to read from."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    secret = {"ONECODE_SECRET_FILE": str(tmp_path / "onecode.secret")}
    with (
        serving(tmp_path / "one", database.url, **secret) as one,
        serving(tmp_path / "two", database.url, **secret) as two,
    ):
        yield one, two


@pytest.fixture
def market(database: Database, others: tuple[Server, Server]) -> Iterator[Market]:
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    engine.dispose()
    with httpx2.Client(base_url=others[0].url, timeout=30) as client:
        yield open_market(Story(client, key))


def _status(reader: httpx2.Client, code: str) -> str:
    return str(reader.get(f"/c/{code}", headers=JSON).json()["status"])


def _turns(reader: httpx2.Client, code: str, change: Callable[[], Any], wanted: str) -> float:
    """Seconds from the acknowledgement of a change until the reader shows it."""
    change()
    acknowledged = time.monotonic()
    while (found := _status(reader, code)) != wanted:
        assert time.monotonic() < acknowledged + 10 * BOUND, f"{found}, not {wanted}"
        time.sleep(0.01)
    return time.monotonic() - acknowledged


def _batch(market: Market) -> dict[str, Any]:
    return dict(market.move(market.farm, market.stall, market.harvest()))


def _hold(market: Market, batch: dict[str, Any]) -> dict[str, Any]:
    return market.story.admin.record("hold", custody_id=batch["custody_id"], scope="custody", reason="抽检")


def test_a_hold_shows_in_another_process_within_a_second(market: Market, others: tuple[Server, Server]) -> None:
    batch = _batch(market)
    with httpx2.Client(base_url=others[1].url, timeout=30) as reader:
        late = []
        for _ in range(5):
            time.sleep(0.3)
            assert _status(reader, batch["code"]) == "ok"  # it is kept there now
            held: dict[str, Any] = {}
            late.append(_turns(reader, batch["code"], lambda held=held: held.update(_hold(market, batch)), "held"))

            def release(held: dict[str, Any] = held) -> None:
                market.story.admin.record("release", hold_event_id=held["id"], reason="合格")

            late.append(_turns(reader, batch["code"], release, "ok"))
        assert max(late) <= BOUND


@pytest.mark.parametrize("seconds", [2, pytest.param(10, marks=pytest.mark.soak)])
def test_a_process_that_was_stopped_believes_nothing_it_kept(
    market: Market, others: tuple[Server, Server], seconds: float
) -> None:
    batch = _batch(market)
    _, two = others
    with httpx2.Client(base_url=two.url, timeout=30) as reader:
        time.sleep(0.3)
        assert _status(reader, batch["code"]) == "ok"
        two.signal(signal.SIGSTOP)
        try:
            _hold(market, batch)
            time.sleep(seconds)
        finally:
            two.signal(signal.SIGCONT)
        assert _status(reader, batch["code"]) == "held", "the first answer after it goes on"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_beside_a_feed_that_is_cut_nothing_is_believed(market: Market, database: Database) -> None:
    """The tail's connection is killed again and again while holds come and go: no answer is older than a second."""
    import psycopg

    batch = _batch(market)
    reader = market.story.client
    with psycopg.connect(database.url, autocommit=True) as operator:
        for _ in range(4):
            held = _hold(market, batch)
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(BOUND)
            assert _status(reader, batch["code"]) == "held"
            market.story.admin.record("release", hold_event_id=held["id"], reason="合格")
            time.sleep(BOUND)
            assert _status(reader, batch["code"]) == "ok"
