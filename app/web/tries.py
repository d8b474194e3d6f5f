"""How often somebody may guess: tries that failed are counted by a salted hash of the client's address, in memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv6Address, ip_address
from math import ceil

from fastapi import Request

from app.domain.errors import TooMany
from app.store.errors import StoreUnavailable

ALLOWED = 20  # refused tries of one client in a PERIOD, of activation codes
PERIOD = 60.0  # seconds
CAPACITY = 10_000  # clients; beyond them the one that began first is forgotten


class Tries:
    """Counts a try as it begins, so that many at once are not all let through, and takes it back where it was right: a
    hall full of scales that are activated from behind one address is nobody's guessing. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, allowed: int = ALLOWED) -> None:
        self._clock = clock
        self._allowed = allowed
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}  # client → when its period began, tries in it

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Raises TooMany where the client has used up what it has."""
        with self._lock:
            self._begin(client)
        try:
            yield
        except StoreUnavailable:
            self._take_back(client)
            raise
        else:
            self._take_back(client)

    def _begin(self, client: str) -> None:
        now = self._clock()
        # Whose period is over is forgotten: they stand in the order in which theirs began.
        while self._counts and now - (first := next(iter(self._counts.items())))[1][0] >= PERIOD:
            del self._counts[first[0]]
        began, count = self._counts.get(client, (now, 0))
        if count >= self._allowed:
            raise TooMany(
                "too-many-tries",
                "试错过多，请稍后重试 · Too many wrong tries: wait as Retry-After says",
                retry_after=ceil(began + PERIOD - now),
            )
        while client not in self._counts and len(self._counts) >= CAPACITY:
            del self._counts[next(iter(self._counts))]
        self._counts[client] = began, count + 1

    def _take_back(self, client: str) -> None:
        with self._lock:
            if client in self._counts:
                began, count = self._counts[client]
                self._counts[client] = began, max(count - 1, 0)


def client_of(request: Request) -> str:
    """Stands for the client's address; of IPv6 for its network, of which a client has as many addresses as it likes.

    No address can be read from it: Python's hash of a text is SipHash under a key that each process draws."""
    host = request.client.host if request.client is not None else ""
    with suppress(ValueError):
        address = ip_address(host)
        if isinstance(address, IPv6Address):
            host = str(int(address) >> 64)
    return str(hash(host))
