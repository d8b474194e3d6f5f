"""Pydantic's findings as refusals: JSON pointers, and Chinese before English."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.errors import Invalid, Malformed, NotFound, Refusal

_CHINESE = {
    "missing": "缺少此项",
    "extra_forbidden": "没有这一项",
    "unexpected_keyword_argument": "没有这一项",
    "string_type": "应为文本",
    "string_too_short": "文本太短，至少 {min_length} 个字符",
    "string_too_long": "文本太长，至多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符，应匹配 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数值",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "dataclass_type": "应为对象",
    "model_attributes_type": "应为对象",
    "too_long": "项数过多，至多 {max_length} 项",
    "too_short": "项数过少，至少 {min_length} 项",
    "literal_error": "应为 {expected} 之一",
    "enum": "应为 {expected} 之一",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "date_type": "应为日期，如 2026-03-01",
    "date_parsing": "应为日期，如 2026-03-01",
    "date_from_datetime_parsing": "应为日期，如 2026-03-01",
    "date_from_datetime_inexact": "应为日期，如 2026-03-01",
    "datetime_type": "应为带时区的时间，如 2026-03-01T06:30:00+08:00",
    "datetime_parsing": "应为带时区的时间，如 2026-03-01T06:30:00+08:00",
    "datetime_from_date_parsing": "应为带时区的时间，如 2026-03-01T06:30:00+08:00",
    "timezone_aware": "时间须带时区，如 2026-03-01T06:30:00+08:00",
    "union_tag_invalid": "应为 {expected_tags} 之一",
    "union_tag_not_found": "缺少 {discriminator}",
    "json_invalid": "JSON 有误",
}


def detail(fault: Mapping[str, Any]) -> str:
    """One of pydantic's errors as "中文 · English". An error of ours already reads so."""
    message = str(fault["msg"])
    if fault["type"] == "value_error":
        return message.removeprefix("Value error, ")
    chinese = _CHINESE.get(fault["type"], "此项不符合要求")
    return f"{chinese.format_map(_Context(fault.get('ctx') or {}))} · {message}"


class _Context(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def pointer(location: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901); empty for the whole."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def faults(errors: Iterable[Mapping[str, Any]]) -> Refusal:
    """What FastAPI found in a request. A path that cannot be a name is not found, a bad query or header is malformed,
    a bad body is invalid."""
    listed = list(errors)
    places = {str(fault["loc"][0]) for fault in listed}
    if "path" in places:
        return NotFound("not-found", "没有这个编号的内容 · There is nothing of that id")
    if places & {"query", "header", "cookie"}:
        first = next(fault for fault in listed if fault["loc"][0] in ("query", "header", "cookie"))
        name = str(first["loc"][1]) if len(first["loc"]) > 1 else ""
        return Malformed("malformed", f"参数 {name}：{detail(first)}", pointer=f"?{name}")
    return invalid([(fault, fault["loc"][1:]) for fault in listed])


def invalid(found: Iterable[tuple[Mapping[str, Any], Iterable[str | int]]], prefix: str = "") -> Invalid:
    """Faults with the location of each inside the body; `prefix` is the pointer of the part that was validated."""
    errors = [(prefix + pointer(location), detail(fault)) for fault, location in found][:100]
    return Invalid(
        "invalid",
        f"内容有 {len(errors)} 处不合要求，见 errors · {len(errors)} faults in the content: see errors",
        errors=errors,
    )
