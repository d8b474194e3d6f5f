"""Queries over the repository: the index that leads to few events drives, `Query.matches` decides on each.

Nothing is kept between pages. A page goes on from a place in the order of its source; a request looks at a bounded
number of events, so that a page may be short, even empty, and have a next one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.exceptions import QueryTooComplexException, QueryTooLargeException
from app.domain.epcis.query import EpcFilter, Query, SortKey
from app.domain.epcis.query_fields import Candidate, Masters
from app.domain.rights import Principal
from app.exchanging.masterdata import known_of, widened
from app.store import repository
from app.store.engine import Database, Snapshot, reading
from app.store.published import last_position
from app.store.repository import Asked, ByColumn, ByEpc, ByPosition, ByTime, Line, Place, Source

LOOKED: Final = 5_000  # events whose bodies one request looks at
WINDOWS: Final = 40  # pieces of an index that it does
SORTED: Final = 20_000  # events that are put in an order that no index has
READ: Final = 100  # bodies in memory beside those of the page
BYTES: Final = 8_000_000  # of a page, unless a single event is larger

_PLAIN = Context()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: a place of the query's source; or, in an order that no index has, `place` is how many
    events have been told of those up to position `upto`. `told`: events on the pages before."""

    place: Place
    told: int = 0
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An event as the repository shows it; `body` without the recordTime, which is the line's."""

    line: Line
    body: Mapping[str, Any]

    @property
    def context(self) -> Context:
        return _PLAIN if self.line.context is None else context_of({"@context": self.line.context})


@dataclass(frozen=True, slots=True)
class Page:
    events: list[Found]
    next: Cursor | None


def search(
    database: Database,
    principal: Principal,
    query: Query,
    *,
    after: Cursor | None = None,
    limit: int,
    url: str = "",
    size_of: Callable[[Mapping[str, Any]], int] = lambda body: 0,
) -> Page:
    """A page of the events that the principal may read and the query asks for. `url`: what our own codes' addresses
    begin with; `size_of`: bytes of an event. Raises QueryTooLargeException, QueryTooComplexException,
    StoreUnavailable."""
    with reading(database) as snapshot:
        query = widened(snapshot, query, url)
        search_ = _Search(snapshot, Asked(principal, query), url, size_of)
        if after is None and query.max_event_count is not None:
            search_.refuse_more_than(query.max_event_count)
        told = 0 if after is None else after.told
        if query.event_count_limit is not None:
            limit = min(limit, query.event_count_limit - told)
        page = search_.page(after, limit)
        ended = query.event_count_limit is not None and told + len(page.events) >= query.event_count_limit
        return Page(page.events, None) if ended else page


def follow(
    snapshot: Snapshot, principal: Principal, query: Query, after: int, wanted: int, url: str
) -> Iterator[tuple[int, Found | None]]:
    """What came after a position and matches, about `wanted` of it, with its position and in that order. Without an
    event: the position up to which that is all, where this look stops short of the end."""
    search_ = _Search(snapshot, Asked(principal, widened(snapshot, query, url)), url, lambda body: 0)
    for place, found in search_._walk(ByPosition(), Cursor((after,)), wanted):
        yield int(place[0]), found


def values(
    database: Database,
    principal: Principal,
    column: str | None,
    after: Cursor | None,
    limit: int,
    always: Sequence[str] = (),
) -> tuple[list[str], Cursor | None]:
    """Values that a column has, None: EPCs that events name, in events that the principal may read; and `always` those.
    In their order, with the place where the next ones begin. Raises StoreUnavailable."""
    asked = Asked(principal, Query())
    place = None if after is None else after.place
    with reading(database) as snapshot:
        if column is None:
            found, reached = repository.epcs(snapshot, asked, place, limit)
            return found, None if reached is None else Cursor(reached)
        begin = len(always) if place and isinstance(place[0], str) else int(place[0]) if place else 0
        found = list(always[begin : begin + limit])
        last = place[0] if place and isinstance(place[0], str) else None
        while begin + len(found) >= len(always):
            value = repository.value_after(snapshot, asked, column, last)
            if value is None:
                return found, None
            if value not in always:
                if len(found) == limit:
                    break
                found.append(value)
            last = value
        end = found[-1]
        return found, Cursor((begin + len(found) if end in always else end,))


