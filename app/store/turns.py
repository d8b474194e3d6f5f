"""Who waits to be written: a line for each origin, served so that one that floods makes only itself wait."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from app.store.errors import QueueFull

T = TypeVar("T")

# By weight: an ordinary write weighs 1.
FEW = 16  # what makes no line long: served before all that do
SHARE = 1_000  # of one origin that always fits: a list of a request, which counts for no more as it comes
TURN = 500  # what a long line gets before the next has its turn


class _Line(deque[T]):
    """The items of an origin, and what they weigh."""

    __slots__ = ("weight",)

    def __init__(self) -> None:
        super().__init__()
        self.weight = 0


class Turns(Generic[T]):
    """Items by origin, at most `limit` of them by weight, a quarter of that from one origin, and a quarter more for
    origins that have only FEW waiting: what is sold now is taken while the backlog of others is told to come again.

    Short lines go first, but for a quarter of what is taken; long ones have their turns one after another, so that
    each comes to its end as soon as it can. An origin's items leave in the order in which they came. Origin None is
    nobody in particular and may fill the room. `weigh`: what an item costs, 1 or more. Not thread-safe.
    """

    def __init__(self, limit: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._share = max(SHARE, limit // 4)
        self._lines: dict[Hashable, _Line[T]] = {}
        # Each origin that has a line stands in one of the two; a short line that has grown is moved when it is met.
        self._short: deque[Hashable] = deque()
        self._long: deque[Hashable] = deque()
        self._left = TURN  # of the turn of the first long line
        self._waiting = 0
        self._few = 0  # of what waits, what stands in lines that are not long

    def __len__(self) -> int:
        """What waits, by weight."""
        return self._waiting

    def put(self, origin: Hashable, items: Sequence[T]) -> None:
        """All of the items or, with QueueFull, none."""
        line = self._lines.get(origin)
        weight = sum(map(self._weigh, items))
        mine = weight + (line.weight if line else 0)
        # However much a list weighs, there is a time when it is let in; what is sold now has room beside it.
        coming = min(weight, SHARE)
        if mine > FEW:
            full = self._waiting + coming > self._limit
        else:
            beyond = self._limit // 4
            full = self._waiting + weight > self._limit + beyond and self._few + weight > beyond
        if full:
            raise QueueFull(f"{self._waiting} writes are waiting")
        if mine - weight + coming > self._share and origin is not None:
            raise QueueFull(f"{mine - weight} writes of one origin are waiting")
        if line is None:
            line = self._lines[origin] = _Line()
            (self._short if mine <= FEW else self._long).append(origin)
        line.extend(items)
        self._weighs(line, mine)

    def take(self, most: int) -> list[T]:
        """So many by weight; the last item may go beyond."""
        taken: list[T] = []
        left = most - self._take_short(taken, most - most // 4 if self._long else most)
        left -= self._take_long(taken, left)
        self._take_short(taken, left)
        return taken

    def _take_short(self, taken: list[T], most: int) -> int:
        moved = 0
        while self._short and moved < most:
            if self._lines[self._short[0]].weight > FEW:
                self._long.append(self._short.popleft())
            else:
                moved += self._move(self._short, taken, most - moved)
        return moved

    def _take_long(self, taken: list[T], most: int) -> int:
        moved = 0
        while self._long and moved < most:
            origin = self._long[0]
            turn = self._move(self._long, taken, min(most - moved, self._left))
            moved += turn
            self._left -= turn
            if origin not in self._lines:
                self._left = TURN
            elif self._left <= 0:
                self._long.rotate(-1)
                self._left = TURN
        return moved

    def _move(self, turns: deque[Hashable], taken: list[T], most: int) -> int:
        """From the line of the first, which goes where it is empty, until so much has been taken or more: how much."""
        line = self._lines[turns[0]]
        moved = 0
        while line and moved < most:
            item = line.popleft()
            taken.append(item)
            moved += self._weigh(item)
        self._weighs(line, line.weight - moved)
        if not line:
            del self._lines[turns.popleft()]
        return moved

    def _weighs(self, line: _Line[T], weight: int) -> None:
        self._waiting += weight - line.weight
        self._few += (weight if weight <= FEW else 0) - (line.weight if line.weight <= FEW else 0)
        line.weight = weight
