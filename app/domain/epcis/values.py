"""Times and numbers as EPCIS 2.0 documents write them."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FRACTION = re.compile(r"(-?\d+)\.(\d+)", re.ASCII)
# Beyond this many digits a number is nobody's quantity, and writing it out would cost memory.
_MAX_EXPONENT = 400


@lru_cache(maxsize=4_096)
def parse_time(text: str) -> datetime | None:
    """An xsd:dateTimeStamp (offset required) as an aware datetime in UTC, rounded half up to milliseconds.

    None when `text` is no such time, or lies outside the years 1 to 9999.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    zone = match[8].upper()
    offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    # CBV 2.0 event hash: the fourth decimal decides, 5 to 9 rounds up.
    digits = (match[7] or "").ljust(4, "0")
    milliseconds = int(digits[:3]) + (digits[3] >= "5")
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone(-offset if zone[0] == "-" else offset))
        return local.astimezone(UTC) + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4_096)
def canonical_time(text: str) -> str:
    """`text` in UTC with milliseconds and `Z`; text that is no time comes back as it is."""
    time = parse_time(text)
    if time is None:
        return text
    return f"{time.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


# Characters of a number with a point: 15 digits survive in a float (IEEE 754 binary64), whichever they are.
_SURE = 16


def canonical_number(value: int | float | Decimal) -> str:
    """`value` in plain decimal notation without trailing zeros: 1000.0 → `1000`, 0.30 → `0.3`."""
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        return str(number)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def exact_number(text: str) -> float | Decimal:
    """A JSON number with a fraction or exponent: a float where that loses none of its digits, else a Decimal."""
    if len(text) <= _SURE and "e" not in text and "E" not in text:
        return float(text)
    number, exact = float(text), Decimal(text)
    return number if math.isfinite(number) and Decimal(repr(number)) == exact else exact


def printable(text: str) -> str:
    """`text` with U+FFFD for each control, direction-changing or other invisible character and half surrogate pair."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


def canonical_text(text: str) -> str:
    """A plain text value: surrounding blanks gone, times in UTC, trailing zeros after a decimal point gone.

    XML carries no types, so `"23.0"` written as text and 23.0 written as a number have to come out alike.
    """
    text = text.strip()
    if fraction := _FRACTION.fullmatch(text):
        rest = fraction[2].rstrip("0")
        return f"{fraction[1]}.{rest}" if rest else fraction[1]
    return canonical_time(text)
