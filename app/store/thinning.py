"""Taking custodies away with all that hangs on them, so that the ledger verifies afterwards.

A row is archived before it is deleted (`gone`) or shortened (`was`). Queries go by lists of keys on one table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Connection, Dialect, Row, Select, Table, Text, TypeDecorator, cast, select, type_coerce

from app.domain.alerts import CLOSED, Severity
from app.domain.epcis.named import leading, named_epcs
from app.store import bulk, captures, tables
from app.store.engine import Snapshot
from app.store.entwined import Piece, pieces_of
from app.store.master import chunks
from app.store.types import Json

PAGE: Final = 500
LATE: Final = timedelta(minutes=10)  # a transaction may end so long after the time that its rows bear


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


def gather_loose(connection: Connection, pieces: Iterable[Piece]) -> Taken:
    """Captured events of no goods, with all that hangs on them."""
    return _Gathering(connection, set()).gather(pieces)


def take(connection: Connection, taken: Taken) -> None:
    """Deletes and shortens; in an order that is the same for all."""
    for table in sorted(taken.now, key=lambda table: table.name):
        bulk.upsert(connection, table, taken.now[table])
    for table in sorted(taken.gone, key=lambda table: table.name):
        key = [column.name for column in table.primary_key.columns]
        bulk.delete(connection, table, [tuple(row._mapping[name] for name in key) for row in taken.gone[table]])


class _Exact(TypeDecorator[Any]):
    """JSON as text that is read with every digit of its numbers, as captured documents are."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        return None if value is None else captures.decode(value)


def whole(table: Table) -> Select[Any]:
    """All columns of a table, by their names, to be archived."""
    return select(*(type_coerce(cast(c, Text), _Exact).label(c.name) if c.type is Json else c for c in table.columns))


