"""What an event is found by (EPCIS 2.0 §8.2.7.1): what it names in which roles (MATCH_), and its scalar values."""

from collections.abc import Callable, Iterator, Mapping
from enum import IntFlag
from typing import Any

from app.domain.epcis.context import Context
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.vocabulary import STANDARD_PREFIXES, bare_word

SHIPPING_STEPS = frozenset(("shipping", "departing", "consigning", "loading"))
"""Business steps by which goods leave a place."""
_RECEIVERS = ("location", "possessing_party", "owning_party")


class Role(IntFlag):
    """How an event names an EPC; an event may name one in several. Kept in the index as a bit mask."""

    EPC = 1  # epcList, childEPCs
    PARENT = 2
    INPUT_EPC = 4
    OUTPUT_EPC = 8
    CLASS = 16  # quantityList, childQuantityList
    INPUT_CLASS = 32
    OUTPUT_CLASS = 64
    TRANSFORMATION = 128
    DESTINATION = 256  # no EPC: the place or party that an event of shipping sends its goods to


Scalar = Callable[[Mapping[str, Any], Context], str | None]

ANY_EPC = Role.EPC | Role.PARENT | Role.INPUT_EPC | Role.OUTPUT_EPC
ANY_CLASS = Role.CLASS | Role.INPUT_CLASS | Role.OUTPUT_CLASS

_EPCS = {
    "epcList": Role.EPC,
    "childEPCs": Role.EPC,
    "inputEPCList": Role.INPUT_EPC,
    "outputEPCList": Role.OUTPUT_EPC,
}
_CLASSES = {
    "quantityList": Role.CLASS,
    "childQuantityList": Role.CLASS,
    "inputQuantityList": Role.INPUT_CLASS,
    "outputQuantityList": Role.OUTPUT_CLASS,
}
QUANTITY_LISTS = tuple(_CLASSES)
"""The fields that hold quantity elements."""


def named_epcs(event: Mapping[str, Any]) -> dict[str, Role]:
    """Canonical EPCs, EPC classes, parent and transformationID that an event's body names; whatever is no text or not
    where the standard wants it names nothing."""
    found: dict[str, Role] = {}
    for uri, role in mentions(event):
        epc = canonical_uri(uri)
        before = found.get(epc)
        found[epc] = role if before is None else before | role
    return found


def leading(event: Mapping[str, Any]) -> dict[str, Role]:
    """As `named_epcs`, with the place that captured goods are sent to: all that the index finds a captured event by."""
    return sent_to(named_epcs(event), destination(event))


def sent_to(named: dict[str, Role], place: str | None) -> dict[str, Role]:
    """What an event names, with its destination."""
    return named if place is None else {**named, place: named.get(place, Role(0)) | Role.DESTINATION}


def destination(event: Mapping[str, Any]) -> str | None:
    """The canonical URI of where an event of shipping sends its goods to: a place, else the party that is to possess or
    to own them (CBV 2.0 §7.4.2), which may have one place only. None where it says none, or takes a shipment back."""
    if "errorDeclaration" in event or not ships(event):
        return None
    return next((to for kind in _RECEIVERS if (to := sent_to_as(event, kind)) is not None), None)


def ships(event: Mapping[str, Any]) -> bool:
    return bare_word("BizStep", str(event.get("bizStep", ""))) in SHIPPING_STEPS


def sent_to_as(event: Mapping[str, Any], kind: str) -> str | None:
    """The canonical URI of the first of a kind in the destination list."""
    for entry in _list(event.get("destinationList")):
        if isinstance(entry, dict) and bare_word("SDT", str(entry.get("type", ""))) == kind:
            return _text(entry, "destination", canonical_uri)
    return None


def mentions(event: Mapping[str, Any]) -> Iterator[tuple[str, Role]]:
    """As `named_epcs`, one by one, repeated where the event repeats itself and as it writes them."""
    for name, role in _EPCS.items():
        yield from ((epc, role) for epc in _list(event.get(name)) if isinstance(epc, str))
    for name, role in _CLASSES.items():
        for element in _list(event.get(name)):
            if isinstance(element, dict) and isinstance(element.get("epcClass"), str):
                yield element["epcClass"], role
    parent = event.get("parentID")
    if isinstance(parent, str) and parent.strip():
        yield parent, Role.PARENT
    if event.get("type") == "TransformationEvent":
        transformation = event.get("transformationID")
        if isinstance(transformation, str) and transformation.strip():
            yield transformation, Role.TRANSFORMATION


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def scalar_columns(event: Mapping[str, Any], context: Context) -> dict[str, str | None]:
    """The scalar values by which events are found (see SCALARS), None where there is none. `context` is that of the
    event's document."""
    context = context.with_event(event)
    return {column: read(event, context) for column, read in SCALARS.items()}


def type_name(text: str, context: Context) -> str:
    """An event type: the bare name of a standard one, else its full URI."""
    return context.expand(text).removeprefix(STANDARD_PREFIXES["epcis"])


def _text(holder: object, field: str, canonical: Callable[[str], str]) -> str | None:
    value = holder.get(field) if isinstance(holder, Mapping) else None
    return canonical(value.strip()) or None if isinstance(value, str) else None


def _word(field: str, kind: str) -> Scalar:
    return lambda event, context: _text(event, field, lambda text: bare_word(kind, context.expand(text)))


SCALARS: Mapping[str, Scalar] = {
    "type": lambda event, context: _text(event, "type", lambda text: type_name(text, context)),
    "action": lambda event, _: _text(event, "action", str),
    "biz_step": _word("bizStep", "BizStep"),
    "disposition": _word("disposition", "Disp"),
    "read_point": lambda event, _: _text(event.get("readPoint"), "id", canonical_uri),
    "biz_location": lambda event, _: _text(event.get("bizLocation"), "id", canonical_uri),
    "transformation_id": lambda event, _: _text(event, "transformationID", canonical_uri),
    "event_id": lambda event, _: _text(event, "eventID", str),
}
"""Column → its value in canonical form: business steps and dispositions as bare words or full URIs, places and
transformations as canonical URIs, the eventID as the body gives it. The context is that of the event itself."""
