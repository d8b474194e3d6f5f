"""Numbered units: what was ordered, and the ranges of numbers that are in use or were withdrawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

_job, _range = tables.code_job, tables.code_range


@dataclass(frozen=True, slots=True)
class CodeJob:
    """A row of code_job: units numbered 1..count; status ready | cancelled."""

    id: UUID
    number: int
    lot_id: UUID
    site_id: UUID
    party_id: UUID | None
    recorder_id: UUID
    ref: str
    count: int
    status: str
    downloaded: int
    record_time: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Units first..last of a job, both included; state active | revoked."""

    job_id: UUID
    state: str
    first: int
    last: int
    site_id: UUID | None
    reason: str | None
    changed_by: UUID
    record_time: datetime


def jobs(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, CodeJob]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_job).where(_job.c.id.in_(chunk))):
            found[row.id] = CodeJob(*row)
    return found


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, CodeJob]:
    """As jobs; nobody else changes them or their ranges until the transaction ends. The rows are locked in the order of
    their keys."""
    found = {}
    for chunk in chunks(sorted(ids)):
        for row in connection.execute(select(_job).where(_job.c.id.in_(chunk)).order_by(_job.c.id).with_for_update()):
            found[row.id] = CodeJob(*row)
    return found


def numbered(snapshot: Snapshot, numbers: Iterable[int]) -> dict[int, CodeJob]:
    """The jobs by their numbers."""
    found = {}
    for chunk in chunks(numbers):
        for row in snapshot.execute(select(_job).where(_job.c.number.in_(chunk))):
            found[row.number] = CodeJob(*row)
    return found


def any_job(snapshot: Snapshot) -> bool:
    return snapshot.execute(select(_job.c.id).limit(1)).first() is not None


def next_number(snapshot: Snapshot) -> int:
    """The lowest above all that are in use."""
    return (snapshot.execute(select(func.max(_job.c.number))).scalar_one() or 0) + 1


def add_jobs(connection: Snapshot, rows: Iterable[CodeJob]) -> None:
    bulk.insert(connection, _job, [values(row) for row in rows])


def save_jobs(connection: Snapshot, rows: Iterable[CodeJob]) -> None:
    bulk.upsert(connection, _job, [values(row) for row in rows])


def note_downloaded(connection: Snapshot, job_id: UUID, number: int) -> None:
    """That all up to this one were handed out."""
    statement = update(_job).where(_job.c.id == job_id, _job.c.downloaded < number)
    connection.execute(statement.values(downloaded=number))


def add_ranges(connection: Snapshot, rows: Iterable[CodeRange]) -> None:
    bulk.insert(connection, _range, [values(row) for row in rows])


def ranges(snapshot: Snapshot, job_id: UUID, state: str, first: int, last: int) -> list[CodeRange]:
    """Those that hold any of the numbers, in their order."""
    statement = select(_range).where(
        _range.c.job_id == job_id, _range.c.state == state, _range.c.first <= last, _range.c.last >= first
    )
    return [CodeRange(*row) for row in snapshot.execute(statement.order_by(_range.c.first))]


def holding(snapshot: Snapshot, job_id: UUID, state: str, number: int) -> CodeRange | None:
    """The range that the number lies in: they do not overlap, so it is the last that begins at or before it."""
    c = _range.c
    statement = select(_range).where(c.job_id == job_id, c.state == state, c.first <= number)
    row = snapshot.execute(statement.order_by(c.first.desc()).limit(1)).one_or_none()
    return within(CodeRange(*row) if row is not None else None, number)


def within(last: CodeRange | None, number: int) -> CodeRange | None:
    """The last range that begins at or before the number, where the number lies in it."""
    return last if last is not None and last.last >= number else None


def totals(snapshot: Snapshot, job_id: UUID) -> dict[str, int]:
    """How many units of the job are in each state."""
    c = _range.c
    statement = select(c.state, func.sum(c.last - c.first + 1)).where(c.job_id == job_id).group_by(c.state)
    return {state: int(number) for state, number in snapshot.execute(statement)}


def sites_with(snapshot: Snapshot, lot_id: UUID, limit: int) -> set[UUID]:
    """Where the lot is or has been, at most `limit` places."""
    c = tables.custody.c
    statement = select(c.site_id).where(c.lot_id == lot_id, c.site_id.is_not(None)).distinct().limit(limit)
    return {row.site_id for row in snapshot.execute(statement)}
