"""Recalls (召回, Food Safety Law §63): stop, take back, tell, record, destroy; and by when.

A recall is a scope (which goods), a grade with its legal clock, and what is said to whom. While it is live its scope is
held by rows of `hold` that name it; whom it concerns gets a notice and answers it. A mock is the same without any of
that. Rows are frozen: a change makes a new row with one more version and one more line of history.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID, uuid5

from app.domain.codes import ALPHABET
from app.domain.errors import Conflict

# Fixed for ever: the names of recalls and of what hangs on them begin here.
_RECALL: Final = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a09")

Grade = Literal["I", "II", "III"]
Mode = Literal["mock", "live"]
State = Literal["mock", "live", "closed"]
Outcome = Literal["completed", "lifted"]
NoticeState = Literal["pending", "notified", "acknowledged", "answered", "withdrawn"]
STATES: Final[tuple[State, ...]] = get_args(State)
NOTICE_STATES: Final[tuple[NoticeState, ...]] = get_args(NoticeState)

# What the change feed calls any change of any recall.
RECALLS: Final = "recalls"

SELECTORS: Final = 500  # in one scope
CHANGES: Final = 200  # that one recall may see


@dataclass(frozen=True, slots=True)
class Clock:
    """Hours from knowing of the risk to starting, hours from the start to having told everybody, working days from the
    start to the end. Measures for the administration of food recalls (食品召回管理办法) §§13, 18 [check]."""

    start_hours: int
    notify_hours: int
    working_days: int


CLOCKS: Final[Mapping[str, Clock]] = {
    "I": Clock(24, 24, 10),
    "II": Clock(48, 48, 20),
    "III": Clock(72, 72, 30),
}

# A party says that it has heard of it within so long of being told.
ACKNOWLEDGE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Recall:
    """A row of recall. `region`: of the office that recalls, None for the operator; `scope`: see
    `app.domain.recalls_scope`; `advice`: {"zh","en"}; `persons`: [{"name","position","phone","party_id"}], for
    offices alone; `history`: a line for every version: {"version","time","by" (a key),"role","what","why","changes"};
    `counts`: what was last found to be affected, and how long that took; `resolved_at`: when."""

    id: UUID
    number: str
    ref: str
    content_hash: bytes
    state: State
    grade: Grade
    region: str | None
    recorder_id: UUID
    title: str
    reason: str
    hazard: str
    advice: dict[str, str]
    persons: list[dict[str, Any]]
    scope: dict[str, Any]
    known_at: datetime
    record_time: datetime
    started_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    conclusion: str | None
    version: int
    changed_at: datetime
    history: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] | None = None
    resolved_at: datetime | None = None

    @property
    def stops(self) -> bool:
        """Whether its goods are kept off sale: while it is live, and after it has been completed."""
        return self.state == "live" or (self.state == "closed" and self.outcome == "completed")

    @property
    def start_due(self) -> datetime:
        return self.known_at + timedelta(hours=CLOCKS[self.grade].start_hours)

    @property
    def notify_due(self) -> datetime:
        """When everybody concerned has to have been told."""
        return (self.started_at or self.start_due) + timedelta(hours=CLOCKS[self.grade].notify_hours)

    @property
    def complete_due(self) -> datetime:
        return after_working_days(self.started_at or self.start_due, CLOCKS[self.grade].working_days)


@dataclass(frozen=True, slots=True)
class RecallPlace:
    """A row of recall_place: goods of one product that one party has, or had, at one site, of what is recalled; amounts
    in the product's measure. `beyond`: further than one step outside the region of the office that recalls, to be
    handed over; `gone`: no longer in the scope."""

    id: UUID
    recall_id: UUID
    site_id: UUID | None
    party_id: UUID | None
    product_id: UUID
    region: str | None
    beyond: bool
    gone: bool
    measure: str
    custodies: int
    receipts: int
    received: int
    sold: int
    shipped: int
    processed: int
    returned: int
    destroyed: int
    unexplained: int
    record_time: datetime
    changed_at: datetime

    @property
    def on_hand(self) -> int:
        gone = self.sold + self.shipped + self.processed + self.returned + self.destroyed + self.unexplained
        return self.received - gone


@dataclass(frozen=True, slots=True)
class Notice:
    """A row of recall_notice: what one party is told and has answered. `history`: {"time","what","by"} of each step."""

    id: UUID
    recall_id: UUID
    party_id: UUID
    region: str | None
    state: NoticeState
    notify_due: datetime
    notified_at: datetime | None
    channel: str | None  # by which it was told last
    acknowledged_at: datetime | None
    answered_at: datetime | None
    answer_due: datetime
    record_time: datetime
    changed_at: datetime
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def acknowledge_due(self) -> datetime:
        return (self.notified_at or self.notify_due) + ACKNOWLEDGE


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of recall_answer: what a party says of goods under recall, as it stands then. `lines`: {"custody_id" (None
    for all of the product),"product_id","measure","withdrawn","returned","destroyed"} in the product's measure;
    `evidence`: document ids."""

    id: UUID
    recall_id: UUID
    notice_id: UUID
    party_id: UUID
    ref: str
    content_hash: bytes
    recorder_id: UUID
    key_id: UUID
    lines: list[dict[str, Any]]
    note: str | None
    evidence: list[str]
    record_time: datetime


