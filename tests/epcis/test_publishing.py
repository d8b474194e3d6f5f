"""Native events in the words of EPCIS: every kind valid, complete, once, and nothing that is nobody's business."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, select, update

from app.domain.epcis.named import named_epcs
from app.domain.epcis.validate import validate_document
from app.exchanging import publishing
from app.exchanging.publishing import Publisher
from app.store import published, tables
from app.store.check import verify
from app.store.engine import Snapshot, open_engine, reading, writing
from app.store.errors import StoreUnavailable
from app.store.rebuild import rebuild
from app.store.writer import Writer
from app.web.service import Service
from tests.epcis.shown import bodies, document, faults, index
from tests.exchanging.world import bring, made, rows, some
from tests.exchanging.world import document as captured
from tests.notifying.conftest import until
from tests.support.cast import Actor, Cast, ago, quantity
from tests.support.databases import Database

PDF = {"file": ("a.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")}


class Days:
    """Some days of trade that have an event of every kind."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        farm, stall, market = cast.farm, cast.stall, cast.market
        self.outcomes: dict[str, dict[str, Any]] = {}
        greens = cast.product("小白菜", gtin="06901234567892")
        soup = cast.product("菜汤", measure="count")
        self.harvest = self._note("produce", farm.record(
            "produce", event_time=ago(hours=40),
            outputs=[cast.output(greens, "500.5", lot_number="L/1", expires_on="2099-01-02")],
        ))["outputs"][0]  # fmt: skip
        sent = self._note("ship", farm.record(
            "ship", event_time=ago(hours=30), items=[cast.item(self.harvest, "300")], to_site_id=stall.site["id"]
        ))  # fmt: skip
        self.slip = sent["slip_code"]
        self.here = self._note(
            "receive", stall.record("receive", event_time=ago(hours=28), slip_code=self.slip)
        )["outputs"][0]  # fmt: skip
        answer = stall.request("POST", "/documents", data={"type": "purchase_slip", "number": "7"}, files=PDF)
        self.paper = answer.json()["id"]
        self._note("certify", stall.record("certify", custody_id=self.here["custody_id"], document_id=self.paper))
        self._note("test", market.record(
            "test", custody_id=self.here["custody_id"], stage="rapid", item="毒死蜱", verdict="pass", tester="测试员"
        ))  # fmt: skip
        self._note("admit", market.record("admit", custody_ids=[self.here["custody_id"]], event_time=ago(hours=20)))
        here = self.here["custody_id"]
        held = self._note("hold", market.record("hold", custody_id=here, scope="custody", reason="x"))
        self._note("release", market.record("release", hold_event_id=held["id"], reason="y"))
        readings = [
            {"type": "temperature", "value": "-18.2", "unit": "℃", "time": ago(hours=3)},
            {"type": "乙烯", "value": "3", "unit": "ppm", "time": ago(hours=3)},
        ]
        sensor = self._sensor(stall)
        self._note("observe", sensor.record("observe", custody_id=here, readings=readings))
        self._note("observe of a place", sensor.record("observe", readings=readings[:1]))
        self._note("sell", stall.record(
            "sell", lines=[{**cast.item(self.here, "10"), "amount_fen": 98765}],
            buyer={"name": "实验小学食堂", "contact": "13800000077"},
        ))  # fmt: skip
        self._note("return of a buyer", stall.record("return", items=[cast.item(self.here, "1")], reason="z"))
        self._note("return", stall.record(
            "return", items=[cast.item(self.here, "2")], reason="z", to_site_id=farm.site["id"]
        ))  # fmt: skip
        self._note("transform", stall.record(
            "transform", process="mix", inputs=[cast.item(self.here, "5")],
            outputs=[cast.output(soup, "7", "个")],
        ))  # fmt: skip
        self._note("destroy", stall.record("destroy", items=[cast.item(self.here, "3")], reason="w"))
        self._note("count", stall.record(
            "count", items=[{"custody_id": self.here["custody_id"], "quantity": quantity("250.25")}]
        ))  # fmt: skip
        outside = stall.record(
            "receive", **{"from": {"name": "某供货人", "contact": "13800000078"}},
            items=[{"product_id": greens["id"], "quantity": quantity("20"), "lot_number": "P-9"}],
        )  # fmt: skip
        self._note("receive from outside", outside)
        self.wrong = self._note("wrong", farm.record("destroy", items=[cast.item(self.harvest, "1")], reason="w"))
        self._note("correct", farm.record("correct", event_id=self.wrong["id"], reason="did_not_occur"))
        amended = farm.record("destroy", items=[cast.item(self.harvest, "9")], reason="w")
        replacement = farm.event("destroy", items=[cast.item(self.harvest, "8")], reason="w")
        self.amended = amended
        self._note("amend", farm.record(
            "correct", event_id=amended["id"], reason="incorrect_data", replacement=replacement
        ))  # fmt: skip

    def _sensor(self, owner: Actor) -> Actor:
        device = self.cast.admin.made("/devices", {"site_id": owner.site["id"], "name": "记录仪", "kind": "kiosk"})
        told = self.cast.public.post("/devices/activate", {"activation_code": device["activation_code"]}).json()
        return Actor(self.cast.client, told["key"], owner.party, owner.site)

    def _note(self, name: str, outcome: dict[str, Any]) -> dict[str, Any]:
        self.outcomes[name] = outcome
        return outcome


