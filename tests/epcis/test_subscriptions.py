"""Subscriptions by webhook: every event once and in order, for whom it is, as long as it is."""

import base64
import hashlib
import hmac
import json
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from app.domain.epcis.context import context_of
from app.domain.epcis.exceptions import NoSuchNameException
from app.domain.epcis.validate import validate_document
from app.domain.epcis.writing import CONTEXT
from app.domain.rights import Principal, Role
from app.exchanging import subscribing
from app.exchanging.xml import read_xml
from app.settings import Settings
from app.store import tables
from app.store.engine import reading, writing
from app.store.writer import Writer
from app.web.service import Service
from tests.epcis.listening import arrival, bring, heard, named, names, reaching, subscribed, taken
from tests.epcis.shown import faults
from tests.notifying.conftest import until
from tests.notifying.receiver import Receiver, answer, in_turn
from tests.support.cast import Actor, Cast
from tests.support.epcis import told
from tests.support.freshness import settled


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    return reaching(settings, receiver)


def state(service: Service) -> dict[str, Any]:
    """The only subscription's row."""
    with reading(service.engine) as snapshot:
        return dict(snapshot.execute(select(tables.epcis_subscription)).one()._mapping)


def at_rest(service: Service) -> bool:
    """Whether everything there is was looked at, and nobody is at it."""
    with reading(service.engine) as snapshot:
        last = max(snapshot.scalars(select(tables.epcis_event.c.position)), default=0)
    return bool(state(service)["position"] == last)


def test_events_are_told_once_in_order_and_signed(
    cast: Cast, receiver: Receiver, service: Service, vectors: Path
) -> None:
    bring(cast.market, "before")
    query = named(cast.market, "arrivals", {"EQ_bizStep": ["receiving"]})
    place = subscribed(cast.market, query, f"{receiver.origin}/hook?x=1", signatureToken="秘密")
    bring(cast.market, "a", "b")
    bring(cast.market, "left", step="shipping")
    bring(cast.market, "c")
    until(lambda: len(heard(receiver.got)) == 3)
    assert heard(receiver.got) == ["a", "b", "c"]
    for got in receiver.got:
        message = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
        mac = base64.b64encode(hmac.new("秘密".encode(), message, hashlib.sha256).digest()).decode()
        assert got.headers["gs1-signature"] == got.headers["webhook-signature"] == f"v1,{mac}"
        assert got.path == "/hook?x=1"
        told = json.loads(got.body)
        assert faults(vectors, told) == []
        results = told["epcisBody"]["queryResults"]
        assert (results["queryName"], results["subscriptionID"]) == ("arrivals", place.rpartition("/")[2])
        assert told["@context"][1] == {"ex": "https://ns.example.com/epcis/"}
    assert len({got.id for got in receiver.got}) == len(receiver.got)
    until(lambda: at_rest(service))
    row = cast.market.get(place).json()
    assert row["onecode:status"] == "active"
    assert row["lastNotifiedAt"] > row["createdAt"]
    assert row["stream"] is True
    assert "signatureToken" not in row
    assert "s3cret" not in json.dumps(row)
    assert state(service)["token"] != "秘密".encode()
    settled(service)
    assert len(receiver.got) <= 3


