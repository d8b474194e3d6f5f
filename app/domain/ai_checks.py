"""What the values of GS1 application identifiers have to be beyond their length and alphabet: dates that exist, check
digits, codes of countries and currencies. Each check takes one component of a value, which has the component's length
and alphabet, and returns what is wrong with it, None where nothing is.

Source: GS1 General Specifications §3 and §7, and the code lists that they name.
"""

import calendar
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from app.domain.coupons import coupon_dates, is_paperless
from app.domain.identifiers import check_digit_gs1


class Fault(NamedTuple):
    """What is wrong, in Chinese and in English."""

    zh: str
    en: str


Check = Callable[[str], Fault | None]

_WORDS = re.compile(r"\w+", re.ASCII).findall

# ISO 3166-1 numeric and alpha-2, ISO 4217 numeric.
_COUNTRIES = frozenset(
    _WORDS(
        "004 008 010 012 016 020 024 028 031 032 036 040 044 048 050 051 052 056 060 064 068 070 072 074 076 084 "
        "086 090 092 096 100 104 108 112 116 120 124 132 136 140 144 148 152 156 158 162 166 170 174 175 178 180 "
        "184 188 191 192 196 203 204 208 212 214 218 222 226 231 232 233 234 238 239 242 246 248 250 254 258 260 "
        "262 266 268 270 275 276 288 292 296 300 304 308 312 316 320 324 328 332 334 336 340 344 348 352 356 360 "
        "364 368 372 376 380 384 388 392 398 400 404 408 410 414 417 418 422 426 428 430 434 438 440 442 446 450 "
        "454 458 462 466 470 474 478 480 484 492 496 498 499 500 504 508 512 516 520 524 528 531 533 534 535 540 "
        "548 554 558 562 566 570 574 578 580 581 583 584 585 586 591 598 600 604 608 612 616 620 624 626 630 634 "
        "638 642 643 646 652 654 659 660 662 663 666 670 674 678 682 686 688 690 694 702 703 704 705 706 710 716 "
        "724 728 729 732 740 744 748 752 756 760 762 764 768 772 776 780 784 788 792 795 796 798 800 804 807 818 "
        "826 831 832 833 834 840 850 854 858 860 862 876 882 887 894"
    )
)
_COUNTRY_LETTERS = frozenset(
    _WORDS(
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW "
        "BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI "
        "FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
        "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
        "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
        "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE "
        "YT ZA ZM ZW"
    )
)
_CURRENCIES = frozenset(
    _WORDS(
        "008 012 032 036 044 048 050 051 052 060 064 068 072 084 090 096 104 108 116 124 132 136 144 152 156 170 "
        "174 188 192 203 208 214 222 230 232 238 242 262 270 292 320 324 328 332 340 344 348 352 356 360 364 368 "
        "376 388 392 396 398 400 404 408 410 414 417 418 422 426 430 434 446 454 458 462 480 484 496 498 504 512 "
        "516 524 532 533 548 554 558 566 578 586 590 598 600 604 608 634 643 646 654 682 690 702 704 706 710 728 "
        "748 752 756 760 764 776 780 784 788 800 807 818 826 834 840 858 860 882 886 901 924 925 926 927 928 929 "
        "930 933 934 936 938 940 941 943 944 946 947 948 949 950 951 952 953 955 956 957 958 959 960 961 "
        "962 963 964 965 967 968 969 970 971 972 973 975 976 977 978 979 980 981 984 985 986 990 994 997 999"
    )
)

