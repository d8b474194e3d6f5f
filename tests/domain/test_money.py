"""Money in fen, and the price that gives an amount."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import unit_price, yuan


@pytest.mark.parametrize(
    ("fen", "said"),
    [(0, "0.00"), (5, "0.05"), (1234, "12.34"), (-5, "-0.05"), (-12345, "-123.45"), (10**13, f"{10**11}.00")],
)
def test_yuan_have_two_decimals(fen: int, said: str) -> None:
    assert yuan(fen) == said


@pytest.mark.parametrize(
    ("amount", "units", "price"),
    [
        (900, "1.5", 600),
        (3690, "0.82", 4500),
        (1000, "3", None),  # 3.33 a piece would be 9.99
        (333, "0.5", 666),
        (100, "0.0", None),
        (0, "2", 0),
        (-900, "1.5", -600),
    ],
)
def test_the_price_is_that_which_gives_the_amount(amount: int, units: str, price: int | None) -> None:
    assert unit_price(amount, units) == price


@given(price=st.integers(1, 100_000), grams=st.integers(1, 2_000))
def test_a_scales_amount_leads_back_to_a_price_that_gives_it(price: int, grams: int) -> None:
    kilograms = f"{grams / 1000:.3f}"
    amount = round(price * Fraction(kilograms))
    found = unit_price(amount, kilograms)
    assert found is None or round(found * Fraction(kilograms)) == amount
    if grams <= 1000:  # below one unit every amount has a price
        assert found is not None
