"""What findings are looked for in: single tables by lists of keys, a part of the sites at a time."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, func, select

from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.raw import Row

ATTACHED = ("document_id", "subject_id", "event_id")
_c = tables.custody.c
_ON_HAND: Column[int] = _c.amount_in - _c.sold - _c.shipped - _c.processed - _c.returned - _c.destroyed - _c.unexplained  # type: ignore[assignment]


def overdrawn(
    snapshot: Snapshot, sites: Iterable[UUID], since: datetime, until: datetime
) -> list[tuple[UUID, UUID, UUID, int]]:
    """(custody, site, product, on hand) of the custodies that came in that time and of which more went than came. What
    only others say of a site is nothing to hold against it."""
    found: list[tuple[UUID, UUID, UUID, int]] = []
    for chunk in chunks(sites):
        statement = select(_c.id, _c.site_id, _c.product_id, _ON_HAND).where(
            _c.site_id.in_(chunk),
            _c.arrived_at >= since,
            _c.arrived_at < until,
            _c.kind == "custody",
            _ON_HAND < 0,
            _c.reported_by.is_(None),
        )
        found += [(row[0], row[1], row[2], row[3]) for row in snapshot.execute(statement)]
    return found


def stocks(
    snapshot: Snapshot, sites: Iterable[UUID], since: datetime, until: datetime
) -> dict[tuple[UUID, UUID], tuple[int, int]]:
    """(site, product) → (on hand, came in) of what arrived there in that time."""
    found: dict[tuple[UUID, UUID], tuple[int, int]] = {}
    for chunk in chunks(sites):
        statement = (
            select(_c.site_id, _c.product_id, func.sum(_ON_HAND), func.sum(_c.amount_in))
            .where(_c.site_id.in_(chunk), _c.arrived_at >= since, _c.arrived_at < until, _c.kind == "custody")
            .group_by(_c.site_id, _c.product_id)
        )
        found |= {(row[0], row[1]): (int(row[2]), int(row[3])) for row in snapshot.execute(statement)}
    return found


def attached_to(snapshot: Snapshot, subjects: Collection[bytes]) -> list[Row]:
    """What speaks for the custodies or sites, as ATTACHED."""
    return raw.select(snapshot, tables.attachment, ATTACHED, "subject_id", subjects)


def attachments(snapshot: Snapshot, documents: Collection[bytes]) -> list[Row]:
    """What the documents speak for, as ATTACHED."""
    return raw.select(snapshot, tables.attachment, ATTACHED, "document_id", documents)


def lineages(snapshot: Snapshot, custodies: Collection[bytes]) -> list[Row]:
    """(custody, lot, ids of what it came from or None)."""
    return raw.select(snapshot, tables.custody, ("id", "lot_id", "lineage"), "id", custodies)


def corrected(snapshot: Snapshot, events: Collection[bytes]) -> set[bytes]:
    """The events that stand no more."""
    return {row[0] for row in raw.select(snapshot, tables.correction, ("event_id",), "event_id", events)}


def destroyed(snapshot: Snapshot, lots: Collection[bytes]) -> list[Row]:
    """(lot, product, site, measure, amount) of the custodies of the lots of which anything was destroyed."""
    names = ("lot_id", "product_id", "site_id", "measure", "destroyed")
    return raw.select(snapshot, tables.custody, names, "lot_id", lots, "destroyed > 0 AND kind = 'custody'")


def ways_up(snapshot: Snapshot, custodies: Collection[bytes]) -> list[Row]:
    """(parent, child, kind, who alone says so or None) of the links to what the custodies came from."""
    names = ("parent_id", "child_id", "kind", "claimed_by")
    return raw.select(snapshot, tables.custody_link, names, "child_id", list(custodies))
