"""The outbox: what is to be told is written with what it tells of, in one transaction, and sent after it."""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.domain.webhooks import GONE, Answer, Delivery, Pace, Webhook, delivery_id, settle
from app.store import webhooks as store
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided

OUTBOX: Final = "outbox"  # its name in the change feed
LIFE: Final = Pace().life
LEASE: Final = timedelta(seconds=60)  # longer than any try
KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Message:
    """What an owner is told; `subject` names it with its version: the same topic and subject is told once."""

    owner_id: UUID
    topic: str
    subject: str
    data: Mapping[str, Any]


def new_delivery(webhook: Webhook, topic: str, subject: str, data: Mapping[str, Any], now: datetime) -> Delivery:
    """The body is as Standard Webhooks has it: type, timestamp, data."""
    body = json.dumps({"type": topic, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
    key = delivery_id(webhook.id, topic, subject)
    at = now if webhook.status == "active" else None
    return Delivery(webhook.id, key, topic, subject, body, "pending", 0, at, now + LIFE, None, None, now, None)


def listeners(snapshot: Snapshot, owners: Iterable[UUID], event: str) -> set[UUID]:
    """Those of the owners that have a webhook for such events: for nobody else a message need be made."""
    found = store.of_owners(snapshot, owners)
    return {owner for owner, webhooks in found.items() if any(event in webhook.events for webhook in webhooks)}


def post(transaction: Transaction, messages: Sequence[Message]) -> set[UUID]:
    """Puts each message in the outbox for every webhook of its owner that wants such: the owners that have one.
    Within a job; nothing leaves before its commit."""
    found = store.of_owners(transaction.connection, {message.owner_id for message in messages})
    # A microsecond apart, so that they go out in the order in which they are given.
    times = [transaction.now + timedelta(microseconds=i) for i in range(len(messages))]
    made = [
        (message.owner_id, new_delivery(webhook, message.topic, message.subject, message.data, now))
        for message, now in zip(messages, times, strict=True)
        for webhook in found.get(message.owner_id, ())
        if message.topic.partition(".")[0] in webhook.events
    ]
    if made:
        store.add(transaction.connection, {row.id: row for _, row in made}.values())
        transaction.touched.add(OUTBOX)
    return {owner for owner, _ in made}


# --- the sender's jobs ---


def take(
    transaction: Transaction, keys: Sequence[tuple[UUID, UUID]]
) -> Sequence[tuple[Delivery, Webhook] | Exception | None]:
    """Job: leases each delivery (webhook, id), so that nobody else sends it meanwhile; None where somebody does."""
    connection, now = transaction.connection, transaction.now
    taken = {key: store.take(connection, key, now, now + LEASE) for key in sorted(set(keys))}
    known = store.webhooks(connection, {key[0] for key in keys})
    return [(row, known[key[0]]) if (row := taken.pop(key, None)) is not None else None for key in keys]


@dataclass(frozen=True, slots=True)
class Tried:
    """A leased delivery and what came of it; no answer where the process ends before there is one."""

    delivery: Delivery
    answer: Answer | None
    pace: Pace


Told = Callable[[Transaction, Sequence[Delivery]], None]


def settle_all(
    transaction: Transaction, commands: Sequence[Tried], told: Sequence[Told] = ()
) -> Sequence[Delivery | Exception]:
    """Job: writes what came of each. A webhook that cannot be reached rests with all that waits for it; one that
    answers 410 is paused. `told` hear in the same transaction of what was sent or is dead."""
    connection, now = transaction.connection, transaction.now
    known = store.lock(connection, {command.delivery.webhook_id for command in commands})
    changed: dict[UUID, Webhook] = {}
    settled: list[Delivery] = []

    def decide(command: Tried) -> Delivery:
        if command.answer is None:
            store.give_back(connection, command.delivery, now)
            return command.delivery
        webhook = known[command.delivery.webhook_id]
        row = settle(command.delivery, webhook, command.answer, now, command.pace, random.random())
        if webhook.status != "active" and row.state == "failed":
            row = replace(row, next_attempt=None)
            if webhook.status == "deleted":
                row = replace(row, state="dead", settled_at=now)
        if not store.settle(connection, row):
            return row
        if row.settled_at is not None:
            settled.append(row)
        failures = webhook.failures + 1 if command.answer.unreachable else 0
        after = replace(webhook, failures=failures)
        if command.answer.status == GONE and webhook.status == "active":
            after = replace(after, status="paused", status_reason="410")
            store.suspend(connection, webhook.id)
        elif command.answer.unreachable:
            settled.extend(store.give_up(connection, webhook.id, now, "expired", expired=True))
            if row.next_attempt is not None:
                store.rest(connection, webhook.id, row.next_attempt)
        if after != webhook:
            known[webhook.id] = changed[webhook.id] = after
        return row

    results = decided(commands, decide)
    store.save(connection, changed.values())
    for hear in told:
        if settled:
            hear(transaction, settled)
    return results


def prune(transaction: Transaction, commands: Sequence[None]) -> Sequence[int]:
    """Job: drops what was settled so long ago that nobody asks: how many."""
    return [store.prune(transaction.connection, transaction.now - KEPT) for _ in commands]
