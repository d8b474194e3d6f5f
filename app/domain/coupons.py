"""The offers inside of North American coupons, as application identifiers 8110 and 8112 carry them: digits, of which
some tell how many of them follow.

Source: GS1 US, North American Coupon Application Guideline Using GS1 DataBar Expanded Symbols (8110), and GS1 AI (8112)
Coupon Data Specification.
"""

import re
from collections.abc import Iterable


def _counted(indicators: Iterable[int], more: int = 0) -> str:
    """An indicator, and so many digits behind it, and `more`."""
    return f"(?:{'|'.join(f'{number}[0-9]{{{number + more}}}' for number in indicators)})"


_PREFIX = _counted(range(7), 6)  # a company prefix of 6 to 12 digits
_OFFER = "[0-9]{6}"
_SERIAL = _counted(range(10), 6)
_AMOUNT = _counted(range(1, 6))  # a value to save, or how much is to be bought
_PURCHASE = f"{_AMOUNT}[0-49][0-9]{{3}}"  # how much, of what kind, of which family
_OTHERS = f"(?:{_PREFIX}|9)"  # whose the second and the third purchase are; 9: the same as the first

_COUPON = re.compile(
    f"{_PREFIX}{_OFFER}{_AMOUNT}{_PURCHASE}"
    f"(?:1[0-3]{_PURCHASE}{_OTHERS})?"  # rules, and a second purchase
    f"(?:2{_PURCHASE}{_OTHERS})?"  # a third
    "(?:3(?P<expires>[0-9]{6}))?"
    "(?:4(?P<starts>[0-9]{6}))?"
    f"(?:5{_SERIAL})?"
    f"(?:6{_counted(range(1, 8), 6)})?"  # the prefix or the location of a retailer
    "(?:9[01256][0-2][0-9][01])?",  # what is saved, of which purchase; whether of one shop, and not to be multiplied
    re.ASCII,
)
_PAPERLESS = re.compile(f"[01]{_PREFIX}{_OFFER}{_SERIAL}", re.ASCII)


def coupon_dates(text: str) -> tuple[str | None, str | None] | None:
    """When a coupon (8110) starts and expires, each YYMMDD where it says so; None for what is no coupon."""
    match = _COUPON.fullmatch(text)
    return None if match is None else (match["starts"], match["expires"])


def is_paperless(text: str) -> bool:
    """Whether it is a coupon of a positive offer file (8112)."""
    return _PAPERLESS.fullmatch(text) is not None
