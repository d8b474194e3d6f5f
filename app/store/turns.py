"""Who waits to be written: a line for each origin, served in turn, so that one that floods makes only itself wait."""

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from app.store.errors import QueueFull

T = TypeVar("T")

FEW = 16  # commands that an origin may have waiting even where the bulk of others has filled the room
SHARE = 1_000  # commands of one origin that always fit: a list of a request


class Turns(Generic[T]):
    """Items by origin, at most `limit` of them, a quarter of that from one origin, and a quarter more for origins that
    have only FEW waiting: what is sold now is taken while the backlog of others is told to come again.

    An origin's items leave in the order in which they came. Origin None is nobody in particular and may fill the room.
    Not thread-safe.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = max(SHARE, limit // 4)
        self._lines: dict[Hashable, deque[T]] = {}
        self._turns: deque[Hashable] = deque()
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
            self._turns.append(origin)
        line.extend(items)
        self._waiting += len(items)

    def take(self, most: int) -> list[T]:
        """At most so many, from as many origins as there are, each an equal part as far as it has one."""
        taken: list[T] = []
        part = max(1, most // max(1, len(self._turns)))
        while self._turns and len(taken) < most:
            origin = self._turns.popleft()
            line = self._lines[origin]
            taken += [line.popleft() for _ in range(min(part, len(line), most - len(taken)))]
            if line:
                self._turns.append(origin)
            else:
                del self._lines[origin]
        self._waiting -= len(taken)
        return taken
