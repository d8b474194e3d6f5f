"""GS1 Digital Link URIs against published vectors, against the standard's own examples, and against themselves."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ai_checks import ALPHABET_82, check_pair
from app.domain.application_identifiers import IDENTIFIERS, KEYS, association_fault, identifier
from app.domain.digital_link import (
    LONGEST,
    STEM,
    DigitalLink,
    NotDigitalLink,
    Options,
    build,
    element_string,
    elements,
    escape,
    parse,
    unescape,
)
from app.domain.identifiers import check_digit_gs1
from tests.domain.epcis.vectors import URIS, load

_KINDS = ("parseDLuri", "generateDLuri", "URIunescape", "URIescape")
VECTORS: dict[str, list[dict[str, Any]]] = load(URIS) if URIS.exists() else {kind: [] for kind in _KINDS}


def options(given: dict[str, bool]) -> Options:
    return Options(
        permit_zero_suppressed_gtin=given["permitZeroSuppressedGTIN"],
        permit_convenience_alphas=given["permitConvenienceAlphas"],
        permit_unknown_ais=given["permitUnknownAIs"],
        unknown_ai_not_dl_attr=given["vUNKNOWN_AI_NOT_DL_ATTR"],
        requisite_ais=given["vREQUISITE_AIS"],
    )


def test_no_vector_is_missing(vectors: Path) -> None:
    assert [len(load(vectors / "digital-link" / "uri_vectors.json")[kind]) for kind in _KINDS] == [59, 11, 11, 5]


@pytest.mark.parametrize("vector", VECTORS["parseDLuri"], ids=lambda vector: vector["uri"])
def test_published_uris_are_parsed(vector: dict[str, Any]) -> None:
    if not vector["valid"]:
        with pytest.raises(NotDigitalLink):
            parse(vector["uri"], options(vector["options"]))
        return
    assert parse(vector["uri"], options(vector["options"])).element_string == vector["expect_ai"]


@pytest.mark.parametrize("vector", VECTORS["generateDLuri"], ids=lambda vector: vector["ai_data"])
def test_published_uris_are_built(vector: dict[str, Any]) -> None:
    allowed = options(vector["options"])
    if not vector["valid"]:
        with pytest.raises(NotDigitalLink):
            build(elements(vector["ai_data"], allowed), allowed)
        return
    made = build(elements(vector["ai_data"], allowed), allowed)
    assert made.uri(vector["stem"] or STEM) == vector["expect_uri"]


@pytest.mark.parametrize("vector", VECTORS["URIunescape"], ids=lambda vector: vector["in"])
def test_published_texts_are_unescaped(vector: dict[str, str]) -> None:
    assert unescape(vector["in"]) == vector["path"]
    assert unescape(vector["in"], query=True) == vector["query"]


@pytest.mark.parametrize("vector", VECTORS["URIescape"], ids=lambda vector: vector["in"])
def test_published_texts_are_escaped(vector: dict[str, str]) -> None:
    assert escape(vector["in"]) == vector["path"]
    assert escape(vector["in"], query=True) == vector["query"]


GTIN = "09520123456788"
# Company prefix of 6 digits, offer, value, how much of what to buy.
COUPON = "012345612345611110123"


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (f"https://id.gs1.org/01/{GTIN}/22/A/10/B/21/C", f"^01{GTIN}22A^10B^21C"),
        (f"http://id.gs1.org/01/{GTIN}/10/a?17=250229".replace("0229", "0228"), f"^01{GTIN}10a^17250228"),
        (f"HTTPS://example.com:8443/01/{GTIN}", f"^01{GTIN}"),
        ("https://example.com/00/01/00/952012345678912345", "^00952012345678912345"),
        ("https://example.com/415/9520123456788/8020/ABC", "^41595201234567888020ABC"),
        ("https://example.com/8013/1987654Ad4X4bL5ttr2310c2K", "^80131987654Ad4X4bL5ttr2310c2K"),
        ("https://example.com/414/9520123456788/7040/1ABC", "^41495201234567887040 1ABC".replace(" ", "")),
        ("https://example.com/8003/09521141111116AB-1", "^800309521141111116AB-1"),
        (f"https://example.com/01/{GTIN}/235/XYZ?10=ABC", f"^01{GTIN}235XYZ^10ABC"),
        (f"https://example.com/01/{GTIN}/10/a%2Fb?99=%22+", None),  # a blank is in no alphabet
        (f"https://example.com/01/{GTIN}/10/AB%00C", None),
        (f"https://example.com/01/{GTIN}/10/%E4%B8%80", None),
        (f"https://example.com/01/{GTIN}/10/{'x' * 21}", None),
        (f"https://example.com/01/{GTIN}/10/x/21/y/22/z", None),  # another order
        (f"https://example.com/01/{GTIN}/10/x/235/y", None),
        (f"https://example.com/01/{GTIN}/10/x/10/y", None),
        (f"https://example.com/01/{GTIN}/10", None),
        (f"https://example.com/01/{GTIN}/10/x/", None),
        (f"https://example.com/10/x/21/{GTIN}", None),
        ("https://example.com/01/9520123456788", None),
        ("https://example.com/01/09520123456789", None),
        ("https://example.com/01/０9520123456788", None),
        ("https://example.com/00/952012345678912346", None),
        ("https://example.com/gtin/09520123456788", None),
        (f"https://example.com/01/{GTIN}?17=251301", None),
        (f"https://example.com/01/{GTIN}?17=250230", None),
        (f"https://example.com/01/{GTIN}?21=ABC", None),
        (f"https://example.com/01/{GTIN}?254=ABC", None),
        (f"https://example.com/01/{GTIN}?37=1", None),  # excluded
        (f"https://example.com/01/{GTIN}?3100=000001&3101=000001", None),
        (f"https://example.com/01/{GTIN}?3922=0299", None),  # needs a measure
        (f"https://example.com/01/{GTIN}?422=000", None),
        (f"https://example.com/01/{GTIN}?12345=1", None),
        ("https://example.com/415/9520123456788", None),  # needs 8020
        ("https://exa_mple.com/00/952012345678912345", None),
        ("https:///00/952012345678912345", None),
        ("ftp://example.com/00/952012345678912345", None),
        ("https://example.com/00/952012345678912345?" + "x" * LONGEST, None),
    ],
)
def test_strictly(uri: str, told: str | None) -> None:
    if told is None:
        with pytest.raises(NotDigitalLink) as refused:
            parse(uri)
        assert refused.value.zh
        assert refused.value.en
        return
    assert parse(uri).element_string == told


def test_what_one_needs_may_be_elsewhere() -> None:
    uri = f"https://example.com/01/{GTIN}?3922=0299"
    assert parse(uri, Options(requisite_ais=False)).attributes == (("3922", "0299"),)
    assert association_fault(["3922", "01"], requisites=False) is None
    assert association_fault(["8030", "01", "21"]) is None
    fault = association_fault(["8030", "01"])
    assert fault is not None
    assert "(01)+(21)" in fault.en
    assert association_fault(["89"]) is None


@pytest.mark.parametrize("ai", ["253", "255", "8003"])
def test_a_signature_is_of_one_thing(ai: str) -> None:
    key = "09520123456788" if ai == "8003" else "9520123456788"
    for text in (f"({ai}){key}1(8030)AB-_", f"({ai}){key}"):
        assert elements(text)
        assert build(elements(text)).qualifiers == ()
    for read, text in ((elements, f"({ai}){key}(8030)AB"), (parse, f"https://example.com/{ai}/{key}?8030=AB")):
        with pytest.raises(NotDigitalLink, match="serial number"):
            read(text)


def test_what_stands_there_twice_is_the_same() -> None:
    assert len(elements("(400)ABC(99)DEF(400)ABC")) == 3
    with pytest.raises(NotDigitalLink, match="different"):
        elements("(400)ABC(99)DEF(400)AB")


def test_levels_lead_up_to_the_key() -> None:
    link = parse(f"https://example.com/a/01/{GTIN}/10/L%2F1/21/S?11=250101")
    assert [level.path for level in link.levels] == [
        f"/01/{GTIN}/10/L%2F1/21/S", f"/01/{GTIN}/10/L%2F1", f"/01/{GTIN}",
    ]  # fmt: skip
    assert link.qualifier("10") == "L/1"
    assert link.qualifier("22") is None


@pytest.mark.parametrize(
    ("ai", "value", "right"),
    [
        ("17", "000229", True), ("17", "010229", False), ("17", "991200", True), ("17", "991232", False),
        ("7003", "2501312359", True), ("7003", "2501312460", False), ("7003", "2501002300", False),
        ("7007", "250131250201", True), ("7007", "250131250232", False), ("7007", "250131", True),
        ("8008", "25013123", True), ("8008", "250131235959", True), ("8008", "250131235960", False),
        ("8008", "25013124", False), ("7250", "19000228", True), ("7250", "19000229", False),
        ("422", "156", True), ("422", "157", False), ("7030", "999X", True), ("7030", "998X", False),
        ("423", "156840", True), ("423", "156841", False), ("423", "15684", False),
        ("3910", "9781", True), ("3910", "0001", False), ("4307", "CN", True), ("4307", "XX", False),
        ("8003", "19521141111116", False), ("8006", "095201234567880102", True),
        ("8006", "095201234567880302", False),
        ("8006", "095201234567880002", False), ("8011", "0", True), ("8011", "01", False), ("8011", "10", True),
        ("8001", "00010000100119", True), ("8001", "00010000100121", False),
        ("8001", "00000000100110", False), ("4321", "1", True), ("4321", "2", False), ("4330", "000123-", True),
        ("4330", "000123+", False),
        ("4300", "A%20B", True), ("4300", "A%2", False), ("4309", "02685800001800000000", True),
        ("4309", "18000000010000000000", False), ("4309", "00000000003600000001", False),
        ("7040", "1ABC", True), ("7040", "1AB/", False), ("7241", "10", True), ("7241", "11", False),
        ("7252", "9", True), ("7252", "3", False), ("7258", "1/3", True), ("7258", "4/3", False),
        ("8007", "GB82WEST12345698765432", True), ("8007", "GB82WEST12345698765433", False), ("8007", "GB82", False),
        ("8007", "XX82WEST12345698765432", False), ("8013", "1987654Ad4X4bL5ttr2310c2L", False),
       ("8013", "19", False),
        ("8014", "1987654Ad4X4bL5ttr2310c2K", True), ("8014", "198765499", False), ("8004", "12A4", False),
        ("7041", "1A", True), ("7041", "1a", False), ("401", "123", False), ("8010", "1234#-/Z", True),
        ("8010", "1234a", False), ("8030", "-_Zz", True), ("8030", "+", False),
        ("7041", "9", True), ("7041", "TRE", True), ("7041", "1E", False), ("8007", "NO93860111", False),
        ("3911", "19112", False), ("3911", "9312", False), ("3911", "92412", True),
        ("8110", COUPON, True), ("8110", COUPON[:-1], False), ("8110", f"{COUPON}0", False),
        ("8110", f"A{COUPON}", False),
        ("8110", f"{COUPON}1021591239", True), ("8110", f"{COUPON}1421591239", False),
        ("8110", f"{COUPON}21501230123456", True), ("8110", f"{COUPON}21501237123456", False),
        ("8110", f"{COUPON}32612314260101", True), ("8110", f"{COUPON}32601014261231", False),
        ("8110", f"{COUPON}3260230", False), ("8110", f"{COUPON}42601013261231", False),
        ("8110", f"{COUPON}5034567861123456795211", True), ("8110", f"{COUPON}608123456", False),
        ("8110", f"{COUPON}95211", True), ("8110", f"{COUPON}93211", False), ("8110", f"{COUPON}7", False),
        ("8112", "001234561234560123456", True), ("8112", "101234561234560123456", True),
        ("8112", "201234561234560123456", False), ("8112", "0012345612345601234567", False),
        ("8112", "061234567890121234569123456789012345", True), ("8112", "00123456123456012345a", False),
    ],
)  # fmt: skip
def test_values(ai: str, value: str, right: bool) -> None:
    fault = IDENTIFIERS[ai].fault(value)
    assert (fault is None) == right, fault
    if fault is not None:
        assert f"({ai})" in fault.zh
        assert f"({ai})" in fault.en


def test_a_model_number_of_digits_is_none() -> None:
    told = ((text, check_pair(f"{text}00")) for text in (f"1987{n * n:019}" for n in range(1_000)))
    text, fault = next((text, fault) for text, fault in told if fault is not None and fault.en[-2:].isdigit())
    fault = IDENTIFIERS["8014"].fault(text + fault.en[-2:])
    assert fault is not None
    assert "letter" in fault.en


def test_what_could_be_an_identifier() -> None:
    known = {
        "89": (1, 90, False),
        "236": (1, 90, False),
        "419": (13, 13, True),
        "3999": (1, 90, False),
        "04": (16, 16, True),
    }
    for ai, (least, most, fixed) in known.items():
        row = identifier(ai, permit_unknown=True)
        assert row is not None
        assert (row.parts[0].least, row.parts[0].most, row.fixed, row.known) == (least, most, fixed, False)
        assert identifier(ai) is None
    for ai in ("011", "800", "80", "399", "2367", "4199", "1", "12345", "８9", "", "ab"):
        assert identifier(ai, permit_unknown=True) is None


def test_the_table_is_whole() -> None:
    assert len(IDENTIFIERS) == 541
    assert len(KEYS) == 16
    by_prefix: dict[str, set[int]] = {}
    for ai, row in IDENTIFIERS.items():
        by_prefix.setdefault(ai[:2], set()).add(len(ai))
        needed = {each for group in row.needs for alternative in group for each in alternative}
        assert {each for each in {*needed, *row.excludes} if not each.endswith("n")} <= IDENTIFIERS.keys()
        assert row.qualifiers <= IDENTIFIERS.keys()
        assert all(part.optional for part in row.parts[1:] if row.parts[row.parts.index(part) - 1].optional)
    assert all(len(lengths) == 1 for lengths in by_prefix.values())
    assert KEYS["253"].check_at == KEYS["414"].check_at == 12
    assert KEYS["8004"].check_at is None


def test_what_a_telephone_carries_stands_beside_its_serial_number() -> None:
    phone = f"(01){GTIN}(21)S1(8040)490154203237518"
    for more in ("", "(8041)490154203237526", "(8042)" + "8" * 32, "(8043)" + "8" * 18, "(8043)" + "8" * 20):
        assert elements(phone + more)
    for wrong in (
        f"(01){GTIN}(8040)490154203237518", f"(01){GTIN}(21)S1(8041)490154203237518", f"{phone}(8043){'8' * 21}"
    ):  # fmt: skip
        with pytest.raises(NotDigitalLink):
            elements(wrong)
    with pytest.raises(NotDigitalLink):
        parse(f"https://x.example/01/{GTIN}/21/S1?8040=490154203237518")
    assert parse(f"https://x.example/01/{GTIN}?717=AB-1").attributes == (("717", "AB-1"),)


@pytest.mark.parametrize(
    "text", ["", "01", "(01)", "(1)2", "(01)12312312312326(10)", "(89)X", "(01)1", "x(01)2", "(10)A^"]
)
def test_element_strings_have_one_form(text: str) -> None:
    with pytest.raises(NotDigitalLink):
        elements(text)


def test_element_strings() -> None:
    pairs = elements(rf"(01){GTIN}(10)A\(1)B")
    assert pairs == [("01", GTIN), ("10", "A(1)B")]
    assert element_string(pairs) == f"^01{GTIN}10A(1)B"
    assert build(pairs).uri() == f"{STEM}/01/{GTIN}/10/A%281%29B"
    assert build(pairs).uri("https://x.example/") == f"https://x.example/01/{GTIN}/10/A%281%29B"
    with pytest.raises(NotDigitalLink):
        build([("01", GTIN), ("10", "A"), ("10", "B")])
    with pytest.raises(NotDigitalLink):
        build([("10", "A")])


text82 = st.text(ALPHABET_82, min_size=1, max_size=20)


def checked(digits: int) -> st.SearchStrategy[str]:
    return st.from_regex(rf"[0-9]{{{digits}}}", fullmatch=True).map(lambda text: text + check_digit_gs1(text))


@st.composite
def links(draw: st.DrawFn) -> DigitalLink:
    key, value = draw(
        st.one_of(
            st.tuples(st.just("01"), checked(13)),
            st.tuples(st.just("414"), checked(12)),
            st.tuples(st.just("00"), checked(17)),
            st.tuples(st.just("8004"), text82.map(lambda text: f"9520{text}")),
        )
    )
    sequences = {"01": ("22", "10", "21"), "414": ("254",)}.get(key, ())
    qualifiers = tuple((ai, draw(text82)) for ai in sequences if draw(st.booleans()))
    attributes = tuple((ai, draw(text82)) for ai in draw(st.lists(st.sampled_from(["91", "98", "99"]), unique=True)))
    return DigitalLink(key, value, qualifiers, attributes)


@given(links())
def test_what_is_built_is_parsed_again(link: DigitalLink) -> None:
    assert parse(link.uri("https://x.example/stem")) == link
    assert build((*link.pairs, *link.attributes)) == link


@given(st.text(max_size=200))
def test_anything_is_a_link_or_is_refused(text: str) -> None:
    for uri in (text, f"https://a/{text}", f"https://a/01/{GTIN}/{text}", f"https://a/01/{GTIN}?{text}"):
        try:
            link = parse(uri, Options(True, True, True, False, False))
        except NotDigitalLink:
            continue
        assert re.fullmatch(r"(/[0-9]{2,4}/[\w.~%-]+)+", link.path)


@given(st.text(st.characters(max_codepoint=255)))
def test_escapes_are_undone(text: str) -> None:
    assert unescape(escape(text)) == text
    assert unescape(escape(text, query=True), query=True) == text
