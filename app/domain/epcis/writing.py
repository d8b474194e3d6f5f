"""What we have recorded ourselves, as EPCIS 2.0 events (ISO/IEC 19987) with the words of CBV 2.0: the table of hops in
pure form. What others captured goes out as it came in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

Direction = Literal["in", "out", "touched"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Of one lot, by its class's URI; `value` in kilograms or pieces, None where none is told."""

    epc_class: str
    value: float | None
    weight: bool

    def element(self) -> dict[str, Any]:
        if self.value is None:
            return {"epcClass": self.epc_class}
        value = int(self.value) if float(self.value).is_integer() else self.value
        return {"epcClass": self.epc_class, "quantity": value} | ({"uom": "KGM"} if self.weight else {})


@dataclass(frozen=True, slots=True)
class Hop:
    """One event of ours. `moved`: what it did to whose goods; `place`, `to`: URIs; `slip`: the URI of the slip that
    the goods travel with; `papers`: URIs of documents; `corrected`: (when, reason, URIs of what came instead)."""

    id: str
    kind: str
    time: datetime
    recorded: datetime
    place: str | None
    moved: Sequence[tuple[Direction, Amount]]
    to: str | None = None
    slip: str | None = None
    papers: Sequence[str] = ()
    verdict: str | None = None
    corrected: tuple[datetime, str, Sequence[str]] | None = None


# kind → (bizStep, disposition); where there is none no event of EPCIS says the same.
_WORDS: Mapping[str, tuple[str, str | None]] = {
    "produce": ("commissioning", "active"),
    "transform": ("commissioning", "active"),
    "ship": ("shipping", "in_transit"),
    "receive": ("receiving", "in_progress"),
    "return": ("receiving", "returned"),
    "admit": ("accepting", None),
    "test": ("inspecting", None),
    "certify": ("inspecting", None),
    "sell": ("retail_selling", "retail_sold"),
    "destroy": ("destroying", "destroyed"),
    "hold": ("holding", "non_sellable_other"),
    "release": ("stocking", "sellable_accessible"),
    "count": ("stock_taking", None),
    "observe": ("sensor_reporting", None),
}
TOLD = frozenset({*_WORDS, "correct"})
"""Kinds of native events that EPCIS can tell of."""
_VERDICTS = {"pass": "conformant", "fail": "non_conformant", "admitted": "conformant", "refused": "non_conformant"}
_ACTIONS = {"produce": "ADD", "destroy": "DELETE"}


def event(hop: Hop) -> dict[str, Any] | None:
    """None for what EPCIS has no word for, and for what touches no goods of the document."""
    words = _WORDS.get(hop.kind)
    if words is None or not hop.moved:
        return None
    step, disposition = words
    if hop.kind in ("test", "admit"):
        disposition = _VERDICTS.get(hop.verdict or "")
    offset = hop.time.strftime("%z")
    made: dict[str, Any] = {
        "type": "TransformationEvent" if hop.kind == "transform" else "ObjectEvent",
        "eventID": f"urn:uuid:{hop.id}",
        "eventTime": hop.time.isoformat(timespec="milliseconds"),
        "recordTime": hop.recorded.isoformat(timespec="milliseconds"),
        "eventTimeZoneOffset": f"{offset[:3]}:{offset[3:5]}",
    }
    if hop.kind == "transform":
        made["inputQuantityList"] = _list(hop, "out")
        made["outputQuantityList"] = _list(hop, "in")
        if not made["inputQuantityList"] or not made["outputQuantityList"]:
            return None  # of a process that lies half in the document there is nothing to say
    else:
        made["action"] = _ACTIONS.get(hop.kind, "OBSERVE")
        made["quantityList"] = _list(hop, *_SIDES.get(hop.kind, ("in", "out", "touched")))
        if not made["quantityList"]:
            return None
    made["bizStep"] = step
    if disposition is not None:
        made["disposition"] = disposition
    if hop.place is not None:
        made["readPoint"] = {"id": hop.place}
        # Goods that were shipped are nowhere until they arrive.
        if hop.kind != "ship":
            made["bizLocation"] = {"id": hop.place}
    if hop.slip is not None:
        made["bizTransactionList"] = [{"type": "desadv", "bizTransaction": hop.slip}]
    if hop.to is not None:
        made["destinationList"] = [{"type": "location", "destination": hop.to}]
    if hop.papers:
        made["certificationInfo"] = list(hop.papers)
    if hop.corrected is not None:
        when, reason, instead = hop.corrected
        made["errorDeclaration"] = {"declarationTime": when.isoformat(timespec="milliseconds"), "reason": reason}
        if instead:
            made["errorDeclaration"]["correctiveEventIDs"] = [f"urn:uuid:{key}" for key in instead]
    return made


# A return is told as its arrival; sales and losses as what went.
_SIDES: Mapping[str, tuple[Direction, ...]] = {
    "return": ("in",),
    "receive": ("in",),
    "ship": ("out",),
    "sell": ("out",),
    "destroy": ("out",),
}


def _list(hop: Hop, *sides: Direction) -> list[dict[str, Any]]:
    """Each class once, its amounts summed."""
    known: dict[str, Amount] = {}
    for side, amount in hop.moved:
        if side not in sides:
            continue
        before = known.get(amount.epc_class)
        if before is not None and before.value is not None and amount.value is not None:
            amount = Amount(amount.epc_class, before.value + amount.value, amount.weight)
        known[amount.epc_class] = amount if amount.value is not None or before is None else before
    return [amount.element() for amount in known.values()]


def vocabulary(kind: str, elements: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
    """Master data of one kind (`Location`, `EPCClass`): (URI, {attribute of CBV: value})."""
    return {
        "type": f"urn:epcglobal:epcis:vtype:{kind}",
        "vocabularyElementList": [
            {
                "id": uri,
                "attributes": [
                    {"id": f"urn:epcglobal:cbv:mda#{name}", "attribute": value} for name, value in said.items()
                ],
            }
            for uri, said in elements
        ],
    }


def head(created: datetime, vocabularies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A document without its events."""
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": created.isoformat(timespec="milliseconds"),
        "epcisHeader": {"epcisMasterData": {"vocabularyList": list(vocabularies)}},
    }
