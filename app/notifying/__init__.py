"""Telling other systems: who wants to be told what and where, the outbox, and the sender that empties it."""

from app.notifying.hooks import (
    ChangeWebhook,
    MadeWebhook,
    RegisterWebhook,
    Retry,
    TestWebhook,
    change_webhooks,
    find_webhook,
    list_deliveries,
    list_webhooks,
    register_webhooks,
    retry_deliveries,
    secret,
    test_webhooks,
)
from app.notifying.outbox import OUTBOX, Message, listeners, post
from app.notifying.sender import Sender

__all__ = [
    "OUTBOX",
    "ChangeWebhook",
    "MadeWebhook",
    "Message",
    "RegisterWebhook",
    "Retry",
    "Sender",
    "TestWebhook",
    "change_webhooks",
    "find_webhook",
    "list_deliveries",
    "list_webhooks",
    "listeners",
    "post",
    "register_webhooks",
    "retry_deliveries",
    "secret",
    "test_webhooks",
]
