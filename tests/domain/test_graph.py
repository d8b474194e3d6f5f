from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.graph import Balance, Bounds, Position, Walk, downstream, gap_state, generations, ordered, walk
from app.domain.rows import Custody

NODES = 12
Edge = tuple[int, int, int]  # parent, child, event

loops = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(0, 2)), max_size=40, unique=True
)
trees = loops.map(lambda edges: [edge for edge in edges if edge[0] < edge[1]])
graphs = st.one_of(trees, loops)


def by_parent(edges: list[Edge]) -> dict[int, list[Edge]]:
    found = defaultdict(list)
    for edge in edges:
        found[edge[0]].append(edge)
    return found


def pages(edges: list[Edge], starts: list[int], bounds: Bounds, *, slow: bool = False) -> list[Walk[int]]:
    """Every answer of a walk forward, one after another."""
    outward = by_parent(edges)
    found: list[Walk[int]] = []
    position: Position[int] | None = None
    while True:
        found.append(
            walk(
                starts,
                lambda keys: [link for key in keys for link in outward[key]],
                1,
                bounds,
                position,
                lambda: slow,
                chunk=2,
            )
        )
        position = found[-1].next
        if position is None:
            return found
        assert len(found) < 200, "a cursor that does not move on"


def shortest(edges: list[Edge], starts: list[int]) -> dict[int, int]:
    depth = dict.fromkeys(starts, 0)
    for _ in range(NODES):
        for parent, child, _event in edges:
            if parent in depth:
                depth[child] = min(depth.get(child, NODES), depth[parent] + 1)
    return depth


@given(graphs, st.lists(st.integers(0, NODES - 1), max_size=4))
def test_a_walk_returns_every_node_and_link_once_at_its_least_depth(edges: list[Edge], starts: list[int]) -> None:
    (whole,) = pages(edges, starts, Bounds(depth=NODES, nodes=NODES))
    expected = shortest(edges, starts)
    assert whole.depth == expected
    assert sorted(whole.links) == sorted(edge for edge in edges if edge[0] in expected)


