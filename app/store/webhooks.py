"""Webhooks and the outbox: what is to be delivered to them, and how far it has come."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from app.domain.webhooks import Delivery, Webhook
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

_hook, _delivery = tables.webhook, tables.delivery
PRUNED = 1_000  # deliveries in one go

Place = tuple[datetime, UUID]


def webhooks(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Webhook]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_hook).where(_hook.c.id.in_(chunk))):
            found[row.id] = Webhook(*row)
    return found


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Webhook]:
    """As webhooks; nobody else changes them until the transaction ends."""
    found = {}
    for chunk in chunks(sorted(ids)):
        statement = select(_hook).where(_hook.c.id.in_(chunk)).order_by(_hook.c.id).with_for_update()
        found.update({row.id: Webhook(*row) for row in connection.execute(statement)})
    return found


def of_owners(snapshot: Snapshot, owners: Iterable[UUID]) -> dict[UUID, list[Webhook]]:
    """Those that are not deleted, by their owners."""
    found: dict[UUID, list[Webhook]] = defaultdict(list)
    for chunk in chunks(owners):
        statement = select(_hook).where(_hook.c.owner_id.in_(chunk), _hook.c.status != "deleted")
        for row in snapshot.execute(statement.order_by(_hook.c.record_time, _hook.c.id)):
            found[row.owner_id].append(Webhook(*row))
    return found


def any_webhook(snapshot: Snapshot) -> bool:
    return snapshot.execute(select(_hook.c.id).limit(1)).first() is not None


def page(snapshot: Snapshot, owner: UUID | None, after: Place | None, limit: int) -> list[Webhook]:
    """Those that are not deleted, of an owner or of all, in the order in which they were made, after the place."""
    conditions = [_hook.c.status != "deleted", *_after(_hook.c.record_time, _hook.c.id, after)]
    if owner is not None:
        conditions.append(_hook.c.owner_id == owner)
    statement = select(_hook).where(*conditions).order_by(_hook.c.record_time, _hook.c.id).limit(limit)
    return [Webhook(*row) for row in snapshot.execute(statement)]


def _after(time: ColumnElement[datetime], key: ColumnElement[UUID], after: Place | None) -> list[ColumnElement[bool]]:
    return [] if after is None else [and_(time >= after[0], or_(time > after[0], key > after[1]))]


def save(connection: Snapshot, rows: Iterable[Webhook]) -> None:
    bulk.upsert(connection, _hook, [values(row) for row in rows])


# --- the outbox ---


def add(connection: Snapshot, rows: Iterable[Delivery]) -> None:
    """What is there already stays as it is."""
    bulk.insert_new(connection, _delivery, [values(row) for row in rows])


def deliveries(snapshot: Snapshot, keys: Iterable[tuple[UUID, UUID]]) -> dict[UUID, Delivery]:
    """By webhook and id."""
    found = {}
    by_webhook = defaultdict(list)
    for webhook_id, key in keys:
        by_webhook[webhook_id].append(key)
    for webhook_id, ids in by_webhook.items():
        for chunk in chunks(ids):
            statement = select(_delivery).where(_delivery.c.webhook_id == webhook_id, _delivery.c.id.in_(chunk))
            found.update({row.id: Delivery(*row) for row in snapshot.execute(statement)})
    return found


def deliveries_of(snapshot: Snapshot, webhook_id: UUID, after: Place | None, limit: int) -> list[Delivery]:
    """In the order in which they were posted, after the place."""
    c = _delivery.c
    statement = select(_delivery).where(c.webhook_id == webhook_id, *_after(c.record_time, c.id, after))
    return [Delivery(*row) for row in snapshot.execute(statement.order_by(c.record_time, c.id).limit(limit))]


def due(snapshot: Snapshot, now: datetime, busy: Collection[UUID], limit: int) -> list[tuple[UUID, UUID]]:
    """Of each webhook that is not busy the delivery that has waited longest, (webhook, id); of at most `limit`
    webhooks."""
    c = _delivery.c
    waited = func.min(c.next_attempt)
    waiting = select(c.webhook_id).where(c.next_attempt <= now, c.webhook_id.not_in(busy))
    first = waiting.group_by(c.webhook_id).order_by(waited).limit(limit)
    found = []
    for (webhook_id,) in snapshot.execute(first).all():
        oldest = select(c.id).where(c.webhook_id == webhook_id, c.next_attempt <= now)
        key = snapshot.scalar(oldest.order_by(c.next_attempt, c.record_time, c.id).limit(1))
        if key is not None:
            found.append((webhook_id, key))
    return found


def next_due(snapshot: Snapshot, now: datetime) -> datetime | None:
    """When the next after now will be due."""
    c = _delivery.c.next_attempt
    return snapshot.scalar(select(c).where(c > now).order_by(c).limit(1))


def open_deliveries(snapshot: Snapshot) -> int:
    """How many wait to be sent."""
    return snapshot.scalar(select(func.count()).where(_delivery.c.next_attempt.is_not(None))) or 0


def take(connection: Snapshot, key: tuple[UUID, UUID], now: datetime, until: datetime) -> Delivery | None:
    """Leases the delivery until then and counts the try; None where another process has it."""
    c = _delivery.c
    mine = and_(c.webhook_id == key[0], c.id == key[1], c.next_attempt <= now)
    taken = update(_delivery).where(mine).values(next_attempt=until, attempts=c.attempts + 1).returning(_delivery)
    row = connection.execute(taken).one_or_none()
    return None if row is None else Delivery(*row)


def settle(connection: Snapshot, row: Delivery) -> bool:
    """Writes what a try came to; False where its lease ended and somebody else has tried since."""
    c = _delivery.c
    mine = and_(c.webhook_id == row.webhook_id, c.id == row.id, c.attempts == row.attempts, c.state != "sent")
    changed = (
        update(_delivery)
        .where(mine)
        .values(
            state=row.state,
            next_attempt=row.next_attempt,
            last_status=row.last_status,
            last_error=row.last_error,
            settled_at=row.settled_at,
        )
    )
    return connection.execute(changed).rowcount == 1


def give_back(connection: Snapshot, row: Delivery, now: datetime) -> None:
    """Ends a lease: the try did not come to its end."""
    c = _delivery.c
    mine = and_(c.webhook_id == row.webhook_id, c.id == row.id, c.attempts == row.attempts, c.state != "sent")
    connection.execute(update(_delivery).where(mine).values(next_attempt=now, attempts=row.attempts - 1))


def rest(connection: Snapshot, webhook_id: UUID, until: datetime) -> None:
    """Nothing more to this webhook before then."""
    c = _delivery.c
    connection.execute(
        update(_delivery).where(c.webhook_id == webhook_id, c.next_attempt < until).values(next_attempt=until)
    )


def give_up(connection: Snapshot, webhook_id: UUID, now: datetime, error: str, *, expired: bool) -> list[Delivery]:
    """What still waits for this webhook is dead: all of it, or what has expired. Returns it."""
    c = _delivery.c
    conditions = [c.webhook_id == webhook_id, c.state.in_(("pending", "failed"))]
    if expired:
        conditions.append(c.expires <= now)
    changes = {"state": "dead", "next_attempt": None, "settled_at": now, "last_error": error}
    statement = update(_delivery).where(*conditions).values(changes).returning(*_delivery.c)
    return [Delivery(*row) for row in connection.execute(statement)]


def suspend(connection: Snapshot, webhook_id: UUID) -> None:
    """What waits goes on waiting until `resume`."""
    c = _delivery.c
    connection.execute(
        update(_delivery).where(c.webhook_id == webhook_id, c.next_attempt.is_not(None)).values(next_attempt=None)
    )


def resume(connection: Snapshot, webhook_id: UUID, now: datetime, expires: datetime) -> None:
    c = _delivery.c
    waiting = and_(c.webhook_id == webhook_id, c.state.in_(("pending", "failed")))
    connection.execute(update(_delivery).where(waiting).values(next_attempt=now, expires=expires, attempts=0))


def again(connection: Snapshot, row: Delivery) -> None:
    """Writes a delivery that is to be tried again from the beginning."""
    bulk.upsert(connection, _delivery, [values(row)])


def prune(connection: Snapshot, before: datetime) -> int:
    """Deletes what was settled before then, at most PRUNED of it: how many."""
    c = _delivery.c
    old = select(c.webhook_id, c.id).where(c.settled_at < before).limit(PRUNED)
    keys = [(row.webhook_id, row.id) for row in connection.execute(old)]
    bulk.delete(connection, _delivery, keys)
    return len(keys)
