"""How far a hold reaches: its goods, all of their lot, what comes from them, or all of these.

| scope | reaches |
|---|---|
| custody | the goods in one pair of hands |
| lot | the lot in all hands |
| downstream | the goods in one pair of hands and everything that comes from them |
| lot_downstream | the lot in all hands and everything that was made of any of it |

A hold may spare goods, or all goods at a site: then those are not reached, nor what came through them alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar, get_args

from app.domain.graph import downstream

KeyT = TypeVar("KeyT", bound=Any)

Scope = Literal["custody", "downstream", "lot", "lot_downstream"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
# Those that reach what comes from the goods: who asks for them has to look back along the chain.
ONWARD: Final = ("downstream", "lot_downstream")
Goods = tuple[KeyT, KeyT | None]  # their lot and their site
Edge = tuple[Any, ...]  # (parent, child, …)


@dataclass(frozen=True, slots=True)
class Stop(Generic[KeyT]):
    """A hold, as far as its reach goes; `spares` are custodies and sites."""

    scope: str
    custody: KeyT
    lot: KeyT
    spares: frozenset[KeyT] = frozenset()


def reached(stops: Iterable[Stop[KeyT]], goods: Mapping[KeyT, Goods[KeyT]], links: Iterable[Edge]) -> set[KeyT]:
    """Those of the goods, and what they were held as, that any of the holds reaches. `goods` have to name, with all of
    the `links` between them, everything that the goods in question came from."""
    found: set[KeyT] = set()
    whole: set[KeyT] = set()
    onward: dict[frozenset[KeyT], tuple[set[KeyT], set[KeyT]]] = {}
    for stop in stops:
        if stop.scope in ONWARD:
            custodies, lots = onward.setdefault(stop.spares, (set(), set()))
            if stop.scope == "downstream":
                custodies.add(stop.custody)
            else:
                lots.add(stop.lot)
        else:
            found.add(stop.custody)
            if stop.scope == "lot":
                whole.add(stop.lot)
    if whole:
        found |= {key for key, (lot, _) in goods.items() if lot in whole}
    edges = list(links) if onward else []
    for spares, (custodies, lots) in onward.items():
        if lots:
            of_lots = {key for key, (lot, _) in goods.items() if lot in lots}
            custodies = custodies | (_entries(of_lots, goods, edges) if spares else of_lots)
        if spares:
            found |= _around(custodies, spares, goods, edges)
        else:
            found |= downstream(custodies, edges)
    return found


def _entries(of_lots: set[KeyT], goods: Mapping[KeyT, Goods[KeyT]], edges: Iterable[Edge]) -> set[KeyT]:
    """Where lots begin: their custodies that came out of no other of the same lot. All of them, where a circle has no
    beginning."""
    moved = {
        edge[1]
        for edge in edges
        if edge[1] in of_lots and edge[0] in of_lots and edge[0] != edge[1] and goods[edge[0]][0] == goods[edge[1]][0]
    }
    begun = {goods[key][0] for key in of_lots - moved}
    return {key for key in of_lots if key not in moved or goods[key][0] not in begun}


def _around(
    starts: set[KeyT], spares: frozenset[KeyT], goods: Mapping[KeyT, Goods[KeyT]], edges: Iterable[Edge]
) -> set[KeyT]:
    """What can be come to from the starts without passing what is spared."""
    kept = {key for key, (_, site) in goods.items() if key in spares or (site is not None and site in spares)}
    return downstream(starts - kept - spares, [edge for edge in edges if edge[1] not in kept])


def reasons_by_goods(
    stops: Mapping[KeyT, Stop[KeyT]], goods: Mapping[KeyT, Goods[KeyT]], links: Iterable[Edge]
) -> dict[KeyT, list[KeyT]]:
    """For each of the goods the holds, by their keys, that reach it."""
    edges = list(links)
    found: dict[KeyT, list[KeyT]] = defaultdict(list)
    for key, stop in stops.items():
        for each in reached([stop], goods, edges):
            found[each].append(key)
    return found
