"""What every answer under /epcis has, and how errors are told."""

from xml.etree import ElementTree

import pytest

from tests.support.cast import Cast


def test_the_root_lists_the_resources(cast: Cast) -> None:
    answer = cast.admin.get("/epcis")
    assert answer.status_code == 200
    assert answer.json()["type"] == "Collection"
    assert {"queries", "capture", "events", "epcs"} <= set(answer.json()["member"])
    assert cast.admin.get("/epcis/").json() == answer.json()
    assert answer.headers["gs1-epcis-version"] == answer.headers["gs1-cbv-version"] == "2.0.0"
    xml = cast.admin.get("/epcis", headers={"Accept": "application/xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    assert "events" in [member.text for member in ElementTree.fromstring(xml.content)]


def test_options_tell_versions_and_formats(cast: Cast) -> None:
    answer = cast.admin.request("OPTIONS", "/epcis")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.headers["gs1-epcis-min"] == "1.2"
    assert answer.headers["gs1-epcis-max"] == "2.0.0"
    assert "Never_Translates" in answer.headers["gs1-epc-format"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"GS1-EPCIS-Min": "2.1"}, 406),
        ({"GS1-EPCIS-Max": "1.1"}, 406),
        ({"GS1-CBV-Min": "3"}, 406),
        ({"GS1-EPCIS-Min": "1.2", "GS1-EPCIS-Max": "2.0.0"}, 200),
        ({"GS1-EPCIS-Min": "nonsense"}, 200),
        ({"Accept": "image/png"}, 406),
        ({"Accept": "application/ld+json"}, 200),
    ],
)
def test_nobody_is_answered_in_what_it_does_not_take(cast: Cast, headers: dict[str, str], status: int) -> None:
    answer = cast.admin.get("/epcis", headers=headers)
    assert answer.status_code == status
    if status == 406:
        assert answer.json()["type"] == "epcisException:NotAcceptableException"


def test_errors_are_the_exceptions_of_the_standard(cast: Cast) -> None:
    nobody = cast.public.get("/epcis")
    assert (nobody.status_code, nobody.json()["type"]) == (401, "epcisException:SecurityException")
    nowhere = cast.admin.get("/epcis/nowhere")
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "epcisException:NoSuchResourceException")
    assert nowhere.headers["gs1-epcis-version"] == "2.0.0"
    told = cast.admin.get("/epcis/nowhere", headers={"Accept": "application/xml"})
    assert told.headers["content-type"].startswith("application/problem+xml")
    problem = ElementTree.fromstring(told.content)
    assert problem.findtext("{urn:ietf:rfc:7807}type") == "epcisException:NoSuchResourceException"
    # Elsewhere problems are ours.
    assert cast.admin.get("/api/v1/nowhere").json()["type"] == "/problems/not-found"
