"""What a scale may sell now: the open batches of its site and of all below it, each with what the scale has to know.

Handing goods over to be sold is a decision of the service: what is on hold, refused, expired or within a withdrawal
period is left out, and the answer says so and why.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.errors import Forbidden
from app.domain.prices import PriceTable, in_force
from app.domain.quantities import Measure
from app.domain.rows import within
from app.domain.selling import HOLDS_ONWARD, Against, Obstacle, hold_reason, obstacles
from app.enrolling.prices import prices_name
from app.store import holds
from app.store import stock as store
from app.store.engine import Snapshot
from app.store.stock import Place
from app.store.types import from_micros

LIMIT = 2_000  # batches; a stall has twenty, a market that has more pulls stall by stall
# Rice may lie half a year; what is older was not counted.
OPEN = timedelta(days=180)


@dataclass(slots=True)
class Batch:
    """A batch that may be sold. `since`: when it came, in the site's time; `plu` and `price_fen` for one `price_unit`
    are from the price lists."""

    custody_id: UUID
    code: str | None
    site_id: UUID
    product_id: UUID
    product: str
    category: str
    gtin: str | None
    lot_number: str
    plu: int | None
    price_fen: int | None
    price_unit: str | None
    since: datetime
    expires_on: date | None


@dataclass(slots=True)
class LeftOut:
    """A batch that is there and must not be sold; the gravest reason first."""

    custody_id: UUID
    code: str | None
    site_id: UUID
    product_id: UUID
    product: str
    lot_number: str
    reasons: Sequence[Obstacle]


class Entry(NamedTuple):
    """What a scale is told of a batch; how its quantity is shown; and what it was made from, as the feed names it."""

    told: Batch | LeftOut
    measure: Measure
    grams_per_piece: int | None
    names: tuple[str, ...]


# The price lists of some sites, by the 16 bytes of their ids; a site without one may be left out.
Lists = Callable[[Snapshot, Collection[UUID]], Mapping[bytes, PriceTable[bytes]]]


def price_lists(snapshot: Snapshot, sites: Collection[UUID]) -> dict[bytes, PriceTable[bytes]]:
    """As they are now."""
    rows: dict[bytes, list[tuple[Any, ...]]] = defaultdict(list)
    for row in store.prices(snapshot, sites):
        rows[row[0]].append(row)
    return {key: PriceTable[bytes](listed) for key, listed in rows.items()}


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies at a site, sale by sale the same: it changes when a batch comes, sells out or is judged.

    `entries`: by key, the newest first. `truncated`: there are more than LIMIT batches, and the oldest are left out.
    `depends_on` names, as the change feed does, all that a change of would change this; of it, `common` concerns every
    batch. `valid_until` is the next midnight of a site: dates pass without a change."""

    site_id: UUID
    places: Sequence[Place]
    entries: Mapping[bytes, Entry]
    truncated: bool
    depends_on: Set[str]
    common: Set[str]
    valid_until: datetime


def list_stock(
    snapshot: Snapshot,
    site_id: UUID,
    now: datetime,
    former: tuple[Stock, Set[str]] | None = None,
    lists: Lists = price_lists,
) -> tuple[Stock, Mapping[bytes, int]]:
    """What may be sold at the site and below it, and how much is left of each batch now, in grams or pieces.

    `former`: what it was and, of what that depends on, all that has changed since: batches that this does not concern
    are taken over as they were. Raises Forbidden where the site is closed."""
    listed = store.places(snapshot, site_id)
    here = listed[0]
    if here.status != "active":
        raise Forbidden("site-closed", f"{here.name} 已停用 · {here.name} is closed", identity=str(site_id))
    since = (now - OPEN).replace(hour=0, minute=0, second=0, microsecond=0)
    found = store.there(snapshot, [place.id for place in listed], since, LIMIT + 1)
    left = dict(found[:LIMIT])
    if former is None or former[0].places != listed or former[1] & former[0].common:
        known: dict[bytes, Entry] = {}
        common = {HOLDS_ONWARD} | {prices_name(above_id) for place in listed for above_id in place.path}
    else:
        before, touched = former
        known = {key: entry for key in left if (entry := before.entries.get(key)) and touched.isdisjoint(entry.names)}
        common = set(before.common)
    fresh = left.keys() - known.keys()
    if fresh:
        made, above = _entries(snapshot, listed, store.batches(snapshot, fresh), now, lists)
        known |= made
        common |= above
    entries = {key: known[key] for key in left}
    names = {name for place in listed for name in (place.id.hex, within(place.id))}
    depends_on = common.union(names, *(entry.names for entry in entries.values()))
    midnight = min(_midnight(now.astimezone(zone)) for zone in {ZoneInfo(place.time_zone) for place in listed})
    return Stock(site_id, listed, entries, len(found) > LIMIT, depends_on, common, midnight), left


