"""What sites, parties and products were called when goods arrived: last month's chain shows last month's operator."""

from collections.abc import Iterable
from uuid import UUID

from app.domain.rows import Device, Party, Product, Site
from app.store import master
from app.store.engine import Snapshot
from app.store.types import micros
from app.tracing.answer import Place

_Named = Party | Site | Product
HOME = "Asia/Shanghai"


class Names:
    """All of them at once, by the 16 bytes of their ids."""

    def __init__(self, snapshot: Snapshot, subjects: Iterable[bytes | None]) -> None:
        wanted = {UUID(bytes=key) for key in subjects if key is not None}
        self._history: dict[bytes, list[tuple[int, _Named]]] = {}
        for key, versions in master.versions(snapshot, wanted).items():
            self._history[key.bytes] = [
                (micros(row.valid_from), row) for row in versions if not isinstance(row, Device)
            ]
        # What a captured document named and nobody enrolled has no history.
        missing = [key for key in wanted if key.bytes not in self._history]
        for read in (master.parties, master.sites, master.products):
            self._history |= {key.bytes: [(0, row)] for key, row in read(snapshot, missing).items()}
        self._places: dict[int, Place] = {}
        self._markets = master.markets(snapshot, [row for key in self._history if (row := self.site(key)) is not None])

    def site(self, key: bytes | None) -> Site | None:
        """As it is now."""
        row = self._history[key][-1][1] if key in self._history else None
        return row if isinstance(row, Site) else None

    def product(self, key: bytes) -> Product | None:
        row = self._history[key][-1][1] if key in self._history else None
        return row if isinstance(row, Product) else None

    def market(self, site: Site | None) -> Site | None:
        """The topmost site above it."""
        return None if site is None else self._markets[site.id]

    def place(self, key: bytes | None, instant: int) -> Place | None:
        """As it was at an instant (microseconds since 1970)."""
        known = self._history.get(key) if key is not None else None
        if known is None:
            return None
        row = known[0][1] if len(known) == 1 else _valid(known, instant)
        place = self._places.get(id(row))
        if place is None:
            place = self._places[id(row)] = _place(row)
        return place


def _valid(versions: list[tuple[int, _Named]], instant: int) -> _Named:
    """The last written of the versions valid by then; before the first, the first."""
    return next((row for since, row in reversed(versions) if since <= instant), versions[0][1])


def _place(row: _Named) -> Place:
    if isinstance(row, Product):
        return Place(row.gtin, row.name, row.category, None)
    return Place(row.code, row.name, row.kind, row.region)
