"""What a process knows of who may do what, and believes while the change feed says that nothing of it has changed."""

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from app.store.engine import Database, Snapshot, reading

CAPACITY = 20_000
STALE = 1.0  # seconds: nothing older is believed where the feed cannot be read


class Depending(Protocol):
    """Something kept, with the names of the change feed that it depends on."""

    @property
    def depends_on(self) -> frozenset[str]: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Depending)


class Believed(Generic[K, V]):
    """Values by key, at most CAPACITY of them.

    Thread-safe. A load that was under way when the feed named something it depends on is used once and not kept: its
    snapshot may be older than the change.
    """

    def __init__(
        self, engine: Database, feed_age: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._feed_age = feed_age
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[K, V] = {}
        self._index: dict[str, set[K]] = {}
        self._loading: list[set[str]] = []
        self._lost = 0

    @abstractmethod
    def find(self, snapshot: Snapshot, key: K) -> V | None:
        """What the database has of the key."""

    def cached(self, key: K) -> V | None:
        return self._entries.get(key) if self._feed_age() < STALE else None

    def load(self, key: K) -> V | None:
        """Reads the value from the database; None for an unknown key. Blocks: call it in a thread."""
        missed: set[str] = set()
        with self._lock:
            self._loading.append(missed)
            lost = self._lost
        found: V | None = None
        try:
            with reading(self._engine) as snapshot:
                found = self.find(snapshot, key)
        finally:
            with self._lock:
                # In one piece: what the feed names in between would be neither missed nor dropped.
                self._loading = [other for other in self._loading if other is not missed]
                if found is not None and lost == self._lost and not missed & found.depends_on:
                    self._drop(key)
                    while len(self._entries) >= CAPACITY:
                        self._drop(next(iter(self._entries)))
                    self._entries[key] = found
                    for name in found.depends_on:
                        self._index.setdefault(name, set()).add(key)
        return found

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        names = set(touched)
        with self._lock:
            for missed in self._loading:
                missed |= names
            for key in {key for name in names for key in self._index.get(name, ())}:
                self._drop(key)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        with self._lock:
            self._lost += 1
            self._entries.clear()
            self._index.clear()

    def _drop(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        for name in entry.depends_on if entry is not None else ():
            keys = self._index[name]
            keys.discard(key)
            if not keys:
                del self._index[name]

    def due(self, times: dict[K, float], key: K, period: float) -> bool:
        """True at most once a period for a key; of at most CAPACITY keys."""
        now = self._clock()
        if now - times.get(key, -period) < period:
            return False
        while len(times) >= CAPACITY:
            times.pop(next(iter(times)), None)
        times[key] = now
        return True
