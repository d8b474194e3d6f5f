"""What lies at a site to be sold: the reads behind a scale's stock pull, one statement a table, in raw rows (`raw`).

Keys are the 16 bytes of an id, instants microseconds since 1970 UTC, dates their ISO text.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, select

from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.types import micros

BATCH = (
    "id", "code", "lot_id", "product_id", "site_id", "arrived_at", "expires_on", "withdrawal_until", "admission"
)  # fmt: skip
LEFT = "amount_in - sold - shipped - processed - returned - destroyed - unexplained"
PRODUCT = ("id", "name", "category", "gtin", "measure", "grams_per_piece")
LOT = ("id", "lot_number", "expires_on")
PRICE = ("site_id", "product_id", "plu", "price_fen", "unit")


def _below() -> Select[tuple[UUID, str, str, str, str]]:
    """A site and all below it, by path."""
    site, top = tables.site, tables.site.alias("top")
    beyond = func.substr(top.c.path, 1, func.length(top.c.path) - 1).concat("0")  # "0" follows "/" in ASCII
    return (
        select(site.c.id, site.c.path, site.c.name, site.c.time_zone, site.c.status)
        .join(top, and_(site.c.path >= top.c.path, site.c.path < beyond))
        .where(top.c.id == bindparam("site_id"))
        .order_by(site.c.path)
    )


_PLACES = _below()


@dataclass(frozen=True, slots=True)
class Place:
    """A site, and the ids of all above it, the topmost first and itself last."""

    id: UUID
    path: tuple[UUID, ...]
    name: str
    time_zone: str
    status: str


def places(snapshot: Snapshot, site_id: UUID) -> list[Place]:
    """The site and all below it; the site itself first."""
    return [
        Place(
            row.id,
            tuple(UUID(hex=part) for part in row.path.strip("/").split("/")),
            row.name,
            row.time_zone,
            row.status,
        )
        for row in snapshot.execute(_PLACES, {"site_id": site_id})
    ]


def there(snapshot: Snapshot, sites: Collection[UUID], since: datetime, limit: int) -> list[tuple[bytes, int]]:
    """The batches that something is left of, of those that came to the sites since, the newest `limit`; and how much,
    in grams or pieces. `since` at full days keeps the statement prepared."""
    instant = micros(since)
    if snapshot.dialect.name == "postgresql":
        came = f"arrived_at >= to_timestamp({instant // 1_000_000})"
    else:
        came = f"arrived_at >= {instant}"
    # What only others say has come here is nothing that a scale may sell.
    where = (
        f"{came} AND kind = 'custody' AND reported_by IS NULL AND {LEFT} > 0 ORDER BY arrived_at DESC, id LIMIT {limit}"
    )
    keys = [site.bytes for site in sites]
    found = raw.select(snapshot, tables.custody, ("arrived_at", "id"), "site_id", keys, where, LEFT)
    found.sort(key=lambda row: (-row[0], row[1]))
    return [(row[1], row[2]) for row in found[:limit]]


def batches(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As BATCH."""
    return raw.select(snapshot, tables.custody, BATCH, "id", keys)


def remaining(snapshot: Snapshot, keys: Collection[bytes]) -> dict[bytes, int]:
    """What is left of the batches, in grams or pieces."""
    return dict(raw.select(snapshot, tables.custody, ("id",), "id", keys, also=LEFT))


def products(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As PRODUCT."""
    return raw.select(snapshot, tables.product, PRODUCT, "id", keys)


def lots(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As LOT."""
    return raw.select(snapshot, tables.lot, LOT, "id", keys)


def prices(snapshot: Snapshot, sites: Collection[UUID]) -> list[Row]:
    """The lists of the sites, as PRICE."""
    return raw.select(snapshot, tables.price, PRICE, "site_id", [site.bytes for site in sites])


def highest_receipt(snapshot: Snapshot, lowest: int, beyond: int) -> int | None:
    """The highest receipt id in [lowest, beyond) that has come in."""
    key = tables.receipt.c.id
    found: int | None = snapshot.scalar(select(func.max(key)).where(key >= lowest, key < beyond))
    return found
