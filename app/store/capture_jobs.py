"""Capture jobs and their bytes: what waits, who works at what until when, and what came of it."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update

from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import values

_job, _piece = tables.capture_job, tables.capture_piece
PRUNED: Final = 500  # jobs in one go

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """A row of capture_job. `errors`: the first faults, {pointer, slug, detail}; `outcomes`: of the first events,
    {pointer, status, id, eventID, flags}."""

    id: UUID
    recorder_id: UUID
    key_id: UUID
    role: str
    party_id: UUID | None
    region: str | None
    media_type: str
    behaviour: str
    state: str
    success: bool
    size: int
    events: int | None
    handled: int
    counts: dict[str, int]
    faults: int
    errors: list[dict[str, str]]
    outcomes: list[dict[str, Any]] | None
    capture_id: UUID | None
    created_at: datetime
    finished_at: datetime | None = None
    lease_until: datetime | None = None
    attempts: int = field(default=0)


def find(snapshot: Snapshot, job_id: UUID) -> CaptureJob | None:
    row = snapshot.execute(select(_job).where(_job.c.id == job_id)).one_or_none()
    return None if row is None else CaptureJob(*row)


def page(snapshot: Snapshot, recorder: UUID | None, after: Place | None, limit: int) -> list[CaptureJob]:
    """Jobs of a recorder, or all, that were received whole: the newest first, after the place. Without `outcomes`."""
    c = _job.c
    conditions = [c.state != "receiving"]
    if recorder is not None:
        conditions.append(c.recorder_id == recorder)
    if after is not None:
        time, key = after
        conditions.append(and_(c.created_at <= time, or_(c.created_at < time, c.id < key)))
    columns = [column for column in _job.columns if column is not c.outcomes]
    statement = select(*columns).where(*conditions).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
    return [CaptureJob(**row._mapping, outcomes=None) for row in snapshot.execute(statement)]


def due(snapshot: Snapshot, now: datetime, most: int | None) -> UUID | None:
    """The job that has waited longest, of at most so many bytes."""
    c = _job.c
    conditions = [c.lease_until <= now]
    if most is not None:
        conditions.append(c.size <= most)
    return snapshot.scalar(select(c.id).where(*conditions).order_by(c.lease_until, c.id).limit(1))


def pieces(snapshot: Snapshot, job_id: UUID) -> Iterator[bytes]:
    """The bytes of a job, in their order."""
    c = _piece.c
    for number in snapshot.scalars(select(c.number).where(c.job_id == job_id).order_by(c.number)).all():
        data = snapshot.scalar(select(c.data).where(c.job_id == job_id, c.number == number))
        assert data is not None, "one snapshot"
        yield zlib.decompress(data)


# --- writing ---


def packed(data: bytes) -> bytes:
    """A piece as it is stored."""
    return zlib.compress(data, 1)


def add(connection: Snapshot, rows: Sequence[CaptureJob]) -> None:
    bulk.insert(connection, _job, [values(row) for row in rows])


def add_pieces(connection: Snapshot, rows: Sequence[tuple[UUID, int, bytes]]) -> None:
    """(job, number, piece as `packed`)."""
    bulk.insert(connection, _piece, rows)


def received(connection: Snapshot, job_id: UUID, size: int, now: datetime) -> None:
    """All of it is there: it waits to be worked at."""
    changed = update(_job).where(_job.c.id == job_id)
    connection.execute(changed.values(state="waiting", size=size, lease_until=now))


def drop(connection: Snapshot, job_id: UUID) -> None:
    """A job that was not received whole."""
    connection.execute(delete(_piece).where(_piece.c.job_id == job_id))
    connection.execute(delete(_job).where(_job.c.id == job_id, _job.c.state == "receiving"))


def take(connection: Snapshot, job_id: UUID, now: datetime, until: datetime) -> CaptureJob | None:
    """Leases a job; None where somebody else has it."""
    c = _job.c
    mine = update(_job).where(c.id == job_id, c.lease_until <= now)
    taken = mine.values(state="running", lease_until=until, attempts=c.attempts + 1).returning(_job)
    row = connection.execute(taken).one_or_none()
    return None if row is None else CaptureJob(*row)


def note(connection: Snapshot, row: CaptureJob, until: datetime) -> bool:
    """How far it is, and that somebody is still at it; False where the lease has ended and somebody else has it."""
    c = _job.c
    mine = update(_job).where(c.id == row.id, c.attempts == row.attempts, c.state == "running")
    told = mine.values(success=row.success, events=row.events, handled=row.handled, lease_until=until)
    return connection.execute(told).rowcount == 1


def give_back(connection: Snapshot, row: CaptureJob, at: datetime) -> None:
    """Ends a lease: the work did not come to its end, and goes on from `at`. The try does not count, but that there was
    one stays known: what it recorded is the job's own."""
    c = _job.c
    mine = update(_job).where(c.id == row.id, c.attempts == row.attempts, c.state == "running")
    connection.execute(mine.values(state="waiting", lease_until=at, attempts=max(row.attempts - 1, 1)))


def finish(connection: Snapshot, row: CaptureJob) -> bool:
    """Writes what came of it and drops its bytes; False where somebody else has it."""
    c = _job.c
    mine = update(_job).where(c.id == row.id, c.attempts == row.attempts, c.state == "running")
    done = mine.values(
        state="done",
        success=row.success,
        events=row.events,
        handled=row.handled,
        counts=row.counts,
        faults=row.faults,
        errors=row.errors,
        outcomes=row.outcomes,
        capture_id=row.capture_id,
        finished_at=row.finished_at,
        lease_until=None,
    )
    if connection.execute(done).rowcount != 1:
        return False
    connection.execute(delete(_piece).where(_piece.c.job_id == row.id))
    return True


def prune(connection: Snapshot, done: datetime, begun: datetime) -> int:
    """Deletes jobs that were finished before `done`, and what began to come before `begun` and never came whole: how
    many."""
    c = _job.c
    old = select(c.id).where(c.finished_at < done).limit(PRUNED)
    stranded = select(c.id).where(c.state == "receiving", c.created_at < begun).limit(PRUNED)
    keys = [*connection.scalars(old), *connection.scalars(stranded)]
    bulk.delete(connection, _job, [(key,) for key in keys])
    for key in keys:
        connection.execute(delete(_piece).where(_piece.c.job_id == key))
    return len(keys)
