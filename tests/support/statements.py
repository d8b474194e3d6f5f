"""Records the SQL that runs, to hold a path to its budget and every statement to the rules of distribution."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass(slots=True)
class Statements:
    """What ran, in order, less the statements that begin and end transactions and those of threads that look when they
    like; `ran`: (thread, statement)."""

    ran: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ran)

    def __str__(self) -> str:
        return "\n".join(f"{number:3} {text}" for number, text in enumerate(self.texts, 1))

    def clear(self) -> None:
        self.ran.clear()

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.ran]

    @property
    def read(self) -> list[str]:
        """Those that whoever asked had to wait for: a process's own threads run beside them."""
        return [text for thread, text in self.ran if thread.partition("_")[0] not in _BESIDE]


# The feed is looked at ten times a second, and where nobody has looked yet in words that do not name it.
_IDLE = ("feed", "recalls", "publisher", "capturer", "subscriptions", "outbox")
_BESIDE = ("writer", "sweeper", *_IDLE)
_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SHOW", "SET ")


@contextmanager
def recorded(target: Engine | type[Engine]) -> Iterator[Statements]:
    """Listens to one engine, or with the class to every engine of the process."""
    statements = Statements()

    def note(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        thread = threading.current_thread().name
        if thread.partition("_")[0] not in _IDLE and not statement.lstrip().upper().startswith(_FRAME):
            statements.ran.append((thread, statement))

    event.listen(target, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(target, "before_cursor_execute", note)
