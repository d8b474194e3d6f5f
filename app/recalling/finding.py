"""Whom a scope concerns: what it reaches, put together by site, party and product, and how long that took."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.recalls import RecallPlace, place_id
from app.domain.rows import within
from app.recalling.reaching import Subjects, Walked, generations
from app.store import chain
from app.store import recalls_reach as store
from app.store.engine import Snapshot
from app.store.raw import Row

_SUMS = ("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained")
LOTS = 500  # that are named to the public one by one
Place = tuple[bytes | None, bytes | None, bytes]  # site, party, product
UNKNOWN = ""  # the region of goods that are nowhere


@dataclass(slots=True)
class Found:
    """`keys`: of everything reached; `places`: as rows of recall_place; `regions`: custodies in each region (six
    digits, "" where none is known); `beyond`: of these, those to be handed over; `ms`: how long each phase took."""

    subjects: Subjects
    keys: set[bytes] = field(default_factory=set)
    places: list[RecallPlace] = field(default_factory=list)
    custodies: int = 0
    receipts: int = 0
    generations: int = 0
    regions: Counter[str] = field(default_factory=Counter)
    beyond: Counter[str] = field(default_factory=Counter)
    lots: set[bytes] = field(default_factory=set)
    truncated: bool = False
    ms: dict[str, float] = field(default_factory=dict)

    def names(self) -> set[str]:
        """What the change feed calls whatever would let the scope reach further."""
        named = {key.hex() for key in self.keys} | {lot.hex() for lot in self.subjects.lots}
        return named | {within(site) for site in self.subjects.sites}

    def counts(self) -> dict[str, Any]:
        """As they are kept with the recall and shown."""
        products: dict[UUID, dict[str, Any]] = {}
        for place in self.places:
            sums = products.setdefault(
                place.product_id,
                {
                    "product_id": str(place.product_id),
                    "measure": place.measure,
                    **dict.fromkeys(_SUMS, 0),
                    "on_hand": 0,
                },
            )
            for name in (*_SUMS, "on_hand"):
                sums[name] += getattr(place, name)
        return {
            "custodies": self.custodies,
            "sites": len({place.site_id for place in self.places if place.site_id is not None}),
            "parties": len({place.party_id for place in self.places if place.party_id is not None}),
            "receipts": self.receipts,
            "generations": self.generations,
            "products": [products[key] for key in sorted(products)],
            "regions": [
                {"region": region or None, "custodies": number, "beyond": self.beyond[region]}
                for region, number in sorted(self.regions.items())
            ],
            "lots": [str(UUID(bytes=key)) for key in sorted(self.lots)[:LOTS]],
            "more_lots": max(0, len(self.lots) - LOTS),
            "truncated": self.truncated,
            "ms": self.ms,
        }


def find(
    snapshot: Snapshot,
    recall_id: UUID,
    region: str | None,
    choose: Callable[[Snapshot], Subjects],
    now: datetime,
    clock: Callable[[], float] = time.perf_counter,
) -> Found:
    """`choose` says what is held; `region`: of the office that recalls, None for the operator, to whom nothing is
    beyond. `ms` holds select, walk and sum."""
    began = clock()
    found = Found(choose(snapshot))
    selected = clock()
    summing = 0.0
    walked = Walked(found.keys)
    sums: dict[Place, list[Any]] = {}
    sold: dict[bytes | None, list[tuple[bytes, Place]]] = {}
    regions = Regions(snapshot, region)
    for generation, keys in generations(snapshot, found.subjects, walked):
        started = clock()
        found.generations = generation + 1
        rows = [row for row in store.hands(snapshot, keys) if row[1] == "custody"]
        beyond = regions.beyond(rows)
        for row in rows:
            _add(found, sums, row, regions.of(row[5]), row[0] in beyond)
            if row[16]:
                sold.setdefault(row[5], []).append((row[0], (row[5], row[6], row[4])))
        summing += clock() - started
    started = clock()
    _once(snapshot, found, sums, sold)
    summing += clock() - started
    found.truncated = walked.truncated
    found.places = [_place(recall_id, key, each, now) for key, each in sums.items()]
    whole = clock() - began
    found.ms = {
        "select": round((selected - began) * 1000, 1),
        "walk": round((whole - (selected - began) - summing) * 1000, 1),
        "sum": round(summing * 1000, 1),
        "total": round(whole * 1000, 1),
    }
    return found


def _add(found: Found, sums: dict[Place, list[Any]], row: Row, region: str, beyond: bool) -> None:
    found.custodies += 1
    found.receipts += row[16]
    found.lots.add(row[3])
    found.regions[region] += 1
    if beyond:
        found.beyond[region] += 1
    each = sums.setdefault((row[5], row[6], row[4]), [region, True, row[7], 0, 0, *(0,) * len(_SUMS)])
    each[1] = each[1] and beyond
    each[3] += 1
    each[4] += row[16]
    for at, amount in enumerate(row[9:16], 5):
        each[at] += amount


def _once(
    snapshot: Snapshot,
    found: Found,
    sums: dict[Place, list[Any]],
    sold: dict[bytes | None, list[tuple[bytes, Place]]],
) -> None:
    """A receipt with several of the goods counts once, of its place and in all. It is of one site: where one batch
    alone was sold, its own count is right."""
    for goods in sold.values():
        if len(goods) == 1:
            continue
        places = dict(goods)
        by_place: dict[Place, set[int]] = {place: set() for place in places.values()}
        for number, key in store.sold_on(snapshot, places):
            by_place[places[key]].add(number)
        for place, numbers in by_place.items():
            found.receipts += len(numbers) - sums[place][4]
            sums[place][4] = len(numbers)
        found.receipts -= sum(map(len, by_place.values())) - len(set().union(*by_place.values()))


def _place(recall_id: UUID, key: Place, sums: list[Any], now: datetime) -> RecallPlace:
    site, party = (UUID(bytes=each) if each is not None else None for each in key[:2])
    product = UUID(bytes=key[2])
    region, beyond, measure, custodies, receipts = sums[:5]
    return RecallPlace(
        place_id(recall_id, site, party, product), recall_id, site, party, product, region or None, beyond, False,
        measure, custodies, receipts, **dict(zip(_SUMS, sums[5:], strict=True)), record_time=now, changed_at=now,
    )  # fmt: skip


class Regions:
    """Where goods are, and which of them lie further than one step outside a region."""

    def __init__(self, snapshot: Snapshot, region: str | None) -> None:
        self._snapshot = snapshot
        self._region = region
        self._known: dict[bytes, str] = {}

    def of(self, site: bytes | None) -> str:
        return self._known.get(site, UNKNOWN) if site is not None else UNKNOWN

    def beyond(self, rows: Collection[Row]) -> set[bytes]:
        """Those of the goods (rows of HANDS) that are neither in the region nor one step from goods that are."""
        self._learn(row[5] for row in rows)
        if self._region is None:
            return set()
        outside = {row[0] for row in rows if not self._inside(row[5])}
        return outside - self.beside(outside)

    def beside(self, keys: Collection[bytes]) -> set[bytes]:
        """Those that came from goods in the region, or that such came from."""
        if not keys:
            return set()
        links = chain.neighbours(self._snapshot, list(keys))
        ends = {end for link in links for end in link[:2]} - set(keys)
        sites = {row[0]: row[3] for row in chain.hands(self._snapshot, ends)}
        self._learn(sites.values())
        inside = {key for key, site in sites.items() if self._inside(site)}
        return {end for link in links for end in link[:2] if inside.intersection(link[:2])} & set(keys)

    def within_reach(self, goods: Collection[tuple[bytes, bytes, bytes | None]]) -> set[bytes]:
        """Of goods by key, lot and site: the lots of which some lies in the region or one step from it; all without a
        region."""
        if self._region is None:
            return {lot for _, lot, _ in goods}
        self._learn(site for _, _, site in goods)
        inside = {lot for _, lot, site in goods if self._inside(site)}
        near = self.beside({key for key, lot, _ in goods if lot not in inside})
        return inside | {lot for key, lot, _ in goods if key in near}

    def reach(self, goods: Iterable[tuple[bytes, bytes | None]]) -> bool:
        """Whether any of the goods, by key and site, lies in the region or one step from it."""
        listed = list(goods)
        self._learn(site for _, site in listed)
        return any(self._inside(site) for _, site in listed) or bool(self.beside({key for key, _ in listed}))

    def _inside(self, site: bytes | None) -> bool:
        return self._region is not None and self.of(site).startswith(self._region)

    def _learn(self, sites: Iterable[bytes | None]) -> None:
        fresh = {site for site in sites if site is not None} - self._known.keys()
        self._known |= {row[0]: row[4] or UNKNOWN for row in chain.sites(self._snapshot, fresh)}
