from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.domain.epcis.values import canonical_number, canonical_text, canonical_time, exact_number, parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-02-15T01:33:31.116000-06:00", "2022-02-15T07:33:31.116Z"),
        ("2023-02-02T11:04:03.1415Z", "2023-02-02T11:04:03.142Z"),
        ("2023-02-02T11:04:03.1414999Z", "2023-02-02T11:04:03.141Z"),
        ("2023-12-31T23:59:59.9995Z", "2024-01-01T00:00:00.000Z"),
        ("2023-02-02t11:04:03z", "2023-02-02T11:04:03.000Z"),
        ("0099-02-02T11:04:03Z", "0099-02-02T11:04:03.000Z"),
        ("2023-02-30T11:04:03Z", "2023-02-30T11:04:03Z"),
        ("2023-02-02T11:04:03", "2023-02-02T11:04:03"),
        ("2023-02-02T11:04:03+99:00", "2023-02-02T11:04:03+99:00"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.9999Z"),
        ("today", "today"),
    ],
)
def test_times_are_utc_milliseconds(text: str, expected: str) -> None:
    assert canonical_time(text) == expected


def test_parsed_times_carry_utc() -> None:
    assert parse_time("2021-12-01T11:09:40.7930000+00:00") == datetime(2021, 12, 1, 11, 9, 40, 793000, UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1000.0, "1000"),
        (0.30, "0.3"),
        (26, "26"),
        (-0.0, "0"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (Decimal("23.500"), "23.5"),
        (Decimal("1e999999999"), "1E+999999999"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_numbers_are_plain_decimals(value: float | Decimal, expected: str) -> None:
    assert canonical_number(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [(" 23.0 ", "23"), ("-2.50", "-2.5"), ("0010", "0010"), ("1.2.3", "1.2.3"), ("a", "a")]
)
def test_text_values(text: str, expected: str) -> None:
    assert canonical_text(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1000.0", float), ("0.1", float), ("1e-7", float), ("-0.0", float), ("1E22", float), ("5e-324", float),
        ("0.12345678901234567890123", Decimal), ("1e400", Decimal), ("1e-400", Decimal),
        ("123456789012345678.5", Decimal),
    ],
)  # fmt: skip
def test_numbers_lose_no_digit(text: str, kind: type) -> None:
    number = exact_number(text)
    assert type(number) is kind
    assert Decimal(str(number)) == Decimal(text)
