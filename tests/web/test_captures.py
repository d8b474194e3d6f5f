"""/api/v1/captures: what it takes from whom, what it answers, and the document out again."""

import json
from typing import Any

import pytest

from app.domain.epcis.xml_writing import document_xml
from app.exchanging import read_xml
from app.web.service import Service
from tests.domain.epcis import xml_documents as d
from tests.exchanging.world import FARM, document, made, some
from tests.support.cast import Cast

XML = {"Content-Type": "application/xml"}
LD = {"Content-Type": "application/ld+json"}
GOOD = document(made(1, FARM, some("A", 5.25)))


def test_a_document_goes_in_and_comes_out(cast: Cast) -> None:
    answer = cast.farm.post("/captures?issue=true", content=json.dumps(GOOD).encode(), headers=LD)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert answer.headers["location"] == f"/api/v1/captures/{report['id']}"
    assert {name: report[name] for name in ("recorded", "duplicate", "refused", "flagged", "faults")} == {
        "recorded": 1, "duplicate": 0, "refused": 0, "flagged": 0, "faults": []
    }  # fmt: skip
    (event,) = report["events"]
    assert (event["pointer"], event["status"], event["flags"]) == ("/epcisBody/eventList/0", "recorded", [])
    lot, custody = report["codes"]
    assert (lot["kind"], lot["lot_number"], lot["site"], lot["minted"]) == ("lot", "A", None, True)
    assert custody["url"] == f"https://food.example.cn/c/{custody['code']}"
    assert cast.public.scan(custody["code"])["lot"]["lot_number"] == "A"
    came_back = cast.farm.get(f"/captures/{report['id']}")
    assert came_back.headers["content-type"] == "application/ld+json"
    assert came_back.json() == GOOD
    assert cast.admin.get(f"/captures/{report['id']}").json() == GOOD
    assert cast.market.get(f"/captures/{report['id']}").status_code == 404
    again = cast.farm.post("/captures", GOOD).json()
    assert (again["id"], again["duplicate"], again["codes"]) == (report["id"], 1, [])
    # Who asserts it sees it among its events; another who does not, does not.
    assert [e["id"] for e in cast.farm.get("/events?kind=epcis.commissioning").json()["items"]] == [event["id"]]
    assert cast.stall.get("/events?kind=epcis.commissioning").json()["items"] == []


def test_xml_is_what_the_same_in_json_is(cast: Cast) -> None:
    answer = cast.farm.post("/captures?issue=true", content=d.OBJECT_1_2.encode(), headers=XML)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["recorded"], [code["lot_number"] for code in report["codes"]]) == (1, ["A", "A"])
    place = f"/captures/{report['id']}"
    assert cast.farm.get(place).json() == d.OBJECT_1_2_JSON
    # The same as JSON, and as XML of another version, brings nothing new.
    for content, headers in (
        (json.dumps(d.OBJECT_1_2_JSON).encode(), LD),
        (document_xml(d.OBJECT_1_2_JSON), {"Content-Type": "text/xml; charset=utf-8"}),
    ):
        assert cast.farm.post("/captures", content=content, headers=headers).json()["duplicate"] == 1
    out = cast.farm.get(place, headers={"Accept": "application/xml"})
    assert (out.headers["content-type"], out.headers["vary"]) == ("application/xml", "Accept")
    assert read_xml(out.content) == d.OBJECT_1_2_JSON


def test_faults_of_xml(cast: Cast) -> None:
    good, bad = (d.TRANSFORMATION_1_2.replace("commissioning", step) for step in ("commissioning", "eating"))
    both = bad.replace("</EventList>", good.partition("<EventList>")[2].partition("</EventList>")[0] + "</EventList>")
    answer = cast.farm.post("/captures", content=both.encode(), headers=XML)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/epcisBody/eventList/0/bizStep"]
    taken = cast.farm.post("/captures?proceed=true", content=both.encode(), headers=XML).json()
    assert (taken["recorded"], taken["refused"]) == (1, 1)
    for content, slug in (
        (b"{}", "bad-xml"),
        (b"<html/>", "not-epcis"),
        (b"<!DOCTYPE x SYSTEM 'http://x.example.com'><x/>", "xml-with-dtd"),
        (good.replace("<ilmd>", f"<ilmd {'x' * 1_100_000}").encode(), "xml-oversized"),
        (good.replace("<ilmd>", "<ilmd>" * 100).encode(), "too-deep"),
    ):
        answer = cast.farm.post("/captures", content=content, headers=XML)
        assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")


def test_faults_are_named_by_their_pointers(cast: Cast) -> None:
    bad = document({**made(1, FARM, some("A", 5)), "bizStep": "eating"}, made(2, FARM, some("B", 5)))
    answer = cast.farm.post("/captures", bad)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "/problems/invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/epcisBody/eventList/0/bizStep"]
    taken = cast.farm.post("/captures?proceed=true", bad)
    assert (taken.status_code, taken.json()["recorded"], taken.json()["refused"]) == (200, 1, 1)
    assert taken.json()["events"][0]["reasons"][0]["slug"] == "unknown-word"
    assert cast.farm.get(taken.headers["location"]).json() == bad


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\x00", 400),
        (b"[" * 100_000, 400),
        (b'{"type": "EPCISDocument", "type": "ObjectEvent"}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"type": "\\u0000"}', 422),
        (b'{"type": "\\ud800"}', 422),
        (b'"\\ud800"', 422),
        (b'{"\\ud800": {"a": NaN}}', 400),
        (b'{"\\ud800": 1, "\\ud800": 2}', 422),
        (b'{"type": ["\\ud800"]}', 422),
        (b'{"type": "ObjectEvent", "eventTime": "\\u0000", "\\udfff": 1}', 422),
        (b'{"type": 1e999}', 422),
    ],
)
def test_whatever_is_sent_gets_an_answer(cast: Cast, content: bytes, status: int) -> None:
    answer = cast.farm.post("/captures", content=content, headers=LD)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_bounds(cast: Cast, service: Service) -> None:
    assert cast.farm.post("/captures", content=b"{}", headers={"Content-Type": "text/csv"}).status_code == 415
    large = b" " * (service.settings.max_body_bytes + 1)
    assert cast.farm.post("/captures", content=large, headers=LD).status_code == 413


def test_who_brings_documents_in(cast: Cast) -> None:
    statuses: dict[str, Any] = {}
    for name in ("public", "lab", "regulator", "stall", "farm", "market", "admin"):
        statuses[name] = getattr(cast, name).post("/captures", GOOD).status_code
    assert statuses == {
        "public": 401, "lab": 403, "regulator": 403, "stall": 200, "farm": 200, "market": 200, "admin": 200
    }  # fmt: skip
    nowhere = "/captures/018f3a4e-0000-5000-8000-000000000001"
    assert (cast.public.get(nowhere).status_code, cast.admin.get(nowhere).status_code) == (401, 404)


def test_a_party_that_is_not_active_brings_nothing_in(cast: Cast) -> None:
    newcomer = cast.admin.made("/parties", {"name": "新来的", "kind": "producer", "region": "330106"})
    actor = cast.key("producer", party_id=newcomer["id"])
    answer = actor.post("/captures", GOOD)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/party-pending")
