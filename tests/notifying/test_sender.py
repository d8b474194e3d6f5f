"""What becomes of deliveries whose receivers fail, stall, redirect, flood, die; and of those that two senders see."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine

from app import notifying
from app.domain.webhooks import Delivery, Pace
from app.notifying import outbox
from app.store import tables
from app.store.engine import reading, writing
from app.store.errors import StoreUnavailable
from app.store.writer import Transaction, Writer
from tests.notifying.conftest import FAST, Office, Start, owner, until
from tests.notifying.receiver import Receiver, answer, die, drip, flood, in_turn, receiving, stall


def test_a_message_arrives_once_in_the_order_of_its_posting(office: Office, start: Start, receiver: Receiver) -> None:
    webhook = office.register(receiver)
    office.post(webhook, "1", "2")
    office.post(webhook, "2", "3")
    start(receiver)
    office.settled(webhook, sent=3)
    assert [json.loads(each.body)["data"] for each in receiver.got] == [{"number": n} for n in "123"]
    assert json.loads(receiver.got[0].body)["type"] == "recall.notice"
    assert [each.id for each in receiver.got] == [str(row.id) for row in office.deliveries(webhook)]
    assert receiver.got[0].headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "authorization" not in receiver.got[0].headers
    assert office.webhook(webhook.id).failures == 0


def test_nobody_is_told_what_they_did_not_ask_for(office: Office, start: Start, receiver: Receiver) -> None:
    webhook = office.register(receiver)
    office.post(webhook, "1", topic="epcis.events")
    assert office.deliveries(webhook) == []


def test_a_failing_receiver_is_tried_again_until_it_takes_it(office: Office, start: Start, receiver: Receiver) -> None:
    receiver.behave = in_turn(500, 503, 204)
    webhook = office.register(receiver)
    office.post(webhook, "1")
    start(receiver)
    [row] = office.settled(webhook, sent=1)
    assert (row.attempts, row.last_status, row.last_error) == (3, 204, None)
    assert len({each.id for each in receiver.got}) == 1


def test_one_that_is_never_taken_is_dead_and_can_be_sent_again(
    office: Office, start: Start, receiver: Receiver, writer: Writer
) -> None:
    who = owner()
    receiver.behave = in_turn(500)
    webhook = office.register(receiver, who)
    office.post(webhook, "1")
    counted: Counter[str] = Counter()
    sender = start(receiver, count=lambda name: counted.update([name]))
    [row] = office.settled(webhook, dead=1)
    assert (row.attempts, row.last_error, row.next_attempt) == (FAST.attempts, "HTTP 500", None)
    until(lambda: counted == {"deliveries_failed": 3, "deliveries_dead": 1})
    receiver.behave = in_turn(200)
    again = writer.submit(notifying.retry_deliveries, notifying.Retry(who, webhook.id, row.id))
    assert (again.id, again.state, again.attempts) == (row.id, "pending", 0)
    sender.wake()
    office.settled(webhook, sent=1)


def test_what_nobody_took_in_time_is_dead_with_all_that_waits_behind_it(
    office: Office, start: Start, engine: Engine
) -> None:
    with receiving(die) as receiver:
        webhook = office.register(receiver)
        office.post(webhook, "1", "2", "3")
        with writing(engine) as connection:
            connection.execute(tables.delivery.update().values(expires=webhook.record_time))
        start(receiver)
        rows = office.settled(webhook, dead=3)
        assert len(receiver.got) == 1
        assert {row.last_error for row in rows} == {"RemoteProtocolError", "expired"}


def test_a_stalled_receiver_makes_nobody_else_wait(office: Office, start: Start, receiver: Receiver) -> None:
    with receiving(stall) as stalled:
        slow, good = office.register(stalled), office.register(receiver)
        office.post(slow, *(str(number) for number in range(20)))
        office.post(good, *(str(number) for number in range(20)))
        start(stalled, receiver, seconds=3, pace=Pace(first=60))
        office.settled(good, sent=20)
        rows = office.settled(slow, failed=1, pending=19)
        assert [row.last_error for row in rows if row.state == "failed"] == ["timeout"]
        assert len({row.next_attempt for row in rows}) == 1, "the others do not wait with it"
        assert len(stalled.got) == 1


@pytest.mark.parametrize(
    ("behave", "error"),
    [(die, "RemoteProtocolError"), (drip, "timeout"), (stall, "timeout")],
    ids=["die", "drip", "stall"],
)
def test_a_receiver_that_breaks_off_is_tried_again(office: Office, start: Start, behave: object, error: str) -> None:
    with receiving(behave) as receiver:  # type: ignore[arg-type]
        webhook = office.register(receiver)
        office.post(webhook, "1")
        start(receiver, seconds=0.3)
        [row] = office.settled(webhook, dead=1)
        assert (row.last_error, row.last_status) == (error, None)
        assert len(receiver.got) == FAST.attempts
        assert office.webhook(webhook.id).failures == FAST.attempts


def test_nobody_listens(office: Office, start: Start) -> None:
    with receiving() as receiver:
        pass
    webhook = office.register(receiver)
    office.post(webhook, "1")
    start(receiver)
    [row] = office.settled(webhook, dead=1)
    assert row.last_error == "ConnectError"


def test_redirects_are_not_followed(office: Office, start: Start, receiver: Receiver) -> None:
    with receiving(lambda handler: answer(handler, 307, Location=f"{receiver.origin}/hook")) as sly:
        webhook = office.register(sly)
        office.post(webhook, "1")
        start(sly, receiver)
        [row] = office.settled(webhook, dead=1)
        assert (row.last_error, receiver.got) == ("HTTP 307", [])


def test_of_a_body_of_a_gigabyte_a_little_is_read(office: Office, start: Start) -> None:
    with receiving(flood) as receiver:
        webhook = office.register(receiver)
        office.post(webhook, "1")
        start(receiver)
        [row] = office.settled(webhook, sent=1)
        assert row.last_status == 200
        assert receiver.written < 100_000_000  # what the kernel's buffers took


def test_a_receiver_that_wants_no_more_is_paused_and_what_waits_is_kept(
    office: Office, start: Start, receiver: Receiver, writer: Writer
) -> None:
    who = owner()
    receiver.behave = in_turn(410)
    webhook = office.register(receiver, who)
    office.post(webhook, "1", "2")
    sender = start(receiver)
    rows = office.settled(webhook, dead=1, pending=1)
    assert [row.next_attempt for row in rows] == [None, None]
    assert (office.webhook(webhook.id).status, office.webhook(webhook.id).status_reason) == ("paused", "410")
    office.post(webhook, "3")
    receiver.behave = in_turn(200)
    writer.submit(notifying.change_webhooks, notifying.ChangeWebhook(who, webhook.id, status="active"))
    sender.wake()
    office.settled(webhook, dead=1, sent=2)


def test_who_asks_for_time_is_given_it(office: Office, start: Start, receiver: Receiver) -> None:
    receiver.behave = lambda handler: answer(handler, 429, Retry_After="3600")
    webhook = office.register(receiver)
    office.post(webhook, "1", "2")
    start(receiver, pace=Pace(first=1, longest=1800))
    rows = office.settled(webhook, failed=1, pending=1)
    assert rows[0].next_attempt is not None
    assert 1700 < (rows[0].next_attempt - rows[0].record_time).total_seconds() < 1900  # no longer than the longest
    assert rows[1].next_attempt == rows[0].next_attempt


def test_a_deleted_webhook_gets_nothing_more_even_of_what_is_on_its_way(
    office: Office, start: Start, receiver: Receiver, writer: Writer
) -> None:
    who = owner()
    webhook = office.register(receiver, who)
    noted: list[str] = []

    def delete(handler: object) -> None:
        writer.submit(notifying.change_webhooks, notifying.ChangeWebhook(who, webhook.id, status="deleted"))
        answer(handler, 500)  # type: ignore[arg-type]

    receiver.behave = delete
    office.post(webhook, "1", "2")
    start(receiver, count=noted.append)
    until(lambda: noted == ["deliveries_dead"])
    office.settled(webhook, dead=2)
    assert len(receiver.got) == 1


def test_a_paused_webhook_is_not_sent_to_even_what_has_just_failed(
    office: Office, start: Start, receiver: Receiver, writer: Writer
) -> None:
    who = owner()
    webhook = office.register(receiver, who)

    def pause(handler: object) -> None:
        writer.submit(notifying.change_webhooks, notifying.ChangeWebhook(who, webhook.id, status="paused"))
        answer(handler, 500)  # type: ignore[arg-type]

    receiver.behave = pause
    office.post(webhook, "1", "2")
    noted: list[str] = []
    start(receiver, count=noted.append)
    until(lambda: noted == ["deliveries_failed"])
    rows = office.settled(webhook, failed=1, pending=1)
    assert [row.next_attempt for row in rows] == [None, None]
    assert len(receiver.got) == 1


def test_two_senders_share_the_work_and_double_nothing(
    office: Office, start: Start, receiver: Receiver, engine: Engine
) -> None:
    webhooks = [office.register(receiver, path=f"/{number}") for number in range(20)]
    for webhook in webhooks:
        office.post(webhook, "1", "2", "3")
    other = Writer(engine)
    try:
        start(receiver)
        start(receiver, writer=other)
        for webhook in webhooks:
            office.settled(webhook, sent=3)
    finally:
        other.close()
    assert sorted(Counter(each.id for each in receiver.got).values()) == [1] * 60


def test_a_sender_that_ends_gives_back_what_it_was_sending(office: Office, start: Start) -> None:
    with receiving(stall) as receiver:
        webhook = office.register(receiver)
        office.post(webhook, "1")
        sender = start(receiver)
        receiver.wait(1)
        sender.close()
        [row] = office.deliveries(webhook)
        assert (row.state, row.attempts) == ("pending", 0)
        receiver.behave = in_turn(200)
        start(receiver)
        office.settled(webhook, sent=1)
        assert [each.id for each in receiver.got] == [str(row.id)] * 2


def test_whoever_was_overtaken_writes_nothing(office: Office, start: Start, engine: Engine) -> None:
    """A process that was stopped while it sent: its lease ended, another has sent it."""
    with receiving(stall) as receiver:
        webhook = office.register(receiver)
        office.post(webhook, "1")
        noted: list[str] = []
        start(receiver, seconds=0.5, count=noted.append)
        receiver.wait(1)
        sent = tables.delivery.update().values(state="sent", attempts=2, next_attempt=None)
        with writing(engine) as connection:
            connection.execute(sent)
        until(lambda: noted == ["deliveries_failed"])
        [row] = office.deliveries(webhook)
        assert (row.state, row.attempts, row.last_error) == ("sent", 2, None)


def test_others_hear_in_the_same_transaction_of_what_was_sent_or_is_dead(
    office: Office, start: Start, receiver: Receiver
) -> None:
    told: list[tuple[str, str]] = []

    def hear(_: Transaction, rows: list[Delivery]) -> None:
        told.extend((row.subject, row.state) for row in rows)

    receiver.behave = in_turn(500, 500, 500, 500, 200)
    webhook = office.register(receiver)
    office.post(webhook, "1")
    sender = start(receiver, told=[hear])
    office.settled(webhook, dead=1)
    office.post(webhook, "2")
    sender.wake()
    office.settled(webhook, dead=1, sent=1)
    assert told == [("1", "dead"), ("2", "sent")]


def test_what_was_settled_long_ago_is_dropped(
    office: Office, start: Start, receiver: Receiver, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = office.register(receiver)
    office.post(webhook, "1", "2")
    sender = start(receiver)
    rows = office.settled(webhook, sent=2)
    sender.close()
    long_ago = rows[0].record_time.replace(year=2020)
    with writing(engine) as connection:
        connection.execute(
            tables.delivery.update().where(tables.delivery.c.id == rows[0].id).values(settled_at=long_ago)
        )
    monkeypatch.setattr("app.notifying.sender.PRUNE_SECONDS", -1)
    start(receiver)
    office.settled(webhook, sent=1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("error", [StoreUnavailable("no database"), RuntimeError("a fault of ours")])
def test_a_sender_that_could_not_look_looks_again(
    office: Office, start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    looks = iter([error])

    def looking(engine: Engine) -> AbstractContextManager[Connection]:
        if (trouble := next(looks, None)) is not None:
            raise trouble
        return reading(engine)

    monkeypatch.setattr("app.notifying.sender.reading", looking)
    monkeypatch.setattr("app.notifying.sender.IDLE", 0.1)
    webhook = office.register(receiver)
    office.post(webhook, "1")
    start(receiver)
    office.settled(webhook, sent=1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_could_not_be_leased_is_leased_later(
    office: Office, start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.notifying.sender.IDLE", 0.1)
    troubles = iter([True])

    def take(transaction: Transaction, keys: Sequence[tuple[UUID, UUID]]) -> object:
        if next(troubles, False):
            raise StoreUnavailable("no database")
        return outbox_take(transaction, keys)

    outbox_take = outbox.take
    monkeypatch.setattr(outbox, "take", take)
    webhook = office.register(receiver)
    office.post(webhook, "1")
    start(receiver)
    office.settled(webhook, sent=1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_fault_of_ours_is_a_failed_try(
    office: Office, start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("app.notifying.sending.send", send)
    webhook = office.register(receiver)
    office.post(webhook, "1")
    start(receiver)
    [row] = office.settled(webhook, dead=1)
    assert (row.last_error, row.attempts) == ("internal error", FAST.attempts)
    assert "a fault of ours" in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_came_of_it_cannot_be_noted(
    office: Office, start: Start, receiver: Receiver, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """It is leased still, and sent again when that has ended."""
    other = Writer(engine)

    def close(handler: object) -> None:
        other.close()
        answer(handler, 204)  # type: ignore[arg-type]

    receiver.behave = close
    webhook = office.register(receiver)
    office.post(webhook, "1")
    sender = start(receiver, writer=other)
    until(lambda: "cannot be noted" in caplog.text)
    sender.close()
    [row] = office.deliveries(webhook)
    assert (row.state, row.attempts) == ("pending", 1)
    assert row.next_attempt is not None
    assert row.next_attempt > row.record_time
