"""Which events and EPCs a change of the graph concerns, so that a store need not project everything again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.domain.epcis.captured import CHILDREN, INPUTS, OUTPUTS, CapturedEvent, epcs_of, related_epcs

Load = Callable[[frozenset[str]], Iterable[CapturedEvent]]
"""Every captured event of which one of the given EPCs, units or transformationIDs is in `related_epcs`."""

CONTAINING = frozenset(("AggregationEvent", "AssociationEvent"))


@dataclass(frozen=True)
class Closure:
    """`project(events, only=affected)` gives all rows of the affected EPCs as a projection of everything would."""

    affected: frozenset[str]
    events: frozenset[CapturedEvent]


def closure(seed: Iterable[str], load: Load) -> Closure:
    """What to project again when events were added whose `related_epcs` together are `seed` (after they were stored).

    Affected are the seed, what units among it ever held, and what was made of these or of a unit that held them. To
    project them needs also the units they were in and the inputs they were made of. Other goods that only shared a unit
    with them are not drawn in.
    """
    known = _Known(load)
    affected = known.with_contents(set(seed))
    affected |= {epc for event in known.transformations(known.with_units(affected)) for epc in epcs_of(event, OUTPUTS)}
    inputs = {epc for event in known.transformations(affected) for epc in epcs_of(event, INPUTS)}
    known.with_units(affected | known.with_contents(inputs))
    return Closure(frozenset(affected), frozenset(known.events))


class _Known:
    """The events loaded so far; every EPC is asked for once."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._asked: set[str] = set()
        self.events: set[CapturedEvent] = set()
        self._by_epc: dict[str, set[CapturedEvent]] = {}

    def about(self, epcs: set[str]) -> set[CapturedEvent]:
        """All events that name one of `epcs`."""
        missing = frozenset(epcs - self._asked)
        if missing:
            self._asked |= missing
            for event in self._load(missing):
                if event not in self.events:
                    self.events.add(event)
                    for epc in related_epcs(event):
                        self._by_epc.setdefault(epc, set()).add(event)
        return set().union(*(self._by_epc.get(epc, ()) for epc in epcs))

    def with_contents(self, epcs: set[str]) -> set[str]:
        """`epcs` and all that was ever packed in or associated with units among them, however deep."""
        found, frontier = set(epcs), set(epcs)
        while frontier:
            inside = (
                epcs_of(event, CHILDREN)
                for event in self.about(frontier)
                if event.kind in CONTAINING and event.parent in frontier
            )
            frontier = set().union(*inside) - found
            found |= frontier
        return found

    def with_units(self, epcs: set[str]) -> set[str]:
        """`epcs` and the units that they were ever in, however deep."""
        found, frontier = set(epcs), set(epcs)
        while frontier:
            above = {
                event.parent
                for event in self.about(frontier)
                if event.kind in CONTAINING and event.parent is not None and epcs_of(event, CHILDREN) & frontier
            }
            frontier = above - found
            found |= frontier
        return found

    def transformations(self, epcs: set[str]) -> set[CapturedEvent]:
        """The TransformationEvents that name one of `epcs`, with all that share a transformationID with one of them."""
        named = {event for event in self.about(epcs) if event.kind == "TransformationEvent"}
        shared = {event.transformation for event in named if event.transformation is not None}
        return named | {event for event in self.about(shared) if event.kind == "TransformationEvent"}
