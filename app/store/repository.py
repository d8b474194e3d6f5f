"""Reading the EPCIS repository: events in the order of an index, from a place in it on.

Each source is read in pieces of bounded size. What an index cannot say of an event its body does, and that is for the
caller to look at: `app.exchanging.querying`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, tuple_, union_all

from app.domain.epcis.named import Role, named_epcs
from app.domain.epcis.patterns import Span
from app.domain.epcis.query import EpcFilter, Query
from app.domain.rights import Principal
from app.domain.rights import Role as Rights
from app.store import captures, raw, tables
from app.store.engine import Snapshot
from app.store.events import visible_to
from app.store.published import NATIVE
from app.store.types import from_micros, micros

Place = tuple[Any, ...]
"""Where an event stands in the order of a source: what a later page goes on from. Texts and integers; times are
microseconds since 1970 UTC."""

WINDOW: Final = 20_000  # rows of an index that one statement looks at
LONGEST: Final = 100  # values in a condition; what is longer is for the query itself to decide
PIECE: Final = 500  # events of a source whose bodies are not read
_GROUP: Final = 25  # EPCs in one statement

_event, _named = tables.epcis_event.c, tables.epc_event.c
_LINE = (
    _event.event_id, _event.position, _event.event_time, _event.record_time, _event.epcis_event_id, _event.context,
    _event.body,
)  # fmt: skip


_NAMES = tuple(each.name for each in _LINE)


@dataclass(frozen=True, slots=True)
class Line:
    """An event that the repository shows. `event_id`: the eventID that it goes by; `context`: the `@context` of its
    document, where that declares more than the standard's; `body`: of a native one, of a captured one None."""

    id: UUID
    position: int
    event_time: datetime
    record_time: datetime
    event_id: str
    context: Any
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Events of a source: places and ids in its order; `lines` of those that the reader may see and that the query's
    columns do not rule out; `reached`: the place up to which that is all, None where the source has ended."""

    places: Sequence[tuple[Place, UUID]]
    lines: Mapping[UUID, Line]
    reached: Place | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what: the rows of the repository that may concern them."""

    principal: Principal
    query: Query

    def conditions(self) -> list[ColumnElement[bool]]:
        found = [] if self.principal.role is Rights.ADMIN else [visible_to(self.principal, _event)]
        for name, wanted in self.query.columns.items():
            if len(wanted) <= LONGEST:
                found.append(column(name).in_(sorted(wanted)))
        for by, (low, high) in (("event_time", self.query.event_time), ("record_time", self.query.record_time)):
            found += [] if low is None else [column(by) >= low]
            found += [] if high is None else [column(by) < high]
        return found

    def lines(self, snapshot: Snapshot, ids: Collection[UUID]) -> dict[UUID, Line]:
        """Of the ids, at most some hundred."""
        if not ids:
            return {}
        conditions = self.conditions()
        if not conditions:  # a quarter of the time that objects of rows take
            rows = raw.select(snapshot, tables.epcis_event, _NAMES, "event_id", sorted(key.bytes for key in ids))
            return {line.id: line for line in map(_line, rows)}
        statement = select(*_LINE).where(_event.event_id.in_(sorted(ids)), *conditions)
        return {row[0]: Line(*row) for row in snapshot.execute(statement)}


def _line(row: raw.Row) -> Line:
    key, position, time, recorded, event_id, context, body = row
    return Line(
        UUID(bytes=key), position, from_micros(time), from_micros(recorded), event_id,
        None if context is None else captures.decode(context), None if body is None else captures.decode(body),
    )  # fmt: skip


def column(name: str) -> Any:
    """The column of epcis_event for a column of a query."""
    return _event["epcis_event_id" if name == "event_id" else name]


def bodies(snapshot: Snapshot, lines: Collection[Line]) -> dict[UUID, Mapping[str, Any]]:
    """What the events say. One that was thinned away in between is not there any more."""
    captured = {line.id.bytes: line.id for line in lines if line.body is None}
    rows = raw.select(snapshot, tables.event, ("id", "body"), "id", list(captured)) if captured else []
    found: dict[UUID, Mapping[str, Any]] = {captured[key]: captures.decode(body) for key, body in rows}
    return found | {line.id: line.body for line in lines if line.body is not None}


class Source(Protocol):
    """An order of events."""

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        """The next ones after a place; about so many."""

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        """Whether an event is told at this place, if it stands at several."""


# --- by what events name ---


