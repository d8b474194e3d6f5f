"""Both languages are whole, and what the templates say is in them."""

import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from app.domain import admission, events, masters
from app.domain.epcis.vocabulary import BIZ_STEPS
from app.scanning import STATUSES
from app.web import pages, terms
from app.web.i18n import CATALOGUES, Words, choose

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").glob("*.html"))
SAID = re.compile(r"""\b(?:t|best|word)\(\s*"([a-z_0-9.]+)"(\s*~)?""")


def test_the_catalogues_have_the_same_keys_and_no_empty_text() -> None:
    assert CATALOGUES["zh"].keys() == CATALOGUES["en"].keys()
    assert not terms.TERMS.keys() & terms.VOCABULARY.keys()
    for key, zh in CATALOGUES["zh"].items():
        assert zh
        assert CATALOGUES["en"][key]


def test_both_languages_fill_in_the_same_values() -> None:
    for key, zh in CATALOGUES["zh"].items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (zh, CATALOGUES["en"][key])]
        assert fields[0] == fields[1], key


def test_chinese_is_chinese_and_english_is_english() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, zh in CATALOGUES["zh"].items():
        bare = re.sub(r"\{\w+\}", "", zh)
        assert key == "other_language" or chinese.search(bare) or not re.search(r"[A-Za-z]", bare), key
        assert key == "other_language" or not chinese.search(CATALOGUES["en"][key]), key


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_is_in_the_catalogue(template: Path) -> None:
    source = template.read_text("utf-8")
    for key, built in SAID.findall(source):
        if built or f'word("{key}"' in source:
            assert any(known.startswith(key) for known in CATALOGUES["zh"]), key
        else:
            assert key in CATALOGUES["zh"], key
    # Nothing is said past the catalogue.
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"\{[%{].*?[%}]\}", "", source))


def test_every_word_of_the_closed_lists_has_both_languages() -> None:
    known = CATALOGUES["zh"]
    wanted = {f"status.{status}" for status in STATUSES} | {f"means.{status}" for status in STATUSES}
    wanted |= {f"document.{kind}" for kind in admission.DOCUMENT_TYPES}
    wanted |= {f"site.{kind}" for kind in masters.SITE_KINDS} | {f"party.{kind}" for kind in masters.PARTY_KINDS}
    wanted |= {f"process.{process}" for process in get_args(events.Transform.__annotations__["process"])}
    wanted |= {f"kind.{kind}" for kind in ("site", "party", "custody", "lot", "unit", "slip", "receipt")}
    wanted |= {f"category.{rule.category}" for rule in admission.DEFAULTS if rule.category != "*"}
    wanted |= {f"gap.{reason}" for reason in ("outside", "voided", "truncated", "no_batch", "two_claims")}
    assert wanted - known.keys() == set()
    # Steps that are nobody's business on a page of food, or that CBV has for other trades.
    other = {
        "cycle_counting", "decommissioning", "disassembling", "encoding", "entering_exiting", "installing", "killing",
        "repairing", "replacing", "reserving", "stock_taking", "void_shipping",
    }  # fmt: skip
    assert {f"step.{step}" for step in BIZ_STEPS - other} - known.keys() == set()


def test_what_is_in_no_list_is_shown_as_it_came() -> None:
    words = Words("zh")
    assert words.word("category", "pork.belly") == "猪肉"
    assert words.word("category", "新品类") == "新品类"
    assert words.word("category", None) == ""


def test_halves_of_what_is_said_in_both_languages() -> None:
    zh, en = Words("zh"), Words("en")
    assert (zh.half("中文 · English"), en.half("中文 · English")) == ("中文", "English")
    assert (zh.half("只有中文"), en.half("只有中文"), en.half(None)) == ("只有中文", "只有中文", "")


def test_regions_in_words() -> None:
    zh, en = Words("zh"), Words("en")
    assert zh.region("330122") == "浙江省杭州市桐庐县"
    assert en.region("330122") == "Tonglu County, Hangzhou, Zhejiang"
    assert zh.region_short("330122") == "杭州市桐庐县"
    assert zh.region_short("33") == "浙江省"
    assert zh.region_short("110101") == "北京市", "a district without a name is shown by what it lies in"
    assert zh.region(None) == ""
    assert zh.region("990000") == ""


def test_days() -> None:
    zh, en = Words("zh"), Words("en")
    day = date(2026, 3, 1)
    assert (zh.day(day), zh.day(day, 2026), zh.day("2025-03-01", 2026)) == ("2026年3月1日", "3月1日", "2025年3月1日")
    assert (en.day(day), en.day(day, 2026), en.day(None)) == ("1 Mar 2026", "1 Mar", "")


@pytest.mark.parametrize(
    ("asked", "header", "language"),
    [
        ("en", None, "en"),
        ("zh", "en", "zh"),
        ("x", "en", "en"),
        (None, None, "zh"),
        (None, "en-US;q=0.8, zh;q=0.7", "en"),
    ],
)
def test_the_language_is_chosen(asked: str | None, header: str | None, language: str) -> None:
    assert choose(asked, header) == language


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    whole = colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])
    channels = [int(whole[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_text_can_be_read_by_day_and_by_night() -> None:
    style = (TEMPLATES[0].parent / "style.css").read_text("utf-8")
    schemes = [
        dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root\{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 2
    day, night = schemes[0], schemes[0] | schemes[1]
    for scheme in (day, night):
        pairs = [(text, ground) for text in ("ink", "soft", "link") for ground in ("bg", "card")]
        pairs += [("good", "goodbg"), ("warn", "warnbg"), ("bad", "badbg"), ("calm", "calmbg")]
        pairs += [("ink", "badbg"), ("ink", "warnbg"), ("good", "card"), ("bad", "card"), ("warn", "card")]
        for text, ground in pairs:
            assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        assert contrast(scheme["rail"], scheme["card"]) >= 1.5
    for band in re.findall(r"--band:(#[0-9a-f]{6})", style):
        assert contrast("#fff", band) >= 4.5, band
