"""What several want at the same time is made once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """One task for all who wait for the same key. For one event loop."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, make: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What `make` returns or raises, made now or under way already; it goes on where one who waits is cancelled."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())

            def over(done: asyncio.Task[V]) -> None:
                del self._tasks[key]
                if not done.cancelled():
                    done.exception()  # where nobody waits for it any more

            task.add_done_callback(over)
        return await asyncio.shield(task)
