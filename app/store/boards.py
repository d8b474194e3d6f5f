"""What a board shows beside the goods of a site: what was judged there on a day, and the slips that name it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.domain.rows import Event, Slip, SlipItem
from app.store import tables
from app.store.engine import Snapshot
from app.store.master import chunks

LISTED = 500  # of a site and a day


def judged_at(snapshot: Snapshot, site_id: UUID, since: datetime) -> list[Event]:
    """Tests and decisions at the gate, the latest first."""
    c = tables.event.c
    statement = (
        select(tables.event)
        .where(c.site_id == site_id, c.event_time >= since, c.kind.in_(("test", "admit")))
        .order_by(c.event_time.desc(), c.id)
        .limit(LISTED)
    )
    return [Event(*row) for row in snapshot.execute(statement)]


def slips_to(snapshot: Snapshot, site_id: UUID, since: datetime) -> list[Slip]:
    """Slips that stand and name the site, the latest first."""
    c = tables.slip.c
    statement = (
        select(tables.slip)
        .where(c.to_site_id == site_id, c.shipped_at >= since, c.status == "open")
        .order_by(c.shipped_at.desc(), c.code)
        .limit(LISTED)
    )
    return [Slip(*row) for row in snapshot.execute(statement)]


def items_of(snapshot: Snapshot, slip_codes: Collection[str]) -> list[SlipItem]:
    """What is on the slips, in their order."""
    c = tables.slip_item.c
    found = []
    for chunk in chunks(slip_codes):
        found += [SlipItem(*row) for row in snapshot.execute(select(tables.slip_item).where(c.slip_code.in_(chunk)))]
    return sorted(found, key=lambda item: (item.slip_code, item.position))
