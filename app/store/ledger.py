"""Loads the working set that a batch of decisions needs, and writes what the decisions changed.

Loading goes in rounds, since what an event names leads to what that names in turn: the events themselves, then slips,
then custodies, then lots, holds and master data. Each round is a handful of IN-list statements for the whole batch.
Rows that a decision may change are locked, in key order, so that writers of several processes neither lose an update
nor deadlock.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from app.domain import codes, ids
from app.domain.codes import CodeKind, MistypedCode, parse
from app.domain.deciding import Record
from app.domain.events import (
    Admit,
    AnyEvent,
    Certify,
    Correct,
    Count,
    Destroy,
    Hold,
    Identify,
    Produce,
    Receive,
    Release,
    Return,
    Sell,
    Ship,
    SlipPart,
    Test,
    Transform,
)
from app.domain.ledger import Ledger
from app.domain.rows import (
    Attachment,
    Code,
    Correction,
    Custody,
    Document,
    Event,
    ExternalCode,
    Flag,
    Link,
    Lot,
    Party,
    Product,
    Site,
    Slip,
    SlipItem,
    TimelineEntry,
)
from app.domain.rows import Hold as HoldRow
from app.store import tables
from app.store.bulk import upsert
from app.store.writer import Transaction

R = TypeVar("R")
CHUNK = 500
GENERATIONS = 50  # no food passes through more hands; bounds the walk for holds and complete chains
ANCESTORS = 20_000

TABLES: dict[type, Table] = {
    Attachment: tables.attachment,
    Code: tables.code,
    Correction: tables.correction,
    Custody: tables.custody,
    Document: tables.document,
    Event: tables.event,
    ExternalCode: tables.external_code,
    Flag: tables.flag,
    HoldRow: tables.hold,
    Link: tables.custody_link,
    Lot: tables.lot,
    Party: tables.party,
    Product: tables.product,
    Site: tables.site,
    Slip: tables.slip,
    SlipItem: tables.slip_item,
    TimelineEntry: tables.timeline,
}
_LOCKED = (Custody, SlipItem, Slip, HoldRow)
# Written in this order by every transaction.
_WRITTEN: tuple[type, ...] = (
    Event, Correction, Flag, Code, Lot, Custody, Link, TimelineEntry, Slip, SlipItem, HoldRow, Attachment, ExternalCode,
)  # fmt: skip


def fetch(connection: Connection, kind: type[R], column: str, keys: Iterable[Any], *, lock: bool = False) -> list[R]:
    """Rows of a kind whose column is one of the keys; `lock` locks them in key order until the transaction ends."""
    table = TABLES[kind]
    statement = select(table).order_by(*table.primary_key.columns)
    if lock:
        statement = statement.with_for_update()
    if kind is HoldRow and column == "lot_id":
        statement = statement.where(tables.hold.c.released_by.is_(None))
    wanted = sorted(set(keys), key=lambda key: key.bytes if isinstance(key, UUID) else key)
    return [
        kind(*row)
        for start in range(0, len(wanted), CHUNK)
        for row in connection.execute(statement.where(table.c[column].in_(wanted[start : start + CHUNK])))
    ]


class Loader:
    """Fills one Ledger; never asks for the same key twice."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        self._connection = connection
        self.ledger = ledger
        self._asked: dict[tuple[type, str], set[Any]] = {}

    def rows(self, kind: type[R], column: str, keys: Iterable[Any], *, only_read: bool = False) -> list[R]:
        """Loads what has not been asked for yet; rows of kinds that decisions change are locked, save `only_read`."""
        asked = self._asked.setdefault((kind, column), set())
        fresh = {key for key in keys if key is not None} - asked
        if not fresh:
            return []
        asked |= fresh
        found: list[Any] = fetch(self._connection, kind, column, fresh, lock=kind in _LOCKED and not only_read)
        match kind.__name__:
            case "Party" | "Site" | "Product" | "Document":
                self._master(kind).update({row.id: row for row in found})
            case _:
                self.ledger.load(found)
        return found

    def _master(self, kind: type) -> dict[UUID, Any]:
        known: dict[type, dict[UUID, Any]] = {
            Party: self.ledger.parties,
            Site: self.ledger.sites,
            Product: self.ledger.products,
            Document: self.ledger.documents,
        }
        return known[kind]

    def sites(self, keys: Iterable[UUID | None]) -> None:
        """Sites with everything above them."""
        found = self.rows(Site, "id", keys)
        self.rows(Site, "id", {UUID(hex=part) for site in found for part in site.path.strip("/").split("/")})

    def goods(self) -> None:
        """What hangs on every custody in the ledger: lots, holds, products, sites."""
        custodies = list(self.ledger.rows[Custody].values())
        lots = {custody.lot_id for custody in custodies}
        self.rows(Lot, "id", lots)
        self.rows(HoldRow, "lot_id", lots)
        self.rows(Product, "id", {custody.product_id for custody in custodies})
        self.sites(custody.site_id for custody in custodies)
        self.rows(Code, "code", {custody.code for custody in custodies if custody.voided_by})

    def ancestry(self, keys: Collection[UUID]) -> None:
        """Links and custodies upward, generation by generation; only to be read, so everything that a decision may
        change is loaded before."""
        frontier = set(keys)
        seen = set(frontier)
        for _ in range(GENERATIONS):
            if not frontier or len(seen) > ANCESTORS:
                break
            self.rows(Link, "child_id", frontier)
            frontier = {link.parent_id for key in frontier for link in self.ledger.links_up[key]} - seen
            seen |= frontier
        self.rows(Custody, "id", seen, only_read=True)

    @classmethod
    def for_holds(cls, transaction: Transaction) -> "Loader":
        """A loader that only walks upward, for sales."""
        return cls(transaction.connection, Ledger(transaction.now, codes.mint))

    def held_downstream(self, keys: Collection[UUID]) -> set[UUID]:
        """Those of the custodies that come from one with an active hold on everything downstream."""
        self.ancestry(keys)
        lots = {custody.lot_id for custody in _all(self.ledger, Custody)}
        self.rows(HoldRow, "lot_id", lots)
        return {key for key in keys if (row := self.ledger.find(Custody, key)) and self.ledger.holds_on(row)}

    def downstream_holds(self) -> bool:
        """True where any hold reaches the descendants of what it was placed on."""
        hold = tables.hold.c
        statement = select(hold.id).where(hold.released_by.is_(None), hold.scope == "downstream").limit(1)
        return self._connection.execute(statement).first() is not None

    def children(self, keys: Iterable[UUID]) -> None:
        found = self.rows(Link, "parent_id", keys)
        self.rows(Custody, "id", {link.child_id for link in found})
        self.rows(Event, "id", {link.event_id for link in found})


