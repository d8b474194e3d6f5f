"""Every invalid document at the door: refused, with the place of each fault, and nothing of it kept."""

import json
from typing import Any

from sqlalchemy import Engine

from app.store import tables
from tests.domain.epcis.invalid import INVALID
from tests.epcis.capturing import ended
from tests.exchanging.world import rows
from tests.support.cast import Actor, Cast

LD = {"Content-Type": "application/ld+json"}


def written(document: Any) -> bytes | None:
    """As JSON, of those that can be written as JSON that anybody sends."""
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return text.encode() if len(text) < 1_000_000 and isinstance(document, dict) else None


def told(actor: Actor, body: bytes) -> set[str]:
    """The pointers of what is wrong, told at once or by the job."""
    answer = actor.post("/epcis/capture", content=body, headers=LD)
    if answer.status_code == 400:
        return {error["pointer"] for error in answer.json()["errors"]}
    assert answer.status_code == 202, answer.text
    job = ended(actor, answer.headers["location"])
    assert job["success"] is False
    assert all(error["type"] == "epcisException:ValidationException" for error in job["errors"])
    return {one["pointer"] for error in job["errors"] for one in error["errors"]}


def test_every_fault_is_told_where_it_is(cast: Cast, engine: Engine) -> None:
    sent = {name: body for name, (document, _) in INVALID.items() if (body := written(document)) is not None}
    assert len(sent) >= 100
    wrong = {}
    for name, body in sent.items():
        # An event by itself is for POST /events.
        alone = INVALID[name][0].get("type") == "ObjectEvent"
        expected = {"/type"} if alone else {place for place, _ in INVALID[name][1]}
        found = told(cast.farm, body)
        if found != expected:
            wrong[name] = (found, expected)
    assert wrong == {}
    assert rows(engine, tables.epcis_event) == []
    assert rows(engine, tables.capture) == []
