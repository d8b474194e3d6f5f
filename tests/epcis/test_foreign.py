"""What other people's documents have that ours have not: taken, kept to the letter, and found."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.epcis.capturing import captured, counts
from tests.epcis.shown import faults
from tests.exchanging.world import FARM, document, happened, lot, made, some
from tests.support.cast import Cast

OWN = "https://shop.example/ns/"
SALE = {
    **{name: made(1, FARM)[name] for name in ("eventTime", "eventTimeZoneOffset")},
    "type": "shop:SaleEvent",
    "eventID": "urn:uuid:0b3f3a2e-0d7c-4c51-9d0c-0a6d3f6b1c55",
    "epcList": [lot("A")],
    "bizLocation": {"id": FARM},
    "shop:till": {"shop:number": 4},
}


def events(cast: Cast, path: str) -> list[dict[str, Any]]:
    answer = cast.farm.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


def xml(fields: str, created: str = "2026-03-01T02:00:00Z") -> bytes:
    event = (
        "<ObjectEvent><eventTime>2026-03-01T06:30:00+08:00</eventTime><eventTimeZoneOffset>+08:00</eventTimeZoneOffset>"
        f"<epcList><epc>urn:epc:id:sgtin:4012345.011111.9876</epc></epcList><action>OBSERVE</action>{fields}</ObjectEvent>"
    )
    return (
        f'<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="{created}"><EPCISBody>'
        f"<EventList>{event}</EventList></EPCISBody></e:EPCISDocument>"
    ).encode()


def shop(*listed: dict[str, Any]) -> dict[str, Any]:
    made_here = document(*listed)
    context = made_here["@context"]
    return {**made_here, "@context": [*(context if isinstance(context, list) else [context]), {"shop": OWN}]}


def test_events_of_types_of_somebodys_own(cast: Cast) -> None:
    """EPCIS 2.0 §7.1.1; the schema's Extended-Event. They are found by what they name, and move nothing."""
    job = captured(cast.farm, shop(made(1, FARM, some("A", 5)), SALE))
    assert (job["success"], counts(job)) == (True, (2, 0, 0)), job
    kind = quote(f"{OWN}SaleEvent", safe="")
    for path in (f"/epcis/events?eventType={kind}", f"/epcis/eventTypes/{kind}/events"):
        (found,) = events(cast, path)
        assert found["shop:till"] == SALE["shop:till"]
        assert found["type"] in (SALE["type"], f"{OWN}SaleEvent")
    kinds = cast.farm.get("/epcis/eventTypes").json()["member"]
    assert len(kinds) == 6
    assert {"ObjectEvent", "AssociationEvent"} < set(kinds)
    assert len(events(cast, f"/epcis/events?MATCH_anyEPC={quote(lot('A'), safe='')}")) >= 1
    told = cast.farm.get(f"/epcis/events?eventType={kind}", headers={"Accept": "application/xml"})
    assert "SaleEvent" in told.text
    node = cast.admin.trace("back", epc=lot("A"))["nodes"]
    assert len(node) == 1


def test_an_extended_event_by_itself(cast: Cast) -> None:
    sent = {**shop(), **SALE}
    for name in ("schemaVersion", "creationDate", "epcisBody"):
        sent.pop(name)
    answer = cast.farm.post("/epcis/events", json=sent)
    assert answer.status_code == 201, answer.text
    (found,) = events(cast, answer.headers["location"])
    assert found["eventID"] == SALE["eventID"]


def test_one_item_in_two_writings_is_one(cast: Cast) -> None:
    """Published documents list an SSCC as URN and as Digital Link."""
    unit = ["urn:epc:id:sscc:4012345.0000000333", "https://id.gs1.org/00/040123450000003338"]
    seen_both = happened(2, "ObjectEvent", FARM, "receiving", action="OBSERVE", epcList=unit)
    job = captured(cast.farm, document(seen_both))
    assert counts(job) == (1, 0, 0), job
    assert cast.farm.get(job["onecode:outcome"]["document"]).json()["epcisBody"]["eventList"] == [seen_both]
    for epc in unit:
        assert len(events(cast, f"/epcis/events?MATCH_epc={quote(epc, safe='')}")) == 1


@pytest.mark.parametrize("created", ["2018-02-27T21:52:16.416129", "2018-02-27T21:52:16+08:00"])
def test_a_document_of_xml_may_not_say_where_its_clock_stands(cast: Cast, created: str) -> None:
    """xsd:dateTime needs no offset, and some tools write none; times of events do need one."""
    job = captured(cast.farm, xml("", created), Content_Type="application/xml")
    assert counts(job) == (1, 0, 0), job
    told = cast.farm.get(job["onecode:outcome"]["document"]).json()["creationDate"]
    assert told == (created if "+" in created else f"{created}Z")