@dataclass(slots=True)
class _Search:
    snapshot: Snapshot
    asked: Asked
    url: str
    size_of: Callable[[Mapping[str, Any]], int]
    _masters: Masters = field(default_factory=dict)

    @property
    def query(self) -> Query:
        return self.asked.query

    def page(self, after: Cursor | None, limit: int) -> Page:
        if self.query.order_by is None:
            return self._page(self._walk(self._source(), after, limit), after, limit)
        if self.query.order_by in _TIMES:
            return self._by_time(_TIMES[self.query.order_by], after, limit)
        return self._sorted(after, limit)

    def refuse_more_than(self, most: int) -> None:
        for number, (_, event) in enumerate(self._walk(self._source(), None, most + 1), 1):
            if event is None:
                raise _too_complex()
            if number > most:
                raise QueryTooLargeException(
                    f"符合条件的事件超过 maxEventCount 所说的 {most} 个，请缩小范围 · "
                    f"More than the {most} events of maxEventCount: narrow the query",
                    parameter="maxEventCount",
                )

    # --- in the order of an index ---

    def _source(self) -> Source:
        """The source that leads to few events, as far as the query itself tells."""
        epcs = self._named()
        if epcs is not None and not epcs.spans:
            return ByEpc(epcs)
        columns = self.query.columns
        if "event_id" in columns:
            return ByColumn("event_id", sorted(columns["event_id"]))
        if epcs is not None:
            return ByEpc(epcs)
        for name in _NARROW:
            if name in columns:
                return ByColumn(name, sorted(columns[name]))
        for name, (low, high) in (("event_time", self.query.event_time), ("record_time", self.query.record_time)):
            if low is not None or high is not None:
                return ByTime(name, False, low, high)
        for name in _WIDE:
            if name in columns:
                return ByColumn(name, sorted(columns[name]))
        return ByPosition()

    def _named(self) -> EpcFilter | None:
        filters = list(self.query.epc_filters)
        if "transformation_id" in self.query.columns:
            filters.append(repository.transformed(self.query.columns["transformation_id"]))
        return min(filters, key=lambda one: (len(one.spans), len(one.exact)), default=None)

    def _walk(self, source: Source, after: Cursor | None, wanted: int) -> Iterator[tuple[Place, Found | None]]:
        """What matches, each with its place; without an event: the place where this request stops looking."""
        looked = 0
        undecided = self._undecided(source)
        begin = None if after is None else after.place
        first = min(wanted + 1, READ)
        for number, piece in enumerate(repository.pieces(self.snapshot, source, self.asked, begin, first, READ), 1):
            told = repository.bodies(self.snapshot, piece.lines.values())
            self._learn(piece.lines.values(), told)
            for place, key in piece.places:
                line, body = piece.lines.get(key), told.get(key)
                if line is not None and body is not None and source.first(place, body):
                    found = Found(line, body)
                    if undecided.matches(self._candidate(found)):
                        yield place, found
            looked += len(told)
            if piece.reached is not None and (looked >= LOOKED or number >= WINDOWS):
                yield piece.reached, None
                return

    def _undecided(self, source: Source) -> Query:
        """The query without what the source's index has decided of every event that it leads to."""
        if not isinstance(source, ByEpc):
            return self.query
        return replace(self.query, epc_filters=tuple(x for x in self.query.epc_filters if x is not source.wanted))

    def _page(self, walk: Iterator[tuple[Place, Found | None]], after: Cursor | None, limit: int) -> Page:
        told = 0 if after is None else after.told
        events: list[Found] = []
        size = 0
        last: Place | None = None
        for place, found in walk:
            if found is None:
                return Page(events, Cursor(place, told + len(events)))
            size += self.size_of(found.body)
            if len(events) == limit or (events and size > BYTES):
                assert last is not None, "there is an event"
                return Page(events, Cursor(last, told + len(events)))
            events.append(found)
            last = place
        return Page(events, None)

    # --- by time ---

    def _by_time(self, name: str, after: Cursor | None, limit: int) -> Page:
        low, high = self.query.event_time if name == "event_time" else self.query.record_time
        source = ByTime(name, self.query.descending, low, high)
        lines = self._few()
        if lines is None:
            return self._page(self._walk(source, after, limit), after, limit)
        ordered = sorted(((source.place(line), line) for line in lines), key=_place, reverse=source.descending)
        if after is not None:
            ordered = [one for one in ordered if (one[0] < after.place if source.descending else one[0] > after.place)]
        return self._page(self._told(ordered), after, limit)

    def _few(self) -> list[Line] | None:
        """All that the query may concern, where an index of EPCs or eventIDs leads to no more than can be sorted."""
        source = self._source()
        if not (isinstance(source, ByEpc) or (isinstance(source, ByColumn) and source.name == "event_id")):
            return None
        lines: dict[UUID, Line] = {}
        pieces = repository.pieces(self.snapshot, source, self.asked, None, READ, repository.PIECE)
        for piece in islice(pieces, SORTED // repository.PIECE):
            lines |= piece.lines
            if piece.reached is None:
                return list(lines.values())
        return None

    def _told(self, ordered: list[tuple[Place, Line]]) -> Iterator[tuple[Place, Found | None]]:
        ahead = ordered[:LOOKED]
        for start in range(0, len(ahead), READ):
            part = ahead[start : start + READ]
            lines = [line for _, line in part]
            told = repository.bodies(self.snapshot, lines)
            self._learn(lines, told)
            for place, line in part:
                if line.id in told and self._matches(found := Found(line, told[line.id])):
                    yield place, found
        if len(ahead) < len(ordered):
            yield ahead[-1][0], None

    # --- in any other order ---

    def _sorted(self, after: Cursor | None, limit: int) -> Page:
        """Events come and go between pages: all pages are of those that there were at the first."""
        upto = after.upto if after is not None and after.upto is not None else last_position(self.snapshot)
        begin = 0 if after is None else int(after.place[0])
        keys = sorted(self._keys(upto))[begin : begin + limit]
        ids = [key for _, _, key in keys]
        lines = self.asked.lines(self.snapshot, ids)
        told = repository.bodies(self.snapshot, lines.values())
        events = [Found(lines[key], told[key]) for key in ids if key in told]
        end = begin + limit
        return Page(events, Cursor((end,), end, upto) if len(keys) == limit else None)

    def _keys(self, upto: int) -> Iterator[tuple[SortKey, int, UUID]]:
        """Of all that matches: what it is sorted by, its position and id."""
        known = set()
        for piece in repository.pieces(self.snapshot, self._source(), self.asked, None, READ, READ):
            told = repository.bodies(self.snapshot, piece.lines.values())
            self._learn(piece.lines.values(), told)
            for key, line in piece.lines.items():
                if key not in known and key in told and line.position <= upto:
                    known.add(key)
                    candidate = self._candidate(Found(line, told[key]))
                    if self.query.matches(candidate):
                        yield self.query.sort_key(candidate), line.position, key
            if len(known) > SORTED:
                raise _too_complex()

    # --- one event ---

    def _matches(self, found: Found) -> bool:
        return self.query.matches(self._candidate(found))

    def _candidate(self, found: Found) -> Candidate:
        line = found.line
        return Candidate(found.body, line.record_time, line.event_id, found.context, self._masters)

    def _learn(self, lines: Collection[Line], told: Mapping[UUID, Mapping[str, Any]]) -> None:
        """Reads the master data that the query asks about."""
        if self.query.uses_masters:
            named: set[str] = set()
            for line in lines:
                if line.id in told:
                    named |= self.query.elements(self._candidate(Found(line, told[line.id])))
            self._masters = known_of(self.snapshot, named, self.url)


def _place(pair: tuple[Place, Line]) -> Place:
    return pair[0]


_TIMES = {"eventTime": "event_time", "recordTime": "record_time"}
_NARROW = ("biz_location", "read_point")
_WIDE = ("disposition", "biz_step", "type")


def _too_complex() -> QueryTooComplexException:
    return QueryTooComplexException(
        f"查询涉及的事件过多（超过 {SORTED} 个），请按时间、地点或编码缩小范围 · "
        f"The query concerns too many events, more than {SORTED}: narrow it by time, place or EPC"
    )
