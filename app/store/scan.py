"""What the public answer to a code is read from: plain rows by key, one statement for each list of keys.

Every function asks one big table at a time for a list of keys, so that it runs on a sharded database as it is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, or_, select

from app.domain.rows import (
    Attachment,
    Custody,
    Device,
    Document,
    Event,
    Hold,
    Link,
    Lot,
    SlipItem,
    TimelineEntry,
)
from app.store import tables
from app.store.engine import Snapshot

R = TypeVar("R")

CHUNK = 500

# What a page tells of goods that stay where they are; the rest (sold, shipped, counted) is the custodian's business.
TOLD = ("admit", "test", "certify")
CAPTURED = "epcis."


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale, less what only its seller may know."""

    id: int
    device_id: UUID
    site_id: UUID
    event_time: datetime
    utc_offset: int
    record_time: datetime


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    receipt_id: int
    line: int
    custody_id: UUID | None
    product_id: UUID | None
    amount: int
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Another sale under the same number: its JSON as the scale sent it."""

    receipt_id: int
    body: dict[str, Any]
    record_time: datetime


def links_up(snapshot: Snapshot, child_ids: Collection[UUID]) -> list[Link]:
    """Where custodies came from: one generation of the walk back."""
    return list(_rows(snapshot, Link, tables.custody_link, tables.custody_link.c.child_id, child_ids))


def made_custodies(snapshot: Snapshot, lot: Lot) -> list[Custody]:
    """The custody in which the lot was made; for a lot that was first seen elsewhere, its earliest."""
    c = tables.custody.c
    made = (c.lot_id == lot.id, c.kind == "custody", c.arrived_event_id == lot.made_event_id)
    found = [Custody(*row) for row in snapshot.execute(select(tables.custody).where(*made))]
    return found or custodies_of_lot(snapshot, lot.id, 1)


def custodies_of_lot(snapshot: Snapshot, lot_id: UUID, limit: int) -> list[Custody]:
    """The lot in whoever's hands, the earliest first."""
    c = tables.custody.c
    statement = select(tables.custody).where(c.lot_id == lot_id, c.kind == "custody").order_by(c.arrived_at, c.id)
    return [Custody(*row) for row in snapshot.execute(statement.limit(limit))]


def there(
    snapshot: Snapshot, site_ids: Collection[UUID], since: datetime, today: datetime, limit: int
) -> list[Custody]:
    """Custodies at the sites, the newest first: with something left and not older than `since`, or come `today`."""
    c = tables.custody.c
    left = c.amount_in - c.sold - c.shipped - c.processed - c.returned - c.destroyed - c.unexplained
    statement = (
        select(tables.custody)
        .where(
            c.site_id.in_(list(site_ids)[:CHUNK]),
            c.arrived_at >= since,
            or_(left > 0, c.arrived_at >= today),
            c.kind == "custody",
        )
        .order_by(c.arrived_at.desc(), c.id)
        .limit(limit)
    )
    return [Custody(*row) for row in snapshot.execute(statement)]


def told(snapshot: Snapshot, custody_ids: Collection[UUID]) -> list[TimelineEntry]:
    """What happened to the custodies, as far as a page tells it: arrivals, tests, admissions, certificates."""
    c = tables.timeline.c
    spoken_of = or_(c.entry == "in", c.kind.in_(TOLD), c.kind.startswith(CAPTURED))
    return list(_rows(snapshot, TimelineEntry, tables.timeline, c.custody_id, custody_ids, spoken_of))


def events(snapshot: Snapshot, ids: Collection[UUID]) -> list[Event]:
    return list(_rows(snapshot, Event, tables.event, tables.event.c.id, ids))


def holds(snapshot: Snapshot, lot_ids: Collection[UUID]) -> list[Hold]:
    """Holds of the lots that nobody has released."""
    c = tables.hold.c
    return list(_rows(snapshot, Hold, tables.hold, c.lot_id, lot_ids, c.released_by.is_(None)))


def attachments(snapshot: Snapshot, subject_ids: Collection[UUID]) -> list[Attachment]:
    return list(_rows(snapshot, Attachment, tables.attachment, tables.attachment.c.subject_id, subject_ids))


def documents(snapshot: Snapshot, ids: Collection[UUID]) -> list[Document]:
    return list(_rows(snapshot, Document, tables.document, tables.document.c.id, ids))


def slip_items(snapshot: Snapshot, text: str) -> list[SlipItem]:
    """What is on a slip, in its order."""
    rows = _rows(snapshot, SlipItem, tables.slip_item, tables.slip_item.c.slip_code, (text,))
    return sorted(rows, key=lambda item: item.position)


def receipt(snapshot: Snapshot, receipt_id: int) -> Receipt | None:
    c = tables.receipt.c
    columns = (c.id, c.device_id, c.site_id, c.event_time, c.utc_offset, c.record_time)
    row = snapshot.execute(select(*columns).where(c.id == receipt_id)).one_or_none()
    return Receipt(*row) if row else None


def receipt_lines(snapshot: Snapshot, receipt_id: int) -> list[ReceiptLine]:
    c = tables.receipt_line.c
    columns = (c.receipt_id, c.line, c.custody_id, c.product_id, c.amount, c.value, c.unit)
    statement = select(*columns).where(c.receipt_id == receipt_id).order_by(c.line)
    return [ReceiptLine(*row) for row in snapshot.execute(statement)]


def claims(snapshot: Snapshot, receipt_id: int, limit: int) -> list[Claim]:
    """The first to come first; of more than `limit` any so many."""
    c = tables.receipt_claim.c
    statement = select(c.receipt_id, c.body, c.record_time).where(c.receipt_id == receipt_id)
    found = [Claim(*row) for row in snapshot.execute(statement.order_by(c.content_hash).limit(limit))]
    return sorted(found, key=lambda claim: claim.record_time)


def device_numbered(snapshot: Snapshot, number: int) -> Device | None:
    row = snapshot.execute(select(tables.device).where(tables.device.c.number == number)).one_or_none()
    return Device(*row) if row else None


def _rows(
    snapshot: Snapshot,
    kind: type[R],
    table: Table,
    key: Column[Any],
    keys: Collection[Any],
    *conditions: ColumnElement[bool],
) -> Iterator[R]:
    """A row's fields are the table's columns, in their order."""
    return _select(snapshot, kind, tuple(table.columns), key, keys, *conditions)


def _select(
    snapshot: Snapshot,
    kind: type[R],
    columns: tuple[Column[Any], ...],
    key: Column[Any],
    keys: Collection[Any],
    *conditions: ColumnElement[bool],
) -> Iterator[R]:
    remaining = iter(keys)
    while chunk := list(islice(remaining, CHUNK)):
        for row in snapshot.execute(select(*columns).where(key.in_(chunk), *conditions)):
            yield kind(*row)
