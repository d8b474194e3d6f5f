"""The sensor elements of EPCIS 2.0 events (§7.3.6): their fields, words and units."""

from typing import Any

from app.domain.epcis import fields as f
from app.domain.epcis import vocabulary as v
from app.domain.epcis.context import Context
from app.domain.epcis.faults import Faults, at, shown
from app.domain.epcis.units import misfit

_COMMON: dict[str, f.Check] = {
    "time": f.time,
    "deviceID": f.uri,
    "deviceMetadata": f.uri,
    "rawData": f.uri,
    "dataProcessingMethod": f.uri,
    "bizRules": f.uri,
}
_METADATA = f.object_of({**_COMMON, "startTime": f.time, "endTime": f.time}, extensible=True)
_REPORT = f.object_of(
    {
        **_COMMON,
        "type": f.word("", v.MEASUREMENTS),
        "exception": f.word("", v.EXCEPTIONS),
        "microorganism": f.uri,
        "chemicalSubstance": f.uri,
        "coordinateReferenceSystem": f.uri,
        "component": f.word("Comp", v.COMPONENTS),
        "stringValue": f.text,
        "booleanValue": f.boolean,
        "hexBinaryValue": f.hexadecimal,
        "uriValue": f.uri,
        "uom": f.text,
        **dict.fromkeys(("value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"), f.number),
    },
    ("type",),
    extensible=True,
)


def _report(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    _REPORT(value, pointer, faults, context)
    kind, uom = (value.get("type"), value.get("uom")) if isinstance(value, dict) else (None, None)
    if isinstance(kind, str) and isinstance(uom, str):
        other = misfit(context.expand(kind).removeprefix(v.WEB_VOCABULARY), uom)
        if other is not None:
            faults.refuse(
                at(pointer, "uom"),
                "wrong-unit",
                f"{shown(kind)} 不能用 {shown(uom)} 计量（{other} 的单位）",
                f"{shown(kind)} is not measured in {shown(uom)}, a unit of {other}",
            )


SENSOR_ELEMENT = f.object_of(
    {"sensorMetadata": _METADATA, "sensorReport": f.listed(_report, least=1)},
    ("sensorReport",),
    extensible=True,
)
