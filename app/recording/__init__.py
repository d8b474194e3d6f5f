"""Recording: append events and sales, decide, idempotent; and reading back what was recorded."""

from app.domain.deciding import Decision, Record
from app.recording.alerts import (
    ChangeAlert,
    RefusedUse,
    change_alerts,
    count_alerts,
    find_alert,
    find_alerts,
    note_refused,
)
from app.recording.events import Recorded, find_event, find_events, record_events
from app.recording.looks import at_events
from app.recording.reports import Said, note_reports
from app.recording.sales import Sale, SaleLine, SaleOutcome, record_sales
from app.recording.sold import Place, SalesAsked, find_sales
from app.recording.stock import Batch, LeftOut, Stock, list_stock, price_lists, remaining

__all__ = [
    "Batch",
    "ChangeAlert",
    "Decision",
    "LeftOut",
    "Place",
    "Record",
    "Recorded",
    "RefusedUse",
    "Said",
    "Sale",
    "SaleLine",
    "SaleOutcome",
    "SalesAsked",
    "Stock",
    "at_events",
    "change_alerts",
    "count_alerts",
    "find_alert",
    "find_alerts",
    "find_event",
    "find_events",
    "find_sales",
    "list_stock",
    "note_refused",
    "note_reports",
    "price_lists",
    "record_events",
    "record_sales",
    "remaining",
]
