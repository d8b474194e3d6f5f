"""Records of authorities: written once, read by place, party and region."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true

from app.domain.inspections import Inspection
from app.domain.rights import Principal, Role
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
from app.store.places import market_sites

_table = tables.inspection
_c = _table.c


def add(connection: Snapshot, rows: Iterable[Inspection]) -> None:
    bulk.insert(connection, _table, [values(row) for row in rows])


def find(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Inspection]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_table).where(_c.id.in_(chunk))):
            found[row.id] = Inspection(*row)
    return found


def replacements(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """By the record that was replaced, the one that took its place."""
    found: dict[UUID, UUID] = {}
    for chunk in chunks(ids):
        found |= {row.replaces: row.id for row in snapshot.execute(select(_table).where(_c.replaces.in_(chunk)))}
    return found


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """A regulator's region, a market's stalls and itself, one's own; an admin all."""
    match principal.role:
        case Role.ADMIN:
            return true()
        case Role.REGULATOR:
            return _c.region.startswith(principal.region or "-", autoescape=True)
        case Role.MARKET:
            return or_(_c.party_id == principal.party_id, _c.site_id.in_(market_sites(principal)))
        case _:
            return _c.party_id == principal.party_id


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    inspection_id: UUID | None = None,
    site_id: UUID | None = None,
    party_id: UUID | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Inspection]:
    """The latest first; `since` by our clock, inclusive; at most `limit`."""
    wanted = ((_c.id, inspection_id), (_c.site_id, site_id), (_c.party_id, party_id), (_c.kind, kind))
    conditions = [visible_to(principal), *(column == value for column, value in wanted if value is not None)]
    if since is not None:
        conditions.append(_c.record_time >= since)
    if after is not None:
        time, key = after
        conditions.append(or_(_c.record_time < time, (_c.record_time == time) & (_c.id < key)))
    statement = select(_table).where(*conditions).order_by(_c.record_time.desc(), _c.id.desc()).limit(limit)
    return [Inspection(*row) for row in snapshot.execute(statement)]
