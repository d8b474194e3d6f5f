"""Alerts: written with what caused them, read by who answers for the place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from app.domain.alerts import Alert
from app.domain.rights import Principal, Role
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Which alerts; `site_id` and all below it, `region` by the place, `since` by our clock, inclusive."""

    alert_id: UUID | None = None
    slug: str | None = None
    severity: str | None = None
    state: str | None = None
    owner: UUID | None = None
    site_id: UUID | None = None
    region: str | None = None
    since: datetime | None = None


def _conditions(principal: Principal, asked: Asked) -> list[ColumnElement[bool]]:
    alert, site = tables.alert.c, tables.site.c
    conditions = [visible_to(principal)]
    for column, value in (
        (alert.id, asked.alert_id), (alert.slug, asked.slug), (alert.severity, asked.severity),
        (alert.state, asked.state), (alert.owner, asked.owner),
    ):  # fmt: skip
        if value is not None:
            conditions.append(column == value)
    if asked.site_id is not None:
        root = tables.site.alias("root")
        below = select(site.id).join(root, site.path.startswith(root.c.path)).where(root.c.id == asked.site_id)
        conditions.append(alert.site_id.in_(below))
    if asked.region is not None:
        conditions.append(
            alert.site_id.in_(select(site.id).where(site.region.startswith(asked.region, autoescape=True)))
        )
    if asked.since is not None:
        conditions.append(alert.record_time >= asked.since)
    return conditions


def search(
    snapshot: Snapshot,
    principal: Principal,
    asked: Asked,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Alert]:
    """The latest recorded first."""
    alert = tables.alert.c
    conditions = _conditions(principal, asked)
    if after is not None:
        time, key = after
        conditions.append(or_(alert.record_time < time, and_(alert.record_time == time, alert.id < key)))
    statement = select(tables.alert).where(*conditions).order_by(alert.record_time.desc(), alert.id.desc()).limit(limit)
    return [Alert(*row) for row in snapshot.execute(statement)]


def counts(snapshot: Snapshot, principal: Principal, asked: Asked) -> list[tuple[str, str, str, int]]:
    """(state, severity, slug, how many)."""
    alert = tables.alert.c
    columns = (alert.state, alert.severity, alert.slug)
    statement = select(*columns, func.count()).where(*_conditions(principal, asked)).group_by(*columns)
    return [(row[0], row[1], row[2], row[3]) for row in snapshot.execute(statement)]


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Alert]:
    """Nobody else changes them until the transaction ends; locked in the order of their ids."""
    table = tables.alert
    found: dict[UUID, Alert] = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        query = select(table).where(table.c.id.in_(chunk)).order_by(table.c.id).with_for_update()
        found |= {row.id: Alert(*row) for row in connection.execute(query)}
    return found


def save(connection: Snapshot, alerts: Iterable[Alert]) -> None:
    bulk.upsert(connection, tables.alert, [values(alert) for alert in alerts])


def known(snapshot: Snapshot, ids: Iterable[UUID]) -> set[UUID]:
    """Those that were raised already."""
    alert = tables.alert.c
    return {key for chunk in chunks(ids) for key in snapshot.scalars(select(alert.id).where(alert.id.in_(chunk)))}


def may_own(snapshot: Snapshot, key: UUID) -> bool:
    """Whether it is a key, or a person, that works a queue."""
    roles = (Role.MARKET, Role.REGULATOR, Role.ADMIN)
    return any(
        snapshot.execute(
            select(table.c.id).where(table.c.id == key, table.c.role.in_(roles), table.c.status == "active")
        ).first()
        is not None
        for table in (tables.api_key, tables.person)
    )