class _Gathering:
    def __init__(self, connection: Connection, keys: set[UUID]) -> None:
        self._connection = connection
        self._keys = keys
        self._taken = Taken()
        self._stay: set[UUID] = set()  # events that what stays was made by
        self._captured: set[UUID] = set()  # events that go with captured goods

    def gather(self, loose: Iterable[Piece] = ()) -> Taken:
        gone, t = self._taken.gone, tables
        gone[t.custody] = self._rows(t.custody, t.custody.c.id, self._keys)
        gone[t.timeline] = self._rows(t.timeline, t.timeline.c.custody_id, self._keys)
        gone[t.custody_link] = self._rows(t.custody_link, t.custody_link.c.child_id, self._keys)
        gone[t.attachment] = self._rows(t.attachment, t.attachment.c.subject_id, self._keys)
        gone[t.case_custody] = self._rows(t.case_custody, t.case_custody.c.custody_id, self._keys)
        events = {row.event_id for row in gone[t.timeline]} | {row.arrived_event_id for row in gone[t.custody]}
        captured = {row.epc for row in gone[t.custody] if row.epc is not None}
        for piece in (*pieces_of(self._connection, captured), *loose):
            self._captured |= piece.events
            packings = self._rows(t.packing, t.packing.c.unit_epc, sorted(piece.epcs))
            gone[t.packing] += [row for row in packings if row.from_event_id in piece.events]
        events |= self._captured
        bodies = {row.id: row for row in self._rows(t.event, t.event.c.id, events)}
        placed = self._rows(t.hold, t.hold.c.id, bodies)
        lots = {row.lot_id for row in gone[t.custody]}
        placed += [row for row in self._rows(t.hold, t.hold.c.lot_id, lots) if row.recall_id is not None]
        gone[t.hold] = [row for row in placed if row.custody_id in self._keys]
        self._lots(bodies)
        slips = self._slips(bodies)
        self._events(bodies, slips)
        self._codes()
        self._receipts()
        self._alerts()
        return self._taken

    def _rows(self, table: Table, column: Column[Any], values: Iterable[Any]) -> list[Row[Any]]:
        return [
            row for chunk in chunks(values) for row in self._connection.execute(whole(table).where(column.in_(chunk)))
        ]

    def _shorten(self, table: Table, row: Row[Any], **values: Any) -> None:
        self._taken.was[table].append(row)
        self._taken.now[table].append(tuple(values.get(c.name, row._mapping[c.name]) for c in table.columns))

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
        slips = self._rows(tables.slip, tables.slip.c.event_id, bodies)
        texts = {row.code for row in slips}
        items = self._rows(tables.slip_item, tables.slip_item.c.slip_code, texts)
        stay = {row.slip_code for row in items if row.custody_id not in self._keys}
        self._taken.gone[tables.slip_item] = [row for row in items if row.custody_id in self._keys]
        self._taken.gone[tables.slip] = [row for row in slips if row.code not in stay]
        return {row.event_id for row in slips if row.code in stay}

    def _events(self, bodies: dict[UUID, Row[Any]], slips: set[UUID]) -> None:
        """An event goes when nothing that stays is of it; one that stays loses its entries of what goes."""
        hexed = {key.hex for key in self._keys}
        rest = {key: [entry for entry in row.entries if entry[0] not in hexed] for key, row in bodies.items()}
        stay = self._stay | slips | {key for key, entries in rest.items() if entries}
        stay |= {key for key, row in bodies.items() if row.kind.startswith("epcis.") and key not in self._captured}
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
        self._shown(keys)
        self._documents({row.id: row.record_time for row in going if row.id in self._captured})
        slips_ = self._taken.gone[tables.slip]
        self._taken.gone[tables.slip] = [row for row in slips_ if row.event_id in keys]
        for key in sorted(stay & bodies.keys(), key=lambda key: key.bytes):
            if rest[key] != bodies[key].entries:
                self._shorten(tables.event, bodies[key], entries=rest[key])

    def _shown(self, keys: set[UUID]) -> None:
        """The events as the EPCIS repository shows them, and what leads to them there."""
        t, gone = tables, self._taken.gone
        gone[t.epcis_event] = self._rows(t.epcis_event, t.epcis_event.c.event_id, keys)
        gone[t.unpublished] = self._rows(t.unpublished, t.unpublished.c.event_id, keys)
        gone[t.unpublishable] = self._rows(t.unpublishable, t.unpublishable.c.event_id, keys)
        named = {epc for row in gone[t.event] if row.id in self._captured for epc in leading(row.body)}
        named |= {epc for row in gone[t.epcis_event] if row.body is not None for epc in named_epcs(row.body)}
        rows = self._rows(t.epc_event, t.epc_event.c.epc, named)
        gone[t.epc_event] = [row for row in rows if row.event_id in keys]

    def _documents(self, going: dict[UUID, datetime]) -> None:
        """Captured documents name the events that stay; one of which none does goes."""
        if not going:
            return
        names, c = {str(key) for key in going}, tables.capture.c
        query = select(c.id, c.event_ids).where(c.record_time >= min(going.values()) - LATE)
        for key, listed in self._connection.execute(query).all():
            left = [one for one in listed if (one if isinstance(one, str) else one.get("id")) not in names]
            if len(left) == len(listed):
                continue
            (row,) = self._rows(tables.capture, c.id, [key])
            if any(isinstance(one, str) or one.get("id") for one in left):
                self._shorten(tables.capture, row, event_ids=left)
            else:
                self._taken.gone[tables.capture].append(row)

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
        return [row for chunk in chunks(values) for row in connection.execute(whole(table).where(column.in_(chunk)))]

    alerts = rows(t.alert, t.alert.c.receipt_id, numbers)
    stay = {row.receipt_id for row in alerts if row.severity == Severity.GRAVE and row.state not in CLOSED}
    going = set(numbers) - stay
    taken.gone[t.receipt] = rows(t.receipt, t.receipt.c.id, going)
    taken.gone[t.receipt_line] = rows(t.receipt_line, t.receipt_line.c.receipt_id, going)
    taken.gone[t.receipt_claim] = rows(t.receipt_claim, t.receipt_claim.c.receipt_id, going)
    taken.gone[t.alert] = [row for row in alerts if row.receipt_id in going]
    return taken
