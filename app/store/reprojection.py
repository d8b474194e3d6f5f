"""The rows that captured events make, computed again from all events of the EPCs concerned: written, or compared.

A late event, an error declaration, another order of arrival: what they change is changed by the computation that made
it. Native events may stand on captured goods as well (a test, a hold): their lines and amounts are left as they are,
and so are codes, which have been printed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from app.domain import ids
from app.domain.codes import CodeKind
from app.domain.epcis.book import CAPTURED, Book, book_of
from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.closure import closure
from app.domain.epcis.departures import VOID_SHIPPING
from app.domain.epcis.projection import project
from app.domain.epcis.vocabulary import bare_word
from app.domain.rows import ENTRIES, Code, Correction, Custody, Event, Link, Lot, TimelineEntry, within
from app.store import aliases, bulk, captures, master, raw, tables
from app.store.ledger import fetch
from app.store.notes import Notes
from app.store.published import REPOSITORY, shown_of
from app.store.shipments import Shipments

K = TypeVar("K")
R = TypeVar("R")

_AMOUNTS = tuple(ENTRIES.values())
# What the events say of a custody; the rest of its row is codes and what native events made of it.
_GOVERNED = (
    "lot_id", "product_id", "site_id", "party_id", "measure", "arrived_event_id", "arrived_at", "expires_on",
    "reported_by",
)  # fmt: skip
_PACKING = ("unit_epc", "content_epc", "from_event_id", "from_time", "to_event_id", "to_time")


@dataclass(frozen=True, slots=True)
class Fresh:
    """An event that is not recorded yet: its row without entries, (slug, detail) of what is wrong with it, and the
    `@context` of its document where that declares more than the standard's."""

    row: Event
    event: CapturedEvent
    flags: list[tuple[str, str]] = field(default_factory=list)
    context: Any = None


@dataclass(slots=True)
class _Ledger:
    """Rows by key, as they are or as they should be."""

    lots: dict[UUID, Lot] = field(default_factory=dict)
    custodies: dict[UUID, Custody] = field(default_factory=dict)
    links: dict[tuple[UUID, UUID, UUID], Link] = field(default_factory=dict)
    lines: dict[tuple[UUID, UUID, str], TimelineEntry] = field(default_factory=dict)
    entries: dict[UUID, list[list[Any]]] = field(default_factory=dict)
    packings: dict[tuple[str, str, UUID], tuple[Any, ...]] = field(default_factory=dict)
    corrections: dict[tuple[UUID, UUID], Correction] = field(default_factory=dict)


