"""eventIDs that are no URIs: what JSON is told instead, and back."""

from app.domain.epcis.event_names import as_uri, in_json, written
from app.exchanging.documents import in_json_ld

UUID = "831C0292-4de1-430a-8255-2aca821abaab"
NAMES = {UUID: f"urn:uuid:{UUID}", "SHP-7": "data:,SHP-7", "a/b%20 ü": "data:,a%2Fb%2520%20%C3%BC"}


def test_a_text_has_one_uri_and_comes_back_from_it() -> None:
    for name, uri in NAMES.items():
        assert as_uri(name) == uri == as_uri(uri)
        assert {uri, name} == written(uri)
        assert name in written(name)
    for uri in ("urn:uuid:x:y", "https://x.example/1", "ni:///sha-256;ab?ver=CBV2.0", "data:,a%3Ab"):
        assert (as_uri(uri), written(uri)) == (uri, {uri})


def test_events_and_what_they_are_corrected_by() -> None:
    declared = {"eventID": UUID, "errorDeclaration": {"reason": "x", "correctiveEventIDs": ["SHP-7", "urn:x:1", 5]}}
    told = {
        "eventID": f"urn:uuid:{UUID}",
        "errorDeclaration": {"reason": "x", "correctiveEventIDs": ["data:,SHP-7", "urn:x:1", 5]},
    }
    assert in_json(declared) == told
    # Whatever else stands in a list of events is as it came.
    for other in ("text", None, {"eventID": 5}, {"errorDeclaration": "no"}, {"eventID": "urn:x:1"}):
        assert in_json(other) is other
    assert in_json_ld({"type": "ObjectEvent", **declared}) == {"type": "ObjectEvent", **told}
    document = {"type": "EPCISDocument", "epcisBody": {"eventList": ["text", declared]}}
    assert in_json_ld(document) == {"type": "EPCISDocument", "epcisBody": {"eventList": ["text", told]}}
