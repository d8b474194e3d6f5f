"""Deposited papers (凭证) that nothing names any more, and the marks of receipts that were archived.

A paper is named by events, of whatever they recorded, and by answers to recalls. Both name it after it was deposited
only, so that a look at the events since then finds all of them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from app.domain import codes
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.thinning import LATE, whole

PAGE: Final = 20_000
READ: Final = 1_000
ALIVE: Final = 100  # parts of the events that are read between two signs of life
_NAMING: Final = ("receive", "ship", "sell", "return", "destroy", "certify")
_FIELDS: Final = ("from", "to", "buyer")


@dataclass(frozen=True, slots=True)
class Deposit:
    id: UUID
    type: str
    issued_on: Any
    expires_on: Any
    file_hash: bytes
    size: int
    record_time: datetime


def deposits(snapshot: Snapshot, before: datetime, after: UUID | None) -> tuple[list[Deposit], UUID | None]:
    """The next papers, by their ids, that were deposited before then, and where to go on."""
    c = tables.document.c
    columns = (c.id, c.type, c.issued_on, c.expires_on, c.file_hash, c.size, c.record_time)
    query = select(*columns).where(c.record_time < before).order_by(c.id).limit(PAGE)
    rows = snapshot.execute(query if after is None else query.where(c.id > after)).all()
    return [Deposit(*row) for row in rows], rows[-1].id if len(rows) == PAGE else None


def unnamed(
    snapshot: Snapshot, papers: Collection[UUID], since: datetime, alive: Callable[[], object] = lambda: None
) -> set[UUID]:
    """Of papers deposited since then those that nothing names. `alive` is called now and then: it may take long."""
    left = set(papers)
    for number, rows in enumerate(_naming(snapshot, since - LATE)):
        if not left:
            break
        left.difference_update(*map(_named, rows))
        if number % ALIVE == ALIVE - 1:
            alive()
    answer = tables.recall_answer.c
    for evidence in snapshot.scalars(select(answer.evidence).where(answer.record_time >= since - LATE)):
        left.difference_update(map(UUID, evidence))
    for chunk in chunks(left):
        column = tables.attachment.c.document_id
        left.difference_update(snapshot.scalars(select(column).where(column.in_(chunk))))
    return left


def _naming(snapshot: Snapshot, since: datetime) -> Iterator[list[dict[str, Any]]]:
    c = tables.event.c
    query = select(c.record_time, c.id, c.kind, c.body).where(c.record_time >= since)
    query = query.order_by(c.record_time, c.id).limit(READ)
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = snapshot.execute(query if after is None else query.where(_later(after))).all()
        yield [row.body for row in rows if row.kind in _NAMING]
        if len(rows) < READ:
            return
        after = rows[-1].record_time, rows[-1].id


def _later(after: tuple[datetime, UUID]) -> Any:
    c = tables.event.c
    return (c.record_time > after[0]) | ((c.record_time == after[0]) & (c.id > after[1]))


def _named(body: dict[str, Any]) -> set[UUID]:
    listed = [*(body.get("evidence") or ()), *([body["document_id"]] if body.get("document_id") else ())]
    for field in _FIELDS:
        said = body.get(field)
        listed += said.get("document_ids") or () if isinstance(said, dict) else ()
    return set(map(UUID, listed))


def rows_of(connection: Connection, papers: Iterable[UUID]) -> list[Row[Any]]:
    c = tables.document.c.id
    return [row for chunk in chunks(papers) for row in connection.execute(whole(tables.document).where(c.in_(chunk)))]


def needed_files(connection: Connection, hashes: Collection[bytes], *, without: Collection[UUID]) -> set[bytes]:
    """Of files those that another paper or a complaint's picture is as well: the same content is one file."""
    c = tables.document.c
    found = {
        row.file_hash
        for chunk in chunks(hashes)
        for row in connection.execute(select(c.id, c.file_hash).where(c.file_hash.in_(chunk)))
        if row.id not in without
    }
    for photos in connection.scalars(select(tables.complaint.c.photos)):
        found.update({bytes.fromhex(photo["hash"]) for photo in photos} & set(hashes))
    return found


# --- receipts ---


def mark(connection: Connection, receipts: Iterable[Row[Any]]) -> None:
    """Notes of each scale's series up to which receipt, and up to when, its sales were archived."""
    found: dict[int, tuple[int, datetime]] = {}
    for row in receipts:
        series = _series(row.id)
        last, latest = found.get(series, (row.id, row.event_time))
        found[series] = max(last, row.id), max(latest, row.event_time)
    rows = [(series, *said) for series, said in found.items()]
    name = tables.receipt_archived.name
    sets = ", ".join(
        f'"{column}" = CASE WHEN excluded."{column}" > "{name}"."{column}" THEN excluded."{column}" '
        f'ELSE "{name}"."{column}" END'
        for column in ("last_id", "latest")
    )
    bulk.merge(connection, tables.receipt_archived, rows, sets)


def archived_until(snapshot: Snapshot, receipt_id: int) -> datetime | None:
    """Of a receipt whose sale is not there: until when sales of its scale, later ones too, were archived; None where
    it may still come in."""
    c = tables.receipt_archived.c
    query = select(c.latest).where(c.series == _series(receipt_id), c.last_id >= receipt_id)
    found: datetime | None = snapshot.scalar(query)
    return found


def _series(receipt_id: int) -> int:
    """The first number of the same device and epoch."""
    name = codes.receipt_name(receipt_id)
    return codes.receipt_id(name.device_number, name.epoch, 0)
