from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.quantities import (
    MAX_AMOUNT,
    Quantity,
    QuantityError,
    convert,
    from_grams,
    from_pieces,
    from_uom,
    known_units,
    parse_quantity,
)

GRAMS = {
    "g": 1,
    "克": 1,
    "kg": 1000,
    "公斤": 1000,
    "千克": 1000,
    "斤": 500,
    "市斤": 500,
    "两": 50,
    "t": 10**6,
    "吨": 10**6,
}


@pytest.mark.parametrize(
    ("value", "unit", "grams", "pieces"),
    [
        ("1.5", "斤", 750, None),
        ("3", "两", 150, None),
        ("0.25", "公斤", 250, None),
        ("1.0005", "kg", 1000, None),
        ("1.0015", "kg", 1002, None),
        ("0.5", "g", 0, None),
        ("1.5", "g", 2, None),
        ("2.5", "克", 2, None),
        ("2.500000001", "克", 3, None),
        ("1", "吨", 1_000_000, None),
        ("2", "KG", 2000, None),
        ("12", "pcs", None, 12),
        ("12.00", "个", None, 12),
        ("007", "只", None, 7),
        ("0", "斤", 0, None),
        ("0", "PCS", None, 0),
    ],
)
def test_what_is_entered_becomes_whole_grams_or_pieces(
    value: str, unit: str, grams: int | None, pieces: int | None
) -> None:
    assert parse_quantity(value, unit, allow_zero=True) == Quantity(value, unit, grams, pieces)