def _entries(
    snapshot: Snapshot, listed: Sequence[Place], rows: Sequence[tuple[Any, ...]], now: datetime, lists: Lists
) -> tuple[dict[bytes, Entry], set[str]]:
    """What a scale is told of the batches, and the names of what stands above them, where a hold could reach them."""
    places = {place.id.bytes: place for place in listed}
    zones = {key: ZoneInfo(place.time_zone) for key, place in places.items()}
    days = {zone: now.astimezone(zone).date() for zone in zones.values()}
    products = {row[0]: row for row in store.products(snapshot, _keys(rows, 3))}
    lots = {row[0]: row for row in store.lots(snapshot, _keys(rows, 2))}
    held, above = _holds(snapshot, rows)
    prices = _Prices(lists(snapshot, {above for place in listed for above in place.path}), listed)
    made: dict[bytes, Entry] = {}
    for key, code, lot_id, product_id, at, arrived, expires, withdrawal, admission in rows:
        _, name, category, gtin, measure, grams_per_piece = products[product_id]
        _, lot_number, lot_expires = lots[lot_id]
        expires_on = _day(expires or lot_expires)
        named = (UUID(bytes=key), code, places[at].id, UUID(bytes=product_id), name)
        against = obstacles(
            held.get(key, ()),
            refused=admission == "refused",
            expires_on=expires_on,
            withdrawal_until=_day(withdrawal),
            day=days[zones[at]],
        )
        told: Batch | LeftOut
        if against:
            told = LeftOut(*named, lot_number, against)
        else:
            came = from_micros(arrived).astimezone(zones[at])
            told = Batch(*named, category, gtin, lot_number, *prices.at(at, product_id), came, expires_on)
        names = (key.hex(), lot_id.hex(), within(UUID(bytes=lot_id)), product_id.hex())
        made[key] = Entry(told, measure, grams_per_piece, names)
    return made, {key.hex() for key in above}


def remaining(snapshot: Snapshot, stock: Stock) -> Mapping[bytes, int]:
    """How much is left of each batch now, in grams or pieces."""
    return store.remaining(snapshot, stock.entries)


def _keys(rows: Sequence[tuple[Any, ...]], column: int) -> list[bytes]:
    return list({row[column] for row in rows})


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _midnight(local: datetime) -> datetime:
    """The next one in the zone of the given time."""
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _holds(snapshot: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[dict[bytes, list[Against]], set[bytes]]:
    """What each batch is held for, and the ids of what the batches came from and of its lots, where any hold reaches
    what comes from the goods."""
    goods = {row[0]: (row[2], row[4]) for row in rows}
    found = holds.on(snapshot, goods, back=holds.any_onward(snapshot))
    against = {
        key: [Against(hold_reason(row[6], automatic=bool(row[7])), row[4] is not None) for row in held]
        for key, held in found.holds.items()
    }
    return against, found.behind


class _Prices:
    """What the price lists of the places and of all above them say."""

    def __init__(self, lists: Mapping[bytes, PriceTable[bytes]], places: Collection[Place]) -> None:
        self._known: dict[tuple[bytes, bytes], tuple[int | None, int | None, str | None]] = {}
        self._lists = {
            place.id.bytes: [lists[key.bytes] for key in reversed(place.path) if key.bytes in lists] for place in places
        }

    def at(self, site: bytes, product: bytes) -> tuple[int | None, int | None, str | None]:
        """PLU, price in fen, and unit."""
        known = self._known.get((site, product))
        if known is None:
            found = in_force(self._lists[site], (product,)).get(product)
            known = self._known[site, product] = (found[2], found[3], found[4]) if found else (None, None, None)
        return known
