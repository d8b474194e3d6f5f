"""The words of a page in every language that there is a catalogue of; and which language a reader gets.

`catalogues/zh.po` is the source: every text in Chinese, under a key (its context). Any other `catalogues/LANGUAGE.po`,
named by its BCP 47 tag, is a translation, found as gettext finds it, by key and Chinese text: what is not translated,
or was from another Chinese text than today's, is said in English, else in Chinese. A new language is one file more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import TypeAlias

from babel import Locale, UnknownLocaleError
from babel.messages import Message
from babel.messages.pofile import PoFileError, read_po

from app.domain.regions import REGION_NAMES
from app.web.negotiation import spoken

Language: TypeAlias = str  # a key of CATALOGUES

SOURCE, SECOND = "zh", "en"
DIRECTORY = Path(__file__).parent / "catalogues"
# What a text may fill in although the Chinese does not: how a day is written differs.
GIVEN = {"date": {"day", "month", "name", "year"}, "date.short": {"day", "month", "name"}}


class CatalogueError(ValueError):
    """A catalogue that cannot be used; says which and why."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of a language by key, and its names of the months (CLDR, short)."""

    language: Language
    texts: Mapping[str, str]
    months: Mapping[int, str]

    @property
    def tag(self) -> str:
        """As HTML and HTTP name it."""
        return "zh-CN" if self.language == SOURCE else self.language

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self.texts["language"]


def load(paths: Iterable[Path]) -> dict[Language, Catalogue]:
    """The catalogues in these files, Chinese and English first. Raises CatalogueError."""
    files = {path.stem.replace("_", "-"): path for path in paths}
    source = {key: str(message.id) for key, message in _messages(files.pop(SOURCE))}
    found = {SOURCE: Catalogue(SOURCE, source, _months(SOURCE))}
    english = _translated(files.pop(SECOND), source)
    found[SECOND] = Catalogue(SECOND, {**source, **english}, _months(SECOND))
    for language, path in sorted(files.items()):
        try:
            name = Locale.parse(language, sep="-").get_display_name() or language
        except (UnknownLocaleError, ValueError) as error:
            raise CatalogueError(f"{path.name}: {error}") from error
        own = {"language": name} | _translated(path, source)
        found[language] = Catalogue(language, {**source, **english, **own}, _months(language))
    return found


def _translated(path: Path, source: Mapping[str, str]) -> dict[str, str]:
    """What the file says of texts that are the source's of today."""
    found = {}
    for key, message in _messages(path):
        if not message.string or message.fuzzy or source.get(key) != message.id:
            continue
        text = str(message.string)
        if surplus := _fields(text) - GIVEN.get(key, _fields(str(message.id))):
            raise CatalogueError(f"{path.name}: {key} fills in {', '.join(sorted(surplus))}, which is not there")
        found[key] = text
    return found


def _messages(path: Path) -> Iterator[tuple[str, Message]]:
    try:
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                if message.context:
                    yield message.context, message
    except (PoFileError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path.name}: {error}") from error


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _months(language: Language) -> Mapping[int, str]:
    names: Mapping[int, str] = Locale.parse(language, sep="-").months["format"]["abbreviated"]
    return dict(names)


CATALOGUES: dict[Language, Catalogue] = load(DIRECTORY.glob("*.po"))


def choose(asked: str | None, accept_language: str | None) -> Language:
    """`?lang=` where it names one of ours, else Accept-Language by its q-values, else Chinese."""
    return asked if asked in CATALOGUES else spoken(accept_language, CATALOGUES)


def tag_of(language: Language) -> str:
    """As HTML and Content-Language name it."""
    return CATALOGUES[language].tag


class Words:
    """One language's words for a template."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._of = CATALOGUES[language]
        self._texts = self._of.texts
        self.tag = self._of.tag
        self.colon = self._texts["mark.colon"]
        self.list = self._texts["mark.list"]
        self.comma = self._texts["mark.comma"]
        self.space = self._texts["mark.sentences"].format(one="", other="")  # between two sentences

    @property
    def others(self) -> list[Catalogue]:
        """The languages that the page can be had in as well."""
        return [catalogue for language, catalogue in CATALOGUES.items() if language != self.language]

    def t(self, key: str, **values: object) -> str:
        """The text of a key; KeyError for one that the catalogue does not have."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self._texts

    def best(self, *keys: str) -> str:
        """The text of the first key that there is; KeyError where there is none."""
        return self._texts[next((key for key in keys if key in self._texts), keys[-1])]

    def word(self, family: str, value: str | None) -> str:
        """A word of a closed list ("pork.belly" as "pork"); one that is not in the catalogue is shown as it came."""
        if value is None:
            return ""
        whole = value
        while value:
            if (key := f"{family}.{value}") in self._texts:
                return self._texts[key]
            value = value.rpartition(".")[0]
        return whole

    def half(self, detail: str | None) -> str:
        """Our half of "中文 · English"; the whole of what stands in one language only."""
        chinese, _, english = (detail or "").partition(" · ")
        return chinese if self.language == SOURCE else (english or chinese)

    def region(self, code: str | None) -> str:
        """GB/T 2260 in words, from the province down in Chinese, from the district up in other languages."""
        return self._named(code or "", (2, 4, 6))

    def _named(self, code: str, sizes: tuple[int, ...]) -> str:
        names = [REGION_NAMES[part] for part in (code[:size] for size in sizes) if part in REGION_NAMES]
        if self.language == SOURCE:
            return "".join(zh for zh, _ in dict.fromkeys(names))
        return ", ".join(en for _, en in reversed(list(dict.fromkeys(names))))

    def region_short(self, code: str | None) -> str:
        """Without the province, where more is known."""
        return self.region(code) if len(code or "") < 4 else self._named(code or "", (4, 6)) or self.region(code)

    def day(self, value: date | str | None, this_year: int | None = None) -> str:
        """A date, without the year where that is this one."""
        if value is None:
            return ""
        day = date.fromisoformat(value) if isinstance(value, str) else value
        return _day(self.language, day, day.year == this_year)

    def moment(self, value: datetime, this_year: int | None = None) -> str:
        """Day and time as the clock on the spot showed them."""
        return f"{self.day(value.date(), this_year)} {value.hour:02}:{value.minute:02}"


@lru_cache(maxsize=5_000)
def _day(language: Language, day: date, short: bool) -> str:
    of = CATALOGUES[language]
    key = "date.short" if short else "date"
    return of.texts[key].format(day=day.day, month=day.month, name=of.months[day.month], year=day.year)
