"""Whether a document's `@context` may be taken."""

import json
from collections.abc import Collection
from typing import Any, Final

from app.domain.epcis import fields as f
from app.domain.epcis.context import is_standards
from app.domain.epcis.faults import Faults, at, shown

MAX_CONTEXT: Final = 20_000
"""Characters of JSON that a context has beside the standard's: every event of the document is kept with it."""


def check_context(value: Any, pointer: str, faults: Faults, terms: Collection[str]) -> None:
    """The `@context`: addresses and objects of names. `terms`: the standard's, which mean what they mean."""
    seen: set[str] = set()
    parts = value if isinstance(value, list) else [value]
    written = [json.dumps(part, ensure_ascii=False, sort_keys=True, default=str) for part in parts]
    if sum(map(len, written)) > MAX_CONTEXT:
        faults.refuse(
            pointer,
            "too-long",
            f"@context 超过{MAX_CONTEXT}个字符，请只声明用到的前缀",
            f"a context of more than {MAX_CONTEXT} characters: declare the prefixes that are used alone",
        )
        return
    for i, part in enumerate(parts):
        place = at(pointer, i) if isinstance(value, list) else pointer
        if isinstance(part, dict):
            for name, meaning in part.items():
                wrong = ":" not in meaning if isinstance(meaning, str) else not isinstance(meaning, dict | None)
                if wrong and not name.startswith("@"):
                    _bad_context(at(place, name), faults)
                elif name in terms:
                    faults.refuse(
                        at(place, name),
                        "malformed-context",
                        f"标准字段“{name}”不能另作定义",
                        f"the standard's field {name} cannot be given another meaning",
                    )
        elif not isinstance(part, str) or not f.is_uri(part):
            _bad_context(place, faults)
        elif not is_standards(part):
            faults.refuse(
                place,
                "unknown-context",
                f"不读取网络上的 context，不知道它定义了什么：{shown(part)}；请改为在文档中声明所用前缀",
                f"no context is fetched, so what it defines is not known here: {shown(part)}; declare the prefixes "
                "that you use in the document instead",
            )
        if written[i] in seen:
            f.repeated(part, place, faults)
        seen.add(written[i])


def _bad_context(pointer: str, faults: Faults) -> None:
    faults.refuse(
        pointer,
        "malformed-context",
        "@context 的每一项应为网址，或前缀与命名空间的对象",
        "each part of @context is an address, or an object of prefixes and their namespaces",
    )
