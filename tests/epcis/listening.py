"""What the tests of standing queries share: events that come in, and what a receiver has been told."""

import json
from collections.abc import Iterable
from typing import Any

from app.settings import Settings
from tests.exchanging.world import FARM, document, seen, some
from tests.notifying.receiver import Received, Receiver
from tests.support.cast import Actor


def arrival(name: str, step: str | None = "receiving", **fields: Any) -> dict[str, Any]:
    """An event that names itself."""
    return seen(2, FARM, step, some(name, 5), eventID=f"urn:uuid:{_uuid(name)}", **fields)


def _uuid(name: str) -> str:
    digits = name.encode().hex().rjust(32, "0")[-32:]
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def bring(actor: Actor, *names: str, step: str = "receiving") -> None:
    """Captures an event of each name, in this order."""
    for name in names:  # events of one document come in one transaction, in any order
        taken(actor, arrival(name, step))


def taken(actor: Actor, *events: dict[str, Any], **fields: Any) -> None:
    answer = actor.post("/captures", document(*events, **fields))
    assert answer.status_code in (200, 201), answer.text
    assert {event["status"] for event in answer.json()["events"]} == {"recorded"}, answer.text


def names(document: dict[str, Any]) -> list[str]:
    """Of the events in a query document, by their lots."""
    assert document["type"] == "EPCISQueryDocument"
    events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return [event["quantityList"][0]["epcClass"].rpartition("/")[2] for event in events]


def heard(got: Iterable[Received]) -> list[str]:
    """The names of all events that a receiver was told of, in that order."""
    return [name for each in got for name in names(json.loads(each.body))]


def named(actor: Actor, name: str = "all", query: dict[str, Any] | None = None) -> str:
    """Names a query; where it is."""
    answer = actor.post("/epcis/queries", {"name": name, "query": query or {}})
    assert answer.status_code == 201, answer.text
    place: str = answer.headers["location"]
    return place


def subscribed(actor: Actor, query: str, dest: str, **fields: Any) -> str:
    """A stream to the query, unless the fields say otherwise; where it is."""
    form = {"dest": dest, "signatureToken": "s3cret", **({} if "schedule" in fields else {"stream": True}), **fields}
    answer = actor.post(f"{query}/subscriptions", form)
    assert answer.status_code == 201, answer.text
    place: str = answer.headers["location"]
    return place


def reaching(settings: Settings, receiver: Receiver) -> Settings:
    """The operator has listed the receiver."""
    given = {"webhook_hosts": receiver.origin, "webhook_networks": "127.0.0.0/8"}
    checked = Settings.model_validate(given)
    return settings.model_copy(update={name: getattr(checked, name) for name in given})
