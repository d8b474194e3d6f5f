from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.identifiers import (
    Finding,
    check_credit_code,
    check_digit_gs1,
    check_gln,
    check_gtin,
    check_jy,
    check_licence,
    check_region,
    check_sc,
    check_sscc,
    normalise_gtin,
    region_contains,
    region_name,
)
from app.domain.regions import REGION_NAMES

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def slugs(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.slug, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (check_sc, "SC10633019702613"),
        (check_credit_code, "91350100M000100Y43"),
        (check_credit_code, "91110000600037341L"),
        (check_gtin, "6901234567892"),
        (check_gtin, "4006381333931"),
        (check_gtin, "036000291452"),
        (check_gtin, "73513537"),
        (check_gtin, "10614141000415"),
        (check_gln, "6901234000009"),
        (check_sscc, "106141412345678908"),
        (check_region, "330102"),
    ],
)
def test_good_numbers_have_no_findings(check: Callable[[str], list[Finding]], number: str) -> None:
    assert check(number) == []


def test_a_live_licence_that_fails_its_check_digit_is_a_warning_and_an_error_when_strict() -> None:
    (finding,) = check_jy("JY11101050363440")
    assert (finding.slug, finding.severity) == ("jy-check", "warning")
    assert finding.detail_zh == "JY11101050363440 的校验位（第16位）应为2，现为0"
    assert finding.detail_en == "JY11101050363440: check character (place 16) should be 2, is 0"
    assert slugs(check_jy("JY11101050363440", strict=True)) == [("jy-check", "error")]
    assert check_jy("JY11101050363442", strict=True) == []


def test_check_digit_of_a_credit_code() -> None:
    (finding,) = check_credit_code("91350100M000100Y44")
    assert (finding.slug, finding.severity) == ("credit-code-check", "warning")
    assert "应为3，现为4" in finding.detail_zh
    assert slugs(check_credit_code("91350100M000100Y44", strict=True)) == [("credit-code-check", "error")]


@given(st.text(CREDIT_ALPHABET, min_size=17, max_size=17), st.data())
def test_a_credit_code_has_one_check_character_and_it_catches_single_errors(body: str, data: st.DataObject) -> None:
    good = [body + char for char in CREDIT_ALPHABET if check_credit_code(body + char) == []]
    assert len(good) == 1
    place = data.draw(st.integers(0, 17))
    wrong = data.draw(st.sampled_from(CREDIT_ALPHABET).filter(lambda char: char != good[0][place]))
    assert slugs(check_credit_code(good[0][:place] + wrong + good[0][place + 1 :])) == [
        ("credit-code-check", "warning")
    ]


@given(
    st.sampled_from([("SC", check_sc), ("JY", check_jy)]), st.text("0123456789", min_size=13, max_size=13), st.data()
)
def test_a_permit_has_one_check_digit_and_it_catches_single_errors(
    permit: tuple[str, Callable[[str], list[Finding]]], body: str, data: st.DataObject
) -> None:
    letters, check = permit
    good = [letters + body + digit for digit in "0123456789" if check(letters + body + digit) == []]
    assert len(good) == 1
    place = data.draw(st.integers(2, 15))
    wrong = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != good[0][place]))
    assert slugs(check(good[0][:place] + wrong + good[0][place + 1 :])) == [(f"{letters.lower()}-check", "warning")]


@pytest.mark.parametrize(
    ("findings", "slug", "chinese", "english"),
    [
        (check_credit_code("9135"), "credit-code-length", "应为18位，现为4位", "18 characters, this one 4"),
        (check_credit_code("91350100M000100I43"), "credit-code-character", "第16位“I”", "character 16"),
        (check_credit_code("91350100m000100Y43"), "credit-code-character", "第9位“m”", "character 9"),
        (check_sc("QS10633019702613"), "sc-prefix", "现为“QS”", "this one with 'QS'"),
        (check_sc("SC1063301970261"), "sc-length", "应为16位，现为15位", "16 characters, this one 15"),
        (check_sc("SC1063301970261A"), "sc-character", "第16位“A”", "character 16"),
        (check_sc("SC1063301970261３"), "sc-character", "第16位“３”", "character 16"),
        (check_jy("SC10633019702613"), "jy-prefix", "应以 JY 开头", "begins with JY"),
        (check_jy("JYC1101050363440"), "jy-character", "第3位“C”", "character 3"),
        (
            check_gtin("123456789"),
            "gtin-length",
            "应为8、12、13、14位，现为9位",
            "8, 12, 13, 14 characters, this one 9",
        ),
        (check_gtin("69012345678X2"), "gtin-character", "第12位“X”", "character 12"),
        (check_gtin("6901234567890"), "gtin-check", "应为2，现为0", "should be 2, is 0"),
        (check_gln("690123400000"), "gln-length", "应为13位", "13 characters"),
        (check_gln("6901234000001"), "gln-check", "应为9，现为1", "should be 9, is 1"),
        (check_sscc("10614141234567890"), "sscc-length", "应为18位", "18 characters"),
        (check_sscc("106141412345678907"), "sscc-check", "应为8，现为7", "should be 8, is 7"),
        (check_region("3301"), "region-length", "应为6位，现为4位", "6 characters, this one 4"),
        (check_region("33O102"), "region-character", "第3位“O”", "character 3"),
        (check_region("990102"), "region-unknown", "99 不是省级代码", "99, are no province"),
        (check_region("33010", prefix=True), "region-length", "应为2、4、6位", "2, 4, 6 characters"),
        (check_licence("SC", "QS1"), "sc-prefix", "SC", "SC"),
        (check_licence("JY", "SC1"), "jy-prefix", "JY", "JY"),
        (check_licence("", "1"), "licence-scheme-length", "现为0个", "this one 0"),
        (check_licence("fishing", " "), "licence-number-length", "现为0个", "this one 0"),
        (check_licence("fishing", "x" * 65), "licence-number-length", "现为65个", "this one 65"),
        (check_licence("fishing", "x\x00"), "licence-number-character", "第2个字符", "character 2"),
    ],
)
def test_an_error_says_exactly_what_is_wrong(findings: list[Finding], slug: str, chinese: str, english: str) -> None:
    (finding,) = findings
    assert (finding.slug, finding.severity) == (slug, "error")
    assert chinese in finding.detail_zh
    assert english in finding.detail_en


