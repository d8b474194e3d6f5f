"""GET /epcis/events as its clients use it: filters, pages, formats, what is not there, what cannot be asked."""

from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from app.domain.epcis.context import context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import event_hash
from app.exchanging import read_document
from app.web.service import Service
from tests.domain.epcis.generated import Generator
from tests.domain.epcis.generated import document as generated
from tests.epcis.shown import faults
from tests.exchanging.world import FARM, STALL, document, made, packed, seen, some, turned
from tests.support.cast import Actor, Cast, ago

UNIT = "urn:epc:id:sscc:4012345.0000000001"
NEVER = {"GS1-EPC-Format": "Never_Translates"}


@pytest.fixture
def filled(cast: Cast) -> Cast:
    capture(cast.admin, document(
        made(1, FARM, some("A", 50), eventID="urn:uuid:00000000-0000-4000-8000-000000000001", **{"ex:own": "x"}),
        seen(2, FARM, "shipping", some("A", 20), disposition="in_transit"),
        seen(3, STALL, "receiving", some("A", 20)),
        packed(4, STALL, UNIT, some("A", 5)),
        turned(5, STALL, [some("A", 10)], [some("B", 8)]),
    ))  # fmt: skip
    return cast


def capture(actor: Actor, body: Any) -> None:
    answer = actor.post("/captures", body)
    assert answer.status_code == 200, answer.text


def told(actor: Actor, path: str = "/epcis/events", **parameters: str) -> list[dict[str, Any]]:
    answer = actor.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return listed


