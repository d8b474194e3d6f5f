"""Chinese and English: which a reader gets, and the words of each."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from app.domain.regions import REGION_NAMES
from app.web.complaint_words import COMPLAINT
from app.web.negotiation import prefers_english
from app.web.paper.words import PAPER
from app.web.terms import TERMS, VOCABULARY

Language = Literal["zh", "en"]

CATALOGUES: Mapping[Language, Mapping[str, str]] = {
    "zh": {key: zh for key, (zh, _) in (TERMS | VOCABULARY | PAPER | COMPLAINT).items()},
    "en": {key: en for key, (_, en) in (TERMS | VOCABULARY | PAPER | COMPLAINT).items()},
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def choose(asked: str | None, accept_language: str | None) -> Language:
    """`?lang=` where it names one of ours, else Accept-Language by its q-values, else Chinese."""
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    return "en" if prefers_english(accept_language) else "zh"


class Words:
    """One language's words for a template."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.colon = "：" if language == "zh" else ": "
        self.list = "、" if language == "zh" else ", "
        self.comma = "，" if language == "zh" else ", "
        self.space = "" if language == "zh" else " "  # between two sentences
        self._catalogue = CATALOGUES[language]

    def t(self, key: str, **values: object) -> str:
        """The text of a key; KeyError for one that the catalogue does not have."""
        text = self._catalogue[key]
        return text.format(**values) if values else text

    def best(self, *keys: str) -> str:
        """The text of the first key that there is; KeyError where there is none."""
        return self._catalogue[next((key for key in keys if key in self._catalogue), keys[-1])]

    def word(self, family: str, value: str | None) -> str:
        """A word of a closed list ("pork.belly" as "pork"); one that is not in the catalogue is shown as it came."""
        if value is None:
            return ""
        whole = value
        while value:
            if (key := f"{family}.{value}") in self._catalogue:
                return self._catalogue[key]
            value = value.rpartition(".")[0]
        return whole

    def half(self, detail: str | None) -> str:
        """Our half of "中文 · English"; the whole of what stands in one language only."""
        chinese, _, english = (detail or "").partition(" · ")
        return (english or chinese) if self.language == "en" else chinese

    def region(self, code: str | None) -> str:
        """GB/T 2260 in words, from the province down in Chinese, from the district up in English."""
        return self._named(code or "", (2, 4, 6))

    def _named(self, code: str, sizes: tuple[int, ...]) -> str:
        names = [REGION_NAMES[part] for part in (code[:size] for size in sizes) if part in REGION_NAMES]
        if self.language == "zh":
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
        if self.language == "zh":
            return f"{'' if day.year == this_year else f'{day.year}年'}{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]}{'' if day.year == this_year else f' {day.year}'}"

    def moment(self, value: datetime, this_year: int | None = None) -> str:
        """Day and time as the clock on the spot showed them."""
        return f"{self.day(value.date(), this_year)} {value:%H:%M}"