@pytest.fixture
def days(cast: Cast) -> Days:
    return Days(cast)


def waiting(service: Service) -> list[UUID]:
    with reading(service.engine) as snapshot:
        return list(snapshot.scalars(select(tables.unpublished.c.event_id)))


def test_every_kind_is_valid_and_shown_once(days: Days, service: Service, vectors: Path) -> None:
    service.publisher.catch_up()
    assert waiting(service) == []
    shown = bodies(service.engine)
    # What an identification says, and a sale of no batch, has no word in EPCIS: everything else is there.
    assert set(shown) >= {outcome["id"] for outcome in days.outcomes.values()}
    whole = document(*shown.values())
    assert faults(vectors, whole) == []
    assert [fault for fault in validate_document(whole) if fault.slug != "reused_event_id"] == []
    rows = index(service.engine)
    positions = {key: position for _, position, key, _ in rows}
    assert len(set(positions.values())) == len(positions)
    assert {(epc, key) for epc, _, key, _ in rows} == {(epc, key) for key in shown for epc in named_epcs(shown[key])}
    assert service.publisher.catch_up() == 0
    assert bodies(service.engine) == shown


def test_what_is_said_of_each_kind(days: Days, service: Service) -> None:
    service.publisher.catch_up()
    shown = bodies(service.engine)
    told = {name: shown[outcome["id"]] for name, outcome in days.outcomes.items()}
    url = service.settings.public_url
    lot = "https://id.gs1.org/01/06901234567892/10/L%2F1"
    stall, farm = (f"{url}/c/{actor.site['code']}" for actor in (days.cast.stall, days.cast.farm))
    assert told["produce"]["quantityList"] == [{"epcClass": lot, "quantity": 500.5, "uom": "KGM"}]
    ilmd = told["produce"]["ilmd"]
    assert (ilmd["cbvmda:lotNumber"], ilmd["cbvmda:itemExpirationDate"]) == ("L/1", "2099-01-02")
    assert told["ship"]["destinationList"] == [{"type": "location", "destination": stall}]
    assert told["ship"]["bizTransactionList"] == [
        {"type": "desadv", "bizTransaction": f"{url}/c/{days.slip}"}
    ] == told["receive"]["bizTransactionList"]  # fmt: skip
    assert told["certify"]["certificationInfo"] == [f"{url}/api/v1/documents/{days.paper}"]
    assert told["test"]["disposition"] == "conformant"
    [element] = told["observe"]["sensorElementList"]
    assert [(one["type"], one["value"], one.get("uom"), one.get("stringValue")) for one in element["sensorReport"]] == [
        ("Temperature", -18.2, "CEL", None), (f"{url}/measured/%E4%B9%99%E7%83%AF", 3, None, "3 ppm"),
    ]  # fmt: skip
    assert (told["observe of a place"]["epcList"], told["observe of a place"]["readPoint"]) == ([], {"id": stall})
    assert told["return of a buyer"]["quantityList"][0]["quantity"] == 1
    assert told["return"]["bizLocation"] == {"id": farm}
    assert told["transform"]["outputQuantityList"][0]["quantity"] == 7
    assert told["count"]["quantityList"] == [{"epcClass": lot, "quantity": 250.25, "uom": "KGM"}]
    assert "recordTime" not in told["ship"]


def test_a_correction_is_an_error_declaration(days: Days, service: Service) -> None:
    service.publisher.catch_up()
    shown = bodies(service.engine)
    for name, wrong in (("correct", days.wrong), ("amend", days.amended)):
        declared = dict(shown[days.outcomes[name]["id"]])
        declaration = declared.pop("errorDeclaration")
        assert declared == shown[wrong["id"]], "the same content, with the same eventID"
        if name == "correct":
            assert declaration["reason"] == "did_not_occur"
            assert "correctiveEventIDs" not in declaration
        else:
            [instead] = declaration["correctiveEventIDs"]
            assert shown[instead.removeprefix("urn:uuid:")]["quantityList"][0]["quantity"] == 8


