"""The threads that work at capture jobs: they stop, fail and lose jobs, and no job is lost or told wrongly."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, update

from app.enrolling.keys import OPERATOR
from app.exchanging import Capturer, ImportReport, Limits, Order, capturer, capturing, importing
from app.exchanging.capturing import Piece
from app.exchanging.checking import Checked
from app.exchanging.helper import Helper
from app.exchanging.recording import Take, Taken, take_events
from app.exchanging.sources import Source
from app.store import capture_jobs, tables
from app.store.capture_jobs import CaptureJob
from app.store.engine import Database, reading, writing
from app.store.errors import StoreUnavailable
from app.store.writer import Transaction, Writer
from tests.exchanging.world import FARM, document, made, rows, some

SECONDS = 60
EVENTS = [made(1, FARM, some("A", 5)), made(2, FARM, some("B", 5))]

Starter = Callable[[], Capturer]


@pytest.fixture
def start(engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Starter]:
    """Starts capturers, which look all the time."""
    monkeypatch.setattr(capturer, "IDLE", 0.02)
    started: list[Capturer] = []

    def start() -> Capturer:
        started.append(Capturer(engine, writer, Limits(1_000, 1_000_000)))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close()


def brought(writer: Writer, *events: dict[str, Any]) -> UUID:
    """A job that waits to be worked at."""
    raw = json.dumps(document(*events)).encode()
    job = capturing.new_job(uuid4(), OPERATOR, "application/json", "rollback", datetime.now(UTC), len(raw))
    writer.submit(capturing.receive, Piece(job.id, 0, capture_jobs.packed(raw), job, len(raw)))
    return job.id


def job_of(engine: Engine, key: UUID) -> CaptureJob:
    with reading(engine) as snapshot:
        found = capture_jobs.find(snapshot, key)
    assert found is not None
    return found


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def ended(engine: Engine, key: UUID) -> CaptureJob:
    until(lambda: job_of(engine, key).state == "done")
    return job_of(engine, key)


def expire(transaction: Transaction, keys: Sequence[UUID]) -> list[None]:
    """Job: nobody has noted anything of them for long."""
    for key in keys:
        changed = update(tables.capture_job).where(tables.capture_job.c.id == key)
        transaction.connection.execute(changed.values(lease_until=transaction.now - timedelta(seconds=1)))
    return [None] * len(keys)


def take_over(transaction: Transaction, keys: Sequence[UUID]) -> Sequence[CaptureJob | Exception | None]:
    """Job: as another process that found a lease ended."""
    expire(transaction, keys)
    return capturing.take(transaction, keys)


class Endless:
    """In the place of an import: one that is never done, and tells so until it may not go on."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(
        self, writer: Writer, database: Database, source: Source, order: Order, helper: Helper | None
    ) -> ImportReport:
        checked = Checked(source, lambda _: None)
        try:
            while True:
                order.told(checked, 1)
                self.begun.set()
                time.sleep(0.001)
        finally:
            self.over.set()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    made = Endless()
    monkeypatch.setattr(capturer, "import_document", made)
    return made


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Exception], None]:
    """Of what is recorded, in pieces of one event, the nth fails."""

    def failing(nth: int, error: Exception) -> None:
        calls = 0

        def fails(transaction: Transaction, commands: Sequence[Take]) -> Sequence[Taken | Exception]:
            nonlocal calls
            calls += 1
            if calls == nth:
                raise error
            return take_events(transaction, commands)

        monkeypatch.setattr(importing, "CHUNK", 1)
        monkeypatch.setattr(importing, "take_events", fails)

    return failing


