"""What scales may sell, as JSON: kept until something of it changes, but for how much is left, which is read anew."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from app.recording import Stock, list_stock, remaining
from app.store.engine import Database, reading
from app.web.memo import Made, Memo, Usage

CAPACITY = 32_000_000  # bytes: some 2,000 stalls of twenty batches
_ITEM_BYTES = 400  # beside its JSON

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The stock of a site: of each item its JSON up to the quantity, and what stands behind the items."""

    stock: Stock
    items: Sequence[bytes]
    tail: bytes


class Shelves:
    """The stock of the sites that ask this process for it."""

    def __init__(self, engine: Database, feed_age: Callable[[], float]) -> None:
        self._engine = engine
        self._memo: Memo[UUID, _Shelf] = Memo(feed_age, CAPACITY)

    def stock(self, site_id: UUID, now: datetime) -> bytes:
        """The answer to a device at the site. Blocks: call it in a thread. Raises Forbidden where the site is closed,
        StoreUnavailable."""
        shelf = self._memo.get(site_id, now)
        if shelf is None:
            shelf = self._memo.make(site_id, lambda: self._fill(site_id, now))
        with reading(self._engine) as snapshot:
            left = remaining(snapshot, shelf.stock)
        items = [head + _encode(amount) + b"}" for head, amount in zip(shelf.items, left, strict=True) if amount]
        return b'{"site_id":"%b","items":[%b],%b' % (str(site_id).encode(), b",".join(items), shelf.tail)

    @property
    def usage(self) -> Usage:
        """How what is kept has served."""
        return self._memo.usage

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        self._memo.forget(touched)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._memo.forget_all()

    def _fill(self, site_id: UUID, now: datetime) -> Made[_Shelf]:
        with reading(self._engine) as snapshot:
            found = list_stock(snapshot, site_id, now)
        items = [_encode(item)[:-1] + b',"quantity":' for item in found.items]
        tail = b'"left_out":%b,"truncated":%b}' % (_encode(found.left_out), _encode(found.truncated))
        size = len(tail) + sum(map(len, items)) + _ITEM_BYTES * len(items)
        return Made(_Shelf(found, items, tail), found.depends_on, size, found.valid_until, now)
