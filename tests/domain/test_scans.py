"""What barcode scanners send, as element strings."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ai_checks import ALPHABET_82
from app.domain.digital_link import DigitalLink, NotDigitalLink
from app.domain.scans import scanned

GTIN, SSCC = "06901234567892", "069012340000000016"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"]C101{GTIN}10A1", [("01", GTIN), ("10", "A1")]),
        (f"]d201{GTIN}1726013110A1\x1d21S/9", [("01", GTIN), ("17", "260131"), ("10", "A1"), ("21", "S/9")]),
        (f"]Q3\x1d01{GTIN}\x1d\x1d10A1\x1d", [("01", GTIN), ("10", "A1")]),
        (f"]e001{GTIN}3103000195", [("01", GTIN), ("3103", "000195")]),
        (f"]J110A1^01{GTIN}", [("10", "A1"), ("01", GTIN)]),
        (f"01{GTIN}10A1{{GS}}21S", [("01", GTIN), ("10", "A1"), ("21", "S")]),
        (f"01{GTIN}10A1\u241d21S", [("01", GTIN), ("10", "A1"), ("21", "S")]),
        (f"00{SSCC}", [("00", SSCC)]),
        (f"]C100{SSCC}02{GTIN}3712", [("00", SSCC), ("02", GTIN), ("37", "12")]),
        ("]E06901234567892", [("01", GTIN)]),
        ("]I106901234567892", [("01", GTIN)]),
        ("]E469012341", [("01", "00000069012341")]),
        (f"]C1250X\x1d01{GTIN}", [("250", "X"), ("01", GTIN)]),  # the 21 that 250 needs is on another carrier
    ],
)
def test_element_strings(text: str, found: list[tuple[str, str]]) -> None:
    assert scanned(text) == found


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("", ""), ("BX-1", "BX-1"), ("]", "]"), ("]Q", "]Q"), ("]Q1https://x.example/c/BX1", "https://x.example/c/BX1"),
        ("]Q3HTTPS://x.example/01/1", "HTTPS://x.example/01/1"), ("]C0BX-1", "BX-1"), ("]E0123", "123"),
        ("01", "01"), ("0106901234567893", "0106901234567893"), ("00123", "00123"), ("6901234567892", "6901234567892"),
        ("02" + GTIN, "02" + GTIN), ("01０6901234567892", "01０6901234567892"),
    ],
)  # fmt: skip
def test_what_is_none(text: str, rest: str) -> None:
    assert scanned(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        "]C1", "]d2HELLO", f"]d201{GTIN[:-1]}3", f"]C101{GTIN}17261301", f"]C101{GTIN}17", f"01{GTIN}10",
        f"01{GTIN}89X", f"01{GTIN}10" + "x" * 21, f"]C101{GTIN}01{GTIN[:5]}", f"]C101{GTIN}21A\x1d235B",
        "]E06901234567893", "]C1\x1d",
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(NotDigitalLink):
        scanned(text)


_TEXT = st.text(st.sampled_from(ALPHABET_82), min_size=1, max_size=20)


@given(_TEXT, _TEXT, st.sampled_from(["]C1", "]d2", ""]))
def test_what_is_written_is_read_again(lot: str, serial: str, symbology: str) -> None:
    link = DigitalLink("01", GTIN, (("10", lot), ("21", serial)), (("17", "260131"),))
    sent = link.element_string[1:].replace("^", "\x1d")
    assert scanned(symbology + sent) == [*link.pairs, *link.attributes]


@given(st.text(st.sampled_from("]C1d2E0I4\x1d^017x()")))
def test_anything_is_something(text: str) -> None:
    with suppress(NotDigitalLink):
        assert isinstance(scanned(text), (str, list))
