"""What the store keeps of the chain of custody, as plain rows. A field is a column of the same name.

Rows that decisions change are mutable and changed only through `Ledger.edit`; master data are frozen.
Amounts are integers: grams or pieces, by the product's measure.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from app.domain.holds import Stop

Measure = Literal["weight", "count"]


@dataclass(frozen=True, slots=True)
class Party:
    id: UUID
    code: str
    name: str
    kind: str
    region: str | None
    credit_code: str | None
    licences: list[dict[str, Any]]
    contact: dict[str, Any] | None
    external_codes: list[dict[str, str]]
    status: str  # pending | active | locked
    status_reason: str | None
    warnings: list[dict[str, str]]
    enrolled_by: UUID | None
    version: int
    valid_from: datetime
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Site:
    id: UUID
    code: str
    party_id: UUID
    name: str
    kind: str
    parent_site_id: UUID | None
    path: str  # hex ids from the root down to itself, each followed by "/"
    region: str | None
    address: str | None
    gln: str | None
    time_zone: str
    external_codes: list[dict[str, str]]
    admission_rules: list[dict[str, Any]] | None
    status: str
    status_reason: str | None
    uri: str | None
    version: int
    valid_from: datetime
    record_time: datetime

    def lies_in(self, other: "Site") -> bool:
        """True for the other site itself and for every site below it."""
        return self.path.startswith(other.path)


@dataclass(frozen=True, slots=True)
class Product:
    id: UUID
    name: str
    category: str
    gtin: str | None
    measure: Measure
    grams_per_piece: int | None
    shelf_life_days: int | None
    external_codes: list[dict[str, str]]
    enrolled_by: UUID | None
    version: int
    valid_from: datetime
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Device:
    id: UUID
    number: int  # in receipt codes
    site_id: UUID
    name: str
    kind: str
    serial: str | None
    status: str  # enrolled | active | locked
    epoch: int
    activation_hash: bytes | None
    activation_expires: datetime | None
    activation_tries: int
    version: int
    valid_from: datetime
    record_time: datetime
    first_counter: int = 0  # from which its sales are of this site, and since when; see app.domain.stays
    first_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What a device last said of itself; `clock_skew_seconds` is its clock less ours."""

    device_id: UUID
    seen_at: datetime
    firmware: str | None
    clock_skew_seconds: int | None


@dataclass(frozen=True, slots=True)
class Document:
    id: UUID
    type: str
    number: str | None
    issuer: str | None
    issued_on: date | None
    expires_on: date | None
    class_: str | None
    covers: dict[str, Any] | None
    owner_party_id: UUID | None
    file_hash: bytes
    file_name: str | None
    media_type: str
    size: int
    record_time: datetime


@dataclass(slots=True)
class Code:
    code: str
    kind: str
    subject_id: UUID
    status: str  # active | revoked
    reason: str | None
    replacement: str | None
    minted_at: datetime
    revoked_at: datetime | None = None


@dataclass(slots=True)
class Event:
    id: UUID
    kind: str
    event_time: datetime
    utc_offset: int
    record_time: datetime
    site_id: UUID | None
    party_id: UUID | None
    recorder_id: UUID
    role: str
    ref: str | None
    content_hash: bytes
    body: dict[str, Any]
    outcome: dict[str, Any]
    entries: list[list[Any]]
    epcis_event_id: str | None = None


@dataclass(slots=True)
class Lot:
    id: UUID
    code: str | None
    product_id: UUID
    maker_id: UUID | None
    lot_number: str
    produced_on: date | None
    expires_on: date | None
    made_event_id: UUID
    inputs_used: list[dict[str, Any]] | None = None
    epc: str | None = None


@dataclass(slots=True)
class Custody:
    """One arrival of a lot at a site (ISO 22095), or a gap: goods whose origin is known from paper at most."""

    id: UUID
    kind: str  # custody | gap
    code: str | None
    lot_id: UUID
    product_id: UUID
    site_id: UUID | None
    party_id: UUID | None
    measure: Measure
    arrived_event_id: UUID
    arrived_at: datetime
    expires_on: date | None = None
    withdrawal_until: date | None = None
    amount_in: int = 0
    sold: int = 0
    shipped: int = 0
    processed: int = 0
    returned: int = 0
    destroyed: int = 0
    unexplained: int = 0
    receipts: int = 0
    admission: str | None = None
    gap_reason: str | None = None
    paper: dict[str, Any] | None = None
    reported_by: UUID | None = None
    voided_by: UUID | None = None
    epc: str | None = None
    lineage: bytes | None = None  # ids of what it came from, 16 bytes each; see `Ledger.add`

    @property
    def on_hand(self) -> int:
        """in − sold − shipped − processed − returned − destroyed − unexplained; negative is a finding, no error."""
        return (
            self.amount_in
            - self.sold
            - self.shipped
            - self.processed
            - self.returned
            - self.destroyed
            - self.unexplained
        )


# Entries of a custody's timeline that change its balance, and the column each changes.
ENTRIES = {
    "in": "amount_in",
    "sold": "sold",
    "shipped": "shipped",
    "processed": "processed",
    "returned": "returned",
    "destroyed": "destroyed",
    "unexplained": "unexplained",
}
TOUCHED = "touched"


def within(key: UUID) -> str:
    """What the change feed calls the goods, tests and slips at a site, or the goods and tests of a lot: the site or
    lot itself is another matter, which every batch tells of that was ever there."""
    return f"in:{key.hex}"


@dataclass(slots=True)
class Link:
    """An edge of the custody graph: a move (same lot, next site) or a transformation (other lot)."""

    child_id: UUID
    parent_id: UUID
    event_id: UUID
    kind: str  # move | transform | return | outside | identify
    grams: int | None
    pieces: int | None
    claimed_by: UUID | None = None


@dataclass(slots=True)
class Slip:
    code: str
    event_id: UUID
    site_id: UUID
    party_id: UUID | None
    to_site_id: UUID | None
    to_party: dict[str, Any] | None
    shipped_at: datetime
    status: str  # open | voided
    admission: str | None = None


@dataclass(slots=True)
class SlipItem:
    slip_code: str
    custody_id: UUID
    product_id: UUID
    lot_id: UUID
    position: int
    amount: int
    received: int = 0


@dataclass(slots=True)
class Hold:
    id: UUID  # the event that placed it, save for one of a recall
    scope: str  # see app.domain.holds
    custody_id: UUID
    lot_id: UUID
    reason: str
    authority: int
    placed_by: UUID
    placed_at: datetime
    automatic: bool
    released_by: UUID | None = None
    recall_id: UUID | None = None
    spares: list[str] | None = None  # ids of custodies and sites, as text

    @property
    def stop(self) -> Stop[UUID]:
        return Stop(self.scope, self.custody_id, self.lot_id, frozenset(map(UUID, self.spares or ())))


@dataclass(slots=True)
class Attachment:
    subject_id: UUID  # custody or site
    document_id: UUID
    event_id: UUID


@dataclass(slots=True)
class Correction:
    event_id: UUID
    correcting_event_id: UUID
    reason: str
    replacement_event_id: UUID | None
    record_time: datetime


@dataclass(slots=True)
class TimelineEntry:
    custody_id: UUID
    event_id: UUID
    entry: str
    kind: str
    event_time: datetime
    amount: int = 0


@dataclass(slots=True)
class Flag:
    event_id: UUID
    position: int
    slug: str
    detail: str
    record_time: datetime


@dataclass(slots=True)
class ExternalCode:
    value: str
    scheme: str
    subject_id: UUID
    kind: str = field(default="lot")
