"""Verdicts of tests; a rapid one is presumptive until a laboratory confirms it (Food Safety Law §88, §112)."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from app.domain.errors import Invalid

# Inhibition of cholinesterase in per cent from which a method counts pesticide residue as positive.
THRESHOLDS: Mapping[str, Decimal] = {
    "GB/T 5009.199": Decimal(50),
    "NY/T 448": Decimal(70),
}
_NEGATIVE = ("阴性", "未检出", "合格", "negative", "not detected", "nd", "pass", "-")
_POSITIVE = ("阳性", "检出", "不合格", "positive", "detected", "fail", "+")

# How long a rapid failure may be contested from when it was told; the retest may not be a rapid one (§88).
OBJECTION = timedelta(hours=4)

Verdict = Literal["pass", "fail"]


def verdict(method: str | None, value: str | None, unit: str | None, limit: str | None) -> Verdict:
    """pass or fail from a qualitative word, a value against its limit, or a value against the method's threshold.

    An inhibition fails from its threshold on ("≥"), a content above its limit (">"); slightly negative inhibitions are
    normal. Raises Invalid where nothing can be computed.
    """
    word = (value or "").strip().lower()
    if word in _NEGATIVE:
        return "pass"
    if word in _POSITIVE:
        return "fail"
    number = _number(value)
    if number is not None and limit is not None:
        bound = _number(limit.lstrip("<≤= "))
        if bound is not None:
            inhibition = "%" in (unit or "")
            return "fail" if number > bound or (inhibition and number == bound) else "pass"
    if number is not None and method is not None:
        for name, threshold in THRESHOLDS.items():
            if method.upper().replace(" ", "").startswith(name.replace(" ", "")):
                return "fail" if number >= threshold else "pass"
    raise Invalid(
        "no-verdict",
        "无法判定：请给出 verdict，或 value 与 limit，或已知方法 · no verdict can be computed: give verdict, "
        "value and limit, or a known method",
        pointer="/verdict",
    )


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal((text or "").strip().rstrip("%").strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
