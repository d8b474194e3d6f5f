"""Records the SQL that runs, to hold a path to its budget and every statement to the rules of distribution."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass(slots=True)
class Statements:
    """What ran, in order, less the statements that begin and end transactions."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(f"{number:3} {text}" for number, text in enumerate(self.texts, 1))

    def clear(self) -> None:
        self.texts.clear()


_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SHOW", "SET ")


@contextmanager
def recorded(target: Engine | type[Engine]) -> Iterator[Statements]:
    """Listens to one engine, or with the class to every engine of the process."""
    statements = Statements()

    def note(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(_FRAME):
            statements.texts.append(statement)

    event.listen(target, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(target, "before_cursor_execute", note)
