"""Personal data whose time is over become hashes; they are in no archive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.recording.tasks import Step, note_step
from app.store import erasable, tables, thinning
from app.store.writer import Transaction

# In their order: what stays of who complained, of who answered for a recall, of parties.
KINDS: Final = (
    (erasable.complaints, tables.complaint),
    (erasable.recalls, tables.recall),
    (erasable.parties, tables.party),
)


@dataclass(frozen=True, slots=True)
class Erase:
    """The next of a kind (see KINDS) that was over before `limit`; `counts` of the run go on; `step` is how far it has
    come."""

    kind: int
    after: UUID | None
    limit: datetime
    hashed: Callable[[str], str]
    counts: dict[str, Any]
    step: Callable[[], Step]


@dataclass(frozen=True, slots=True)
class Erased:
    """Where to go on; None at the end of the kind."""

    after: UUID | None


def erase(transaction: Transaction, commands: Sequence[Erase]) -> Sequence[Erased | None]:
    """Job: what is over becomes hashes; None where it is no longer this run's turn."""
    erased: list[Erased | None] = []
    for command in commands:
        read, table = KINDS[command.kind]
        page = read(transaction.connection, command.limit, command.hashed, command.after)
        command.counts["erased"] += len(page.taken.was[table])
        if not note_step(transaction, command.step()):
            erased.append(None)
            continue
        thinning.take(transaction.connection, page.taken)
        transaction.touched.update(row.id.hex for row in page.taken.was[tables.party])
        erased.append(Erased(page.after))
    return erased
