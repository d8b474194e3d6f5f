"""Reads of one tick of the event loop share a statement, as writes do."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

TOGETHER = 500  # reads in one statement

A = TypeVar("A")
R = TypeVar("R")


class Gathered(Generic[A, R]):
    """What is asked for in one tick, and while the statement before runs, is read by one call of `read` in one thread:
    it answers for each of the list in its order. For one event loop. Close it."""

    def __init__(self, read: Callable[[list[A]], Sequence[R]], name: str) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, name)
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._busy = False

    def ask(self, asked: A) -> "asyncio.Future[R]":
        """Raises what `read` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((asked, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin, loop)
        return future

    def close(self) -> None:
        self._thread.shutdown()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        reading = self._thread.submit(self._read, [asked for asked, _ in together])

        def done(finished: Future[Sequence[R]]) -> None:
            loop.call_soon_threadsafe(self._tell, loop, [future for _, future in together], finished)

        reading.add_done_callback(done)

    def _tell(
        self, loop: asyncio.AbstractEventLoop, waiting: Sequence["asyncio.Future[R]"], finished: Future[Sequence[R]]
    ) -> None:
        error = finished.exception()
        found = finished.result() if error is None else ()
        for n, future in enumerate(waiting):
            if future.done():  # who asked has gone
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(found[n])
        if self._waiting:
            self._begin(loop)
        else:
            self._busy = False
