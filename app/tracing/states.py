"""The state of every custody of a trace: what holds reach it, which gaps are closed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.graph import Bounds, GapState, Walk, downstream, gap_state
from app.store import chain
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.store.raw import Row

# No food passes through more hands; bounds the look for holds upstream.
HANDS = 50
FURTHER = 20_000
RECALL = "recall"


@dataclass(frozen=True, slots=True)
class States:
    """Custodies under an active hold or recall, and what is known of each gap."""

    held: set[bytes]
    recalled: set[bytes]
    gaps: dict[bytes, GapState]


def states(snapshot: Snapshot, way: Walk[bytes], nodes: list[Row], direction: Direction) -> States:
    """`nodes` as chain.NODE. A hold reaches its custody, all of its lot, or all that came from it, by its scope; what a
    node came from is looked for where the walk itself did not go there."""
    lots = {row[0]: row[3] for row in nodes}
    links = way.links
    if (direction == "forward" or way.next is not None) and chain.any_downstream_hold(snapshot):
        up = chain.follow(snapshot, list(way.depth), "back", Bounds(HANDS, FURTHER + len(way.depth)))
        further = [key for key in up.depth if key not in lots]
        lots |= {row[0]: row[2] for row in chain.hands(snapshot, further)}
        links = links + up.links
    holds = chain.holds(snapshot, set(lots.values()))
    recalls = {row[0] for row in chain.events(snapshot, [hold[0] for hold in holds]) if row[2] == RECALL}
    gaps = [row[0] for row in nodes if row[1] == "gap"]
    return States(
        held=_reach([hold for hold in holds if hold[0] not in recalls], lots, links),
        recalled=_reach([hold for hold in holds if hold[0] in recalls], lots, links),
        gaps=_gaps(chain.identified(snapshot, gaps)),
    )


def _reach(holds: Iterable[Row], lots: dict[bytes, bytes], links: list[Row]) -> set[bytes]:
    reached: set[bytes] = set()
    whole: set[bytes] = set()
    ahead: set[bytes] = set()
    for _, scope, custody, lot in holds:
        reached.add(custody)
        if scope == "lot":
            whole.add(lot)
        elif scope == "downstream":
            ahead.add(custody)
    reached |= {key for key, lot in lots.items() if lot in whole} if whole else set()
    return reached | downstream(ahead, links)


def _gaps(identified: list[Row]) -> dict[bytes, GapState]:
    claimants: dict[bytes, list[bytes | None]] = defaultdict(list)
    for link in identified:
        claimants[link[1]].append(link[6])
    return {gap: gap_state(said) for gap, said in claimants.items()}
