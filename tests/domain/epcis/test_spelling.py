"""EPCs as they are typed, pasted and scanned."""

import pytest

from app.domain.epcis.spelling import read
from app.domain.errors import Malformed

LOT = "https://id.gs1.org/01/06901234567892/10/A1"


@pytest.mark.parametrize(
    "text",
    [
        LOT, f" {LOT}/ ", "(01)06901234567892(10)A1",
        "HTTPS://FOOD.EXAMPLE.CN/x/01/06901234567892/10/A1?11=260301&17=260401",
        "urn:epc:class:lgtin:6901234.056789.A1", "URN:epc:class:lgtin:6901234.056789.A1", "/01/06901234567892/10/A1",
        "food.example.cn/01/06901234567892/10/A1", "http://id.gs1.org/gtin/6901234567892/lot/A1#x",
        "]C1010690123456789210A1", "]d2010690123456789217260401\u241d10A1", "010690123456789210A1\x1d3103000190",
        f"]Q1{LOT}", "]d2010690123456789210A1<GS>8200x", "]C1(01)06901234567892(10)A1",
    ],
)  # fmt: skip
def test_every_spelling_is_one(text: str) -> None:
    epc = read(text)
    assert epc is not None
    assert epc.uri == LOT
    assert epc.question == read(LOT).question  # type: ignore[union-attr]


def test_a_lot_beside_a_serial_number_is_asked_with_it() -> None:
    alone, beside = read("https://id.gs1.org/01/06901234567892/21/7"), read(f"{LOT}/21/7")
    assert alone is not None
    assert beside is not None
    assert alone.uri == beside.uri
    assert alone.question != beside.question


@pytest.mark.parametrize("text", ["BX-1", "https://food.example.cn/C/BX1", "菜", "", "a/b", "urn:x\0", "/01/x"])
def test_codes_of_ours_and_words_are_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("text", ["(01)123", "(", "(10)A1", "(01)06901234567893", "]C110A1", "]d2HELLO"])
def test_element_strings_that_cannot_be(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(text)
    assert refused.value.slug == "malformed-epc"
