"""Capture jobs of EPCIS 2.0 (§12.2): a document is received whole, then taken in by and by, whatever happens.

What was received is in the database, so that any process can go on with it. Who works at a job leases it; after a
`kill -9` somebody else begins it again, and what was recorded is not recorded twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.domain.errors import NotFound, TooLarge
from app.domain.rights import Principal, Role
from app.exchanging.sources import Source
from app.store import capture_jobs as store
from app.store.capture_jobs import CaptureJob, Place
from app.store.engine import Database, Snapshot, reading
from app.store.writer import Transaction, decided

CAPTURES: Final = "captures"
"""Their name in the change feed."""
PIECE: Final = 1_000_000
"""Bytes of a document in one row."""
LEASE: Final = timedelta(seconds=20)
"""Longer than what lies between two notes of how far a job is."""
READ: Final = 1_000_000
"""Bytes of a document that are taken apart in a second at least, before the first note."""
KEPT: Final = timedelta(days=30)
"""After it was finished a job can be asked for so long."""
COMING: Final = timedelta(hours=6)
"""What has not come whole by then never will."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many events a captured document may have, and how many bytes."""

    events: int
    size: int

    def require_events(self, source: Source) -> None:
        """Raises TooLarge."""
        if len(source) > self.events:
            raise TooLarge(
                "capture-limit",
                f"文档有 {len(source)} 个事件，一次最多 {self.events} 个，请拆分后发送 · "
                f"The document has {len(source)} events, {self.events} are taken at a time: split it",
            )


def new_job(key: UUID, principal: Principal, media_type: str, behaviour: str, now: datetime, size: int) -> CaptureJob:
    """One that is still to be received."""
    return CaptureJob(
        key, principal.recorder_id, principal.key_id, principal.role.value, principal.party_id, principal.region,
        media_type, behaviour, "receiving", True, size, None, 0, {}, 0, [], None, None, now,
    )  # fmt: skip


def find_job(snapshot: Snapshot, principal: Principal, job_id: UUID) -> CaptureJob:
    """Raises NotFound for one that is not the principal's to know of, or did not come whole."""
    found = store.find(snapshot, job_id)
    own = found is not None and (principal.role is Role.ADMIN or found.recorder_id == principal.recorder_id)
    if found is None or not own or found.state == "receiving":
        raise NotFound(
            "not-found",
            "没有这个采集任务，或不是您提交的；完成 30 天后即删除 · There is no such capture job of yours; "
            "30 days after it was finished it is gone",
        )
    return found


def list_jobs(database: Database, principal: Principal, after: Place | None, limit: int) -> list[CaptureJob]:
    """The principal's own, all for the operator: the newest first."""
    with reading(database) as snapshot:
        owner = None if principal.role is Role.ADMIN else principal.recorder_id
        return store.page(snapshot, owner, after, limit)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a job's bytes, as `store.packed`; `job` with the first of them."""

    job_id: UUID
    number: int
    data: bytes
    job: CaptureJob | None = None
    last: int | None = None  # with the last: bytes of the whole


def weight(piece: Piece) -> int:
    """What it costs to write: a transaction holds a handful of whole pieces."""
    return 1 + len(piece.data) // 2_500


# --- the writer's jobs ---


def receive(transaction: Transaction, commands: Sequence[Piece]) -> Sequence[None]:
    """Job: writes pieces; with the last of a job it waits to be worked at."""
    connection = transaction.connection
    store.add(connection, [replace(one.job, created_at=transaction.now) for one in commands if one.job is not None])
    store.add_pieces(connection, [(one.job_id, one.number, one.data) for one in commands])
    for one in commands:
        if one.last is not None:
            store.received(connection, one.job_id, one.last, transaction.now)
            transaction.touched.add(CAPTURES)
    return [None] * len(commands)


def drop(transaction: Transaction, keys: Sequence[UUID]) -> Sequence[None]:
    """Job: forgets what did not come whole."""
    for key in keys:
        store.drop(transaction.connection, key)
    return [None] * len(keys)


def take(transaction: Transaction, keys: Sequence[UUID]) -> Sequence[CaptureJob | Exception | None]:
    """Job: leases each for as long as reading it may take besides; None where somebody else has it."""
    now = transaction.now

    def leased(key: UUID) -> CaptureJob | None:
        row = store.take(transaction.connection, key, now, now + LEASE)
        if row is None:
            return None
        until = now + LEASE + timedelta(seconds=row.size / READ)
        store.note(transaction.connection, row, until)
        return replace(row, lease_until=until)

    return decided(keys, leased)


def note(transaction: Transaction, rows: Sequence[CaptureJob]) -> Sequence[bool | Exception]:
    """Job: how far each is; False where it is somebody else's by now."""
    return decided(rows, lambda row: store.note(transaction.connection, row, transaction.now + LEASE))


def finish(transaction: Transaction, rows: Sequence[CaptureJob]) -> Sequence[bool | Exception]:
    """Job: what came of each."""
    return decided(rows, lambda row: store.finish(transaction.connection, replace(row, finished_at=transaction.now)))


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A job that somebody has to go on with after so long."""

    row: CaptureJob
    after: timedelta


def give_back(transaction: Transaction, commands: Sequence[GiveBack]) -> Sequence[None]:
    """Job: ends leases."""
    for one in commands:
        store.give_back(transaction.connection, one.row, transaction.now + one.after)
    return [None] * len(commands)


def prune(transaction: Transaction, commands: Sequence[None]) -> Sequence[int]:
    """Job: drops what nobody asks for any more, and what never came whole."""
    now = transaction.now
    return [store.prune(transaction.connection, now - KEPT, now - COMING) for _ in commands]
