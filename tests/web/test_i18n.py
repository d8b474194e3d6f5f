"""Both languages are whole, and what the templates say is in them."""

import ast
import json
import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po
from httpx2 import Client

from app.domain import admission, events, masters
from app.domain.epcis.vocabulary import BIZ_STEPS
from app.scanning import STATUSES
from app.web import i18n, pages
from app.web.i18n import CATALOGUES, Words, choose
from app.web.service import Service
from tests.support.cast import Cast

WEB = Path(pages.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
CHINESE, ENGLISH = CATALOGUES["zh"].texts, CATALOGUES["en"].texts
SAID = re.compile(r"""\b(?:t|best|word)\(\s*"([a-z_0-9.]+)"(\s*~)?""")


def test_english_is_whole_and_of_the_chinese_of_today() -> None:
    assert ENGLISH.keys() == CHINESE.keys()
    for path in i18n.DIRECTORY.glob("*.po"):
        with path.open("rb") as file:
            messages = [message for message in read_po(file) if message.context]
        assert len({message.context for message in messages}) == len(messages), "a key stands once"
    for message in messages_of("en"):
        assert message.id == CHINESE[str(message.context)], f"{message.context}: the Chinese has changed"
        assert message.string, message.context
        assert not message.fuzzy, message.context
    assert {str(message.context) for message in messages_of("en")} == CHINESE.keys()


def messages_of(language: str) -> list[Message]:
    with (i18n.DIRECTORY / f"{language}.po").open("rb") as file:
        return [message for message in read_po(file) if message.context]


def test_both_languages_fill_in_the_same_values() -> None:
    for key, zh in CHINESE.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (zh, ENGLISH[key])]
        assert fields[0] == fields[1] or key in i18n.GIVEN, key


def test_chinese_is_chinese_and_english_is_english() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, zh in CHINESE.items():
        bare = re.sub(r"\{\w+\}", "", zh)
        assert chinese.search(bare) or not re.search(r"[A-Za-z]", bare), key
        assert not chinese.search(ENGLISH[key]), key


def test_words_stand_in_the_catalogues_alone() -> None:
    """A table of Chinese and English pairs in a module is a catalogue that nobody reads."""
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            values = node.values if isinstance(node, ast.Dict) else []
            pairs = [value for value in values if isinstance(value, ast.Tuple) and len(value.elts) == 2]
            assert len(pairs) < 8, f"{path}: put these into catalogues/zh.po and en.po"


# --- a third language ---


def written(path: Path, *entries: tuple[str, str, str], flags: str = "") -> Path:
    """A catalogue of (key, Chinese, translation)."""
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    texts = [f"\n{flags}msgctxt {quoted(a)}\nmsgid {quoted(b)}\nmsgstr {quoted(c)}\n" for a, b, c in entries]
    path.write_text(head + "".join(texts), "utf-8")
    return path


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def with_third(path: Path) -> i18n.Catalogue:
    known = i18n.load([*i18n.DIRECTORY.glob("*.po"), path])
    assert list(known) == ["zh", "en", path.stem]
    return known[path.stem]


def test_one_file_more_is_one_language_more(tmp_path: Path) -> None:
    german = with_third(written(tmp_path / "de.po", ("status.held", "暂停销售", "Nicht im Verkauf")))
    assert (german.name, german.tag, german.months[5]) == ("Deutsch", "de", "Mai")
    assert german.texts["status.held"] == "Nicht im Verkauf"
    assert german.texts["status.recalled"] == "Recalled", "what is not translated is said in English"
    assert german.texts.keys() == CHINESE.keys()


def test_a_translation_of_another_text_or_a_doubtful_one_does_not_count(tmp_path: Path) -> None:
    stale = with_third(written(tmp_path / "de.po", ("status.held", "停售", "Nicht im Verkauf")))
    fuzzy = with_third(written(tmp_path / "de.po", ("status.held", "暂停销售", "Nicht im Verkauf"), flags="#, fuzzy\n"))
    assert stale.texts["status.held"] == fuzzy.texts["status.held"] == "Off sale"


def test_what_english_lacks_is_said_in_chinese(tmp_path: Path) -> None:
    paths = [i18n.DIRECTORY / "zh.po", written(tmp_path / "en.po", ("brand", "一码", "OneCode"))]
    assert i18n.load(paths)["en"].texts["status.held"] == "暂停销售"


def test_a_catalogue_that_would_break_a_page_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(i18n.CatalogueError, match=r"de\.po: count\.batches fills in number"):
        with_third(written(tmp_path / "de.po", ("count.batches", "{n} 批", "{number} Lose")))
    (tmp_path / "de.po").write_text("This is no catalogue.", "utf-8")
    with pytest.raises(i18n.CatalogueError, match=r"de\.po: "):
        with_third(tmp_path / "de.po")
    with pytest.raises(i18n.CatalogueError, match=r"klingonisch"):
        with_third(written(tmp_path / "klingonisch.po"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_third_language_is_served(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch, cast: Cast, service: Service
) -> None:
    german = written(
        tmp_path / "de.po",
        ("status.ok.site", "登记在册", "Registriert"),
        ("date.short", "{month}月{day}日", "{day}. {name}"),
    )
    monkeypatch.setitem(i18n.CATALOGUES, "de", with_third(german))
    code = cast.stall.site["code"]
    for query, language in (("?lang=de", "zh"), ("", "de-AT, en;q=0.9")):
        headers = {"Accept": "text/html", "Accept-Language": language}
        page = client.get(f"/c/{code}{query}", headers=headers)
        assert page.headers["content-language"] == "de"
        assert '<html lang="de">' in page.text
        assert "Registriert" in page.text
        assert "The trader is registered" in page.text
        assert re.findall(r'href="\?lang=(\w+)" hreflang="([\w-]+)"', page.text) == [("zh", "zh-CN"), ("en", "en")]
    page = client.get(f"/c/{code}?lang=zh", headers={"Accept": "text/html"})
    assert '<a href="?lang=de" hreflang="de" lang="de">Deutsch</a>' in page.text
    service.scans.forget_all()  # pages in a language that the next test does not have


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_is_in_the_catalogue(template: Path) -> None:
    source = template.read_text("utf-8")
    for key, built in SAID.findall(source):
        if built or f'word("{key}"' in source:
            assert any(known.startswith(key) for known in CHINESE), key
        else:
            assert key in CHINESE, key
    # Nothing is said past the catalogue.
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"\{[%{].*?[%}]\}", "", source))


def test_every_word_of_the_closed_lists_has_both_languages() -> None:
    known = CHINESE
    wanted = {f"status.{status}" for status in STATUSES} | {f"means.{status}" for status in STATUSES}
    wanted |= {f"document.{kind}" for kind in admission.DOCUMENT_TYPES}
    wanted |= {f"site.{kind}" for kind in masters.SITE_KINDS} | {f"party.{kind}" for kind in masters.PARTY_KINDS}
    wanted |= {f"process.{process}" for process in get_args(events.Transform.__annotations__["process"])}
    wanted |= {f"kind.{kind}" for kind in ("site", "party", "custody", "lot", "unit", "slip", "receipt")}
    wanted |= {f"category.{rule.category}" for rule in admission.DEFAULTS if rule.category != "*"}
    wanted |= {f"gap.{reason}" for reason in ("outside", "voided", "truncated", "no_batch", "two_claims", "archived")}
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
        (None, "zh-Hant-HK", "zh"),
        (None, "en, zh", "zh"),
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
