"""The way of goods that come from more than one source, as a graph small enough to be drawn."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from uuid import UUID

from app.scanning.answer import STATUSES, Gap, Place, Shown
from app.scanning.audience import Audience, redact
from app.scanning.chain import Chain, Way
from app.scanning.names import goods, place
from app.scanning.story import Facts, lot_number, recalled

# More is no picture on a telephone.
PLACES = 20

Graph = dict[UUID, list[UUID]]  # place → those that its goods came from


def picture_of(facts: Facts, way: Way, gaps: Iterable[Gap]) -> list[Place]:
    """The places of a way, the nearest first; empty where no goods of several sources came together. `gaps`: those of
    the way."""
    graph = _graph(facts.chain, way)
    if all(len(sources) < 2 for sources in graph.values()):
        return []
    graph, hidden = _folded(_put_together(facts.chain, graph, way.root), way.root)
    known = {gap.node_id: gap for gap in gaps if gap.reason != "truncated"}
    return [
        Place(key, sources, None if key in known else _shown(facts, key), known.get(key), hidden[key])
        for key, sources in graph.items()
    ]


def _graph(chain: Chain, way: Way) -> Graph:
    """From the root back; a gap that both sides have closed is none."""

    def sources(key: UUID) -> list[UUID]:
        found: dict[UUID, None] = {}
        for link in chain.parents[key]:
            # Links that run in a circle cannot be drawn.
            if way.generation.get(link.parent_id, 0) <= way.generation[key] or link.parent_id not in chain.custodies:
                continue
            closed = chain.custodies[link.parent_id].kind == "gap" and chain.closed(chain.custodies[link.parent_id])
            found |= dict.fromkeys(sources(link.parent_id) if closed else [link.parent_id])
        return sorted(found, key=lambda key: (chain.custodies[key].arrived_at, key))

    graph: Graph = {}
    ahead = [way.root]
    while ahead:
        ahead.sort(key=lambda key: -way.generation[key])
        key = ahead.pop()
        if key not in graph:
            graph[key] = sources(key)
            ahead += graph[key]
    return graph


def _put_together(chain: Chain, graph: Graph, root: UUID) -> Graph:
    """Goods that were used up where they had come to are one place with what was made of them."""
    targets = _targets(graph)

    def used_up(key: UUID) -> bool:
        here = chain.custodies[key]
        return (
            key != root
            and bool(graph[key])
            and len(targets[key]) == 1
            and here.site_id is not None
            and here.site_id == chain.custodies[targets[key][0]].site_id
        )

    return _without(graph, {key for key in graph if used_up(key)})


def _folded(graph: Graph, root: UUID) -> tuple[Graph, Mapping[UUID, int]]:
    """At most PLACES: hands that goods only pass through go first, then the farthest; and how many lead to each."""
    hidden: dict[UUID, int] = defaultdict(int)
    if len(graph) <= PLACES:
        return graph, hidden
    targets = _targets(graph)
    passing = {key for key, sources in graph.items() if key != root and len(sources) == len(targets[key]) == 1}
    drawn = set([key for key in graph if key not in passing][:PLACES])
    leads_to: dict[UUID, UUID] = {}
    for key in graph:  # what it leads to stands before it
        if key not in drawn:
            nearest = targets[key][0]
            leads_to[key] = leads_to.get(nearest, nearest)
            hidden[leads_to[key]] += 1

    return {
        key: [source for source in sources if source in drawn]
        for key, sources in _without(graph, passing).items()
        if key in drawn
    }, hidden


def _targets(graph: Graph) -> Graph:
    found: Graph = defaultdict(list)
    for key, sources in graph.items():
        for source in sources:
            found[source].append(key)
    return found


def _without(graph: Graph, left_out: Collection[UUID]) -> Graph:
    """Sources of what is left out lead to where it led."""

    def beyond(key: UUID) -> list[UUID]:
        return [far for source in graph[key] for far in beyond(source)] if key in left_out else [key]

    return {
        key: list(dict.fromkeys(far for source in sources for far in beyond(source)))
        for key, sources in graph.items()
        if key not in left_out
    }


def _shown(facts: Facts, key: UUID) -> Shown:
    """What may not be sold shows. That it was past its date after it was used does not: none of it may be left."""
    custody, names = facts.chain.custodies[key], facts.names
    way = facts.chain.way(key)
    found = {reason.status for reason in facts.chain.obstacles(way, date.min)} - {"incomplete"}
    if recalled(facts, way) is not None:
        found.add("recalled")
    fields = {
        "code": custody.code,
        "product": goods(names.product(custody.product_id, custody.arrived_at)),
        "lot_number": lot_number(facts, custody),
        "site": place(names.site(custody.site_id, custody.arrived_at)),
        "party": place(names.party(custody.party_id, custody.arrived_at)),
        "status": next((status for status in STATUSES if status in found), "ok"),
    }
    return redact("node", Audience.PUBLIC, fields)
