"""What balances are made of: custodies in blocks, what changed them and when, what was sold of them and when."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, and_, or_, select

from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.raw import Row
from app.store.types import micros

BLOCK: Final = 4_096

CUSTODY = (
    "id", "kind", "code", "lot_id", "product_id", "site_id", "party_id", "measure", "arrived_at",
    "amount_in", "sold", "shipped", "processed", "returned", "destroyed", "unexplained",
)  # fmt: skip
TIMELINE = ("custody_id", "event_id", "entry", "event_time", "amount")
HANDS = ("id", "kind", "lot_id", "product_id", "site_id", "party_id")
PRODUCT = ("id", "category", "measure", "grams_per_piece", "name")

_COLUMNS: dict[str, Column[Any]] = {name: tables.custody.c[name] for name in ("id", "lot_id", "site_id", "party_id")}

Position = tuple[datetime, UUID]


def pages(
    snapshot: Snapshot,
    by: str,
    keys: Collection[UUID],
    after: Position | None = None,
    size: int = BLOCK,
) -> Iterator[list[Position]]:
    """(arrived_at, id) of the custodies, no gaps, whose column `by` (id, lot_id, site_id or party_id) is one of the
    keys, in that order, `size` at a time."""
    c = tables.custody.c
    query = select(c.arrived_at, c.id).where(c.kind == "custody", _COLUMNS[by].in_(sorted(keys)))
    query = query.order_by(c.arrived_at, c.id).limit(size)
    while True:
        beyond = [] if after is None else [_beyond(c.arrived_at, c.id, after)]
        rows = [(row.arrived_at, row.id) for row in snapshot.execute(query.where(*beyond))]
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1]


def _beyond(at: Column[Any], key: Column[Any], after: Position) -> Any:
    return and_(at >= after[0], or_(at > after[0], key > after[1]))


def custodies(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As CUSTODY."""
    return raw.select(snapshot, tables.custody, CUSTODY, "id", keys)


def hands(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As HANDS."""
    return raw.select(snapshot, tables.custody, HANDS, "id", keys)


def products(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As PRODUCT."""
    return raw.select(snapshot, tables.product, PRODUCT, "id", keys)


def links_up(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """(child, parent, event, kind, grams, pieces)."""
    names = ("child_id", "parent_id", "event_id", "kind", "grams", "pieces")
    return raw.select(snapshot, tables.custody_link, names, "child_id", keys)


def changes(snapshot: Snapshot, keys: Collection[bytes], since: datetime) -> list[Row]:
    """What changed the custodies from then on, as TIMELINE."""
    rows = raw.select(snapshot, tables.timeline, TIMELINE, "custody_id", keys, _from(snapshot, since))
    return [row for row in rows if row[2] != "touched"]


def _from(snapshot: Snapshot, since: datetime) -> str:
    if snapshot.dialect.name == "postgresql":
        return f"event_time >= '{since.isoformat()}'::timestamptz"
    return f"event_time >= {micros(since)}"


Sold = tuple[bytes, datetime, int, int]  # custody, when by the scale's clock, amount, receipt


def sold_of(snapshot: Snapshot, keys: Collection[bytes], since: datetime) -> Iterator[list[Sold]]:
    """Lines of receipts by their custodies, from then on, in blocks."""
    line, receipt = tables.receipt_line.c, tables.receipt.c
    for chunk in chunks(UUID(bytes=key) for key in keys):
        last = (UUID(int=0), -1, -1)
        while True:
            query = (
                select(line.custody_id, line.receipt_id, line.line, line.amount)
                .where(
                    line.custody_id.in_(chunk),
                    or_(
                        line.custody_id > last[0],
                        and_(line.custody_id == last[0], line.receipt_id > last[1]),
                        and_(line.custody_id == last[0], line.receipt_id == last[1], line.line > last[2]),
                    ),
                )
                .order_by(line.custody_id, line.receipt_id, line.line)
                .limit(BLOCK)
            )
            rows = snapshot.execute(query).all()
            times: dict[int, datetime] = {}
            for numbers in chunks(row.receipt_id for row in rows):
                found = select(receipt.id, receipt.event_time).where(
                    receipt.id.in_(numbers), receipt.event_time >= since
                )
                times |= {row.id: row.event_time for row in snapshot.execute(found)}
            yield [
                (row.custody_id.bytes, times[row.receipt_id], row.amount, row.receipt_id)
                for row in rows
                if row.receipt_id in times
            ]
            if len(rows) < BLOCK:
                break
            last = (rows[-1].custody_id, rows[-1].receipt_id, rows[-1].line)


def lines_of(snapshot: Snapshot, receipt_ids: Collection[int]) -> list[Row]:
    """(receipt, line, custody or None, product or None, amount)."""
    names = ("receipt_id", "line", "custody_id", "product_id", "amount")
    return raw.select(snapshot, tables.receipt_line, names, "receipt_id", list(receipt_ids))
