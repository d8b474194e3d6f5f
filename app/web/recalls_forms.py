"""Shapes of recalls: what an office sends, what is answered."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.domain.recalls import SELECTORS, Grade, NoticeState, Outcome, State
from app.domain.recalls_scope import Exclusion, Scope, Window
from app.web.schemas import Given, Long, Moment, Name, Short, Told, optional


class WindowForm(Given):
    """Goods that came to a site, or below it, or to any site of a party, from `since` until before `until`; of these
    products or categories, of any where none are named."""

    site_id: UUID | None = None
    party_id: UUID | None = None
    since: Moment | None = None
    until: Moment | None = None
    products: list[UUID] = Field(default=[], max_length=SELECTORS)
    categories: list[Short] = Field(default=[], max_length=100)

    @model_validator(mode="after")
    def _one(self) -> "WindowForm":
        if (self.site_id is None) == (self.party_id is None):
            raise ValueError("site_id 与 party_id 须有且只有一个 · either site_id or party_id is needed")
        return self


class ExclusionForm(Given):
    """Goods in one pair of hands, or all goods at a site or below it, that are not concerned, with what came only
    through them."""

    custody_id: UUID | None = None
    site_id: UUID | None = None
    reason: Long

    @model_validator(mode="after")
    def _one(self) -> "ExclusionForm":
        if (self.custody_id is None) == (self.site_id is None):
            raise ValueError("custody_id 与 site_id 须有且只有一个 · either custody_id or site_id is needed")
        return self


class ScopeForm(Given):
    """What is recalled. A lot (G, N, Digital Link, EPC or its id) in all hands with all that was made of it; a custody
    (B, T, R or its id) with all that came from it; a site or party (S, P), or a site in a window of time, with all that
    came there."""

    codes: list[Name] = Field(
        default=[],
        max_length=SELECTORS,
        description="codes of any kind, as scanned or typed; Digital Links, EPCs, SSCCs, GTIN (and lot number)",
    )
    lots: list[UUID] = Field(default=[], max_length=SELECTORS)
    custodies: list[UUID] = Field(default=[], max_length=SELECTORS)
    sites: list[WindowForm] = Field(default=[], max_length=SELECTORS)
    exclusions: list[ExclusionForm] = Field(default=[], max_length=SELECTORS)

    def scope(self) -> Scope:
        return Scope(
            tuple(self.lots),
            tuple(self.custodies),
            tuple(
                Window(
                    each.site_id, each.party_id, each.since, each.until, tuple(each.products), tuple(each.categories)
                )
                for each in self.sites
            ),
            tuple(Exclusion(each.reason, each.custody_id, each.site_id) for each in self.exclusions),
            tuple(self.codes),
        )


class Advice(Given):
    zh: Long
    en: Long


class Person(Given):
    """Who is responsible: shown to offices alone."""

    name: Name
    position: Short | None = None
    phone: Short | None = None
    party_id: UUID | None = None


class RecallForm(Given):
    """A recall to try out (`mock`) or to start at once (`live`). The same `ref` with the same content is the same
    recall."""

    ref: Name
    mode: Literal["mock", "live"]
    grade: Grade = Field(description="I 24 h, II 48 h, III 72 h from knowing of the risk to starting")
    title: Name = Field(examples=["蓝天屠宰厂 牛腱 NJ-0301"])
    reason: Long = Field(examples=["检出瘦肉精 · clenbuterol found"])
    hazard: Long = Field(examples=["心悸、手抖 · palpitations, tremor"])
    advice: Advice | None = Field(default=None, description="what consumers are told to do; by category where null")
    persons: list[Person] = Field(default=[], max_length=50)
    known_at: Moment | None = Field(default=None, description="when the risk was known: the legal clock starts; now")
    scope: ScopeForm


class RecallChange(Given):
    """What is left out stays. A new scope takes the place of the one before, wider or narrower; `version`: of the
    recall that the change was made from."""

    why: Long
    version: int | None = None
    grade: Grade | None = optional()
    title: Name | None = optional()
    reason: Long | None = optional()
    hazard: Long | None = optional()
    advice: Advice | None = optional()
    persons: list[Person] | None = optional(max_length=50)
    scope: ScopeForm | None = optional()


class StartForm(Given):
    why: Long | None = None


class CloseForm(Given):
    """`completed`: what is left stays off sale, and consumers go on being warned; `lifted`: there was no danger, or it
    is over: everything is on sale again."""

    outcome: Outcome
    conclusion: Long


class QuantityForm(Given):
    value: Short
    unit: Short


class AnswerLine(Given):
    """What has become of a batch, or of all of a product, as it stands: it takes the place of what was said before."""

    custody_id: UUID | None = None
    product_id: UUID | None = None
    withdrawn: QuantityForm | None = Field(default=None, description="taken off sale and locked away")
    returned: QuantityForm | None = None
    destroyed: QuantityForm | None = Field(default=None, description="with evidence")

    @model_validator(mode="after")
    def _one(self) -> "AnswerLine":
        if (self.custody_id is None) == (self.product_id is None):
            raise ValueError("custody_id 与 product_id 须有且只有一个 · either custody_id or product_id is needed")
        return self


class AnswerForm(Given):
    """Without lines: that the party has heard. `party_id`: for which stall a market answers."""

    ref: Name
    party_id: UUID | None = None
    lines: list[AnswerLine] = Field(default=[], max_length=SELECTORS)
    note: Long | None = None
    evidence: list[UUID] = Field(default=[], max_length=100, description="ids of documents")


# --- answers ---


class Deadlines(Told):
    start_due: datetime
    notify_due: datetime
    complete_due: datetime


class RecallTold(Told):
    """`scope`, `history` and `counts` are for the office that recalls, `persons` for offices that ask for
    this one recall; others get null. `progress`: of what the reader sees."""

    id: UUID
    number: str
    state: State
    grade: Grade
    region: str | None
    title: str
    reason: str
    hazard: str
    advice: dict[str, str]
    persons: list[dict[str, Any]] | None
    scope: dict[str, Any] | None
    deadlines: Deadlines
    overdue: dict[str, Any] | None
    known_at: datetime
    record_time: datetime
    started_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    conclusion: str | None
    counts: dict[str, Any] | None
    progress: dict[str, Any] | None
    version: int
    changed_at: datetime
    resolved_at: datetime | None
    history: list[dict[str, Any]] | None


class PlaceTold(Told):
    code: str | None
    name: str | None
    kind: str | None
    region: str | None


class AffectedTold(Told):
    """Goods that the scope reaches; `beyond`: further than one step outside the region of the office, their amounts not
    told."""

    custody_id: UUID
    code: str | None
    lot_id: UUID
    lot_number: str | None
    product: PlaceTold | None
    site: PlaceTold | None
    party: PlaceTold | None
    region: str | None
    beyond: bool
    generation: int
    arrived_at: datetime
    receipts: int | None
    received: dict[str, Any] | None
    sold: dict[str, Any] | None
    on_hand: dict[str, Any] | None


class NoticeTold(Told):
    """What one party is told, its goods, what it has said of them."""

    id: UUID
    recall_id: UUID
    party_id: UUID
    party: PlaceTold | None
    region: str | None
    state: NoticeState
    notify_due: datetime
    notified_at: datetime | None
    channel: str | None
    acknowledge_due: datetime
    acknowledged_at: datetime | None
    answer_due: datetime
    answered_at: datetime | None
    overdue: bool
    percent: float | None
    goods: list[dict[str, Any]]
    answers_for: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    history: list[dict[str, Any]]
    record_time: datetime
    changed_at: datetime


class AnswerTold(Told):
    """The notice as it stands after the answer."""

    status: Literal["recorded", "duplicate"]
    answer_id: UUID
    notice: NoticeTold
