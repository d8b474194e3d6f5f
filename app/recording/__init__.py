"""Recording: append events and sales, decide, idempotent; and reading back what was recorded."""

from app.domain.deciding import Decision, Record
from app.recording.alerts import RefusedUse, find_alerts, note_refused
from app.recording.events import Recorded, find_event, find_events, record_events
from app.recording.sales import Sale, SaleLine, SaleOutcome, SaleRules, record_sales
from app.recording.sold import Place, SalesAsked, find_sales

__all__ = [
    "Decision",
    "Place",
    "Record",
    "Recorded",
    "RefusedUse",
    "Sale",
    "SaleLine",
    "SaleOutcome",
    "SaleRules",
    "SalesAsked",
    "find_alerts",
    "find_event",
    "find_events",
    "find_sales",
    "note_refused",
    "record_events",
    "record_sales",
]
