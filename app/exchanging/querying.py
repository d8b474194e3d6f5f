"""Queries over the repository: the index that leads to few events drives, `Query.matches` decides on each.

Nothing is kept between pages. A page goes on from a place in the order of its source; a request looks at a bounded
number of events, so that a page may be short, even empty, and have a next one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.exceptions import QueryTooComplexException, QueryTooLargeException
from app.domain.epcis.query import Query, SortKey
from app.domain.epcis.query_fields import Candidate, Masters
from app.domain.rights import Principal
from app.exchanging.leading import COUNTED, EVERYTHING, by_time, lead_of
from app.exchanging.masterdata import known_of, widened
from app.store import captures, repository
from app.store.engine import Database, Snapshot, reading
from app.store.published import last_position
from app.store.repository import Asked, Line, Order, Place
from app.store.repository_epcs import ByEpc

LOOKED: Final = 5_000  # events whose bodies one request looks at
ROWS: Final = 200_000  # rows of an index that it does
SORTED: Final = 20_000  # events that are put in an order that no index has
READ: Final = 100  # bodies in memory beside those of the page
BYTES: Final = 8_000_000  # of a page, unless a single event is larger

_PLAIN = Context()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: a place of the query's source; or, in an order that no index has, `place` is how many
    events have been told of those up to position `upto`. `told`: events on the pages before; `order`: of the source,
    by its name."""

    place: Place
    told: int = 0
    upto: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An event as the repository shows it; `body` without the recordTime, which is the line's."""

    line: Line
    body: Mapping[str, Any]  # read once from the line, which has it as text

    @property
    def context(self) -> Context:
        return _PLAIN if self.line.declared is None else context_of({"@context": self.line.context})


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
    for place, found in search_._walk(EVERYTHING, Cursor((after,)), wanted):
        yield int(place[0]), found


