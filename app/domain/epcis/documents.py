"""Where an EPCIS document keeps its events and master data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.epcis.identifiers import canonical_uri

EVENT_LIST = "/epcisBody/eventList"
QUERY_EVENT_LIST = "/epcisBody/queryResults/resultsBody/eventList"


def events_of(document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(JSON pointer, event) of every event in an EPCISDocument, an EPCISQueryDocument or a bare event (pointer "").

    Whatever is not where the standard wants it is no event here; `validate_document` says so.
    """
    kind = document.get("type")
    if kind not in ("EPCISDocument", "EPCISQueryDocument"):
        return [("", dict(document))] if isinstance(kind, str) else []
    pointer = EVENT_LIST if kind == "EPCISDocument" else QUERY_EVENT_LIST
    events = _at(document, pointer)
    if not isinstance(events, list):
        return []
    return [(f"{pointer}/{i}", event) for i, event in enumerate(events) if isinstance(event, dict)]


@dataclass(frozen=True)
class MasterRecord:
    """One element of a master data vocabulary. `uri` is canonical, `raw_id` as written; `attributes` are all of them as
    written, in order, repeated ones included. The fields after it are read from them; None where nothing says so."""

    uri: str
    raw_id: str
    attributes: tuple[tuple[str, Any], ...]
    name: str | None
    street: str | None
    city: str | None
    state: str | None
    country: str | None
    owning_party: str | None
    information_provider: str | None
    children: tuple[str, ...] = ()  # canonical URIs of what lies below it


@dataclass(frozen=True)
class MasterData:
    """Master data of a document's header (or query results) by vocabulary type; `others` are those of other types."""

    parties: tuple[MasterRecord, ...] = ()
    sites: tuple[MasterRecord, ...] = ()
    products: tuple[MasterRecord, ...] = ()
    others: tuple[tuple[str, MasterRecord], ...] = ()


_TYPES = {
    "urn:epcglobal:epcis:vtype:party": "parties",
    "urn:epcglobal:epcis:vtype:sourcedest": "parties",
    "urn:epcglobal:epcis:vtype:location": "sites",
    "urn:epcglobal:epcis:vtype:businesslocation": "sites",
    "urn:epcglobal:epcis:vtype:readpoint": "sites",
    "urn:epcglobal:epcis:vtype:epcclass": "products",
}


def master_data_of(document: Mapping[str, Any]) -> MasterData:
    """Parties, sites and products that the document describes, in its order. Malformed elements are left out."""
    found: dict[str, list[MasterRecord]] = {"parties": [], "sites": [], "products": []}
    others: list[tuple[str, MasterRecord]] = []
    for vocabulary in _vocabularies(document):
        kind = str(vocabulary.get("type", ""))
        for element in _dicts(vocabulary.get("vocabularyElementList")):
            if isinstance(element.get("id"), str):
                record = _record(element)
                place = _TYPES.get(kind.lower())
                if place is None:
                    others.append((kind, record))
                else:
                    found[place].append(record)
    return MasterData(tuple(found["parties"]), tuple(found["sites"]), tuple(found["products"]), tuple(others))


def _vocabularies(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _dicts(_at(document, "/epcisHeader/epcisMasterData/vocabularyList"))
    yield from _dicts(_at(document, "/epcisBody/queryResults/resultsBody/vocabularyList"))


def _record(element: dict[str, Any]) -> MasterRecord:
    attributes = tuple(
        (attribute["id"], attribute.get("attribute"))
        for attribute in _dicts(element.get("attributes"))
        if isinstance(attribute.get("id"), str)
    )
    # The first mention wins: documents repeat an attribute with the next owner's value behind it.
    text = {_local(name): value for name, value in reversed(attributes) if isinstance(value, str) and value.strip()}

    def pick(*names: str) -> str | None:
        return next((text[name].strip() for name in names if name in text), None)

    owner, provider = pick("owning_party"), pick("informationProvider")
    return MasterRecord(
        uri=canonical_uri(element["id"]),
        raw_id=element["id"],
        attributes=attributes,
        name=pick("name", "descriptionShort", "functionalName", "regulatedProductName"),
        street=pick("streetAddressOne"),
        city=pick("city"),
        state=pick("state"),
        country=pick("countryCode"),
        owning_party=None if owner is None else canonical_uri(owner),
        information_provider=None if provider is None else canonical_uri(provider),
        children=tuple(canonical_uri(child) for child in _list(element.get("children")) if isinstance(child, str)),
    )


def _local(name: str) -> str:
    return name.replace("#", ":").replace("/", ":").rsplit(":", 1)[-1]


def _at(document: Mapping[str, Any], pointer: str) -> Any:
    here: Any = document
    for name in pointer.split("/")[1:]:
        here = here.get(name) if isinstance(here, dict) else None
    return here


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
