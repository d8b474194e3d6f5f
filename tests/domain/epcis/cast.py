"""A short way to write events down."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.epcis.captured import CapturedEvent, capture
from app.domain.epcis.context import Context

START = datetime(2024, 5, 1, tzinfo=UTC)
FARM, MARKET, STALL, SHOP = (f"urn:x:site:{name}" for name in ("farm", "market", "stall", "shop"))
CRATE, PALLET = "urn:epc:id:grai:4012345.00022.7", "urn:epc:id:sscc:4012345.1112223334"
CRATE_LINK, PALLET_LINK = "https://id.gs1.org/8003/040123450002217", "https://id.gs1.org/00/140123451122233341"


def lot(name: str) -> str:
    """The EPC class of a lot, in its canonical form."""
    return f"https://id.gs1.org/01/04012345123456/10/{name}"


def some(name: str, kilograms: float | None = None) -> dict[str, Any]:
    """A quantity element of a lot, with the lot as a URN."""
    element: dict[str, Any] = {"epcClass": f"urn:epc:class:lgtin:4012345.012345.{name}"}
    return element if kilograms is None else {**element, "quantity": kilograms, "uom": "KGM"}


def happen(minute: float, kind: str, site: str | None = None, step: str | None = None, **fields: Any) -> CapturedEvent:
    event: dict[str, Any] = {
        "type": kind,
        "eventTime": (START + timedelta(minutes=minute)).isoformat(),
        "eventTimeZoneOffset": "+08:00",
        **fields,
    }
    if site is not None:
        event["bizLocation"] = {"id": site}
    if step is not None:
        event["bizStep"] = step
    return capture(event, Context())


def make(minute: float, site: str | None, *lots: dict[str, Any], **fields: Any) -> CapturedEvent:
    return happen(
        minute, "ObjectEvent", site, "commissioning", **{"action": "ADD", "quantityList": list(lots), **fields}
    )


def see(minute: float, site: str | None, step: str | None, *what: dict[str, Any] | str, **fields: Any) -> CapturedEvent:
    """An observation; units and instances as text, lots as quantity elements."""
    epcs = [one for one in what if isinstance(one, str)]
    lots = [one for one in what if not isinstance(one, str)]
    lists = {name: value for name, value in (("epcList", epcs), ("quantityList", lots)) if value}
    return happen(minute, "ObjectEvent", site, step, **{"action": "OBSERVE", **lists, **fields})


def pack(minute: float, site: str | None, unit: str, *what: dict[str, Any] | str, action: str = "ADD") -> CapturedEvent:
    epcs = [one for one in what if isinstance(one, str)]
    lots = [one for one in what if not isinstance(one, str)]
    return happen(
        minute, "AggregationEvent", site, parentID=unit, childEPCs=epcs, childQuantityList=lots, action=action
    )


def unpack(minute: float, site: str | None, unit: str, *what: dict[str, Any] | str) -> CapturedEvent:
    return pack(minute, site, unit, *what, action="DELETE")


def turn(
    minute: float,
    site: str | None,
    inputs: list[dict[str, Any] | str],
    outputs: list[dict[str, Any] | str],
    **more: Any,
) -> CapturedEvent:
    lists = {
        "inputEPCList": [one for one in inputs if isinstance(one, str)],
        "inputQuantityList": [one for one in inputs if not isinstance(one, str)],
        "outputEPCList": [one for one in outputs if isinstance(one, str)],
        "outputQuantityList": [one for one in outputs if not isinstance(one, str)],
    }
    return happen(minute, "TransformationEvent", site, **lists, **more)
