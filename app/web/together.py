"""What several want at the same time is made once."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

from app.store.errors import QueueFull

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


# Answers are made by the interpreter, which sales and hot scans need as well: more threads would not make more of
# them, and would keep everybody waiting.
MAKERS = 2
WAITING = 300  # answers under way: a few seconds' work for MAKERS

_turn = CapacityLimiter(MAKERS)


class Together(Generic[K, V]):
    """One thread's work for all who wait for the same key, few keys at a time. For one event loop."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, make: Callable[[], V]) -> V:
        """What `make` returns or raises, run in a thread now or under way already; it goes on where one who waits is
        cancelled. Raises QueueFull where too much is under way."""
        task = self._tasks.get(key)
        if task is None:
            if len(self._tasks) >= WAITING:
                raise QueueFull(f"{WAITING} answers are being made")
            task = self._tasks[key] = asyncio.create_task(to_thread.run_sync(make, limiter=_turn))

            def over(done: asyncio.Task[V]) -> None:
                del self._tasks[key]
                if not done.cancelled():
                    done.exception()  # where nobody waits for it any more

            task.add_done_callback(over)
        return await asyncio.shield(task)
