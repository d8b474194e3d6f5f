"""Numbers that others issue: what is wrong with one, exactly.

Every check returns its findings, none for a good number. Wrong length or alphabet is an error. The check digits of
SC, JY and the credit code are findings of severity warning, because licences exist that fail them; `strict` makes them
errors. A GS1 check digit is always an error.
"""

from dataclasses import dataclass
from typing import Literal

from app.domain.regions import REGION_NAMES

Severity = Literal["error", "warning"]

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a number; places in it are counted from 1."""

    slug: str
    severity: Severity
    detail_zh: str
    detail_en: str


def check_credit_code(text: str, strict: bool = False) -> list[Finding]:
    """统一社会信用代码, GB 32100: 18 of 0-9A-HJ-NPQRTUWXY; check = (31 - sum of value * 3^(place-1) mod 31) mod 31."""
    findings = _shape("credit-code", "统一社会信用代码", "credit code", text, _CREDIT_ALPHABET, (18,))
    if findings:
        return findings
    total = sum(_CREDIT_ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(text[:17]))
    return _check_digit("credit-code", text, _CREDIT_ALPHABET[-total % 31], strict)


def check_sc(text: str, strict: bool = False) -> list[Finding]:
    """食品生产许可证编号: SC and 14 digits, the last by ISO/IEC 7064 MOD 11,10."""
    return _check_permit("SC", "食品生产许可证编号", "food production licence", text, strict)


def check_jy(text: str, strict: bool = False) -> list[Finding]:
    """食品经营许可证编号: JY and 14 digits, the last by ISO/IEC 7064 MOD 11,10."""
    return _check_permit("JY", "食品经营许可证编号", "food business licence", text, strict)


def check_licence(scheme: str, number: str, strict: bool = False) -> list[Finding]:
    """A party's licence: SC and JY by their own rules, any other scheme (1-32 characters) as text of 1-64."""
    if scheme == "SC":
        return check_sc(number, strict)
    if scheme == "JY":
        return check_jy(number, strict)
    return _free_text("licence-scheme", "证照类别", "licence scheme", scheme, 32) + _free_text(
        "licence-number", "证照编号", "licence number", number, 64
    )


def check_digit_gs1(digits_without_check: str) -> str:
    """GS1's check digit: weights 3, 1, 3 … from the right. ValueError for anything but ASCII digits."""
    if not digits_without_check.isascii() or not digits_without_check.isdigit():
        raise ValueError(f"not digits: {digits_without_check[:40]!r}")
    total = 3 * sum(map(int, digits_without_check[::-2])) + sum(map(int, digits_without_check[-2::-2]))
    return str(-total % 10)


def check_gtin(text: str) -> list[Finding]:
    """GTIN-8, -12, -13 or -14. A number of GS1's restricted circulation prefixes (in-store, 20-29 and their like in the
    other lengths) identifies nothing outside its shop: a warning."""
    findings = _check_gs1("gtin", "商品条码（GTIN）", "GTIN", text, (8, 12, 13, 14))
    if findings:
        return findings
    padded = text.zfill(14)
    # GTIN-8 has prefixes of its own.
    if padded[6] not in "02" if padded.startswith("000000") else padded[1] != "2" and padded[1:3] not in ("02", "04"):
        return []
    return [
        Finding(
            "gtin-in-store",
            "warning",
            f"{text} 属店内码前缀，只在本店有效，不能标识商品",
            f"{text} has an in-store prefix: it means something only in the shop that gave it",
        )
    ]


def normalise_gtin(text: str) -> str:
    """The GTIN as 14 digits, zeros in front. ValueError where check_gtin finds an error."""
    for finding in check_gtin(text):
        if finding.severity == "error":
            raise ValueError(finding.detail_en)
    return text.zfill(14)


def check_gln(text: str) -> list[Finding]:
    """GLN: 13 digits with GS1's check digit."""
    return _check_gs1("gln", "全球位置码（GLN）", "GLN", text, (13,))


def check_sscc(text: str) -> list[Finding]:
    """SSCC: 18 digits with GS1's check digit."""
    return _check_gs1("sscc", "系列货运包装箱代码（SSCC）", "SSCC", text, (18,))