def test_native_events_are_told_as_well(cast: Cast, receiver: Receiver, service: Service, vectors: Path) -> None:
    subscribed(cast.farm, named(cast.farm), f"{receiver.origin}/farm")
    greens = cast.product("小白菜", gtin="06901234567892")
    cast.farm.record("produce", outputs=[cast.output(greens, "100", lot_number="L1")])
    [got] = receiver.wait(1)
    told = json.loads(got.body)
    assert faults(vectors, told) == []
    [event] = told["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert event["bizStep"] == "commissioning"
    assert event["eventID"]
    assert event["recordTime"]


def test_a_subscription_is_listed_read_and_deleted(cast: Cast, receiver: Receiver) -> None:
    query = named(cast.market)
    one = subscribed(cast.market, query, receiver.origin, epcFormat="Always_EPC_URN")
    other = subscribed(
        cast.market, query, receiver.origin, reportIfEmpty=True,
        schedule={"hour": "1", "minute": "5", "timeZone": "Asia/Shanghai"},
        initialRecordTime="2026-11-01T08:00:00.123456+08:00",
    )  # fmt: skip
    listed = cast.market.get(f"{query}/subscriptions").json()
    assert [f"{query}/subscriptions/{row['subscriptionID']}" for row in listed] == [one, other]
    assert listed == [cast.market.get(one).json(), cast.market.get(other).json()]
    assert listed[0]["epcFormat"] == "Always_EPC_URN"
    assert listed[1]["schedule"] == {"hour": "1", "minute": "5", "timeZone": "Asia/Shanghai"}
    assert listed[1]["reportIfEmpty"] is True
    assert listed[1]["initialRecordTime"] == "2026-11-01T00:00:00.123456Z"
    discovered = cast.market.request("OPTIONS", one).headers
    assert discovered["allow"] == "GET, HEAD, OPTIONS, PATCH, DELETE"
    assert [row["minRecordTime"] for row in listed] == [listed[0]["createdAt"], listed[1]["initialRecordTime"]]
    assert datetime.fromisoformat(discovered["gs1-query-min-record-time"]) == datetime.fromisoformat(
        listed[0]["createdAt"]
    )
    for nobodys in (f"{query}/subscriptions/x", f"/epcis/queries/none{one.removeprefix(query)}"):
        assert "gs1-query-min-record-time" not in cast.market.request("OPTIONS", nobodys).headers
    assert cast.market.request("DELETE", one).status_code == 204
    gone = cast.market.get(one)
    assert (gone.status_code, gone.json()["type"]) == (404, "epcisException:NoSuchResourceException")
    assert cast.market.request("DELETE", one).status_code == 404
    assert cast.market.request("DELETE", query).status_code == 204
    assert cast.market.get(other).status_code == 404
    # A query of the same name is another one.
    named(cast.market)
    assert cast.market.get(f"{query}/subscriptions").json() == []


def test_nobody_sees_or_ends_anothers(cast: Cast, receiver: Receiver) -> None:
    query = named(cast.market)
    place = subscribed(cast.market, query, receiver.origin)
    for actor in (cast.stall, cast.other_stall, cast.regulator, cast.admin):
        for method, path in (("GET", place), ("DELETE", place), ("GET", f"{query}/subscriptions"), ("DELETE", query)):
            assert actor.request(method, path).status_code == 404
        assert actor.patch(place, {"status": "paused"}).status_code == 404
        # Nor under a query of its own of that name.
        named(actor)
        for method in ("GET", "DELETE"):
            assert actor.request(method, place).status_code == 404
        assert actor.patch(place, {"status": "paused"}).status_code == 404
    assert cast.market.get(place).json()["onecode:status"] == "active"


def test_everybody_is_told_what_is_theirs_to_read(cast: Cast, receiver: Receiver) -> None:
    for actor, name in ((cast.farm, "farm"), (cast.market, "market"), (cast.admin, "admin")):
        subscribed(actor, named(actor), f"{receiver.origin}/{name}")
    bring(cast.farm, "of-the-farm")
    bring(cast.market, "of-the-market")

    def of(name: str) -> list[str]:
        return heard(got for got in receiver.got if got.path == f"/{name}")

    until(lambda: of("admin") == ["of-the-farm", "of-the-market"])
    until(lambda: of("farm") == ["of-the-farm"] and of("market") == ["of-the-market"])


def test_a_receiver_that_is_down_misses_nothing(cast: Cast, receiver: Receiver, service: Service) -> None:
    receiver.behave = in_turn(500)
    place = subscribed(cast.market, named(cast.market), receiver.origin)
    bring(cast.market, "a")
    receiver.wait(1)
    bring(cast.market, "b")
    until(lambda: cast.market.get(place).json()["onecode:failures"] == 1)
    row = cast.market.get(place).json()
    assert (row["onecode:status"], row["onecode:statusReason"]) == ("active", "HTTP 500")
    assert "lastNotifiedAt" not in row
    receiver.behave = in_turn(204)
    receiver.got.clear()
    _soon(service)
    until(lambda: heard(receiver.got) == ["a", "b"])
    until(lambda: at_rest(service))
    assert state(service)["failures"] == 0


def _soon(service: Service) -> None:
    """What waits for its next try is tried now."""
    c = tables.epcis_subscription.c
    with writing(service.engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(due=c.record_time))
    service.pusher.wake()


def test_the_same_events_are_the_same_delivery(cast: Cast, receiver: Receiver, service: Service) -> None:
    receiver.behave = in_turn(500, 204)
    subscribed(cast.market, named(cast.market), receiver.origin)
    taken(cast.market, arrival("a"), arrival("b"))
    receiver.wait(1)
    until(lambda: state(service)["failures"] == 1)
    _soon(service)
    first, second = receiver.wait(2)
    assert first.id == second.id
    assert heard([first]) == heard([second])
    assert sorted(heard([first])) == ["a", "b"]


@pytest.mark.parametrize("status", [410, 500])
def test_one_that_fails_for_long_is_paused_with_an_alert_and_goes_on_from_there(
    cast: Cast, receiver: Receiver, service: Service, status: int
) -> None:
    receiver.behave = in_turn(status)
    place = subscribed(cast.market, named(cast.market), receiver.origin)
    with writing(service.engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(failures=0 if status == 410 else 15))
    bring(cast.market, "a")
    until(lambda: cast.market.get(place).json()["onecode:status"] == "paused")
    assert cast.market.get(place).json()["onecode:statusReason"] == f"HTTP {status}"
    [alert] = cast.market.get("/alerts", params={"slug": "subscription_paused"}).json()["items"]
    assert receiver.origin in alert["detail"]
    assert cast.other_stall.get("/alerts", params={"slug": "subscription_paused"}).json()["items"] == []
    receiver.behave = in_turn(204)
    bring(cast.market, "b")
    receiver.got.clear()
    answered = cast.market.patch(place, {"status": "active"})
    assert (answered.status_code, answered.json()["onecode:status"]) == (200, "active")
    until(lambda: heard(receiver.got) == ["a", "b"])
    assert cast.market.patch(place, {"status": "gone"}).status_code == 400


def test_a_paused_one_rests(cast: Cast, receiver: Receiver, service: Service) -> None:
    place = subscribed(cast.market, named(cast.market), f"{receiver.origin}/paused")
    assert cast.market.patch(place, {"status": "paused"}).json()["onecode:status"] == "paused"
    assert cast.market.patch(place, {"status": "paused"}).status_code == 200
    other = named(cast.market, "other")
    subscribed(cast.market, other, f"{receiver.origin}/other")
    bring(cast.market, "a")
    until(lambda: [got.path for got in receiver.got] == ["/other"])
    cast.market.patch(place, {"status": "active"})
    until(lambda: [got.path for got in receiver.got] == ["/other", "/paused"])


def test_a_receiver_that_takes_less_gets_less_at_a_time(cast: Cast, receiver: Receiver, service: Service) -> None:
    def small(handler: Any) -> None:
        answer(handler, 413 if len(names(json.loads(receiver.got[-1].body))) > 2 else 204)

    receiver.behave = small
    subscribed(cast.market, named(cast.market), receiver.origin)
    bring(cast.market, *"abcdefg")
    until(lambda: at_rest(service))
    batches = [names(json.loads(got.body)) for got in receiver.got]
    assert [name for batch in batches if len(batch) <= 2 for name in batch] == list("abcdefg")
    # A single event that is too large is a failure.
    receiver.behave = in_turn(413)
    bring(cast.market, "large")
    until(lambda: state(service)["failures"] == 1)


def test_from_an_earlier_time_on(cast: Cast, receiver: Receiver, service: Service) -> None:
    bring(cast.market, "early")
    with reading(service.engine) as snapshot:
        recorded = snapshot.execute(select(tables.epcis_event.c.record_time)).scalar_one()
    bring(cast.market, "later")
    query = named(cast.market)
    subscribed(cast.market, query, f"{receiver.origin}/all", initialRecordTime=recorded.isoformat())
    with reading(service.engine) as snapshot:
        latest = max(snapshot.scalars(select(tables.epcis_event.c.record_time)))
    subscribed(cast.market, query, f"{receiver.origin}/late", initialRecordTime=latest.isoformat())
    subscribed(cast.market, query, f"{receiver.origin}/never", initialRecordTime="2099-01-01T00:00:00Z")
    bring(cast.market, "new")

    def of(name: str) -> list[str]:
        return heard(got for got in receiver.got if got.path == f"/{name}")

    until(lambda: of("all") == ["early", "later", "new"] and of("late") == ["later", "new"])
    newest = told(cast.market, orderBy="recordTime", eventCountLimit="1")[0]["recordTime"]
    heard_of_it = datetime.fromisoformat(newest)

    def least() -> list[datetime]:
        rows = cast.market.get(f"{query}/subscriptions").json()
        return [datetime.fromisoformat(row["minRecordTime"]) for row in rows[:2]]

    until(lambda: least() == [heard_of_it, heard_of_it])
    assert of("never") == []


def test_a_schedule_tells_what_came_since(cast: Cast, receiver: Receiver, service: Service) -> None:
    query = named(cast.market)
    yearly = {"month": "2", "dayOfMonth": "29"}
    subscribed(cast.market, query, receiver.origin, schedule=yearly, reportIfEmpty=True)
    bring(cast.market, "a")
    until(lambda: state(service)["turn"] == 0)
    assert receiver.got == []
    _soon(service)
    receiver.wait(1)
    assert heard(receiver.got) == ["a"]
    until(lambda: f"{state(service)['due']:%m-%d %H:%M:%S}" == "02-29 00:00:00")
    assert len(receiver.got) == 1
    _soon(service)  # there is nothing new
    assert names(json.loads(receiver.wait(2)[1].body)) == []
    until(lambda: f"{state(service)['due']:%m-%d %H:%M:%S}" == "02-29 00:00:00")
    with writing(service.engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(report_if_empty=False))
    turn = state(service)["turn"]
    _soon(service)
    until(lambda: state(service)["turn"] == turn + 1 and f"{state(service)['due']:%m-%d}" == "02-29")
    assert len(receiver.got) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_empty_report_is_valid(cast: Cast, receiver: Receiver, service: Service, vectors: Path) -> None:
    subscribed(cast.market, named(cast.market), receiver.origin, schedule={"second": "[0-59]"}, reportIfEmpty=True)
    [got, *_] = receiver.wait(1)
    assert faults(vectors, json.loads(got.body)) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_formats_are_as_asked(cast: Cast, receiver: Receiver) -> None:
    query = named(cast.market)
    for format_ in ("Always_EPC_URN", "Never_Translates"):
        subscribed(cast.market, query, f"{receiver.origin}/{format_}", epcFormat=format_)
    subscribed(cast.market, query, f"{receiver.origin}/default")
    header = {"GS1-EPC-Format": "Always_EPC_URN"}
    form = {"dest": f"{receiver.origin}/header", "stream": True}
    assert cast.market.request("POST", f"{query}/subscriptions", json=form, headers=header).status_code == 201
    bring(cast.market, "a")
    got = {each.path[1:]: each for each in receiver.wait(4)}
    classes = {
        path: json.loads(each.body)["epcisBody"]["queryResults"]["resultsBody"]["eventList"][0]["quantityList"][0][
            "epcClass"
        ]
        for path, each in got.items()
    }
    urn, link = "urn:epc:class:lgtin:4012345.012345.a", "https://id.gs1.org/01/04012345123456/10/a"
    assert classes == {"Always_EPC_URN": urn, "Never_Translates": urn, "header": urn, "default": link}
    assert "gs1-signature" not in got["header"].headers  # nobody gave a token
    assert "gs1-signature" in got["default"].headers
    older = {"dest": f"{receiver.origin}/older", "stream": True, "secret": "s"}
    assert cast.market.post(f"{query}/subscriptions", older).status_code == 201
    bring(cast.market, "b")
    receiver.wait(9)
    (told,) = (each for each in receiver.got if each.path == "/older")
    message = f"{told.id}.{told.headers['webhook-timestamp']}.".encode() + told.body
    mac = base64.b64encode(hmac.new(b"s", message, hashlib.sha256).digest()).decode()
    assert told.headers["gs1-signature"] == f"v1,{mac}"
    assert "webhook-id" in got["header"].headers


def test_names_mean_what_they_meant_where_they_came_from(cast: Cast, receiver: Receiver) -> None:
    """Two documents use one prefix for two namespaces."""
    subscribed(cast.market, named(cast.market), receiver.origin)
    one = [CONTEXT, {"ex": "https://one.example/"}]
    taken(cast.market, arrival("a", **{"ex:note": "1"}), **{"@context": one})
    taken(cast.market, arrival("b", **{"ex:note": "2"}))
    until(lambda: sorted(heard(receiver.got)) == ["a", "b"])
    meant = {
        (event["eventID"], context_of(told).with_event(event).full_name("ex:note"), event["ex:note"])
        for told in (json.loads(got.body) for got in receiver.got)
        for event in told["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    }
    ids = [arrival(name)["eventID"] for name in "ab"]
    assert meant == {(ids[0], "{https://one.example/}note", "1"), (ids[1], "{https://ns.example.com/epcis/}note", "2")}


def test_who_is_locked_or_has_no_key_is_told_when_it_may_be(cast: Cast, receiver: Receiver, service: Service) -> None:
    place = subscribed(cast.stall, named(cast.stall), receiver.origin)
    party = cast.stall.party["id"]
    assert cast.admin.patch(f"/parties/{party}", {"status": "locked", "status_reason": "x"}).status_code == 200
    with writing(service.engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(position=-1))
    service.pusher.wake()
    until(lambda: state(service)["reason"] == "party-locked")
    assert cast.admin.patch(f"/parties/{party}", {"status": "active"}).status_code == 200
    with writing(service.engine) as connection:
        connection.execute(tables.api_key.update().where(tables.api_key.c.role == "vendor").values(status="revoked"))
    _soon(service)
    until(lambda: state(service)["reason"] == "key-revoked")
    with writing(service.engine) as connection:
        connection.execute(tables.api_key.update().values(status="active"))
    _soon(service)
    until(lambda: state(service)["reason"] is None)
    settled(service)
    bring(cast.farm, "not-for-the-stall")
    assert cast.stall.get(place).json()["onecode:status"] == "active"
    assert receiver.got == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("form", "status", "exception"),
    [
        ({"stream": True}, 400, "SubscriptionControls"),
        ({"dest": "", "stream": True}, 400, "SubscriptionControls"),
        ({"dest": 5, "stream": True}, 400, "SubscriptionControls"),
        ({"dest": "ftp://e.cn/", "stream": True}, 400, "SubscriptionControls"),
        ({"dest": "https://user:x@e.cn/", "stream": True}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/" + "x" * 500, "stream": True}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True}, 403, "Security"),
        ({"dest": "http://127.0.0.1:1/", "stream": True}, 403, "Security"),
        ({"dest": "http://169.254.169.254/", "stream": True}, 403, "Security"),
        ({"dest": "http://[::1]/", "stream": True}, 403, "Security"),
        ({"dest": "http://2130706433/", "stream": True}, 403, "Security"),
        ({"dest": "https://e.cn/"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": False}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": "yes"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "schedule": {"hour": "1"}}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "schedule": {}}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "schedule": "daily"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "schedule": {"hour": "25"}}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "reportIfEmpty": "maybe"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "reportIfEmpty": []}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "initialRecordTime": "noon"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "epcFormat": "Always"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "epcFormat": {}}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "cbvXmlFormat": "x"}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "signatureToken": 5}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "signatureToken": "x" * 257}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "secret": 5}, 400, "SubscriptionControls"),
        ({"dest": "https://e.cn/", "stream": True, "signature": "x"}, 400, "Validation"),
        ({"dest": "https://e.cn/", "schedule": {"hour": "1", "timeZone": "+08:00"}}, 400, "SubscriptionControls"),
        ([], 400, "Validation"),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(cast: Cast, form: Any, status: int, exception: str) -> None:
    query = named(cast.market)
    answered = cast.market.post(f"{query}/subscriptions", form)
    assert (answered.status_code, answered.json()["type"]) == (status, f"epcisException:{exception}Exception")
    assert " · " in answered.json()["detail"]
    assert cast.market.get(f"{query}/subscriptions").json() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_further_refusals(cast: Cast, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"dest": receiver.origin, "stream": True}
    assert cast.market.post("/epcis/queries/none/subscriptions", form).status_code == 404
    schedules = named(cast.market, "schedules")
    for schedule, pointer in (
        ({"hour": "25"}, "/schedule/hour"), ({"hour": "1", "timeZone": "+08:00"}, "/schedule/timeZone"),
        ({}, "/schedule"), ({"month": "2", "dayOfMonth": "30"}, "/schedule"),
    ):  # fmt: skip
        wrong = cast.market.post(f"{schedules}/subscriptions", {"dest": receiver.origin, "schedule": schedule})
        assert [error["pointer"] for error in wrong.json()["errors"]] == [pointer], schedule
    for actor in (cast.lab, cast.scale(cast.stall)):
        refused = actor.post(f"{named(actor)}/subscriptions", form)
        assert (refused.status_code, refused.json()["type"]) == (403, "epcisException:SecurityException")
    few = named(cast.market, "few", {"maxEventCount": 5})
    assert cast.market.post(f"{few}/subscriptions", form).json()["type"] == (
        "epcisException:SubscriptionControlsException"
    )
    monkeypatch.setattr(subscribing, "MOST", 1)
    query = named(cast.market)
    subscribed(cast.market, query, receiver.origin)
    assert cast.market.post(f"{query}/subscriptions", form).status_code == 400
    assert cast.market.get(f"{query}/subscriptions/nonsense").status_code == 404
    assert cast.public.get(f"{query}/subscriptions").status_code == 401


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_redirects_are_not_followed(cast: Cast, receiver: Receiver, service: Service) -> None:
    receiver.behave = lambda handler: answer(handler, 307, Location=f"{receiver.origin}/elsewhere")
    subscribed(cast.market, named(cast.market), f"{receiver.origin}/here")
    bring(cast.market, "a")
    until(lambda: state(service)["failures"] == 1)
    assert {got.path for got in receiver.got} == {"/here"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_metrics_tell_how_they_fare(cast: Cast, receiver: Receiver, service: Service) -> None:
    subscribed(cast.market, named(cast.market), receiver.origin)
    bring(cast.market, "a")
    receiver.wait(1)
    until(lambda: "onecode_subscription_deliveries_sent_total 1" in cast.client.get("/metrics").text)
    text = cast.client.get("/metrics").text
    for name in ("subscriptions_active", "subscriptions_paused", "subscriptions_lag", "sockets_open"):
        assert f"\nonecode_{name} " in text


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_subscribes_to_a_query_that_is_being_deleted_leaves_nothing_behind(
    cast: Cast, receiver: Receiver, service: Service
) -> None:
    """Two processes: one writes for each."""
    other = Writer(service.engine)
    reach = service.reach
    principal = Principal(uuid4(), Role.MARKET, UUID(cast.market.party["id"]), None, None, None)
    for number in range(20):
        named(cast.market, f"q{number}")
        begin = threading.Barrier(2)

        def end(name: str = f"q{number}", begin: threading.Barrier = begin) -> None:
            begin.wait()
            other.submit(subscribing.delete_queries, subscribing.DeleteQuery(principal, name))

        thread = threading.Thread(target=end)
        thread.start()
        begin.wait()
        command = subscribing.Subscribe(
            principal, f"q{number}", receiver.origin, None, subscribing.Trigger(None), reach, service.master
        )
        with suppress(NoSuchNameException):
            service.writer.submit(subscribing.subscribe, command)
        thread.join()
    other.close()
    with reading(service.engine) as snapshot:
        assert snapshot.execute(select(tables.epcis_subscription.c.id)).all() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_key_that_is_rotated_ends_nothing(cast: Cast, receiver: Receiver) -> None:
    """Another key of the owner's speaks for it as well as the one that subscribed."""
    spare = cast.admin.made("/keys", {"name": "spare", "role": "market", "party_id": cast.market.party["id"]})
    passing = Actor(cast.client, spare["key"])
    subscribed(passing, named(passing), receiver.origin)
    assert cast.admin.post(f"/keys/{spare['id']}/revoke").status_code == 200
    bring(cast.market, "a")
    until(lambda: heard(receiver.got) == ["a"])


def comparable(xml: bytes) -> str:
    """An EPCISQueryDocument less when it was made and for whom."""
    root = ElementTree.fromstring(xml)
    del root.attrib["creationDate"]
    for results in root.iter():
        for child in list(results):
            if child.tag == "subscriptionID":
                results.remove(child)
    return ElementTree.canonicalize(ElementTree.tostring(root))


XML_WISHES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str]]] = {
    # What the body asks for, what headers do, and the headers that ask for the same in an answer.
    "accept": ({}, {"Accept": "application/xml"}, {"Accept": "application/xml"}),
    "member": (
        {"mediaType": "application/xml", "cbvXmlFormat": "Always_Web_URI", "epcFormat": "Always_EPC_URN"}, {},
        {"Accept": "application/xml", "GS1-CBV-XML-Format": "Always_Web_URI", "GS1-EPC-Format": "Always_EPC_URN"},
    ),
    "1.2": (
        {"mediaType": "text/xml"}, {"GS1-EPCIS-Max": "1.2", "GS1-CBV-XML-Format": "Always_URN"},
        {"Accept": "text/xml", "GS1-EPCIS-Max": "1.2", "GS1-CBV-XML-Format": "Always_URN"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_asks_for_xml_is_told_in_xml(cast: Cast, receiver: Receiver, service: Service) -> None:
    """The same bytes, but for the subscription's id, that the query itself is answered in; signed as they are sent."""
    query = named(cast.market)
    for name, (members, headers, _) in XML_WISHES.items():
        form = {"dest": f"{receiver.origin}/{name}", "signatureToken": "t", "stream": True, **members}
        answer = cast.market.request("POST", f"{query}/subscriptions", json=form, headers=headers)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["mediaType"], answer.json()["onecode:xmlVersion"]) == (
            members.get("mediaType", "application/xml"), "1.2" if name == "1.2" else "2.0"
        )  # fmt: skip
    taken(cast.market, arrival("a", **{"ex:own": "自家"}))
    got = {each.path[1:]: each for each in receiver.wait(3)}
    for name, (_, _, headers) in XML_WISHES.items():
        told, asked = got[name], cast.market.get(f"{query}/events", headers=headers)
        assert told.headers["content-type"] == headers["Accept"] == asked.headers["content-type"].partition(";")[0]
        assert comparable(told.body) == comparable(asked.content), name
        results = ElementTree.fromstring(told.body).find("EPCISBody")
        assert results is not None
        assert [child.tag for child in results[0]] == ["queryName", "subscriptionID", "resultsBody"]
        document = read_xml(told.body)
        assert [fault for fault in validate_document(document) if fault.severity == "refusal"] == []
        message = f"{told.id}.{told.headers['webhook-timestamp']}.".encode() + told.body
        mac = base64.b64encode(hmac.new(b"t", message, hashlib.sha256).digest()).decode()
        assert told.headers["gs1-signature"] == f"v1,{mac}"
    for wrong in ("image/png", 7, {}):
        form = {"dest": receiver.origin, "stream": True, "mediaType": wrong}
        answer = cast.market.post(f"{query}/subscriptions", form)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/mediaType")
