"""What events are made of: quantities as entered, lots, goods, parties outside, and the rules of their form.

A form that breaks a rule raises ValueError with a reason, "中文 · English".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from app.domain.quantities import Quantity, QuantityError, parse_quantity

TEXT = 2_000  # characters of any text
NAME = 200  # characters of a name, number or reference
ITEMS = 1_000  # items of any list
KIND = 40  # characters of what was measured, or its unit
EARLIEST = 2000  # no food record is older than this year
LATEST = 2100
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """The base of everything that clients send; unknown fields are an error."""

    # `from_` is spelled "from" outside: Python has taken the word.
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "alias_generator": lambda name: name.rstrip("_")}


@dataclass(frozen=True, slots=True)
class Entered(Form):
    """A quantity as a person or scale entered it: value "1.5", unit "斤"."""

    value: str
    unit: str

    def __post_init__(self) -> None:
        _well_formed(self.quantity)

    def quantity(self) -> Quantity:
        return parse_quantity(self.value, self.unit)


@dataclass(frozen=True, slots=True)
class ExternalCodeInput(Form):
    """A code that another system gave the same thing, e.g. scheme 浙农码."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Form):
    """A lot that is made here."""

    product_id: UUID
    quantity: Entered
    produced_on: date
    lot_number: str | None = None
    expires_on: date | None = None
    external_codes: tuple[ExternalCodeInput, ...] = ()

    def __post_init__(self) -> None:
        _days(self.produced_on, self.expires_on)
        short(self.lot_number, "lot_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideItem(Form):
    """Goods from outside the system, as their paper names them."""

    product_id: UUID
    quantity: Entered
    lot_number: str | None = None
    produced_on: date | None = None
    expires_on: date | None = None

    def __post_init__(self) -> None:
        _days(self.produced_on, self.expires_on)
        short(self.lot_number, "lot_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Form):
    """Some of a custody."""

    custody_id: UUID
    quantity: Entered


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUsed(Form):
    """A pesticide, veterinary drug or feed used on the harvest (农药、兽药、饲料), with its withdrawal date."""

    kind: Literal["pesticide", "veterinary", "feed"]
    name: str
    used_on: date
    code: str | None = None
    withdrawal_until: date | None = None

    def __post_init__(self) -> None:
        _days(self.used_on, self.withdrawal_until, "withdrawal_until 早于 used_on · withdrawal_until before used_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside(Form):
    """What the paper says of a source or a receiver outside the system."""

    name: str
    contact: str | None = None
    address: str | None = None
    document_ids: tuple[UUID, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("名称不能为空 · name must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine(Form):
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
class Reading(Form):
    """What a sensor measured: type "temperature", value "-18.2", unit "℃", at a moment of the sensor's clock."""

    type: str
    value: str
    unit: str
    time: datetime

    def __post_init__(self) -> None:
        if not self.type.strip() or len(self.type) > KIND:
            raise ValueError(f"type 须有 1–{KIND} 字 · type takes 1 to {KIND} characters")
        if len(self.unit) > KIND:
            raise ValueError(f"unit 超过 {KIND} 字 · unit is longer than {KIND} characters")
        if not _NUMBER.fullmatch(self.value):
            raise ValueError("value 须为十进制数 · value is a decimal number, such as -18.2")
        if self.time.tzinfo is None or not EARLIEST <= self.time.year <= LATEST:
            raise ValueError("time 须带时区 · time needs an offset, such as 2026-03-01T06:30:00+08:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Form):
    """As Entered, and zero where nothing is left."""

    value: str
    unit: str

    def __post_init__(self) -> None:
        _well_formed(self.quantity)

    def quantity(self) -> Quantity:
        return parse_quantity(self.value, self.unit, allow_zero=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountItem(Form):
    custody_id: UUID
    quantity: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipPart(Form):
    """Some of what is on a slip; `custody_id` is the sender's, as the slip names it."""

    custody_id: UUID
    quantity: Entered


def _well_formed(quantity: Callable[[], Quantity]) -> None:
    try:
        quantity()
    except QuantityError as error:
        raise ValueError(f"{error.detail_zh} · {error.detail}") from None


def _days(
    first: date | None, last: date | None, order: str = "expires_on 早于 produced_on · expires_on before produced_on"
) -> None:
    for day in (first, last):
        if day is not None and not EARLIEST <= day.year <= LATEST:
            raise ValueError(f"日期须在 {EARLIEST}–{LATEST} 年 · a date lies outside the years {EARLIEST} to {LATEST}")
    if first and last and last < first:
        raise ValueError(order)


def short(text: str | None, name: str) -> None:
    """No longer than a name may be."""
    if text is not None and len(text) > NAME:
        raise ValueError(f"{name} 超过 {NAME} 字 · {name} is longer than {NAME} characters")


def some(items: tuple[Any, ...], name: str) -> None:
    """At least one, and not more than any form has need of."""
    if not 1 <= len(items) <= ITEMS:
        raise ValueError(f"{name} 须有 1–{ITEMS} 项 · {name} takes 1 to {ITEMS} items")


def lots_once(outputs: tuple[Output, ...]) -> None:
    """No lot number twice for one product."""
    numbered = [(output.product_id, (output.lot_number or "").strip()) for output in outputs]
    once([key for key in numbered if key[1]], "outputs")


def once(keys: list[Any], name: str) -> None:
    """Nothing is named twice."""
    if len(set(keys)) != len(keys):
        raise ValueError(f"{name} 有重复项 · {name} name the same thing twice")
