"""What the OpenAPI document says of events: one schema a kind, with examples that the tests post."""

from typing import Any

from pydantic import TypeAdapter

from app.domain.events import KINDS

_SITE = "018f3a4e-0000-7000-8000-000000000001"
_PRODUCT = "018f3a4e-0000-7000-8000-000000000002"
_CUSTODY = "018f3a4e-0000-7000-8000-000000000003"
_EVENT = "018f3a4e-0000-7000-8000-000000000004"
_GAP = "018f3a4e-0000-7000-8000-000000000005"
_DOCUMENT = "018f3a4e-0000-7000-8000-000000000006"

EXAMPLES: dict[str, dict[str, Any]] = {
    "produce": {
        "kind": "produce",
        "ref": "harvest-2026-03-01-1",
        "event_time": "2026-03-01T06:30:00+08:00",
        "site_id": _SITE,
        "outputs": [{"product_id": _PRODUCT, "quantity": {"value": "120", "unit": "斤"}, "produced_on": "2026-03-01"}],
        "inputs_used": [
            {"kind": "pesticide", "name": "吡虫啉", "used_on": "2026-02-10", "withdrawal_until": "2026-02-24"}
        ],
    },
    "ship": {
        "kind": "ship",
        "ref": "ship-1",
        "event_time": "2026-03-01T08:00:00+08:00",
        "site_id": _SITE,
        "items": [{"custody_id": _CUSTODY, "quantity": {"value": "60", "unit": "kg"}}],
    },
    "receive": {
        "kind": "receive",
        "ref": "in-1",
        "event_time": "2026-03-01T10:00:00+08:00",
        "site_id": _SITE,
        "slip_code": "T0123456789ABCDEFX",
    },
    "receive_from_outside": {
        "kind": "receive",
        "ref": "in-2",
        "event_time": "2026-03-01T10:00:00+08:00",
        "site_id": _SITE,
        "from": {"name": "外地合作社", "contact": "0571-00000000", "address": "桐庐县", "document_ids": []},
        "items": [{"product_id": _PRODUCT, "quantity": {"value": "30", "unit": "公斤"}}],
    },
    "transform": {
        "kind": "transform",
        "ref": "kitchen-1",
        "event_time": "2026-03-01T09:00:00+08:00",
        "site_id": _SITE,
        "process": "process",
        "inputs": [{"custody_id": _CUSTODY, "quantity": {"value": "5", "unit": "kg"}}],
        "outputs": [
            {
                "product_id": _PRODUCT,
                "lot_number": "L-0301",
                "quantity": {"value": "4.2", "unit": "kg"},
                "produced_on": "2026-03-01",
                "expires_on": "2026-03-03",
            }
        ],
    },
    "identify": {
        "kind": "identify",
        "ref": "source-1",
        "event_time": "2026-03-01T12:00:00+08:00",
        "gap_custody_id": _GAP,
        "parent_custody_id": _CUSTODY,
    },
    "admit": {
        "kind": "admit",
        "ref": "gate-1",
        "event_time": "2026-03-01T09:30:00+08:00",
        "site_id": _SITE,
        "slip_code": "T0123456789ABCDEFX",
    },
    "test": {
        "kind": "test",
        "ref": "rapid-1",
        "event_time": "2026-03-01T04:30:00+08:00",
        "custody_id": _CUSTODY,
        "stage": "rapid",
        "method": "GB/T 5009.199",
        "item": "农药残留",
        "value": "12.5",
        "unit": "%",
    },
    "certify": {
        "kind": "certify",
        "ref": "paper-1",
        "event_time": "2026-03-01T08:10:00+08:00",
        "custody_id": _CUSTODY,
        "document_id": _DOCUMENT,
    },
    "sell": {
        "kind": "sell",
        "ref": "sale-1",
        "event_time": "2026-03-01T10:30:00+08:00",
        "site_id": _SITE,
        "lines": [{"custody_id": _CUSTODY, "quantity": {"value": "3", "unit": "斤"}, "amount_fen": 900}],
        "buyer": {"name": "实验小学食堂"},
    },
    "return": {
        "kind": "return",
        "ref": "back-1",
        "event_time": "2026-03-01T15:00:00+08:00",
        "site_id": _SITE,
        "items": [{"custody_id": _CUSTODY, "quantity": {"value": "1", "unit": "kg"}}],
        "reason": "不新鲜",
    },
    "destroy": {
        "kind": "destroy",
        "ref": "destroyed-1",
        "event_time": "2026-03-01T16:00:00+08:00",
        "site_id": _SITE,
        "items": [{"custody_id": _CUSTODY, "quantity": {"value": "2", "unit": "kg"}}],
        "reason": "检测不合格",
        "evidence": [_DOCUMENT],
    },
    "hold": {
        "kind": "hold",
        "ref": "hold-1",
        "event_time": "2026-03-01T13:00:00+08:00",
        "custody_id": _CUSTODY,
        "scope": "downstream",
        "reason": "待复检",
    },
    "release": {
        "kind": "release",
        "ref": "release-1",
        "event_time": "2026-03-01T14:00:00+08:00",
        "hold_event_id": _EVENT,
        "reason": "复检合格",
    },
    "count": {
        "kind": "count",
        "ref": "closing-1",
        "event_time": "2026-03-01T19:00:00+08:00",
        "site_id": _SITE,
        "items": [{"custody_id": _CUSTODY, "quantity": {"value": "0", "unit": "kg"}}],
    },
    "observe": {
        "kind": "observe",
        "ref": "cold-1",
        "event_time": "2026-03-01T09:30:00+08:00",
        "custody_id": _CUSTODY,
        "readings": [{"type": "temperature", "value": "-18.2", "unit": "℃", "time": "2026-03-01T09:00:00+08:00"}],
    },
    "correct": {
        "kind": "correct",
        "ref": "fix-1",
        "event_time": "2026-03-01T11:00:00+08:00",
        "event_id": _EVENT,
        "reason": "did_not_occur",
    },
}

