"""Verdicts of tests: words, values against limits, inhibitions against the threshold of the method."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import testing
from app.domain.errors import Invalid


@pytest.mark.parametrize(
    ("method", "value", "unit", "limit", "expected"),
    [
        (None, "阴性", None, None, "pass"),
        (None, " Negative ", None, None, "pass"),
        (None, "未检出", "mg/kg", "0.1", "pass"),
        (None, "阳性", None, None, "fail"),
        (None, "DETECTED", None, None, "fail"),
        # GB/T 5009.199 from 50 %, NY/T 448 from 70 %; a threshold belongs to the method.
        ("GB/T 5009.199", "49.9", "%", None, "pass"),
        ("GB/T 5009.199-2003", "50", "%", None, "fail"),
        ("gb/t5009.199", "50%", None, None, "fail"),
        ("NY/T 448", "69.9 %", "%", None, "pass"),
        ("NY/T 448-2001", "70", "%", None, "fail"),
        # Slightly negative inhibitions are normal.
        ("NY/T 448", "-3.2", "%", None, "pass"),
        # A content fails above its limit, an inhibition from it on.
        (None, "0.1", "mg/kg", "0.1", "pass"),
        (None, "0.11", "mg/kg", "≤0.1", "fail"),
        (None, "0.05", "mg/kg", "<= 0.1", "pass"),
        (None, "50", "%", "50", "fail"),
        (None, "49", "抑制率%", "<50", "pass"),
        ("GB/T 5009.199", "60", "%", "70", "pass"),
        ("GB/T 5009.199", "60", "%", "see method", "fail"),
        (None, "1e999999", None, "5", "fail"),
    ],
)
def test_a_verdict(method: str | None, value: str | None, unit: str | None, limit: str | None, expected: str) -> None:
    assert testing.verdict(method, value, unit, limit) == expected


@pytest.mark.parametrize(
    ("method", "value", "limit"),
    [
        (None, None, None),
        (None, "", None),
        (None, "12.5", None),
        ("ISO 1", "12.5", None),
        (None, "maybe", "5"),
        (None, "NaN", "5"),
        (None, "Infinity", "5"),
        (None, "5", "Infinity"),
        ("GB/T 5009.199", None, None),
    ],
)
def test_what_says_nothing_is_no_verdict(method: str | None, value: str | None, limit: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        testing.verdict(method, value, "%", limit)
    assert (refused.value.slug, refused.value.pointer) == ("no-verdict", "/verdict")


@given(st.decimals(-100, 200, places=3), st.decimals(0, 100, places=3), st.booleans())
def test_more_of_it_is_never_better(value: Decimal, limit: Decimal, inhibition: bool) -> None:
    unit = "%" if inhibition else "mg/kg"
    found = testing.verdict(None, str(value), unit, str(limit))
    assert found == ("fail" if value > limit or (inhibition and value == limit) else "pass")
    if found == "fail":
        assert testing.verdict(None, str(value + 1), unit, str(limit)) == "fail"