@given(st.decimals(0, 10**5, places=9, allow_nan=False), st.sampled_from(sorted(GRAMS)))
def test_rounding_is_half_even_of_the_exact_value(number: Decimal, unit: str) -> None:
    quantity = parse_quantity(f"{number:f}", unit, allow_zero=True)
    with localcontext() as context:
        context.prec = 60
        assert quantity.grams == int((number * GRAMS[unit]).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert quantity.pieces is None


@given(st.integers(1, MAX_AMOUNT))
def test_amounts_read_back(amount: int) -> None:
    assert parse_quantity(str(amount), "g") == from_grams(amount)
    assert parse_quantity(str(amount), "pcs") == from_pieces(amount)


@pytest.mark.parametrize(
    ("value", "unit", "slug"),
    [
        ("-1", "kg", "negative-quantity"),
        ("-0.5", "个", "negative-quantity"),
        ("0", "kg", "invalid-quantity"),
        ("0.0001", "斤", "invalid-quantity"),
        ("0", "个", "invalid-quantity"),
        ("1.5", "个", "invalid-quantity"),
        ("", "kg", "invalid-quantity"),
        ("nan", "kg", "invalid-quantity"),
        ("NaN", "kg", "invalid-quantity"),
        ("inf", "kg", "invalid-quantity"),
        ("-Infinity", "kg", "invalid-quantity"),
        ("1e3", "kg", "invalid-quantity"),
        ("1E+999999999", "kg", "invalid-quantity"),
        ("1_000", "kg", "invalid-quantity"),
        ("1,5", "kg", "invalid-quantity"),
        ("+1", "kg", "invalid-quantity"),
        ("1.", "kg", "invalid-quantity"),
        (".5", "kg", "invalid-quantity"),
        (" 1", "kg", "invalid-quantity"),
        ("1\n", "kg", "invalid-quantity"),
        ("１", "kg", "invalid-quantity"),
        ("٣", "kg", "invalid-quantity"),
        ("0x10", "g", "invalid-quantity"),
        ("9" * 16, "g", "invalid-quantity"),
        ("0.1234567891", "kg", "invalid-quantity"),
        ("1000000000.001", "kg", "absurd-quantity"),
        ("1000000000001", "pcs", "absurd-quantity"),
        ("999999999999999", "吨", "absurd-quantity"),
        ("1", "箱", "unknown-unit"),
        ("1", "", "unknown-unit"),
        ("1", "stone", "unknown-unit"),
    ],
)
def test_what_is_no_quantity_is_refused_with_its_reason(value: str, unit: str, slug: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(value, unit)
    error = caught.value
    assert error.slug == slug
    assert str(error) == error.detail
    assert any("一" <= char <= "鿿" for char in error.detail_zh)
    if slug == "unknown-unit":
        assert all(known in error.detail and known in error.detail_zh for known in known_units())
    elif value.isprintable() and len(value) <= 40:
        assert value in error.detail


@given(st.text(max_size=50), st.text(max_size=5))
def test_no_text_breaks_the_reader(value: str, unit: str) -> None:
    try:
        quantity = parse_quantity(value, unit)
    except QuantityError:
        return
    assert (quantity.value, quantity.unit) == (value, unit)
    assert (quantity.grams is None) != (quantity.pieces is None)


def test_the_limit_itself_is_taken() -> None:
    assert parse_quantity("1000000", "t").grams == MAX_AMOUNT


def test_computed_amounts_may_be_negative() -> None:
    assert from_grams(-5) == Quantity("-5", "g", -5, None)
    assert from_pieces(-5) == Quantity("-5", "pcs", None, -5)


def test_amount_is_of_its_own_measure_only() -> None:
    assert from_grams(750).amount("weight") == 750
    assert from_pieces(3).amount("count") == 3
    with pytest.raises(QuantityError) as caught:
        from_grams(750).amount("count")
    assert (caught.value.slug, caught.value.detail_zh) == (
        "wrong-measure",
        "该商品按件数计量，“g”不适用；如需换算请登记每件克数",
    )
    with pytest.raises(QuantityError, match="measured by weight"):
        from_pieces(3).amount("weight")


@pytest.mark.parametrize(
    ("quantity", "measure", "grams_per_piece", "amount"),
    [
        (from_grams(750), "weight", None, 750),
        (from_pieces(3), "count", None, 3),
        (from_pieces(3), "weight", 60, 180),
        (from_grams(180), "count", 60, 3),
        (from_grams(90), "count", 60, 2),
        (from_grams(150), "count", 60, 2),
        (from_grams(151), "count", 60, 3),
        (from_grams(149), "count", 60, 2),
        (from_grams(30), "count", 60, 0),
        (from_grams(-90), "count", 60, -2),
        (from_grams(0), "count", 60, 0),
    ],
)
def test_conversion_into_the_products_measure(
    quantity: Quantity, measure: Any, grams_per_piece: int | None, amount: int
) -> None:
    assert convert(quantity, measure, grams_per_piece) == amount


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_pieces_survive_the_way_through_grams(pieces: int, grams_per_piece: int) -> None:
    grams = convert(from_pieces(pieces), "weight", grams_per_piece)
    assert convert(from_grams(grams), "count", grams_per_piece) == pieces


@pytest.mark.parametrize(
    ("quantity", "measure", "grams_per_piece", "slug"),
    [
        (from_grams(750), "count", None, "wrong-measure"),
        (from_pieces(3), "weight", None, "wrong-measure"),
        (from_pieces(3), "weight", 0, "wrong-measure"),
        (from_grams(3), "count", -1, "wrong-measure"),
        (from_pieces(MAX_AMOUNT), "weight", 2, "absurd-quantity"),
        (Quantity("?", "?", None, None), "weight", 1, "wrong-measure"),
    ],
)
def test_conversions_that_cannot_be(quantity: Quantity, measure: Any, grams_per_piece: int | None, slug: str) -> None:
    with pytest.raises(QuantityError) as caught:
        convert(quantity, measure, grams_per_piece)
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    ("quantity", "uom", "expected"),
    [
        (1.5, "KGM", (1500, None)),
        (0.1, "KGM", (100, None)),
        (Decimal("0.0005"), "KGM", (0, None)),
        (Decimal("0.0015"), "KGM", (2, None)),
        (200.0, "GRM", (200, None)),
        (2, "TNE", (2_000_000, None)),
        (1, "LBR", (454, None)),
        (1000, "LBR", (453_592, None)),
        (16, "ONZ", (454, None)),
        (1e-300, "KGM", (0, None)),
        (Decimal("1E-999999"), "KGM", (0, None)),
        (Decimal("0E+999999"), "KGM", (0, None)),
        (-0.0, "KGM", (0, None)),
        (12.0, "H87", (None, 12)),
        (Decimal("1E+2"), "EA", (None, 100)),
        (7, None, (None, 7)),
        (0, None, (None, 0)),
        (3.2, "LTR", (None, None)),
        (3.2, "", (None, None)),
        (3.2, "kgm", (None, None)),
    ],
)
def test_epcis_quantities(quantity: float | Decimal, uom: str | None, expected: tuple[int | None, int | None]) -> None:
    assert from_uom(quantity, uom) == expected


@pytest.mark.parametrize(
    ("quantity", "uom", "slug"),
    [
        (float("nan"), "KGM", "invalid-quantity"),
        (float("inf"), "LTR", "invalid-quantity"),
        (Decimal("sNaN"), None, "invalid-quantity"),
        (-1.0, "KGM", "negative-quantity"),
        (1.5, None, "invalid-quantity"),
        (1e-300, "H87", "invalid-quantity"),
        (Decimal("1E-999999"), "EA", "invalid-quantity"),
        (1e300, "KGM", "absurd-quantity"),
        (Decimal("1E+999999"), "EA", "absurd-quantity"),
        (10**10, "KGM", "absurd-quantity"),
        (10**13, None, "absurd-quantity"),
    ],
)
def test_epcis_quantities_that_are_none(quantity: float | Decimal, uom: str | None, slug: str) -> None:
    with pytest.raises(QuantityError) as caught:
        from_uom(quantity, uom)
    assert caught.value.slug == slug


@given(st.floats(0, 10**9))
def test_epcis_kilograms_are_rounded_from_the_written_decimal(number: float) -> None:
    with localcontext() as context:
        context.prec = 60
        expected = int((Decimal(repr(number)) * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert from_uom(number, "KGM") == (expected, None)