_PREFIX = "#/components/schemas/"


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in KINDS.values():
        schema = TypeAdapter(model).json_schema(ref_template=_PREFIX + "{model}")
        schemas |= schema.pop("$defs", {})
        if "$ref" not in schema:
            schemas[model.__name__] = schema
    return schemas


# Merged into the components of the OpenAPI document.
COMPONENTS = _schemas()

_ANY = {
    "oneOf": [{"$ref": _PREFIX + model.__name__} for model in KINDS.values()],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {kind: _PREFIX + model.__name__ for kind, model in KINDS.items()},
    },
}
_LIST = {
    "type": "object",
    "required": ["events"],
    "additionalProperties": False,
    "properties": {"events": {"type": "array", "maxItems": 1000, "items": _ANY}},
}
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [_ANY, _LIST]},
                "examples": {name: {"value": value} for name, value in EXAMPLES.items()},
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}

OUTCOME = {
    "ref": "in-1",
    "id": _EVENT,
    "kind": "receive",
    "status": "recorded",
    "record_time": "2026-03-01T02:00:01+00:00",
    "flags": [],
    "outputs": [
        {
            "custody_id": _CUSTODY,
            "code": "B0123456789ABCDEFX",
            "lot_id": _EVENT,
            "lot_code": "G0123456789ABCDEFX",
            "lot_number": "260301-1A2B",
            "product_id": _PRODUCT,
            "site_id": _SITE,
            "quantity": {"value": "60", "unit": "kg", "grams": 60000, "pieces": None},
        }
    ],
    "slip_code": "T0123456789ABCDEFX",
    "receipt_code": None,
    "decision": None,
    "reasons": [],
    "problem": None,
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same again, or the outcomes of a list",
        "content": {"application/json": {"example": OUTCOME}},
    },
    201: {"description": "Recorded", "content": {"application/json": {"example": OUTCOME}}},
}
LIST_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "id": _EVENT,
            "kind": "receive",
            "event_time": "2026-03-01T10:00:00+08:00",
            "record_time": "2026-03-01T02:00:01+00:00",
            "site_id": _SITE,
            "party_id": None,
            "role": "vendor",
            "ref": "in-1",
            "body": EXAMPLES["receive"],
            "outcome": OUTCOME,
            "flags": [],
            "corrected_by": None,
            "epcis_event_id": None,
        }
    ],
    "next": None,
}
