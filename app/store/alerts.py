"""Alerts: written with what caused them, read by who answers for the place."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true

from app.domain.alerts import Alert
from app.domain.rights import Principal, Role
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import values
from app.store.places import market_sites, region_sites


def add(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Writes alerts; one that is there already stays as it was first raised."""
    bulk.insert_new(connection, tables.alert, [values(alert) for alert in alerts])


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """A regulator's region, a market's stalls, a trader's own of its own time; an admin all."""
    alert = tables.alert.c
    match principal.role:
        case Role.ADMIN:
            return true()
        case Role.REGULATOR:
            return alert.site_id.in_(region_sites(principal))
        case Role.MARKET:
            return or_(alert.party_id == principal.party_id, alert.site_id.in_(market_sites(principal)))
        case Role.VENDOR | Role.PRODUCER:
            return alert.party_id == principal.party_id
        case Role.LAB | Role.DEVICE | Role.AUDITOR:
            return false()


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    slug: str | None,
    site_id: UUID | None,
    since: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Alert]:
    """The latest recorded first; `site_id` and all below it; `since` by our clock, inclusive."""
    alert, site = tables.alert.c, tables.site.c
    conditions = [visible_to(principal)]
    if slug is not None:
        conditions.append(alert.slug == slug)
    if site_id is not None:
        root = tables.site.alias("root")
        below = select(site.id).join(root, site.path.startswith(root.c.path)).where(root.c.id == site_id)
        conditions.append(alert.site_id.in_(below))
    if since is not None:
        conditions.append(alert.record_time >= since)
    if after is not None:
        time, key = after
        conditions.append(or_(alert.record_time < time, and_(alert.record_time == time, alert.id < key)))
    statement = select(tables.alert).where(*conditions).order_by(alert.record_time.desc(), alert.id.desc()).limit(limit)
    return [Alert(*row) for row in snapshot.execute(statement)]
