"""What scales may sell, as JSON: kept until something of it changes, but for how much is left, which is read anew.

Of what has changed only that is read again: a batch that comes or sells out leaves its neighbours as they were.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from uuid import UUID

import msgspec

from app.domain.prices import PriceTable
from app.domain.quantities import Measure, shown
from app.enrolling.prices import prices_name
from app.recording import Batch, Stock, list_stock, price_lists, remaining
from app.store.engine import Database, reading
from app.web.memo import Made, Memo, Mending, Usage

CAPACITY = 32_000_000  # bytes: some 2,000 stalls of twenty batches
LISTS = 16_000_000
_ITEM_BYTES = 600  # beside its JSON

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The stock of a site; of each batch that may be sold its JSON up to the quantity; what stands behind the items."""

    stock: Stock
    heads: Mapping[bytes, bytes]
    tail: bytes


class Shelves:
    """The stock of the sites that ask this process for it."""

    def __init__(self, engine: Database, feed_age: Callable[[], float]) -> None:
        self._engine = engine
        self._memo: Mending[UUID, _Shelf] = Mending(feed_age, CAPACITY)
        self._lists: Memo[UUID, PriceTable[bytes]] = Memo(feed_age, LISTS)  # a market's is that of all of its stalls

    def stock(self, site_id: UUID, now: datetime) -> bytes:
        """The answer to a device at the site. Blocks: call it in a thread. Raises Forbidden where the site is closed,
        StoreUnavailable."""
        left: Mapping[bytes, int] = {}

        def fill() -> Made[_Shelf]:
            nonlocal left
            made, left = self._fill(site_id, now)
            return made

        shelf = self._memo.get(site_id, now)
        if shelf is None:
            shelf = self._memo.make(site_id, fill)
        else:
            with reading(self._engine) as snapshot:
                left = remaining(snapshot, shelf.stock)
        entries = shelf.stock.entries
        items = [
            head + _quantity(left[key], entries[key].measure, entries[key].grams_per_piece)
            for key, head in shelf.heads.items()
            if left.get(key, 0) > 0
        ]
        return b'{"site_id":"%b","items":[%b],%b' % (str(site_id).encode(), b",".join(items), shelf.tail)

    @property
    def usage(self) -> Usage:
        """How what is kept has served."""
        return self._memo.usage

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        self._lists.forget(touched)
        self._memo.forget(touched)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._lists.forget_all()
        self._memo.forget_all()

    def _fill(self, site_id: UUID, now: datetime) -> tuple[Made[_Shelf], Mapping[bytes, int]]:
        former = self._memo.outdated(site_id, now)
        before = former[0] if former else None
        with reading(self._engine) as snapshot:
            was = (former[0].stock, former[1]) if former else None
            found, left = list_stock(snapshot, site_id, now, was, lambda _, sites: self._price_lists(sites, now))
        heads, left_out = {}, []
        for key, entry in found.entries.items():
            if not isinstance(entry.told, Batch):
                left_out.append(entry.told)
            elif before is not None and before.stock.entries.get(key) is entry:
                heads[key] = before.heads[key]
            else:
                heads[key] = _encode(entry.told)[:-1] + b',"quantity":'
        tail = b'"left_out":%b,"truncated":%b}' % (_encode(left_out), _encode(found.truncated))
        size = len(tail) + sum(map(len, heads.values())) + _ITEM_BYTES * len(found.entries)
        return Made(_Shelf(found, heads, tail), found.depends_on, size, found.valid_until, now), left

    def _price_lists(self, sites: Iterable[UUID], now: datetime) -> dict[bytes, PriceTable[bytes]]:
        found = {}
        for key in sites:
            kept = self._lists.get(key, now)
            found[key.bytes] = kept if kept is not None else self._lists.make(key, partial(self._list, key))
        return found

    def _list(self, site_id: UUID) -> Made[PriceTable[bytes]]:
        # A snapshot of its own: a memo has to know of all that changes after it.
        with reading(self._engine) as snapshot:
            found = price_lists(snapshot, [site_id]).get(site_id.bytes) or PriceTable[bytes](())
        size = _ITEM_BYTES * (1 + len(found.by_product))
        return Made(found, {prices_name(site_id)}, size, datetime.max.replace(tzinfo=UTC))


@lru_cache(maxsize=20_000)
def _quantity(amount: int, measure: Measure, grams_per_piece: int | None) -> bytes:
    """As answers show it, and the end of its item."""
    return _encode(shown(amount, measure, grams_per_piece)) + b"}"
