"""A chain as boxes few enough to be read: those that stand beside each other become one."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from itertools import groupby

from app.domain.graph import generations
from app.store.chain import Direction
from app.tracing.answer import Gap, Link, Node, Trace

BOXES = 200  # that a drawing holds unfolded
MEMBERS = 150  # of a group that is unfolded; the rest of it stays together


@dataclass(slots=True)
class Box:
    """One node, or several that were folded: `id` names the group. `gap` of a node that is one; `markets`: of how many
    markets the sites of a group are."""

    id: str
    nodes: list[Node]
    layer: int = 0
    gap: Gap | None = None
    markets: int = 0

    @property
    def folded(self) -> bool:
        return len(self.nodes) > 1


@dataclass(slots=True)
class Line:
    """What went from a box to another; grams and pieces are summed where all are known."""

    parent: str
    child: str
    kinds: set[str] = field(default_factory=set)
    links: int = 0
    grams: int | None = 0
    pieces: int | None = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """Boxes from source to table, layer by layer; `nodes`: in all."""

    boxes: list[Box]
    lines: list[Line]
    nodes: int


def fold(trace: Trace, direction: Direction, unfold: Collection[str], markets: Mapping[str, str]) -> Folded:
    """`unfold`: groups that are not to be folded; `markets`: code of a site → its topmost site."""
    nodes = {node.id: node for node in trace.nodes}
    links = [link for link in trace.links if link.parent_id in nodes and link.child_id in nodes]
    outward = [
        (link.child_id, link.parent_id) if direction == "back" else (link.parent_id, link.child_id) for link in links
    ]
    layer = generations({node.id: node.depth for node in trace.nodes}, outward)
    near: dict[str, list[str]] = defaultdict(list)
    for inner, outer in outward:
        near[outer].append(inner)
    ordered = sorted(nodes, key=layer.__getitem__)
    group = _groups(ordered, nodes, layer, near, unfold)
    gaps = {gap.node_id: gap for gap in trace.gaps}
    last = max(layer.values(), default=0)
    boxes: dict[str, Box] = {}
    for key in ordered:
        name = group[key]
        if name not in boxes:
            boxes[name] = Box(name, [], last - layer[key] if direction == "back" else layer[key], gaps.get(key))
        boxes[name].nodes.append(nodes[key])
    for box in boxes.values():
        codes = {node.site.code for node in box.nodes if node.site is not None and node.site.code is not None}
        box.markets = len({markets.get(code, code) for code in codes})
    listed = sorted(boxes.values(), key=lambda box: box.layer)
    levels = {level: i for i, level in enumerate(sorted({box.layer for box in listed}))}
    for box in listed:
        box.layer = levels[box.layer]
    return Folded(listed, _lines(links, group), len(nodes))


def _groups(
    ordered: list[str],
    nodes: Mapping[str, Node],
    layer: Mapping[str, int],
    near: Mapping[str, list[str]],
    unfold: Collection[str],
) -> dict[str, str]:
    """Node → its box. The layers next to the start stay as they are, as many as there is room for; beyond, what comes
    from the same of them stands together. Where that leaves too many, everything of one kind in a layer does, then all
    of a layer, then layers."""
    if len(ordered) <= BOXES:
        return {key: key for key in ordered}
    room = BOXES + MEMBERS * len(unfold)
    levels = Counter(layer[key] for key in ordered)
    alone, least = -1, 0
    while least + levels[alone + 1] < BOXES:
        alone += 1
        least += levels[alone]

    def branches(level: int, by_state: bool) -> dict[str, str]:
        return _branches(ordered, nodes, layer, near, unfold, level, by_state)

    def fits(found: Mapping[str, str]) -> bool:
        return len(set(found.values())) <= room

    # The fewer layers stay as they are, the fewer boxes: the most that fit are found by halves.
    tried = range(min(alone, max(levels)), -2, -1)
    most = bisect_left(tried, True, key=lambda level: fits(branches(level, False)))
    if most < len(tried):
        finer = branches(tried[most], True)
        return finer if fits(finer) else branches(tried[most], False)
    last = max(layer.values())
    for coarse in (
        [f"{layer[key]} {_kind(nodes[key])}" for key in ordered],
        [str(layer[key]) for key in ordered],
        [f"band {layer[key] * BOXES // (last + 1)}" for key in ordered],
    ):
        found = _together(dict(zip(ordered, map(_name, coarse), strict=True)), unfold)
        if fits(found):
            break
    return found


def _branches(
    ordered: list[str],
    nodes: Mapping[str, Node],
    layer: Mapping[str, int],
    near: Mapping[str, list[str]],
    unfold: Collection[str],
    alone: int,
    by_state: bool,
) -> dict[str, str]:
    """Those beyond the layer `alone` that come from the same nodes of it and are of one kind, as one."""
    found: dict[str, str] = {}
    branch: dict[str, str] = {}
    for level, row in groupby(ordered, key=layer.__getitem__):
        names = {}
        for key in row:
            if level <= alone:
                found[key] = branch[key] = key
                continue
            sources = {branch[other] for other in near.get(key, ()) if other in branch}
            branch[key] = next(iter(sources)) if len(sources) == 1 else _name(" ".join(sorted(sources)))
            names[key] = _name(f"{level} {branch[key]} {_kind(nodes[key])} {nodes[key].status if by_state else ''}")
        found |= _together(names, unfold)
    return found


def _together(names: Mapping[str, str], unfold: Collection[str]) -> dict[str, str]:
    """Groups that are unfolded fall apart, as far as a drawing holds their members; a group of one is none."""
    number = Counter(names.values())
    shown: Counter[str] = Counter()
    found: dict[str, str] = {}
    for key, name in names.items():
        shown[name] += name in unfold
        apart = number[name] == 1 or (name in unfold and shown[name] <= MEMBERS)
        found[key] = key if apart else name
    return found


def _kind(node: Node) -> str:
    return f"{node.kind} {node.site.kind if node.site else ''} {node.product.name if node.product else ''}"


def _name(text: str) -> str:
    return blake2s(text.encode(), digest_size=6).hexdigest()


def _lines(links: list[Link], group: Mapping[str, str]) -> list[Line]:
    found: dict[tuple[str, str], Line] = {}
    for link in links:
        ends = group[link.parent_id], group[link.child_id]
        if ends[0] == ends[1]:
            continue
        line = found.setdefault(ends, Line(*ends))
        line.kinds.add(link.kind)
        line.links += 1
        amount = link.quantity
        line.grams = None if amount is None or amount.grams is None or line.grams is None else line.grams + amount.grams
        line.pieces = (
            None if amount is None or amount.pieces is None or line.pieces is None else line.pieces + amount.pieces
        )
    return list(found.values())
