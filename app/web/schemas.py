"""Building blocks of request and answer bodies. A request's unknown fields are an error, an answer's fields are all
there."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

EARLIEST, LATEST = 2000, 2100

T = TypeVar("T")

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
DATED = re.compile(r"\d{4}-\d\d-\d\d")


class Given(BaseModel):
    """The base of what clients send."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """The base of what the service answers; read from the attributes of a row."""

    model_config = ConfigDict(from_attributes=True, frozen=True, json_schema_serialization_defaults_required=True)


def _text_only(value: Any) -> Any:
    # Left to itself pydantic takes numbers for seconds since 1970.
    if not isinstance(value, str) or not DATED.match(value):
        raise ValueError("应为文本形式的日期或时间 · a date or time is written as text")
    return value


def _in_range(value: T) -> T:
    assert isinstance(value, date)
    if not EARLIEST <= value.year <= LATEST:
        raise ValueError(f"年份应在 {EARLIEST} 至 {LATEST} 之间 · the year lies between {EARLIEST} and {LATEST}")
    return value


def printable(value: str) -> str:
    """The text as it is; ValueError where it holds control characters or such as turn the direction of writing.

    What a program's tables do not know yet is let through: names are written with ideographs of every Unicode version.
    """
    found = _UNPRINTABLE.search(value)
    if found is not None:
        name = f"U+{ord(found[0]):04X}"
        raise ValueError(f"含不可显示的字符 {name} · has the control character {name}")
    return value


def scannable(value: str) -> str:
    """As `printable`, of what may come from a scanner: the separator GS is let through, as the sign for it."""
    return printable(value.replace("\x1d", "\u241d"))


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(printable)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(printable)]
Long = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(printable)
]
# What a device's own clock says: of any year, and then taken for the nearest that can be kept. Its battery dies, and it
# is 1970; it asks what time it is all the same.
_FIRST, _LAST = datetime(EARLIEST, 1, 1, tzinfo=UTC), datetime(LATEST, 1, 1, tzinfo=UTC)
ClockTime = Annotated[
    AwareDatetime, BeforeValidator(_text_only), AfterValidator(lambda value: min(max(value, _FIRST), _LAST))
]
Day = Annotated[date, BeforeValidator(_text_only), AfterValidator(_in_range)]
Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_in_range)]


def _unset() -> Any:
    return None


def optional(**options: Any) -> Any:
    """A field of a PATCH that may be left out; `model_fields_set` tells whether it was given."""
    make: Callable[[], Any] = _unset
    return Field(default_factory=make, **options)


def given(body: BaseModel) -> dict[str, Any]:
    """What a PATCH gives, and only that, as plain values with dates as text."""
    return {name: value for name, value in plain(body).items() if name in body.model_fields_set}


def plain(body: BaseModel) -> dict[str, Any]:
    """The fields as the rows keep them: nested models as JSON, the rest as Python values."""
    inner = body.model_dump(mode="json")
    return {
        name: inner[name] if isinstance(value, BaseModel | list | tuple) else value
        for name, value in ((field, getattr(body, field)) for field in type(body).model_fields)
    }


class ExternalCode(Given):
    """A code that another system gave the same thing."""

    scheme: Short = Field(examples=["浙农码"])
    value: Short = Field(examples=["ZN330106000123"])
