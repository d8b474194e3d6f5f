"""What a recall's walk reads of the chain of custody, in raw rows (see `raw`): one statement a generation and table.
Keys are the 16 bytes of an id."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from app.domain.graph import Link
from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.types import micros

GOODS = ("id", "lot_id", "site_id", "product_id")
HANDS = (
    "id", "kind", "code", "lot_id", "product_id", "site_id", "party_id", "measure", "arrived_at", "amount_in", "sold",
    "shipped", "processed", "returned", "destroyed", "unexplained", "receipts",
)  # fmt: skip
EDGE = ("parent_id", "child_id")
LINE = ("receipt_id", "line", "custody_id", "value", "unit")
SALE = ("id", "event_time", "utc_offset")
SELLING = 20  # custodies, which may have thousands of receipts each
_THERE = "kind = 'custody'"


def of_lots(snapshot: Snapshot, lots: Collection[bytes]) -> list[Row]:
    """The lots in all hands, as GOODS."""
    return raw.select(snapshot, tables.custody, GOODS, "lot_id", lots, _THERE)


def by_id(snapshot: Snapshot, custodies: Collection[bytes]) -> list[Row]:
    """As GOODS."""
    return raw.select(snapshot, tables.custody, GOODS, "id", custodies, _THERE)


def that_came(
    snapshot: Snapshot, column: str, keys: Collection[bytes], since: datetime | None, until: datetime | None
) -> list[Row]:
    """What came to sites (`site_id`) or parties (`party_id`) from `since` until before `until`, as GOODS."""
    where = _THERE
    for operator, instant in ((">=", since), ("<", until)):
        if instant is not None:
            where += f" AND arrived_at {operator} {_instant(snapshot, instant)}"
    return raw.select(snapshot, tables.custody, GOODS, column, keys, where)


def _instant(snapshot: Snapshot, instant: datetime) -> str:
    at = micros(instant)
    if snapshot.dialect.name != "postgresql":
        return str(at)
    return f"(to_timestamp({at // 1_000_000}) + interval '{at % 1_000_000} microseconds')"


def onward(snapshot: Snapshot, keys: Collection[bytes]) -> list[Link]:
    """What came from the custodies, as EDGE."""
    return raw.select(snapshot, tables.custody_link, EDGE, "parent_id", keys)


def behind(snapshot: Snapshot, keys: Collection[bytes]) -> list[Link]:
    """What the custodies came from, as EDGE."""
    return raw.select(snapshot, tables.custody_link, EDGE, "child_id", keys)


def sold_on(snapshot: Snapshot, custodies: Collection[bytes]) -> Iterator[tuple[int, bytes]]:
    """Receipts of scales on which the custodies stand: (receipt id, custody), some custodies at a time."""
    keys = list(custodies)
    for first in range(0, len(keys), SELLING):
        some = keys[first : first + SELLING]
        yield from set(raw.select(snapshot, tables.receipt_line, ("receipt_id", "custody_id"), "custody_id", some))


def lines_of(snapshot: Snapshot, receipts: Sequence[int]) -> list[Row]:
    return raw.select(snapshot, tables.receipt_line, LINE, "receipt_id", receipts)


def sales(snapshot: Snapshot, receipts: Sequence[int]) -> list[Row]:
    return raw.select(snapshot, tables.receipt, SALE, "id", receipts)


def hands(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As HANDS."""
    return raw.select(snapshot, tables.custody, HANDS, "id", keys)
