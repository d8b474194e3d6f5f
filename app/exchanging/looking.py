"""Looking at one event: what is wrong with it, and what of it must be known to record it. A pure function of its bytes,
so that another process may look."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

from app.domain.epcis.captured import CapturedEvent, capture, related_epcs
from app.domain.epcis.context import Context
from app.domain.epcis.event_hash import hash_digest
from app.domain.epcis.faults import Fault, Faults, readable
from app.domain.epcis.validate import validate_document, validate_event
from app.domain.errors import Malformed, TooLarge
from app.exchanging.documents import fingerprint
from app.store.types import micros


class Good(NamedTuple):
    """An event without refusals. `digest`: of its content; `epcs`: numbers for what it names, equal for equal EPCs;
    `event` where it is at hand."""

    key: bytes
    own_id: str | None
    kind: str
    time: int  # microseconds since 1970 UTC
    digest: bytes
    epcs: tuple[int, ...]
    event: CapturedEvent | None


class Look(NamedTuple):
    """`faults`: refusals of an event that is not `good`, else flags. `print`: its fingerprint, None where it cannot be
    stored at all; `own_id`: the eventID of a refused one."""

    faults: list[Fault]
    print: bytes | None
    own_id: str | None
    good: Good | None


def look(event_of: Callable[[], Any], context: Context, pointer: str, bare: bool = False) -> Look:
    """At what `event_of` gives, a JSON value, in a document that declares the names of `context`."""
    try:
        event = event_of()
    except (Malformed, TooLarge) as refusal:
        return Look([Fault(pointer, refusal.slug, refusal.detail)], None, None, None)
    xml = context.of_xml
    faults = validate_document(event, of_xml=xml) if bare else validate_event(event, context, pointer)
    if any(fault.severity == "refusal" for fault in faults):
        own_id = event.get("eventID") if isinstance(event, dict) else None
        printed = fingerprint({"event": event}) if readable(event, pointer, Faults()) else None
        return Look(faults, printed, own_id if isinstance(own_id, str) else None, None)
    made = capture(event, context)
    good = Good(
        made.event_id.bytes,
        made.epcis_event_id,
        made.kind,
        micros(made.event_time),
        hash_digest(made.content_hash),
        tuple([crc32(epc.encode()) for epc in related_epcs(made)]),
        made,
    )
    return Look(faults, fingerprint(event), None, good)
