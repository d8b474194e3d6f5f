"""What is told of the goods of a chain besides where they are: the documents that speak for them, their tests, and who
outside the system has some of them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.domain.quantities import parse_quantity
from app.store import chain
from app.store.engine import Snapshot
from app.store.raw import Row
from app.tracing.answer import Amount, Document, Recipient, Test
from app.tracing.sight import Sight
from app.tracing.texts import Epochs, Ids


def documents(snapshot: Snapshot, nodes: list[Row], sight: Sight, ids: Ids) -> list[Document]:
    """In the order of the nodes that they speak for. `nodes` as chain.NODE."""
    place = {row[0]: i for i, row in enumerate(nodes)}
    speaks: dict[bytes, list[bytes]] = {}
    for subject, document in sorted(chain.attachments(snapshot, place), key=lambda row: (place[row[0]], row[1])):
        speaks.setdefault(document, []).append(subject)
    found = {row[0]: row for row in chain.documents(snapshot, speaks)}
    return [
        Document(
            ids[key], kind, number if kind != "other" or any(node in sight.full for node in speaks[key]) else None,
            issuer, issued_on, expires_on, grade, [ids[node] for node in speaks[key]],
        )
        for key, kind, number, issuer, issued_on, expires_on, grade in (found[key] for key in speaks if key in found)
    ]  # fmt: skip


def tests(snapshot: Snapshot, events: list[Row], touches: list[Row], sight: Sight, ids: Ids) -> list[Test]:
    """The latest last. `events` as chain.EVENT, `touches` as chain.TOUCH."""
    times = {row[0]: row[3] for row in events if row[2] == "test"}
    told = {row[0]: row for row in chain.told(snapshot, times)} if times else {}
    of = sorted({(times[event], event, custody) for custody, event in touches if event in told})
    return [
        _test(ids[event], ids[custody], _json(told[event][1]), _json(told[event][2]), custody in sight.full)
        for _, event, custody in of
    ]


def recipients(snapshot: Snapshot, events: list[Row], touches: list[Row], sight: Sight, ids: Ids) -> list[Recipient]:
    """By time. `events` as chain.EVENT, `touches` as chain.TOUCH."""
    seen = {(event, custody) for custody, event in touches if custody in sight.full}
    concerned = {event for event, _ in seen}
    wanted = {row[0]: row for row in events if row[2] in ("sell", "ship") and row[0] in concerned}
    epochs = Epochs()
    found = []
    for key, body, _ in chain.told(snapshot, wanted) if wanted else ():
        said = _json(body)
        to = said.get("buyer") or said.get("to")
        if to is None:
            continue
        _, _, kind, time, offset, *_ = wanted[key]
        for item in said.get("lines") or said.get("items") or ():
            custody = UUID(item["custody_id"]).bytes if item.get("custody_id") else b""
            if (key, custody) not in seen:
                continue
            entered = parse_quantity(item["quantity"]["value"], item["quantity"]["unit"])
            amount = Amount(entered.value, entered.unit, entered.grams, entered.pieces)
            at = epochs[offset] + timedelta(microseconds=time)
            found.append(
                Recipient(
                    ids[custody], ids[key], kind, at, to["name"], to.get("contact"), to.get("address"), amount
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.event_time, one.event_id, one.node_id))


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def _test(event: str, node: str, body: Mapping[str, Any], outcome: Mapping[str, Any], full: bool) -> Test:
    return Test(
        event, node, body["stage"], body["item"], body.get("method"), body.get("value"), body.get("unit"),
        body.get("limit"), outcome.get("decision"), body.get("sample_number") if full else None,
        body.get("tester") if full else None,
    )  # fmt: skip
