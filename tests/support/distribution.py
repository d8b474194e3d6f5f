"""The rules of a sharded database, held against every statement that any test runs."""

import re
from itertools import combinations

from app.store.tables import metadata

BIG = {
    table.name: table.info["distributed_by"]
    for table in metadata.tables.values()
    if table.info["distributed_by"] not in ("replicated", "local")
}

_WORDS = "where on join inner left right full cross using set values select order group limit natural for union default"
_ITEM = rf"(?:only\s+)?(\w+)(?:\s+as\s+(\w+)|\s+(?!(?:{_WORDS.replace(' ', '|')})\b)(\w+))?"
_CLAUSE = re.compile(rf"\b(?:from|join|update|into)\s+(?={_ITEM})((?:{_ITEM}\s*,\s*)*{_ITEM})")
_NAME = re.compile(_ITEM)


def fault(statement: str) -> str | None:
    """Why a sharded database would refuse the statement or send it to every shard, or None."""
    text = " ".join(statement.lower().replace('"', "").split())
    if re.search(r"\bwith recursive\b", text):
        return "a recursive common table expression"
    # The branches of a union know nothing of each other: each is run where its rows are.
    return next((found for branch in text.split(" union all ") if (found := _joined(branch)) is not None), None)


def _joined(text: str) -> str | None:
    named: list[tuple[str, str]] = []
    for clause in _CLAUSE.finditer(text):
        for item in clause[4].split(","):
            match = _NAME.match(item.strip())
            if match is not None and match[1] in BIG:
                named.append((match[1], match[2] or match[3] or match[1]))
    for (first, first_alias), (second, second_alias) in combinations(sorted(set(named)), 2):
        left, right = rf"\b{first_alias}\.{BIG[first]}\b", rf"\b{second_alias}\.{BIG[second]}\b"
        if not re.search(rf"{left}\s*=\s*{right}|{right}\s*=\s*{left}", text):
            return f"{first} and {second} in one statement, not joined on {BIG[first]} and {BIG[second]}"
    return None
