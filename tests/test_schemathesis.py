"""Whatever the OpenAPI document allows, and whatever it does not: no door answers with a fault of the service's own."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode

from app.domain.events import KINDS
from app.web.events_openapi import EXAMPLES
from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Actor, Cast, ago, quantity
from tests.support.story import day

PLACE = "https://food.example.cn"
# What the standard leaves open to build, and has this answer for.
OPTIONAL = ("DELETE /epcis/nextPageToken/{token}", 501)


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Any text, or JSON on one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.encode("utf-8", "replace")


def operations(document: dict[str, Any]) -> Iterator[APIOperation]:
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        yield result.ok()


def posted(actor: Actor, case: Case) -> Any:
    """The answer to a generated request, as a client would send it."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=PLACE)).prepare()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() != "authorization"}
    return actor.request(prepared.method or "GET", str(prepared.url), content=prepared.body, headers=headers)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [3, pytest.param(15, marks=pytest.mark.soak)])
def test_no_request_breaks_the_service(cast: Cast, number: int) -> None:
    """`number` requests a door of each sort: fitting the document and not, as it comes and about things that are there,
    and without a key."""
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    scale = cast.scale(cast.stall)
    spare = cast.admin.made("/keys", {"role": "lab", "party_id": cast.lab.party["id"], "name": "spare"})
    known = {
        "slug": "mistyped-code", "code": batch["code"], "party_id": cast.stall.party["id"],
        "site_id": cast.stall.site["id"], "product_id": batch["product_id"], "document_id": paper(cast.stall),
        "device_id": scale.activation["device_id"], "key_id": spare["id"], "event_id": batch["event_id"],
        "custody_id": batch["custody_id"], "slip_code": batch["slip"], "event_time": ago(hours=1),
        "produced_on": day(-1), "value": "1", "unit": "kg",
        "receipt_code": scale.sell(0, cast.item(batch, "0.001"))["receipt_code"],
    }  # fmt: skip
    met: set[tuple[str, int]] = set()

    def ask(actor: Actor, case: Case) -> None:
        answer = posted(actor, case)
        door = f"{case.method} {case.operation.path}"
        met.add((door, answer.status_code))
        assert answer.status_code < 500 or (door, answer.status_code) == OPTIONAL, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"].startswith(("application/problem+json", "text/html"))

    document = cast.public.get(f"{PLACE}/openapi.json").json()
    for operation in operations(document):
        actor = scale if operation.path == "/api/v1/sales" else cast.admin
        names = {parameter.name for parameter in operation.path_parameters}
        fixed = {name: known[name] for name in names & known.keys()}

        def about_known(case: Case, actor: Actor = actor) -> None:
            case.body = placed(case.body, known)
            ask(actor, case)

        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            explore(operation.as_strategy(mode), partial(ask, actor), number)
            explore(operation.as_strategy(mode, path_parameters=fixed or None), about_known, number)
        explore(operation.as_strategy(), partial(ask, cast.public), number)
    # It did get in: something was read, made, and refused for every reason that there is.
    assert {status for _, status in met} >= {200, 201, 400, 401, 403, 404, 422}


def placed(value: Any, known: dict[str, str]) -> Any:
    """The body with what is there in place of generated names of things."""
    if isinstance(value, dict):
        return {
            name: known[name] if name in known and isinstance(inner, str) else placed(inner, known)
            for name, inner in value.items()
        }
    return [placed(inner, known) for inner in value] if isinstance(value, list) else value


def explore(cases: Any, ask: Callable[[Case], None], number: int) -> None:
    """Draws that many cases and asks them; the same ones every time where they are few."""
    bounded = settings(
        max_examples=number, deadline=None, derandomize=number < 10, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    # Where nothing that does not fit can be said there is nothing to ask.
    with suppress(Unsatisfiable):
        bounded(given(case=cases)(lambda case: ask(case)))()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_examples_of_the_document_are_recorded(cast: Cast) -> None:
    document = cast.public.get(f"{PLACE}/openapi.json").json()
    content = document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    shown = {name: example["value"] for name, example in content["examples"].items()}
    assert shown == EXAMPLES
    assert {example["kind"] for example in shown.values()} == set(KINDS)
    batch = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "20")])["slip_code"]
    gap = {"product_id": batch["product_id"], "quantity": quantity("4")}
    [bought] = cast.stall.record("receive", items=[gap], **{"from": {"name": "x"}})["outputs"]
    [link] = cast.stall.trace("back", custody=bought["custody_id"])["links"]
    # What stands in the examples for things that are there.
    there = {
        "site_id": cast.farm.site["id"], "custody_id": batch["custody_id"], "product_id": batch["product_id"],
        "slip_code": slip, "gap_custody_id": link["parent_id"], "parent_custody_id": batch["custody_id"],
        "document_id": paper(cast.admin),
    }  # fmt: skip
    for name, example in shown.items():
        body = placed(example, there)
        body |= {"evidence": [there["document_id"]]} if "evidence" in body else {}
        answer = cast.admin.post("/events", body)
        assert answer.status_code == 201, (name, answer.text)
        # The release is of the hold before it, the correction of the count.
        there |= {"event_id": answer.json()["id"], "hold_event_id": answer.json()["id"]}