# --- names ---


def recall_id(recorder: UUID, ref: str) -> UUID:
    return uuid5(_RECALL, f"{recorder}/{ref}")


def recall_number(key: UUID, on: datetime) -> str:
    """To be read out on the telephone: the day, and six characters of the id, as 20260301-7K3F9Q."""
    bits = key.int
    return f"{on:%Y%m%d}-" + "".join(ALPHABET[bits >> shift & 31] for shift in range(25, -1, -5))


def notice_id(recall: UUID, party: UUID) -> UUID:
    return uuid5(recall, f"notice/{party}")


def place_id(recall: UUID, site: UUID | None, party: UUID | None, product: UUID) -> UUID:
    return uuid5(recall, f"place/{site}/{party}/{product}")


def hold_id(recall: UUID, subject: UUID) -> UUID:
    """The hold that a recall places on a lot or a custody."""
    return uuid5(recall, f"hold/{subject}")


def answer_id(notice: UUID, ref: str) -> UUID:
    return uuid5(notice, f"answer/{ref}")


# --- changes ---


def after_working_days(start: datetime, days: int) -> datetime:
    """So many days later, Saturdays and Sundays left out; holidays are not known here."""
    end = start
    while days:
        end += timedelta(days=1)
        days -= end.weekday() < 5
    return end


def changed(recall: Recall, now: datetime, by: UUID, role: str, what: str, why: str | None, **fields: Any) -> Recall:
    """The next version. Raises Conflict too-many-changes after CHANGES of them."""
    if len(recall.history) >= CHANGES:
        raise Conflict(
            "too-many-changes",
            f"该召回已改动 {CHANGES} 次，请结束后另行发起 · changed {CHANGES} times: close it and start another",
            identity=str(recall.id),
        )
    line = {
        "version": recall.version + 1,
        "time": now.isoformat(),
        "by": str(by),
        "role": role,
        "what": what,
        "why": why,
        "changes": sorted(fields),
    }
    return replace(recall, version=recall.version + 1, changed_at=now, history=[*recall.history, line], **fields)


def overdue(recall: Recall, notices: Iterable[Notice], now: datetime) -> dict[str, Any]:
    """What should have been done by now: {"start","notify","complete": whether, "parties": how many owe an answer}."""
    listed = [notice for notice in notices if notice.state != "withdrawn"]
    started = recall.started_at
    return {
        "start": (started or now) > recall.start_due,
        "notify": started is not None and any((n.notified_at or now) > recall.notify_due for n in listed),
        "complete": started is not None and (recall.closed_at or now) > recall.complete_due,
        "parties": sum(late(notice, now) for notice in listed),
    }


def late(notice: Notice, now: datetime) -> bool:
    """Whether the party has let a term pass."""
    match notice.state:
        case "answered" | "withdrawn":
            return False
        case "acknowledged":
            return now > notice.answer_due
        case _:
            return now > min(notice.acknowledge_due, notice.answer_due)
