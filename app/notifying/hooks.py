"""Webhooks: who wants to be told what, and where. Each is its owner's; the operator sees all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.domain.errors import Conflict, Forbidden, NotFound
from app.domain.rights import HOOKS, Principal, Role
from app.domain.webhooks import (
    TEST,
    Delivery,
    Reach,
    Webhook,
    delivery_id,
    require_listed,
    secret_of,
    shown,
    target_of,
    webhook_id,
)
from app.notifying.outbox import LIFE, OUTBOX, new_delivery
from app.store import webhooks as store
from app.store.engine import Database, Snapshot, reading
from app.store.writer import Transaction, decided

MOST = 20  # of one owner


@dataclass(frozen=True, slots=True)
class RegisterWebhook:
    """`reach` is what the operator has listed."""

    principal: Principal
    url: str
    events: Sequence[str]
    reach: Reach


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """`fresh` where its secret is new and is to be shown, once."""

    row: Webhook
    fresh: bool


@dataclass(frozen=True, slots=True)
class ChangeWebhook:
    """What is to change: `status` active | paused | deleted; `rotate` makes a new secret."""

    principal: Principal
    webhook_id: UUID
    events: Sequence[str] | None = None
    status: str | None = None
    rotate: bool = False


@dataclass(frozen=True, slots=True)
class TestWebhook:
    """Sends a word that means nothing."""

    __test__ = False  # no class of tests

    principal: Principal
    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class Retry:
    """Sends a delivery once more, whatever came of it."""

    principal: Principal
    webhook_id: UUID
    delivery_id: UUID


def _forbidden(role: str) -> Forbidden:
    return Forbidden(
        "forbidden",
        f"{role} 密钥不能登记回调，请用经营主体、监管部门或管理员的密钥 · A key of role {role} has no webhooks: "
        "use one of a party, a regulator or the operator",
    )


def _unknown() -> NotFound:
    return NotFound("not-found", "没有这个回调，请检查编号 · There is no such webhook: check the id")


def _mine(principal: Principal, found: Webhook | None) -> Webhook:
    """Raises NotFound for one that is not the principal's to know of."""
    own = found is not None and (principal.role is Role.ADMIN or found.owner_id == principal.recorder_id)
    if found is None or not own or principal.role not in HOOKS or found.status == "deleted":
        raise _unknown()
    return found


def register_webhooks(
    transaction: Transaction, commands: Sequence[RegisterWebhook]
) -> Sequence[MadeWebhook | Exception]:
    """Job: each a webhook, the same again the same one. One that was deleted begins anew, with another secret."""
    connection = transaction.connection
    asking = [command for command in commands if command.principal.role in HOOKS]
    ids = {webhook_id(command.principal.recorder_id, command.url) for command in asking}
    known = store.lock(connection, ids)
    owned = store.of_owners(connection, {command.principal.recorder_id for command in asking})
    counts = {owner: len(rows) for owner, rows in owned.items()}
    made: dict[UUID, Webhook] = {}

    def decide(command: RegisterWebhook) -> MadeWebhook:
        if command.principal.role not in HOOKS:
            raise _forbidden(command.principal.role)
        require_listed(command.reach, target_of(command.url))
        owner = command.principal.recorder_id
        key = webhook_id(owner, command.url)
        before = known.get(key)
        if before is not None and before.status != "deleted":
            return MadeWebhook(before, False)
        if counts.get(owner, 0) >= MOST:
            raise Conflict(
                "too-many-webhooks",
                f"最多 {MOST} 个回调，请先删除不用的 · At most {MOST} webhooks: delete one that is not used",
            )
        counts[owner] = counts.get(owner, 0) + 1
        version = before.version + 1 if before is not None else 1
        row = Webhook(key, owner, command.url, list(command.events), "active", None, version, None, 0, transaction.now)
        known[key] = made[key] = row
        return MadeWebhook(row, True)

    results = decided(commands, decide)
    store.save(connection, made.values())
    return results


