"""Documents of thousands of events: in pieces, in bounded memory, cut off and gone on with, from two sides at once."""

import random
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from app.exchanging import importing
from app.exchanging.recording import Take, Taken, take_events
from app.store import tables
from app.store.check import verify
from app.store.engine import open_engine
from app.store.errors import StoreUnavailable
from app.store.writer import Transaction, Writer
from tests.exchanging.world import bring, document, ledger, made, rows, seen, some
from tests.support.databases import Database


def stories(lots: int) -> list[dict[str, Any]]:
    """Five events of each lot, from one of a few farms to one of many stalls."""
    events = []
    for i in range(lots):
        farm, market, stall = f"urn:x:farm:{i % 9}", f"urn:x:market:{i % 4}", f"urn:x:stall:{i % 50}"
        goods, hour = some(f"L{i}", 10.5), i % 600
        events += [
            made(hour, farm, goods),
            seen(hour + 1, farm, "shipping", goods),
            seen(hour + 2, market, "receiving", goods),
            seen(hour + 3, market, "shipping", goods),
            seen(hour + 4, stall, "receiving", goods),
        ]
    random.Random(5).shuffle(events)
    return events


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[Take]:
    """What was taken in, piece by piece."""
    taken: list[Take] = []

    def noting(transaction: Transaction, commands: Sequence[Take]) -> Sequence[Taken | Exception]:
        taken.extend(commands)
        return take_events(transaction, commands)

    monkeypatch.setattr(importing, "take_events", noting)
    return taken


def test_what_belongs_together_is_taken_together(
    engine: Engine, writer: Writer, pieces: list[Take], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 100)
    events = stories(60)
    report = bring(writer, engine, document(*events), issue=True)
    assert report.counts["recorded"] == 300
    assert [len(piece.events) for piece in pieces] == [100, 100, 100, 0]
    seen_in = Counter(epc for piece in pieces for epc in {e for noted in piece.events for e in noted.event.named})
    assert set(seen_in.values()) == {1}
    assert len(rows(engine, tables.custody)) == 180
    assert len(report.codes) == 240


def test_a_story_too_long_for_one_piece_goes_on_in_its_order(
    engine: Engine, writer: Writer, other: Engine, other_writer: Writer, pieces: list[Take], monkeypatch: Any
) -> None:
    events = [
        made(0, "urn:x:farm", some("A", 50)),
        *(seen(i, "urn:x:farm", "storing", some("A")) for i in range(1, 60)),
    ]
    bring(other_writer, other, document(*events))
    pieces.clear()
    monkeypatch.setattr(importing, "CHUNK", 25)
    random.Random(1).shuffle(events)
    bring(writer, engine, document(*events))
    assert [len(piece.events) for piece in pieces] == [25, 25, 10, 0]
    times = [noted.event.event_time for piece in pieces for noted in piece.events]
    assert times == sorted(times)
    assert ledger(engine) == ledger(other)


def test_an_import_that_is_cut_off_is_gone_on_with(
    engine: Engine, writer: Writer, other: Engine, other_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = document(*stories(40))
    bring(other_writer, other, brought)
    monkeypatch.setattr(importing, "CHUNK", 50)
    calls = 0

    def failing(transaction: Transaction, commands: Sequence[Take]) -> Sequence[Taken | Exception]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StoreUnavailable("the disk is full")
        return take_events(transaction, commands)

    with monkeypatch.context() as patched:
        patched.setattr(importing, "take_events", failing)
        with pytest.raises(StoreUnavailable):
            bring(writer, engine, brought)
    assert len(rows(engine, tables.event)) == 100
    assert verify(engine) == []
    report = bring(writer, engine, brought)
    assert report.counts == {"recorded": 100, "duplicate": 100, "refused": 0, "flagged": 0}
    assert ledger(engine) == ledger(other)


def test_two_writers_at_once(database: Database, other: Engine, other_writer: Writer) -> None:
    """As two processes: events of the same goods, half from each side."""
    events = stories(30)
    bring(other_writer, other, document(*events))
    engines = [open_engine(database.url) for _ in range(2)]
    writers = [Writer(engine) for engine in engines]

    def half(i: int) -> None:
        for start in range(i, len(events), 30):
            bring(writers[i], engines[i], document(*events[start : start + 30 : 2]))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(half, range(2)))
    for one in writers:
        one.close()
    assert ledger(engines[0]) == ledger(other)
    assert verify(engines[0]) == []
    for engine in engines:
        engine.dispose()


@pytest.mark.soak
def test_ten_thousand_events_in_bounded_memory(engine: Engine, writer: Writer) -> None:
    brought = document(*stories(2_000))
    tracemalloc.start()
    report = bring(writer, engine, brought)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.counts["recorded"] == 10_000
    assert peak < 120_000_000
    assert verify(engine) == []
