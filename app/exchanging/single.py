"""One event by itself (EPCIS 2.0, POST /events): looked at and recorded while its sender waits."""

from collections.abc import Mapping
from typing import Any

from app.domain.epcis.captured import capture
from app.domain.epcis.context import context_of
from app.domain.epcis.validate import validate_event
from app.domain.errors import Conflict, Invalid
from app.domain.rights import Principal
from app.exchanging.checking import identities, not_yours
from app.exchanging.importing import require_capturing
from app.exchanging.recording import Noted, Take
from app.store import published
from app.store.engine import Database, reading


def single(database: Database, principal: Principal, event: Any, extensions: Mapping[str, str]) -> tuple[str, Take]:
    """The eventID that the event goes by, and what `take_events` is given: nothing where the event is one of ours.

    `extensions`: prefixes and their namespaces, beside those of an `@context` in the event. Raises Forbidden, Invalid
    with every fault, Conflict where its eventID is that of an event of ours."""
    require_capturing(database, principal)
    context = context_of({"@context": [dict(extensions)]})
    faults = validate_event(event, context)
    refusals = [fault for fault in faults if fault.severity == "refusal"]
    if refusals:
        raise Invalid(
            "invalid",
            f"EPCIS 事件有 {len(refusals)} 处错误，未接收，见 errors · "
            f"{len(refusals)} faults in the EPCIS event, it was not taken: see errors",
            errors=[(fault.pointer, fault.detail) for fault in refusals],
        )
    found = capture(event, context)
    named = found.epcis_event_id or found.content_hash
    with reading(database) as snapshot:
        ours = identities(published.native_bearers(snapshot, [named]))
    if named not in ours:
        noted = Noted(
            found, [(fault.slug, fault.detail) for fault in faults], [dict(extensions)] if extensions else None
        )
        return named, Take(principal, [noted], alone=True)
    if found.event_id not in ours[named]:
        fault = not_yours("/eventID")
        raise Conflict(fault.slug, fault.detail, pointer=fault.pointer)
    return named, Take(principal)
