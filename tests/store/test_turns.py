"""Whose turn it is: lines by origin, in order, bounded, and nobody starved."""

import threading
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.store.errors import QueueFull
from app.store.turns import FEW, SHARE, Turns
from app.store.writer import BATCH, Transaction, Writer


def test_one_origin_alone_gets_all_there_is() -> None:
    turns: Turns[int] = Turns(10_000)
    turns.put("a", range(700))
    assert turns.take(500) == list(range(500))
    assert turns.take(500) == list(range(500, 700))
    assert turns.take(500) == []
    assert len(turns) == 0


def test_who_has_little_waits_for_nobody_who_has_much() -> None:
    turns: Turns[str] = Turns(10_000)
    turns.put("flood", ["f"] * 1_000)
    for i in range(20):
        turns.put(i, [f"{i}"] * 2)
    first = turns.take(100)
    assert Counter(first) == {"f": 60} | {f"{i}": 2 for i in range(20)}
    assert turns.take(100) == ["f"] * 100


def test_long_lines_come_to_their_end_one_after_another() -> None:
    turns: Turns[str] = Turns(10_000)
    for origin in "abc":
        turns.put(origin, [origin] * 700)
    taken = [Counter(turns.take(500)) for _ in range(5)]
    # A turn is 500; what is left of a line has its second one when all have had a first.
    assert taken == [{"a": 500}, {"b": 500}, {"c": 500}, {"a": 200, "b": 200, "c": 100}, {"c": 100}]


def test_a_turn_goes_on_in_the_next_batch() -> None:
    turns: Turns[str] = Turns(10_000)
    turns.put("a", ["a"] * 600)
    turns.put("b", ["b"] * 600)
    assert Counter(turns.take(300)) == {"a": 300}
    turns.put("new", ["n"])
    assert Counter(turns.take(300)) == {"n": 1, "a": 200, "b": 99}


def test_many_who_have_little_leave_a_quarter_to_the_others() -> None:
    turns: Turns[str] = Turns(10_000)
    turns.put("flood", ["f"] * 1_000)
    for i in range(500):
        turns.put(i, ["s"] * 2)
    assert Counter(turns.take(100)) == {"s": 75, "f": 25}
    assert Counter(turns.take(2_000)) == {"s": 925, "f": 975}
    assert len(turns) == 0


def test_a_line_that_has_grown_is_long() -> None:
    turns: Turns[str] = Turns(10_000)
    for _ in range(100):
        turns.put("a", ["a"])
    turns.put("b", ["b"] * 3)
    assert turns.take(10) == ["b"] * 3 + ["a"] * 7