@dataclass(frozen=True)
class ByEpc:
    """Events that the filter means, by (EPC, position); told at the first of the EPCs that it holds of."""

    wanted: EpcFilter

    @cached_property
    def _ranges(self) -> list[Span | list[str]]:
        """Spans that do not overlap, and groups of single EPCs between them, in the order of EPCs."""
        spans: list[Span] = []
        for span in sorted(self.wanted.spans, key=lambda span: (span.low, span.high)):
            if spans and span.low <= spans[-1].high:
                spans[-1] = Span(spans[-1].low, max(spans[-1].high, span.high))
            else:
                spans.append(span)
        single = [epc for epc in self.wanted.exact if not any(epc in span for span in spans)]
        ranges: list[Span | list[str]] = []
        for low, item in sorted([(span.low, span) for span in spans] + [(epc, epc) for epc in single], key=_low):
            if isinstance(item, Span):
                ranges.append(item)
            elif ranges and isinstance(ranges[-1], list) and len(ranges[-1]) < _GROUP:
                ranges[-1].append(low)
            else:
                ranges.append([low])
        return ranges

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        reached: Place | None = None
        rows: Sequence[Any] = []
        for item in self._ranges:
            end = (item.high, 0) if isinstance(item, Span) else (item[-1], _LAST)
            if after is not None and end <= after:
                continue
            rows = self._span(snapshot, item, after, size) if isinstance(item, Span) else self._some(
                snapshot, [epc for epc in item if after is None or epc >= after[0]], after, size
            )  # fmt: skip
            if len(rows) >= size:
                reached = (rows[size - 1].epc, rows[size - 1].position)
            elif item is not self._ranges[-1]:
                reached = end
            break
        holds = self.wanted.holds
        places = [((row.epc, row.position), row.event_id) for row in rows[:size] if holds(row.epc, row.roles)]
        return Piece(places, asked.lines(snapshot, {key for _, key in places}), reached)

    def _span(self, snapshot: Snapshot, span: Span, after: Place | None, size: int) -> Sequence[Any]:
        inside = [_named.epc >= span.low, _named.epc < span.high, _named.position > 0]
        if after is not None and after[0] >= span.low:
            inside[0] = tuple_(_named.epc, _named.position) > after
        ordered = select(*_NAMED).where(*inside).order_by(_named.epc, _named.position).limit(size)
        return snapshot.execute(ordered).all()

    def _some(self, snapshot: Snapshot, epcs: Sequence[str], after: Place | None, size: int) -> Sequence[Any]:
        if len(epcs) == 1:
            begun = after[1] if after is not None and after[0] == epcs[0] else 0
            condition, order = '"epc" = {} AND "position" > {}', '"position" LIMIT {}'
            given = (epcs[0], begun, size)
            rows = raw.ordered(snapshot, tables.epc_event, _INDEX, condition, given, order)
            return [_Entry(epc, position, UUID(bytes=key), roles) for epc, position, key, roles in rows]
        parts = [self._one(epc, after[1] if after is not None and after[0] == epc else 0, size) for epc in epcs]
        found = snapshot.execute(union_all(*(select(part.subquery()) for part in parts))).all()
        return sorted(found, key=lambda row: (row.epc, row.position))

    def _one(self, epc: str, position: int, size: int) -> Select[Any]:
        there = select(*_NAMED).where(_named.epc == epc, _named.position > position)
        return there.order_by(_named.position).limit(size)

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        if not self.wanted.spans and len(self.wanted.exact) == 1:
            return True
        return not any(epc < place[0] and self.wanted.holds(epc, role) for epc, role in named_epcs(body).items())


class _Entry(NamedTuple):
    epc: str
    position: int
    event_id: UUID
    roles: int


_INDEX = _Entry._fields
_NAMED = (_named.epc, _named.position, _named.event_id, _named.roles)
_LAST: Final = 2**62


def _low(pair: tuple[str, object]) -> str:
    return pair[0]


def transformed(uris: Collection[str]) -> EpcFilter:
    """Events of the transformations."""
    return EpcFilter(Role.TRANSFORMATION, (), frozenset(uris))


# --- by what stands in their rows ---


@dataclass(frozen=True)
class ByColumn:
    """Events whose column is one of the values, by (value, position)."""

    name: str
    values: Sequence[str]  # sorted

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        left = [value for value in self.values if after is None or (value, _LAST) > after]
        if not left:
            return Piece((), {}, None)
        value = left[0]
        begun = after[1:] if after is not None and after[0] == value else None
        lines, reached = _scan(snapshot, asked, [column(self.name) == value], (_event.position,), begun, size)
        places = [((value, line.position), line.id) for line in lines]
        beyond: Place | None = (value, *reached) if reached is not None else (value, _LAST) if len(left) > 1 else None
        return Piece(places, {line.id: line for line in lines}, beyond)

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        return True


