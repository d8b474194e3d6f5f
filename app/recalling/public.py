"""What everybody is told of a recall (召回公告): which food, why, what to do with it, where it was sold. No party's
goods, no buyer, nobody who is responsible."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.domain.errors import NotFound
from app.domain.recalls import RECALLS, Recall
from app.domain.recalls_scope import Scope
from app.domain.rights import Principal, Role
from app.domain.rows import Site
from app.recalling.drafting import with_code
from app.recalling.reaching import of_lots_and_custodies
from app.store import codes as code_store
from app.store import holds, master
from app.store import recalls as store
from app.store.engine import Snapshot
from app.store.links import alike

Shown = dict[str, Any]
# Where shoppers and eaters meet the food: a farm or a warehouse is no place where it was sold.
SOLD_AT: Final = frozenset({"market", "wholesale", "stall", "shop", "machine", "canteen"})
# Whoever scans a receipt or a batch: all that a code leads to here is the recalls that reach its goods.
_WHOEVER = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)
_SAID = (
    "number", "state", "outcome", "grade", "title", "reason", "hazard", "advice", "region", "started_at", "closed_at",
    "conclusion", "changed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Announcement:
    """A recall for everybody; `names`: what the change feed calls all that it was made from."""

    shown: Shown
    names: frozenset[str]


def announced(snapshot: Snapshot, after: tuple[datetime, UUID] | None, limit: int) -> list[Recall]:
    """Live and closed recalls, the latest first."""
    return store.published(snapshot, after, limit)


def concerning(snapshot: Snapshot, text: str, secret: bytes) -> list[Recall]:
    """Those that reach the goods of a code (a batch, lot, unit, slip or receipt), the latest first. `secret`: the
    master that receipts are signed with. Raises Malformed, NotFound."""
    scope = with_code(snapshot, _WHOEVER, Scope(), text, secret, "?code")
    goods = of_lots_and_custodies(snapshot, scope)
    found = holds.on(snapshot, goods, back=True).holds
    ids = {UUID(bytes=row[4]) for rows in found.values() for row in rows if row[4] is not None}
    listed = [recall for recall in store.find_all(snapshot, ids) if recall.state != "mock"]
    return sorted(listed, key=lambda recall: (recall.record_time, recall.id), reverse=True)


def summary(recall: Recall) -> Shown:
    """A line of the list."""
    return {name: getattr(recall, name) for name in _SAID}


def announcement(snapshot: Snapshot, number: str) -> Announcement:
    """Raises NotFound for a number of no recall that is, or was, live."""
    recall = store.by_number(snapshot, number.upper())
    if recall is None:
        raise NotFound(
            "unknown-recall",
            f"没有编号为 {number[:40]} 的召回公告，请在召回列表中查找 · "
            f"no recall is announced under {number[:40]}: look for it in the list of recalls",
        )
    counts = recall.counts or {"lots": [], "more_lots": 0}
    lots = code_store.lots(snapshot, map(UUID, counts.get("lots", ())))
    places = [place for place in store.places(snapshot, recall.id) if not place.gone]
    wanted = {place.product_id for place in places} | {lot.product_id for lot in lots.values()}
    products = {key: same[0] for key, same in alike(snapshot, wanted).items()}
    makers = master.parties(snapshot, {lot.maker_id for lot in lots.values() if lot.maker_id is not None})
    sites = master.sites(snapshot, {place.site_id for place in places if place.site_id is not None})
    roots = master.markets(snapshot, [site for site in sites.values() if site.kind in SOLD_AT])
    sold_at = _sold_at(roots.values())
    shown = summary(recall) | {
        "products": [
            {"name": row.name, "category": row.category}
            for row in sorted(
                {row.id: row for row in products.values()}.values(), key=lambda row: (row.category, row.name)
            )
        ],
        "lots": sorted(
            (
                {
                    "product": products[lot.product_id].name,
                    "lot_number": lot.lot_number,
                    "code": lot.code,
                    "produced_on": lot.produced_on,
                    "expires_on": lot.expires_on,
                    "maker": makers[lot.maker_id].name if lot.maker_id in makers else None,
                }
                for lot in lots.values()
            ),
            key=lambda lot: (lot["product"], lot["lot_number"]),
        ),
        "more_lots": counts.get("more_lots", 0),
        "places": sold_at,
    }
    named = {*products, *makers, *sites, *roots, *(root.id for root in roots.values())}
    return Announcement(shown, frozenset({RECALLS, recall.id.hex, *(key.hex for key in named)}))


def _sold_at(roots: Iterable[Site]) -> list[Shown]:
    """Markets, and shops that stand alone; no stall."""
    unique = {root.id: root for root in roots}
    listed = sorted(unique.values(), key=lambda root: (root.region or "", root.name))
    return [{"code": root.code, "name": root.name, "kind": root.kind, "region": root.region} for root in listed]
