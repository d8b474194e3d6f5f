"""What an event names, and in which roles: the keys that it is found by (EPCIS 2.0 §8.2.7.1, the MATCH_ parameters)."""

from collections.abc import Iterator, Mapping
from enum import IntFlag
from typing import Any

from app.domain.epcis.identifiers import canonical_uri


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


def named_epcs(event: Mapping[str, Any]) -> dict[str, Role]:
    """Canonical EPCs, EPC classes, parent and transformationID that an event's body names; whatever is no text or not
    where the standard wants it names nothing."""
    found: dict[str, Role] = {}
    for uri, role in _mentions(event):
        epc = canonical_uri(uri)
        found[epc] = found.get(epc, Role(0)) | role
    return found


def _mentions(event: Mapping[str, Any]) -> Iterator[tuple[str, Role]]:
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
