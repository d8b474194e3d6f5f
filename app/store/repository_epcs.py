"""Events of the repository in the order of what they name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from app.domain.epcis.named import Role, named_epcs
from app.domain.epcis.patterns import Span
from app.domain.epcis.query import EpcFilter
from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.raw import Branch
from app.store.repository import Asked, Piece, Place, gather

_GROUP: Final = 25  # EPCs in one statement
_RANGES: Final = 50  # that are counted; more are taken to lead to many events
LAST: Final = 2**62
ENTRY = ("epc", "position", "roles")


@dataclass(frozen=True)
class ByEpc:
    """Events that the filter means, by (EPC, position); told at the first of the EPCs that it holds of."""

    wanted: EpcFilter
    name: str = "epc"

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
        def entries(after: Place | None, size: int) -> tuple[list[tuple[Place, int]], Place | None, int]:
            rows, reached = self._rows(snapshot, after, size)
            holds = self.wanted.holds
            return (
                [((epc, position), position) for epc, position, roles in rows if holds(epc, roles)],
                reached,
                len(rows),
            )

        return gather(snapshot, asked, after, size, entries)

    def _rows(self, snapshot: Snapshot, after: Place | None, size: int) -> tuple[Sequence[Any], Place | None]:
        for item in self._ranges:
            end = (item.high, 0) if isinstance(item, Span) else (item[-1], LAST)
            if after is not None and end <= after:
                continue
            branches = _branches(item, after, size)
            if len(branches) == 1:
                rows = raw.found(snapshot, tables.epc_event, ENTRY, branches[0])
            else:
                rows = sorted(raw.merged(snapshot, tables.epc_event, ENTRY, branches))[:size]
            if len(rows) == size:
                return rows, (rows[-1][0], rows[-1][1])
            return rows, None if item is self._ranges[-1] else end
        return (), None

    def first(self, place: Place, body: Mapping[str, Any]) -> bool:
        if not self.wanted.spans and len(self.wanted.exact) == 1:
            return True
        return not any(epc < place[0] and self.wanted.holds(epc, role) for epc, role in named_epcs(body).items())

    def count(self, snapshot: Snapshot, most: int) -> int:
        if len(self._ranges) > _RANGES:
            return most
        branches = [one for item in self._ranges for one in _branches(item, None, most)]
        return min(most, raw.counted(snapshot, tables.epc_event, branches))


def _branches(item: Span | list[str], after: Place | None, size: int) -> list[Branch]:
    """The next entries of a range, each branch in its order."""
    if isinstance(item, Span):
        begun = (item.low, 0) if after is None or after[0] < item.low else after
        # What has no position yet is told nowhere.
        rest = '("epc", "position") > ({}, {}) AND "epc" < {} AND "position" > 0 ORDER BY "epc", "position" LIMIT {}'
        return [(f"WHERE {rest}", (*begun, item.high, size))]
    left = [epc for epc in item if after is None or epc >= after[0]]
    of_one = 'WHERE "epc" = {} AND "position" > {} ORDER BY "position" LIMIT {}'
    return [(of_one, (epc, after[1] if after is not None and after[0] == epc else 0, size)) for epc in left]


def _low(pair: tuple[str, object]) -> str:
    return pair[0]


def transformed(uris: Collection[str]) -> EpcFilter:
    """Events of the transformations."""
    return EpcFilter(Role.TRANSFORMATION, (), frozenset(uris))