def test_measurements_that_the_web_vocabulary_got_later(cast: Cast) -> None:
    sensed = (
        "<readPoint><id>urn:epc:id:sgln:4012345.00005.0</id></readPoint><sensorElementList><sensorElement>"
        '<sensorReport type="gs1:EffectiveDoseRate" value="0.005" uom="P71"/><sensorReport type="gs1:Temperature" '
        'value="4" uom="CEL"/></sensorElement></sensorElementList>'
    )
    job = captured(cast.farm, xml(sensed), Content_Type="application/xml")
    assert counts(job) == (1, 0, 0), job
    (event,) = cast.farm.get(job["onecode:outcome"]["document"]).json()["epcisBody"]["eventList"]
    kinds = [report["type"] for report in event["sensorElementList"][0]["sensorReport"]]
    assert kinds == ["gs1:EffectiveDoseRate", "Temperature"]


BARE = "831c0292-4de1-430a-8255-2aca821abaab"
NAMES = {BARE: f"urn:uuid:{BARE}", "发货 {17}": "data:,%E5%8F%91%E8%B4%A7%20%7B17%7D"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_event_ids_of_xml_that_are_no_uris(cast: Cast, vectors: Path, name: str) -> None:
    """As EPCIS 1.x has them, in any xsd:anyURI: taken, flagged, kept, told to the letter. JSON has URIs alone: it is
    told their URIs, and either finds them."""
    uri = NAMES[name]
    declaration = (
        f"<errorDeclaration><declarationTime>2026-03-02T00:00:00Z</declarationTime><correctiveEventIDs>"
        f"<correctiveEventID>{name}-2</correctiveEventID></correctiveEventIDs></errorDeclaration>"
    )
    identity = f"<baseExtension><eventID>{name}</eventID>@</baseExtension>"
    text = xml("").decode().replace("</eventTimeZoneOffset>", f"</eventTimeZoneOffset>{identity}")
    for extra in ("", declaration):
        job = captured(cast.farm, text.replace("@", extra).encode(), Content_Type="application/xml")
        assert (job["success"], counts(job)) == (True, (1, 0, 0)), job
        (outcome,) = job["onecode:outcome"]["outcomes"]
        assert outcome["eventID"] == name
        assert {flag["slug"] for flag in outcome["flags"]} == {"event_id_no_uri"}, outcome
    instead = f"data:,{quote(name, safe='')}-2"
    for asked in (name, uri):
        assert len(events(cast, f"/epcis/events?EQ_correctiveEventID={quote(f'{name}-2', safe='')}")) == 1
        assert len(events(cast, f"/epcis/events?EQ_correctiveEventID={quote(instead, safe='')}")) == 1
        named = quote(asked, safe="")
        for path in (f"/epcis/events/{named}", f"/epcis/events?EQ_eventID={named}"):
            answer = cast.farm.get(path).json()
            assert faults(vectors, answer) == []
            told, declared = sorted(events(cast, path), key=len)
            assert told["eventID"] == declared["eventID"] == uri
            assert declared["errorDeclaration"]["correctiveEventIDs"] == [instead]
            # Whoever reads JSON alone takes it as it is; we know it for the same.
            assert counts(captured(cast.farm, answer)) == (0, 2, 0)
            for headers in ({}, {"GS1-EPCIS-Max": "1.2"}):
                written = cast.farm.get(path, headers={"Accept": "application/xml", **headers}).content.decode()
                assert written.count(f"<eventID>{name}</eventID>") == 2
                assert f"<correctiveEventID>{name}-2</correctiveEventID>" in written
            again = captured(cast.farm, written.encode(), Content_Type="application/xml")
            assert counts(again) == (0, 2, 0), again
    document = cast.farm.get(job["onecode:outcome"]["document"]).json()
    assert faults(vectors, document) == []
    assert document["epcisBody"]["eventList"][0]["eventID"] == uri
    posted = cast.farm.post("/epcis/events", {**declared, "eventID": "urn:x:other", "@context": {}})
    assert (posted.status_code, posted.json()["eventID"]) == (201, uri)
    refused = cast.farm.post("/epcis/events", {**told, "eventID": name, "@context": {}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/eventID")
    for nameless in ("", " ", "a\u200bb"):
        job = captured(
            cast.farm, text.replace(name, nameless).replace("@", "").encode(), Content_Type="application/xml"
        )
        assert job["success"] is False
