"""Where the quantities of a chain do not close, and what part of them a source accounts for."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from app.domain.graph import Balance, Walk, gap_state
from app.domain.shares import Made, Part, Range, State, amounts, closure, shares
from app.store import chain
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.store.raw import Row

# Ranges worked out for one answer; beyond that it says nothing rather than take minutes.
RANGES = 100_000
SHARED = 10_000  # shares in one answer, and nodes that are looked at for them

_GRAMS, _PIECES = 4, 5  # of chain.LINK


class Inflow:
    """What came into each custody of a walk: all of its links up, also from outside of the walk."""

    def __init__(
        self, snapshot: Snapshot, way: Walk[bytes], nodes: list[Row], direction: Direction, whole: bool
    ) -> None:
        rows = way.links if direction == "back" and whole else _up(snapshot, way, nodes, direction)
        self.into: dict[bytes, list[Row]] = defaultdict(list)
        for row in rows:
            # Who alone says where goods came from may be wrong: the gap is the source until both do.
            if row[1] in way.depth and (row[3] != "identify" or row[6] is None):
                self.into[row[1]].append(row)
        gaps = {row[0] for row in rows if row[3] == "outside"} | {row[0] for row in nodes if row[1] == "gap"}
        said: dict[bytes, list[bytes | None]] = defaultdict(list)
        for row in chain.identified(snapshot, gaps):
            said[row[1]].append(row[6])
        self._open = {gap for gap in gaps if gap_state(said.get(gap, [])) != "closed"}

    def closure(self, key: bytes, balance: Balance, measure: str) -> tuple[State, int, int]:
        """(state, unexplained, claimed) in grams or pieces; see `app.domain.shares.closure`."""
        links = self.into.get(key)
        if not links:
            return (*closure(balance, None, 0), 0)
        column = _GRAMS if measure == "weight" else _PIECES
        parent, *_, claimant = links[0]
        if len(links) == 1 and links[0][3] == "move" and claimant is None and parent not in self._open:  # nearly all
            return (*closure(balance, links[0][column], 0), 0)
        arrived: int | None = 0
        claimed = 0
        for link in links:
            amount = link[column]
            if link[3] == "transform" or amount is None or arrived is None:
                arrived = None
            else:
                arrived += amount
            if link[6] is not None or link[0] in self._open:
                claimed += amount if amount is not None else balance.received
        return (*closure(balance, arrived, claimed), claimed)


def _up(snapshot: Snapshot, way: Walk[bytes], nodes: list[Row], direction: Direction) -> list[Row]:
    """The links into all nodes. What came along the walk need not be read again where nothing else can have come."""
    if direction == "back":
        return chain.into(snapshot, way.depth)
    grams: dict[bytes, int] = defaultdict(int)
    pieces: dict[bytes, int] = defaultdict(int)
    for link in way.links:
        if link[3] == "move":
            grams[link[1]] += link[_GRAMS] or 0
            pieces[link[1]] += link[_PIECES] or 0
    settled = {row[0] for row in nodes if row[10] and (grams if row[7] == "weight" else pieces).get(row[0]) == row[10]}
    known = [link for link in way.links if link[1] in settled]
    return known + chain.into(snapshot, way.depth.keys() - settled)


def accounted(
    snapshot: Snapshot,
    way: Walk[bytes],
    rows: Mapping[bytes, Row],
    generation: Mapping[bytes, int],
    direction: Direction,
    inflow: Inflow,
) -> list[tuple[bytes, bytes | None, int, int]] | None:
    """(node, start, at least, at most) in the node's or start's own grams or pieces; None where it is too much.

    Back: of each start, how much of its goods each source accounts for. Forward: of each node, how much of its goods
    came from where the trace starts. `rows` as chain.NODE, of the whole walk; `generation` outward from the start.
    """
    starts = [key for key, depth in way.depth.items() if depth == 0]
    if len(rows) > SHARED:
        return None
    made = _made(snapshot, rows, inflow)
    if direction == "back":
        order = sorted(way.depth, key=lambda key: -generation[key])
        sources = [key for key in order if key not in made]
        if len(sources) * len(starts) > SHARED:
            return None
        found = shares(order, made, {key: key for key in sources}, RANGES)
        if found is None:
            return None
        return [
            (source, start, *amounts(found[start].get(source, Range(0.0, 0.0)), rows[start][10]))
            for start in starts
            if start in rows and rows[start][1] == "custody"
            for source in sources
            if source in found[start]
        ]  # fmt: skip
    order = sorted(way.depth, key=lambda key: generation[key])
    found = shares(order, made, dict.fromkeys(starts, "start"), RANGES)
    if found is None:
        return None
    return [
        (key, None, *amounts(found[key].get("start", Range(0.0, 0.0)), rows[key][10]))
        for key in order
        if key in rows and rows[key][1] == "custody"
    ]


def _made(snapshot: Snapshot, rows: Mapping[bytes, Row], inflow: Inflow) -> dict[bytes, Made[bytes]]:
    others = {link[0] for links in inflow.into.values() for link in links} - rows.keys()
    known: dict[bytes, Row] = {**rows, **{row[0]: row for row in chain.nodes(snapshot, others)}}
    outputs = _outputs(snapshot, known, inflow)
    made = {}
    for key, links in inflow.into.items():
        column = _GRAMS if all(link[_GRAMS] is not None for link in links) else _PIECES
        process = any(link[3] == "transform" for link in links)
        row = known[key]
        own = _GRAMS if row[7] == "weight" else _PIECES
        made[key] = Made(
            [Part(link[0], _taken(known.get(link[0]), link), link[column]) for link in links],
            row[10] if not process and own == column else None,
            outputs.get(key) if process else 1.0,
        )
    return made


def _taken(parent: Row | None, link: Row) -> float | None:
    """What part of the parent's goods the link took."""
    if parent is None or parent[1] == "gap":
        return None
    amount = link[_GRAMS if parent[7] == "weight" else _PIECES]
    balance = Balance._make(parent[10:17])
    whole = max(balance.received, balance.left)
    return amount / whole if amount is not None and whole > 0 else None


def _outputs(snapshot: Snapshot, known: Mapping[bytes, Row], inflow: Inflow) -> dict[bytes, float]:
    """What part of all that its process made each output is; left out where that is unknown."""
    processes = {(link[0], link[2]) for links in inflow.into.values() for link in links if link[3] == "transform"}
    if not processes:
        return {}
    children: dict[bytes, set[bytes]] = defaultdict(set)
    events = {event for _, event in processes}
    for link in chain.out_of(snapshot, {parent for parent, _ in processes}):
        if link[3] == "transform" and link[2] in events:
            children[link[2]].add(link[1])
    siblings = {key for keys in children.values() for key in keys} - known.keys()
    rows = {**known, **{row[0]: row for row in chain.nodes(snapshot, siblings)}}
    found: dict[bytes, float] = {}
    for keys in children.values():
        made: list[Any] = [rows[key] for key in keys if key in rows and rows[key][22] is None]
        total = sum(row[10] for row in made)
        if len(made) == 1:
            found[made[0][0]] = 1.0
        elif total > 0 and len({row[7] for row in made}) == 1:
            found |= {row[0]: row[10] / total for row in made}
    return found
