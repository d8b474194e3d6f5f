"""Every path, method, status, header and body of the OpenAPI document of EPCIS 2.0, against ours.

Where that document contradicts itself, `repaired` says what we hold to.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import jsonschema_rs
import pytest
import yaml

from app.settings import Settings
from tests.epcis.capturing import captured
from tests.exchanging.world import FARM, STALL, document, lot, made, seen, some
from tests.support.cast import Actor, Cast

STUB = "https://gs1.github.io/EPCIS/REST%20Bindings/JSON-Schema-Stub.json"
QUERY = {"name": "mine", "query": {"eventType": ["ObjectEvent"], "EQ_bizStep": ["shipping", "receiving"]}}
STREAM = {
    "dest": "https://hooks.invalid/epcis",
    "signatureToken": "13df38d8275b13f05704629e5f1cf3d45d6132d5",
    "stream": True,
}
OWN = "urn:uuid:8f1b7e8e-3f5c-4d3e-9f6e-0d5a3f3b6c77"
EVENT = made(1, FARM, some("A", 5), eventID=OWN, disposition="active", readPoint={"id": FARM})
# Headers that are there only where there is something to say.
AT_TIMES = {"Link", "GS1-Next-Page-Token-Expires"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"capture_bytes": 50_000, "max_body_bytes": 50_000, "webhook_hosts": ("hooks.invalid",)}
    )


@cache
def standard(vectors: Path) -> dict[str, Any]:
    """The document, with the definitions of EPCIS's JSON Schema that it refers to in it."""
    spec = yaml.safe_load((vectors / "gs1-epcis" / "rest" / "openapi.yaml").read_text(encoding="utf-8"))
    schema = json.loads((vectors / "gs1-epcis" / "EPCIS-JSON-Schema.json").read_text(encoding="utf-8"))
    repaired(spec)
    text = json.dumps({**spec, "definitions": schema["definitions"]})
    found: dict[str, Any] = json.loads(text.replace(f"{STUB}#", "#"))
    return found


def repaired(spec: dict[str, Any]) -> None:
    """What of the document cannot be held: it is said elsewhere in it, or in the text of the standard, otherwise."""
    answers, schemas = spec["components"]["responses"], spec["components"]["schemas"]
    for content in answers["409ResourceAlreadyExistsException"]["content"].values():
        content["schema"]["allOf"][0]["properties"]["status"]["enum"] = [409]  # enumerates 406
    for content in answers["404ResourceNotFound"]["content"].values():
        # Its own example is NoSuchResourceException.
        content["schema"]["allOf"][0]["properties"]["type"]["enum"].append("epcisException:NoSuchResourceException")
    xml = answers["415UnsupportedMediaType"]["content"]["application/problem+xml"]["schema"]["allOf"][0]
    xml["properties"]["type"]["enum"] = ["epcisException:UnsupportedMediaTypeException"]  # "…:IUnsupported…"
    # A job with `errors` fits both branches of a oneOf, and so none.
    schemas["CaptureJob"]["allOf"][1]["anyOf"] = schemas["CaptureJob"]["allOf"][1].pop("oneOf")
    # GET /queries/{queryName} is a list by its schema, and one definition by its example and its text.
    one = spec["paths"]["/queries/{queryName}"]["get"]["responses"]["200"]["content"]["application/json"]
    one["schema"] = one["schema"]["items"]
    for schema in schemas.values():  # some are of no language of regular expressions, or too narrow for their examples
        schema.pop("pattern", None)
    # Problems of subscriptions are application/json there, of everything else application/problem+json.
    issues = answers["400SubscriptionIssues"]["content"]
    issues["application/problem+json"] = issues.pop("application/json")
    # Not said of these, though they take bodies and parameters that can be wrong.
    for path, method, status, name in (
        ("/events", "get", "400", "400QueryIssues"),
        ("/events", "get", "413", "413QueryScopeOrSize"),
        ("/queries", "post", "400", "400QueryIssues"),
        ("/queries/{queryName}/events", "get", "400", "400QueryIssues"),
        ("/queries/{queryName}/subscriptions", "post", "400", "400SubscriptionIssues"),
    ):
        spec["paths"][path][method]["responses"][status] = {"$ref": f"#/components/responses/{name}"}


