"""Webhooks, and what is to be delivered to them."""

from sqlalchemy import Column, Index, Integer, String, Text

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

webhook = table(
    "webhook",
    "replicated",
    Column("id", Id, primary_key=True),  # of owner and url: the same again is one row
    Column("owner_id", Id, nullable=False),  # a party, or the office of a regulator or of the operator
    Column("url", String, nullable=False),
    Column("events", Json, nullable=False),
    Column("status", String, nullable=False),
    Column("status_reason", String),
    Column("version", Integer, nullable=False),
    Column("rotated_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, webhook.c.owner_id)
Index(None, webhook.c.record_time, webhook.c.id)

delivery = table(
    "delivery",
    "webhook_id",
    Column("webhook_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),  # of webhook, topic and subject: told once, sent until it is taken
    Column("topic", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", Instant),
    Column("expires", Instant, nullable=False),
    Column("last_status", Integer),
    Column("last_error", String),
    Column("record_time", Instant, nullable=False),
    Column("settled_at", Instant),
)
Index(None, delivery.c.next_attempt)
Index(None, delivery.c.settled_at)
Index(None, delivery.c.webhook_id, delivery.c.next_attempt)
Index(None, delivery.c.webhook_id, delivery.c.record_time, delivery.c.id)
