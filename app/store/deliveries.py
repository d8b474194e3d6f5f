"""Slips that are under way to sites, and what is still to come off them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from app.domain import codes
from app.domain.ledger import Ledger
from app.domain.rows import Custody, Event, Party, Slip, SlipItem
from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.ledger import Loader
from app.store.loading import load_carried
from app.store.master import chunks

_slip = tables.slip.c
Place = tuple[datetime, UUID]  # when a slip was made out, and its event


def under_way(
    snapshot: Snapshot, sites: Collection[UUID], since: datetime, after: Place | None, limit: int
) -> list[Slip]:
    """Slips that stand, to one of the sites, made out since then: the latest first, `limit` of those beyond `after`."""
    wanted: list[ColumnElement[bool]] = [_slip.shipped_at >= since, _slip.status == "open"]
    if after is not None:
        wanted.append(tuple_(_slip.shipped_at, _slip.event_id) < after)
    found: list[Slip] = []
    for chunk in chunks(sites):
        latest = select(tables.slip).where(_slip.to_site_id.in_(chunk), *wanted)
        latest = latest.order_by(_slip.shipped_at.desc(), _slip.event_id.desc()).limit(limit)
        found += [Slip(*row) for row in snapshot.execute(latest)]
    return sorted(found, key=place, reverse=True)[:limit]


def place(slip: Slip) -> Place:
    return slip.shipped_at, slip.event_id


def carrying(snapshot: Snapshot, custodies: Iterable[bytes]) -> list[Slip]:
    """Slips that stand, off which some of these goods come."""
    rows = raw.select(snapshot, tables.timeline, ("event_id",), "custody_id", custodies, "entry = 'shipped'")
    found: list[Slip] = []
    for chunk in chunks({UUID(bytes=key) for (key,) in rows}):
        standing = select(tables.slip).where(_slip.event_id.in_(chunk), _slip.status == "open")
        found += [Slip(*row) for row in snapshot.execute(standing)]
    return sorted(found, key=place, reverse=True)


def contents(snapshot: Snapshot, slips: Iterable[str], now: datetime) -> Ledger:
    """What deciding about receipts off the slips would be given: their goods, the events that made them out, the sites
    and parties. Nothing is locked."""
    loader = Loader(snapshot, Ledger(now, codes.mint), locking=False)
    loader.slips(slips)
    listed = loader.all(Slip)
    loader.rows(Custody, "id", {item.custody_id for item in loader.all(SlipItem)})
    load_carried(loader, ())
    loader.rows(Event, "id", {slip.event_id for slip in listed})
    loader.sites(key for slip in loader.all(Slip) for key in (slip.site_id, slip.to_site_id))
    loader.goods()
    asserting = {event.party_id for event in loader.all(Event)}
    loader.rows(Party, "id", {slip.party_id for slip in listed} | asserting)
    return loader.ledger
