"""What the sensors of captured events measured (`sensorElementList`, EPCIS 2.0 §7.3.6), as our own readings have it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from app.domain.epcis.values import parse_time
from app.domain.epcis.vocabulary import WEB_VOCABULARY

_SORTS = {"Temperature": "temperature", "RelativeHumidity": "humidity", "AbsoluteHumidity": "humidity"}
_UNITS = {"CEL": "℃", "FAH": "℉", "KEL": "K", "P1": "%", "A93": "g/m³"}


class Measurement(NamedTuple):
    """sort: our word for it (temperature), else GS1's; unit: as people write it, else UN/ECE's code."""

    sort: str
    unit: str
    value: Decimal
    time: datetime


def measurements(event: Mapping[str, Any], default: datetime) -> Iterator[Measurement]:
    """All numbers of all sensor reports, a range's both ends; `default`: of reports that do not say when."""
    for element in event.get("sensorElementList") or ():
        metadata = element.get("sensorMetadata") or {}
        for report in element["sensorReport"]:
            named = str(report["type"]).removeprefix(WEB_VOCABULARY).removeprefix("gs1:")
            code = str(report.get("uom", ""))
            said = report.get("time") or metadata.get("time")
            time = (parse_time(said) if isinstance(said, str) else None) or default
            for name in ("value", "minValue", "maxValue"):
                value = report.get(name)
                if isinstance(value, int | float | Decimal):
                    yield Measurement(_SORTS.get(named, named), _UNITS.get(code, code), Decimal(str(value)), time)
