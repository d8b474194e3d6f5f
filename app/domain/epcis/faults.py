"""What is wrong with a document, and the one pass over all of it that makes the rest safe to read."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, cast

from app.domain.epcis.event_hash import MAX_DEPTH
from app.domain.epcis.values import printable

Severity = Literal["refusal", "flag"]


class Repeating(dict[str, Any]):
    """An object in whose text a name stood twice. The last counts, as with every common reader of JSON (RFC 8259 §4
    leaves it open); that there was another is flagged."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)


MAX_VALUES: Final = 2_000_000
"""Values (objects, lists, texts, numbers) in one document."""
MAX_TEXT: Final = 100_000
"""Characters in one text or name."""
MAX_REFUSALS: Final = 100
"""Refusals listed; a document with more is refused all the same."""
_MAX_BITS = 1_023
# What every reader of JSON can take: the range of a double, written out in full by PostgreSQL.
_MAX_EXPONENT = 307
_MAX_DIGITS = 400
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong at `pointer` (RFC 6901, "" for the whole). A refusal keeps the document (or event) out, a flag is
    recorded with it. `detail` reads "中文 · English"."""

    pointer: str
    slug: str
    detail: str
    severity: Severity = "refusal"


class Faults:
    """Faults in the order they were found."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self._refusals = 0

    def refuse(self, pointer: str, slug: str, zh: str, en: str) -> None:
        self._refusals += 1
        if self._refusals <= MAX_REFUSALS:
            self.found.append(Fault(pointer, slug, f"{zh} · {en}"))

    def flag(self, pointer: str, slug: str, zh: str, en: str) -> None:
        self.found.append(Fault(pointer, slug, f"{zh} · {en}", "flag"))

    @property
    def refused(self) -> bool:
        return self._refusals > 0


def at(pointer: str, name: str | int) -> str:
    """The pointer to a member or item below `pointer`."""
    if isinstance(name, str) and ("~" in name or "/" in name):
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{name}"


def shown(value: object) -> str:
    """The beginning of a value, to show to a person. Never runs into deep or long values."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = value if isinstance(value, str) else repr(value)
    return printable(text if len(text) <= 80 else text[:79] + "…")


def readable(value: object, pointer: str, faults: Faults) -> bool:
    """Whether a parsed JSON value can be read, hashed and stored at all: not too deep, big or long, only finite numbers
    and Unicode text without NUL (no database takes it). Refuses at the first thing that cannot."""
    if _ordinary(value):
        return True
    levels: list[Iterator[tuple[str, object]]] = [iter([(pointer, value)])]
    seen = 0
    while levels:
        for where, item in levels[-1]:
            seen += 1
            fault = _unreadable(item)
            if fault is None and len(levels) > MAX_DEPTH:
                fault = "too-deep", f"嵌套超过{MAX_DEPTH}层", f"nested deeper than {MAX_DEPTH} levels"
            if fault is None and seen > MAX_VALUES:
                fault = "too-many", f"数据项超过{MAX_VALUES}个", f"more than {MAX_VALUES} values"
            if fault is not None:
                faults.refuse(where, *fault)
                return False
            if isinstance(item, dict):
                if isinstance(item, Repeating):
                    name = shown(item.twice)
                    faults.flag(
                        where, "repeated-name", f"“{name}”出现两次，以后者为准", f"{name} stands twice: the last counts"
                    )
                levels.append(_members(where, item))
                break
            if isinstance(item, list):
                levels.append(_items(where, item))
                break
        else:
            levels.pop()
    return True


def _ordinary(value: object) -> bool:
    """Whether a value is surely readable, and nothing in it is to be flagged: a fourth of the time that it takes to
    know where it is not."""
    seen, level = 0, [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            kind = type(item)
            if kind is str:
                text = cast(str, item)
                if len(text) > MAX_TEXT or "\0" in text or not (text.isascii() or not _NO_TEXT.search(text)):
                    return False
            elif kind is dict:
                below += cast(dict[str, object], item)
                below += cast(dict[str, object], item).values()
            elif kind is list:
                below += cast(list[object], item)
            elif kind is float:
                if not math.isfinite(cast(float, item)):
                    return False
            elif kind is int:
                if cast(int, item).bit_length() > _MAX_BITS:
                    return False
            elif item is not None and kind is not bool:
                return False
        seen += len(level)
        if not below:
            return True
        if seen + len(below) > MAX_VALUES:
            return False
        level = below
    return False


def _members(pointer: str, value: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, item in value.items():
        yield pointer, name
        yield at(pointer, name), item


def _items(pointer: str, value: list[object]) -> Iterator[tuple[str, object]]:
    return ((at(pointer, i), item) for i, item in enumerate(value))


def _absurd(value: Decimal) -> bool:
    return abs(value.adjusted()) > _MAX_EXPONENT or len(value.as_tuple().digits) > _MAX_DIGITS


def _unreadable(value: object) -> tuple[str, str, str] | None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            return "too-long", f"文本超过{MAX_TEXT}个字符", f"a text of more than {MAX_TEXT} characters"
        if _NO_TEXT.search(value):
            return "malformed-text", "文本含空字符或半个代理字符", "a text with a NUL or half a surrogate pair"
        return None
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return "malformed-number", f"{value} 不是有限数", f"{value} is not a finite number"
    if isinstance(value, Decimal) and _absurd(value):
        return "malformed-number", "数字过大、过小或位数过多", "a number of absurd size or with too many digits"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "malformed-number", "整数过大", "an integer of absurd size"
    return None
