"""Which index leads to the few events that a query may concern: where there are several, they are counted, up to a
bound."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.domain.epcis.query import EpcFilter, Query
from app.domain.rights import Principal, Role
from app.store.engine import Snapshot
from app.store.repository import RIGHTS, Asked, Order
from app.store.repository_epcs import ByEpc, transformed
from app.store.repository_readers import keys_of
from app.store.repository_rows import MERGED, ByRows, Key
from app.store.repository_values import values_within
from app.store.tables.published import DELETED

COUNTED: Final = 2_000  # rows of an index
_FEW: Final = 100  # so few need no other index

EVERYTHING: Final = ByRows("position", "position")
_READER: Final = "reader"
_BELOW: Final = "wd_"
_NARROW: Final = ("biz_location", "read_point")
_WIDE: Final = ("disposition", "biz_step", "type")


@dataclass(frozen=True, slots=True)
class Lead:
    """`count`: of the rows that it leads through, COUNTED if more; None where they were not counted."""

    order: Order
    count: int | None


def lead_of(snapshot: Snapshot, asked: Asked, name: str | None = None, *, counted: bool = False) -> Lead:
    """The order for a query that wants none; `name`: the one that it had on the page before; `counted`: even where
    there is no choice."""
    if name == _READER:
        return Lead(_read(asked.query, keys_of(snapshot, asked.principal)), None)
    orders = _orders(snapshot, asked)
    if name is not None:
        # Places that were few on the page before may be too many by now: then it is among all, at the same places.
        gone = _by_event_time(asked.query, name) if name.startswith(_BELOW) else EVERYTHING
        return Lead(next((order for order in orders if order.name == name), gone), None)
    first = next(orders)
    # Who reads few events may be told of those that an EPC leads to before it is asked what they read.
    if asked.principal.role is Role.ADMIN or first.name == _READER:
        orders = iter(others := list(orders))
        if len(others) <= 1 and not counted:
            return Lead(first, None)
    best = Lead(first, first.count(snapshot, COUNTED))
    for order in orders:
        least = best.count or 0
        if least <= _FEW or order is EVERYTHING:
            break
        count = order.count(snapshot, least)
        if count < least:
            best = Lead(order, count)
    return best


def _orders(snapshot: Snapshot, asked: Asked) -> Iterator[Order]:
    """Of a query, the narrower the sooner; the last of all is everything."""
    query = asked.query
    columns = query.columns
    if "event_id" in columns:
        own = [Key("epcis_event_id", value) for value in sorted(columns["event_id"])]
        yield ByRows("event_id", "position", own, decided=frozenset(["event_id"]))
    epcs = named(query)
    if epcs is not None and not epcs.spans:
        yield ByEpc(epcs)
    keys = keys_of(snapshot, asked.principal)
    if keys is not None:
        yield _read(query, keys)
    for name in _NARROW:
        if name in columns:
            yield _column(query, name)
    yield from _below(snapshot, query)
    if epcs is not None and epcs.spans:
        yield ByEpc(epcs)
    for by, bounds in (("event_time", query.event_time), ("record_time", query.record_time)):
        if any(bounds):
            yield ByRows(by, by, None, False, *bounds, frozenset([by]))
    if columns.get("action") == frozenset(["DELETE"]):
        key = Key("action", "DELETE", DELETED)
        yield ByRows("action", "event_time", [key], False, *query.event_time, frozenset(["action", "event_time"]))
    for name in _WIDE:
        if name in columns:
            yield _column(query, name)
    yield EVERYTHING


def by_time(snapshot: Snapshot, asked: Asked, by: str) -> ByRows:
    """All that a query may concern in the order of a time; by: event_time or record_time."""
    query = asked.query
    keys = keys_of(snapshot, asked.principal)
    if keys is not None:
        return _read(query, keys, by, query.descending)
    if by == "event_time":
        for name in (*_NARROW, *_WIDE):
            if name in query.columns:
                return _column(query, name, query.descending)
            if name in _NARROW and (order := next(_below(snapshot, query, query.descending, name), None)) is not None:
                return order
    bounds = query.event_time if by == "event_time" else query.record_time
    return ByRows(by, by, None, query.descending, *bounds, frozenset([by]))


def _read(query: Query, keys: list[Key] | None, by: str | None = None, descending: bool = False) -> ByRows:
    """What the principal may read. Keys that there were on the page before may be too many by now: then it is among
    all events, at the same places."""
    by = by or ("event_time" if any(query.event_time) else "record_time")
    bounds = query.event_time if by == "event_time" else query.record_time
    return ByRows(_READER, by, keys, descending, *bounds, frozenset([by] if keys is None else [by, RIGHTS]))


def _column(query: Query, name: str, descending: bool = False) -> ByRows:
    keys = [Key(name, value) for value in sorted(query.columns[name])]
    return ByRows(name, "event_time", keys, descending, *query.event_time, frozenset([name, "event_time"]))


def _below(snapshot: Snapshot, query: Query, descending: bool = False, column: str | None = None) -> Iterator[ByRows]:
    """By the places that WD_ asks for: what lies below them by master data and, of GLNs, every extension that some
    event names. Not where they are more than are merged; `column`: of this one alone."""
    for place in query.place_filters:
        if column in (None, place.column) and len(place.exact) <= MERGED:
            extensions = values_within(snapshot, place.column, place.spans, MERGED - len(place.exact))
            if extensions is not None:
                keys = [Key(place.column, value) for value in sorted(place.exact | extensions)]
                yield _by_event_time(query, _BELOW + place.column, keys, descending)


def _by_event_time(query: Query, name: str, keys: list[Key] | None = None, descending: bool = False) -> ByRows:
    return ByRows(name, "event_time", keys, descending, *query.event_time, frozenset(["event_time"]))


def named(query: Query) -> EpcFilter | None:
    """The narrowest of what a query says of EPCs."""
    filters = list(query.epc_filters)
    if "transformation_id" in query.columns:
        filters.append(transformed(query.columns["transformation_id"]))
    return min(filters, key=lambda one: (len(one.spans), len(one.exact)), default=None)


def few_keys(snapshot: Snapshot, principal: Principal, most: int) -> list[Key] | None:
    """What somebody may read, as keys, where that is fewer than so many events."""
    keys = keys_of(snapshot, principal)
    if keys is None or ByRows(_READER, "record_time", keys).count(snapshot, most) >= most:
        return None
    return keys