@dataclass(frozen=True)
class ByTime:
    """Events by (time, position), forwards or back; `name`: event_time or record_time."""

    name: str
    descending: bool = False
    low: datetime | None = None
    high: datetime | None = None

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        time = column(self.name)
        inside = ([] if self.low is None else [time >= self.low]) + ([] if self.high is None else [time < self.high])
        begun = None if after is None else (from_micros(after[0]), after[1])
        lines, reached = _scan(snapshot, asked, inside, (time, _event.position), begun, size, self.descending)
        places = [(self.place(line), line.id) for line in lines]
        beyond = None if reached is None else (micros(reached[0]), reached[1])
        return Piece(places, {line.id: line for line in lines}, beyond)

    def place(self, line: Line) -> Place:
        return micros(getattr(line, self.name)), line.position

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        return True


@dataclass(frozen=True)
class ByPosition:
    """All events, in the order in which the repository got them."""

    upto: int | None = None

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        inside = [] if self.upto is None else [_event.position <= self.upto]
        lines, reached = _scan(snapshot, asked, inside, (_event.position,), after, size)
        return Piece([((line.position,), line.id) for line in lines], {line.id: line for line in lines}, reached)

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        return True


def _scan(
    snapshot: Snapshot,
    asked: Asked,
    inside: list[ColumnElement[bool]],
    order: tuple[Any, ...],
    after: Place | None,
    size: int,
    descending: bool = False,
) -> tuple[list[Line], Place | None]:
    """The next rows of an index that are of concern, and the place up to which that is all: where few are, it looks at
    WINDOW of them."""
    inside = [*inside, *([] if after is None else [_beyond(order, after, descending)])]
    ordered = [each.desc() if descending else each for each in order]
    conditions = asked.conditions()
    end: Place | None = None
    if conditions:
        edge = select(*order).where(*inside).order_by(*ordered).offset(WINDOW).limit(1)
        row = snapshot.execute(edge).first()
        end = None if row is None else tuple(row)
    within = inside if end is None else [*inside, _beyond(order, end, not descending)]
    statement = select(*_LINE).where(*within, *conditions).order_by(*ordered).limit(size)
    lines = [Line(*row) for row in snapshot.execute(statement)]
    if len(lines) < size:
        # The edge itself is yet to be looked at.
        return lines, None if end is None else _before(end, descending)
    last = lines[-1]
    return lines, tuple(getattr(last, each.name) for each in order)


def _beyond(order: tuple[Any, ...], place: Place, descending: bool) -> ColumnElement[bool]:
    left = tuple_(*order) if len(order) > 1 else order[0]
    right = tuple(place) if len(order) > 1 else place[0]
    condition: ColumnElement[bool] = left < right if descending else left > right
    return condition


def _before(place: Place, descending: bool) -> Place:
    """The place next to one, on the side that a reader comes from: positions are whole numbers, the last of a place."""
    return (*place[:-1], place[-1] + (1 if descending else -1))


def pieces(
    snapshot: Snapshot, source: Source, asked: Asked, after: Place | None, size: int, most: int
) -> Iterator[Piece]:
    """Piece after piece, each twice the one before up to `most`."""
    while True:
        piece = source.read(snapshot, asked, after, size)
        yield piece
        if piece.reached is None:
            return
        after = piece.reached
        size = min(2 * size, most)


# --- the values that there are ---


def value_after(snapshot: Snapshot, asked: Asked, name: str, last: str | None) -> str | None:
    """The next value of an indexed column in an event of concern: a seek, however often a value stands there."""
    here = column(name)
    beyond = [here.is_not(None)] if last is None else [here > last]
    found: str | None = snapshot.scalar(select(here).where(*beyond, *asked.conditions()).order_by(here).limit(1))
    return found


def epcs(snapshot: Snapshot, asked: Asked, after: Place | None, limit: int) -> tuple[list[str], Place | None]:
    """EPCs and classes that events of concern name, and the place where the next ones begin."""
    found: list[str] = []
    place = after or ("", 0)
    for _ in range(_PIECES):
        beyond = tuple_(_named.epc, _named.position) > place
        ordered = select(*_NAMED).where(beyond).order_by(_named.epc, _named.position).limit(PIECE)
        rows = snapshot.execute(ordered).all()
        there = asked.lines(snapshot, {row.event_id for row in rows})
        for row in rows:
            if row.roles & ~_NO_EPCS and row.event_id in there and (not found or found[-1] != row.epc):
                if len(found) == limit:
                    return found, (found[-1], _LAST)
                found.append(row.epc)
        if len(rows) < PIECE:
            return found, None
        place = (rows[-1].epc, rows[-1].position) if not found or found[-1] != rows[-1].epc else (found[-1], _LAST)
    return found, place


_PIECES: Final = 20
_NO_EPCS: Final = int(Role.TRANSFORMATION | Role.DESTINATION) | NATIVE
