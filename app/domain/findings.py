"""Findings: what cannot be true of the books, or must not be, with the rows that show it. A closed list of kinds, the
gravest first; each is an alert of the same slug and id as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from app.domain.alerts import ALERTS, alert_id

KINDS: Final = (
    "sold_in_withdrawal",
    "sold_more_than_received",
    "document_overused",
    "test_reused",
    "impossible_yield",
    "unmatched_return",
)
EVIDENCE: Final = 20  # rows that one finding shows; `evidence_count` says how many there are


@dataclass(frozen=True, slots=True)
class Proof:
    """A row that shows it. kind: custody, event, receipt, document or lot; `said`: what it shows, Chinese and English;
    grams and pieces as far as it is of a quantity."""

    kind: str
    id: str
    said: tuple[str, str]
    grams: int | None = None
    pieces: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` and `on` name it: the same again is the same finding. `about`: particulars, Chinese and English;
    `excess_grams`, `excess_pieces`: by how much it cannot be true. `event_time`: when it happened."""

    kind: str
    subject: str
    on: date | None
    about: tuple[str, str]
    site_id: UUID
    party_id: UUID | None
    event_time: datetime
    evidence: tuple[Proof, ...]
    evidence_count: int
    custody_id: UUID | None = None
    event_id: UUID | None = None
    excess_grams: int | None = None
    excess_pieces: int | None = None

    @property
    def id(self) -> UUID:
        return alert_id(self.kind, self.subject, self.on)

    @property
    def severity(self) -> str:
        return ALERTS[self.kind].severity

    @property
    def detail(self) -> str:
        kind = ALERTS[self.kind]
        return f"{kind.zh}（{self.about[0]}） · {kind.en} ({self.about[1]})"


def weight(amount: int, measure: str, each: int | None) -> tuple[int | None, int | None]:
    """(grams, pieces) of an amount in a measure."""
    if measure == "weight":
        return amount, None
    return (amount * each if each else None), amount


def spoken(grams: int | None, pieces: int | None) -> str:
    """A quantity for a person: kilograms, else pieces."""
    if grams is not None and pieces is None:
        return f"{grams / 1000:g} kg"
    return f"{pieces} pcs"


def covered(covers: Mapping[str, Any] | None) -> tuple[int | None, int | None]:
    """(grams, pieces) that a document says it is for."""
    return ((covers or {}).get("grams"), (covers or {}).get("pieces"))
