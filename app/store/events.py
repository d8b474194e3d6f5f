"""Reading events, as far as their reader may see them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, and_, or_, select, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.domain.rights import Principal, Role
from app.domain.rows import Correction, Event, Flag
from app.store import tables
from app.store.engine import Snapshot
from app.store.ledger import fetch
from app.store.places import market_sites, region_sites


def visible_to(
    principal: Principal, event: ReadOnlyColumnCollection[str, Column[Any]] = tables.event.c
) -> ColumnElement[bool]:
    """Events a principal may read: at its own sites, or recorded by itself; a regulator's region; an admin all.
    `event`: the columns of the table that has them."""
    site = tables.site.c
    own = event.recorder_id == principal.recorder_id
    match principal.role:
        case Role.ADMIN:
            return true()
        case Role.REGULATOR:
            return or_(own, event.site_id.in_(region_sites(principal)))
        case Role.MARKET:
            return or_(own, event.party_id == principal.party_id, event.site_id.in_(market_sites(principal)))
        case Role.VENDOR | Role.PRODUCER:
            sites = select(site.id).where(site.party_id == principal.party_id)
            # What another trader recorded there was its own business: a stall changes hands, its books do not.
            told = and_(event.site_id.in_(sites), event.role.not_in((Role.VENDOR, Role.PRODUCER, Role.DEVICE)))
            return or_(own, event.party_id == principal.party_id, told)
        case Role.LAB | Role.DEVICE | Role.AUDITOR:
            return own


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    kind: str | None = None,
    site_id: UUID | None = None,
    party_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    only: Iterable[UUID] | None = None,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Event]:
    """The latest recorded first; `only` narrows to these ids."""
    event = tables.event.c
    conditions = [visible_to(principal)]
    if kind is not None:
        conditions.append(event.kind == kind)
    if site_id is not None:
        conditions.append(event.site_id == site_id)
    if party_id is not None:
        conditions.append(event.party_id == party_id)
    if since is not None:
        conditions.append(event.event_time >= since)
    if until is not None:
        conditions.append(event.event_time < until)
    if only is not None:
        conditions.append(event.id.in_(list(only)))
    if after is not None:
        time, key = after
        conditions.append(or_(event.record_time < time, and_(event.record_time == time, event.id < key)))
    statement = select(tables.event).where(*conditions).order_by(event.record_time.desc(), event.id.desc()).limit(limit)
    return [Event(*row) for row in snapshot.execute(statement)]


def events_of_custodies(snapshot: Snapshot, custody_ids: Iterable[UUID], limit: int) -> list[UUID]:
    """Ids of the events on the custodies' timelines, latest first."""
    entry = tables.timeline.c
    statement = (
        select(entry.event_id, entry.event_time)
        .where(entry.custody_id.in_(list(custody_ids)))
        .distinct()
        .order_by(entry.event_time.desc())
        .limit(limit)
    )
    return [row.event_id for row in snapshot.execute(statement)]


def custodies_of_lot(snapshot: Snapshot, lot_id: UUID, limit: int) -> list[UUID]:
    custody = tables.custody.c
    statement = select(custody.id).where(custody.lot_id == lot_id).order_by(custody.id).limit(limit)
    return list(snapshot.scalars(statement))


def flagged(snapshot: Snapshot, slug: str, limit: int) -> list[UUID]:
    """Ids of the events with the flag, latest first."""
    flag = tables.flag.c
    statement = select(flag.event_id).where(flag.slug == slug).order_by(flag.record_time.desc()).limit(limit)
    return list(dict.fromkeys(snapshot.scalars(statement)))


def by_id(snapshot: Snapshot, event_ids: Iterable[UUID]) -> list[Event]:
    return fetch(snapshot, Event, "id", event_ids)


def flags(snapshot: Snapshot, event_ids: Iterable[UUID]) -> list[Flag]:
    return fetch(snapshot, Flag, "event_id", event_ids)


def corrections(snapshot: Snapshot, event_ids: Iterable[UUID]) -> list[Correction]:
    return fetch(snapshot, Correction, "event_id", event_ids)
