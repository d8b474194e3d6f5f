"""Reading the EPCIS repository: its rows, whom they concern, and the orders that they are read in.

Each order is an index, and is read in pieces of bounded size. What no index can say of an event its body does, and
that is for the caller to look at: `app.exchanging.querying`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from app.domain.epcis.query import Query
from app.domain.rights import Principal
from app.domain.rights import Role as Rights
from app.store import captures, raw, tables
from app.store.engine import Snapshot
from app.store.events import visible_to
from app.store.types import from_micros

Place = tuple[Any, ...]
"""Where an event stands in an order: what a later page goes on from. Texts and integers; times are microseconds since
1970 UTC."""

WINDOW: Final = 20_000  # rows of an index that are looked at for one piece
LONGEST: Final = 100  # values in a condition; what is longer is for the query itself to decide
RIGHTS: Final = "rights"  # beside the names of columns: who may see what
PIECE: Final = 500  # events of a piece whose bodies are not read
_MOST: Final = 2_000  # rows of an index in one statement
_LEAST: Final = 100  # rows that a statement is as dear as

event = tables.epcis_event.c
_BODY = ("body",)
_ROW = ("position", "event_time", "record_time", "epcis_event_id", "context", "event_id", *_BODY)


class Line(NamedTuple):
    """An event that the repository shows, as the driver gives it: times in microseconds since 1970 UTC, JSON as text.
    `event_id`: the eventID that it goes by; `native` and `captured`: its body, of which there is one at least where
    bodies have been read, or `read`, which reads one that is large; `key`: the id of its row."""

    position: int
    happened: int
    recorded: int
    event_id: str
    declared: str | None
    key: bytes
    native: str | None
    captured: str | None = None
    read: Callable[[], str] | None = None

    @property
    def id(self) -> UUID:
        return UUID(bytes=self.key)

    @property
    def event_time(self) -> datetime:
        return from_micros(self.happened)

    @property
    def record_time(self) -> datetime:
        return from_micros(self.recorded)

    @property
    def context(self) -> Any:
        """The `@context` of its document, where that declares more than the standard's."""
        return None if self.declared is None else captures.decode(self.declared)

    @property
    def body(self) -> Mapping[str, Any]:
        """What the event says: as published, or as captured."""
        said = self.captured if self.native is None else self.native
        if said is None:
            assert self.read is not None, "bodies were read"
            said = self.read()
        body: Mapping[str, Any] = captures.decode(said)
        return body


