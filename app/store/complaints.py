"""Complaints: written by the public, read by who answers for the place."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from app.domain.complaints import Complaint, State
from app.domain.rights import Principal, Role
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
from app.store.places import market_sites

_table = tables.complaint
_c = _table.c


def add(connection: Snapshot, rows: Iterable[Complaint]) -> None:
    bulk.insert(connection, _table, [values(row) for row in rows])


def save(connection: Snapshot, rows: Iterable[Complaint]) -> None:
    bulk.upsert(connection, _table, [values(row) for row in rows])


def find(snapshot: Snapshot, complaint_id: UUID) -> Complaint | None:
    row = snapshot.execute(select(_table).where(_c.id == complaint_id)).one_or_none()
    return Complaint(*row) if row else None


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Complaint]:
    """Nobody else changes them until the transaction ends; locked in the order of their ids."""
    found = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        for row in connection.execute(select(_table).where(_c.id.in_(chunk)).order_by(_c.id).with_for_update()):
            found[row.id] = Complaint(*row)
    return found


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """A regulator's region, the stalls of a market; an admin all. What is said of the market itself is not its own to
    judge."""
    match principal.role:
        case Role.ADMIN:
            return true()
        case Role.REGULATOR:
            return _c.region.startswith(principal.region or "-", autoescape=True)
        case Role.MARKET:
            others = or_(_c.party_id.is_(None), _c.party_id != principal.party_id)
            return and_(_c.site_id.in_(market_sites(principal)), others)
        case _:
            return false()


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    complaint_id: UUID | None = None,
    state: State | None = None,
    owner: UUID | None = None,
    code: str | None = None,
    site_id: UUID | None = None,
    since: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Complaint]:
    """The latest first; `site_id` and all below it; `since` by our clock, inclusive."""
    conditions = [visible_to(principal)]
    if complaint_id is not None:
        conditions.append(_c.id == complaint_id)
    if state is not None:
        conditions.append(_c.state == state)
    if owner is not None:
        conditions.append(_c.owner == owner)
    if code is not None:
        conditions.append(_c.code == code)
    if site_id is not None:
        root, site = tables.site.alias("root"), tables.site.c
        below = select(site.id).join(root, site.path.startswith(root.c.path)).where(root.c.id == site_id)
        conditions.append(_c.site_id.in_(below))
    if since is not None:
        conditions.append(_c.record_time >= since)
    if after is not None:
        time, key = after
        conditions.append(or_(_c.record_time < time, and_(_c.record_time == time, _c.id < key)))
    statement = select(_table).where(*conditions).order_by(_c.record_time.desc(), _c.id.desc()).limit(limit)
    return [Complaint(*row) for row in snapshot.execute(statement)]
