"""EPCIS documents as a supplier's system writes them, and their way in."""

import time
from collections.abc import Mapping
from typing import Any

from tests.support.cast import Actor, ago

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
SECONDS = 60


def event(kind: str, hours: float, step: str, *, at: str | None = None, **fields: Any) -> dict[str, Any]:
    """An event of a type (`Object`, `Aggregation` …) so many hours ago; `at`: its read point and business location."""
    place = {} if at is None else {"readPoint": {"id": at}, "bizLocation": {"id": at}}
    if kind != "Transformation":
        fields = {"action": "OBSERVE", **fields}
    return {
        "type": f"{kind}Event", "eventTime": ago(hours=hours), "eventTimeZoneOffset": "+08:00", "bizStep": step,
        **place, **fields,
    }  # fmt: skip


def document(*events: Mapping[str, Any], **names: Mapping[str, str]) -> dict[str, Any]:
    """A document of them; `names`: of `Location`, `EPCClass` what a URI is called."""
    said = "name", "descriptionShort"
    vocabularies = [
        {
            "type": f"urn:epcglobal:epcis:vtype:{kind}",
            "vocabularyElementList": [
                {
                    "id": uri,
                    "attributes": [
                        {"id": f"urn:epcglobal:cbv:mda#{said[kind == 'EPCClass']}", "attribute": name},
                    ],
                }
                for uri, name in listed.items()
            ],
        }
        for kind, listed in names.items()
    ]
    header = {"epcisHeader": {"epcisMasterData": {"vocabularyList": vocabularies}}} if vocabularies else {}
    return {
        "@context": [CONTEXT], "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": ago(hours=0.5),
        **header, "epcisBody": {"eventList": list(events)},
    }  # fmt: skip


def captured(actor: Actor, body: Mapping[str, Any] | str, status: bool = True) -> dict[str, Any]:
    """Posts a document (JSON-LD, or XML as text) to the capture interface and waits for its job, which must succeed."""
    sent: dict[str, Any] = (
        {"content": body.encode(), "headers": {"Content-Type": "application/xml"}}
        if isinstance(body, str)
        else {"json": body}
    )
    answer = actor.request("POST", "/epcis/capture", **sent)
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + SECONDS
    while True:
        job: dict[str, Any] = actor.get(answer.headers["location"]).json()
        if not job["running"]:
            assert job["success"] is status, job
            return job
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.02)


def told(actor: Actor, **asked: str) -> list[dict[str, Any]]:
    """The events of `GET /epcis/events`, all pages of it."""
    found: list[dict[str, Any]] = []
    path, parameters = "/epcis/events", asked
    while path:
        answer = actor.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        found += answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        path, parameters = str(answer.links["next"]["url"]) if "next" in answer.links else "", {}
    return found


def until_told(actor: Actor, count: int, **asked: str) -> list[dict[str, Any]]:
    """As `told`, as soon as there are so many: what was recorded here is published within a second or so."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = told(actor, **asked)
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, [event["bizStep"] for event in found]
        time.sleep(0.05)
