"""The working set of a batch of decisions: rows that the store loaded, rows that decisions changed, and a way back.

The store fills a Ledger with everything the commands of a batch name, the deciders read and change it one command
after another, and the store writes what is new or changed. A refused command leaves it as it was: every change goes
through `add`, `edit` or `remove`, which know how to undo it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.domain.codes import CodeKind
from app.domain.errors import NotFound
from app.domain.holds import reached
from app.domain.rows import (
    ENTRIES,
    Attachment,
    Code,
    Correction,
    Custody,
    Device,
    Document,
    Event,
    ExternalCode,
    Flag,
    Hold,
    Link,
    Lot,
    Party,
    Product,
    Site,
    Slip,
    SlipItem,
    TimelineEntry,
)

R = TypeVar("R")

LINEAGE = 40  # ancestors that a custody names

Row = (
    Attachment | Code | Correction | Custody | Event | ExternalCode | Flag | Hold | Link | Lot | Slip | SlipItem
    | TimelineEntry
)  # fmt: skip

_KEYS: dict[type, Callable[[Any], Any]] = {
    Attachment: lambda r: (r.subject_id, r.document_id),
    Code: lambda r: r.code,
    Correction: lambda r: r.event_id,
    Custody: lambda r: r.id,
    Event: lambda r: r.id,
    ExternalCode: lambda r: (r.value, r.scheme, r.subject_id),
    Flag: lambda r: (r.event_id, r.position),
    Hold: lambda r: r.id,
    Link: lambda r: (r.child_id, r.parent_id, r.event_id),
    Lot: lambda r: r.id,
    Slip: lambda r: r.code,
    SlipItem: lambda r: (r.slip_code, r.custody_id),
    TimelineEntry: lambda r: (r.custody_id, r.event_id, r.entry),
}


@dataclass(slots=True)
class Ledger:
    """`now` is the batch's one clock reading; `mint` makes a fresh code of a kind."""

    now: datetime
    mint: Callable[[CodeKind], str]
    parties: dict[UUID, Party] = field(default_factory=dict)
    sites: dict[UUID, Site] = field(default_factory=dict)
    products: dict[UUID, Product] = field(default_factory=dict)
    devices: dict[UUID, Device] = field(default_factory=dict)
    documents: dict[UUID, Document] = field(default_factory=dict)
    rows: dict[type, dict[Any, Any]] = field(default_factory=lambda: {kind: {} for kind in _KEYS})
    changed: dict[type, dict[Any, Any]] = field(default_factory=lambda: {kind: {} for kind in _KEYS})
    removed: dict[type, dict[Any, Any]] = field(default_factory=lambda: {kind: {} for kind in _KEYS})
    links_up: dict[UUID, list[Link]] = field(default_factory=lambda: defaultdict(list))
    links_down: dict[UUID, list[Link]] = field(default_factory=lambda: defaultdict(list))
    items: dict[str, list[SlipItem]] = field(default_factory=lambda: defaultdict(list))
    items_of: dict[UUID, list[SlipItem]] = field(default_factory=lambda: defaultdict(list))  # by custody
    attached: dict[UUID, list[Attachment]] = field(default_factory=lambda: defaultdict(list))
    timeline: dict[UUID, list[TimelineEntry]] = field(default_factory=lambda: defaultdict(list))
    holds_of_lot: dict[UUID, list[Hold]] = field(default_factory=lambda: defaultdict(list))
    _undo: list[Callable[[], None]] = field(default_factory=list)

    # --- loading: called by the store, before any decision ---

    def load(self, rows: Iterable[Row]) -> None:
        """Takes in rows as they are on disk; one that is here already stays."""
        for row in rows:
            kind = type(row)
            if self.rows[kind].setdefault(_KEYS[kind](row), row) is row:
                self._index(row)

    # --- reading ---

    def custody(self, key: UUID) -> Custody:
        return self._need(Custody, key, "custody", "流转批次")

    def lot(self, key: UUID) -> Lot:
        return self._need(Lot, key, "lot", "批次")

    def event(self, key: UUID) -> Event:
        return self._need(Event, key, "event", "记录")

    def slip(self, key: str) -> Slip:
        return self._need(Slip, key, "slip", "溯源单")

    def hold(self, key: UUID) -> Hold:
        return self._need(Hold, key, "hold", "暂停销售")

    def site(self, key: UUID) -> Site:
        return _master(self.sites, key, "site", "场所")

    def product(self, key: UUID) -> Product:
        return _master(self.products, key, "product", "产品")

    def party(self, key: UUID) -> Party:
        return _master(self.parties, key, "party", "主体")

    def document(self, key: UUID) -> Document:
        return _master(self.documents, key, "document", "凭证")

    def find(self, kind: type[R], key: Any) -> R | None:
        row: R | None = self.rows[kind].get(key)
        return row

    def standing(self, custody: Custody) -> Custody:
        """The custody itself, or the one that has taken its place since it was voided."""
        while custody.voided_by is not None:
            code = self.find(Code, custody.code)
            leads_to = self.find(Code, code.replacement) if code is not None else None
            heir = self.find(Custody, leads_to.subject_id) if leads_to is not None else None
            if heir is None:
                break
            custody = heir
        return custody

    def market(self, site: Site) -> Site | None:
        """The topmost site above it: the market of a stall, itself for a root."""
        return self.sites.get(UUID(hex=site.path[:32]))

    def ancestors(self, custody_id: UUID) -> list[Custody]:
        """The custody itself and everything it came from, as far as the store has loaded links upward."""
        seen = {custody_id}
        order = [custody_id]
        for current in order:
            for link in self.links_up[current]:
                if link.parent_id not in seen:
                    seen.add(link.parent_id)
                    order.append(link.parent_id)
        return [self.rows[Custody][key] for key in order if key in self.rows[Custody]]

    def holds_on(self, custody: Custody) -> list[Hold]:
        """Active holds that reach it: on itself, on its lot, or on something that it came from."""
        kin = self.ancestors(custody.id)
        lots = dict.fromkeys([custody.lot_id, *(each.lot_id for each in kin)])
        active = [hold for lot in lots for hold in self.holds_of_lot[lot] if hold.released_by is None]
        if not active:
            return []
        goods = {each.id: (each.lot_id, each.site_id) for each in (custody, *kin)}
        links = [(link.parent_id, link.child_id) for key in goods for link in self.links_up[key]]
        return [hold for hold in active if custody.id in reached([hold.stop], goods, links)]

    # --- changing ---

    def add(self, row: Row) -> None:
        """Takes in a new row. A link tells a child that is written anyway what it came from, so that whoever asks for
        its way need not find it generation by generation; what changes behind it later is not told."""
        kind, key = type(row), _KEYS[type(row)](row)
        self.rows[kind][key] = row
        self._undo.append(lambda: self._forget(kind, key, row))
        self._index(row)
        self._mark(kind, key, row)
        removed = self.removed[kind].pop(key, None)
        if removed is not None:
            self._undo.append(lambda: self.removed[kind].__setitem__(key, removed))
        if isinstance(row, Link):
            child, parent = self.changed[Custody].get(row.child_id), self.find(Custody, row.parent_id)
            if child is not None and parent is not None:
                self.edit(child, lineage=_lineage(child, parent))

    def edit(self, row: R, **values: Any) -> R:
        """Sets fields of a row that is in the ledger (none of its key)."""
        kind, key = type(row), _KEYS[type(row)](row)
        before = {name: getattr(row, name) for name in values}

        def undo() -> None:
            for name, value in before.items():
                setattr(row, name, value)

        self._undo.append(undo)
        for name, value in values.items():
            setattr(row, name, value)
        self._mark(kind, key, row)
        return row

    def remove(self, row: Link | Attachment | SlipItem) -> None:
        """Takes a row of a projection away; events are never removed."""
        kind, key = type(row), _KEYS[type(row)](row)
        changed = self.changed[kind].pop(key, None)
        self.rows[kind].pop(key)
        groups = [(group, list(group)) for group in self._groups(row)]
        self._unindex(row)
        self.removed[kind][key] = row

        def undo() -> None:
            del self.removed[kind][key]
            self.rows[kind][key] = row
            for group, before in groups:
                group[:] = before
            if changed is not None:
                self.changed[kind][key] = changed

        self._undo.append(undo)

    def enter(self, event: Event, custody: Custody, entry: str, amount: int = 0) -> None:
        """Puts an event on a custody's timeline and what it does to the balance into the custody."""
        if entry in ENTRIES:
            column = ENTRIES[entry]
            self.edit(custody, **{column: getattr(custody, column) + amount})
        known = self.find(TimelineEntry, (custody.id, event.id, entry))
        if known is None:
            self.add(TimelineEntry(custody.id, event.id, entry, event.kind, event.event_time, amount))
        else:
            self.edit(known, amount=known.amount + amount)
        event.entries.append([custody.id.hex, entry, amount])

    def commit(self) -> None:
        """The command stands: forget the way back."""
        self._undo.clear()

    def rollback(self) -> None:
        """The command is refused: everything since the last commit is undone."""
        while self._undo:
            self._undo.pop()()

    # --- inner ---

    def _need(self, kind: type[R], key: Any, name: str, name_zh: str) -> R:
        row: R | None = self.rows[kind].get(key)
        if row is None:
            raise NotFound(
                f"unknown-{name}", f"没有这个{name_zh}：{key} · no {name} {key}; check the id", identity=str(key)
            )
        return row

    def _mark(self, kind: type, key: Any, row: Any) -> None:
        if key not in self.changed[kind]:
            self.changed[kind][key] = row
            self._undo.append(lambda: self.changed[kind].pop(key, None))

    def _forget(self, kind: type, key: Any, row: Any) -> None:
        self.rows[kind].pop(key, None)
        self._unindex(row)

    def _groups(self, row: Any) -> list[list[Any]]:
        match row:
            case Link():
                return [self.links_up[row.child_id], self.links_down[row.parent_id]]
            case SlipItem():
                return [self.items[row.slip_code], self.items_of[row.custody_id]]
            case Attachment():
                return [self.attached[row.subject_id]]
            case TimelineEntry():
                return [self.timeline[row.custody_id]]
            case Hold():
                return [self.holds_of_lot[row.lot_id]]
            case _:
                return []

    def _index(self, row: Any) -> None:
        for group in self._groups(row):
            group.append(row)

    def _unindex(self, row: Any) -> None:
        for group in self._groups(row):
            group[:] = [other for other in group if other is not row]


def _lineage(child: Custody, parent: Custody) -> bytes:
    known = (child.lineage or b"") + parent.id.bytes + (parent.lineage or b"")
    each = dict.fromkeys(known[start : start + 16] for start in range(0, len(known), 16))
    return b"".join(each)[: 16 * LINEAGE]


def _master(rows: dict[UUID, R], key: UUID, name: str, name_zh: str) -> R:
    row = rows.get(key)
    if row is None:
        raise NotFound(
            f"unknown-{name}", f"没有这个{name_zh}：{key} · no {name} {key}; check the id", identity=str(key)
        )
    return row
