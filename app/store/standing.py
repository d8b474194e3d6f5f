"""Named EPCIS queries and their subscriptions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update

from app.domain.epcis.standing import NamedQuery, Subscription
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

_query, _subscription = tables.epcis_query, tables.epcis_subscription


def queries(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, NamedQuery]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_query).where(_query.c.id.in_(chunk))):
            found[row.id] = NamedQuery(*row)
    return found


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, NamedQuery]:
    """As queries; nobody else deletes them, or subscribes to them, until the transaction ends."""
    found = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        statement = select(_query).where(_query.c.id.in_(chunk)).order_by(_query.c.id).with_for_update()
        found.update({row.id: NamedQuery(*row) for row in connection.execute(statement)})
    return found


def queries_of(snapshot: Snapshot, owner: UUID, after: str, limit: int) -> list[NamedQuery]:
    """An owner's by name, those behind `after`."""
    c = _query.c
    statement = select(_query).where(c.owner_id == owner, c.name > after).order_by(c.name).limit(limit)
    return [NamedQuery(*row) for row in snapshot.execute(statement)]


def count_queries(snapshot: Snapshot, owners: Iterable[UUID]) -> dict[UUID, int]:
    c = _query.c
    found: dict[UUID, int] = {}
    for chunk in chunks(owners):
        counted = select(c.owner_id, func.count()).where(c.owner_id.in_(chunk)).group_by(c.owner_id)
        found |= {row[0]: row[1] for row in snapshot.execute(counted)}
    return found


def add_queries(connection: Snapshot, rows: Iterable[NamedQuery]) -> None:
    """A name that is taken meanwhile is a conflict: the job is run again and sees it."""
    bulk.insert(connection, _query, [values(row) for row in rows])


def delete_queries(connection: Snapshot, ids: Collection[UUID]) -> None:
    """With their subscriptions."""
    for chunk in chunks(ids):
        connection.execute(_subscription.delete().where(_subscription.c.query_id.in_(chunk)))
    bulk.delete(connection, _query, [(key,) for key in ids])


# --- subscriptions ---


def subscriptions(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Subscription]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_subscription).where(_subscription.c.id.in_(chunk))):
            found[row.id] = Subscription(*row)
    return found


def of_query(snapshot: Snapshot, query_id: UUID) -> list[Subscription]:
    """In the order in which they were made."""
    c = _subscription.c
    statement = select(_subscription).where(c.query_id == query_id).order_by(c.record_time, c.id)
    return [Subscription(*row) for row in snapshot.execute(statement)]


def count_subscriptions(snapshot: Snapshot, owners: Iterable[UUID]) -> dict[UUID, int]:
    c = _subscription.c
    found: dict[UUID, int] = defaultdict(int)
    for chunk in chunks(owners):
        counted = select(c.owner_id, func.count()).where(c.owner_id.in_(chunk)).group_by(c.owner_id)
        found.update({row[0]: row[1] for row in snapshot.execute(counted)})
    return found


def any_subscription(snapshot: Snapshot) -> bool:
    return snapshot.execute(select(_subscription.c.id).limit(1)).first() is not None


def add(connection: Snapshot, rows: Iterable[Subscription]) -> None:
    bulk.insert(connection, _subscription, [values(row) for row in rows])


def delete(connection: Snapshot, ids: Iterable[UUID]) -> None:
    bulk.delete(connection, _subscription, [(key,) for key in ids])


def due(snapshot: Snapshot, now: datetime, last: int, busy: Collection[UUID], limit: int) -> list[Subscription]:
    """Those that have something to do: a stream with events up to `last`, a schedule whose time has come."""
    c = _subscription.c
    has_work = or_(c.schedule.is_not(None), c.position < last)
    ready = select(_subscription).where(c.status == "active", c.due <= now, has_work, c.id.not_in(busy))
    return [Subscription(*row) for row in snapshot.execute(ready.order_by(c.due, c.id).limit(limit))]


def next_due(snapshot: Snapshot, now: datetime) -> datetime | None:
    """When the next of those that rest has something to do."""
    c = _subscription.c
    found: datetime | None = snapshot.scalar(select(func.min(c.due)).where(c.status == "active", c.due > now))
    return found


def take(connection: Snapshot, row: Subscription, now: datetime, until: datetime) -> Subscription | None:
    """Leases it until then; None where another process has it, or it is not active any more."""
    c = _subscription.c
    mine = and_(c.id == row.id, c.turn == row.turn, c.due <= now, c.status == "active")
    taken = update(_subscription).where(mine).values(due=until, turn=c.turn + 1).returning(_subscription)
    found = connection.execute(taken).one_or_none()
    return None if found is None else Subscription(*found)


def note(connection: Snapshot, row: Subscription, changes: Mapping[str, Any]) -> Subscription | None:
    """Writes how far a leased one has come; None where the lease is not ours any more, or it was deleted."""
    mine = and_(_subscription.c.id == row.id, _subscription.c.turn == row.turn)
    changed = update(_subscription).where(mine).values(**changes).returning(_subscription)
    found = connection.execute(changed).one_or_none()
    return None if found is None else Subscription(*found)


def change(connection: Snapshot, key: UUID, changes: Mapping[str, Any]) -> Subscription | None:
    """Whoever is at it; None where there is none."""
    changed = update(_subscription).where(_subscription.c.id == key).values(**changes).returning(_subscription)
    found = connection.execute(changed).one_or_none()
    return None if found is None else Subscription(*found)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many there are by status, and the least position of the active ones."""

    active: int
    paused: int
    behind: int | None


def standing(snapshot: Snapshot) -> Standing:
    c = _subscription.c
    counted = select(c.status, func.count(), func.min(c.position)).group_by(c.status)
    found = {row[0]: (row[1], row[2]) for row in snapshot.execute(counted)}
    active, behind = found.get("active", (0, None))
    return Standing(active, found.get("paused", (0, None))[0], behind)


def speaks(snapshot: Snapshot, row: Subscription) -> bool:
    """Whether anybody still speaks for the owner in the role that subscribed: a key or a person that is active."""
    for own in (True, False):  # who subscribed is found at once, any other of the owner's by reading all
        for table in (tables.api_key, tables.person):
            c = table.c
            wanted = [c.role == row.role, c.status == "active"]
            if own:
                wanted.append(c.id == row.key_id)
            else:
                wanted += [c.party_id.is_not_distinct_from(row.party_id), c.region.is_not_distinct_from(row.region)]
            if snapshot.execute(select(c.id).where(*wanted).limit(1)).first() is not None:
                return True
    return False
