"""A query over events (EPCIS 2.0 §8.2.7.1, SimpleEventQuery): what an index can be asked for it, and the whole truth.

`parse_parameters` and `parse_body` of query_parsing make queries. All criteria are ANDed; the values of one are ORed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.named import Role, mentions
from app.domain.epcis.patterns import FLAGS, Pattern, Span
from app.domain.epcis.query_criteria import Known, Test
from app.domain.epcis.query_fields import Candidate, FieldName, View, number_of, quantities, time_of
from app.domain.epcis.values import canonical_text

__all__ = ["Candidate", "EpcFilter", "PlaceFilter", "Query", "Span"]

Bounds = tuple[datetime | None, datetime | None]
"""From (inclusive) and before (exclusive)."""
SortKey = tuple[int, Fraction, tuple[int, ...]]
_LAST: SortKey = (9, Fraction(), ())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EpcFilter:
    """Events that name, in one of the roles, an EPC of `exact` or one that `rule` matches wholly; all of these lie in
    the spans, with others."""

    roles: Role
    spans: tuple[Span, ...] = ()
    exact: frozenset[str] = frozenset()
    rule: re.Pattern[str] | None = None

    def holds(self, epc: str, role: int) -> bool:
        """Whether an event that names this EPC (canonical) in this role, or these, is meant."""
        return bool(int(role) & int(self.roles)) and (
            epc in self.exact or (self.rule is not None and self.rule.fullmatch(epc) is not None)
        )

    def passes(self, view: View) -> bool:
        named = view.candidate.named
        if named is not None:
            return any(self.holds(epc, role) for epc, role in named.items())
        mask = int(self.roles)
        return any(self.holds(canonical_uri(epc), mask) for epc, role in mentions(view.body) if int(role) & mask)


def epc_filter(roles: Role, patterns: Collection[Pattern]) -> EpcFilter:
    """Events that name an EPC of one of the patterns in one of the roles."""
    rules = [pattern.rule.pattern for pattern in patterns if pattern.rule is not None]
    return EpcFilter(
        roles,
        tuple(dict.fromkeys(span for pattern in patterns for span in pattern.spans)),
        frozenset().union(*(pattern.exact for pattern in patterns)),
        re.compile("|".join(rules), FLAGS) if rules else None,
    )


@dataclass(frozen=True, slots=True)
class PlaceFilter:
    """Events whose place (`column` is read_point or biz_location) is of `exact`, or in a span: a GLN with an extension
    lies below the GLN."""

    column: str
    exact: frozenset[str]

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(Span(f"{place}/254/", f"{place}/2540") for place in sorted(self.exact) if _is_gln(place))

    def passes(self, place: str | None) -> bool:
        if place is None or place in self.exact:
            return place is not None
        gln = place.partition("/254/")[0]
        return gln in self.exact and _is_gln(gln)


def _is_gln(place: str) -> bool:
    return place.startswith("https://id.gs1.org/414/") and place.count("/") == 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """A parsed query.

    tests: what `matches` looks at beyond the rest. epc_filters, place_filters, columns, event_time and record_time are
    ANDed, and for an index to seek; columns: column (see `scalar_columns`) → canonical values, any of them.
    place_filters: of WD_readPoint and WD_bizLocation, see `widened`. order_by: as given, None for no order.
    """

    tests: tuple[Test, ...] = ()
    epc_filters: tuple[EpcFilter, ...] = ()
    place_filters: tuple[PlaceFilter, ...] = ()
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    event_time: Bounds = (None, None)
    record_time: Bounds = (None, None)
    order_by: str | None = None
    order_field: FieldName | None = None
    descending: bool = True
    event_count_limit: int | None = None
    max_event_count: int | None = None

    def matches(self, candidate: Candidate) -> bool:
        """Whether the event is what the query asks for; limits and order are not looked at."""
        if not _within(candidate.record_time, self.record_time):
            return False
        view = View(candidate)
        if any(self.event_time) and not _within(time_of(view.body.get("eventTime")), self.event_time):
            return False
        return (
            all(view.scalar(column) in wanted for column, wanted in self.columns.items())
            and all(place.passes(view.scalar(place.column)) for place in self.place_filters)
            and all(each.passes(view) for each in self.epc_filters)
            and all(test(view) for test in self.tests)
        )

    @property
    def uses_masters(self) -> bool:
        """Whether candidates need `masters`, of what `elements` tells."""
        return any(isinstance(test, Known) for test in self.tests)

    def elements(self, candidate: Candidate) -> frozenset[str]:
        """The vocabulary elements (canonical URIs) of an event whose master data the query asks about."""
        view = View(candidate)
        return frozenset(element for test in self.tests if isinstance(test, Known) for element in test.elements(view))

    @property
    def roots(self) -> frozenset[str]:
        """The places (canonical URIs) whose descendants the query asks for."""
        return frozenset().union(*(place.exact for place in self.place_filters))

    def widened(self, descendants: Mapping[str, Collection[str]]) -> "Query":
        """This query with the descendants (canonical URIs, direct and indirect) of `roots` by master data. Extensions
        of a GLN lie below it without being told."""
        return replace(
            self,
            place_filters=tuple(
                PlaceFilter(place.column, place.exact.union(*(descendants.get(root, ()) for root in place.exact)))
                for place in self.place_filters
            ),
        )

    def narrowed(self, other: "Query") -> "Query":
        """Events that both queries ask for, in the order and within the limits of this one."""
        columns = dict(self.columns)
        for column, wanted in other.columns.items():
            columns[column] = columns.get(column, wanted) & wanted
        return replace(
            self,
            tests=self.tests + other.tests,
            epc_filters=self.epc_filters + other.epc_filters,
            place_filters=self.place_filters + other.place_filters,
            columns=columns,
            event_time=_both(self.event_time, other.event_time),
            record_time=_both(self.record_time, other.record_time),
        )

    def sort_key(self, candidate: Candidate) -> SortKey:
        """Sorts candidates, ascending by this key, into the order asked for: a descending order is in the key already.

        Times sort before numbers before texts (by code points) where events differ in the type of an extension field;
        among several values of a field in one event the first of the order counts. Events without the field may stand
        anywhere by the standard: here they are last in either direction. Without orderBy all keys are equal.
        """
        keys = [_key(value, self.descending) for value in self._ordering(candidate)]
        return min(keys, default=_LAST)

    def _ordering(self, candidate: Candidate) -> list[object]:
        view = View(candidate)
        if self.order_by is None:
            return []
        if self.order_by == "recordTime":
            return [candidate.record_time]
        if self.order_by == "eventTime":
            return [view.body.get("eventTime")]
        if self.order_field is None:
            return [amount for amount, _ in quantities(view)]
        return list(view.leaves(self.order_field))


def _within(time: datetime | None, bounds: Bounds) -> bool:
    low, high = bounds
    if time is None:
        return low is None and high is None
    return (low is None or low <= time) and (high is None or time < high)


def _both(one: Bounds, other: Bounds) -> Bounds:
    lows = [bounds[0] for bounds in (one, other) if bounds[0] is not None]
    highs = [bounds[1] for bounds in (one, other) if bounds[1] is not None]
    return max(lows, default=None), min(highs, default=None)


def _key(value: object, descending: bool) -> SortKey:
    sign = -1 if descending else 1
    time = value if isinstance(value, datetime) else time_of(value)
    if time is not None:
        return 0, Fraction(sign * ((time - _EPOCH) // timedelta(microseconds=1))), ()
    number = value if isinstance(value, Fraction) else number_of(value)
    if number is not None:
        return 1, sign * number, ()
    text = canonical_text(str(value))
    # The end of a text sorts before every character, and after them all in a descending order.
    return 2, Fraction(), (*(sign * (ord(char) + 1) for char in text), 0)
