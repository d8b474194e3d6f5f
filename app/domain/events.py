"""The closed list of event kinds and what each carries, as plain frozen dataclasses.

A body that breaks a rule of form raises ValueError with a reason; rules that depend on the state of the chain are
decided in `app.domain.deciding`. Times carry an offset; quantities are as entered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from app.domain.quantities import Quantity, QuantityError, parse_quantity

TEXT = 2_000  # characters of any text
NAME = 200  # characters of a name, number or reference
ITEMS = 1_000  # items of any list
EARLIEST = 2000  # no food record is older than this year
LATEST = 2100


@dataclass(frozen=True, slots=True)
class _Form:
    # `from_` is spelled "from" outside: Python has taken the word.
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "alias_generator": lambda name: name.rstrip("_")}


@dataclass(frozen=True, slots=True)
class Entered(_Form):
    """A quantity as a person or scale entered it: value "1.5", unit "斤"."""

    value: str
    unit: str

    def __post_init__(self) -> None:
        _well_formed(self.quantity)

    def quantity(self) -> Quantity:
        return parse_quantity(self.value, self.unit)


@dataclass(frozen=True, slots=True)
class ExternalCodeInput(_Form):
    """A code that another system gave the same thing, e.g. scheme 浙农码."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(_Form):
    """A lot that is made here."""

    product_id: UUID
    quantity: Entered
    produced_on: date
    lot_number: str | None = None
    expires_on: date | None = None
    external_codes: tuple[ExternalCodeInput, ...] = ()

    def __post_init__(self) -> None:
        _days(self.produced_on, self.expires_on)
        _short(self.lot_number, "lot_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideItem(_Form):
    """Goods from outside the system, as their paper names them."""

    product_id: UUID
    quantity: Entered
    lot_number: str | None = None
    produced_on: date | None = None
    expires_on: date | None = None

    def __post_init__(self) -> None:
        _days(self.produced_on, self.expires_on)
        _short(self.lot_number, "lot_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(_Form):
    """Some of a custody."""

    custody_id: UUID
    quantity: Entered


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUsed(_Form):
    """A pesticide, veterinary drug or feed used on the harvest (农药、兽药、饲料), with its withdrawal date."""

    kind: Literal["pesticide", "veterinary", "feed"]
    name: str
    used_on: date
    code: str | None = None
    withdrawal_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside(_Form):
    """What the paper says of a source or a receiver outside the system."""

    name: str
    contact: str | None = None
    address: str | None = None
    document_ids: tuple[UUID, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("名称不能为空 · name must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine(_Form):
    """One line of a sale; a line may name a product without a batch."""

    quantity: Entered
    custody_id: UUID | None = None
    product_id: UUID | None = None
    amount_fen: int | None = None

    def __post_init__(self) -> None:
        if self.custody_id is None and self.product_id is None:
            raise ValueError("每行需要 custody_id 或 product_id · a line names a custody_id or a product_id")
        if self.amount_fen is not None and abs(self.amount_fen) > 10**11:
            raise ValueError("金额过大 · amount_fen is absurd")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event(_Form):
    event_time: datetime
    ref: str

    def __post_init__(self) -> None:
        if self.event_time.tzinfo is None:
            raise ValueError("时间需带时区 · event_time needs an offset, such as 2026-03-01T06:30:00+08:00")
        if not EARLIEST <= self.event_time.year <= LATEST:
            raise ValueError(f"年份须在 {EARLIEST}–{LATEST} · event_time lies outside the years {EARLIEST} to {LATEST}")
        if not self.ref.strip():
            raise ValueError("ref 不能为空 · ref must not be empty")
        _short(self.ref, "ref")
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
        _some(self.outputs, "outputs")
        _once([(o.product_id, o.lot_number) for o in self.outputs if o.lot_number], "outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(_Event):
    kind: Literal["transform"]
    site_id: UUID
    process: Literal["slaughter", "process", "pack", "repack", "mix", "split"]
    inputs: tuple[Item, ...]
    outputs: tuple[Output, ...]

    def check(self) -> None:
        _some(self.inputs, "inputs")
        _some(self.outputs, "outputs")
        _once([item.custody_id for item in self.inputs], "inputs")
        _once([(o.product_id, o.lot_number) for o in self.outputs if o.lot_number], "outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship(_Event):
    kind: Literal["ship"]
    site_id: UUID
    items: tuple[Item, ...]
    to_site_id: UUID | None = None
    to: Outside | None = None
    slip: bool = True

    def check(self) -> None:
        _some(self.items, "items")
        _once([item.custody_id for item in self.items], "items")
        if self.to_site_id and self.to:
            raise ValueError("to_site_id 与 to 只能有一个 · to_site_id and to exclude each other")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipPart(_Form):
    """Some of what is on a slip; `custody_id` is the sender's, as the slip names it."""

    custody_id: UUID
    quantity: Entered


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
            _some(self.items or (), "items")
        if self.items is not None:
            _some(self.items, "items")
            expected = SlipPart if self.from_ is None else OutsideItem
            if not all(isinstance(item, expected) for item in self.items):
                named = "custody_id" if self.from_ is None else "product_id"
                raise ValueError(f"items 此处须有 {named} 和 quantity · items name a {named} and a quantity here")
            _once([item.custody_id for item in self.items if isinstance(item, SlipPart)], "items")

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
            _some(self.custody_ids, "custody_ids")


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
        _some(self.lines, "lines")


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
        _some(self.items, "items")
        _once([item.custody_id for item in self.items], "items")
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
        _some(self.items, "items")
        _once([item.custody_id for item in self.items], "items")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(_Event):
    kind: Literal["hold"]
    custody_id: UUID
    scope: Literal["custody", "downstream", "lot"]
    reason: str
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(_Event):
    kind: Literal["release"]
    hold_event_id: UUID
    reason: str
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(_Form):
    """As Entered, and zero where nothing is left."""

    value: str
    unit: str

    def __post_init__(self) -> None:
        _well_formed(self.quantity)

    def quantity(self) -> Quantity:
        return parse_quantity(self.value, self.unit, allow_zero=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountItem(_Form):
    custody_id: UUID
    quantity: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(_Event):
    """A stall's closing stock (盘点), the end of the day's balance."""

    kind: Literal["count"]
    site_id: UUID
    items: tuple[CountItem, ...]

    def check(self) -> None:
        _some(self.items, "items")
        _once([item.custody_id for item in self.items], "items")


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
    | Count
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
    "correct": Correct,
}


def _well_formed(quantity: Callable[[], Quantity]) -> None:
    try:
        quantity()
    except QuantityError as error:
        raise ValueError(f"{error.detail_zh} · {error.detail}") from None


def _days(produced_on: date | None, expires_on: date | None) -> None:
    for day in (produced_on, expires_on):
        if day is not None and not EARLIEST <= day.year <= LATEST:
            raise ValueError(f"日期须在 {EARLIEST}–{LATEST} 年 · a date lies outside the years {EARLIEST} to {LATEST}")
    if produced_on and expires_on and expires_on < produced_on:
        raise ValueError("expires_on 早于 produced_on · expires_on lies before produced_on")


def _short(text: str | None, name: str) -> None:
    if text is not None and len(text) > NAME:
        raise ValueError(f"{name} 超过 {NAME} 字 · {name} is longer than {NAME} characters")


def _some(items: tuple[Any, ...], name: str) -> None:
    if not 1 <= len(items) <= ITEMS:
        raise ValueError(f"{name} 须有 1–{ITEMS} 项 · {name} takes 1 to {ITEMS} items")


def _once(keys: list[Any], name: str) -> None:
    if len(set(keys)) != len(keys):
        raise ValueError(f"{name} 有重复项 · {name} name the same thing twice")
