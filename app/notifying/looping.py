"""A thread of a process with an event loop of its own, that others wake and end."""

import asyncio
import threading
from abc import ABC, abstractmethod


class Looping(ABC):
    """`_run` sets `_loop` while it serves, under `_lock`; it waits for `_ready` and ends when `_closing` is said."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=name, daemon=True)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = asyncio.Event()
        self._closing = False

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What it is at is given back, and done again by whoever comes next."""
        with self._lock:
            self._closing = True
        self.wake()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do. From any thread."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._ready.set)

    @abstractmethod
    async def _run(self) -> None: ...
