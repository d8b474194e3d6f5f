"""What decides over thinning: what custodies are of, when something last happened to them, what must not go; and rows
as text and back. Queries go by lists of keys on one table."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Connection, Date, LargeBinary, Row, Table, func, or_, select, text

from app.domain.alerts import CLOSED, Severity
from app.store import bulk, raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.types import Id, Instant, Json, Xid, from_micros, micros

PAGE: Final = 500

NODE = (
    "id", "kind", "code", "lot_id", "product_id", "arrived_at", "expires_on", "amount_in", "sold", "shipped",
    "processed", "returned", "destroyed", "unexplained", "receipts", "epc",
)  # fmt: skip
Edge = tuple[bytes, bytes, str]  # parent, child, kind


def pages(snapshot: Snapshot, before: datetime, after: UUID | None) -> list[UUID]:
    """The next custodies, gaps as well, by their ids, that arrived before."""
    c = tables.custody.c
    query = select(c.id).where(c.arrived_at < before).order_by(c.id).limit(PAGE)
    return list(snapshot.scalars(query if after is None else query.where(c.id > after)))


def custodies(snapshot: Snapshot) -> int:
    """How many there are."""
    return snapshot.scalar(select(func.count()).select_from(tables.custody)) or 0


def nodes(snapshot: Snapshot, keys: Collection[bytes]) -> list[raw.Row]:
    """As NODE."""
    return raw.select(snapshot, tables.custody, NODE, "id", list(keys))


def edges(snapshot: Snapshot, keys: Collection[bytes]) -> set[Edge]:
    """The links at either end of which one of the keys stands."""
    names = ("parent_id", "child_id", "kind")
    return {
        (row[0], row[1], row[2])
        for by in ("child_id", "parent_id")
        for row in raw.select(snapshot, tables.custody_link, names, by, list(keys))
    }


def categories(snapshot: Snapshot, products: Collection[bytes]) -> dict[bytes, str]:
    return dict(raw.select(snapshot, tables.product, ("id", "category"), "id", list(products)))


def last_days(snapshot: Snapshot, keys: Iterable[bytes]) -> dict[bytes, datetime]:
    """When something last happened to each, by an event or a sale of a scale."""
    line, entry, receipt = tables.receipt_line.c, tables.timeline.c, tables.receipt.c
    found: dict[bytes, datetime] = {}
    for chunk in chunks(UUID(bytes=key) for key in keys):
        last = select(entry.custody_id, func.max(entry.event_time)).where(entry.custody_id.in_(chunk))
        for key, at in snapshot.execute(last.group_by(entry.custody_id)):
            found[key.bytes] = at
        # A scale numbers its receipts in the order of time: the last of each scale is the last there is.
        device = line.receipt_id.op("/")(1 << 38)
        sold = select(line.custody_id, func.max(line.receipt_id)).where(line.custody_id.in_(chunk))
        numbers = [(row[0].bytes, row[1]) for row in snapshot.execute(sold.group_by(line.custody_id, device))]
        for some in chunks(number for _, number in numbers):
            query = select(receipt.id, receipt.event_time).where(receipt.id.in_(some))
            times = {row.id: row.event_time for row in snapshot.execute(query)}
            for held, number in numbers:
                if number in times and (held not in found or times[number] > found[held]):
                    found[held] = times[number]
    return found


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is not thinned whatever its age: lots and custodies that open complaints and grave open alerts are of.
    `past`: recalls that ended so long ago that their holds keep nothing; `recalled`: the lots of these."""

    custodies: set[bytes]
    lots: set[bytes]
    receipts: set[int]
    past: set[bytes]
    recalled: set[bytes]


def guarded(snapshot: Snapshot, ended: datetime) -> Guarded:
    """Read once a run; what depends on the goods at hand is `held`. `ended`: recalls closed before then are past."""
    complaint, alert, recall = tables.complaint.c, tables.alert.c, tables.recall.c
    closed = select(recall.id).where(recall.state == "closed", recall.closed_at < ended)
    past = {key.bytes for key in snapshot.scalars(closed)}
    found = Guarded(set(), set(), set(), past, {lot for lot, of in _recalled(snapshot) if of in past})
    query = select(complaint.custody_ids, complaint.lot_ids).where(complaint.state != "closed")
    for custodies_, lots in snapshot.execute(query):
        found.custodies.update(UUID(key).bytes for key in custodies_)
        found.lots.update(UUID(key).bytes for key in lots)
    grave = select(alert.custody_id, alert.receipt_id).where(
        alert.state.not_in(CLOSED), alert.severity == Severity.GRAVE,
        or_(alert.custody_id.is_not(None), alert.receipt_id.is_not(None)),
    )  # fmt: skip
    for custody, receipt in snapshot.execute(grave):
        if custody is not None:
            found.custodies.add(custody.bytes)
        if receipt is not None:
            found.receipts.add(receipt)
    return found