def test_who_stops_hands_the_job_on(
    engine: Engine, writer: Writer, start: Starter, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = brought(writer, *EVENTS)
    first = start()
    assert endless.begun.wait(SECONDS)
    assert job_of(engine, key).state == "running"
    first.close()
    handed = job_of(engine, key)
    assert handed.state == "waiting"
    assert handed.lease_until is not None
    assert handed.lease_until <= datetime.now(UTC), "nobody has to wait for the end of a lease"
    monkeypatch.setattr(capturer, "import_document", importing.import_document)
    start()
    done = ended(engine, key)
    assert (done.success, done.counts["recorded"]) == (True, 2)


def test_who_has_not_read_a_large_document_yet_still_has_it(engine: Engine, writer: Writer) -> None:
    key = brought(writer, made(1, FARM, some("A", 5)))
    with writing(engine) as connection:
        connection.execute(update(tables.capture_job).values(size=64 * capturing.READ))
    assert writer.submit(capturing.take, key) is not None
    minute = datetime.now(UTC) + timedelta(minutes=1)
    with reading(engine) as snapshot:
        assert capture_jobs.due(snapshot, minute, None) is None
        assert capture_jobs.due(snapshot, minute + timedelta(minutes=1), None) == key


def test_however_often_processes_stop_a_job_is_not_given_up(engine: Engine, writer: Writer, start: Starter) -> None:
    key = brought(writer, *EVENTS)
    for _ in range(2 * capturer.TRIES):
        taken = writer.submit(capturing.take, key)
        assert taken is not None
        writer.submit(capturing.give_back, capturing.GiveBack(taken, timedelta(0)))
    start()
    assert ended(engine, key).success


def test_how_far_it_is_is_noted_and_who_lost_a_job_leaves_it_alone(
    engine: Engine, writer: Writer, start: Starter, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturer, "NOTED", 0.0)
    key = brought(writer, *EVENTS)
    start()
    until(lambda: job_of(engine, key).handled == 1)
    noted = job_of(engine, key)
    assert (noted.state, noted.events, noted.success) == ("running", 2, True)
    until(lambda: job_of(engine, key).lease_until != noted.lease_until)  # it stays ours for longer
    theirs = writer.submit(take_over, key)
    assert theirs is not None
    assert endless.over.wait(SECONDS)
    assert job_of(engine, key) == theirs
    assert writer.submit(capturing.finish, theirs)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_database_that_fails_for_a_moment(
    engine: Engine,
    writer: Writer,
    start: Starter,
    failing: Callable[[int, Exception], None],
    caplog: pytest.LogCaptureFixture,
    nth: int,
) -> None:
    failing(nth, StoreUnavailable("the disk is full"))
    key = brought(writer, *EVENTS)
    start()
    done = ended(engine, key)
    assert (done.success, done.errors) == (True, [])
    assert (done.counts["recorded"], done.counts["duplicate"]) == (2, 0), "what it recorded before is its own"
    assert len(rows(engine, tables.event)) == 2
    assert "capture jobs cannot be worked at: the disk is full" in caplog.messages


def test_a_fault_of_ours_stops_neither_the_others_nor_the_next_try(
    engine: Engine,
    writer: Writer,
    start: Starter,
    failing: Callable[[int, Exception], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing(1, ZeroDivisionError("a bug"))
    key = brought(writer, *EVENTS)
    start()
    until(lambda: "capture jobs could not be worked at" in caplog.messages)
    assert job_of(engine, key).state == "running", "until its lease ends"
    assert ended(engine, brought(writer, made(3, FARM, some("C", 5)))).success
    writer.submit(expire, key)
    done = ended(engine, key)
    assert (done.success, done.counts["recorded"]) == (True, 2)


def test_what_never_came_whole_is_forgotten(
    engine: Engine, writer: Writer, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturer, "PRUNE_SECONDS", 0.0)
    stranded = capturing.new_job(uuid4(), OPERATOR, "application/json", "rollback", datetime.now(UTC), 0)
    writer.submit(capturing.receive, Piece(stranded.id, 0, capture_jobs.packed(b"{"), stranded))
    start()
    assert ended(engine, brought(writer)).success
    assert len(rows(engine, tables.capture_job)) == 2, "it may still come"
    monkeypatch.setattr(capturing, "COMING", timedelta(0))
    until(lambda: len(rows(engine, tables.capture_job)) == 1)
    assert rows(engine, tables.capture_piece) == []


def test_who_works_at_a_large_document_is_sent_away_with_the_capturer(
    engine: Engine, writer: Writer, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturer, "HELPED", 2)
    first = start()
    done = ended(engine, brought(writer, *EVENTS))
    assert (done.success, done.counts["recorded"]) == (True, 2)
    assert first.helper.pid is not None
    first.close()
    assert first.helper.pid is None