@dataclass(frozen=True, slots=True)
class Piece:
    """Events of an order: places and positions of those that the reader may see and that the query's columns and times
    do not rule out, with their rows; `reached`: the place up to which that is all, None where the order has ended;
    `looked`: rows of an index that it took."""

    places: Sequence[tuple[Place, int]]
    lines: Mapping[int, Line]
    reached: Place | None
    looked: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what: the rows of the repository that may concern them. `bodies`: whether lines have theirs."""

    principal: Principal
    query: Query
    bodies: bool = True

    def conditions(self, decided: Collection[str] = ()) -> list[ColumnElement[bool]]:
        """`decided`: the columns of the query, and RIGHTS, that an order says of all its events already."""
        seen = self.principal.role is not Rights.ADMIN and RIGHTS not in decided
        found = [visible_to(self.principal, event)] if seen else []
        for name, wanted in self.query.columns.items():
            if len(wanted) <= LONGEST and name not in decided:
                found.append(_aside(column(name)).in_(sorted(wanted)))
        for by, (low, high) in (("event_time", self.query.event_time), ("record_time", self.query.record_time)):
            if by not in decided:
                found += [] if low is None else [_aside(column(by)) >= low]
                found += [] if high is None else [_aside(column(by)) < high]
        return found

    @property
    def undecided(self) -> Query:
        """The query without what `conditions` have decided."""
        longer = {name: wanted for name, wanted in self.query.columns.items() if len(wanted) > LONGEST}
        return replace(self.query, columns=longer, event_time=(None, None), record_time=(None, None))

    def among(self, snapshot: Snapshot, positions: Collection[int], decided: Collection[str] = ()) -> Collection[int]:
        """Those of the positions, at most some thousand, that the conditions leave."""
        conditions = self.conditions(decided)
        if not conditions or not positions:
            return positions
        found: set[int] = set()
        listed = sorted(set(positions))
        for start in range(0, len(listed), PIECE):
            inside = event.position.in_(listed[start : start + PIECE])
            found.update(snapshot.scalars(select(event.position).where(inside, *conditions)))
        return found

    def lines(self, snapshot: Snapshot, positions: Collection[int]) -> dict[int, Line]:
        """The rows at the positions. A large body is read when it is asked for, while the snapshot lasts: a hundred of
        them are no answer, and would be too much to hold."""
        listed = list(positions)
        if not listed:
            return {}
        if not self.bodies:
            return {row[0]: Line(*row) for row in raw.select(snapshot, tables.epcis_event, _ROW, "position", listed)}
        shown, told = (tables.epcis_event, _ROW), (tables.event, _BODY)
        rows = raw.joined(snapshot, shown, told, ("event_id", "id"), "position", listed, unless_large=_BODY)
        lines = [Line(*row) for row in rows]
        return {
            line.position: line if line.captured is not None else line._replace(read=partial(_body, snapshot, line.key))
            for line in lines
        }


def _body(snapshot: Snapshot, key: bytes) -> str:
    """As published, else as captured."""
    shown = raw.select(snapshot, tables.epcis_event, _BODY, "event_id", [key])
    if shown[0][0] is None:
        shown = raw.select(snapshot, tables.event, _BODY, "id", [key])
    body: str = shown[0][0]
    return body


def _aside(each: Any) -> Any:
    """The column as no index has it: what leads to the events is chosen already, and no planner is to know better."""
    return func.coalesce(each, each)


def column(name: str) -> Any:
    """The column of epcis_event for a column of a query."""
    return event["epcis_event_id" if name == "event_id" else name]


class Order(Protocol):
    """An order of events. `name`: of its kind, for a later page to find it again."""

    @property
    def name(self) -> str: ...

    def read(self, snapshot: Snapshot, asked: Asked, after: Place | None, size: int) -> Piece:
        """The next ones after a place; at most so many."""

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        """Whether an event is told at this place, if it stands at several."""

    def count(self, snapshot: Snapshot, most: int) -> int:
        """How many rows of the index it leads through, at least; `most` where they are as many."""


Entries = Callable[[Place | None, int], tuple[list[tuple[Place, int]], Place | None, int]]
"""(after, size) → the next entries of an index as places and positions, the place up to which that is all (None: its
end), and how many there were."""


def gather(
    snapshot: Snapshot, asked: Asked, after: Place | None, size: int, entries: Entries, decided: Collection[str] = ()
) -> Piece:
    """Events behind entries of an index; where few of them are of concern, it looks at WINDOW of them."""
    places: list[tuple[Place, int]] = []
    looked, take = 0, size
    while True:
        found, reached, count = entries(after, take)
        looked += max(count, _LEAST)
        left = asked.among(snapshot, [position for _, position in found], decided)
        room = size - len(places)
        kept = found if len(left) == len(found) else [one for one in found if one[1] in left]
        if len(kept) > room:
            kept = kept[:room]
            reached = kept[-1][0]
        places += kept
        if reached is None or len(places) == size or looked >= WINDOW:
            return Piece(places, asked.lines(snapshot, {position for _, position in places}), reached, looked)
        after, take = reached, min(4 * take, _MOST)


def pieces(
    snapshot: Snapshot, order: Order, asked: Asked, after: Place | None, size: int, most: int
) -> Iterator[Piece]:
    """Piece after piece, each twice the one before up to `most`."""
    while True:
        piece = order.read(snapshot, asked, after, size)
        yield piece
        if piece.reached is None:
            return
        after = piece.reached
        size = min(2 * size, most)