# UN/ECE Recommendation 21 and what GS1 adds to it: PackageTypeCode.
_PACKAGES = frozenset(
    _WORDS(
        "1A 1B 1D 1F 1G 1W 200 201 202 203 204 205 206 210 211 212 2C 3A 3H 43 44 4A 4B 4C 4D 4F 4G 4H 5H 5L 5M "
        "6H 6P 7A 7B 8 8A 8B 8C 9 AA AB AC AD AF AG AH AI AJ AL AM AP APE AT AV B4 BB BC BD BE BF BG BGE BH BI "
        "BJ BK BL BM BME BN BO BP BQ BR BRI BS BT BU BV BW BX BY BZ CA CB CBL CC CCE CD CE CF CG CH CI CJ CK CL "
        "CM CN CO CP CQ CR CS CT CU CV CW CX CY CZ DA DB DC DG DH DI DJ DK DL DM DN DP DPE DR DS DT DU DV DW DX "
        "DY E1 E2 E3 EC ED EE EF EG EH EI EN FB FC FD FE FI FL FO FOB FP FPE FR FT FW FX GB GI GL GR GU GY GZ HA "
        "HB HC HG HN HR IA IB IC ID IE IF IG IH IK IL IN IZ JB JC JG JR JT JY KG KI LAB LE LG LT LU LV LZ MA MB "
        "MC ME MPE MR MS MT MW MX NA NE NF NG NS NT NU NV OA OB OC OD OE OF OK OPE OT OU P2 PA PAE PB PC PD PE "
        "PF PG PH PI PJ PK PL PLP PN PO POP PP PPE PR PT PU PUE PV PX PY PZ QA QB QC QD QF QG QH QJ QK QL QM QN "
        "QP QQ QR QS RB1 RB2 RB3 RCB RD RG RJ RK RL RO RT RZ S1 SA SB SC SD SE SEC SH SI SK SL SM SO SP SS ST "
        "STL SU SV SW SX SY SZ T1 TB TC TD TE TEV TG THE TI TK TL TN TO TR TRE TS TT TTE TU TV TW TWE TY TZ UC "
        "UN UUE VA VG VI VK VL VN VO VP VQ VR VS VY WA WB WC WD WF WG WH WJ WK WL WM WN WP WQ WR WRP WS WT WU WV "
        "WW WX WY WZ X11 X12 X15 X16 X17 X18 X19 X20 X3 XA XB XC XD XF XG XH XJ XK YA YB YC YD YF YG YH YJ YK YL "
        "YM YN YP YQ YR YS YT YV YW YX YY YZ ZA ZB ZC ZD ZF ZG ZH ZJ ZK ZL ZM ZN ZP ZQ ZR ZS ZT ZU ZV ZW ZX ZY "
        "ZZ"
    )
)

ALPHABET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_ALPHABET_32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# Weights of the check characters of a GMN: primes from 2, the last character first (General Specifications §7.9.5).
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def _check_digit(text: str) -> Fault | None:
    right = check_digit_gs1(text[:-1])
    return None if text[-1] == right else Fault(f"校验位应为 {right}", f"the check digit of {text} should be {right}")


def check_pair(text: str) -> Fault | None:
    """The two check characters at the end of a GMN."""
    if len(text) < 3:
        return Fault("不足两位校验字符", "too short for check characters")
    total = sum(ALPHABET_82.index(char) * weight for char, weight in zip(reversed(text[:-2]), _PRIMES, strict=False))
    right = _ALPHABET_32[total % 1021 >> 5] + _ALPHABET_32[total % 1021 & 31]
    return (
        None
        if text[-2:] == right
        else Fault(f"校验字符应为 {right}", f"the check characters of {text} should be {right}")
    )


def _company_prefix(text: str) -> Fault | None:
    if len(text) > 3 and text[:4].isdigit():
        return None
    return Fault("应以至少 4 位数字的厂商识别代码开头", "it begins with a GS1 company prefix, of 4 digits at least")


def _prefix_after_one(text: str) -> Fault | None:
    return _company_prefix(text[1:])


def _date(text: str, *, day_zero: bool = False) -> Fault | None:
    """YYMMDD or YYYYMMDD. Two digits are a year of 1951 to 2050 (§7.12), of which each fourth is a leap year."""
    year, month, day = int(text[:-4]), int(text[-4:-2]), int(text[-2:])
    year = year if len(text) == 8 else 2000 + year
    if not 1 <= month <= 12:
        return Fault(f"没有 {month} 月", f"{text} has no month {month}")
    if (day == 0 and not day_zero) or day > calendar.monthrange(max(year, 1), month)[1]:
        return Fault(f"没有 {day} 日", f"{text} has no day {day}")
    return None


def _date_or_month(text: str) -> Fault | None:
    return _date(text, day_zero=True)


def _below(*limits: int) -> Check:
    """Pairs of digits, each below its limit: hours, minutes, seconds."""

    def check(text: str) -> Fault | None:
        pairs = [int(text[at : at + 2]) for at in range(0, len(text), 2)]
        right = all(pair < limit for pair, limit in zip(pairs, limits, strict=False))
        return None if right else Fault("不是时间", f"{text} is no time")

    return check