def test_nobodys_business_is_not_in_it(days: Days, service: Service) -> None:
    service.publisher.catch_up()
    text = json.dumps(list(bodies(service.engine).values()), ensure_ascii=False)
    for secret in ("13800000077", "13800000078", "实验小学食堂", "某供货人", "98765", "测试员"):
        assert secret not in text


def test_two_publishers_show_each_event_once(days: Days, service: Service) -> None:
    others = [
        Publisher(service.engine, service.writer, service.settings.public_url),
        Publisher(service.engine, service.writer, service.settings.public_url),
    ]
    threads = [threading.Thread(target=one.catch_up) for one in others]
    for thread in threads:
        thread.start()
    days.cast.farm.record("destroy", items=[days.cast.item(days.harvest, "0.5")], reason="w")
    for thread in threads:
        thread.join()
    service.publisher.catch_up()
    assert waiting(service) == []
    with reading(service.engine) as snapshot:
        positions = list(snapshot.scalars(select(tables.epcis_event.c.position)))
    assert sorted(positions) == list(range(1, len(positions) + 1))


def test_a_correction_comes_after_what_it_takes_back_whichever_page_has_it(
    days: Days, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.publisher.close()
    with writing(service.engine) as connection:
        connection.execute(tables.epcis_event.delete())
        connection.execute(tables.epc_event.delete())
        there = set(connection.scalars(select(tables.unpublished.c.event_id)))
        keys = set(connection.scalars(select(tables.event.c.id))) - there
        if keys:
            connection.execute(insert(tables.unpublished), [{"event_id": key} for key in keys])
    monkeypatch.setattr("app.exchanging.publishing.PAGE", 1)
    Publisher(service.engine, service.writer, service.settings.public_url).catch_up()
    event = tables.epcis_event.c
    with reading(service.engine) as snapshot:
        position = {str(row.event_id): row.position for row in snapshot.execute(select(event.event_id, event.position))}
    assert position[days.wrong["id"]] < position[days.outcomes["correct"]["id"]]
    assert position[days.amended["id"]] < position[days.outcomes["amend"]["id"]]


def from_before(engine: Engine) -> None:
    """As migration 0017 leaves it."""
    with writing(engine) as connection:
        keys = list(connection.scalars(select(tables.event.c.id)))
        connection.execute(tables.epcis_event.delete())
        connection.execute(update(tables.epc_event).values(position=0, roles=0))
        connection.execute(insert(tables.unpublished), [{"event_id": key} for key in keys])


def test_a_database_from_before_shows_what_was_captured(database: Database) -> None:
    engine = open_engine(database.url)
    writer = Writer(engine)
    try:
        bring(writer, engine, captured(made(1, None, some("A", 5), **{"ex:own": "x"}), made(2, None, some("B"))))
        before = index(engine)
        from_before(engine)
        publisher = Publisher(engine, writer, "https://example.org")
        assert publisher.catch_up() == 2
        assert {(epc, key, roles) for epc, _, key, roles in index(engine)} == {
            (epc, key, roles) for epc, _, key, roles in before
        }
        assert all(position for _, position, _, _ in index(engine))
        with reading(engine) as snapshot:
            contexts = list(snapshot.scalars(select(tables.epcis_event.c.context)))
        assert contexts == [[{"ex": "https://ns.example.com/epcis/"}]] * 2
    finally:
        writer.close()
        engine.dispose()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreUnavailable("the disk is full"), "events cannot be published: the disk is full"),
        (ZeroDivisionError("a bug"), "events could not be published"),
    ],
)
def test_who_fails_once_publishes_the_next_time(
    engine: Engine,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    told: str,
) -> None:
    bring(writer, engine, captured(made(1, None, some("A", 5)), made(2, None, some("B"))))
    from_before(engine)
    left = [error]
    waiting = published.waiting

    def failing(snapshot: Snapshot, limit: int) -> list[UUID]:
        if left:
            raise left.pop()
        return waiting(snapshot, limit)

    monkeypatch.setattr(published, "waiting", failing)
    monkeypatch.setattr(publishing, "PAUSE", 0.02)
    publisher = Publisher(engine, writer, "https://example.org", poll=0.02)
    publisher.start()
    try:
        deadline = time.monotonic() + 60
        while len(rows(engine, tables.epcis_event)) < 2:
            assert time.monotonic() < deadline, "nothing was published"
            time.sleep(0.01)
    finally:
        publisher.close()
    assert told in caplog.messages
    assert rows(engine, tables.unpublished) == []


def aside(engine: Engine) -> dict[str, str]:
    """Why what is set aside is, by event."""
    row = tables.unpublishable.c
    with reading(engine) as snapshot:
        return {str(one.event_id): one.reason for one in snapshot.execute(select(row.event_id, row.reason))}


