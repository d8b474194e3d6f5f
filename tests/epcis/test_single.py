"""POST /epcis/events: one event while its sender waits."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from app.domain.epcis.context import Context
from app.domain.epcis.event_hash import event_hash
from app.store import tables
from app.web.service import Service
from tests.epcis.capturing import PROCEED, captured, counts, pointers
from tests.epcis.shown import bodies
from tests.exchanging.world import FARM, STALL, declared, document, made, rows, seen, some
from tests.support.cast import Cast

OWN = "urn:uuid:8f1b7e8e-3f5c-4d3e-9f6e-0d5a3f3b6c01"


def test_an_event_goes_by_its_event_id(cast: Cast, service: Service) -> None:
    event = made(1, FARM, some("A", 5), eventID=OWN)
    for _ in range(2):
        answer = cast.farm.post("/epcis/events", event)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/epcis/events/{OWN}"
        assert answer.json() == event
        assert answer.headers["gs1-epcis-version"] == "2.0.0"
    assert len(rows(service.engine, tables.event)) == 1


def test_one_without_goes_by_its_hash(cast: Cast) -> None:
    event = made(1, FARM, some("A", 5.50))
    answer = cast.farm.post("/epcis/events", event)
    named = event_hash(event, Context())
    assert unquote(answer.headers["location"]) == f"/epcis/events/{named}"
    assert answer.headers["location"].count("/") == 3, "it is one segment"
    assert answer.json() == {**event, "eventID": named}
    again = cast.farm.post("/epcis/events", {**event, "eventID": OWN})
    assert again.status_code == 201
    assert again.headers["location"] == answer.headers["location"], "equal content is the same event"


def test_an_event_id_of_other_content(cast: Cast, service: Service) -> None:
    event = made(1, FARM, some("A", 5), eventID=OWN)
    cast.farm.post("/epcis/events", event)
    answer = cast.stall.post("/epcis/events", made(2, FARM, some("A", 5), eventID=OWN))
    assert answer.status_code == 409
    assert answer.json()["type"] == "epcisException:ResourceAlreadyExistsException"
    assert answer.json()["errors"][0]["pointer"] == "/eventID"
    assert len(rows(service.engine, tables.event)) == 1
    wrong = cast.farm.post("/epcis/events", declared(event))
    assert wrong.status_code == 201, wrong.text
    assert len(rows(service.engine, tables.correction)) == 1
    # The declaration bears the eventID as well now; the event itself may still come again.
    assert cast.farm.post("/epcis/events", event).status_code == 201


def test_every_fault_is_named(cast: Cast) -> None:
    event = {**made(1, FARM, some("A", 5)), "bizStep": "eating", "action": "EAT"}
    answer = cast.farm.post("/epcis/events", event)
    assert answer.status_code == 400
    assert answer.json()["type"] == "epcisException:ValidationException"
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/bizStep", "/action"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"type": "EPCISDocument"}', b'{"a": NaN}', b"[" * 99_999, b'"\\u0000"']
)
def test_what_is_no_event(cast: Cast, body: bytes) -> None:
    answer = cast.farm.post("/epcis/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "epcisException:ValidationException"


def test_other_media_types_and_answers(cast: Cast) -> None:
    event = json.dumps(made(1, FARM, some("A", 5))).encode()
    for headers, status in (
        ({"Content-Type": "application/xml"}, 415),
        ({"Content-Type": "application/json", "Accept": "text/csv"}, 406),
        ({"Content-Type": "application/json", "GS1-Extensions": "nonsense"}, 400),
    ):
        assert cast.farm.post("/epcis/events", content=event, headers=headers).status_code == status


def test_extensions_are_declared_by_the_event_or_the_header(cast: Cast, service: Service) -> None:
    event = {**made(1, FARM, some("A", 5)), "acme:shift": "night"}
    assert cast.farm.post("/epcis/events", event).status_code == 400
    by_header = cast.farm.post("/epcis/events", event, headers={"GS1-Extensions": "acme=https://acme.example/,"})
    assert by_header.status_code == 201, by_header.text
    by_event = cast.farm.post("/epcis/events", {"@context": [{"acme": "https://acme.example/"}], **event})
    assert by_event.status_code == 201
    assert len(rows(service.engine, tables.event)) == 1, "it is one event, however it is written"


class TestOurOwn:
    @pytest.fixture
    def ours(self, cast: Cast, service: Service) -> dict[str, Any]:
        """An event that was recorded here, as it was published."""
        cast.farm.record("produce", outputs=[cast.output(cast.product("小白菜", gtin="06901234567892"), "50")])
        service.publisher.catch_up()
        (found,) = bodies(service.engine).values()
        return found

    def test_it_comes_back(self, cast: Cast, service: Service, ours: dict[str, Any]) -> None:
        before = rows(service.engine, tables.custody)
        assert cast.stall.post("/epcis/events", ours).status_code == 201
        job = captured(cast.stall, document(ours, made(1, FARM, some("A", 5))))
        assert counts(job) == (1, 1, 0)
        assert job["onecode:outcome"]["outcomes"][0]["eventID"] == ours["eventID"]
        assert len(rows(service.engine, tables.custody)) == len(before) + 1
        exported = cast.stall.get(job["onecode:outcome"]["document"]).json()
        assert exported["epcisBody"]["eventList"][0] == ours

    def test_nobody_takes_it_back_from_outside(self, cast: Cast, ours: dict[str, Any]) -> None:
        for wrong in (declared(ours), {**ours, "disposition": "destroyed"}):
            answer = cast.stall.post("/epcis/events", wrong)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/eventID"), answer.text
            job = captured(cast.stall, document(seen(1, STALL, "storing", some("A")), wrong), **PROCEED)
            assert pointers(job) == ["/epcisBody/eventList/1/eventID"]
            assert job["onecode:outcome"]["refused"] == 1
            assert counts(captured(cast.stall, document(wrong))) == (0, 0, 1)