def load(transaction: Transaction, commands: Collection[Record], mint: Callable[[CodeKind], str]) -> Ledger:
    """Everything that deciding the commands can ask for."""
    ledger = Ledger(transaction.now, mint)
    loader = Loader(transaction.connection, ledger)
    events: list[AnyEvent] = []
    own_ids: list[UUID] = []
    for command in commands:
        each = [command.event]
        if isinstance(command.event, Correct) and command.event.replacement is not None:
            each.append(command.event.replacement)
        events += each
        own_ids += [ids.event_id(command.principal.recorder_id, event.ref) for event in each]
    corrected = {event.event_id for event in events if isinstance(event, Correct)}
    loader.rows(Event, "id", {*own_ids, *corrected})
    loader.rows(Correction, "event_id", corrected)
    loader.rows(Party, "id", {command.principal.party_id for command in commands})
    loader.rows(Document, "id", {key for event in events for key in _documents(event)})
    holds = loader.rows(HoldRow, "id", {e.hold_event_id for e in events if isinstance(e, Release)} | corrected)
    targets = [event for key in corrected if (event := ledger.find(Event, key)) is not None]
    slips = {code for event in events for code in _slips(event)} | {t.outcome.get("slip_code") for t in targets}
    loader.rows(Slip, "code", slips)
    items = loader.rows(SlipItem, "slip_code", slips)
    custodies = {key for event in events for key in _custodies(event)} | {item.custody_id for item in items}
    custodies |= {hold.custody_id for hold in holds}
    custodies |= {UUID(hex=entry[0]) for target in targets for entry in target.entries}
    loader.rows(Custody, "id", custodies)
    _load_identified(loader, events, targets)
    _load_corrected(loader, targets)
    _load_lots(loader, events)
    # The parties and site of those who record; a gate asks for the chain behind what stands before it.
    loader.sites({key for event in events for key in _sites(event)} | {slip.to_site_id for slip in _all(ledger, Slip)})
    loader.sites(slip.site_id for slip in _all(ledger, Slip))
    loader.rows(Product, "id", {key for event in events for key in _products(event)})
    loader.ancestry({event.parent_custody_id for event in events if isinstance(event, Identify)})
    _load_gate(loader, events)
    if (
        any(isinstance(event, Ship | Sell | Transform | Receive | Admit) for event in events)
        and loader.downstream_holds()
    ):
        loader.ancestry([custody.id for custody in _all(ledger, Custody)])
    loader.goods()
    loader.rows(Event, "id", {hold.id for hold in holds})
    return ledger


