"""What was in which logistic unit at what time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Literal, NamedTuple
from uuid import UUID

from app.domain.epcis.captured import CHILDREN, Amount, CapturedEvent, Measure, is_product, is_sscc, mentioned

FOREVER = datetime.max.replace(tzinfo=UTC)

PackingKind = Literal["aggregation", "association"]


class Packing(NamedTuple):
    """`content_epc` was in (or, as an association, on) `unit_epc` from one event to another, both included; to None: it
    still is. Part of a class taken out ends one packing and begins another with the rest."""

    unit_epc: str
    content_epc: str
    kind: PackingKind
    from_event: UUID
    from_time: datetime
    to_event: UUID | None
    to_time: datetime | None
    grams: int | None
    pieces: int | None

    @property
    def amount(self) -> Amount:
        return Amount(self.grams, self.pieces)

    def covers(self, time: datetime) -> bool:
        return self.from_time <= time and (self.to_time is None or time <= self.to_time)


class Packings:
    """The packings that a set of events makes, and what a unit held at a time."""

    def __init__(self, ordered: list[CapturedEvent], measure: Measure) -> None:
        """`ordered`: effective events by `CapturedEvent.order`."""
        self.all: list[Packing] = []
        self.units: set[str] = set()
        by_unit: dict[tuple[str, PackingKind], list[CapturedEvent]] = defaultdict(list)
        for event in ordered:
            parent = event.parent
            if parent is None:
                continue
            if event.kind == "AggregationEvent":
                self.units.add(parent)
                by_unit[parent, "aggregation"].append(event)
            elif event.kind == "AssociationEvent":
                if not is_product(parent):
                    self.units.add(parent)
                by_unit[parent, "association"].append(event)
        for (unit, kind), events in by_unit.items():
            self.all += _packings(unit, kind, events, measure)
        self._by_unit: dict[str, _Timeline] = {}
        held: dict[str, list[Packing]] = defaultdict(list)
        for packing in self.all:
            if packing.kind == "aggregation":
                held[packing.unit_epc].append(packing)
        for unit, packings in held.items():
            self._by_unit[unit] = _Timeline(packings)

    def is_unit(self, epc: str) -> bool:
        """Whether an EPC is a logistic unit: an SSCC, an aggregation's parent, or an association's unless a product."""
        return epc in self.units or is_sscc(epc)

    def contents(self, unit: str, time: datetime) -> tuple[dict[str, Amount], bool]:
        """Everything but units that was in `unit` at `time`, however deep, and whether the unit was inside itself."""
        found: dict[str, Amount] = {}
        seen, waiting, loop = {unit}, [unit], False
        while waiting:
            timeline = self._by_unit.get(waiting.pop())
            for packing in timeline.at(time) if timeline else ():
                content = packing.content_epc
                if not self.is_unit(content):
                    found[content] = found[content].plus(packing.amount) if content in found else packing.amount
                elif content not in seen:
                    seen.add(content)
                    waiting.append(content)
                else:
                    loop |= content == unit
        return found, loop


class _Timeline:
    """One unit's packings, found by time without looking at all of them."""

    def __init__(self, packings: list[Packing]) -> None:
        self._packings = sorted(packings, key=attrgetter("from_time"))
        self._starts = [packing.from_time for packing in self._packings]
        ends = (packing.to_time or FOREVER for packing in self._packings)
        self._latest_end = list(accumulate(ends, max))

    def at(self, time: datetime) -> Iterable[Packing]:
        for place in range(bisect_right(self._starts, time) - 1, -1, -1):
            if self._latest_end[place] < time:
                return
            if self._packings[place].covers(time):
                yield self._packings[place]


@dataclass(slots=True)
class _Open:
    """A packing that has not ended yet."""

    since: CapturedEvent
    amount: Amount


def _packings(unit: str, kind: PackingKind, events: list[CapturedEvent], measure: Measure) -> Iterable[Packing]:
    inside: dict[str, list[_Open]] = {}
    ended: list[Packing] = []

    def end(content: str, packing: _Open, event: CapturedEvent | None) -> None:
        ended.append(
            Packing(
                unit_epc=unit,
                content_epc=content,
                kind=kind,
                from_event=packing.since.event_id,
                from_time=packing.since.event_time,
                to_event=None if event is None else event.event_id,
                to_time=None if event is None else event.event_time,
                grams=packing.amount.grams,
                pieces=packing.amount.pieces,
            )
        )

    def remove(event: CapturedEvent) -> bool:
        children = mentioned(event, CHILDREN, measure) or dict.fromkeys(inside, Amount())
        found = [content for content in children if content in inside]
        for content in found:
            rest = children[content]
            left: list[_Open] = []
            for packing in inside.pop(content):
                rest, remains = _taken(rest, packing.amount)
                if packing.amount != remains:
                    end(content, packing, event)
                    packing = _Open(event, remains)
                if remains != _NOTHING:
                    left.append(packing)
            if left:
                inside[content] = left
        return bool(found)

    for _, group in groupby(events, key=attrgetter("event_time")):
        together = list(group)
        # Unpacking what was in before comes first; what remains to be unpacked was packed at the very same time.
        removals = [event for event in together if event.action == "DELETE" and not remove(event)]
        for event in together:
            if event.action != "DELETE":
                for content, amount in mentioned(event, CHILDREN, measure).items():
                    if event.action == "ADD" or content not in inside:
                        inside.setdefault(content, []).append(_Open(event, amount))
        for event in removals:
            remove(event)
    for content, packings in inside.items():
        for packing in packings:
            end(content, packing, None)
    return ended


_NOTHING = Amount(0, 0)


def _taken(wanted: Amount, held: Amount) -> tuple[Amount, Amount]:
    """What is still wanted, and what remains, after taking `wanted` out of `held`. Unknown amounts mean all of it."""
    for part in (0, 1):
        want, have = wanted[part], held[part]
        if want is not None and have is not None:
            left, rest = max(want - have, 0), max(have - want, 0)
            remains = _NOTHING if rest == 0 else held._replace(**{held._fields[part]: rest})
            return wanted._replace(**{wanted._fields[part]: left}), remains
    return wanted, _NOTHING