def test_every_wrong_character_is_named() -> None:
    assert len(check_gtin("69O12345678X2")) == 2


def test_licences_by_scheme() -> None:
    assert check_licence("SC", "SC10633019702613") == []
    assert slugs(check_licence("JY", "JY11101050363440")) == [("jy-check", "warning")]
    assert slugs(check_licence("JY", "JY11101050363440", strict=True)) == [("jy-check", "error")]
    assert check_licence("养殖证", "浙杭府（淡）养证〔2024〕第00012号") == []


@given(st.text("0123456789", min_size=1, max_size=17), st.data())
def test_a_gs1_check_digit_catches_every_single_error(body: str, data: st.DataObject) -> None:
    full = body + check_digit_gs1(body)
    place = data.draw(st.integers(0, len(full) - 1))
    wrong = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != full[place]))
    broken = full[:place] + wrong + full[place + 1 :]
    assert check_digit_gs1(broken[:-1]) != broken[-1]


@pytest.mark.parametrize("text", ["", "12a", "１２", "-1"])
def test_a_gs1_check_digit_is_of_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match="not digits"):
        check_digit_gs1(text)


@given(st.text("0123456789", min_size=11, max_size=11))
def test_the_check_digit_does_not_depend_on_leading_zeros(body: str) -> None:
    twelve = body + check_digit_gs1(body)
    assert normalise_gtin(twelve) == normalise_gtin("0" + twelve) == normalise_gtin("00" + twelve) == "00" + twelve


@pytest.mark.parametrize(
    ("body", "in_store"),
    [
        ("200000000000", True),
        ("299999999999", True),
        ("020000000000", True),
        ("040000000000", True),
        ("0290000000000", True),
        ("300000000000", False),
        ("190000000000", False),
        ("690123456789", False),
        ("22345678901", True),
        ("42345678901", True),
        ("12345678901", False),
        ("2234567", True),
        ("0234567", True),
        ("7351353", False),
        ("1200000000000", True),
        ("2690123456789", False),
    ],
)
def test_in_store_numbers_are_flagged(body: str, in_store: bool) -> None:
    findings = check_gtin(body + check_digit_gs1(body))
    assert slugs(findings) == ([("gtin-in-store", "warning")] if in_store else [])
    assert normalise_gtin(body + check_digit_gs1(body)).endswith(body + check_digit_gs1(body))


def test_a_wrong_gtin_is_not_normalised() -> None:
    with pytest.raises(ValueError, match="should be 2, is 0"):
        normalise_gtin("6901234567890")


def test_every_province_has_a_name_in_both_languages() -> None:
    provinces = [code for code in REGION_NAMES if len(code) == 2]
    assert len(provinces) == 34
    for code in REGION_NAMES:
        assert check_region(code, prefix=True) == []
        assert check_region(code.ljust(6, "0")) == []
        assert all("一" <= char <= "鿿" for char in REGION_NAMES[code][0])
        assert REGION_NAMES[code][1].isascii()
        assert code[:-2] == "" or code[:-2] in REGION_NAMES


@pytest.mark.parametrize(
    ("code", "lang", "name"),
    [
        ("330102", "zh", "上城区"),
        ("330102", "en", "Shangcheng District"),
        ("330199", "zh", "杭州市"),
        ("330100", "en", "Hangzhou"),
        ("3301", "zh", "杭州市"),
        ("339900", "zh", "浙江省"),
        ("33", "en", "Zhejiang"),
        ("990000", "zh", None),
        ("", "zh", None),
    ],
)
def test_a_region_is_called_by_its_nearest_named_ancestor(code: str, lang: str, name: str | None) -> None:
    assert region_name(code, lang) == name


@pytest.mark.parametrize(
    ("prefix", "code", "sees"),
    [
        ("3301", "330106", True),
        ("3301", "330203", False),
        ("330100", "330106", True),
        ("330000", "330203", True),
        ("33", "330203", True),
        ("330106", "330106", True),
        ("330106", "330100", False),
        ("3301", None, False),
        ("", "330106", False),
        ("3", "330106", False),
        ("00", "330106", False),
        ("000000", "330106", False),
        ("33010", "330106", False),
    ],
)
def test_a_regulator_sees_its_region(prefix: str, code: str | None, sees: bool) -> None:
    assert region_contains(prefix, code) is sees
