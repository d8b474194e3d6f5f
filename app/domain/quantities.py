"""Quantities: whole grams or whole pieces, beside what was entered.

1 斤 = 500 g, 1 两 = 50 g, 1 公斤 = 1 kg. Whatever falls between two grams or two pieces is rounded half to even
(IEEE 754 roundTiesToEven), once, from the exact value.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, Literal

Measure = Literal["weight", "count"]

MAX_AMOUNT: Final = 10**12
"""Grams (a million tonnes) or pieces in one quantity; more is a slip of the keyboard."""

# Grams in one unit; None for words that count single pieces. Packages (箱, 袋, 盒) hold any number and are no units.
_UNITS: Final[dict[str, int | None]] = (
    dict.fromkeys(("g", "克"), 1)
    | dict.fromkeys(("kg", "公斤", "千克"), 1000)
    | dict.fromkeys(("斤", "市斤"), 500)
    | {"两": 50}
    | dict.fromkeys(("t", "吨"), 1_000_000)
    | dict.fromkeys(("pcs", "pc", "个", "只", "枚", "头", "条", "件"), None)
)
# UN/ECE Recommendation 20, as EPCIS carries it; the pound avoirdupois is exactly 453.59237 g, 16 ounces to it.
_UOM_GRAMS: Final = {
    "GRM": Fraction(1),
    "KGM": Fraction(1000),
    "TNE": Fraction(1_000_000),
    "LBR": Fraction(45_359_237, 100_000),
    "ONZ": Fraction(45_359_237, 1_600_000),
}
_UOM_PIECES: Final = (None, "H87", "EA")
_NUMBER = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?", re.ASCII)


class QuantityError(ValueError):
    """A quantity that cannot be taken. `slug`: invalid-quantity, negative-quantity, absurd-quantity, unknown-unit,
    wrong-measure; `detail` (English) and `detail_zh` say why."""

    def __init__(self, slug: str, detail: str, detail_zh: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.detail_zh = detail_zh


@dataclass(frozen=True, slots=True)
class Quantity:
    """As entered (`value`, `unit`) and as counted: exactly one of `grams` and `pieces` is an integer."""

    value: str
    unit: str
    grams: int | None
    pieces: int | None

    def amount(self, measure: Measure) -> int:
        """Grams for "weight", pieces for "count"; QuantityError wrong-measure where that is not what was entered."""
        amount = self.grams if measure == "weight" else self.pieces
        if amount is None:
            raise _wrong_measure(self.unit, measure)
        return amount


def known_units() -> tuple[str, ...]:
    """The units that parse_quantity takes."""
    return tuple(_UNITS)


def parse_quantity(value: str, unit: str, *, allow_zero: bool = False) -> Quantity:
    """Digits with an optional decimal point, at most 15 + 9 of them: no sign, exponent or thousands mark. A weight is
    rounded half to even to grams; pieces must be whole. Zero, or a weight that rounds to it, only with `allow_zero`.
    `unit` is taken in any case. Raises QuantityError."""
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise QuantityError(
            "invalid-quantity",
            f"{value[:40]!r} is not a plain decimal number such as 1.5 (at most 15 digits, 9 decimals)",
            f"“{value[:40]}”不是普通小数，应如 1.5（整数不超过15位，小数不超过9位）",
        )
    try:
        grams = _UNITS[unit if unit in _UNITS else unit.lower()]
    except KeyError:
        known = " ".join(_UNITS)
        raise QuantityError(
            "unknown-unit",
            f"unknown unit {unit[:20]!r}; known units: {known}",
            f"未知单位“{unit[:20]}”，可用单位：{known}",
        ) from None
    sign, whole, decimals = match.groups(default="")
    if sign:
        raise _negative(value)
    scale = 10 ** len(decimals)
    scaled = int(whole + decimals)
    if grams is None and scaled % scale:
        raise _fractional(value)
    amount = _half_even(scaled * (grams or 1), scale)
    _refuse_absurd(amount, value)
    if amount == 0 and not allow_zero:
        raise QuantityError(
            "invalid-quantity",
            f"{value} {unit} is nothing" if scaled == 0 else f"{value} {unit} rounds to 0 g",
            f"数量不能为零：{value}{unit}" if scaled == 0 else f"{value}{unit} 舍入后为0克",
        )
    return Quantity(value, unit, None, amount) if grams is None else Quantity(value, unit, amount, None)


def from_grams(grams: int) -> Quantity:
    """A computed weight; may be negative, as a remainder is."""
    return Quantity(str(grams), "g", grams, None)


def from_pieces(pieces: int) -> Quantity:
    """A computed count; may be negative, as a remainder is."""
    return Quantity(str(pieces), "pcs", None, pieces)


def shown(amount: int, measure: Measure, grams_per_piece: int | None) -> dict[str, Any]:
    """A computed amount, in grams or pieces by the measure, as answers show it: value, unit, grams, pieces."""
    if measure == "weight":
        kilograms = f"{amount / 1000:f}".rstrip("0").rstrip(".")
        return {"value": kilograms, "unit": "kg", "grams": amount, "pieces": None}
    grams = amount * grams_per_piece if grams_per_piece else None
    return {"value": str(amount), "unit": "pcs", "grams": grams, "pieces": amount}


def convert(quantity: Quantity, measure: Measure, grams_per_piece: int | None) -> int:
    """The amount in the product's own measure: grams for "weight", pieces for "count". The other measure is taken where
    the product has `grams_per_piece` (> 0), weights then rounded half to even to pieces (0 under half a piece).
    Raises QuantityError wrong-measure, absurd-quantity."""
    own, other = (quantity.grams, quantity.pieces) if measure == "weight" else (quantity.pieces, quantity.grams)
    if own is not None:
        return own
    if other is None or grams_per_piece is None or grams_per_piece < 1:
        raise _wrong_measure(quantity.unit, measure)
    amount = other * grams_per_piece if measure == "weight" else _half_even(other, grams_per_piece)
    _refuse_absurd(amount, quantity.value)
    return amount


def from_uom(quantity: float | Decimal, uom: str | None) -> tuple[int | None, int | None]:
    """(grams, pieces) of an EPCIS quantity element; `uom` by UN/ECE Recommendation 20. KGM, GRM, TNE, LBR, ONZ are
    weights; H87, EA and none at all count pieces, which must be whole; (None, None) for any other unit.
    Raises QuantityError for what is not finite, negative, absurd or a fraction of a piece."""
    number = quantity if isinstance(quantity, Decimal) else Decimal(repr(quantity))
    if not number.is_finite():
        raise QuantityError("invalid-quantity", f"{number} is not a number", f"“{number}”不是数字")
    return _from_uom(number, uom)


@lru_cache(maxsize=4_096)
def _from_uom(number: Decimal, uom: str | None) -> tuple[int | None, int | None]:
    shown = str(number)[:40]
    if number < 0:
        raise _negative(shown)
    grams = _UOM_GRAMS.get(uom or "")
    if grams is None and uom not in _UOM_PIECES:
        return None, None
    # Before an exact fraction is built: 1E+999999 and 1E-999999 would have a million digits.
    number = number or Decimal()
    if number.adjusted() > 15:
        raise _absurd(shown)
    exact = Fraction(number) if number.adjusted() > -16 else Fraction(1, 10**16)
    if grams is not None:
        amount = round(exact * grams)
        _refuse_absurd(amount, shown)
        return amount, None
    if exact.denominator != 1:
        raise _fractional(shown)
    _refuse_absurd(exact.numerator, shown)
    return None, exact.numerator


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _refuse_absurd(amount: int, value: str) -> None:
    if amount > MAX_AMOUNT:
        raise _absurd(value)


def _absurd(value: str) -> QuantityError:
    return QuantityError(
        "absurd-quantity",
        f"{value} is more than {MAX_AMOUNT} grams or pieces",
        f"{value} 超过上限（{MAX_AMOUNT} 克或件）",
    )


def _negative(value: str) -> QuantityError:
    return QuantityError("negative-quantity", f"{value} is negative", f"数量不能为负：{value}")


def _fractional(value: str) -> QuantityError:
    return QuantityError("invalid-quantity", f"{value} is not a whole number of pieces", f"件数须为整数：{value}")


def _wrong_measure(unit: str, measure: Measure) -> QuantityError:
    english, chinese = ("weight", "重量") if measure == "weight" else ("count", "件数")
    return QuantityError(
        "wrong-measure",
        f"this product is measured by {english}, and {unit!r} is not; give its grams per piece to convert",
        f"该商品按{chinese}计量，“{unit}”不适用；如需换算请登记每件克数",
    )
