"""One parameter of a query as it was given, and its values as the types that parameters have (EPCIS 2.0 §8.2.7.1)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

from app.domain.epcis.context import Context
from app.domain.epcis.exceptions import QueryParameterException
from app.domain.epcis.faults import shown
from app.domain.epcis.query_fields import date_of, normal, number_of, time_of

MAX_TEXT = 2_048
"""Characters in one value or name."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_URI = re.compile("[A-Za-z][A-Za-z0-9+.-]*:.", re.ASCII)
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)


def refused(name: str, zh: str, en: str) -> QueryParameterException:
    """The parameter of this name cannot be taken."""
    return QueryParameterException(f"参数 {shown(name)}：{zh} · Parameter {shown(name)}: {en}", parameter=name)


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter with its values, strings or JSON scalars; context: what the query declares."""

    name: str
    values: tuple[object, ...]
    context: Context

    def refused(self, zh: str, en: str) -> QueryParameterException:
        return refused(self.name, zh, en)

    def texts(self) -> list[str]:
        """At least one text that is not empty."""
        found: list[str] = []
        for value in self.values:
            if not isinstance(value, str):
                raise self.refused(f"应为文本：{shown(value)}", f"should be a text: {shown(value)}")
            if text := readable(self.name, value).strip():
                found.append(text)
        if not found:
            raise self.refused("缺少取值", "has no value")
        return found

    def text(self) -> str:
        texts = self.texts()
        if len(texts) > 1:
            raise self.refused("只能给一次，取一个值", "is given once, with one value")
        return texts[0]

    def uris(self) -> list[str]:
        texts = self.texts()
        for text in texts:
            if not _URI.match(text):
                raise self.refused(f"应为URI：{shown(text)}", f"should be a URI: {shown(text)}")
        return texts

    def normals(self) -> frozenset[str]:
        """Texts, numbers or booleans in the form in which values are compared."""
        scalars = [value for value in self.values if not isinstance(value, str)]
        found = {normal(value, self.context) for value in scalars if isinstance(value, bool) or self._number(value)}
        if not scalars or len(scalars) < len(self.values):
            texts = Given(self.name, tuple(value for value in self.values if isinstance(value, str)), self.context)
            found |= {normal(text, self.context) for text in texts.texts()}
        return frozenset(found)

    def time(self) -> datetime:
        """To milliseconds, as the times in events are read."""
        text = self._written()
        time = time_of(text)
        if time is None:
            raise self.refused(
                f"应为带时区的时间，如 2024-05-01T08:30:00+08:00：{shown(text)}",
                f"should be a time with its UTC offset such as 2024-05-01T08:30:00+08:00: {shown(text)}",
            )
        return time

    def instant(self) -> datetime:
        """To microseconds, as events are recorded."""
        self.time()
        return datetime.fromisoformat(self._written().upper()).astimezone(UTC)

    def _written(self) -> str:
        # In a URL an unescaped plus sign reads as a blank.
        return self.text().replace(" ", "+")

    def numbers(self) -> list[Fraction]:
        """At least one number."""
        if not self.values:
            raise self.refused("缺少取值", "has no value")
        return [self._number(value) for value in self.values]

    def number(self) -> Fraction:
        numbers = self.numbers()
        if len(numbers) > 1:
            raise self.refused("只能给一次，取一个值", "is given once, with one value")
        return numbers[0]

    def _number(self, value: object) -> Fraction:
        number = number_of(value)
        if number is None:
            raise self.refused(f"应为数字：{shown(value)}", f"should be a number: {shown(value)}")
        return number

    def bound(self) -> Fraction | date:
        """A number, a day, or else a time."""
        if len(self.values) == 1:
            if (number := number_of(self.values[0])) is not None:
                return number
            if (day := date_of(self.values[0])) is not None:
                return day
        if self.values and all(isinstance(value, str) for value in self.values):
            return self.time()
        return self.number()

    def count(self, least: int) -> int:
        """A whole number of events."""
        value = self.values[0] if len(self.values) == 1 else None
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _INTEGER.fullmatch(text.strip()) or int(text) < least:
            raise self.refused(
                f"应为一个不小于{least}的整数，不超过9位",
                f"should be one whole number of at most 9 digits, from {least} on",
            )
        return int(text)

    def flag(self) -> bool:
        """Whether a parameter without a value (Void) is meant to be given: every value but false and 0 says so."""
        return not any(value in (False, 0) or str(value).strip().lower() in ("false", "0") for value in self.values)

    def boolean(self) -> bool:
        value = self.values[0] if len(self.values) == 1 else None
        word = str(value).strip().lower()
        if word not in ("true", "false", "1", "0"):
            raise self.refused("应为 true 或 false", "should be true or false")
        return word in ("true", "1")


def readable(name: str, text: str) -> str:
    """A text that is neither too long nor beyond what databases take."""
    if len(text) > MAX_TEXT:
        raise refused(name, f"超过{MAX_TEXT}个字符", f"is longer than {MAX_TEXT} characters")
    if _NO_TEXT.search(text):
        raise refused(name, "含空字符或半个代理字符", "has a NUL or half a surrogate pair")
    return text
