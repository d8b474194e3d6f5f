"""How often something may be asked for: counted by a key, in the memory of one process."""

import time
from collections.abc import Callable, Hashable
from math import ceil

from app.domain.errors import TooMany

CAPACITY = 10_000  # keys; beyond them the one that began first is forgotten
HOUR = 3_600.0
A_CLIENT = 20  # complaints an hour from one address: a market hall has one for all its shoppers
A_CODE = 60  # an hour about one code: of food that makes people ill there are many


class Quota:
    """At most `allowed` in `period` seconds a key, counted from the first."""

    def __init__(self, allowed: int, period: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._period = period
        self._clock = clock
        self._counts: dict[Hashable, tuple[float, int]] = {}  # key → when its period began, how many in it

    def take(self, key: Hashable) -> int:
        """Counts one, and returns 0; where the key has used up what it has, the seconds until it may again."""
        now = self._clock()
        began, count = self._counts.get(key, (now, 0))
        if now - began >= self._period:
            del self._counts[key]
            began, count = now, 0
        if count >= self._allowed:
            return ceil(began + self._period - now)
        while key not in self._counts and len(self._counts) >= CAPACITY:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = began, count + 1
        return 0


class Complaining:
    """Who may complain how often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._by_client = Quota(A_CLIENT, HOUR, clock)
        self._by_code = Quota(A_CODE, HOUR, clock)

    def one(self, client: str, code: str) -> None:
        """One more complaint. Raises TooMany."""
        wait = self._by_client.take(client) or self._by_code.take(code)
        if wait:
            raise TooMany(
                "too-many-complaints",
                "投诉过于频繁，请稍后再试；紧急情况请拨打 12315 · "
                "Too many complaints: try again later; in urgent cases call 12315 (in China)",
                retry_after=wait,
            )
