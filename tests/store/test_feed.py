"""The change feed: nothing missed, nothing twice, from several writers, and no row kept for ever."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from app.store import feed, tables
from app.store.engine import open_engine, reading, writing
from app.store.feed import Tail
from app.store.writer import Transaction, Writer
from tests.support.databases import Database


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.01)


def _touch(transaction: Transaction, names: list[str]) -> list[None]:
    transaction.touched.update(names)
    return [None] * len(names)


def test_a_reader_hears_of_every_change_of_every_writer_once(database: Database, engine: Engine) -> None:
    heard: list[str] = []
    ready = threading.Event()
    tail = Tail(engine, heard.extend, ready.set)
    tail.start()
    assert ready.wait(10)
    engines = [open_engine(database.url) for _ in range(3)]
    writers = [Writer(each) for each in engines]

    def write(number: int) -> None:
        for i in range(30):
            writers[number].submit(_touch, f"{number}-{i}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _until(lambda: len(heard) >= 90)
    tail.close()
    for writer in writers:
        writer.close()
    for each in engines:
        each.dispose()
    assert sorted(heard) == sorted(f"{number}-{i}" for number in range(3) for i in range(30))


def test_an_old_entry_is_dropped_and_a_young_one_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "NEWEST", 0)
    now = datetime(2026, 3, 1, 6, tzinfo=UTC)
    with writing(engine) as connection:
        feed.append(connection, now - feed.KEEP - timedelta(seconds=1), ["old"])
        feed.append(connection, now, ["young"])
        feed.prune(connection, now)
    with reading(engine) as snapshot:
        assert snapshot.scalars(select(tables.feed.c.touched)).all() == [["young"]]
        assert snapshot.scalar(select(func.count()).select_from(tables.feed)) == 1


def test_a_clock_that_jumps_by_days_takes_no_entry_from_a_reader(engine: Engine) -> None:
    now = datetime(2026, 3, 1, 6, tzinfo=UTC)
    with writing(engine) as connection:
        feed.append(connection, now, ["not heard of yet"])
        feed.append(connection, now + timedelta(days=3), ["after the jump"])
        feed.prune(connection, now + timedelta(days=3))
    with reading(engine) as snapshot:
        assert snapshot.scalar(select(func.count()).select_from(tables.feed)) == 2


def test_a_reader_that_was_stopped_for_a_day_starts_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[object] = []
    tail = Tail(engine, lambda touched: None, lambda: lost.append(tail._position))
    tail.start()
    _until(lambda: len(lost) == 1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + feed.KEEP.total_seconds())
    _until(lambda: len(lost) == 2)
    tail.close()
    assert len(lost) == 2, "once"
    assert None not in lost, "what is made after the loss is heard of from there on"


def test_the_writer_keeps_the_feed_bounded_by_itself(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "NEWEST", 10)
    clock = datetime(2026, 3, 1, tzinfo=UTC)

    def tick() -> datetime:
        nonlocal clock
        clock += timedelta(hours=1)
        return clock

    writer = Writer(engine, clock=tick)
    for i in range(200):
        writer.submit(_touch, str(i))
    writer.close()
    with reading(engine) as snapshot:
        assert (snapshot.scalar(select(func.count()).select_from(tables.feed)) or 0) <= 30
