"""A layered drawing (Sugiyama, Tagawa, Toda 1981): where boxes go, so that lines cross little and run straight.

Layers are given. A line over several layers bends at a point in each, as long as there are few of them; rows are
ordered by the middle of their neighbours, sweeping to and fro; then each box moves towards its neighbours as far as the
order allows. Bounded in everything: sweeps, bends, and one pass over the lines a sweep.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)

SWEEPS = 12
BENDS = 4_000  # beyond that, long lines run straight
BEND = 0.3  # of a box's height: the room that a line takes beside boxes


@dataclass(frozen=True, slots=True)
class Drawing(Generic[KeyT]):
    """place: (layer, height) of each box, the height of its middle in boxes from the top; `route` of each line, from
    its first to its second end, both included; `height`: of the whole."""

    place: dict[KeyT, tuple[int, float]]
    route: dict[tuple[KeyT, KeyT], list[tuple[int, float]]]
    height: float


def arrange(layer: Mapping[KeyT, int], lines: Iterable[tuple[KeyT, KeyT]]) -> Drawing[KeyT]:
    """`layer` of each box from 0 in the order in which boxes of one layer begin; lines between them, whose ends need
    not lie in the order of layers. Lines of which an end is no box are left aside, and those from a box to itself."""
    joined = list(dict.fromkeys(line for line in lines if line[0] in layer and line[1] in layer and line[0] != line[1]))
    bends = sum(abs(layer[second] - layer[first]) - 1 for first, second in joined if layer[first] != layer[second])
    rows: list[list[int]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    number = {key: i for i, key in enumerate(layer)}
    for key, i in number.items():
        rows[layer[key]].append(i)
    sizes = [1.0] * len(number)
    near: dict[int, list[tuple[int, int]]] = defaultdict(list)  # → (neighbour, its layer)
    at = [layer[key] for key in layer]
    ways: dict[tuple[KeyT, KeyT], list[int]] = {}
    for line in joined:
        first, second = number[line[0]], number[line[1]]
        way = [first]
        step = 1 if at[second] > at[first] else -1
        for between in range(at[first] + step, at[second], step) if bends <= BENDS and at[first] != at[second] else ():
            way.append(len(sizes))
            rows[between].append(len(sizes))
            sizes.append(BEND)
            at.append(between)
        way.append(second)
        ways[line] = way
        for one, other in pairwise(way):
            near[one].append((other, at[other]))
            near[other].append((one, at[one]))
    _order(rows, near)
    heights = _heights(rows, near, sizes)
    top = min((heights[i] - sizes[i] / 2 for row in rows for i in row), default=0.0)
    bottom = max((heights[i] + sizes[i] / 2 for row in rows for i in row), default=0.0)
    return Drawing(
        {key: (at[i], heights[i] - top) for key, i in number.items()},
        {line: [(at[i], heights[i] - top) for i in way] for line, way in ways.items()},
        bottom - top,
    )


def _order(rows: Sequence[list[int]], near: Mapping[int, Sequence[tuple[int, int]]]) -> None:
    """Each row by the middle of its neighbours in the row before, forth and back."""
    place = {i: n for row in rows for n, i in enumerate(row)}
    for sweep in range(SWEEPS):
        back = bool(sweep % 2)
        for index in reversed(range(len(rows) - 1)) if back else range(1, len(rows)):
            row, beside = rows[index], index + 1 if back else index - 1
            middle = {}
            for i in row:
                found = [place[other] for other, layer in near.get(i, ()) if layer == beside]
                middle[i] = sum(found) / len(found) if found else float(place[i])
            row.sort(key=middle.__getitem__)
            place.update({i: n for n, i in enumerate(row)})


def _heights(
    rows: Sequence[Sequence[int]], near: Mapping[int, Sequence[tuple[int, int]]], sizes: Sequence[float]
) -> list[float]:
    """Of the middle of each."""
    heights = [0.0] * len(sizes)
    for row in rows:
        height = -sum(sizes[i] for i in row) / 2
        for i in row:
            heights[i] = height + sizes[i] / 2
            height += sizes[i]
    for sweep in range(SWEEPS):
        for index in range(len(rows)) if sweep % 2 else reversed(range(len(rows))):
            wanted = []
            for i in rows[index]:
                found = [heights[other] for other, layer in near.get(i, ()) if layer != index]
                wanted.append(sum(found) / len(found) if found else heights[i])
            for i, height in zip(rows[index], _settled(wanted, [sizes[i] for i in rows[index]]), strict=True):
                heights[i] = height
    return heights


def _settled(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, in their order and without overlap (pool adjacent violators: least
    squares)."""
    offsets: list[float] = []
    height = 0.0
    for size in sizes:
        offsets.append(height + size / 2)
        height += size
    pools: list[tuple[float, int]] = []  # (sum of wanted less offset, how many)
    for want, offset in zip(wanted, offsets, strict=True):
        total, number = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / number:
            before = pools.pop()
            total, number = total + before[0], number + before[1]
        pools.append((total, number))
    bases = [total / number for total, number in pools for _ in range(number)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]