def _all(ledger: Ledger, kind: type[R]) -> list[R]:
    return list(ledger.rows[kind].values())


def _load_lots(loader: Loader, events: Iterable[AnyEvent]) -> None:
    """Lots that outputs may name: by maker, product and number, the maker being the party of the site."""
    makers = [event for event in events if isinstance(event, Produce | Transform)]
    loader.sites({event.site_id for event in makers})
    keys = set()
    for event in makers:
        site = loader.ledger.sites.get(event.site_id)
        if site is not None:
            keys |= {
                ids.lot_id(site.party_id, output.product_id, output.lot_number.strip())
                for output in event.outputs
                if output.lot_number
            }
    loader.rows(Lot, "id", keys)


def _load_gate(loader: Loader, events: Iterable[AnyEvent]) -> None:
    """For admission: the way back, the papers on it, its tests and how the goods arrived."""
    gates = [event for event in events if isinstance(event, Admit)]
    if not gates:
        return
    ledger = loader.ledger
    starts = {key for gate in gates for key in gate.custody_ids or ()}
    starts |= {item.custody_id for gate in gates for code in _slips(gate) for item in ledger.items[code]}
    loader.ancestry(starts)
    known = [custody for key in starts for custody in ledger.ancestors(key)]
    loader.sites(custody.site_id for custody in known)
    subjects = {custody.id for custody in known} | {custody.site_id for custody in known}
    attached = loader.rows(Attachment, "subject_id", subjects)
    loader.rows(Document, "id", {attachment.document_id for attachment in attached})
    entries = loader.rows(TimelineEntry, "custody_id", {custody.id for custody in known})
    tests = {entry.event_id for entry in entries if entry.kind == "test"}
    loader.rows(Event, "id", tests | {custody.arrived_event_id for custody in known})
    loader.rows(Correction, "event_id", tests)


def _load_identified(loader: Loader, events: Iterable[AnyEvent], targets: Iterable[Event]) -> None:
    pairs = [(e.gap_custody_id, e.parent_custody_id) for e in events if isinstance(e, Identify)]
    pairs += [
        (UUID(t.body["gap_custody_id"]), UUID(t.body["parent_custody_id"])) for t in targets if t.kind == "identify"
    ]
    if not pairs:
        return
    gaps = {gap for gap, _ in pairs}
    loader.rows(Custody, "id", gaps)
    found = loader.rows(Link, "child_id", gaps)
    loader.rows(Event, "id", {link.event_id for link in found})
    loader.children(gaps)


