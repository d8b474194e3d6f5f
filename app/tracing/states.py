"""The state of every custody of a trace: what holds reach it, which gaps are closed."""

from collections import defaultdict
from dataclasses import dataclass

from app.domain.graph import Bounds, GapState, Walk, gap_state
from app.domain.holds import reached
from app.store import chain, holds
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.store.raw import Row

# No food passes through more hands; bounds the look for holds upstream.
HANDS = 50
FURTHER = 20_000


@dataclass(frozen=True, slots=True)
class States:
    """Custodies under an active hold or recall, and what is known of each gap."""

    held: set[bytes]
    recalled: set[bytes]
    gaps: dict[bytes, GapState]


def states(snapshot: Snapshot, way: Walk[bytes], nodes: list[Row], direction: Direction) -> States:
    """`nodes` as chain.NODE. How far a hold reaches, its scope says; what a
    node came from is looked for where the walk itself did not go there."""
    goods = {row[0]: (row[3], row[5]) for row in nodes}
    links = way.links
    if (direction == "forward" or way.next is not None) and holds.any_onward(snapshot):
        up = chain.follow(snapshot, list(way.depth), "back", Bounds(HANDS, FURTHER + len(way.depth)))
        further = [key for key in up.depth if key not in goods]
        goods |= {row[0]: (row[2], row[3]) for row in chain.hands(snapshot, further)}
        links = links + up.links
    active = holds.of_lots(snapshot, {lot for lot, _ in goods.values()})
    gaps = [row[0] for row in nodes if row[1] == "gap"]
    return States(
        held=reached([holds.stop(hold) for hold in active if hold[4] is None], goods, links),
        recalled=reached([holds.stop(hold) for hold in active if hold[4] is not None], goods, links),
        gaps=_gaps(chain.identified(snapshot, gaps)),
    )


def _gaps(identified: list[Row]) -> dict[bytes, GapState]:
    claimants: dict[bytes, list[bytes | None]] = defaultdict(list)
    for link in identified:
        claimants[link[1]].append(link[6])
    return {gap: gap_state(said) for gap, said in claimants.items()}