class Reprojection:
    """What the ledger holds of some EPCs and of all they concern, and what it should hold.

    Make it when the sites of the events are there; write it when the products in `book` are there.
    """

    def __init__(
        self,
        connection: Connection,
        seeds: Iterable[str],
        now: datetime,
        fresh: Sequence[Fresh] = (),
        *,
        lock: bool = False,
    ) -> None:
        self._connection = connection
        self._now = now
        self._fresh = {one.event.event_id: one for one in fresh}
        self._archive = captures.Archive(connection, (one.event for one in fresh))
        found = closure(seeds, self._archive.load)
        self.affected = found.affected
        events = {event.event_id: event for event in found.events}
        places = {uri for event in found.events for uri in (event.site, event.destination) if uri is not None}
        self._ours = aliases.sites_of(connection, places)
        # Who brought them is asked for where it makes a difference.
        declared = any(event.is_error_declaration or event.biz_step == VOID_SHIPPING for event in found.events)
        graph = project(found.events, only=found.affected, asserted=self._asserters(events if declared else ()))
        self.book: Book = book_of(graph, found.events, self._site_id)
        # Events that name nothing are in no closure.
        self._events: dict[UUID, CapturedEvent] = events | {key: one.event for key, one in self._fresh.items()}
        self._codes: dict[str, Code] = {}
        self._with_native: set[UUID] = set()
        self._captured_amounts: dict[UUID, Counter[str]] = defaultdict(Counter)
        self._is = self._read(lock)
        self._should = self._compute()
        self._shipments = self._sent(lock)
        self._notes = Notes(connection, self._archive, found.affected, self._events, self.book, self._joined(self._is))

    def _asserters(self, events: Iterable[UUID]) -> dict[UUID, UUID | None]:
        fresh = {key: one.row.party_id for key, one in self._fresh.items()}
        return captures.asserters(self._connection, set(events) - fresh.keys()) | fresh

    def _site_id(self, uri: str) -> UUID:
        return self._ours.get(uri) or ids.captured_site_id(uri)

    def _sent(self, lock: bool) -> Shipments:
        governed = self._is.custodies.keys() | self.book.custodies.keys()
        return Shipments(self._connection, self._events, self.book, governed, self._ours, lock=lock)

    def received_though_void(self) -> set[UUID]:
        """The new events that take back what was received off its slip."""
        return self._shipments.received_though_void(self._fresh, self.book)

    # --- how it is ---

    def _read(self, lock: bool) -> _Ledger:
        connection = self._connection
        found = _Ledger()
        found.custodies = {row.id: row for row in fetch(connection, Custody, "epc", self.affected, lock=lock)}
        lots = {ids.captured_lot_id(epc) for epc in self.affected}
        found.lots = {row.id: row for row in fetch(connection, Lot, "id", lots)}
        goods = found.custodies.keys() | self.book.custodies.keys()
        for link in fetch(connection, Link, "child_id", goods):
            # Who closes a gap is a native event; every other child of a link that is captured is so by captured ones.
            if link.kind != "identify":
                found.links[link.child_id, link.parent_id, link.event_id] = link
        for line in fetch(connection, TimelineEntry, "custody_id", goods):
            if line.kind.startswith(CAPTURED):
                found.lines[line.custody_id, line.event_id, line.entry] = line
                if line.entry in ENTRIES:
                    self._captured_amounts[line.custody_id][ENTRIES[line.entry]] += line.amount
            else:
                self._with_native.add(line.custody_id)
        touching = self._events.keys() | {event for _, event, _ in found.lines}
        found.entries = captures.entries(connection, touching - self._fresh.keys())
        units = {event.parent for event in self._events.values() if event.parent is not None} | self.affected
        for row in _packings(connection, units):
            if row[0] in self.affected or row[1] in self.affected:
                found.packings[row[0], row[1], row[2]] = row
        for correction in fetch(connection, Correction, "event_id", self._events):
            found.corrections[correction.event_id, correction.correcting_event_id] = correction
        return found

    # --- how it should be ---

    def _compute(self) -> _Ledger:
        parties = self._parties()
        made = _Ledger(links=dict(self.book.links), lines=dict(self.book.lines))
        asserted = self._asserted(parties)
        for key, row in self.book.custodies.items():
            made.custodies[key] = self._custody(replace(row, party_id=parties.get(key), reported_by=asserted.get(key)))
        for key, old in self._is.custodies.items():
            if key not in made.custodies and (old.code is not None or key in self._with_native):
                made.custodies[key] = self._voided(old)
        for lot_id, lot in self.book.lots.items():
            known = self._is.lots.get(lot_id)
            made.lots[lot_id] = replace(
                lot, code=known.code if known else None, maker_id=parties.get(self.book.made_at[lot_id])
            )
        kept = {custody.lot_id for custody in made.custodies.values()}
        for lot_id, known in self._is.lots.items():
            if lot_id not in made.lots and (known.code is not None or lot_id in kept):
                made.lots[lot_id] = known
        made.entries = self._entries()
        for packing_key, packing in self.book.packings.items():
            made.packings[packing_key] = (
                *packing_key, packing.from_time, packing.to_event, packing.to_time
            )  # fmt: skip
        for event_id, declaration in self.book.declared:
            said = self._events[declaration].body["errorDeclaration"]
            reason = bare_word("ER", str(said.get("reason", ""))) if isinstance(said, dict) else ""
            known_at = self._is.corrections.get((event_id, declaration))
            recorded = known_at.record_time if known_at else self._now
            made.corrections[event_id, declaration] = Correction(event_id, declaration, reason, None, recorded)
        self._follow_codes(made)
        return made

    def _parties(self) -> dict[UUID, UUID]:
        """Custody → who ran its site when the goods came; a gap is the party's whose goods come from it."""
        goods = self.book.custodies
        wanted = {row.id: (row.site_id, row.arrived_at) for row in goods.values() if row.site_id is not None}
        was = master.ran_at(self._connection, wanted.values())
        ran = {key: was[place] for key, place in wanted.items() if place in was}
        # At a site of ours it stays who it was, as for what is recorded there, whatever is said of the site later.
        ran |= {row.id: old.party_id for row, old in self._stayed() if old.party_id is not None}
        came = {parent: child for child, parent, _ in self.book.links}
        gaps = (row.id for row in goods.values() if row.kind == "gap")
        return ran | {gap: ran[came[gap]] for gap in gaps if came[gap] in ran}

    def _stayed(self) -> Iterator[tuple[Custody, Custody]]:
        """Goods at sites of ours, as they should be and as they are, of those that are there already."""
        ours = frozenset(self._ours.values())
        for key, row in self.book.custodies.items():
            old = self._is.custodies.get(key)
            if row.site_id in ours and old is not None and old.site_id == row.site_id:
                yield row, old

    def _asserted(self, ran: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
        """Custody at a site of ours → whose event brought it there, where that is not who runs the site or its
        market."""
        ours = frozenset(self._ours.values())
        goods = {row.id: row for row in self.book.custodies.values() if row.site_id in ours}
        if not goods:
            return {}
        by = self._asserters(row.arrived_event_id for row in goods.values())
        markets = master.markets(self._connection, master.sites(self._connection, ours).values())
        found = {}
        for key, row in goods.items():
            who = by.get(row.arrived_event_id)
            if who is not None and row.site_id is not None and who not in (ran[key], markets[row.site_id].party_id):
                found[key] = who
        for row, old in self._stayed():
            if old.arrived_event_id == row.arrived_event_id:
                found.pop(row.id, None)
                found |= {} if old.reported_by is None else {row.id: old.reported_by}
        return found

    def _custody(self, row: Custody) -> Custody:
        old = self._is.custodies.get(row.id)
        if old is None:
            return row
        governed = {name: getattr(row, name) for name in _GOVERNED}
        amounts = {
            name: getattr(old, name) - self._captured_amounts[row.id][name] + getattr(row, name) for name in _AMOUNTS
        }
        return replace(old, **governed, **amounts, voided_by=None)

    def _voided(self, old: Custody) -> Custody:
        """No event tells of these goods at this place any more, and a code or a native event does."""
        declared = dict(sorted(self.book.declared))
        amounts = {name: getattr(old, name) - self._captured_amounts[old.id][name] for name in _AMOUNTS}
        by = old.voided_by or declared.get(old.arrived_event_id, old.arrived_event_id)
        return replace(old, **amounts, voided_by=by)

    def _entries(self) -> dict[UUID, list[list[Any]]]:
        goods = {key.hex for key in (*self._is.custodies, *self.book.custodies)}
        made = {}
        for event_id in self._is.entries.keys() | self._fresh.keys() | self.book.entries.keys():
            others = [entry for entry in self._is.entries.get(event_id, ()) if entry[0] not in goods]
            own = [[custody.hex, name, amount] for custody, name, amount in self.book.entries.get(event_id, ())]
            made[event_id] = sorted(others + own)
        return made

    # --- codes ---

    def issue(self, mint: Callable[[CodeKind], str]) -> None:
        """Gives every custody and lot that has none a code."""
        for custody in self._should.custodies.values():
            if custody.code is None and custody.voided_by is None and custody.kind == "custody":
                custody.code = self._minted(mint, CodeKind.CUSTODY, custody.id)
        for lot_id, lot in self._should.lots.items():
            if lot.code is None and lot_id in self.book.lots:
                lot.code = self._minted(mint, CodeKind.LOT, lot_id)

    def _minted(self, mint: Callable[[CodeKind], str], kind: CodeKind, subject: UUID) -> str:
        code = mint(kind)
        self._codes[code] = Code(code, kind, subject, "active", None, None, self._now)
        return code

    def _follow_codes(self, made: _Ledger) -> None:
        """A code whose goods are gone leads to where the events have them now; it works again if they come back."""
        gone: dict[str, str | None] = {}
        back: set[str] = set()
        for key, custody in made.custodies.items():
            was = self._is.custodies.get(key)
            if custody.code is not None and was is not None and (was.voided_by is None) != (custody.voided_by is None):
                if custody.voided_by is None:
                    back.add(custody.code)
                else:
                    gone[custody.code] = self._successor(custody, made)
        was_there = {custody.lot_id for custody in self._is.custodies.values() if custody.voided_by is None}
        for lot_id, lot in made.lots.items():
            if lot.code is not None and (lot_id in was_there) != (lot_id in self.book.lots):
                if lot_id in self.book.lots:
                    back.add(lot.code)
                else:
                    gone[lot.code] = None
        for code in fetch(self._connection, Code, "code", {*gone, *back}):
            if code.code in gone and code.status == "active":
                heir = gone[code.code]
                reason = "replaced" if heir else "voided"
                self._codes[code.code] = replace(
                    code, status="revoked", reason=reason, replacement=heir, revoked_at=self._now
                )
            elif code.code in back and code.status == "revoked" and code.reason in ("replaced", "voided"):
                self._codes[code.code] = replace(code, status="active", reason=None, replacement=None, revoked_at=None)

    def _successor(self, gone: Custody, made: _Ledger) -> str | None:
        """The code of the same goods at the place that they came to last."""
        heirs = [row for row in made.custodies.values() if row.epc == gone.epc and row.voided_by is None and row.code]
        return max(heirs, key=lambda row: (row.arrived_at, row.id.int)).code if heirs else None

    # --- comparing and writing ---

    def differences(self) -> Iterator[str]:
        """A sentence for everything that is not as it should be."""
        for name in ("lots", "custodies", "links", "lines", "entries", "packings", "corrections"):
            was, should = getattr(self._is, name), getattr(self._should, name)
            for key in sorted(was.keys() | should.keys(), key=str):
                if was.get(key) != should.get(key):
                    yield f"captured {name} {_shown(key)}: {_shown(was.get(key))} → {_shown(should.get(key))}"
        yield from self._shipments.differences()
        for event_id, (had, has) in sorted(self._notes.changes(self._joined(self._should)).items()):
            yield f"captured flags of event {event_id}: {sorted(had)} → {sorted(has)}"

    def write(self, touched: set[str]) -> list[Code]:
        """Writes every difference; adds what pages and caches show to `touched`. Returns the codes that were minted."""
        connection, was, should = self._connection, self._is, self._should
        captures.add_events(
            connection,
            [
                shown_of(replace(one.row, entries=should.entries.get(key, [])), one.event, one.context)
                for key, one in self._fresh.items()
            ],
        )
        changed = {key: new for key, new in should.entries.items() if key in was.entries and was.entries[key] != new}
        captures.rewrite_entries(connection, changed)
        self._replace(tables.correction, was.corrections, should.corrections, lambda key: key)
        bulk.upsert(connection, tables.code, [master.values(code) for code in self._codes.values()])
        lots = self._replace(tables.lot, was.lots, should.lots, lambda key: (key,))
        goods = self._replace(tables.custody, was.custodies, should.custodies, lambda key: (key,))
        links = self._replace(tables.custody_link, was.links, should.links, lambda key: key)
        lines = self._replace(tables.timeline, was.lines, should.lines, lambda key: key)
        self._replace(tables.packing, was.packings, should.packings, lambda key: key)
        self._shipments.write(touched, self._now)
        flagged = {key: one.flags for key, one in self._fresh.items()}
        self._notes.write(self._joined(should), flagged, self._now)
        for custody in (ledger.custodies[key] for key in goods for ledger in (was, should) if key in ledger.custodies):
            touched |= {within(custody.site_id)} if custody.site_id is not None else set()
        if self._fresh:
            touched.add(REPOSITORY)
        touched |= {key.hex for key in (*lots, *goods)} | {key[0].hex for key in (*links, *lines)} | self._codes.keys()
        return [code for code in self._codes.values() if code.minted_at == self._now]

    def _replace(
        self, table: Any, was: Mapping[K, R], should: Mapping[K, R], key_of: Callable[[K], tuple[Any, ...]]
    ) -> set[K]:
        """Makes a table hold what it should; returns the keys of what has changed."""
        gone = was.keys() - should.keys()
        changed = {key for key, row in should.items() if was.get(key) != row}
        bulk.delete(self._connection, table, [key_of(key) for key in gone])
        rows = [should[key] for key in changed]
        bulk.upsert(self._connection, table, [row if isinstance(row, tuple) else master.values(row) for row in rows])
        return gone | changed

    @staticmethod
    def _joined(ledger: _Ledger) -> set[UUID]:
        """Custodies that a transformation joins: where goods can come from themselves."""
        return {
            end for link in ledger.links.values() if link.kind == "transform" for end in (link.child_id, link.parent_id)
        }


def _packings(connection: Connection, units: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    for unit, content, event, since, to_event, until in raw.select(
        connection, tables.packing, _PACKING, "unit_epc", sorted(units)
    ):
        ended = None if to_event is None else UUID(bytes=to_event)
        yield unit, content, UUID(bytes=event), captures.instant(since), ended, captures.instant(until)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return "nothing" if value is None else str(value)
