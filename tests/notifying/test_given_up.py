"""A delivery that is given up is an alert, in the queue of whoever answers for the place."""

from uuid import UUID, uuid4

from app.domain.rights import Principal, Role
from app.overseeing import note_given_up
from app.store import webhooks as store
from app.store.engine import writing
from app.web.service import Service
from tests.notifying.conftest import Office, Start, until
from tests.notifying.receiver import Receiver, die, in_turn, receiving
from tests.support.cast import Cast


def of(cast: Cast) -> Principal:
    return Principal(uuid4(), Role.VENDOR, UUID(cast.stall.party["id"]), None, None, None)


def raised(cast: Cast) -> list[dict[str, object]]:
    items: list[dict[str, object]] = cast.market.get("/alerts?slug=webhook_given_up").json()["items"]
    return items


def test_what_is_given_up_is_an_alert_of_its_day(
    cast: Cast, service: Service, start: Start, receiver: Receiver
) -> None:
    office = Office(service.engine, service.writer)
    receiver.behave = in_turn(500)
    webhook = office.register(receiver, of(cast), "/hook?token=secret")
    office.post(webhook, "1", "2")
    start(receiver, told=[note_given_up])
    office.settled(webhook, dead=2)
    [alert] = raised(cast)
    assert (alert["site_id"], alert["party_id"], alert["severity"]) == (
        cast.stall.site["id"], cast.stall.party["id"], "warning",
    )  # fmt: skip
    assert "127.0.0.1: HTTP 500" in str(alert["detail"])
    assert "secret" not in str(alert["detail"])
    assert cast.regulator.get("/alerts?slug=webhook_given_up").json()["items"] == [alert]
    assert cast.other_regulator.get("/alerts?slug=webhook_given_up").json()["items"] == []


def test_what_nobody_took_in_time_is_heard_of_as_well(cast: Cast, service: Service, start: Start) -> None:
    office, heard = Office(service.engine, service.writer), list[str]()
    with receiving(die) as receiver:
        webhook = office.register(receiver, of(cast))
        office.post(webhook, "1", "2", "3")
        with writing(service.engine) as connection:
            connection.execute(store._delivery.update().values(expires=webhook.record_time))
        start(receiver, told=[note_given_up, lambda _, rows: heard.extend(row.subject for row in rows)])
        office.settled(webhook, dead=3)
    until(lambda: sorted(heard) == ["1", "2", "3"])
    assert len(raised(cast)) == 1


def test_nobody_is_told_of_a_webhook_that_was_deleted_or_took_it(
    cast: Cast, service: Service, start: Start, receiver: Receiver
) -> None:
    office = Office(service.engine, service.writer)
    webhook = office.register(receiver, of(cast))
    office.post(webhook, "1")
    start(receiver, told=[note_given_up])
    [row] = office.settled(webhook, sent=1)
    with writing(service.engine) as connection:
        connection.execute(store._hook.update().values(status="deleted"))
    dead = [type(row)(*(getattr(row, name) if name != "state" else "dead" for name in row.__slots__))]
    service.writer.submit(lambda transaction, lists: [note_given_up(transaction, each) for each in lists], dead)
    assert raised(cast) == []
