"""Who guesses passwords from one address waits longer with each wrong one; in the memory of one process."""

import threading
import time
from collections.abc import Callable
from math import ceil

from app.domain.errors import TooMany
from app.domain.persons import FORGOTTEN, wait_after

CAPACITY = 10_000
SPARED = 20  # wrong tries more than a name has: an office is behind one address


class Delays:
    """Wrong tries by client. Thread-safe; of at most CAPACITY clients, the longest known is forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float, float]] = {}  # how many, the last, not heard before

    def begin(self, client: str) -> None:
        """Counts a try as it begins. Raises TooMany."""
        now = self._clock()
        with self._lock:
            failures, last, until = self._failures.pop(client, (0, now, now))
            if now - last >= FORGOTTEN.total_seconds():
                failures = 0
            if now < until:
                self._failures[client] = failures, last, until
                raise TooMany(
                    "too-many-tries",
                    "试错过多，请稍后重试 · Too many wrong tries: wait as Retry-After says",
                    retry_after=ceil(until - now),
                )
            while len(self._failures) >= CAPACITY:
                del self._failures[next(iter(self._failures))]
            wait = wait_after(failures + 1 - SPARED).total_seconds()
            self._failures[client] = failures + 1, now, now + wait

    def right(self, client: str) -> None:
        """It was no wrong one."""
        with self._lock:
            failures, last, until = self._failures.pop(client, (0, 0.0, 0.0))
            if failures > 1:
                self._failures[client] = failures - 1, last, until
