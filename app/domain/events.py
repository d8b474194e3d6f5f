"""The closed list of event kinds and what each carries, as plain frozen dataclasses.

A body that breaks a rule of form raises ValueError with a reason; rules that depend on the state of the chain are
decided in `app.domain.deciding`. Times carry an offset; quantities are as entered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.domain.forms import (
    EARLIEST,
    LATEST,
    CountItem,
    Form,
    InputUsed,
    Item,
    Output,
    Outside,
    OutsideItem,
    Reading,
    SaleLine,
    SlipPart,
    lots_once,
    once,
    short,
    some,
)
from app.domain.holds import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event(Form):
    event_time: datetime
    ref: str

    def __post_init__(self) -> None:
        if self.event_time.tzinfo is None:
            raise ValueError("时间需带时区 · event_time needs an offset, such as 2026-03-01T06:30:00+08:00")
        if not EARLIEST <= self.event_time.year <= LATEST:
            raise ValueError(f"年份须在 {EARLIEST}–{LATEST} · event_time lies outside the years {EARLIEST} to {LATEST}")
        if not self.ref.strip():
            raise ValueError("ref 不能为空 · ref must not be empty")
        short(self.ref, "ref")
        self.check()

    def check(self) -> None:
        """Rules of form of this kind; raises ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Produce(_Event):
    kind: Literal["produce"]
    site_id: UUID
    outputs: tuple[Output, ...]
    inputs_used: tuple[InputUsed, ...] = ()

    def check(self) -> None:
        some(self.outputs, "outputs")
        lots_once(self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(_Event):
    kind: Literal["transform"]
    site_id: UUID
    process: Literal["slaughter", "process", "pack", "repack", "mix", "split"]
    inputs: tuple[Item, ...]
    outputs: tuple[Output, ...]

    def check(self) -> None:
        some(self.inputs, "inputs")
        some(self.outputs, "outputs")
        once([item.custody_id for item in self.inputs], "inputs")
        lots_once(self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship(_Event):
    kind: Literal["ship"]
    site_id: UUID
    items: tuple[Item, ...]
    to_site_id: UUID | None = None
    to: Outside | None = None
    slip: bool = True

    def check(self) -> None:
        some(self.items, "items")
        once([item.custody_id for item in self.items], "items")
        if self.to_site_id and self.to:
            raise ValueError("to_site_id 与 to 只能有一个 · to_site_id and to exclude each other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive(_Event):
    kind: Literal["receive"]
    site_id: UUID
    slip_code: str | None = None
    from_: Outside | None = None
    items: tuple[SlipPart | OutsideItem, ...] | None = None

    def check(self) -> None:
        if (self.slip_code is None) == (self.from_ is None):
            raise ValueError("slip_code 与 from 须有且只有一个 · either slip_code or from is needed")
        if self.from_ is not None:
            some(self.items or (), "items")
        if self.items is not None:
            some(self.items, "items")
            expected = SlipPart if self.from_ is None else OutsideItem
            if not all(isinstance(item, expected) for item in self.items):
                named = "custody_id" if self.from_ is None else "product_id"
                raise ValueError(f"items 此处须有 {named} 和 quantity · items name a {named} and a quantity here")
            once([item.custody_id for item in self.items if isinstance(item, SlipPart)], "items")

    def parts(self) -> tuple[SlipPart, ...] | None:
        """What is taken off the slip; None for all that remains on it."""
        return None if self.items is None else tuple(item for item in self.items if isinstance(item, SlipPart))

    def outside_items(self) -> tuple[OutsideItem, ...]:
        return tuple(item for item in self.items or () if isinstance(item, OutsideItem))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify(_Event):
    kind: Literal["identify"]
    gap_custody_id: UUID
    parent_custody_id: UUID
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit(_Event):
    kind: Literal["admit"]
    site_id: UUID
    slip_code: str | None = None
    custody_ids: tuple[UUID, ...] | None = None

    def check(self) -> None:
        if (self.slip_code is None) == (self.custody_ids is None):
            raise ValueError("slip_code 与 custody_ids 须有且只有一个 · either slip_code or custody_ids is needed")
        if self.custody_ids is not None:
            some(self.custody_ids, "custody_ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Test(_Event):
    kind: Literal["test"]
    custody_id: UUID
    stage: Literal["rapid", "laboratory"]
    item: str
    site_id: UUID | None = None
    method: str | None = None
    value: str | None = None
    unit: str | None = None
    limit: str | None = None
    verdict: Literal["pass", "fail"] | None = None
    sample_number: str | None = None
    tester: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certify(_Event):
    kind: Literal["certify"]
    document_id: UUID
    custody_id: UUID | None = None
    site_id: UUID | None = None

    def check(self) -> None:
        if self.custody_id is None and self.site_id is None:
            raise ValueError("需要 custody_id 或 site_id · custody_id or site_id is needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell(_Event):
    kind: Literal["sell"]
    site_id: UUID
    lines: tuple[SaleLine, ...]
    buyer: Outside | None = None

    def check(self) -> None:
        some(self.lines, "lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(_Event):
    """Goods that go back: to where they came from (`to_custody_id`, `to_site_id`), or, without either, from a buyer."""

    kind: Literal["return"]
    site_id: UUID
    items: tuple[Item, ...]
    reason: str
    to_custody_id: UUID | None = None
    to_site_id: UUID | None = None
    evidence: tuple[UUID, ...] = ()

    def check(self) -> None:
        some(self.items, "items")
        once([item.custody_id for item in self.items], "items")
        if self.to_custody_id and self.to_site_id:
            raise ValueError("to_custody_id 与 to_site_id 只能有一个 · to_custody_id and to_site_id exclude each other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy(_Event):
    kind: Literal["destroy"]
    site_id: UUID
    items: tuple[Item, ...]
    reason: str
    evidence: tuple[UUID, ...] = ()

    def check(self) -> None:
        some(self.items, "items")
        once([item.custody_id for item in self.items], "items")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(_Event):
    kind: Literal["hold"]
    custody_id: UUID
    scope: Scope
    reason: str
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(_Event):
    kind: Literal["release"]
    hold_event_id: UUID
    reason: str
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(_Event):
    """A stall's closing stock (盘点), the end of the day's balance."""

    kind: Literal["count"]
    site_id: UUID
    items: tuple[CountItem, ...]

    def check(self) -> None:
        some(self.items, "items")
        once([item.custody_id for item in self.items], "items")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe(_Event):
    """What sensors measured of goods or at a place (冷链温度), without a judgement."""

    kind: Literal["observe"]
    readings: tuple[Reading, ...]
    custody_id: UUID | None = None
    site_id: UUID | None = None

    def check(self) -> None:
        some(self.readings, "readings")
        if self.custody_id is None and self.site_id is None:
            raise ValueError("需要 custody_id 或 site_id · custody_id or site_id is needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct(_Event):
    kind: Literal["correct"]
    event_id: UUID
    reason: Literal["did_not_occur", "incorrect_data"]
    site_id: UUID | None = None
    replacement: "Original | None" = None

    def check(self) -> None:
        if self.reason == "did_not_occur" and self.replacement is not None:
            raise ValueError("未发生的事没有替代记录 · what did not occur has no replacement")
        if self.replacement is not None and self.replacement.ref == self.ref:
            raise ValueError("替代记录需要自己的 ref · a replacement has a ref of its own")


Original = (
    Produce | Transform | Ship | Receive | Identify | Admit | Test | Certify | Sell | Return | Destroy | Hold | Release
    | Count | Observe
)  # fmt: skip
AnyEvent = Original | Correct
KINDS: Mapping[str, type[AnyEvent]] = {
    "produce": Produce,
    "transform": Transform,
    "ship": Ship,
    "receive": Receive,
    "identify": Identify,
    "admit": Admit,
    "test": Test,
    "certify": Certify,
    "sell": Sell,
    "return": Return,
    "destroy": Destroy,
    "hold": Hold,
    "release": Release,
    "count": Count,
    "observe": Observe,
    "correct": Correct,
}