def check_region(text: str, *, prefix: bool = False) -> list[Finding]:
    """GB/T 2260 division: 6 digits whose first two are a province; with `prefix` also 2 or 4, as a regulator's."""
    lengths = (2, 4, 6) if prefix else (6,)
    findings = _shape("region", "行政区划代码", "region code", text, _DIGITS, lengths)
    if findings or text[:2] in REGION_NAMES:
        return findings
    return [
        Finding(
            "region-unknown",
            "error",
            f"行政区划代码 {text} 的前两位 {text[:2]} 不是省级代码",
            f"region code {text}: its first two digits, {text[:2]}, are no province",
        )
    ]


def region_name(code: str, lang: str) -> str | None:
    """Name of the division, else of its nearest ancestor with a name; Chinese for `lang` zh, else English."""
    for length in (6, 4, 2):
        names = REGION_NAMES.get(code[:length])
        if names is not None:
            return names[0 if lang == "zh" else 1]
    return None


def region_contains(prefix: str, code: str | None) -> bool:
    """Whether a regulator of `prefix` (33, 3301, 330102, or filled up as 330000, 330100) sees `code`. Never without a
    region, and never for a prefix that ends within a division: the empty one would see everything."""
    while len(prefix) in (4, 6) and prefix.endswith("00"):
        prefix = prefix[:-2]
    return code is not None and len(prefix) in (2, 4, 6) and code.startswith(prefix)


def _shape(slug: str, zh: str, en: str, text: str, alphabet: str, lengths: tuple[int, ...]) -> list[Finding]:
    if len(text) not in lengths:
        wanted_zh, wanted_en = "、".join(map(str, lengths)), ", ".join(map(str, lengths))
        return [
            Finding(
                f"{slug}-length",
                "error",
                f"{zh}应为{wanted_zh}位，现为{len(text)}位",
                f"a {en} has {wanted_en} characters, this one {len(text)}",
            )
        ]
    return [
        Finding(
            f"{slug}-character",
            "error",
            f"{zh}第{place}位“{char}”不可用",
            f"character {place} of the {en}, {char!r}, cannot be in it",
        )
        for place, char in enumerate(text, 1)
        if char not in alphabet
    ]


def _check_digit(slug: str, text: str, expected: str, strict: bool) -> list[Finding]:
    if text[-1] == expected:
        return []
    return [
        Finding(
            f"{slug}-check",
            "error" if strict else "warning",
            f"{text} 的校验位（第{len(text)}位）应为{expected}，现为{text[-1]}",
            f"{text}: check character (place {len(text)}) should be {expected}, is {text[-1]}",
        )
    ]


def _check_permit(letters: str, zh: str, en: str, text: str, strict: bool) -> list[Finding]:
    slug = letters.lower()
    if not text.startswith(letters):
        return [
            Finding(
                f"{slug}-prefix",
                "error",
                f"{zh}应以 {letters} 开头，现为“{text[:2]}”",
                f"a {en} number begins with {letters}, this one with {text[:2]!r}",
            )
        ]
    findings = _shape(slug, zh, f"{en} number", f"00{text[2:]}", _DIGITS, (16,))
    if findings:
        return findings
    product = 10
    for digit in text[2:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return _check_digit(slug, text, str((11 - product) % 10), strict)


def _check_gs1(slug: str, zh: str, en: str, text: str, lengths: tuple[int, ...]) -> list[Finding]:
    return _shape(slug, zh, en, text, _DIGITS, lengths) or _check_digit(
        slug, text, check_digit_gs1(text[:-1]), strict=True
    )


def _free_text(slug: str, zh: str, en: str, text: str, longest: int) -> list[Finding]:
    if not text.strip() or len(text) > longest:
        return [
            Finding(
                f"{slug}-length",
                "error",
                f"{zh}应为1至{longest}个字符，现为{len(text.strip())}个",
                f"a {en} has 1 to {longest} characters, this one {len(text.strip())}",
            )
        ]
    return [
        Finding(
            f"{slug}-character",
            "error",
            f"{zh}第{place}个字符不可打印",
            f"character {place} of the {en} is not printable",
        )
        for place, char in enumerate(text, 1)
        if not char.isprintable()
    ]
