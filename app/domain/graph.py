"""The custody graph: its generations, the order it is shown in, its balances, its gaps, and the walk along it.

Edges lead from what is nearer to the start to what is further away: to parents going back, to children going forward.
Native links make no circle; captured events of others can, so nothing here trusts that there is none.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

KeyT = TypeVar("KeyT", bound=Any)  # hashable, and with an order
Link = tuple[Any, ...]  # (parent, child, …) as the store gave it


def generations(depth: Mapping[KeyT, int], edges: Sequence[tuple[KeyT, KeyT]]) -> dict[KeyT, int]:
    """The longest way to each node, so that nothing stands before what it comes from.

    `depth` is the shortest way (steps from the start) and names every node; edges to others are left aside. Nodes that
    edges join in a circle share one generation.
    """
    inner = [(near, far) for near, far in edges if near in depth and far in depth and near != far]
    if all(depth[far] == depth[near] + 1 for near, far in inner):
        return dict(depth)
    outward: dict[KeyT, list[KeyT]] = {key: [] for key in depth}
    for near, far in inner:
        outward[near].append(far)
    longest: dict[KeyT, int] = {}
    reached: dict[KeyT, int] = defaultdict(int)
    for circle in reversed(_circles(outward)):
        generation = max(max(reached[key] for key in circle), min(depth[key] for key in circle))
        members = set(circle)
        for key in circle:
            longest[key] = generation
            for far in outward[key]:
                if far not in members:
                    reached[far] = max(reached[far], generation + 1)
    return longest


def _circles(outward: Mapping[KeyT, Sequence[KeyT]]) -> list[list[KeyT]]:
    """Strongly connected components, each after all that it leads to (Tarjan 1972, without recursion)."""
    found: list[list[KeyT]] = []
    number: dict[KeyT, int] = {}
    low: dict[KeyT, int] = {}
    stack: list[KeyT] = []
    on_stack: set[KeyT] = set()
    for root in outward:
        if root in number:
            continue
        path = [(root, iter(outward[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while path:
            key, ahead = path[-1]
            for far in ahead:
                if far not in number:
                    number[far] = low[far] = len(number)
                    stack.append(far)
                    on_stack.add(far)
                    path.append((far, iter(outward[far])))
                    break
                if far in on_stack:
                    low[key] = min(low[key], number[far])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[key])
                if low[key] == number[key]:
                    circle = stack[stack.index(key) :] if stack[-1] != key else [key]
                    del stack[-len(circle) :]
                    on_stack.difference_update(circle)
                    found.append(circle)
    return found


def ordered(generation: Mapping[KeyT, int], time: Mapping[KeyT, int]) -> list[KeyT]:
    """By generation, then by event time, then by key: clocks contradict the chain (feed "shipped" after it was eaten)
    and never come first."""
    return sorted(generation, key=lambda key: (generation[key], time[key], key))


def downstream(held: Iterable[KeyT], links: Iterable[Link]) -> set[KeyT]:
    """What was held and everything that came from it."""
    reached = set(held)
    if not reached:
        return reached
    children: dict[KeyT, list[KeyT]] = defaultdict(list)
    for link in links:
        children[link[0]].append(link[1])
    ahead = list(reached)
    while ahead:
        for child in children.get(ahead.pop(), ()):
            if child not in reached:
                reached.add(child)
                ahead.append(child)
    return reached


class Balance(NamedTuple):
    """Where a custody's goods went, in grams or pieces.

    received = sold + shipped + processed + destroyed + returned + on hand + unexplained. A negative `on_hand` is a
    finding (more went out than came in), not an error.
    """

    received: int
    sold: int
    shipped: int
    processed: int
    destroyed: int
    returned: int
    unexplained: int

    @property
    def left(self) -> int:
        """What is no longer there, whatever became of it."""
        return self.sold + self.shipped + self.processed + self.destroyed + self.returned + self.unexplained

    @property
    def on_hand(self) -> int:
        return self.received - self.left

    @property
    def ended(self) -> int:
        """What came no further in the chain: sold to its last buyer, destroyed, lost, or still there. Its sum over a
        chain counts no gram twice."""
        return self.received - self.shipped - self.processed - self.returned


GapState = Literal["open", "claimed", "closed"]


def gap_state(claimants: Iterable[Any | None]) -> GapState:
    """A gap by the links that identify its source: `claimants` holds for each the side that alone says so, None where
    both sides do."""
    state: GapState = "open"
    for claimant in claimants:
        if claimant is None:
            return "closed"
        state = "claimed"
    return state


# --- the walk ---


@dataclass(frozen=True, slots=True)
class Bounds:
    """depth: generations beyond the start; nodes: in one answer."""

    depth: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Position(Generic[KeyT]):
    """Where a walk was cut: in this generation after this key. Without a key, before all of the generation and before
    the links that led to it. `until` is the last generation that the bound on depth allows."""

    generation: int
    after: KeyT | None
    until: int


@dataclass(slots=True)
class Walk(Generic[KeyT]):
    """depth: of each node of this answer, the fewest steps from the start; links as the store gave them; next: where to
    go on, None where all was walked."""

    depth: dict[KeyT, int] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    next: Position[KeyT] | None = None


def walk(
    starts: Iterable[KeyT],
    expand: Callable[[list[KeyT]], list[Link]],
    far: int,
    bounds: Bounds,
    position: Position[KeyT] | None = None,
    out_of_time: Callable[[], bool] = lambda: False,
    chunk: int = 4096,
) -> Walk[KeyT]:
    """Level by level from the starts; each node once, each link once, whatever circles there are.

    `expand` gives the links at the near ends of a list of at most `chunk` keys; `link[far]` is a link's other end. A
    generation is taken in the order of its keys (the starts in their own). A walk that is cut goes on from its
    `next`: it is walked again from the start without being returned, so a cursor stays small, nothing is returned
    twice, and answers put together are the whole. A link is returned with whichever is later, the walk past its near
    end or its far end. Time is looked at between two lists of keys and only once an answer has a node, so every
    answer gets on.
    """
    begin: Position[KeyT] = position or Position(0, None, bounds.depth)
    result: Walk[KeyT] = Walk()
    seen: set[KeyT] = set()
    fresh = list(dict.fromkeys(starts))
    links: list[Link] = []
    generation = 0
    while fresh:
        if generation >= begin.generation:
            resumed = generation == begin.generation and begin.after is not None
            skipped = _place(fresh, begin.after, generation) if resumed else 0
            page = fresh[skipped : skipped + bounds.nodes - len(result.depth)]
            if generation > begin.until:
                result.next = Position(generation, None, generation - 1 + max(bounds.depth, 1))
                return result
            if not page and skipped < len(fresh):
                result.next = Position(generation, None, begin.until)
                return result
            if resumed:
                taken = set(page)
                result.links += [link for link in links if link[far] in taken]
            elif len(page) == len(fresh):
                result.links += links
            else:
                taken = seen.union(page)
                result.links += [link for link in links if link[far] in taken]
            result.depth.update(dict.fromkeys(page, generation))
            if skipped + len(page) < len(fresh):
                result.next = Position(generation, page[-1], begin.until)
                return result
        seen.update(fresh)
        generation += 1
        links = []
        for start in range(0, len(fresh), chunk):
            if start and result.depth and out_of_time():
                break
            links += expand(fresh[start : start + chunk])
        if result.depth and out_of_time():
            result.next = Position(generation, None, begin.until)
            return result
        fresh = sorted({link[far] for link in links} - seen)
    if generation >= begin.generation:
        result.links += links
    return result


def pages(
    starts: Iterable[KeyT],
    expand: Callable[[list[KeyT]], list[Link]],
    far: int,
    bounds: Bounds,
    position: Position[KeyT] | None = None,
    chunk: int = 4096,
) -> Iterator[Walk[KeyT]]:
    """The answers that `walk` gives one after another, without walking anything again: of everything walked only the
    keys are kept, and the links of one generation. Each page's `next` goes on after it, also where there turns out to
    be no more; where `bounds.depth` ends the walk, a page of nothing says how to go deeper."""
    begin: Position[KeyT] = position or Position(0, None, bounds.depth)
    seen: set[KeyT] = set()
    fresh = list(dict.fromkeys(starts))
    links: list[Link] = []
    generation = 0
    while fresh and generation <= begin.until:
        resumed = generation == begin.generation and begin.after is not None
        skipped = _place(fresh, begin.after, generation) if resumed else 0
        for first in range(skipped, len(fresh), bounds.nodes) if generation >= begin.generation else ():
            page = fresh[first : first + bounds.nodes]
            taken = set(page) if first or resumed else seen.union(page)
            joined = [link for link in links if link[far] in taken]
            yield Walk(dict.fromkeys(page, generation), joined, Position(generation, page[-1], begin.until))
        seen.update(fresh)
        generation += 1
        links = []
        for start in range(0, len(fresh), chunk):
            links += expand(fresh[start : start + chunk])
        fresh = sorted({link[far] for link in links} - seen)
    if fresh:
        yield Walk({}, [], Position(generation, None, generation - 1 + max(bounds.depth, 1)))
    elif generation >= begin.generation and links:
        yield Walk({}, links)


def _place(keys: Sequence[KeyT], after: KeyT | None, generation: int) -> int:
    """How many of a generation an earlier answer has returned."""
    if generation:
        return 0 if after is None else bisect_right(keys, after)
    return keys.index(after) + 1 if after in keys else 0
