"""Units that a query converts between."""

from fractions import Fraction

import pytest

from app.domain.epcis.units import in_base


@pytest.mark.parametrize(
    ("amount", "unit", "same", "other"),
    [
        ("0", "CEL", "273.15", "KEL"),
        ("-40", "CEL", "-40", "FAH"),
        ("25", "CEL", "77", "FAH"),
        ("1", "LBR", "453.59237", "GRM"),
        ("16", "ONZ", "1", "LBR"),
        ("1", "STN", "2000", "LBR"),
        ("480", "GRN", "1", "APZ"),
        ("1", "TNE", "10", "DTN"),
        ("1", "INH", "25.4", "MMT"),
        ("1", "SMI", "1760", "YRD"),
        ("1", "HAR", "10000", "MTK"),
        ("1", "FTK", "144", "INK"),
        ("1", "FTQ", "1728", "INQ"),
        ("1", "YDQ", "27", "FTQ"),
        ("1", "FTQ", "28.316846592", "LTR"),
        ("1", "GLL", "231", "INQ"),
        ("1", "GLI", "8", "PTI"),
        ("1", "GLL", "128", "OZA"),
        ("1", "MTQ", "1000000", "CMQ"),
        ("1", "DAY", "1440", "MIN"),
        ("36", "KMH", "10", "MTS"),
        ("1", "KNT", "1.852", "KMH"),
        ("1", "BAR", "1000", "MBR"),
        ("1", "ATM", "1013.25", "A97"),
        ("1", "KWH", "3600", "KJO"),
        ("50", "P1", "0.5", "C62"),
        ("2", "DZN", "24", "H87"),
    ],
)
def test_amounts_that_are_the_same_are_the_same(amount: str, unit: str, same: str, other: str) -> None:
    assert in_base(Fraction(amount), unit) == in_base(Fraction(same), other)


def test_a_difference_has_no_zero() -> None:
    assert in_base(Fraction(5), "CEL", difference=True) == in_base(Fraction(9), "FAH", difference=True)


def test_a_unit_that_is_not_known_measures_itself() -> None:
    assert in_base(Fraction(3), "XBX") == ("XBX", Fraction(3))
    assert in_base(Fraction(3), "XBX") != in_base(Fraction(3), "XPK")
    assert in_base(Fraction(1), "KGM")[0] != in_base(Fraction(1), "LTR")[0]
