"""What can only go together although no link says so: captured goods whose events name each other, and the goods of a
lot that was recalled."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.domain.epcis.captured import related_epcs
from app.store import captures, raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.types import from_micros

EVENTS: Final = 20_000  # captured events in one piece; goods of a piece with more are left alone
_RECALLED: Final = ("id", "lot_id")
Edge = tuple[bytes, bytes, str]  # as in store.retention


@dataclass(frozen=True, slots=True)
class Piece:
    """Captured events, with all EPCs, units and transformations that they name, and all events of these, and so on.
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


def piece_of(snapshot: Snapshot, epc: str) -> Piece:
    """All that hangs on the EPC of captured goods. Raises TooLarge."""
    archive = captures.Archive(snapshot)
    epcs: set[str] = {epc}
    ahead, events = {epc}, set[UUID]()
    while ahead:
        beside: set[str] = set()
        for event in archive.load(sorted(ahead)):
            if event.event_id not in events:
                events.add(event.event_id)
                beside |= related_epcs(event)
        if len(events) > EVENTS:
            raise TooLarge
        ahead = beside - epcs
        epcs |= ahead
    c = tables.event.c
    times = [
        max(row)
        for chunk in chunks(events)
        for row in snapshot.execute(select(c.event_time, c.record_time).where(c.id.in_(chunk)))
    ]
    goods = sorted(key for (key,) in raw.select(snapshot, tables.custody, ("id",), "epc", epcs))
    latest = max(times, default=from_micros(0))
    return Piece(frozenset(epcs), frozenset(events), tuple(goods), latest)


def pieces_of(snapshot: Snapshot, epcs: Iterable[str]) -> list[Piece]:
    """The pieces that the EPCs of captured goods are in."""
    found: dict[str, Piece] = {}
    for epc in epcs:
        if epc not in found:
            piece = piece_of(snapshot, epc)
            found |= dict.fromkeys(piece.epcs, piece)
    return list({id(piece): piece for piece in found.values()}.values())
