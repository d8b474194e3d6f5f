"""Recording: append events and sales, decide, idempotent; and reading back what was recorded."""

from app.domain.deciding import Decision, Record
from app.recording.alerts import RefusedUse, find_alerts, note_refused
from app.recording.events import Recorded, find_event, find_events, record_events
from app.recording.sales import Sale, SaleLine, SaleOutcome, record_sales

__all__ = [
    "Decision",
    "Record",
    "Recorded",
    "RefusedUse",
    "Sale",
    "SaleLine",
    "SaleOutcome",
    "find_alerts",
    "find_event",
    "find_events",
    "note_refused",
    "record_events",
    "record_sales",
]
