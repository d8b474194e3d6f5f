"""What can only go together although no link says so: captured goods whose events name each other, and the goods of a
lot that was recalled."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.domain.epcis.captured import CHILDREN, CapturedEvent, epcs_of, related_epcs
from app.domain.epcis.closure import CONTAINING
from app.store import captures, raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.types import from_micros

PAGE: Final = 200  # captured events that are looked at together
EVENTS: Final = 20_000  # captured events in one piece; goods of a piece with more are left alone
_RECALLED: Final = ("id", "lot_id")
_PACKED: Final = ("unit_epc", "from_time", "to_time")
Edge = tuple[bytes, bytes, str]  # as in store.retention


@dataclass(frozen=True, slots=True)
class Piece:
    """Captured events, with all EPCs, units and transformations that they name, and all events of these, and so on; of
    a unit those since it was filled, until it is filled anew.
    `goods`: the custodies of them; `latest`: when the last of it happened or was captured."""

    epcs: frozenset[str]
    events: frozenset[UUID]
    goods: tuple[bytes, ...]
    latest: datetime


class TooLarge(Exception):
    """More than EVENTS captured events hang together."""


@dataclass(slots=True)
class Entwined:
    """Joins custodies by edges that go both ways: (first, other, kind). `recalled`: lots whose goods go together."""

    snapshot: Snapshot
    recalled: Collection[bytes]
    pieces: dict[str, Piece] = field(default_factory=dict)  # by EPC
    _lots: set[bytes] = field(default_factory=set)

    def edges(self, rows: Iterable[raw.Row], lot: int, epc: int) -> set[Edge]:
        """Of custodies whose lot and EPC stand at these positions of a row. Raises TooLarge."""
        found: set[Edge] = set()
        lots = {row[lot] for row in rows if row[lot] in self.recalled} - self._lots
        self._lots |= lots
        by_lot: dict[bytes, list[bytes]] = {}
        for key, of in sorted(raw.select(self.snapshot, tables.custody, _RECALLED, "lot_id", lots)):
            by_lot.setdefault(of, []).append(key)
        for goods in by_lot.values():
            found |= {(goods[0], other, "lot") for other in goods[1:]}
        for name in {row[epc] for row in rows if row[epc] is not None}:
            if name not in self.pieces:
                piece = piece_of(self.snapshot, name)
                self.pieces |= dict.fromkeys(piece.epcs, piece)
                found |= {(piece.goods[0], other, "captured") for other in piece.goods[1:]}
        return found


Key = tuple[str, datetime | None]  # an EPC; of a unit with the time since which it is in use for the same goods


class _Units:
    """Units that are used again and again: what is in them at one time has nothing to do with what was in them before
    they were empty."""

    def __init__(self, snapshot: Snapshot, archive: captures.Archive) -> None:
        self._snapshot = snapshot
        self._archive = archive
        self._filled: dict[str, list[datetime]] = {}  # of a unit: when it was filled that had been empty; of others []

    def learn(self, names: Collection[str]) -> None:
        """Raises TooLarge."""
        new = names - self._filled.keys()
        stays: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
        for unit, since, until in raw.select(self._snapshot, tables.packing, _PACKED, "unit_epc", sorted(new)):
            stays[unit].append((since, until))
        events = self._archive.load(sorted(stays))
        if len(events) > EVENTS:
            raise TooLarge
        containing = [event for event in events if event.kind in CONTAINING]
        # What a unit in another one holds goes where that goes, emptied or not.
        inside = {epc for event in containing for epc in epcs_of(event, CHILDREN)}
        self._filled |= {name: [] if name in inside else _beginnings(stays.get(name, [])) for name in new}

    def key(self, name: str, time: datetime) -> Key:
        filled = self._filled[name]
        return name, filled[max(bisect_right(filled, time) - 1, 0)] if filled else None


def _beginnings(stays: Iterable[tuple[int, int | None]]) -> list[datetime]:
    found: list[datetime] = []
    end: int | None = -1
    for since, until in sorted(stays, key=lambda stay: stay[0]):
        if end is not None and since > end:
            found.append(from_micros(since))
        end = None if end is None or until is None else max(end, until)
    return found


def piece_of(snapshot: Snapshot, epc: str, time: datetime | None = None) -> Piece:
    """All that hangs on the EPC of captured goods, or of a unit at a time. Raises TooLarge."""
    archive = captures.Archive(snapshot)
    units = _Units(snapshot, archive)
    units.learn({epc})
    ahead: set[Key] = {(epc, None) if time is None else units.key(epc, time)}
    keys, events = set(ahead), set[UUID]()
    while ahead:
        beside: set[Key] = set()
        loaded = archive.load(sorted({name for name, _ in ahead}))
        units.learn({name for event in loaded for name in related_epcs(event)})
        for event in loaded:
            named = {units.key(name, event.event_time) for name in related_epcs(event)} | (
                {(epc, None)} if time is None and epc in related_epcs(event) else set()
            )
            if event.event_id not in events and named & ahead:
                events.add(event.event_id)
                beside |= named
        if len(events) > EVENTS:
            raise TooLarge
        ahead = beside - keys
        keys |= ahead
    return piece(snapshot, {name for name, _ in keys}, events)


def piece(snapshot: Snapshot, epcs: Collection[str], events: Collection[UUID]) -> Piece:
    c = tables.event.c
    times = [
        max(row)
        for chunk in chunks(events)
        for row in snapshot.execute(select(c.event_time, c.record_time).where(c.id.in_(chunk)))
    ]
    goods = sorted(key for (key,) in raw.select(snapshot, tables.custody, ("id",), "epc", sorted(epcs)))
    latest = max(times, default=from_micros(0))
    return Piece(frozenset(epcs), frozenset(events), tuple(goods), latest)


def loose(snapshot: Snapshot, before: datetime, after: int) -> tuple[list[Piece], int, int | None]:
    """Of the next captured events by their positions: pieces that are no goods' and of which the last was captured, and
    happened, before; how many events were left alone, since too much hangs together; and where to go on."""
    shown = tables.epcis_event.c
    wanted = select(shown.event_id, shown.position, shown.record_time).where(
        shown.position > after, shown.role == captures.CAPTURE
    )
    rows = snapshot.execute(wanted.order_by(shown.position).limit(PAGE)).all()
    archive = captures.Archive(snapshot)
    found: list[Piece] = []
    seen: set[UUID] = set()
    entangled = 0
    for event in archive.named({row.event_id for row in rows if row.record_time < before}):
        if event.event_id in seen:
            continue
        try:
            one = _piece_with(snapshot, event)
        except TooLarge:
            entangled += 1
            continue
        seen |= one.events
        if not one.goods and one.latest < before:
            found.append(one)
    return found, entangled, rows[-1].position if len(rows) == PAGE else None


def _piece_with(snapshot: Snapshot, event: CapturedEvent) -> Piece:
    """That of an event."""
    names = sorted(related_epcs(event))
    return piece_of(snapshot, names[0], event.event_time) if names else piece(snapshot, (), [event.event_id])


def still_loose(snapshot: Snapshot, pieces: Collection[Piece]) -> bool:
    """Whether all of them are as they were found; asked when nobody captures any more."""
    archive = captures.Archive(snapshot)
    for one in pieces:
        (event,) = archive.named({min(one.events)}) or (None,)
        try:
            if event is None or _piece_with(snapshot, event) != one:
                return False
        except TooLarge:
            return False
    return True


def pieces_of(snapshot: Snapshot, epcs: Iterable[str]) -> list[Piece]:
    """The pieces that the EPCs of captured goods are in."""
    found: dict[str, Piece] = {}
    for epc in epcs:
        if epc not in found:
            piece = piece_of(snapshot, epc)
            found |= dict.fromkeys(piece.epcs, piece)
    return list({id(piece): piece for piece in found.values()}.values())
