"""docs/codes.md: the lengths of codes and how long guessing takes, worked out from what the program does."""

import re
from pathlib import Path

import pytest

from app.domain import codes
from app.domain.codes import CodeKind
from app.scanning.stands import SLIP_DIGITS
from app.settings import Settings

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "codes.md").read_text("utf-8")
YEAR = 60 * 60 * 24 * 365.25
FULL = 20_000  # requests a second of a whole service
TIMES = re.compile(r"([\d.,]+)(?: × 10([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
RECEIPT = codes.receipt_code(b"x" * 32, codes.receipt_id(1, 1, 1))
UNIT = codes.unit_code(b"x" * 32, 1, 1)


def numbers(cell: str) -> list[float]:
    return [
        float(digits.replace(",", "")) * 10.0 ** int((raised or "0").translate(RAISED))
        for digits, raised in TIMES.findall(cell)
    ]


def bits(name: str) -> int:
    """Of what has to be guessed, by what the code consists of."""
    minted = codes.mint(CodeKind.SITE)
    known = {"80": len(minted) - 2, "40": len(RECEIPT) - 2 - 13, "64": len(UNIT) - 2 - 12}
    return known[name] * 5


@pytest.mark.parametrize(
    ("row", "tries"),
    [
        ("any of a billion codes", 2.0**80 / 1e9),
        ("a given one", 2.0**80),
        ("any receipt", 2.0**40),
        ("any unit", 2.0**64),
    ],
)
def test_the_table_of_guessing(row: str, tries: float) -> None:
    [line] = [line for line in TEXT.splitlines() if row in line]
    *_, cell, one_address, no_limit, _ = line.split("|")
    a_second = Settings.model_fields["wrong_codes_per_minute"].default / 60
    for told, right in ((cell, tries), (one_address, tries / a_second / YEAR), (no_limit, tries / FULL / YEAR)):
        assert numbers(told) == [pytest.approx(right, rel=0.05)], (row, told, right)


def test_what_the_figures_stand_on() -> None:
    assert (bits("80"), bits("40")) == (80, 40)
    assert 64 <= bits("64") <= 65, "the letters of a unit's MAC hold one bit of its number"
    assert [len(codes.mint(CodeKind.SITE)), len(RECEIPT), len(UNIT)] == [
        int(length) for length in re.findall(r"^\| `[A-Z].*\| (\d+) \|", TEXT, re.MULTILINE)
    ]
    assert "末六个字符（30 位），其余 50 位仍要试 1.1 × 10¹⁵ 次" in TEXT
    shown = SLIP_DIGITS * 5
    assert (shown, bits("80") - shown) == (30, 50)
    tries = 2.0**50
    assert tries == pytest.approx(1.1e15, rel=0.05)


def test_a_suggestion_tries_no_more_codes_than_are_told() -> None:
    typed = "R" + "O0I1L" * 4 + "00"
    assert 0 < len(codes.suggestions(typed)) <= 20
    assert "20 个相近的编码" in TEXT
    years = 2.0**40 / 20 / YEAR
    assert years == pytest.approx(1_700, rel=0.05)
