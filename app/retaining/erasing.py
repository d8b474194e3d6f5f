"""Personal data whose time is over become hashes; they are in no archive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.recording.tasks import Step, note_step
from app.store import tables, thinning
from app.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Erase:
    """The next complaints closed before `limit`; `counts` of the run go on; `step` is how far it has come."""

    limit: datetime
    hashed: Callable[[str], str]
    counts: dict[str, Any]
    step: Callable[[], Step]


def erase(transaction: Transaction, commands: Sequence[Erase]) -> Sequence[int | None]:
    """Job: contacts become hashes; how many did, None where it is no longer this run's turn."""
    erased: list[int | None] = []
    for command in commands:
        taken = thinning.personal(transaction.connection, command.limit, command.hashed)
        number = len(taken.was[tables.complaint])
        command.counts["erased"] += number
        if not note_step(transaction, command.step()):
            erased.append(None)
            continue
        thinning.take(transaction.connection, taken)
        erased.append(number)
    return erased
