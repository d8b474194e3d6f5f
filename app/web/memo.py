"""Answers kept while the change feed says that nothing they were made from has changed."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

STALE = 1.0  # seconds: nothing older is believed where the feed cannot be read
_EVER = datetime.min.replace(tzinfo=UTC)
_NAME_BYTES = 220  # a name of the feed, in the answer's own set and in the index

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Made(Generic[V]):
    """A value with the names, as the feed has them, of all it was made from; its size; until when it is right even if
    nothing changes, and since when: a clock that was set back is believed at once."""

    value: V
    depends_on: Set[str]
    size: int
    valid_until: datetime
    since: datetime = _EVER

    def right(self, now: datetime) -> bool:
        """Whether it is right at that time, if nothing has changed."""
        return self.since <= now < self.valid_until


@dataclass(slots=True)
class Usage:
    """How a memo has served since the process began. `evictions`: what was dropped for want of room, not because it had
    changed; `size`: bytes that are kept now."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    size: int = 0


class Memo(Generic[K, V]):
    """Values by key, at most `capacity` bytes of them, the longest unasked for dropped first. Thread-safe.

    A value that was being made when the feed named something it depends on is used once and not kept: its snapshot may
    be older than the change.
    """

    def __init__(self, feed_age: Callable[[], float], capacity: int) -> None:
        self._feed_age = feed_age
        self._capacity = capacity
        self._lock = threading.Lock()
        self._kept: dict[K, Made[V]] = {}
        self._index: dict[str, set[K]] = {}
        self.usage = Usage()
        self._making: list[set[str]] = []
        self._lost = 0

    def get(self, key: K, now: datetime) -> V | None:
        """The value where it is kept and still right."""
        believed = self._feed_age() < STALE
        with self._lock:
            made = self._kept.pop(key, None) if believed else None
            if made is None:
                self.usage.misses += 1
                return None
            self._kept[key] = made  # last in line to be dropped
            if not made.right(now):
                self.usage.misses += 1
                return None
            self.usage.hits += 1
        return made.value

    def make(self, key: K, make: Callable[[], Made[V]]) -> V:
        """Makes the value and keeps it. Blocks as long as `make` does: call it in a thread."""
        return self.make_all(lambda: {key: make()})[key]

    def make_all(self, make: Callable[[], Mapping[K, Made[V]]]) -> dict[K, V]:
        """As `make`, of values that are made together."""
        with self.making() as kept:
            kept.update(make())
        return {key: each.value for key, each in kept.items()}

    @contextmanager
    def making(self) -> Iterator[dict[K, Made[V]]]:
        """What the block puts into the dictionary is kept at its end, unless the feed has named something of it since
        the block began."""
        missed: set[str] = set()
        with self._lock:
            self._making.append(missed)
            lost = self._lost
        made: dict[K, Made[V]] = {}
        try:
            yield made
        finally:
            with self._lock:
                self._making = [other for other in self._making if other is not missed]
                for key, each in made.items():
                    if lost == self._lost and not missed & each.depends_on:
                        self._keep(key, each)

    def kept(self) -> list[tuple[K, Made[V]]]:
        """What is kept now, and what each was made from."""
        with self._lock:
            return list(self._kept.items())

    def forget(self, touched: Iterable[str]) -> bool:
        """What the feed calls for every change. False where nothing that is kept or being made can be concerned."""
        names = set(touched)
        with self._lock:
            for missed in self._making:
                missed |= names
            concerned = bool(self._making)
            for name in names:
                for key in list(self._index.get(name, ())):
                    self._outdate(key, name)
                    concerned = True
            return concerned

    def _outdate(self, key: K, name: str) -> None:
        self._drop(key)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        with self._lock:
            self._lost += 1
            self._clear()

    def _clear(self) -> None:
        self._kept.clear()
        self._index.clear()
        self.usage.size = 0

    def _keep(self, key: K, made: Made[V]) -> None:
        # Most of what is made anew depends on what it did before.
        before = self._kept[key].depends_on if key in self._kept else frozenset[str]()
        self._drop(key, made.depends_on)
        self._kept[key] = made
        self.usage.size += _size(made)
        for name in made.depends_on - before:
            self._index.setdefault(name, set()).add(key)
        while self.usage.size > self._capacity:
            self._drop(next(iter(self._kept)))
            self.usage.evictions += 1

    def _drop(self, key: K, still: Set[str] = frozenset()) -> None:
        """`still`: names that the index keeps it under."""
        made = self._kept.pop(key, None)
        if made is None:
            return
        self.usage.size -= _size(made)
        for name in made.depends_on - still:
            keys = self._index[name]
            keys.discard(key)
            if not keys:
                del self._index[name]


class Mending(Memo[K, V]):
    """A Memo whose values, once they are outdated, are there to be mended: what has not changed is not read again."""

    def __init__(self, feed_age: Callable[[], float], capacity: int) -> None:
        super().__init__(feed_age, capacity)
        self._outdated: dict[K, set[str]] = {}

    def get(self, key: K, now: datetime) -> V | None:
        with self._lock:
            if key in self._outdated:
                self.usage.misses += 1
                return None
        return super().get(key, now)

    def outdated(self, key: K, now: datetime) -> tuple[V, Set[str]] | None:
        """The value that was kept last, and all that has changed of what it depends on; None where more than that may
        have. Call it from within what `make` runs: what changes after that is missed there."""
        if self._feed_age() >= STALE:
            return None
        with self._lock:
            made = self._kept.get(key)
            if made is None or not made.right(now):
                return None
            return made.value, frozenset(self._outdated.get(key, ()))

    def kept(self) -> list[tuple[K, Made[V]]]:
        with self._lock:
            return [(key, made) for key, made in self._kept.items() if key not in self._outdated]

    def _clear(self) -> None:
        super()._clear()
        self._outdated.clear()

    def _outdate(self, key: K, name: str) -> None:
        self._outdated.setdefault(key, set()).add(name)

    def _drop(self, key: K, still: Set[str] = frozenset()) -> None:
        super()._drop(key, still)
        self._outdated.pop(key, None)


def _size(made: Made[V]) -> int:
    return made.size + _NAME_BYTES * len(made.depends_on)
