"""The EPCISQueryDocument that answers a query (EPCIS 2.0 §9 and §12.7)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.epcis.formats import CompanyPrefixes, EpcFormat, translated
from app.domain.epcis.writing import CONTEXT
from app.domain.epcis.xml_shape import Version
from app.domain.epcis.xml_spelling import CbvFormat
from app.domain.epcis.xml_writing import document_xml
from app.exchanging.documents import in_json_ld, to_json
from app.exchanging.querying import Found

SIMPLE = "SimpleEventQuery"


@dataclass(frozen=True, slots=True)
class Form:
    """How somebody takes documents, whether asked for or sent: `epcs` are written so, and in XML `words` of CBV so, in
    this edition of EPCIS (JSON-LD is of 2.0 alone)."""

    media_type: str = "application/json"
    epcs: EpcFormat = EpcFormat.DIGITAL_LINK
    words: CbvFormat = "No_Preference"
    version: Version = "2.0"

    def written(self, document: Mapping[str, Any]) -> bytes:
        if self.media_type.endswith("/xml"):
            return document_xml(document, cbv=self.words, version=self.version)
        return to_json(in_json_ld(document))


def query_document(
    events: Sequence[Found], now: datetime, to: EpcFormat, prefixes: CompanyPrefixes, name: str = SIMPLE
) -> dict[str, Any]:
    """Its `@context` declares what the documents of its events did, as far as that changes the meaning of no other
    event; else an event bears its own."""
    shared = _shared(events)
    listed = []
    for found in events:
        declared = _declared(found)
        strange = any(name not in shared or shared[name] != said for name, said in declared.items())
        alone = strange and "@context" not in found.body
        own = {"@context": found.line.context} if alone else {}
        listed.append(event_of(found, to, prefixes) | own)
    return {
        "@context": [CONTEXT, *([shared] if shared else [])],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": now.isoformat(timespec="milliseconds"),
        "epcisBody": {"queryResults": {"queryName": name, "resultsBody": {"eventList": listed}}},
    }


def event_of(found: Found, to: EpcFormat, prefixes: CompanyPrefixes) -> dict[str, Any]:
    """An event with the eventID that it goes by, and when we recorded it: the standard asks for that in answers, and
    takes no notice of what a capture says."""
    line = found.line
    own = {"eventID": line.event_id, "recordTime": line.record_time.isoformat(timespec="microseconds")}
    return translated({**found.body, **own}, to, prefixes)


def _declared(found: Found) -> dict[str, Any]:
    """Names that the event's document declares beside the standard's. What a context says that stands elsewhere nobody
    here knows: its address is a name without a meaning that it could share."""
    parts = found.line.context or ()
    return {
        name: said for part in parts for name, said in (part.items() if isinstance(part, dict) else ((part, None),))
    }


def _shared(events: Sequence[Found]) -> dict[str, Any]:
    """Names that mean the same in all events that declare them, and that no other event uses."""
    shared: dict[str, Any] = {}
    parted: set[str] = set()
    for found in events:
        for name, said in _declared(found).items():
            if said is None or shared.setdefault(name, said) != said:
                parted.add(name)
    for found in events:
        others = shared.keys() - parted - _declared(found).keys()
        parted |= others.intersection(_prefixes(found.body)) if others else set()
    return {name: said for name, said in shared.items() if name not in parted}


def _prefixes(value: Any) -> Iterator[str]:
    """What stands before a colon, in names and texts, and names without one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name.partition(":")[0]
            yield from _prefixes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _prefixes(inner)
    elif isinstance(value, str) and ":" in value:
        yield value.partition(":")[0]
