"""A sender at a test's pace, and webhooks of nobody in particular."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app import notifying
from app.domain.rights import Principal, Role
from app.domain.webhooks import Delivery, Pace, Reach, Webhook, reach
from app.notifying import Message, Sender
from app.store import webhooks as store
from app.store.engine import reading
from app.store.writer import Writer
from tests.notifying.receiver import PATIENCE, Receiver, receiving

MASTER = b"m" * 32
FAST = Pace(first=0.02, factor=2, longest=0.1, attempts=4)
LOOPBACK = (ip_network("127.0.0.0/8"),)


def reach_of(*receivers: Receiver) -> Reach:
    return reach([receiver.origin for receiver in receivers], LOOPBACK)


def owner() -> Principal:
    return Principal(uuid4(), Role.VENDOR, uuid4(), None, None, None)


class Office:
    """What the tests do: register, post, look."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.engine, self.writer = engine, writer

    def register(self, receiver: Receiver, who: Principal | None = None, path: str = "/hook") -> Webhook:
        command = notifying.RegisterWebhook(who or owner(), receiver.origin + path, ["recall"], reach_of(receiver))
        return self.writer.submit(notifying.register_webhooks, command).row

    def post(self, webhook: Webhook, *subjects: str, topic: str = "recall.notice") -> None:
        messages = [Message(webhook.owner_id, topic, subject, {"number": subject}) for subject in subjects]
        self.writer.submit(lambda transaction, lists: [notifying.post(transaction, each) for each in lists], messages)

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        with reading(self.engine) as snapshot:
            return store.deliveries_of(snapshot, webhook.id, None, 10_000)

    def webhook(self, key: UUID) -> Webhook:
        with reading(self.engine) as snapshot:
            return store.webhooks(snapshot, [key])[key]

    def settled(self, webhook: Webhook, **states: int) -> list[Delivery]:
        """The deliveries, as soon as there are so many in each state."""

        def counted() -> dict[str, int]:
            found = [row.state for row in self.deliveries(webhook)]
            return {state: found.count(state) for state in states}

        until(lambda: counted() == states, lambda: self.deliveries(webhook))
        return self.deliveries(webhook)


def until(done: Callable[[], bool], told: Callable[[], Any] = lambda: "it never came") -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, told()
        time.sleep(0.01)


@pytest.fixture
def office(engine: Engine, writer: Writer) -> Office:
    return Office(engine, writer)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


Start = Callable[..., Sender]


@pytest.fixture
def start(engine: Engine, writer: Writer) -> Iterator[Start]:
    """Starts a sender that reaches these receivers."""
    with ExitStack() as stack:

        def start(*receivers: Receiver, **options: Any) -> Sender:
            chosen = {"pace": FAST, "seconds": 10.0, "writer": writer, "reach": reach_of(*receivers), **options}
            sender = Sender(engine, chosen.pop("writer"), MASTER, chosen.pop("reach"), **chosen)
            sender.start()
            stack.callback(sender.close)
            return sender

        yield start