def test_an_answer_is_a_query_document(filled: Cast, vectors: Path) -> None:
    answer = filled.admin.get("/epcis/events", params={"EQ_bizStep": "commissioning"})
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert (body["type"], body["schemaVersion"]) == ("EPCISQueryDocument", "2.0")
    assert body["epcisBody"]["queryResults"]["queryName"] == "SimpleEventQuery"
    assert body["@context"][1] == {"ex": "https://ns.example.com/epcis/"}
    assert faults(vectors, body) == []
    events = body["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert len(events) == 2
    assert all(event["recordTime"] and event["eventID"] for event in events)
    [made_] = [event for event in events if event["type"] == "ObjectEvent"]
    assert made_["quantityList"][0]["epcClass"] == "https://id.gs1.org/01/04012345123456/10/A"
    assert "link" not in answer.headers


def test_filters_are_anded(filled: Cast) -> None:
    lot = "urn:epc:class:lgtin:4012345.012345.A"
    assert len(told(filled.admin, MATCH_anyEPCClass=lot)) == 5
    assert len(told(filled.admin, MATCH_anyEPCClass=lot, EQ_bizLocation=STALL)) == 3
    assert len(told(filled.admin, MATCH_anyEPCClass=lot, EQ_bizLocation=STALL, eventType="ObjectEvent")) == 1
    assert len(told(filled.admin, MATCH_parentID="urn:epc:idpat:sscc:4012345.*")) == 1
    steps = [event["bizStep"] for event in told(filled.admin, orderBy="eventTime", orderDirection="DESC")]
    assert steps == ["commissioning", "packing", "receiving", "shipping", "commissioning"]
    assert told(filled.stall) == [], "captured by somebody else, at sites of somebody else"


def test_pages_lead_on_until_there_is_no_more(filled: Cast) -> None:
    seen_ids: list[str] = []
    path, pages = "/epcis/events?perPage=2&orderBy=eventTime", 0
    while path:
        answer = filled.admin.get(path)
        assert answer.status_code == 200, answer.text
        listed = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        seen_ids += [event["eventID"] for event in listed]
        pages += 1
        link = answer.headers.get("link")
        if link is not None:
            assert link.endswith('>; rel="next"')
            assert answer.headers["gs1-next-page-token-expires"]
        path = link[1:].partition(">")[0] if link else ""
    assert pages == 3
    assert len(seen_ids) == len(set(seen_ids)) == 5


def test_a_token_is_of_one_question_and_one_reader(filled: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    link = filled.admin.get("/epcis/events?perPage=2&EQ_action=ADD|OBSERVE").headers["link"]
    token = link.partition("nextPageToken=")[2].partition(">")[0]

    def asked(actor: Actor, query: str) -> tuple[int, str]:
        answer = actor.get(f"/epcis/events?{query}")
        return answer.status_code, answer.json().get("type", "")

    assert asked(filled.admin, f"perPage=3&EQ_action=ADD|OBSERVE&nextPageToken={token}")[0] == 200
    wrong = (400, "epcisException:QueryParameterException")
    assert asked(filled.admin, f"EQ_action=ADD&nextPageToken={token}") == wrong
    assert asked(filled.regulator, f"EQ_action=ADD|OBSERVE&nextPageToken={token}") == wrong
    for bad in (token[:-2], f"{token}AA", "x", "%00", "é", "AAAA" * 40, token[::-1]):
        assert asked(filled.admin, f"EQ_action=ADD|OBSERVE&nextPageToken={quote(bad, safe='%')}") == wrong, bad
    monkeypatch.setattr("app.web.epcis.tokens.LASTS", __import__("datetime").timedelta(0))
    link = filled.admin.get("/epcis/events?perPage=2").headers["link"]
    token = link.partition("nextPageToken=")[2].partition(">")[0]
    assert asked(filled.admin, f"nextPageToken={token}") == wrong


def test_one_event_by_its_id(filled: Cast) -> None:
    first = "urn:uuid:00000000-0000-4000-8000-000000000001"
    [event] = told(filled.admin, f"/epcis/events/{quote(first, safe='')}")
    assert event["eventID"] == first
    hashed = next(event["eventID"] for event in told(filled.admin) if event["eventID"].startswith("ni:"))
    [event] = told(filled.admin, f"/epcis/events/{quote(hashed, safe='')}")
    assert event["eventID"] == hashed
    capture(filled.admin, document({
        **made(1, FARM, some("A", 50), eventID=first, **{"ex:own": "x"}),
        "errorDeclaration": {"declarationTime": "2026-02-20T00:00:00Z", "reason": "did_not_occur"},
    }))  # fmt: skip
    assert ["errorDeclaration" in event for event in told(filled.admin, f"/epcis/events/{quote(first)}")] == [
        False,
        True,
    ]
    for nothing in ("urn:uuid:00000000-0000-4000-8000-000000000009", "%00", "x", "%F0%9F%90%9F"):
        answer = filled.admin.get(f"/epcis/events/{nothing}")
        assert (answer.status_code, answer.json()["type"]) == (404, "epcisException:NoSuchResourceException")
    assert filled.stall.get(f"/epcis/events/{quote(first)}").status_code == 404


def test_native_and_captured_are_one_store(filled: Cast, service: Service) -> None:
    greens = filled.product("小白菜")
    [batch] = filled.farm.record("produce", outputs=[filled.output(greens, "10")])["outputs"]
    sent = filled.farm.record("ship", items=[filled.item(batch, "4")], to_site_id=filled.stall.site["id"])
    service.publisher.catch_up()
    assert [event["bizStep"] for event in told(filled.farm)] == ["commissioning", "shipping"]
    assert len(told(filled.admin)) == 7
    [event] = told(
        filled.farm, MATCH_anyEPCClass=told(filled.farm)[0]["quantityList"][0]["epcClass"], EQ_bizStep="shipping"
    )
    slip = event["bizTransactionList"][0]["bizTransaction"]
    assert slip.endswith(sent["slip_code"])
    assert len(told(filled.farm, EQ_bizTransaction_desadv=slip)) == 1
    assert [event["bizStep"] for event in told(filled.regulator, EQ_bizStep="shipping")] == ["shipping"]
    market = f"{service.settings.public_url}/c/{filled.market.site['code']}"
    filled.stall.record("receive", slip_code=sent["slip_code"], event_time=ago(minutes=30))
    service.publisher.catch_up()
    assert [event["bizStep"] for event in told(filled.market, WD_bizLocation=market)] == ["receiving"]


def test_formats_of_epcs(filled: Cast) -> None:
    def classes(form: str) -> set[str]:
        path = "/epcis/events?MATCH_epcClass=urn:epc:idpat:lgtin:4012345.*.*"
        answer = filled.admin.get(path, headers={"GS1-EPC-Format": form})
        assert answer.status_code == 200, answer.text
        listed = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        return {element["epcClass"] for event in listed for element in event.get("quantityList", [])}

    assert classes("Always_GS1_Digital_Link") == {"https://id.gs1.org/01/04012345123456/10/A"}
    assert classes("Never_Translates") == classes("No_Preference") == {"urn:epc:class:lgtin:4012345.012345.A"}
    assert classes("Always_EPC_URN") == {"urn:epc:class:lgtin:4012345.012345.A"}
    for headers in ({"GS1-EPC-Format": "x"}, {"GS1-CBV-XML-Format": "x"}, {"Accept": "text/csv"}):
        answer = filled.admin.get("/epcis/events", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (406, "epcisException:NotAcceptableException"), headers


def test_an_answer_in_xml(filled: Cast) -> None:
    answer = filled.admin.get("/epcis/events", headers={"Accept": "application/xml"})
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "{urn:epcglobal:epcis-query:xsd:2}EPCISQueryDocument"
    assert len(root.findall(".//EventList/*")) == 5
    old = filled.admin.get("/epcis/events", headers={"Accept": "application/xml", "GS1-EPCIS-Max": "1.2"})
    assert ElementTree.fromstring(old.content).tag == "{urn:epcglobal:epcis-query:xsd:1}EPCISQueryDocument"


@pytest.mark.parametrize(
    ("query", "status", "type_"),
    [
        ("MATCH_epc=x", 400, "QueryParameterException"),
        ("GE_eventTime=yesterday", 400, "QueryParameterException"),
        ("EQ_action=EAT", 400, "QueryParameterException"),
        ("unheard=of", 400, "QueryParameterException"),
        ("eventCountLimit=3", 400, "QueryParameterException"),
        ("eventCountLimit=3&maxEventCount=4&orderBy=eventTime", 400, "QueryParameterException"),
        ("maxEventCount=2", 413, "QueryTooLargeException"),
        ("MATCH_epc=" + "|".join(f"urn:x:{n}" for n in range(1100)), 413, "QueryTooComplexException"),
        ("EQ_eventID=urn:x:%00", 400, "QueryParameterException"),
        ("perPage=0", 400, "ValidationException"),
        ("perPage=x", 400, "ValidationException"),
        ("EQ_bizLocation=%F0%9F%90%9F", 400, "QueryParameterException"),
        ("%00=1", 400, "QueryParameterException"),
    ],
)
def test_what_cannot_be_asked_is_told(filled: Cast, query: str, status: int, type_: str) -> None:
    answer = filled.admin.get(f"/epcis/events?{query}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"epcisException:{type_}"), answer.text


def test_collections_lead_to_the_events_of_each_value(filled: Cast, service: Service) -> None:
    def members(path: str, actor: Actor = filled.admin) -> list[str]:
        found: list[str] = []
        while path:
            answer = actor.get(path)
            assert answer.status_code == 200, answer.text
            assert answer.json()["type"] == "Collection"
            found += answer.json()["member"]
            path = answer.headers.get("link", "")[1:].partition(">")[0]
        return found

    five = ["AggregationEvent", "AssociationEvent", "ObjectEvent", "TransactionEvent", "TransformationEvent"]
    assert members("/epcis/eventTypes") == members("/epcis/eventTypes?perPage=2") == five
    assert members("/epcis/bizSteps") == ["commissioning", "packing", "receiving", "shipping"]
    assert members("/epcis/bizSteps?perPage=1") == ["commissioning", "packing", "receiving", "shipping"]
    assert members("/epcis/dispositions") == ["in_transit"]
    assert members("/epcis/readPoints") == []
    assert members("/epcis/bizLocations?perPage=1") == sorted([FARM, STALL])
    epcs = members("/epcis/epcs")
    assert members("/epcis/epcs?perPage=1") == epcs == sorted(
        ["https://id.gs1.org/00/040123450000000016", *(f"https://id.gs1.org/01/04012345123456/10/{n}" for n in "AB")]
    )  # fmt: skip
    assert members("/epcis/epcs", filled.stall) == members("/epcis/bizSteps", filled.stall) == []
    for path, count in (
        ("bizSteps/receiving", 1), (f"bizSteps/{quote('https://ref.gs1.org/cbv/BizStep-shipping', safe='')}", 1),
        ("eventTypes/TransformationEvent", 1), ("eventTypes/TransactionEvent", 0), ("dispositions/in_transit", 1),
        (f"bizLocations/{quote(STALL, safe='')}", 3), (f"epcs/{quote(epcs[1], safe='')}", 5), (f"epcs/{UNIT}", 1),
    ):  # fmt: skip
        assert members(f"/epcis/{path}") == ["events"]
        assert len(told(filled.admin, f"/epcis/{path}/events")) == count
    assert len(told(filled.admin, f"/epcis/epcs/{quote(epcs[1], safe='')}/events", EQ_bizStep="receiving")) == 1
    for nothing in (
        "bizSteps/eating", "bizSteps/storing/events", "epcs/urn:x:y", "epcs/urn:x:y/events", "nothing", "nothing/x",
        "readPoints/%00", "epcs/x", f"bizLocations/{quote(STALL)}9/events", "eventTypes/NoEvent/events", "bizSteps/a|b",
    ):  # fmt: skip
        answer = filled.admin.get(f"/epcis/{nothing}")
        assert (answer.status_code, answer.json()["type"]) == (404, "epcisException:NoSuchResourceException"), nothing
    assert filled.stall.get("/epcis/bizSteps/receiving").status_code == 404


def test_collections_are_told_with_the_prefixes_and_words_that_are_asked_for(filled: Cast) -> None:
    own = "https://ns.example.com/steps/"
    capture(filled.admin, document(seen(9, FARM, f"{own}chilling", some("A", 1))))
    mapped = {"GS1-Extensions": f"gone=https://gone.example/, ex={own}"}
    answer = filled.admin.get("/epcis/bizSteps", headers=mapped)
    told_steps = answer.json()
    assert told_steps["member"] == ["commissioning", "ex:chilling", "packing", "receiving", "shipping"]
    assert told_steps["@context"][1:] == [{"ex": own}]
    assert answer.headers["gs1-extensions"] == f"ex={own}"
    assert filled.admin.get("/epcis/bizSteps/ex:chilling", headers=mapped).json()["member"] == ["events"]
    assert len(told(filled.admin, f"/epcis/bizSteps/{quote(own + 'chilling', safe='')}/events")) == 1
    plain = filled.admin.get("/epcis/bizSteps")
    assert f"{own}chilling" in plain.json()["member"]
    assert plain.headers["gs1-extensions"] == ""
    for wish, word in (("Always_Web_URI", "https://ref.gs1.org/cbv/BizStep-packing"), ("Always_URN", CBV_PACKING)):
        answer = filled.admin.get(
            "/epcis/bizSteps", headers={**mapped, "Accept": "application/xml", "GS1-CBV-XML-Format": wish}
        )
        assert f"<member>{word}</member>" in answer.text
        assert f"<member>{own}chilling</member>" in answer.text
    refused = filled.admin.get(
        "/epcis/dispositions", headers={"Accept": "application/xml", "GS1-CBV-XML-Format": "nonsense"}
    )
    assert refused.status_code == 406


CBV_PACKING = "urn:epcglobal:cbv:bizstep:packing"


def test_a_named_query_is_asked(filled: Cast) -> None:
    query = {"EQ_bizStep": ["commissioning", "packing"], "orderBy": "eventTime", "orderDirection": "ASC"}
    filled.admin.made("/epcis/queries", {"name": "made & packed", "query": query})
    path = f"/epcis/queries/{quote('made & packed')}/events"
    assert [event["bizStep"] for event in told(filled.admin, path)] == ["commissioning", "packing", "commissioning"]
    assert [event["bizStep"] for event in told(filled.admin, path, EQ_bizLocation=STALL, perPage="1")] == ["packing"]
    answer = filled.admin.get(path)
    assert answer.json()["epcisBody"]["queryResults"]["queryName"] == "made & packed"
    for own in ("orderBy=recordTime", "maxEventCount=1"):
        refused = filled.admin.get(f"{path}?{own}")
        assert (refused.status_code, refused.json()["type"]) == (400, "epcisException:QueryParameterException")
    assert filled.stall.get(path).json()["type"] == "epcisException:NoSuchNameException"


def test_the_query_that_the_standard_defines(filled: Cast) -> None:
    simple, asked_for = "/epcis/queries/SimpleEventQuery", {"EQ_action": "ADD", "orderBy": "eventTime"}
    assert filled.stall.get(simple).json() == {"name": "SimpleEventQuery", "query": {}}
    there = told(filled.admin, f"{simple}/events", **asked_for)
    assert len(there) > 1
    assert there == told(filled.admin, **asked_for)
    assert told(filled.stall, f"{simple}/events") == told(filled.stall)
    assert filled.stall.post("/epcis/queries", {"name": "SimpleEventQuery", "query": {}}).status_code == 409
    assert filled.stall.request("DELETE", simple).status_code == 404
    form = {"dest": "https://erp.example.cn/", "stream": True}
    assert filled.stall.post(f"{simple}/subscriptions", form).json()["type"] == "epcisException:NoSuchNameException"


def test_options_tell_what_may_be_done(cast: Cast) -> None:
    for path in (
        "/epcis/events",
        "/epcis/events/urn:x:y",
        "/epcis/epcs",
        "/epcis/epcs/urn:x:y",
        "/epcis/epcs/urn:x:y/events",
    ):
        answer = cast.admin.request("OPTIONS", path)
        assert answer.status_code == 204
        assert "GET" in answer.headers["allow"]


def test_generated_events_come_back_equal(cast: Cast) -> None:
    """Events over the whole standard, beside time of record and number as they were sent, in every detail."""
    sent = [{**Generator(Random(seed)).event(), "eventID": f"urn:example:event:{seed}"} for seed in range(60)]
    capture(cast.admin, {**generated(), "epcisBody": {"eventList": sent}})
    answer = cast.admin.get("/epcis/events?perPage=1000", headers=NEVER).json()
    back = {event["eventID"]: event for event in answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"]}
    assert len(back) == len(sent)
    for event in sent:
        found = back[event["eventID"]]
        assert {**found, "recordTime": 0} == {**event, "recordTime": 0}


def test_examples_come_back_as_they_were(cast: Cast, vectors: Path) -> None:
    """All documents that GS1 publishes as examples: each event says what it said, in a document that is valid."""
    examples = sorted((vectors / "gs1-epcis" / "examples").rglob("*.jsonld"))
    assert len(examples) > 40
    sent = {}
    for path in examples:
        raw = path.read_bytes()
        answer = cast.admin.request("POST", "/captures", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, (path.name, answer.text[:500])
        found = read_document(raw)
        sent |= {event_hash(event, context_of(found)): path.name for _, event in events_of(found)}
    back = set()
    link = "/epcis/events?perPage=7"
    while link:
        answer = cast.admin.get(link, headers=NEVER)
        body = read_document(answer.content)
        assert faults(vectors, answer.json()) == []
        context = context_of(body)
        back |= {event_hash(event, context.with_event(event)) for _, event in events_of(body)}
        link = answer.headers.get("link", "")[1:].partition(">")[0]
    assert {name for digest, name in sent.items() if digest not in back} == set()
    assert len(back) == len(sent)
