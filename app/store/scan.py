"""What the public answer to a code is read from: sources of rows by their keys, for `lookups.look_up`."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select

from app.domain.inspections import Inspection
from app.domain.rows import (
    Attachment,
    Code,
    Correction,
    Custody,
    Device,
    Document,
    Event,
    Hold,
    Link,
    Lot,
    Party,
    Product,
    Site,
    Slip,
    SlipItem,
    TimelineEntry,
)
from app.store import master, tables
from app.store.engine import Snapshot
from app.store.lookups import Source, look_up
from app.store.scans import ScanCount
from app.store.units import CodeJob, CodeRange

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale, less what only its seller may know."""

    id: int
    device_id: UUID
    site_id: UUID
    event_time: datetime
    utc_offset: int
    record_time: datetime


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    receipt_id: int
    line: int
    custody_id: UUID | None
    product_id: UUID | None
    amount: int
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Another sale under the same number: its JSON as the scale sent it."""

    receipt_id: int
    body: dict[str, Any]
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Recalled:
    """A recall, less what only offices may know."""

    id: UUID
    number: str
    state: str
    grade: str
    title: str
    reason: str
    hazard: str
    advice: dict[str, str]
    started_at: datetime | None
    closed_at: datetime | None


class Version(NamedTuple):
    """A version of a party, site, product or device."""

    subject_id: UUID
    version: int
    row: master.Master


CODES = Source("code", tables.code, Code, "code")
COUNTS = Source("scan_count", tables.scan_count, ScanCount, "code")
LINKS = Source("link", tables.custody_link, Link, "child_id")  # one generation of the walk back
CUSTODIES = Source("custody", tables.custody, Custody, "id")
LOTS = Source("lot", tables.lot, Lot, "id")
HOLDS = Source("hold", tables.hold, Hold, "lot_id", '"released_by" IS NULL')
RECALLS = Source(
    "recall",
    tables.recall,
    Recalled,
    "id",
    columns=(
        "id", "number", "state", "grade", "title", "reason", "hazard", "advice", "started_at", "closed_at",
    ),
)  # fmt: skip
# Arrivals, tests, admissions and certificates; the rest (sold, shipped, counted) is the custodian's business.
TIMELINE = Source(
    "timeline",
    tables.timeline,
    TimelineEntry,
    "custody_id",
    """("entry" = 'in' OR "kind" IN ('admit', 'test', 'certify', 'observe') OR substr("kind", 1, 6) = 'epcis.')""",
    ("custody_id", "event_id", "entry", "kind", "event_time", "amount"),
)
EVENTS = Source("event", tables.event, Event, "id")
CORRECTIONS = Source("correction", tables.correction, Correction, "event_id")
ATTACHMENTS = Source("attachment", tables.attachment, Attachment, "subject_id")
DOCUMENTS = Source("document", tables.document, Document, "id")
SLIPS = Source("slip", tables.slip, Slip, "code")
SLIP_ITEMS = Source("slip_item", tables.slip_item, SlipItem, "slip_code")
VERSIONS = Source(
    "version",
    tables.master_version,
    lambda subject, version, kind, body: Version(subject, version, master.read_version(kind, body)),
    "subject_id",
    columns=("subject_id", "version", "kind", "body"),
)
# A place by its code: its history, and the places within it, itself among them.
PLACE_VERSIONS = replace(
    VERSIONS,
    name="place_version",
    match='"subject_id" IN (SELECT "id" FROM "site" WHERE "code" {})',
    key=tables.site.c.code,
)
PLACES_WITHIN = Source(
    "within",
    tables.site,
    Site,
    "id",
    match=(
        '"id" IN (SELECT "below"."id" FROM "site" AS "top" JOIN "site" AS "below" ON "below"."path" >= "top"."path" '
        """AND "below"."path" < substr("top"."path", 1, length("top"."path") - 1) || '0' WHERE "top"."code" {})"""
    ),
    key=tables.site.c.code,
)
PLACE: tuple[Source[Any], ...] = (PLACE_VERSIONS, PLACES_WITHIN)
PARTIES = Source("party", tables.party, Party, "id")
SITES = Source("site", tables.site, Site, "id")
PRODUCTS = Source("product", tables.product, Product, "id")

HANDS = 40  # that a lot is looked for in
# The lot in whoever's hands, the earliest.
OF_LOT = Source("of_lot", tables.custody, Custody, "lot_id", "\"kind\" = 'custody'", most=('"arrived_at", "id"', HANDS))
RECEIPTS = Source(
    "receipt",
    tables.receipt,
    Receipt,
    "id",
    columns=("id", "device_id", "site_id", "event_time", "utc_offset", "record_time"),
)
RECEIPT_LINES = Source(
    "line",
    tables.receipt_line,
    ReceiptLine,
    "receipt_id",
    columns=("receipt_id", "line", "custody_id", "product_id", "amount", "value", "unit"),
)
CLAIMS = 20  # of one receipt number that are looked up; any of more
RECEIPT_CLAIMS = Source(
    "claim",
    tables.receipt_claim,
    Claim,
    "receipt_id",
    columns=("receipt_id", "body", "record_time"),
    most=('"content_hash"', CLAIMS),
)
JOBS = Source("job", tables.code_job, CodeJob, "number")


RECORDS = 200  # of authorities, the latest, that are looked up at once
_LATEST = ('"record_time" DESC, "id"', RECORDS)
INSPECTED_HERE = Source("inspected_here", tables.inspection, Inspection, "site_id", most=_LATEST)
INSPECTED = Source("inspected", tables.inspection, Inspection, "party_id", most=_LATEST)
# Of a party as a whole, not of one of its places.
INSPECTED_WHOLE = replace(INSPECTED, name="inspected_whole", where='"site_id" IS NULL')


def _holding(state: str) -> Source[CodeRange]:
    """The last range of a job that begins at or before a number: they do not overlap."""
    where = f'"state" = \'{state}\' AND "first" <= {{}}'
    return Source(state, tables.code_range, CodeRange, "job_id", where, most=('"first" DESC', 1))


IN_USE = _holding("active")
WITHDRAWN = _holding("revoked")


def made_custody(snapshot: Snapshot, lot: Lot) -> Custody | None:
    """The custody in which the lot was made, where that is none of the earliest."""
    c = tables.custody.c
    made = (c.lot_id == lot.id, c.kind == "custody", c.arrived_event_id == lot.made_event_id)
    row = snapshot.execute(select(tables.custody).where(*made).limit(1)).one_or_none()
    return Custody(*row) if row else None


def there(
    snapshot: Snapshot, site_ids: Collection[UUID], since: datetime, today: datetime, limit: int
) -> list[Custody]:
    """Custodies at the sites, the newest first: with something left and not older than `since`, or come `today`."""
    c = tables.custody.c
    left = c.amount_in - c.sold - c.shipped - c.processed - c.returned - c.destroyed - c.unexplained
    statement = (
        select(tables.custody)
        .where(
            c.site_id.in_(list(site_ids)[:CHUNK]),
            c.arrived_at >= since,
            or_(left > 0, c.arrived_at >= today),
            c.kind == "custody",
            c.reported_by.is_(None),  # what only others say has come
        )
        .order_by(c.arrived_at.desc(), c.id)
        .limit(limit)
    )
    return [Custody(*row) for row in snapshot.execute(statement)]


def receipt(snapshot: Snapshot, receipt_id: int) -> Receipt | None:
    """The sale, where it has come in."""
    return look_up(snapshot, {RECEIPTS: [receipt_id]}).one(RECEIPTS)


def device_numbered(snapshot: Snapshot, number: int) -> Device | None:
    row = snapshot.execute(select(tables.device).where(tables.device.c.number == number)).one_or_none()
    return Device(*row) if row else None
