"""What the repository shows, as plain values, and the schemas that it is held against."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from sqlalchemy import Engine, select

from app.store import tables
from app.store.engine import reading


@cache
def schema(vectors: Path) -> Any:
    found = json.loads((vectors / "gs1-epcis" / "EPCIS-JSON-Schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(found, validate_formats=True)


def faults(vectors: Path, document: Any) -> list[str]:
    """What GS1's schema says of a document."""
    return [f"{error.instance_path}: {error.message[:300]}" for error in schema(vectors).iter_errors(document)]


def document(*events: Any, context: Any = ()) -> dict[str, Any]:
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", *context],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T02:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }


def bodies(engine: Engine) -> dict[str, dict[str, Any]]:
    """Native events as published, by the id of the event."""
    event = tables.epcis_event.c
    with reading(engine) as snapshot:
        rows = snapshot.execute(select(event.event_id, event.body).where(event.body.is_not(None)))
        return {str(row.event_id): row.body for row in rows}


def index(engine: Engine) -> set[tuple[str, int, str, int]]:
    """(EPC, position, event, roles)."""
    row = tables.epc_event.c
    with reading(engine) as snapshot:
        found = snapshot.execute(select(row.epc, row.position, row.event_id, row.roles))
        return {(one.epc, one.position, str(one.event_id), one.roles) for one in found}
