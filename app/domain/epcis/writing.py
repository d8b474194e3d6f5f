"""What we have recorded ourselves, as EPCIS 2.0 events (ISO/IEC 19987) with the words of CBV 2.0: the table of hops in
pure form. What others captured goes out as it came in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from app.domain.epcis.vocabulary import MEASUREMENTS

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
        quantity = {"quantity": _number(self.value)}
        return {"epcClass": self.epc_class} | quantity | ({"uom": "KGM"} if self.weight else {})


def _number(value: float | str) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


@dataclass(frozen=True, slots=True)
class Measured:
    """What a sensor measured: `kind` and `unit` in the recorder's words, `value` a decimal number as text, `time` ISO
    8601."""

    kind: str
    value: str
    unit: str
    time: str

    def report(self, own: str) -> dict[str, Any]:
        """A sensorReport of EPCIS 2.0 §7.3.7.3; `own`: the URI that kinds which GS1's vocabulary lacks begin with."""
        kind = _MEASUREMENTS.get(self.kind.strip().lower(), self.kind.strip())
        kind = kind if kind in MEASUREMENTS else own + quote(self.kind.strip(), safe="")
        unit = _UNITS.get(self.unit.strip().lower())
        number = {"value": _number(self.value)}
        said = (
            number | {"uom": unit}
            if unit
            else number | ({"stringValue": f"{self.value} {self.unit}"} if self.unit else {})
        )
        return {"type": kind, "time": self.time, **said}


@dataclass(frozen=True, slots=True)
class Hop:
    """One event of ours. `moved`: what it did to whose goods; `place`, `to`: URIs; `slip`: the URI of the slip that
    the goods travel with; `papers`: URIs of documents; `made`: instance/lot master data of what was made; `measured`:
    sensor reports; `corrected`: (when, reason, ids of what came instead); `lifted`: a recall lets go of the goods."""

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
    made: Mapping[str, str] = field(default_factory=dict)
    measured: Sequence[Mapping[str, Any]] = ()
    corrected: tuple[datetime, str, Sequence[str]] | None = None
    lifted: bool = False


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
    "recall": ("holding", "recalled"),
    "count": ("stock_taking", None),
    "observe": ("sensor_reporting", None),
}
TOLD = frozenset({*_WORDS, "correct"})
"""Kinds of native events that EPCIS can tell of."""
_MEASUREMENTS = {
    "temperature": "Temperature", "温度": "Temperature", "humidity": "RelativeHumidity", "湿度": "RelativeHumidity",
    "相对湿度": "RelativeHumidity", "pressure": "Pressure", "illuminance": "Illuminance",
}  # fmt: skip
# UN/ECE Recommendation 20, by how people write units.
_UNITS = {
    "℃": "CEL", "°c": "CEL", "c": "CEL", "摄氏度": "CEL", "℉": "FAH", "°f": "FAH", "k": "KEL",
    "%": "P1", "%rh": "P1", "pa": "PAL", "kpa": "KPA", "lx": "LUX", "lux": "LUX",
}  # fmt: skip
_VERDICTS = {"pass": "conformant", "fail": "non_conformant", "admitted": "conformant", "refused": "non_conformant"}
_ACTIONS = {"produce": "ADD", "destroy": "DELETE"}


def event(hop: Hop) -> dict[str, Any] | None:
    """None for what EPCIS has no word for, and for what touches no goods of the document."""
    words = _WORDS.get(hop.kind)
    # Of a place alone a sensor may report; anything else is said of goods.
    alone = bool(hop.measured) and hop.place is not None
    if words is None or not (hop.moved or alone):
        return None
    step, disposition = _WORDS["release"] if hop.lifted else words
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
        goods = _goods(hop)
        if not (goods or alone):
            return None
        made |= {"quantityList": goods} if goods else {"epcList": []}
    made["bizStep"] = step
    if disposition is not None:
        made["disposition"] = disposition
    if hop.kind == "recall":
        # It stays with the goods wherever they go, until it is lifted (CBV 2.0 §7.2.2).
        made["persistentDisposition"] = {"unset" if hop.lifted else "set": ["recalled"]}
    if hop.place is not None:
        made["readPoint"] = {"id": hop.place}
        # Goods that were shipped are nowhere until they arrive.
        if hop.kind != "ship":
            made["bizLocation"] = {"id": hop.place}
    if hop.slip is not None:
        made["bizTransactionList"] = [{"type": "desadv", "bizTransaction": hop.slip}]
    if hop.to is not None:
        made["destinationList"] = [{"type": "location", "destination": hop.to}]
    if hop.measured:
        made["sensorElementList"] = [{"sensorReport": list(hop.measured)}]
    if hop.made:
        made["ilmd"] = dict(hop.made)
    if hop.papers:
        made["certificationInfo"] = list(hop.papers)
    return made if hop.corrected is None else taken_back(made, *hop.corrected)


def taken_back(made: Mapping[str, Any], when: datetime, reason: str, instead: Sequence[str]) -> dict[str, Any]:
    """The error declaration of an event: its content and eventID, when and why it is taken back, and the ids of ours of
    what came instead (EPCIS 2.0 §7.4.1.5)."""
    declared: dict[str, Any] = {"declarationTime": when.isoformat(timespec="milliseconds"), "reason": reason}
    if instead:
        declared["correctiveEventIDs"] = [f"urn:uuid:{key}" for key in instead]
    return {**made, "errorDeclaration": declared}


def _goods(hop: Hop) -> list[dict[str, Any]]:
    """A return is told as its arrival, and what a buyer brings back as what had gone."""
    goods = _list(hop, *_SIDES.get(hop.kind, ("in", "out", "touched")))
    return _list(hop, "out") if hop.kind == "return" and not goods else goods


# Sales and losses are told as what went.
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