@given(
    graphs,
    st.lists(st.integers(0, NODES - 1), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
)
def test_answers_put_together_are_the_whole(
    edges: list[Edge], starts: list[int], depth: int, nodes: int, slow: bool
) -> None:
    (whole,) = pages(edges, starts, Bounds(depth=NODES, nodes=NODES))
    parts = pages(edges, starts, Bounds(depth, nodes), slow=slow)
    assert all(len(part.depth) <= nodes for part in parts)
    assert [key for part in parts for key in part.depth] == list(whole.depth)
    assert {key: d for part in parts for key, d in part.depth.items()} == whole.depth
    links = [link for part in parts for link in part.links]
    assert len(links) == len(set(links)), "a link was returned twice"
    assert sorted(links) == sorted(whole.links)


@given(graphs, st.lists(st.integers(0, NODES - 1), min_size=1, max_size=4), st.integers(1, 5))
def test_a_link_comes_no_earlier_than_its_ends(edges: list[Edge], starts: list[int], nodes: int) -> None:
    returned: set[int] = set()
    for part in pages(edges, starts, Bounds(3, nodes)):
        returned.update(part.depth)
        assert all(parent in returned and child in returned for parent, child, _ in part.links)


def test_depth_bounds_an_answer_and_the_next_goes_as_deep_again() -> None:
    chain = [(i, i + 1, 0) for i in range(7)]
    parts = pages(chain, [0], Bounds(depth=3, nodes=100))
    assert [list(part.depth) for part in parts] == [[0, 1, 2, 3], [4, 5, 6], [7]]


def test_an_answer_that_ends_at_its_bound_is_whole() -> None:
    (only,) = pages([(0, 1, 0), (1, 2, 0)], [0], Bounds(depth=2, nodes=3))
    assert only.next is None
    assert len(only.links) == 2


def test_the_bound_on_depth_stands_while_a_generation_is_paged_through() -> None:
    star = [(0, i, 0) for i in range(1, 6)] + [(5, 6, 0)]
    parts = pages(star, [0], Bounds(depth=1, nodes=3))
    assert [list(part.depth) for part in parts] == [[0, 1, 2], [3, 4, 5], [6]]


def test_starts_keep_their_own_order() -> None:
    parts = pages([], [5, 3, 9, 3], Bounds(1, 2))
    assert [list(part.depth) for part in parts] == [[5, 3], [9]]


def test_a_cursor_beyond_the_end_finds_nothing() -> None:
    beyond = walk([1], lambda keys: [], 1, Bounds(1, 5), Position(7, None, 9))
    assert (beyond.depth, beyond.links, beyond.next) == ({}, [], None)


def test_a_cursor_of_a_start_that_is_gone_begins_again() -> None:
    again = walk([1, 2], lambda keys: [], 1, Bounds(1, 5), Position(0, 7, 1))
    assert list(again.depth) == [1, 2]


# --- generations ---


@given(trees)
def test_without_a_circle_every_child_stands_after_its_parents(edges: list[Edge]) -> None:
    depth = shortest(edges, list(range(NODES)))
    pairs = [(parent, child) for parent, child, _ in edges]
    found = generations(depth, pairs)
    assert found.keys() == depth.keys()
    assert all(found[child] > found[parent] for parent, child in pairs)
    for key, generation in found.items():
        assert generation == 0 or any(found[parent] == generation - 1 for parent, child in pairs if child == key)


@given(loops, st.integers(0, NODES - 1))
def test_circles_share_a_generation_and_the_rest_stays_in_order(edges: list[Edge], start: int) -> None:
    depth = shortest(edges, [start])
    pairs = [(parent, child) for parent, child, _ in edges]
    found = generations(depth, pairs)
    assert found.keys() == depth.keys()
    outward = by_parent(edges)
    reach = {key: shortest(edges, [edge[1] for edge in outward[key]]) for key in depth}
    for parent, child in pairs:
        if parent in depth and parent != child:
            if parent in reach[child]:
                assert found[parent] == found[child]
            else:
                assert found[parent] < found[child]


def test_one_lot_by_two_ways_stands_after_both() -> None:
    farm, wholesaler, stall = 1, 2, 3
    found = generations({stall: 0, farm: 1, wholesaler: 1}, [(stall, farm), (stall, wholesaler), (wholesaler, farm)])
    assert found == {stall: 0, wholesaler: 1, farm: 2}


def test_order_is_by_generation_before_time() -> None:
    # The feed mill's clock says that it shipped after the fish had eaten.
    assert ordered({"fish": 0, "feed": 1, "hatchery": 1}, {"fish": 10, "feed": 99, "hatchery": 5}) == [
        "fish",
        "hatchery",
        "feed",
    ]


@given(graphs, st.sets(st.integers(0, NODES - 1), max_size=3))
def test_what_is_held_downstream_is_all_that_comes_from_it(edges: list[Edge], held: set[int]) -> None:
    assert downstream(held, edges) == shortest(edges, list(held)).keys()


# --- balance and gaps ---


amounts = st.integers(0, 10**12)


@given(amounts, amounts, amounts, amounts, amounts, amounts, st.integers(-(10**12), 10**12))
def test_a_balance_always_closes(
    received: int, sold: int, shipped: int, processed: int, destroyed: int, returned: int, unexplained: int
) -> None:
    found = Balance(received, sold, shipped, processed, destroyed, returned, unexplained)
    assert received == sold + shipped + processed + destroyed + returned + found.on_hand + unexplained
    one, now = UUID(int=1), datetime(2026, 3, 1, tzinfo=UTC)
    row = Custody(one, "custody", None, one, one, one, one, "weight", one, now, amount_in=received, sold=sold)
    row.shipped, row.processed, row.destroyed, row.returned = shipped, processed, destroyed, returned
    row.unexplained = unexplained
    assert found.on_hand == row.on_hand, "the ledger and the graph say the same"
    assert found.left + found.on_hand == received
    assert found.ended == sold + destroyed + unexplained + found.on_hand


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.data())
def test_what_ended_along_a_chain_is_what_came_in_at_its_head(takes: list[int], data: st.DataObject) -> None:
    amount = sum(takes) + data.draw(st.integers(0, 1000))
    chain = []
    for here, beyond in pairwise([*takes, 0]):
        sold = data.draw(st.integers(0, here))
        shipped = max(amount - sold - data.draw(st.integers(0, 5)), 0) if beyond else 0
        chain.append(Balance(amount, sold, shipped, 0, 0, 0, 0))
        amount = shipped
    assert sum(link.ended for link in chain) == chain[0].received


def test_more_out_than_in_is_a_finding() -> None:
    assert Balance(100, 130, 0, 0, 0, 0, 0).on_hand == -30


@pytest.mark.parametrize(
    ("claimants", "state"),
    [([], "open"), (["receiver"], "claimed"), ([None], "closed"), (["receiver", None], "closed")],
)
def test_a_gap_is_claimed_until_both_sides_say_so(claimants: list[str | None], state: str) -> None:
    assert gap_state(claimants) == state
