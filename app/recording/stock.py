"""What a scale may sell now: the open batches of its site and of all below it, each with what the scale has to know.

Handing goods over to be sold is a decision of the service: what is on hold, refused, expired or within a withdrawal
period is left out, and the answer says so and why.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.errors import Forbidden
from app.domain.prices import PriceTable, in_force
from app.domain.quantities import Measure, shown
from app.domain.selling import HOLDS_DOWNSTREAM, Obstacle, hold_reason, obstacles
from app.enrolling.prices import prices_name
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
    are from the price lists. How much is left is `remaining`'s to say."""

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


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies at a site, sale by sale the same: it changes when a batch comes, sells out or is judged.

    `measures`: of each item its key, measure and grams a piece. `truncated`: there are more than LIMIT batches, and the
    oldest are in neither list. `depends_on` names, as the change feed does, all that a change of would change this;
    `valid_until` is the next midnight of a site: dates pass without a change."""

    site_id: UUID
    items: Sequence[Batch]
    measures: Sequence[tuple[bytes, Measure, int | None]]
    left_out: Sequence[LeftOut]
    truncated: bool
    depends_on: Set[str]
    valid_until: datetime


def list_stock(snapshot: Snapshot, site_id: UUID, now: datetime) -> Stock:
    """What may be sold at the site and below it, the newest first. Raises Forbidden where the site is closed."""
    places = {place.id.bytes: place for place in store.places(snapshot, site_id)}
    here = places[site_id.bytes]
    if here.status != "active":
        raise Forbidden("site-closed", f"{here.name} 已停用 · {here.name} is closed", identity=str(site_id))
    zones = {key: ZoneInfo(place.time_zone) for key, place in places.items()}
    days = {zone: now.astimezone(zone) for zone in set(zones.values())}
    since = (now - OPEN).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = store.batches(snapshot, [place.id for place in places.values()], since, LIMIT + 1)
    truncated = len(rows) > LIMIT
    rows = rows[:LIMIT]
    products = {row[0]: row for row in store.products(snapshot, _keys(rows, 3))}
    lots = {row[0]: row for row in store.lots(snapshot, _keys(rows, 2))}
    held, above = _holds(snapshot, rows)
    prices = _Prices(snapshot, places.values())
    items: list[Batch] = []
    measures: list[tuple[bytes, Measure, int | None]] = []
    left_out: list[LeftOut] = []
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
            day=days[zones[at]].date(),
        )
        if against:
            left_out.append(LeftOut(*named, lot_number, against))
            continue
        came = from_micros(arrived).astimezone(zones[at])
        items.append(Batch(*named, category, gtin, lot_number, *prices.at(at, product_id), came, expires_on))
        measures.append((key, measure, grams_per_piece))
    depends_on = {place.id.hex for place in places.values()} | {HOLDS_DOWNSTREAM}
    depends_on |= {prices_name(above_id) for place in places.values() for above_id in place.path}
    depends_on |= {part.hex() for row in rows for part in (row[0], row[2], row[3])} | {key.hex() for key in above}
    midnight = min(_midnight(local) for local in days.values())
    return Stock(site_id, items, measures, left_out, truncated, depends_on, midnight)


def remaining(snapshot: Snapshot, stock: Stock) -> list[dict[str, Any] | None]:
    """How much is left of each item now, as answers show quantities; None of what has sold out."""
    left = store.remaining(snapshot, [key for key, _, _ in stock.measures])
    return [
        shown(left[key], measure, grams_per_piece) if left.get(key, 0) > 0 else None
        for key, measure, grams_per_piece in stock.measures
    ]


def _keys(rows: Sequence[tuple[Any, ...]], column: int) -> list[bytes]:
    return list({row[column] for row in rows})


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _midnight(local: datetime) -> datetime:
    """The next one in the zone of the given time."""
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _holds(snapshot: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[dict[bytes, list[str]], set[bytes]]:
    """Reasons of the holds on each batch: on it, on its lot, or downstream of what it came from; and, where any hold
    reaches downstream, everything that the batches came from."""
    reasons: dict[bytes, list[str]] = defaultdict(list)
    of_lot: dict[bytes, list[tuple[Any, ...]]] = defaultdict(list)
    for hold in store.holds(snapshot, _keys(rows, 2)):
        of_lot[hold[0]].append(hold)
    for row in rows:
        for _, scope, custody_id, reason, automatic in of_lot.get(row[2], ()):
            if scope == "lot" or custody_id == row[0]:
                reasons[row[0]].append(hold_reason(reason, automatic=automatic))
    downstream = store.holds_downstream(snapshot) if rows else []
    if not downstream:
        return reasons, set()
    links = store.links_up(snapshot, _keys(rows, 0))
    children: dict[bytes, list[bytes]] = defaultdict(list)
    for link in links:
        children[link[0]].append(link[1])
    here = {row[0] for row in rows}
    for _, _, origin, reason, automatic in downstream:
        for key in (_reached(origin, children) - {origin}) & here:
            reasons[key].append(hold_reason(reason, automatic=automatic))
    return reasons, children.keys() - here


def _reached(start: bytes, onward: Mapping[bytes, Sequence[bytes]]) -> set[bytes]:
    seen = {start}
    ahead = [start]
    while ahead:
        for key in onward.get(ahead.pop(), ()):
            if key not in seen:
                seen.add(key)
                ahead.append(key)
    return seen


class _Prices:
    """The price lists of the places and of all above them."""

    def __init__(self, snapshot: Snapshot, places: Collection[Place]) -> None:
        self._known: dict[tuple[bytes, bytes], tuple[int | None, int | None, str | None]] = {}
        rows: dict[bytes, list[tuple[Any, ...]]] = defaultdict(list)
        for row in store.prices(snapshot, {above for place in places for above in place.path}):
            rows[row[0]].append(row)
        lists = {key: PriceTable[bytes](listed) for key, listed in rows.items()}
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
