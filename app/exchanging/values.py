"""The values that events have, those of its own events to each reader: the collections of EPCIS (bizSteps, epcs …).

Of who reads few events, those are looked at; for anybody else it goes from value to value, and in each to an event that
may be read. A request looks at a bounded number of rows, so that a page may be short and have a next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.epcis.named import named_epcs
from app.domain.epcis.query import Query
from app.domain.rights import Principal, Role
from app.exchanging.leading import COUNTED, few_keys
from app.exchanging.querying import READ, ROWS, SORTED, Cursor
from app.store import repository
from app.store.engine import Database, Snapshot, reading
from app.store.repository import RIGHTS, Asked, Place
from app.store.repository_epcs import LAST
from app.store.repository_rows import ByRows, Key
from app.store.repository_values import NO_EPCS, epcs, value_after, values_of

_AS_DEAR = 100  # rows of an index, as a value that leads to none


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
    with reading(database) as snapshot:
        listing = _Listing(snapshot, Asked(principal, Query(), bodies=False), limit)
        return listing.epcs(after) if column is None else listing.column(column, after, always)


@dataclass(slots=True)
class _Listing:
    """The place of a cursor: the last value told; the number of `always` told; or a value and the place in the order of
    its events from which on none that may be read has been looked for."""

    snapshot: Snapshot
    asked: Asked
    limit: int

    def epcs(self, after: Cursor | None) -> tuple[list[str], Cursor | None]:
        keys = few_keys(self.snapshot, self.asked.principal, COUNTED)
        if keys is None:
            found, reached = epcs(self.snapshot, self.asked, None if after is None else after.place, self.limit)
            return found, None if reached is None else Cursor(reached)
        found = self._named(keys, "" if after is None else str(after.place[0]))
        page = found[: self.limit]
        return page, Cursor((page[-1], LAST)) if len(found) > len(page) else None

    def _named(self, keys: Sequence[Key], last: str) -> list[str]:
        """The first EPCs behind one that the events of the keys name, one more than a page has."""
        found: set[str] = set()
        order = ByRows("reader", "record_time", keys, decided=frozenset([RIGHTS]))
        asked = replace(self.asked, bodies=True)
        for piece in repository.pieces(self.snapshot, order, asked, None, READ, READ):
            for line in piece.lines.values():
                named = named_epcs(line.body)
                found.update(epc for epc, role in named.items() if epc > last and role & ~NO_EPCS)
            found = set(sorted(found)[: self.limit + 1])
        return sorted(found)

    def column(self, name: str, after: Cursor | None, always: Sequence[str]) -> tuple[list[str], Cursor | None]:
        """`always`, and what else there is behind it."""
        place = () if after is None else after.place
        valued = bool(place) and isinstance(place[0], str)
        begin = len(always) if valued else int(place[0]) if place else 0
        found = list(always[begin : begin + self.limit])
        if begin + len(found) < len(always):
            return found, Cursor((begin + len(found),))
        keys = few_keys(self.snapshot, self.asked.principal, SORTED)
        if keys is None:
            return self._sought(name, found, place if valued else (), always)
        there = values_of(self.snapshot, keys, name, SORTED).difference(always)
        more = sorted(value for value in there if not valued or value > place[0])
        room = self.limit - len(found)
        return found + more[:room], self._behind(more[:room], always) if len(more) > room else None

    def _behind(self, told: Sequence[str], always: Sequence[str]) -> Cursor:
        return Cursor((told[-1],) if told else (len(always),))

    def _sought(
        self, name: str, found: list[str], place: Place, always: Sequence[str]
    ) -> tuple[list[str], Cursor | None]:
        value: str | None = place[0] if place else None
        inside = place[1:]
        told: list[str] = []
        looked = 0
        while True:
            if not inside:
                value = value_after(self.snapshot, name, value)
                if value is None:
                    return found + told, None
                if value in always:
                    continue
            there, inside, count = self._there(name, value, inside)
            looked += count
            if there and len(found) + len(told) == self.limit:
                return found + told, self._behind(told, always)
            told += [str(value)] if there else []
            if looked >= ROWS:
                return found + told, Cursor((value, *inside))

    def _there(self, name: str, value: str | None, inside: Place) -> tuple[bool, Place, int]:
        """Whether an event that may be read has the value; where not, the place up to which that is sure, () where it
        is of all; and how many rows that took."""
        if self.asked.principal.role is Role.ADMIN or value is None:
            return True, (), 0
        order = ByRows(name, "event_time", [Key(name, value)])
        piece = order.read(self.snapshot, self.asked, inside or None, 1)
        there = bool(piece.places)
        return there, () if there or piece.reached is None else piece.reached, max(piece.looked, _AS_DEAR)
