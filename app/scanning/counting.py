"""How often codes are scanned: noted in batches, after the answers have gone out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.domain.copies import BURST, Seen
from app.scanning.copies import judge
from app.store import scans as store
from app.store.engine import Snapshot
from app.store.writer import Transaction


class Scans(msgspec.Struct, frozen=True):
    """How often a code was scanned, and when first; 0 and None where it never was."""

    count: int
    first_time: datetime | None


NEVER = Scans(0, None)


@dataclass(frozen=True, slots=True)
class NoteScans:
    """What one process has counted between two instants, by code."""

    counts: Mapping[str, int]
    begun: datetime
    ended: datetime
    seen: Sequence[Seen] = ()  # of units


def note_scans(transaction: Transaction, commands: Sequence[NoteScans]) -> Sequence[Mapping[str, Scans]]:
    """Job: adds up what was counted and raises what is doubtful; each command hears how often its codes were scanned by
    now, but for receipts, whose count is read with the sale. Touches nothing that the feed tells: a count is told as of
    up to a minute ago."""
    added: Counter[str] = Counter()
    for command in commands:
        store.add(transaction.connection, command.counts, min(command.begun, command.ended), command.ended)
        added.update(command.counts)
    now = store.counted(transaction.connection, added, store.but_receipts(BURST))
    judge(transaction, [each for command in commands for each in command.seen], added, now)
    return [{code: Scans(*now[code][:2]) for code in command.counts if code in now} for command in commands]


def read_scans(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, Scans]:
    """How often each was scanned, as far as that is written; NEVER for those that were not."""
    wanted = list(codes)
    found = store.counted(snapshot, wanted)
    return {code: Scans(*found[code][:2]) if code in found else NEVER for code in wanted}
