"""Shapes of custody graphs for benchmarks: custodies, events and lots are numbers, the rest follows from them."""

from dataclasses import dataclass
from typing import Protocol


class Graph(Protocol):
    @property
    def custodies(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def lots(self) -> int: ...
    def arrival(self, n: int) -> int:
        """The event by which custody n came."""

    def departure(self, n: int) -> int | None:
        """The event by which its goods went on."""

    def lot(self, n: int) -> int: ...
    def parents(self, n: int) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True)
class Families:
    """Chains of 100 custodies in 12 generations: one start, then nine in each of eleven generations upstream, each made
    of one or two of the next. A family's rows lie far apart: its custodies come months apart, among everybody's."""

    families: int

    @property
    def custodies(self) -> int:
        return 100 * self.families

    @property
    def events(self) -> int:
        return 12 * self.families

    @property
    def lots(self) -> int:
        return 6 * self.families

    def start(self, family: int) -> int:
        return family

    def arrival(self, n: int) -> int:
        place, family = divmod(n, self.families)
        return self._generation(place) * self.families + family

    def departure(self, n: int) -> int | None:
        place, family = divmod(n, self.families)
        return (self._generation(place) - 1) * self.families + family if place else None

    def lot(self, n: int) -> int:
        place, family = divmod(n, self.families)
        return self._generation(place) // 2 * self.families + family

    def parents(self, n: int) -> tuple[int, ...]:
        place, family = divmod(n, self.families)
        generation = self._generation(place)
        if generation == 11:
            return ()
        first = 1 + 9 * generation
        if place == 0:
            places = range(first, first + 9)
            return tuple(p * self.families + family for p in places)
        here = (place - 1) % 9
        found = {first + here, first + (here + 1) % 9} if here % 3 == 0 else {first + here}
        return tuple(p * self.families + family for p in sorted(found))

    @staticmethod
    def _generation(place: int) -> int:
        return (place + 8) // 9


@dataclass(frozen=True, slots=True)
class Trees:
    """Lots that go from one to ten, five times: 111,111 custodies a tree at full height. One delivery serves ten."""

    trees: int
    height: int = 5

    @property
    def size(self) -> int:
        """Custodies of a tree: 1 + 10 + … + 10^height."""
        return int(10 ** (self.height + 1) - 1) // 9

    @property
    def custodies(self) -> int:
        return self.trees * self.size

    @property
    def events(self) -> int:
        return self.trees * (self.size // 10 + 1)

    @property
    def lots(self) -> int:
        return self.trees

    def root(self, tree: int) -> int:
        return tree * self.size

    def arrival(self, n: int) -> int:
        tree, i = divmod(n, self.size)
        return tree * (self.size // 10 + 1) + (0 if i == 0 else 1 + (i - 1) // 10)

    def departure(self, n: int) -> int | None:
        tree, i = divmod(n, self.size)
        return tree * (self.size // 10 + 1) + 1 + i if 10 * i + 1 < self.size else None

    def lot(self, n: int) -> int:
        return n // self.size

    def parents(self, n: int) -> tuple[int, ...]:
        tree, i = divmod(n, self.size)
        return () if i == 0 else (tree * self.size + (i - 1) // 10,)


@dataclass(frozen=True, slots=True)
class Buyers:
    """Lots that go from a farm to `halls` and on to `buyers`, who sell them."""

    lots: int
    halls: int = 30
    buyers: int = 1_300

    @property
    def size(self) -> int:
        return 1 + self.halls + self.buyers

    @property
    def custodies(self) -> int:
        return self.lots * self.size

    @property
    def events(self) -> int:
        return self.lots * (2 + self.halls)

    def root(self, lot: int) -> int:
        return lot * self.size

    def arrival(self, n: int) -> int:
        lot, i = divmod(n, self.size)
        return lot * (2 + self.halls) + (0 if i == 0 else 1 if i <= self.halls else 2 + (i - 1) % self.halls)

    def departure(self, n: int) -> int | None:
        lot, i = divmod(n, self.size)
        return lot * (2 + self.halls) + (1 if i == 0 else 1 + i) if i <= self.halls else None

    def lot(self, n: int) -> int:
        return n // self.size

    def parents(self, n: int) -> tuple[int, ...]:
        lot, i = divmod(n, self.size)
        if i == 0:
            return ()
        return (lot * self.size + (0 if i <= self.halls else 1 + (i - 1) % self.halls),)