def onward(snapshot: Snapshot, guard: Guarded) -> set[bytes]:
    """Lots under holds that reach what is made of them, and lots of any recall, whatever became of it, that is not
    past."""
    hold = tables.hold.c
    active = select(hold.lot_id).where(text(tables.ONWARD), hold.recall_id.is_(None))
    return {key.bytes for key in snapshot.scalars(active)} | {
        lot for lot, recall in _recalled(snapshot) if recall not in guard.past
    }


def _recalled(snapshot: Snapshot) -> set[tuple[bytes, bytes]]:
    """Lots of recalls: (lot, recall)."""
    hold = tables.hold.c
    rows = snapshot.execute(select(hold.lot_id, hold.recall_id).where(hold.recall_id.is_not(None)).distinct())
    return {(lot.bytes, recall.bytes) for lot, recall in rows}


def held(snapshot: Snapshot, rows: Collection[raw.Row], guard: Guarded) -> set[bytes]:
    """Of the custodies (as NODE) those under an active hold, in an open case, with numbered units, or guarded."""
    lots = {row[3] for row in rows}
    hold, job = tables.hold, tables.code_job.c
    active = raw.select(snapshot, hold, ("lot_id", "recall_id"), "lot_id", lots, "released_by IS NULL")
    kept = {lot for lot, recall in active if recall not in guard.past}
    for chunk in chunks(UUID(bytes=lot) for lot in lots):
        kept |= {key.bytes for key in snapshot.scalars(select(job.lot_id).where(job.lot_id.in_(chunk)))}
    kept |= guard.lots
    found = {row[0] for row in rows if row[3] in kept} | (guard.custodies & {row[0] for row in rows})
    case, of = tables.case_file.c, tables.case_custody
    cases: dict[bytes, set[bytes]] = defaultdict(set)
    for custody, key in raw.select(snapshot, of, ("custody_id", "case_id"), "custody_id", [row[0] for row in rows]):
        cases[key].add(custody)
    for chunk in chunks(UUID(bytes=key) for key in cases):
        for key in snapshot.scalars(select(case.id).where(case.id.in_(chunk), case.state == "open")):
            found |= cases[key.bytes]
    if guard.receipts:
        line = tables.receipt_line.c
        for numbers in chunks(guard.receipts):
            named = select(line.custody_id).where(line.receipt_id.in_(numbers), line.custody_id.is_not(None))
            found |= {key.bytes for key in snapshot.scalars(named)} & {row[0] for row in rows}
    return found


def lock(connection: Connection, keys: Collection[UUID]) -> list[UUID]:
    """The custodies that are still there; nobody changes them until the transaction ends."""
    c = tables.custody.c
    return [
        key
        for chunk in chunks(sorted(keys, key=lambda key: key.bytes))
        for key in connection.scalars(select(c.id).where(c.id.in_(chunk)).order_by(c.id).with_for_update())
    ]


# --- as text ---


def encoded(table: Table, row: Row[Any]) -> list[Any]:
    """The values of a row as JSON has them, in the order of the table's columns."""
    return [_encode(column, row._mapping[column.name]) for column in table.columns if column.type is not Xid]


def decoded(table: Table, names: Sequence[str], values: Sequence[Any]) -> tuple[Any, ...]:
    """A row of the table out of values under names; a column that there was none of yet is null."""
    given = dict(zip(names, values, strict=True))
    return tuple(_decode(column, given.get(column.name)) for column in table.columns)


def _encode(column: Column[Any], value: Any) -> Any:
    if value is None or column.type is Json:
        return value
    if isinstance(column.type, Id | LargeBinary):
        return value.hex() if isinstance(value, bytes) else value.hex
    if isinstance(column.type, Instant):
        return micros(value)
    return value.isoformat() if isinstance(column.type, Date) else value


def _decode(column: Column[Any], value: Any) -> Any:
    if value is None or column.type is Json:
        return value
    if isinstance(column.type, Id):
        return UUID(hex=value)
    if isinstance(column.type, LargeBinary):
        return bytes.fromhex(value)
    if isinstance(column.type, Instant):
        return from_micros(value)
    return date.fromisoformat(value) if isinstance(column.type, Date) else value


def names_of(table: Table) -> list[str]:
    return [str(column.name) for column in table.columns if column.type is not Xid]


def restore(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, shortened: bool) -> None:
    """Puts rows back: one that was shortened takes the place of what is left, any other comes where none is."""
    (bulk.upsert if shortened else bulk.insert_new)(connection, table, rows)