@dataclass(frozen=True, slots=True)
class Operation:
    spec: dict[str, Any]
    path: str
    method: str

    def response(self, status: int) -> dict[str, Any]:
        answers = self.spec["paths"][self.path][self.method]["responses"]
        assert str(status) in answers, f"{self}: {status} is not among {sorted(answers)}"
        return self.resolved(answers[str(status)])

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        found = node
        while "$ref" in found:
            place: Any = self.spec
            for part in found["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            found = place
        return found

    def faults(self, schema: dict[str, Any], value: Any) -> list[str]:
        whole = {**schema, "components": self.spec["components"], "definitions": self.spec["definitions"]}
        checker = jsonschema_rs.validator_for(whole, validate_formats=True)
        return [f"{error.instance_path}: {error.message[:200]}" for error in checker.iter_errors(value)]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


def operations(vectors: Path, *methods: str) -> Iterator[Operation]:
    spec = standard(vectors)
    for path, item in spec["paths"].items():
        for method in item:
            if method in methods:
                yield Operation(spec, path, method)


@pytest.fixture
def filled(cast: Cast) -> Cast:
    """Something at every path."""
    job = captured(cast.farm, document(EVENT, seen(2, STALL, "shipping", some("A", 2))))
    assert job["success"]
    cast.farm.made("/epcis/queries", QUERY)
    cast.farm.made("/epcis/queries/mine/subscriptions", STREAM)
    return cast


def places(actor: Actor) -> dict[str, str]:
    """What stands for the parameters of paths."""
    (subscription,) = actor.get("/epcis/queries/mine/subscriptions").json()
    return {
        "captureID": actor.get("/epcis/capture").json()[0]["captureID"],
        "eventID": OWN,
        "eventType": "ObjectEvent",
        "epc": lot("A"),
        "bizStep": "commissioning",
        "bizLocation": FARM,
        "readPoint": FARM,
        "disposition": "active",
        "queryName": "mine",
        "subscriptionID": subscription["subscriptionID"],
        "token": "3A15506738749783AU6D7DENAKwM2gQRRwGrataeq",
    }


def at(path: str, known: dict[str, str]) -> str:
    return "/epcis" + path.format(**{name: quote(value, safe="") for name, value in known.items()})


def check(operation: Operation, answer: Any) -> None:
    """Status, headers and body are as documented."""
    said = operation.response(answer.status_code)
    for name, header in said.get("headers", {}).items():
        if name in AT_TIMES and name not in answer.headers:
            continue
        assert name in answer.headers, f"{operation} {answer.status_code} has no {name}"
        schema, value = header.get("schema") or operation.resolved(header)["schema"], answer.headers[name]
        if name not in ("GS1-Extensions", "GS1-EPC-Format", "GS1-CBV-XML-Format", "Link", "Allow"):
            given = int(value) if operation.resolved(schema).get("type") == "integer" else value
            bare = {key: rest for key, rest in schema.items() if not (name == "Location" and key == "format")}
            assert operation.faults(bare, given) == [], f"{operation}: {name}: {value}"
    content = said.get("content")
    if not content:
        assert answer.content == b"" or answer.status_code == 201
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in content, f"{operation} {answer.status_code}: {media_type}"
    if media_type.endswith("json"):
        assert operation.faults(content[media_type]["schema"], answer.json()) == [], f"{operation}: {answer.text[:500]}"
    else:
        assert ElementTree.fromstring(answer.content).tag


def test_none_is_missing(vectors: Path) -> None:
    assert len(list(operations(vectors, "get", "post", "delete", "options"))) == 63


def test_options_at_every_path(filled: Cast, vectors: Path) -> None:
    known = places(filled.farm)
    for operation in operations(vectors, "options"):
        answer = filled.farm.request("OPTIONS", at(operation.path, known))
        assert (answer.status_code, answer.content) == (204, b""), f"{operation}: {answer.text}"
        check(operation, answer)
        allowed = {method.strip() for method in answer.headers["allow"].split(",")}
        documented = operation.response(204)["headers"]["Allow"]["schema"]["default"]
        assert {method.strip() for method in documented.split(",")} <= allowed, f"{operation}: {allowed}"


def test_reading_at_every_path(filled: Cast, vectors: Path) -> None:
    known = places(filled.farm)
    for operation in operations(vectors, "get"):
        for media_type in operation.response(200)["content"]:
            answer = filled.farm.get(at(operation.path, known), headers={"Accept": media_type})
            assert answer.status_code == 200, f"{operation}: {answer.text}"
            assert answer.headers["content-type"].startswith(media_type), str(operation)
            check(operation, answer)
            if operation.path.endswith("/events"):
                assert "ObjectEvent" in answer.text, f"{operation} finds no event"


def test_pages_at_every_list_of_several(filled: Cast, vectors: Path) -> None:
    filled.farm.made("/epcis/queries", {**QUERY, "name": "other"})
    captured(filled.farm, document(seen(3, STALL, "receiving", some("A", 2), disposition="in_progress")))
    for path in (
        "/capture",
        "/events",
        "/eventTypes",
        "/bizSteps",
        "/queries",
        "/queries/mine/events",
        "/bizLocations",
    ):
        answer = filled.farm.get(f"/epcis{path}", params={"perPage": "1"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["link"].endswith('>; rel="next"'), path
        assert datetime.fromisoformat(answer.headers["gs1-next-page-token-expires"]) > datetime.now(UTC), path
        following = answer.headers["link"].removeprefix("<").partition(">")[0]
        assert filled.farm.get(following).text != answer.text


def test_making_and_deleting(filled: Cast, vectors: Path) -> None:
    known, farm = places(filled.farm), filled.farm
    bodies: dict[str, Any] = {
        "/capture": document(seen(5, FARM, "storing", some("A", 1))),
        "/events": {**seen(6, FARM, "storing", some("A", 1)), "@context": document()["@context"]},
        "/queries": {**QUERY, "name": "other"},
        "/queries/{queryName}/subscriptions": {
            "dest": "https://hooks.invalid/x", "signatureToken": "s", "schedule": {"hour": "1", "minute": "5"}
        },
    }  # fmt: skip
    statuses = {"/capture": 202}
    for operation in operations(vectors, "post"):
        answer = farm.post(at(operation.path, known), bodies.pop(operation.path))
        assert answer.status_code == statuses.get(operation.path, 201), f"{operation}: {answer.text}"
        check(operation, answer)
        assert farm.get(answer.headers["location"]).status_code == 200
    assert bodies == {}
    gone = sorted(operations(vectors, "delete"), key=lambda operation: -len(operation.path))
    for operation in gone:
        answer = farm.request("DELETE", at(operation.path, known))
        assert answer.status_code == (501 if "Token" in operation.path else 204), f"{operation}: {answer.text}"
        check(operation, answer)


@pytest.mark.parametrize("kind", ["application/json", "application/xml"])
def test_nobody_and_what_nobody_can_give(filled: Cast, vectors: Path, kind: str) -> None:
    """401 without a key, 406 for an unknown media type or version, wherever the document has them."""
    known = places(filled.farm)
    for operation in operations(vectors, "get", "post", "delete", "options"):
        if "401" not in operation.spec["paths"][operation.path][operation.method]["responses"]:
            continue
        place, method = at(operation.path, known), operation.method.upper()
        answer = filled.public.request(method, place, headers={"Accept": kind})
        assert answer.status_code == 401, f"{operation}: {answer.text}"
        assert answer.headers["content-type"].startswith(kind.replace("/", "/problem+")), str(operation)
        check(operation, answer)
        body = {"json": QUERY} if method == "POST" else {}
        newer = filled.farm.request(method, place, headers={"Accept": kind, "GS1-EPCIS-Min": "3.0.0"}, **body)
        assert newer.status_code == 406, f"{operation}: {newer.text}"
        check(operation, newer)


def test_media_types_that_nobody_can_give(filled: Cast, vectors: Path) -> None:
    known = places(filled.farm)
    for operation in operations(vectors, "get"):
        answer = filled.farm.get(at(operation.path, known), headers={"Accept": "image/png"})
        assert answer.status_code == 406, f"{operation}: {answer.text}"
        check(operation, answer)


MISSING = {
    "captureID": "6f1c0a52-0000-4000-8000-000000000000",
    "eventID": "urn:uuid:6f1c0a52-0000-4000-8000-000000000000",
    "eventType": "https://ns.example.com/NoEvent",
    "epc": "urn:epc:id:sscc:4012345.0999999999",
    "bizStep": "destroying",
    "bizLocation": "urn:epc:id:sgln:4012345.99999.0",
    "readPoint": "urn:epc:id:sgln:4012345.99999.0",
    "disposition": "stolen",
    "queryName": "nobody's",
    "subscriptionID": "6f1c0a52-0000-4000-8000-000000000000",
}


def test_what_is_not_there(filled: Cast, vectors: Path) -> None:
    for operation in operations(vectors, "get", "post", "delete"):
        if "404" not in operation.spec["paths"][operation.path][operation.method]["responses"]:
            continue
        body = {"json": STREAM} if operation.method == "post" else {}
        answer = filled.farm.request(operation.method.upper(), at(operation.path, MISSING), **body)
        assert answer.status_code == 404, f"{operation}: {answer.status_code} {answer.text}"
        check(operation, answer)


LONG = "x" * 60_000
REFUSED: list[tuple[str, str, int, dict[str, Any]]] = [
    ("post", "/capture", 400, {"json": {"type": "Invoice"}}),
    ("post", "/capture", 400, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("post", "/capture", 400, {"content": b"<a", "headers": {"Content-Type": "application/xml"}}),
    ("post", "/capture", 413, {"json": {**document(EVENT), "ex:x": "x" * 60_000}}),
    ("post", "/capture", 415, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("post", "/events", 400, {"json": {**EVENT, "action": "LOSE"}}),
    ("post", "/events", 409, {"json": {**EVENT, "disposition": "damaged"}}),
    ("post", "/events", 413, {"json": {**EVENT, "ex:x": "x" * 60_000}}),
    ("post", "/events", 415, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("get", "/events", 400, {"params": {"GE_eventTime": "yesterday"}}),
    ("get", "/events", 400, {"params": {"EQ_nothing": "x"}}),
    ("get", "/events", 413, {"params": {"maxEventCount": "1"}}),
    ("get", "/events", 414, {"params": {"EQ_bizLocation": LONG}}),
    ("get", "/epcs/{epc}/events", 400, {"params": {"eventCountLimit": "1"}}),
    ("get", "/queries/{queryName}/events", 400, {"params": {"LT_recordTime": "x"}}),
    ("post", "/queries", 400, {"json": {"name": "x", "query": {"EQ_bizStep": [1]}}}),
    ("post", "/queries", 409, {"json": {**QUERY, "query": {}}}),
    ("post", "/queries", 415, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("post", "/queries/{queryName}/subscriptions", 400, {"json": {**STREAM, "schedule": {"hour": "25"}}}),
    ("post", "/queries/{queryName}/subscriptions", 415, {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
    ("post", "/queries/{queryName}/subscriptions", 403, {"json": {**STREAM, "dest": "https://elsewhere.invalid/"}}),
]


def test_what_is_refused(filled: Cast, vectors: Path) -> None:
    spec, known = standard(vectors), places(filled.farm)
    for method, path, status, options in REFUSED:
        operation = Operation(spec, path, method)
        sent = json.loads(json.dumps(options["json"])) if "json" in options else None
        if path == "/events" and sent is not None:
            sent["@context"] = document()["@context"]
        given = {**options, "json": sent} if sent is not None else options
        for kind in ("application/json", "application/xml"):
            headers = {"Accept": kind, **options.get("headers", {})}
            answer = filled.farm.request(method.upper(), at(path, known), **{**given, "headers": headers})
            assert answer.status_code == status, f"{operation} {str(options)[:200]}: {answer.text[:500]}"
            # Some problems are documented in one of the two shapes only.
            said = operation.response(status)["content"]
            if answer.headers["content-type"].partition(";")[0] in said or kind == "application/json":
                check(operation, answer)


def test_who_may_not(filled: Cast, vectors: Path) -> None:
    spec, lab = standard(vectors), filled.key("regulator", region="3301")
    for path, body in (("/capture", document(EVENT)), ("/events", {**EVENT, "@context": document()["@context"]})):
        answer = lab.post(f"/epcis{path}", body)
        assert answer.status_code == 403, answer.text
        check(Operation(spec, path, "post"), answer)
