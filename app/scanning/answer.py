"""The answer to a scanned code: what it holds, in the order a reader meets it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.scanning.counting import NEVER, Scans

# The gravest first.
STATUSES = ("revoked", "recalled", "held", "refused", "expired", "pending", "incomplete", "ok")

Shown = dict[str, Any]  # a redacted shape of app.scanning.audience


@dataclass(frozen=True, slots=True)
class Step:
    """One event on the way. `reported_by`: who says so of a place that is not theirs. `custody_id`, `generation` (0 is
    where the code is), `process`, `decision` and `office` (an authority recorded it) are for drawing the way and stand
    in no JSON."""

    event_id: UUID
    kind: str
    event_time: datetime
    site: Shown | None
    party: Shown | None
    product: Shown | None
    lot_number: str | None
    documents: list[Shown]
    tests: list[Shown]
    custody_id: UUID | None
    generation: int
    readings: list[Shown] = field(default_factory=list)
    reported_by: Shown | None = None
    process: str | None = None
    decision: str | None = None
    office: bool = False

    def json(self) -> Shown:
        return {
            "event_id": self.event_id,
            "kind": self.kind,
            "event_time": self.event_time,
            "site": self.site,
            "party": self.party,
            "product": self.product,
            "lot_number": self.lot_number,
            "documents": self.documents,
            "tests": self.tests,
            "readings": self.readings,
            "reported_by": self.reported_by,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """A place on the way that is not known: `from` is what the paper, or one side alone, says of it."""

    node_id: UUID | None
    reason: str  # outside | unrecorded | voided | truncated | no_batch | two_claims | archived
    source: Shown | None
    generation: int = 0  # it and `product` are for the page
    product: Shown | None = None

    def json(self) -> Shown:
        return {"node_id": self.node_id, "reason": self.reason, "from": self.source}


@dataclass(frozen=True, slots=True)
class Place:
    """On a picture of the way: goods in somebody's hands, or a gap, and the places drawn that they came from; `hidden`
    others that lead here are not drawn."""

    id: UUID
    sources: list[UUID]
    shown: Shown | None  # the shape "node"; None for a gap
    gap: Gap | None
    hidden: int


@dataclass(frozen=True, slots=True)
class Line:
    """Goods on a receipt or slip. What stands after `steps` is for the page; `claim` is the number of the sale, where
    one receipt number was used for several."""

    code: str | None
    product: Shown | None
    quantity: Shown | None
    steps: list[Step]
    gaps: list[Gap]
    lot_number: str | None
    status: str
    claim: int = 1

    def json(self) -> Shown:
        return {
            "code": self.code,
            "product": self.product,
            "quantity": self.quantity,
            "steps": [step.json() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Stock:
    """Goods that a site has now. `sources` (who they came from), `reported` (they came from outside the system) and
    `tests` are for the page."""

    shown: Shown
    sources: list[str]
    reported: bool
    tests: list[Shown]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a status applies, as "中文 · English"; `recall`: the recall that says so, where that is one of ours."""

    status: str
    detail: str | None
    recall: Shown | None = None


@dataclass(frozen=True, slots=True)
class Sightings:
    """Where a numbered unit was scanned first and last before, as far as that is known, Chinese and English."""

    first_place: tuple[str, str]
    last_place: tuple[str, str]
    last_time: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What `GET /c/{code}` answers. For the page are `replacement` (of a revoked code), `places` (a party's sites),
    `picture` (the places of a way from several sources, the nearest first), `doubts` (slugs of `app.domain.copies`,
    of a numbered unit) and `seen` (its scans before this one); `written`: how often it was scanned, as far as that is
    written; `own` is what only a reader with a key gets: `actions`, `balance`, `suppliers`."""

    code: str
    kind: str
    reasons: list[Reason]
    product: Shown | None = None
    lot: Shown | None = None
    site: Shown | None = None
    party: Shown | None = None
    steps: list[Step] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    documents: list[Shown] = field(default_factory=list)
    tests: list[Shown] = field(default_factory=list)
    held_sources: list[Shown] = field(default_factory=list)
    inspections: list[Shown] = field(default_factory=list)
    stock: list[Stock] | None = None
    lines: list[Line] | None = None
    scans: Shown | None = None
    record_time: datetime | None = None
    replacement: str | None = None
    places: list[Shown] = field(default_factory=list)
    picture: list[Place] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    seen: Sightings | None = None
    written: Scans = NEVER
    own: Shown | None = None

    @property
    def statuses(self) -> list[str]:
        found = {reason.status for reason in self.reasons}
        return [status for status in STATUSES if status in found] or ["ok"]

    @property
    def status(self) -> str:
        return self.statuses[0]

    @property
    def recalls(self) -> list[Shown]:
        """What is recalled and what to do about it, each recall once."""
        found = {reason.recall["number"]: reason.recall for reason in self.reasons if reason.recall is not None}
        return [found[number] for number in sorted(found)]

    @property
    def status_reason(self) -> str | None:
        """Of the gravest status."""
        details = [r.detail for r in self.reasons if r.status == self.status and r.detail]
        if not details:
            return None
        # Each half apart: a person may have given a reason in one language only.
        halves = [(zh, en or zh) for zh, _, en in (detail.partition(" · ") for detail in dict.fromkeys(details))]
        chinese, english = "；".join(zh for zh, _ in halves), "; ".join(en for _, en in halves)
        return chinese if chinese == english else f"{chinese} · {english}"

    def json(self) -> Shown:
        """Plain values, UUIDs, dates and aware datetimes; every field present."""
        return {
            "code": self.code,
            "kind": self.kind,
            "status": self.status,
            "statuses": self.statuses,
            "status_reason": self.status_reason,
            "recalls": self.recalls,
            "product": self.product,
            "lot": self.lot,
            "site": self.site,
            "party": self.party,
            "steps": [step.json() for step in self.steps],
            "gaps": [gap.json() for gap in self.gaps],
            "documents": self.documents,
            "tests": self.tests,
            "held_sources": self.held_sources,
            "inspections": self.inspections,
            "stock": None if self.stock is None else [item.shown for item in self.stock],
            "lines": None if self.lines is None else [line.json() for line in self.lines],
            "scans": self.scans,
            "record_time": self.record_time,
            **(self.own or {}),
        }