def _one_of(values: Iterable[str], zh: str, en: str) -> Check:
    known = frozenset(values)
    return lambda text: None if text in known else Fault(f"{text} 不是{zh}", f"{text} is no {en}")


def _matches(pattern: str, zh: str, en: str) -> Check:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: None if compiled.fullmatch(text) else Fault(f"{text} 不是{zh}", f"{text} is no {en}")


def _at_most(limit: int, zh: str, en: str) -> Check:
    return lambda text: None if int(text) <= limit else Fault(f"{text} 不是{zh}", f"{text} is no {en}")


def _piece(text: str) -> Fault | None:
    piece, total = int(text[:2]), int(text[2:])
    return None if 0 < piece <= total else Fault("不是总件数中的一件", f"{text} is no piece of a total")


def _iban(text: str) -> Fault | None:
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{7,30}", text) or text[:2] not in _COUNTRY_LETTERS:
        return Fault("不是 IBAN", f"{text} is no IBAN")
    number = int("".join(str(int(char, 36)) for char in text[4:] + text[:4]))
    return None if number % 97 == 1 else Fault("IBAN 校验位有误", f"the check digits of the IBAN {text} are wrong")


def _sequence(text: str) -> Fault | None:
    """One of several births: 1/3."""
    place, slash, total = text[0], text[1], text[2]
    digits = place in "123456789" and total in "123456789"
    right = slash == "/" and digits and place <= total
    return None if right else Fault("不是次序", f"{text} is no place in a sequence")


def _coupon(text: str) -> Fault | None:
    dates = coupon_dates(text)
    if dates is None:
        return Fault("不是优惠券", "it is no North American coupon code")
    starts, expires = dates
    for day in dates:
        if day is not None and (fault := _date(day)) is not None:
            return fault
    return Fault("到期早于开始", "it expires before it starts") if starts and expires and expires < starts else None


_COUNTRY = _one_of(_COUNTRIES, "ISO 3166-1 国家代码", "country of ISO 3166-1")

# By the names that the table of application identifiers calls them.
CHECKS: dict[str, Check] = {
    "check": _check_digit,
    "checks": check_pair,
    "prefix": _company_prefix,
    "prefix1": _prefix_after_one,
    "date": _date,
    "date0": _date_or_month,
    "hhmm": _below(24, 60),
    "hour": _below(24),
    "sixty": _below(60),
    "country": _COUNTRY,
    "country999": lambda text: None if text == "999" else _COUNTRY(text),
    "letters": _one_of(_COUNTRY_LETTERS, "ISO 3166-1 国家代码", "country of ISO 3166-1"),
    "currency": _one_of(_CURRENCIES, "ISO 4217 货币代码", "currency of ISO 4217"),
    "zero": _one_of("0", "填充的零", "filler zero"),
    "nonzero": lambda text: None if int(text) else Fault("不能为零", "it cannot be zero"),
    "nonul": lambda text: None if text == "0" or text[0] != "0" else Fault("不能以零开头", "it begins with a zero"),
    "winding": _one_of("019", "卷绕方向", "winding direction"),
    "yesno": _one_of("01", "是（1）或否（0）", "yes (1) or no (0)"),
    "sex": _one_of("0129", "ISO/IEC 5218 性别代码", "sex of ISO/IEC 5218"),
    "minus": _one_of("-", "负号", "minus sign"),
    "media": _matches(r"0[1-9]|10|[89][0-9]", "介质类型", "type of media"),
    "importer": _one_of(
        "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", "进口商序号", "index of an importer"
    ),
    "percent": _matches(r"(?:[^%]|%[0-9A-Fa-f]{2})*", "百分号编码的文本", "percent-encoded text"),
    "piece": _piece,
    "iban": _iban,
    "latitude": _at_most(1_800_000_000, "纬度", "latitude"),
    "longitude": _at_most(3_600_000_000, "经度", "longitude"),
    "sequence": _sequence,
    "letter": lambda text: Fault("须含非数字字符", "it has no letter or sign") if text.isdigit() else None,
    "package": _one_of(_PACKAGES, "包装类型代码", "PackageTypeCode"),
    "coupon": _coupon,
    "paperless": lambda text: None if is_paperless(text) else Fault("不是优惠券", "it is no coupon of an offer file"),
}
