"""What the tests of exchanging share: documents, and the ledger as plain rows to compare."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select

from app.domain.epcis.captured import CapturedEvent
from app.enrolling.keys import OPERATOR
from app.exchanging import ImportReport, Order, Parsed, import_document, read_document
from app.exchanging.recording import Noted, Take, Taken, take_events
from app.store import tables
from app.store.engine import reading
from app.store.writer import Writer

EX = "https://ns.example.com/epcis/"
FARM, PLANT, MARKET, STALL = (f"https://id.gs1.org/414/40123450000{n}" for n in ("16", "23", "30", "47"))
# What depends on when and in what order things came, and may.
_PASSING = {
    "code", "record_time", "minted_at", "version", "valid_from", "outcome", "envelope", "event_ids", "position",
}  # fmt: skip


def document(*events: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": EX}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T02:00:00Z",
        "epcisBody": {"eventList": list(events)},
        **fields,
    }


def lot(name: str, item: str = "012345") -> str:
    return f"urn:epc:class:lgtin:4012345.{item}.{name}"


def some(name: str, kilograms: float | None = None) -> dict[str, Any]:
    element: dict[str, Any] = {"epcClass": lot(name)}
    return element if kilograms is None else {**element, "quantity": kilograms, "uom": "KGM"}


def happened(hour: int, kind: str, site: str | None, step: str | None, **fields: Any) -> dict[str, Any]:
    event = {
        "type": kind,
        "eventTime": f"2026-02-{1 + hour // 24:02}T{hour % 24:02}:00:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        **fields,
    }
    return event | ({"bizStep": step} if step else {}) | ({"bizLocation": {"id": site}} if site else {})


def made(hour: int, site: str | None, *lots: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return happened(hour, "ObjectEvent", site, "commissioning", action="ADD", quantityList=list(lots), **fields)


def seen(hour: int, site: str | None, step: str | None, *lots: dict[str, Any], **fields: Any) -> dict[str, Any]:
    lists = {"quantityList": list(lots)} if lots else {}
    return happened(hour, "ObjectEvent", site, step, action="OBSERVE", **lists, **fields)


def turned(
    hour: int, site: str | None, inputs: Sequence[dict[str, Any]], outputs: Sequence[dict[str, Any]], **fields: Any
) -> dict[str, Any]:
    lists = {"inputQuantityList": list(inputs), "outputQuantityList": list(outputs)}
    return happened(hour, "TransformationEvent", site, "commissioning", **lists, **fields)


def packed(hour: int, site: str, unit: str, *lots: dict[str, Any], action: str = "ADD") -> dict[str, Any]:
    lists = {"childQuantityList": list(lots)} if lots else {}
    step = "packing" if action == "ADD" else "unpacking"
    return happened(hour, "AggregationEvent", site, step, action=action, parentID=unit, **lists)


def declared(event: dict[str, Any], reason: str = "did_not_occur", at: str = "2026-02-20T00:00:00Z") -> dict[str, Any]:
    return {**event, "errorDeclaration": {"declarationTime": at, "reason": reason}}


def load(path: Path) -> dict[str, Any]:
    """A document as it is imported."""
    found: dict[str, Any] = read_document(path.read_bytes())
    return found


def plain(path: Path) -> dict[str, Any]:
    """A document as everybody's JSON parser has it."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def bring(writer: Writer, engine: Engine, brought: Any, **options: Any) -> ImportReport:
    order = Order(options.pop("principal", OPERATOR), **options)
    return import_document(writer, engine, Parsed(brought), order)


def take(writer: Writer, events: Iterable[CapturedEvent], **options: Any) -> Taken:
    """Events as they are, whether a document could hold them or not."""
    return writer.submit(take_events, Take(OPERATOR, [Noted(event) for event in events], **options))


def rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    with reading(engine) as snapshot:
        return [dict(row._mapping) for row in snapshot.execute(select(table).order_by(*table.primary_key.columns))]


LEDGER = (
    tables.party, tables.site, tables.product, tables.external_code, tables.event, tables.flag, tables.correction,
    tables.epc_event, tables.packing, tables.lot, tables.custody, tables.custody_link, tables.timeline,
)  # fmt: skip


def ledger(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row that captured events make, without codes and times of recording; products as far as there are lots."""
    found = {
        table.name: [
            {name: value for name, value in row.items() if name not in _PASSING} for row in rows(engine, table)
        ]
        for table in LEDGER
    }
    used = {lot["product_id"] for lot in found["lot"]}
    found["product"] = [row for row in found["product"] if row["id"] in used]
    found["epc_event"].sort(key=lambda row: (row["epc"], row["event_id"]))
    found["external_code"] = [
        row for row in found["external_code"] if row["kind"] != "product" or row["subject_id"] in used
    ]
    return found


def codes(engine: Engine) -> dict[str, Any]:
    """Code → what it names, of lots and custodies."""
    return {row["code"]: row["subject_id"] for row in rows(engine, tables.code) if row["kind"] in ("B", "G")}
