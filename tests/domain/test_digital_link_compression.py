"""Compressed Digital Link URIs: as the toolkit that GS1 publishes writes them, and whatever else comes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.digital_link import NotDigitalLink
from app.domain.digital_link_compression import decompress


@pytest.mark.parametrize(
    ("compressed", "path", "query"),
    [
        ("CwnYUc1gmxEGFDTK2LJm", "/01/05412345000013/10/ABC%26%2B123", ""),
        ("ARFRJydaKA", "/01/09520123456788", ""),
        ("GhFRJydaKMpZyf2piQSyJa7biJhtK", "/01/09520123456788/10/LOT-1/21/S123", "17=201225&11=200101"),
        ("DBFRJydaKBAADA5", "/01/09520123456788/21/00012345", ""),
        ("nSMyqKiTk60U", "/414/9520123456788/254/32a", ""),
        ("LRFRJydaKAAYYuYkEnJEgJW", "/01/09520123456788", "3103=000195&17=201225&3922=0299"),
        ("CxFRJydaKA4ACaQidTyi56Hq", "/01/09520123456788/10/0001234", "11=240101&17=250101"),
    ],
)
def test_what_the_toolkit_writes(compressed: str, path: str, query: str) -> None:
    found = decompress(compressed.split("/"))
    assert found is not None
    assert found.link.path == path
    assert found.link.uri("") == path + (f"?{query}" if query else "")
    assert found.others == ()


def test_what_is_none_of_gs1_is_told() -> None:
    found = decompress(["ChFRJydaKIRUIE1Xm95Chh_-IlinkTypeYNqWU"], "99=x")
    assert found is not None
    assert found.link.path == "/01/09520123456788/22/2A/10/abcdef/21/0FF"
    assert found.link.attributes == (("99", "x"),)
    assert found.others == ("linkType=all",)


def bits(*fields: tuple[int, int]) -> str:
    """Of (value, how many bits) in base64url."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    text += "0" * (-len(text) % 6)
    return "".join(alphabet[int(text[at : at + 6], 2)] for at in range(0, len(text), 6))


GTIN = (0x01, 8), (9520123456788, 47)


def test_each_alphabet() -> None:
    def serial(alphabet: int, *characters: tuple[int, int]) -> str | None:
        found = decompress([bits(*GTIN, (0x21, 8), (alphabet, 3), (len(characters), 5), *characters)])
        assert found is not None
        return found.link.qualifier("21")

    assert serial(1, (0xA, 4), (0x0, 4)) == "a0"
    assert serial(2, (0xA, 4), (0x0, 4)) == "A0"
    assert serial(3, (63, 6), (26, 6)) == "_a"
    assert serial(4, (ord("!"), 7), (ord("z"), 7)) == "!z"


def test_a_key_may_stand_before_what_is_compressed() -> None:
    for key in ("01", "gtin"):
        found = decompress([key, "09520123456788", bits((0x10, 8), (0, 3), (4, 5), (1234, 14))])
        assert found is not None
        assert found.link.path == "/01/09520123456788/10/1234"


def test_the_shortest_key_takes_seven_characters() -> None:
    short = bits((0x40, 8), (0x1, 4), (0, 3), (5, 5), (69012, 17))
    assert len(short) == 7
    found = decompress([short])
    assert found is not None
    assert found.link.path == "/401/69012"


def test_characters_of_a_fixed_number_tell_no_length() -> None:
    found = decompress(["414", "6901234000009", bits((0x7040, 16), (7, 4), (3, 3), (1, 6), (27, 6), (52, 6))])
    assert found is not None
    assert found.link.path == "/414/6901234000009/7040/7Bb0"
    found = decompress([bits(*GTIN, (0x7230, 16), (4, 3), (4, 5), *((ord(each), 7) for each in "EM-1"))])
    assert found is not None
    assert found.link.attributes == (("7230", "EM-1"),)


def test_no_digits_take_a_bit() -> None:
    coupon = (0x25, 8), (0x5, 4), (6901234000009, 44), (0, 4)
    for rest, uri in (
        ((), "/255/6901234000009"),
        (((0, 1), (0x39, 8), (0, 4), (2, 4), (2, 4), (50, 7)), "/255/6901234000009?3902=50"),
    ):
        found = decompress([bits(*coupon, *rest)])
        assert found is not None
        assert found.link.uri("") == uri


def test_digits_of_a_fixed_number_are_one() -> None:
    found = decompress([bits((0x8006, 16), (95201234567880102, 60))])
    assert found is not None
    assert found.link.path == "/8006/095201234567880102"


@pytest.mark.parametrize(
    "segments",
    [
        [bits((0x01, 8), (9520123456789, 47))],  # check digit
        [bits((0x01, 8), (952, 46))],  # ends too soon
        [bits(*GTIN, (0x21, 8), (5, 3), (1, 5), (0, 8))],  # no such alphabet
        [bits(*GTIN, (0x21, 8), (0, 3), (2, 5), (120, 7))],  # 120 in two digits
        [bits(*GTIN, (0x89, 8), (0, 20))],  # no such identifier
        [bits(*GTIN, (0x31, 8), (0x9, 4), (0x9, 4), (0, 20))],
        [bits(*GTIN, (0x31, 8), (0xA, 4), (0, 20))],
        [bits(*GTIN, (0xB0, 8), (0, 20))],  # no such sequence
        [bits(*GTIN, (0xF, 4), (0, 7), (0, 3), (0, 7))],  # no name
        [bits(*GTIN, (0xF, 4), (1, 7), (61, 6), (0, 3), (1, 7), (1, 4))],  # a number is no name
        [bits(*GTIN, (1, 5))],  # something is left
        [bits(*GTIN, *GTIN[:1], (9520123456771, 47))],  # two keys
        ["01", "09520123456789", "EOSPMLA1"],
        ["01", "09520123456788", "________"],
    ],
)  # fmt: skip
def test_what_looks_like_one_and_is_none(segments: list[str]) -> None:
    with pytest.raises(NotDigitalLink):
        decompress(segments)


@pytest.mark.parametrize(
    "segments", [[], ["short"], ["healthz!!"], ["x", "ARFRJydaKA"], ["xx", "1", "ARFRJydaKA"], ["A" * 1001]]
)
def test_what_is_nothing_of_the_kind(segments: list[str]) -> None:
    assert decompress(segments) is None


@given(st.from_regex(r"[A-Za-z0-9_-]{9,60}", fullmatch=True))
def test_anything_is_a_link_or_is_refused(text: str) -> None:
    for segments in ([text], ["01", "09520123456788", text]):
        with suppress(NotDigitalLink):
            assert decompress(segments) is not None
