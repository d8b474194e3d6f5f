"""What thinning reads and takes away: custodies with all that hangs on them, so that the ledger verifies afterwards.

Queries go by lists of keys on one table. A row is archived before it is deleted ("gone") or shortened ("was").
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
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
    """What is not thinned whatever its age: lots and custodies that open complaints and grave open alerts are of."""

    custodies: set[bytes]
    lots: set[bytes]
    receipts: set[int]


def guarded(snapshot: Snapshot) -> Guarded:
    """Read once a run; what depends on the goods at hand is `held`."""
    complaint, alert = tables.complaint.c, tables.alert.c
    found = Guarded(set(), set(), set())
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


def onward(snapshot: Snapshot) -> set[bytes]:
    """Lots under holds that reach what is made of them, and lots of any recall, whatever became of it."""
    hold = tables.hold.c
    active = select(hold.lot_id).where(text(tables.ONWARD))
    recalled = select(hold.lot_id).where(hold.recall_id.is_not(None))
    return {key.bytes for query in (active, recalled) for key in snapshot.scalars(query)}


def held(snapshot: Snapshot, rows: Collection[raw.Row], guard: Guarded) -> set[bytes]:
    """Of the custodies (as NODE) those under an active hold, in an open case, with numbered units, or guarded."""
    lots = {row[3] for row in rows}
    hold, job = tables.hold, tables.code_job.c
    kept = {key for (key,) in raw.select(snapshot, hold, ("lot_id",), "lot_id", lots, "released_by IS NULL")}
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


# --- taking away ---


@dataclass(slots=True)
class Taken:
    """Rows by table: `gone` are deleted, `was` are as they were before they were shortened to `now`."""

    gone: dict[Table, list[Row[Any]]] = field(default_factory=lambda: defaultdict(list))
    was: dict[Table, list[Row[Any]]] = field(default_factory=lambda: defaultdict(list))
    now: dict[Table, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def rows(self) -> int:
        return sum(map(len, self.gone.values()))


def gather(connection: Connection, keys: Collection[UUID]) -> Taken:
    """All that goes with the custodies: whoever asks has made sure that nothing else rests on them."""
    return _Gathering(connection, set(keys)).gather()


def take(connection: Connection, taken: Taken) -> None:
    """Deletes and shortens; in an order that is the same for all."""
    for table in sorted(taken.now, key=lambda table: table.name):
        bulk.upsert(connection, table, taken.now[table])
    for table in sorted(taken.gone, key=lambda table: table.name):
        key = [column.name for column in table.primary_key.columns]
        bulk.delete(connection, table, [tuple(row._mapping[name] for name in key) for row in taken.gone[table]])


class _Gathering:
    def __init__(self, connection: Connection, keys: set[UUID]) -> None:
        self._connection = connection
        self._keys = keys
        self._taken = Taken()
        self._stay: set[UUID] = set()  # events that what stays was made by

    def gather(self) -> Taken:
        gone, t = self._taken.gone, tables
        gone[t.custody] = self._rows(t.custody, t.custody.c.id, self._keys)
        gone[t.timeline] = self._rows(t.timeline, t.timeline.c.custody_id, self._keys)
        gone[t.custody_link] = self._rows(t.custody_link, t.custody_link.c.child_id, self._keys)
        gone[t.attachment] = self._rows(t.attachment, t.attachment.c.subject_id, self._keys)
        gone[t.case_custody] = self._rows(t.case_custody, t.case_custody.c.custody_id, self._keys)
        events = {row.event_id for row in gone[t.timeline]} | {row.arrived_event_id for row in gone[t.custody]}
        bodies = {row.id: row for row in self._rows(t.event, t.event.c.id, events)}
        holds = self._rows(t.hold, t.hold.c.id, bodies)
        gone[t.hold] = [row for row in holds if row.custody_id in self._keys]
        self._lots(bodies)
        slips = self._slips(bodies)
        self._events(bodies, slips)
        self._codes()
        self._receipts()
        self._alerts()
        return self._taken

    def _rows(self, table: Table, column: Column[Any], values: Iterable[Any]) -> list[Row[Any]]:
        return [
            row for chunk in chunks(values) for row in self._connection.execute(select(table).where(column.in_(chunk)))
        ]

    def _shorten(self, table: Table, row: Row[Any], **values: Any) -> None:
        self._taken.was[table].append(row)
        self._taken.now[table].append(tuple(values.get(c.name, row._mapping[c]) for c in table.columns))

    def _lots(self, bodies: dict[UUID, Row[Any]]) -> None:
        """A lot goes with its last custody; the event that made one that stays, stays."""
        named = {row.lot_id for row in self._taken.gone[tables.custody]}
        c = tables.custody.c
        stay = {
            row.lot_id
            for chunk in chunks(named)
            for row in self._connection.execute(select(c.lot_id, c.id).where(c.lot_id.in_(chunk)))
            if row.id not in self._keys
        }
        for row in self._rows(tables.lot, tables.lot.c.id, named):
            if row.id in stay:
                self._stay.add(row.made_event_id)
            else:
                self._taken.gone[tables.lot].append(row)
        lots = {row.id for row in self._taken.gone[tables.lot]}
        codes = tables.external_code
        self._taken.gone[codes] = self._rows(codes, codes.c.subject_id, lots)

    def _slips(self, bodies: dict[UUID, Row[Any]]) -> set[UUID]:
        """The items of what goes, and slips without items; returns the events of slips that stay."""
        shipped = [row.outcome.get("slip_code") for row in bodies.values() if row.kind in ("ship", "epcis.ship")]
        texts = {text for text in shipped if text}
        items = self._rows(tables.slip_item, tables.slip_item.c.slip_code, texts)
        stay = {row.slip_code for row in items if row.custody_id not in self._keys}
        self._taken.gone[tables.slip_item] = [row for row in items if row.custody_id in self._keys]
        slips = self._rows(tables.slip, tables.slip.c.code, texts)
        self._taken.gone[tables.slip] = [row for row in slips if row.code not in stay]
        return {row.event_id for row in slips if row.code in stay}

    def _events(self, bodies: dict[UUID, Row[Any]], slips: set[UUID]) -> None:
        """An event goes when nothing that stays is of it; one that stays loses its entries of what goes."""
        hexed = {key.hex for key in self._keys}
        rest = {key: [entry for entry in row.entries if entry[0] not in hexed] for key, row in bodies.items()}
        stay = self._stay | slips | {key for key, entries in rest.items() if entries}
        stay |= {key for key, row in bodies.items() if row.kind.startswith("epcis.")}
        spoken = {UUID(row.body["document_id"]) for row in bodies.values() if row.kind == "certify"}
        attached = self._rows(tables.attachment, tables.attachment.c.document_id, spoken)
        stay |= {row.event_id for row in attached if row.subject_id not in self._keys}
        fix = tables.correction
        rows = {
            tuple(row): row
            for column in (fix.c.event_id, fix.c.replacement_event_id)
            for row in self._rows(fix, column, bodies)
        }.values()
        changing = True
        while changing:
            changing = False
            for row in rows:
                members = {row.event_id, row.correcting_event_id, row.replacement_event_id} - {None}
                here = members & bodies.keys()
                if (members - bodies.keys() or here & stay) and not here <= stay:
                    stay |= here
                    changing = True
        # A correction whose target is not among them stays, with what it points at.
        stay |= {
            key for key, row in bodies.items() if row.kind == "correct" and UUID(row.body["event_id"]) not in bodies
        }
        going = [row for key, row in bodies.items() if key not in stay]
        self._taken.gone[tables.event] = going
        keys = {row.id for row in going}
        self._taken.gone[fix] = [row for row in rows if row.event_id in keys]
        self._taken.gone[tables.flag] = self._rows(tables.flag, tables.flag.c.event_id, keys)
        slips_ = self._taken.gone[tables.slip]
        self._taken.gone[tables.slip] = [row for row in slips_ if row.event_id in keys]
        for key in sorted(stay & bodies.keys(), key=lambda key: key.bytes):
            if rest[key] != bodies[key].entries:
                self._shorten(tables.event, bodies[key], entries=rest[key])

    def _codes(self) -> None:
        """The codes of what goes; one that led there leads nowhere."""
        t, gone = tables, self._taken.gone
        own = [*gone[t.custody], *gone[t.lot], *gone[t.slip]]
        texts = {row.code for row in own if row.code}
        gone[t.code] = self._rows(t.code, t.code.c.code, texts)
        gone[t.scan_count] = self._rows(t.scan_count, t.scan_count.c.code, texts)
        for row in self._rows(t.code, t.code.c.replacement, texts):
            if row.code not in texts:
                self._shorten(t.code, row, replacement=None)

    def _receipts(self) -> None:
        """Receipts of which nothing else is left; the lines of others forget their batch."""
        t, gone = tables, self._taken.gone
        own = self._rows(t.receipt_line, t.receipt_line.c.custody_id, self._keys)
        lines: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in self._rows(t.receipt_line, t.receipt_line.c.receipt_id, {row.receipt_id for row in own}):
            lines[row.receipt_id].append(row)
        whole = {
            number for number, rows in lines.items()
            if all(row.custody_id is None or row.custody_id in self._keys for row in rows)
        }  # fmt: skip
        gone[t.receipt] = self._rows(t.receipt, t.receipt.c.id, whole)
        gone[t.receipt_line] = [row for number in sorted(whole) for row in lines[number]]
        gone[t.receipt_claim] = self._rows(t.receipt_claim, t.receipt_claim.c.receipt_id, whole)
        for row in own:
            if row.receipt_id not in whole:
                self._shorten(t.receipt_line, row, custody_id=None, named_id=row.named_id or row.custody_id)

    def _alerts(self) -> None:
        t, gone = tables, self._taken.gone
        by: tuple[tuple[Column[Any], Iterable[Any]], ...] = (
            (t.alert.c.custody_id, self._keys),
            (t.alert.c.event_id, {row.id for row in gone[t.event]}),
            (t.alert.c.receipt_id, {row.id for row in gone[t.receipt]}),
        )
        rows = {row.id: row for column, values in by for row in self._rows(t.alert, column, values)}
        gone[t.alert] = list(rows.values())


# --- what is of no batch ---


def loose_receipts(snapshot: Snapshot, before: datetime, after: int) -> tuple[list[int], int | None]:
    """Of the next receipts by number those from before then of which no line names a batch, and where to go on."""
    c, line = tables.receipt.c, tables.receipt_line.c
    rows = snapshot.execute(select(c.id, c.event_time).where(c.id > after).order_by(c.id).limit(PAGE)).all()
    old = [row.id for row in rows if row.event_time < before]
    named = {
        number
        for chunk in chunks(old)
        for number in snapshot.scalars(
            select(line.receipt_id).where(line.receipt_id.in_(chunk), line.custody_id.is_not(None))
        )
    }
    return [number for number in old if number not in named], rows[-1].id if len(rows) == PAGE else None


def gather_receipts(connection: Connection, numbers: Collection[int]) -> Taken:
    """The receipts with their lines, claims and alerts; one that grave open alerts are of stays."""
    t, taken = tables, Taken()

    def rows(table: Table, column: Column[Any], values: Iterable[Any]) -> list[Row[Any]]:
        return [row for chunk in chunks(values) for row in connection.execute(select(table).where(column.in_(chunk)))]

    alerts = rows(t.alert, t.alert.c.receipt_id, numbers)
    stay = {row.receipt_id for row in alerts if row.severity == Severity.GRAVE and row.state not in CLOSED}
    going = set(numbers) - stay
    taken.gone[t.receipt] = rows(t.receipt, t.receipt.c.id, going)
    taken.gone[t.receipt_line] = rows(t.receipt_line, t.receipt_line.c.receipt_id, going)
    taken.gone[t.receipt_claim] = rows(t.receipt_claim, t.receipt_claim.c.receipt_id, going)
    taken.gone[t.alert] = [row for row in alerts if row.receipt_id in going]
    return taken


def personal(snapshot: Snapshot, before: datetime, hashed: Callable[[str], str]) -> Taken:
    """Closed complaints from before then whose contact is not yet a hash, PAGE of them at most."""
    c, taken = tables.complaint.c, Taken()
    query = select(tables.complaint).where(
        c.state == "closed", c.changed_at < before, c.contact.is_not(None), c.contact.not_like("hmac:%")
    )
    for row in snapshot.execute(query.order_by(c.id).limit(PAGE)):
        taken.was[tables.complaint].append(row)
        taken.now[tables.complaint].append(
            tuple(
                hashed(row.contact) if column.name == "contact" else row._mapping[column]
                for column in tables.complaint.columns
            )
        )
    return taken


# --- as text ---


def encoded(table: Table, row: Row[Any]) -> list[Any]:
    """The values of a row as JSON has them, in the order of the table's columns."""
    return [_encode(column, row._mapping[column]) for column in table.columns if column.type is not Xid]


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
