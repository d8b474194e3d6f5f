"""Reads of one tick of the event loop share a statement, as writes do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Gathered(Generic[A, R]):
    """What is asked for in one tick, and while the statement before runs, is read by one call of `read`: it answers for
    each of the list in its order, which is no longer than `most` says at the time. For one event loop."""

    def __init__(self, read: Callable[[list[A]], Awaitable[Sequence[R]]], most: Callable[[], int]) -> None:
        self._read = read
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, asked: A) -> "asyncio.Future[R]":
        """Raises what `read` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((asked, future))
        if self._task is None:
            self._task = loop.create_task(self._go_on())
        return future

    async def _go_on(self) -> None:
        try:
            while self._waiting:
                most = self._most()
                together, self._waiting = self._waiting[:most], self._waiting[most:]
                await self._tell(together)
                await asyncio.sleep(0)  # others of the loop have their turn, and who asks in it is read with the rest
        finally:
            self._task = None

    async def _tell(self, waiting: "Sequence[tuple[A, asyncio.Future[R]]]") -> None:
        try:
            found = await self._read([asked for asked, _ in waiting])
        except Exception as error:
            for _, future in waiting:
                if not future.done():  # else who asked has gone
                    future.set_exception(error)
            return
        for (_, future), each in zip(waiting, found, strict=True):
            if not future.done():
                future.set_result(each)