def test_one_of_which_nothing_can_be_made_holds_up_nobody(cast: Cast, service: Service) -> None:
    """It is set aside with why, shown to the operator, and tried again when a process starts."""
    farm, event = cast.farm, tables.event.c
    service.publisher.close()
    greens = cast.product("小白菜")
    lot = farm.record("produce", event_time=ago(hours=40), outputs=[cast.output(greens, "500")])["outputs"][0]
    bad = farm.record("count", items=[{"custody_id": lot["custody_id"], "quantity": quantity("400")}])
    gone = farm.record("destroy", items=[cast.item(lot, "1")], reason="w")
    with writing(service.engine) as connection:
        said = connection.scalar(select(event.body).where(event.id == UUID(bad["id"])))
        assert said is not None
        spoiled = {**said, "items": [{**said["items"][0], "quantity": {"value": "many", "unit": "公斤"}}]}
        connection.execute(update(tables.event).where(event.id == UUID(bad["id"])).values(body=spoiled))
    url = service.settings.public_url
    publisher = Publisher(service.engine, service.writer, url)
    assert publisher.catch_up() == 2
    assert gone["id"] in bodies(service.engine)
    assert bad["id"] in aside(service.engine)
    correct = farm.record("correct", event_id=bad["id"], reason="did_not_occur")
    later = farm.record("destroy", items=[cast.item(lot, "2")], reason="w")
    assert publisher.catch_up() == 1, "a correction waits with what it takes back, and others go on"
    assert later["id"] in bodies(service.engine)
    reasons = aside(service.engine)
    assert set(reasons) == {bad["id"], correct["id"]}
    assert reasons[correct["id"]].startswith("BehindAnother")
    assert waiting(service) == []

    told = cast.admin.get("/alerts", params={"slug": "event_unpublishable"}).json()["items"]
    assert {alert["event_id"] for alert in told} == {bad["id"], correct["id"]}
    assert all(reasons[alert["event_id"]] in alert["detail"] for alert in told)
    assert cast.market.get("/alerts", params={"slug": "event_unpublishable"}).json()["items"] == []
    assert [key for key in reasons if any(f"event {key}: no EPCIS event" in one for one in verify(service.engine))]

    # Nothing is better yet: it is looked at again, and nothing is said twice.
    with writing(service.engine) as connection:
        assert set(published.try_again(connection)) == {UUID(key) for key in reasons}
    assert publisher.catch_up() == 0
    assert set(aside(service.engine)) == set(reasons)
    assert len(cast.admin.get("/alerts", params={"slug": "event_unpublishable"}).json()["items"]) == 2

    with writing(service.engine) as connection:
        connection.execute(update(tables.event).where(event.id == UUID(bad["id"])).values(body=said))
    upgraded = Publisher(service.engine, service.writer, url, poll=0.02)
    upgraded.start()
    try:
        until(lambda: not aside(service.engine) and not waiting(service))
    finally:
        upgraded.close()
    shown = bodies(service.engine)
    assert shown[correct["id"]]["eventID"] == shown[bad["id"]]["eventID"]
    assert shown[bad["id"]]["quantityList"][0]["quantity"] == 400


def test_a_captured_event_that_has_lost_its_body_is_set_aside(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(writer, engine, captured(made(1, None, some("A", 5)), made(2, None, some("B"))))
    from_before(engine)
    bodies_of = publishing.captures.bodies
    lost: list[UUID] = []

    def losing(snapshot: Snapshot, keys: Sequence[UUID]) -> dict[UUID, Any]:
        lost.extend(keys[: not lost])
        return {key: body for key, body in bodies_of(snapshot, keys).items() if key not in lost}

    monkeypatch.setattr(publishing.captures, "bodies", losing)
    publisher = Publisher(engine, writer, "https://example.org")
    assert publisher.catch_up() == 1
    [(key, reason)] = aside(engine).items()
    assert (UUID(key), reason.split(":")[0]) == (lost[0], "KeyError")
    monkeypatch.setattr(publishing.captures, "bodies", bodies_of)
    assert verify(engine) == [f"event {key}: no EPCIS event could be made of it, it waits for the next start: {reason}"]
    assert rebuild(engine) == [f"event {key}: set aside → waits to be shown"]
    assert publisher.catch_up() == 1
    assert verify(engine) == []


def test_who_has_no_memory_left_blames_no_event(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(writer, engine, captured(made(1, None, some("A", 5))))
    from_before(engine)

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(publishing.captures, "bodies", exhausted)
    with pytest.raises(MemoryError):
        Publisher(engine, writer, "https://example.org").catch_up()
    assert aside(engine) == {}
