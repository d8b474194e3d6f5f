"""What sites, parties and products were called when goods arrived: last month's chain shows last month's operator."""

from collections.abc import Collection, Iterator
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.masters import CAPTURED
from app.domain.rows import Party, Product, Site
from app.store import chain, links, master
from app.store.engine import Snapshot
from app.store.types import micros
from app.tracing.answer import Place

HOME = ZoneInfo("Asia/Shanghai")


class Names:
    """All of them at once, by the 16 bytes of their ids."""

    def __init__(
        self, snapshot: Snapshot, sites: Collection[bytes], parties: Collection[bytes], products: Collection[bytes]
    ) -> None:
        # What has never changed.
        self._now: dict[bytes, Place] = {}
        self._zones: dict[bytes, str] = {}
        self._grams_per_piece: dict[bytes, int | None] = {}
        changed: dict[bytes, Place] = {}
        for key, code, name, kind, region, version, zone in chain.sites(snapshot, sites):
            (self._now if version == 1 else changed)[key] = Place(code, name, kind, region)
            self._zones[key] = zone
        for key, code, name, kind, region, version in chain.parties(snapshot, parties):
            (self._now if version == 1 else changed)[key] = Place(code, name, kind, region)
        for key, gtin, name, category, version, grams in chain.products(snapshot, products):
            (self._now if version == 1 else changed)[key] = Place(gtin, name, category, None)
            self._grams_per_piece[key] = grams
        for key, place in self._joined(
            snapshot, [key for key in parties if _by_document(self._now.get(key) or changed.get(key))]
        ):
            self._now[key] = place
            changed.pop(key, None)
        # (since, what it was then), the last written first
        self._history: dict[bytes, list[tuple[int, Place]]] = {
            key.bytes: [(micros(row.valid_from), _place(row)) for row in reversed(versions)]
            for key, versions in master.versions(snapshot, [UUID(bytes=key) for key in changed]).items()
        }
        # What a captured document named and nobody enrolled has no history.
        self._now |= {key: place for key, place in changed.items() if key not in self._history}

    @staticmethod
    def _joined(snapshot: Snapshot, parties: Collection[bytes]) -> Iterator[tuple[bytes, Place]]:
        """Parties that documents name by a GLN of party: as the party of ours with that number is called. A name and a
        link, no right."""
        rows = master.parties(snapshot, [UUID(bytes=key) for key in parties])
        uris = {
            row.id: code["value"] for row in rows.values() for code in row.external_codes if code["scheme"] == CAPTURED
        }
        known = links.enrolled_parties(snapshot, uris.values())
        for key, uri in uris.items():
            if uri in known:
                yield key.bytes, _place(known[uri])

    def place(self, key: bytes | None, instant: int) -> Place | None:
        """As it was at an instant (microseconds since 1970): the last written of the versions valid by then; before the
        first, the first."""
        found = self._now.get(key) if key is not None else None
        history = self._history.get(key) if found is None and key is not None else None
        if history is None:
            return found
        return next((place for since, place in history if since <= instant), history[-1][1])

    def zone(self, site: bytes | None) -> ZoneInfo:
        """The site's time zone, as it is now."""
        found = self._zones.get(site) if site is not None else None
        return ZoneInfo(found) if found else HOME

    def grams_per_piece(self, product: bytes) -> int | None:
        return self._grams_per_piece.get(product)


def _by_document(place: Place | None) -> bool:
    """Whether a party may be one that a document named: those are of no kind."""
    return place is not None and place.kind == "other"


def _place(row: master.Master) -> Place:
    if isinstance(row, Product):
        return Place(row.gtin, row.name, row.category, None)
    assert isinstance(row, Party | Site)
    return Place(row.code, row.name, row.kind, row.region)