@dataclass(slots=True)
class _Search:
    snapshot: Snapshot
    asked: Asked
    url: str
    size_of: Callable[[Mapping[str, Any]], int]
    _masters: Mapping[bytes, Masters] = field(default_factory=dict)  # by the ids of events

    @property
    def query(self) -> Query:
        return self.asked.query

    def page(self, after: Cursor | None, limit: int) -> Page:
        if self.query.order_by is None:
            order = lead_of(self.snapshot, self.asked, None if after is None else after.order).order
            return self._page(self._walk(order, after, limit), after, limit, order.name)
        if self.query.order_by in _TIMES:
            return self._by_time(_TIMES[self.query.order_by], after, limit)
        return self._sorted(after, limit)

    def refuse_more_than(self, most: int) -> None:
        order = lead_of(self.snapshot, self.asked).order
        for number, (_, event) in enumerate(self._walk(order, None, most + 1), 1):
            if event is None:
                raise _too_complex()
            if number > most:
                raise QueryTooLargeException(
                    f"符合条件的事件超过 maxEventCount 所说的 {most} 个，请缩小范围 · "
                    f"More than the {most} events of maxEventCount: narrow the query",
                    parameter="maxEventCount",
                )

    # --- in the order of an index ---

    def _walk(self, order: Order, after: Cursor | None, wanted: int) -> Iterator[tuple[Place, Found | None]]:
        """What matches, each with its place; without an event: the place where this request stops looking."""
        told = looked = 0
        undecided = self._undecided(order)
        begin = None if after is None else after.place
        first = min(wanted + 1, READ)
        for piece in repository.pieces(self.snapshot, order, self.asked, begin, first, READ):
            self._learn(piece.lines.values())
            for place, position in piece.places:
                line = piece.lines.get(position)
                if line is not None and order.first(place, body := line.body):
                    found = Found(line, body)
                    if undecided is None or undecided.matches(self._candidate(found)):
                        yield place, found
            told += len(piece.lines)
            looked += piece.looked
            if piece.reached is not None and (told >= LOOKED or looked >= ROWS):
                yield piece.reached, None
                return

    def _undecided(self, order: Order) -> Query | None:
        """The query without what the index has decided of every event that it leads to; None where that is all."""
        left = self.asked.undecided
        if isinstance(order, ByEpc):
            left = replace(left, epc_filters=tuple(x for x in left.epc_filters if x is not order.wanted))
        return left if left.tests or left.epc_filters or left.place_filters or left.columns else None

    def _page(
        self, walk: Iterator[tuple[Place, Found | None]], after: Cursor | None, limit: int, order: str | None = None
    ) -> Page:
        told = 0 if after is None else after.told
        events: list[Found] = []
        size = 0
        last: Place | None = None
        for place, found in walk:
            if found is None:
                return Page(events, Cursor(place, told + len(events), order=order))
            size += self.size_of(found.body)
            if len(events) == limit or (events and size > BYTES):
                assert last is not None, "there is an event"
                return Page(events, Cursor(last, told + len(events), order=order))
            events.append(found)
            last = place
        return Page(events, None)

    # --- by time ---

    def _by_time(self, name: str, after: Cursor | None, limit: int) -> Page:
        """Few events are sorted; of more the index of the time tells them, at the same places."""
        source = by_time(self.snapshot, self.asked, name)
        lines = self._few()
        if lines is None:
            return self._page(self._walk(source, after, limit), after, limit)
        ordered = sorted(((source.place(line), line) for line in lines), key=_place, reverse=source.descending)
        if after is not None:
            ordered = [one for one in ordered if (one[0] < after.place if source.descending else one[0] > after.place)]
        return self._page(self._told(ordered), after, limit)

    def _few(self) -> list[Line] | None:
        """All that the query may concern, where an index leads to few."""
        lead = lead_of(self.snapshot, self.asked, counted=True)
        if lead.count is None or lead.count >= COUNTED:
            return None
        lines: dict[int, Line] = {}
        asked = replace(self.asked, bodies=False)
        for piece in repository.pieces(self.snapshot, lead.order, asked, None, repository.PIECE, repository.PIECE):
            lines |= piece.lines
        return list(lines.values())

    def _told(self, ordered: list[tuple[Place, Line]]) -> Iterator[tuple[Place, Found | None]]:
        ahead = ordered[:LOOKED]
        undecided = self.asked.undecided
        for start in range(0, len(ahead), READ):
            part = ahead[start : start + READ]
            lines = self.asked.lines(self.snapshot, [line.position for _, line in part])
            self._learn(lines.values())
            for place, line in part:
                if (whole := lines.get(line.position)) is not None:
                    found = Found(whole, whole.body)
                    if undecided.matches(self._candidate(found)):
                        yield place, found
        if len(ahead) < len(ordered):
            yield ahead[-1][0], None

    # --- in any other order ---

    def _sorted(self, after: Cursor | None, limit: int) -> Page:
        """Events come and go between pages: all pages are of those that there were at the first."""
        upto = after.upto if after is not None and after.upto is not None else last_position(self.snapshot)
        begin = 0 if after is None else int(after.place[0])
        keys = sorted(self._keys(upto))[begin : begin + limit]
        lines = self.asked.lines(self.snapshot, [position for _, position in keys])
        events: list[Found] = []
        size = 0
        for told, (_, position) in enumerate(keys):
            if (line := lines.get(position)) is not None:
                found = Found(line, line.body)
                size += self.size_of(found.body)
                if events and size > BYTES:
                    return Page(events, Cursor((begin + told,), begin + told, upto))
                events.append(found)
        end = begin + limit
        return Page(events, Cursor((end,), end, upto) if len(keys) == limit else None)

    def _keys(self, upto: int) -> Iterator[tuple[SortKey, int]]:
        """Of all that matches: what it is sorted by, and its position."""
        known: set[int] = set()
        looked = 0
        order = lead_of(self.snapshot, self.asked).order
        for piece in repository.pieces(self.snapshot, order, self.asked, None, READ, READ):
            self._learn(piece.lines.values())
            for position, line in piece.lines.items():
                if position not in known and position <= upto:
                    known.add(position)
                    candidate = self._candidate(Found(line, line.body))
                    if self.query.matches(candidate):
                        yield self.query.sort_key(candidate), position
            looked += piece.looked
            if len(known) > SORTED or (looked >= ROWS and piece.reached is not None):
                raise _too_complex()

    # --- one event ---

    def _candidate(self, found: Found) -> Candidate:
        line = found.line
        known = self._masters.get(line.key, {})
        return Candidate(found.body, line.record_time, line.event_id, found.context, known)

    def _learn(self, lines: Collection[Line]) -> None:
        """Reads the master data that the query asks about."""
        if self.query.uses_masters:
            named: set[str] = set()
            for line in lines:
                named |= self.query.elements(self._candidate(Found(line, line.body)))
            known = known_of(self.snapshot, self.asked.principal, named, self.url)
            asserters = captures.asserters(self.snapshot, [line.id for line in lines])
            told = {party: known.of(party) for party in set(asserters.values())}
            self._masters = {key.bytes: told[party] for key, party in asserters.items()}


def _place(pair: tuple[Place, Line]) -> Place:
    return pair[0]


_TIMES = {"eventTime": "event_time", "recordTime": "record_time"}


def _too_complex() -> QueryTooComplexException:
    return QueryTooComplexException(
        f"查询涉及的事件过多（超过 {SORTED} 个），请按时间、地点或编码缩小范围 · "
        f"The query concerns too many events, more than {SORTED}: narrow it by time, place or EPC"
    )