def test_the_room_is_bounded_for_all_and_for_each() -> None:
    turns: Turns[int] = Turns(8_000)
    turns.put("a", range(2_000))
    with pytest.raises(QueueFull):
        turns.put("a", [0])
    for origin in "bcd":
        turns.put(origin, range(2_000))
    # The backlog of four has filled the room: what another sells now is taken all the same.
    with pytest.raises(QueueFull):
        turns.put("e", range(FEW + 1))
    turns.put("e", range(FEW))
    with pytest.raises(QueueFull):
        turns.put("e", [0])
    assert len(turns) == 8_000 + FEW
    for few in range(2_000 // FEW - 1):
        turns.put(few, range(FEW))
    assert len(turns) == 8_000 + 2_000
    with pytest.raises(QueueFull):
        turns.put("z", [0])
    turns.take(5_000)
    turns.put("e", range(100))


def test_a_list_fits_the_smallest_queue() -> None:
    turns: Turns[int] = Turns(1_000)
    turns.put("a", range(SHARE))
    assert turns.take(SHARE) == list(range(SHARE))
    # Nobody in particular may fill the room.
    turns = Turns(10_000)
    turns.put(None, range(10_000))


def test_what_is_taken_is_measured_by_weight() -> None:
    turns: Turns[tuple[str, int]] = Turns(10_000, lambda item: item[1])
    turns.put("bulk", [("b", 67)] * 30)
    for i in range(20):
        turns.put(i, [("s", 1)] * 4)
    assert len(turns) == 30 * 67 + 80
    # The last goes beyond: else one that is heavier than what is left would wait for ever.
    assert Counter(turns.take(500)) == {("s", 1): 80, ("b", 67): 7}
    assert Counter(turns.take(500)) == {("b", 67): 8}
    turns.put("heavy", [("h", 900)] * 2)
    taken = [Counter(turns.take(500)) for _ in range(5)]
    # A turn is 500 by weight, too.
    assert taken == [{("b", 67): 1, ("h", 900): 1}, {("b", 67): 8}, {("h", 900): 1}, {("b", 67): 6}, {}]
    assert len(turns) == 0


def test_a_heavy_line_is_long_and_let_in_where_there_is_room() -> None:
    turns: Turns[tuple[str, int]] = Turns(8_000, lambda item: item[1])
    turns.put("heavy", [("h", 67)])
    turns.put("light", [("l", 1)] * FEW)
    assert turns.take(20) == [("l", 1)] * 15 + [("h", 67)]
    turns.take(500)
    # A list of any weight fits a queue that has room for an ordinary one; then others wait.
    turns.put("bulk", [("b", 67)] * 400)
    with pytest.raises(QueueFull):
        turns.put("other", [("o", 1)] * SHARE)
    with pytest.raises(QueueFull):
        turns.put("bulk", [("b", 1)])
    assert len(turns) == 400 * 67
    for few in range(2_000 // FEW):
        turns.put(few, [("s", 1)] * FEW)
    with pytest.raises(QueueFull):
        turns.put("one more", [("s", 1)])
    while len(turns):
        turns.take(500)
    turns.put("bulk", [("b", 1)] * 2_000)


@given(st.lists(st.one_of(st.tuples(st.integers(0, 5), st.integers(0, 40)), st.integers(1, 60))))
def test_nothing_is_lost_doubled_or_overtaken(steps: list[tuple[int, int] | int]) -> None:
    turns: Turns[tuple[int, int]] = Turns(1_000_000)
    put: dict[int, list[int]] = defaultdict(list)
    taken: dict[int, list[int]] = defaultdict(list)

    def take(most: int) -> None:
        waiting = {origin for origin in put if len(put[origin]) > len(taken[origin])}
        batch = turns.take(most)
        assert len(batch) == min(most, sum(len(put[origin]) - len(taken[origin]) for origin in waiting))
        counted = Counter(origin for origin, _ in batch)
        for origin, number in batch:
            taken[origin].append(number)
        few = {origin for origin in waiting if len(put[origin]) - len(taken[origin]) + counted[origin] <= FEW}
        if most >= 4 * FEW * len(waiting):
            assert few <= {origin for origin, _ in batch}

    for step in steps:
        if isinstance(step, int):
            take(step)
        else:
            origin, number = step
            first = len(put[origin])
            turns.put(origin, [(origin, first + i) for i in range(number)])
            put[origin] += range(first, first + number)
    while len(turns):
        take(7)
    assert {origin: numbers for origin, numbers in taken.items() if numbers} == {
        origin: numbers for origin, numbers in put.items() if numbers
    }


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_writer_serves_origins_in_turn(engine: Engine) -> None:
    writer = Writer(engine)
    batches: list[list[str]] = []
    gate, done = threading.Event(), threading.Semaphore(0)

    def note(_: Transaction, commands: Sequence[str]) -> Sequence[None]:
        batches.append(list(commands))
        gate.wait(10)
        return [None] * len(commands)

    def offer(origin: str, *commands: str) -> None:
        for command in commands:
            writer.offer(note, command, lambda _: done.release(), origin)

    offer("first", "first")
    while not batches:
        pass
    offer("flood", *(f"flood {i}" for i in range(3 * BATCH)))
    offer("quiet", "quiet 0", "quiet 1")
    gate.set()
    for _ in range(3 + 3 * BATCH):
        assert done.acquire(timeout=10)
    writer.close()
    assert [len(batch) for batch in batches] == [1, BATCH, BATCH, BATCH, 2]
    assert {"quiet 0", "quiet 1"} <= set(batches[1])
    flood = [command for batch in batches for command in batch if command.startswith("flood")]
    assert flood == [f"flood {i}" for i in range(3 * BATCH)]