def _load_corrected(loader: Loader, targets: Iterable[Event]) -> None:
    """What hangs on what is corrected: codes, links both ways, whoever received, slips that carry it on, documents."""
    targets = list(targets)
    if not targets:
        return
    ledger = loader.ledger
    made = {UUID(output["custody_id"]) for target in targets for output in target.outcome["outputs"]}
    loader.rows(Link, "child_id", made)
    loader.children(made | {UUID(hex=entry[0]) for target in targets for entry in target.entries})
    codes = {output["code"] for target in targets for output in target.outcome["outputs"]}
    found = loader.rows(Code, "code", codes | {target.outcome["slip_code"] for target in targets})
    while replacing := {code.replacement for code in found if code.replacement}:
        loader.rows(SlipItem, "slip_code", replacing)
        found = loader.rows(Code, "code", replacing)
    later = loader.rows(TimelineEntry, "custody_id", made)
    carried = loader.rows(Event, "id", {entry.event_id for entry in later if entry.entry == "shipped"})
    slips = {event.outcome["slip_code"] for event in carried}
    loader.rows(Slip, "code", slips)
    loader.rows(SlipItem, "slip_code", slips)
    loader.rows(HoldRow, "id", {UUID(target.body["hold_event_id"]) for target in targets if target.kind == "release"})
    subjects = {
        UUID(target.body[name]) for target in targets for name in ("custody_id", "site_id") if target.body.get(name)
    }
    loader.rows(Attachment, "subject_id", subjects | made)
    loader.rows(Custody, "id", {link.parent_id for key in made for link in ledger.links_up[key]})


# --- what an event names ---


def _custodies(event: AnyEvent) -> Iterable[UUID]:
    match event:
        case Transform(inputs=items) | Ship(items=items) | Destroy(items=items):
            return [item.custody_id for item in items]
        case Count(items=counted):
            return [item.custody_id for item in counted]
        case Return(items=items, to_custody_id=to):
            return [item.custody_id for item in items] + ([to] if to else [])
        case Receive(items=parts):
            return [part.custody_id for part in parts or () if isinstance(part, SlipPart)]
        case Sell(lines=lines):
            return [line.custody_id for line in lines if line.custody_id]
        case Identify(gap_custody_id=gap, parent_custody_id=parent):
            return [gap, parent]
        case Admit(custody_ids=keys):
            return keys or ()
        case Test(custody_id=key) | Hold(custody_id=key):
            return [key]
        case Certify(custody_id=key) if key is not None:
            return [key]
    return []


def _slips(event: AnyEvent) -> Iterable[str]:
    text = event.slip_code if isinstance(event, Receive | Admit) else None
    if text is None:
        return []
    try:
        return [parse(text.rsplit("/", 1)[-1]).text]
    except MistypedCode:
        return []  # the decision says so


def _sites(event: AnyEvent) -> Iterable[UUID | None]:
    named: list[UUID | None] = [event.site_id]
    if isinstance(event, Ship | Return):
        named.append(event.to_site_id)
    return named


def _products(event: AnyEvent) -> Iterable[UUID | None]:
    match event:
        case Produce(outputs=outputs) | Transform(outputs=outputs):
            return [output.product_id for output in outputs]
        case Receive():
            return [item.product_id for item in event.outside_items()]
        case Sell(lines=lines):
            return [line.product_id for line in lines]
    return []


def _documents(event: AnyEvent) -> Iterable[UUID]:
    match event:
        case Certify(document_id=key):
            return [key]
        case Receive(from_=source) if source is not None:
            return source.document_ids
        case Ship(to=to) if to is not None:
            return to.document_ids
        case Return(evidence=keys) | Destroy(evidence=keys):
            return keys
    return []


# --- writing ---


def write(transaction: Transaction, ledger: Ledger) -> None:
    """Writes every new or changed row, sorted by key, tables in their fixed order."""
    for kind in _WRITTEN:
        removed = ledger.removed[kind]
        if removed:
            _delete(transaction.connection, TABLES[kind], removed.values())
        changed = ledger.changed[kind]
        if changed:
            names = _names(kind)
            rows = [tuple(getattr(row, name) for name in names) for row in changed.values()]
            upsert(transaction.connection, TABLES[kind], rows)


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def _delete(connection: Connection, table: Table, rows: Iterable[Any]) -> None:
    columns = list(table.primary_key.columns)
    keys = sorted(
        (tuple(getattr(row, column.name) for column in columns) for row in rows),
        key=lambda key: tuple(part.bytes if isinstance(part, UUID) else part for part in key),
    )
    for start in range(0, len(keys), CHUNK):
        condition: ColumnElement[bool] = tuple_(*columns).in_(keys[start : start + CHUNK])
        connection.execute(delete(table).where(condition))
