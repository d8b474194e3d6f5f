"""What every search for findings needs: the part of the sites that it is of, and what goods are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.balance import Rules
from app.domain.findings import EVIDENCE, Proof, weight
from app.store import balance
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.windows import Spot
from app.tracing.scope import Scope


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    category: str
    measure: str
    each: int | None

    def weight(self, amount: int) -> tuple[int | None, int | None]:
        """(grams, pieces)."""
        return weight(amount, self.measure, self.each)


@dataclass(slots=True)
class Looking:
    """`spots` are the part's, `scope` all that is asked for."""

    snapshot: Snapshot
    scope: Scope
    rules: Rules
    spots: Sequence[Spot] = ()
    by_id: dict[UUID, Spot] = field(default_factory=dict)
    _products: dict[bytes, Product] = field(default_factory=dict)
    _zones: dict[str, ZoneInfo] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.by_id:
            self.by_id = {spot.id: spot for spot in self.scope.spots}

    def part(self, spots: Sequence[Spot]) -> "Looking":
        return replace(self, spots=spots)

    @property
    def sites(self) -> list[UUID]:
        return [spot.id for spot in self.spots]

    def products(self, keys: Iterable[bytes]) -> dict[bytes, Product]:
        """What the goods are, of those and of all that were asked for before."""
        fresh = {key for key in keys if key not in self._products}
        for key, category, measure, each, name in balance.products(self.snapshot, fresh):
            self._products[key] = Product(name, category, measure, each)
        return self._products

    def day(self, at: datetime, site: UUID | None) -> date:
        """The day of the site's own clock."""
        spot = self.by_id.get(site) if site is not None else None
        name = spot.time_zone if spot is not None else "Asia/Shanghai"
        if name not in self._zones:
            self._zones[name] = ZoneInfo(name)
        return at.astimezone(self._zones[name]).date()

    def custodies(self, keys: Iterable[bytes]) -> dict[bytes, Row]:
        """Rows as `store.balance.CUSTODY` by their ids, their products known."""
        rows = {row[0]: row for row in balance.custodies(self.snapshot, set(keys))}
        self.products(row[4] for row in rows.values())
        return rows


def proofs(listed: Sequence[Proof]) -> tuple[Proof, ...]:
    """The first of them; there may be a thousand."""
    return tuple(listed[:EVIDENCE])


def text(key: bytes) -> str:
    return str(UUID(bytes=key))
