"""Events of the repository in the orders of its indexes: by a time or the position, all of them or those of keys."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, text, tuple_

from app.store import raw, repository, tables
from app.store.engine import Snapshot
from app.store.raw import Branch
from app.store.repository import Asked, Line, Piece, Place, column, event, gather
from app.store.types import from_micros, micros

_TIMES: Final = frozenset({"event_time", "record_time"})
MERGED: Final = 1_000  # keys whose entries are merged; of more, all events are looked at, or the next that there is


@dataclass(frozen=True, slots=True)
class Key:
    """Events whose column has a value, and of which `also` holds besides (SQL): the beginning of an index whose order
    goes on with a time, if there is `also` a partial one."""

    column: str
    value: str | UUID
    also: str = ""

    def condition(self) -> ColumnElement[bool]:
        here: ColumnElement[bool] = column(self.column) == self.value
        return here & text(self.also) if self.also else here


@dataclass(frozen=True)
class ByRows:
    """Events by (time, position), forwards or back, or by position.

    by: event_time, record_time or position; keys: those of any of these, None for all that there is; low, high: of
    times; decided: what the keys and times say of all of its events, see `Asked.conditions`."""

    name: str
    by: str
    keys: Sequence[Key] | None = None
    descending: bool = False
    low: datetime | None = None
    high: datetime | None = None
    decided: frozenset[str] = frozenset()

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        keys = self.keys
        if keys is None:
            return self._scanned(snapshot, asked, None, after, size)
        if not keys:
            return Piece((), {}, None, 0)
        if len(keys) == 1:
            return self._scanned(snapshot, asked, keys[0], after, size)
        if len(keys) <= MERGED:
            return gather(
                snapshot, asked, after, size,
                lambda place, some: self._merged(snapshot, keys, place, some), self.decided,
            )  # fmt: skip
        piece = self._scanned(snapshot, asked, None, after, size)
        if piece.places or piece.reached is None:
            return piece
        return self._leap(snapshot, keys, piece)

    def _scanned(self, snapshot: Snapshot, asked: Asked, key: Key | None, after: Place | None, size: int) -> Piece:
        """The next rows of the index that are of concern, and the place up to which that is all: where few are, it
        looks at WINDOW of them."""
        order = self._order
        ordered = [each.desc() if self.descending else each for each in order]
        inside = [*([] if key is None else [key.condition()]), *self._bounds(after)]
        # What many keys say is not said where all events are looked at.
        conditions = asked.conditions(self.decided if key is not None or self.keys is None else self.decided & _TIMES)
        end: Place | None = None
        if conditions:
            edge = select(*order).where(*inside).order_by(*ordered).offset(repository.WINDOW).limit(1)
            row = snapshot.execute(edge).first()
            end = None if row is None else self._place(row)
        within = inside if end is None else [*inside, self._beyond(end, back=True)]
        statement = select(*order).where(*within, *conditions).order_by(*ordered).limit(size)
        places = [self._place(row) for row in snapshot.execute(statement)]
        full = len(places) == size
        # The edge itself is yet to be looked at.
        reached = places[-1] if full else None if end is None else self._before(end)
        lines = asked.lines(snapshot, [place[-1] for place in places])
        looked = len(places) if full or not conditions else repository.WINDOW
        return Piece([(place, place[-1]) for place in places if place[-1] in lines], lines, reached, looked)

    def _merged(
        self, snapshot: Snapshot, keys: Sequence[Key], after: Place | None, size: int
    ) -> tuple[list[tuple[Place, int]], Place | None, int]:
        rows = raw.merged(snapshot, tables.epcis_event, self._names, self._branches(snapshot, keys, after, size))
        # One that several keys lead to stands there once.
        places = heapq.nsmallest(size, set(rows), key=self._forwards)
        reached = places[-1] if len(places) == size else None
        return [(place, place[-1]) for place in places], reached, len(rows)

    def _leap(self, snapshot: Snapshot, keys: Sequence[Key], piece: Piece) -> Piece:
        """To right before the next event of any key."""
        rows = raw.merged(snapshot, tables.epcis_event, self._names, self._branches(snapshot, keys, piece.reached, 1))
        reached = self._before(min(rows, key=self._forwards)) if rows else None
        return Piece((), {}, reached, piece.looked + len(keys))

    def count(self, snapshot: Snapshot, most: int) -> int:
        if self.keys is None:
            branches = self._branches(snapshot, [None], None, most)
        elif len(self.keys) <= MERGED:
            branches = self._branches(snapshot, self.keys, None, most)
        else:
            return most
        return min(most, raw.counted(snapshot, tables.epcis_event, branches))

    def _branches(self, snapshot: Snapshot, keys: Sequence[Key | None], after: Place | None, size: int) -> list[Branch]:
        """For each key its next entries."""
        sign, way = ("<", " DESC") if self.descending else (">", "")
        given: list[Any] = []
        conditions = []
        for bound, compare in self._limits(after):
            conditions.append(f'"{self.by}" {compare} {{}}')
            given.append(raw.value(snapshot, bound))
        if after is not None:
            conditions.append(f"({', '.join(self._quoted)}) {sign} ({', '.join('{}' for _ in after)})")
            given += [raw.value(snapshot, each) for each in self._values(after)]
        rest = f"ORDER BY {', '.join(name + way for name in self._quoted)} LIMIT {{}}"
        found = []
        for key in keys:
            own = [] if key is None else [f'"{key.column}" = {{}}', *([key.also] if key.also else [])]
            where = " AND ".join([*own, *conditions])
            value = () if key is None else (raw.value(snapshot, key.value),)
            found.append((f"{'WHERE ' if where else ''}{where} {rest}", (*value, *given, size)))
        return found

    # --- places ---

    @property
    def _names(self) -> tuple[str, ...]:
        return ("position",) if self.by == "position" else (self.by, "position")

    @property
    def _quoted(self) -> list[str]:
        return [f'"{name}"' for name in self._names]

    @property
    def _order(self) -> list[Any]:
        return [event[name] for name in self._names]

    def _forwards(self, place: Place) -> Place:
        return tuple(-each for each in place) if self.descending else place

    def _place(self, row: Sequence[Any]) -> Place:
        return tuple(micros(each) if isinstance(each, datetime) else each for each in row)

    def place(self, line: Line) -> Place:
        """Where an event stands."""
        if self.by == "position":
            return (line.position,)
        return line.happened if self.by == "event_time" else line.recorded, line.position

    def _values(self, place: Place) -> tuple[Any, ...]:
        return place if len(place) == 1 else (from_micros(place[0]), place[1])

    def _beyond(self, place: Place, *, back: bool = False) -> ColumnElement[bool]:
        order, values = self._order, self._values(place)
        left, right = (tuple_(*order), values) if len(order) > 1 else (order[0], values[0])
        condition: ColumnElement[bool] = left < right if self.descending != back else left > right
        return condition

    def _limits(self, after: Place | None) -> list[tuple[datetime, str]]:
        """The bounds of times, without the one that a place says better: an index begins at one of them."""
        low = self.low if after is None or self.descending else None
        high = self.high if after is None or not self.descending else None
        return [(bound, compare) for bound, compare in ((low, ">="), (high, "<")) if bound is not None]

    def _bounds(self, after: Place | None) -> list[ColumnElement[bool]]:
        time = event[self.by]
        found: list[ColumnElement[bool]] = [] if after is None else [self._beyond(after)]
        return found + [time >= bound if compare == ">=" else time < bound for bound, compare in self._limits(after)]

    def _before(self, place: Place) -> Place:
        """The place next to one, on the side that a reader comes from: positions are whole numbers."""
        return (*place[:-1], place[-1] + (1 if self.descending else -1))

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        return True
