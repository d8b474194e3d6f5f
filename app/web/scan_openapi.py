"""How the OpenAPI document describes what a printed code leads to."""

from typing import Any

_PLACE = {
    "type": ["object", "null"],
    "description": "a product has its category for kind and its GTIN for code",
    "properties": {
        "code": {"type": ["string", "null"]},
        "name": {"type": "string"},
        "kind": {"type": "string"},
        "region": {"type": ["string", "null"], "description": "GB/T 2260"},
    },
}
_OBJECTS = {"type": "array", "items": {"type": "object"}}
_TEXT = {"type": ["string", "null"]}
_STATUS = ["revoked", "recalled", "held", "refused", "expired", "pending", "incomplete", "ok"]

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": [
        "code", "kind", "status", "statuses", "status_reason", "recalls", "product", "lot", "site", "party", "steps",
        "gaps", "documents", "tests", "held_sources", "inspections", "stock", "lines", "scans", "record_time",
    ],
    "properties": {
        "code": {"type": "string"},
        "kind": {"enum": ["site", "party", "custody", "lot", "unit", "slip", "receipt"]},
        "status": {"enum": _STATUS, "description": "the gravest of statuses"},
        "statuses": {"type": "array", "items": {"enum": _STATUS}},
        "status_reason": _TEXT,
        "recalls": {
            **_OBJECTS,
            "description": "{number, state, grade, title, reason, hazard, advice: {zh, en}, started_at, closed_at}",
        },
        "product": _PLACE,
        "lot": {
            "type": ["object", "null"],
            "properties": {"code": _TEXT, "lot_number": _TEXT, "produced_on": _TEXT, "expires_on": _TEXT,
                "unit_number": {"type": ["integer", "null"], "description": "of a numbered unit"},
            },
        },
        "site": _PLACE,
        "party": _PLACE,
        "steps": {
            "type": "array",
            "description": "from the farm to the reader, by generation, then by event time",
            "items": {
                "type": "object",
                "properties": {
                    "event_id": _TEXT,
                    "kind": {"type": "string"},
                    "event_time": {"type": "string", "format": "date-time"},
                    "site": _PLACE,
                    "party": _PLACE,
                    "product": _PLACE,
                    "lot_number": _TEXT,
                    "documents": _OBJECTS,
                    "tests": _OBJECTS,
                    "readings": _OBJECTS,
                    "reported_by": _PLACE,
                },
            },
        },
        "gaps": {**_OBJECTS, "description": "{node_id, reason, from}: what is not known of the way"},
        "documents": _OBJECTS,
        "tests": _OBJECTS,
        "held_sources": {
            **_OBJECTS,
            "description": "goods: {code, product, lot_number, status_reason} of what they were made of, where that is "
            "on hold and they are not",
        },
        "inspections": {**_OBJECTS, "description": "sites and parties: what authorities recorded, as GET /inspections"},
        "stock": {"type": ["array", "null"], "description": "sites: {code, product, lot_number, status, since}"},
        "lines": {"type": ["array", "null"], "description": "receipts and slips: {code, product, quantity, steps}"},
        "scans": {"type": ["object", "null"], "description": "{count, first_time}: with this one, as of a minute ago"},
        "record_time": _TEXT,
    },
}  # fmt: skip
_STALL = {"code": "S2J5V8YQK3M7N4P6RX", "name": "一号摊", "kind": "stall", "region": "330106"}
_EXAMPLE: dict[str, Any] = {
    "code": "B7W0H3QG9T5ZKD2C4E",
    "kind": "custody",
    "status": "ok",
    "statuses": ["ok"],
    "status_reason": None,
    "recalls": [],
    "product": {"code": None, "name": "上海青", "kind": "vegetables", "region": None},
    "lot": {
        "code": "G0A3C8N5R1V6X2Y7ZK",
        "lot_number": "260301-7F3A",
        "produced_on": "2026-03-01",
        "expires_on": None,
        "unit_number": None,
    },
    "site": _STALL,
    "party": {"code": "P4D9F2H6J1K8M3N7QT", "name": "一号摊经营户", "kind": "vendor", "region": "330106"},
    "steps": [
        {
            "event_id": "5f1c0b1e-0a43-5a5e-9a53-2d4f7f6c1b11",
            "kind": "receive",
            "event_time": "2026-03-01T05:40:00+08:00",
            "site": _STALL,
            "party": {"code": "P4D9F2H6J1K8M3N7QT", "name": "一号摊经营户", "kind": "vendor", "region": "330106"},
            "product": {"code": None, "name": "上海青", "kind": "vegetables", "region": None},
            "lot_number": "260301-7F3A",
            "documents": [],
            "tests": [],
            "readings": [],
            "reported_by": None,
        }
    ],
    "gaps": [],
    "documents": [],
    "tests": [],
    "held_sources": [],
    "inspections": [],
    "stock": None,
    "lines": None,
    "scans": {"count": 12, "first_time": "2026-03-01T08:12:00Z"},
    "record_time": "2026-03-01T05:40:02Z",
}

SCAN: dict[str, Any] = {
    "description": "What the code says to this reader",
    "headers": {"ETag": {"schema": {"type": "string"}, "description": "for anonymous readers"}},
    "content": {
        "text/html": {"schema": {"type": "string"}},
        "application/json": {"schema": _SCHEMA, "example": _EXAMPLE},
        "text/plain": {"schema": {"type": "string", "maxLength": 300}},
    },
}
SYMBOL: dict[str, dict[str, Any]] = {
    "svg": {"description": "The symbol", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
    "png": {"description": "The symbol", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
}
