"""Who waits to be written: a line for each origin, served so that one that floods makes only itself wait."""

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from app.store.errors import QueueFull

T = TypeVar("T")

FEW = 16  # commands that make no line long: served before all that do
SHARE = 1_000  # commands of one origin that always fit: a list of a request
TURN = 500  # commands that a long line gets before the next has its turn


class Turns(Generic[T]):
    """Items by origin, at most `limit` of them, a quarter of that from one origin, and a quarter more for origins that
    have only FEW waiting: what is sold now is taken while the backlog of others is told to come again.

    Short lines go first, but for a quarter of what is taken; long ones have their turns one after another, so that
    each comes to its end as soon as it can. An origin's items leave in the order in which they came. Origin None is
    nobody in particular and may fill the room. Not thread-safe.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = max(SHARE, limit // 4)
        self._lines: dict[Hashable, deque[T]] = {}
        # Each origin that has a line stands in one of the two; a short line that has grown is moved when it is met.
        self._short: deque[Hashable] = deque()
        self._long: deque[Hashable] = deque()
        self._left = TURN  # of the turn of the first long line
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, origin: Hashable, items: Sequence[T]) -> None:
        """All of the items or, with QueueFull, none."""
        line = self._lines.get(origin)
        mine = len(items) + (len(line) if line else 0)
        room = self._limit if mine > FEW else self._limit + self._limit // 4
        if self._waiting + len(items) > room:
            raise QueueFull(f"{self._waiting} writes are waiting")
        if mine > self._share and origin is not None:
            raise QueueFull(f"{mine - len(items)} writes of one origin are waiting")
        if line is None:
            line = self._lines[origin] = deque()
            (self._short if mine <= FEW else self._long).append(origin)
        line.extend(items)
        self._waiting += len(items)

    def take(self, most: int) -> list[T]:
        """At most so many."""
        taken: list[T] = []
        self._take_short(taken, most - most // 4 if self._long else most)
        self._take_long(taken, most)
        self._take_short(taken, most)
        self._waiting -= len(taken)
        return taken

    def _take_short(self, taken: list[T], most: int) -> None:
        while self._short and len(taken) < most:
            if len(self._lines[self._short[0]]) > FEW:
                self._long.append(self._short.popleft())
            else:
                self._move(self._short, taken, most - len(taken))

    def _take_long(self, taken: list[T], most: int) -> None:
        while self._long and len(taken) < most:
            origin, before = self._long[0], len(taken)
            self._move(self._long, taken, min(most - before, self._left))
            self._left -= len(taken) - before
            if origin not in self._lines:
                self._left = TURN
            elif self._left == 0:
                self._long.rotate(-1)
                self._left = TURN

    def _move(self, turns: deque[Hashable], taken: list[T], most: int) -> None:
        """From the line of the first, which goes where it is empty."""
        line = self._lines[turns[0]]
        taken += [line.popleft() for _ in range(min(most, len(line)))]
        if not line:
            del self._lines[turns.popleft()]
