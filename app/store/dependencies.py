"""What an answer was made from: the keys by which its statements looked things up, as the change feed names them.

Whoever asked for something that was not there depends on it as well: it may come. Events, documents and the like never
change and are not named in the feed; whatever they change is.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import event

from app.store.engine import Snapshot
from app.store.lookups import UNION

# Ids in arrays and paths, and minted codes.
_NAMES = re.compile(r"[0-9a-f]{32}|\b[SPBGT][0-9A-HJKMNP-TV-Z]{17}\b")
_NEVER_TOUCHED = re.compile(
    r'FROM "?(event|document|correction|flag|receipt|receipt_line|receipt_claim|device|inspection)\b'
)

# What is at a site or of a lot has a name of its own, see `app.domain.rows.within`.
_WITHIN = re.compile(r'site_id"? (?:=|IN)|FROM "?custody\b.*\blot_id"? (?:=|IN)', re.DOTALL)
_within = "in:{}".format
# What authorities recorded, see `app.recording.inspections`: few pages tell of it.
_RECORDED = re.compile(r'FROM "?inspection\b')
_inspected = "inspected:{}".format


@contextmanager
def depends_on(snapshot: Snapshot) -> Iterator[set[str]]:
    """The names that the statements of the block depend on; complete when the block ends."""
    names: set[str] = set()

    mark = "%s" if snapshot.dialect.name == "postgresql" else "?"

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        branches = statement.split(UNION)
        for branch in branches:
            own = parameters
            if len(branches) > 1:
                own, parameters = parameters[: branch.count(mark)], parameters[branch.count(mark) :]
            asked = list(_named(own))
            if _WITHIN.search(branch) is not None:
                names.update(map(_within, asked))
            if _RECORDED.search(branch) is not None:
                names.update(map(_inspected, asked))
            if _NEVER_TOUCHED.search(branch) is None:
                names.update(asked)

    event.listen(snapshot, "before_cursor_execute", note)
    try:
        yield names
    finally:
        event.remove(snapshot, "before_cursor_execute", note)


def _named(value: Any) -> Iterable[str]:
    if isinstance(value, bytes | memoryview):
        return (value.hex(),) if len(value) == 16 else ()
    if isinstance(value, UUID):
        return (value.hex,)
    if isinstance(value, str):
        return _NAMES.findall(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return ()
    return [name for each in value for name in _named(each)]