def change_webhooks(transaction: Transaction, commands: Sequence[ChangeWebhook]) -> Sequence[MadeWebhook | Exception]:
    """Job: changes webhooks. What waits for a paused one waits on, and goes out when it
    is active again; what waits for a deleted one is dead."""
    connection, now = transaction.connection, transaction.now
    known = store.lock(connection, {command.webhook_id for command in commands})
    changed: dict[UUID, Webhook] = {}

    def decide(command: ChangeWebhook) -> MadeWebhook:
        before = _mine(command.principal, known.get(command.webhook_id))
        row = replace(before, events=list(command.events)) if command.events is not None else before
        if command.rotate:
            row = replace(row, version=row.version + 1, rotated_at=now)
        if command.status is not None and command.status != before.status:
            row = replace(row, status=command.status, status_reason=None, failures=0)
            if row.status == "active":
                store.resume(connection, row.id, now, now + LIFE)
                transaction.touched.add(OUTBOX)
            elif row.status == "paused":
                store.suspend(connection, row.id)
            else:
                store.give_up(connection, row.id, now, "deleted", expired=False)
        known[row.id] = changed[row.id] = row
        return MadeWebhook(row, command.rotate)

    results = decided(commands, decide)
    store.save(connection, changed.values())
    return results


def test_webhooks(transaction: Transaction, commands: Sequence[TestWebhook]) -> Sequence[Delivery | Exception]:
    """Job: a delivery for each that asks, at most one a minute and webhook."""
    connection, now = transaction.connection, transaction.now
    known = store.webhooks(connection, {command.webhook_id for command in commands})
    subject = f"{now:%Y-%m-%dT%H:%MZ}"
    there = store.deliveries(connection, [(key, delivery_id(key, TEST, subject)) for key in known])
    made: dict[UUID, Delivery] = {}

    def decide(command: TestWebhook) -> Delivery:
        webhook = _mine(command.principal, known.get(command.webhook_id))
        if webhook.status == "paused":
            raise Conflict(
                "webhook-paused", "回调已暂停，请先恢复 · The webhook is paused: set it active first", pointer="/status"
            )
        key = delivery_id(webhook.id, TEST, subject)
        if key not in there:
            there[key] = made[key] = new_delivery(webhook, TEST, subject, {"webhook_id": str(webhook.id)}, now)
        return there[key]

    results = decided(commands, decide)
    store.add(connection, made.values())
    if made:
        transaction.touched.add(OUTBOX)
    return results


def retry_deliveries(transaction: Transaction, commands: Sequence[Retry]) -> Sequence[Delivery | Exception]:
    """Job: each is tried again from the beginning, under the id it had."""
    connection, now = transaction.connection, transaction.now
    known = store.webhooks(connection, {command.webhook_id for command in commands})
    there = store.deliveries(connection, [(command.webhook_id, command.delivery_id) for command in commands])

    def decide(command: Retry) -> Delivery:
        webhook = _mine(command.principal, known.get(command.webhook_id))
        row = there.get(command.delivery_id)
        if row is None:
            raise NotFound("not-found", "没有这次投递，请检查编号 · There is no such delivery: check the id")
        at = now if webhook.status == "active" else None
        fresh = replace(row, state="pending", attempts=0, next_attempt=at, expires=now + LIFE, settled_at=None)
        store.again(connection, fresh)
        transaction.touched.add(OUTBOX)
        return fresh

    return decided(commands, decide)


def secret(master: bytes, webhook: Webhook) -> str:
    """What its deliveries are signed with, as its owner is shown it."""
    return shown(secret_of(master, webhook.id, webhook.version))


def find_webhook(snapshot: Snapshot, principal: Principal, key: UUID) -> Webhook:
    """Raises NotFound for one that is not the reader's to know of."""
    return _mine(principal, store.webhooks(snapshot, [key]).get(key))


def list_webhooks(database: Database, principal: Principal, after: store.Place | None, limit: int) -> list[Webhook]:
    """The principal's own; all for the operator."""
    if principal.role not in HOOKS:
        return []
    with reading(database) as snapshot:
        owner = None if principal.role is Role.ADMIN else principal.recorder_id
        return store.page(snapshot, owner, after, limit)


def list_deliveries(
    database: Database, principal: Principal, key: UUID, after: store.Place | None, limit: int
) -> list[Delivery]:
    """What was posted to a webhook, in that order. Raises NotFound."""
    with reading(database) as snapshot:
        return store.deliveries_of(snapshot, find_webhook(snapshot, principal, key).id, after, limit)
