"""How often one address may scan. Of addresses no more than a salted hash is kept, for a minute."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from math import ceil

PERIOD = 60.0  # seconds
CAPACITY = 100_000  # addresses; who has more of them than that is not to be limited by address


class Limits:
    """Scans by address, in the periods of one process. For the event loop alone."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._counts: dict[int, int] = {}
        self._until = 0.0

    def wait(self, host: str, now: float) -> int:
        """Counts a scan, and returns 0; beyond what is allowed, the seconds until the next. `now` never goes back."""
        if now >= self._until:
            self._counts.clear()
            _network.cache_clear()
            self._until = now + PERIOD
        # Python's hash of a text is SipHash under a key that each process draws: no address can be read from it.
        key = hash(host) if ":" not in host else _network(host)
        counts = self._counts
        n = counts[key] = counts.get(key, 0) + 1
        if n > self._allowed:
            return ceil(self._until - now)
        if n == 1 and len(counts) > CAPACITY:
            counts.clear()
        return 0


@lru_cache(1_000)
def _network(host: str) -> int:
    """A client has as many IPv6 addresses as it likes, but one network of 64 bits."""
    try:
        return hash(int(IPv6Address(host.partition("%")[0])) >> 64)
    except AddressValueError:
        return hash(host)
