"""How often codes are scanned: noted in batches, after the answers have gone out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.copies import Seen
from app.scanning.copies import judge
from app.store import scans as store
from app.store.engine import Snapshot
from app.store.scans import ScanCount
from app.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Scans:
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
    now. Touches nothing that the feed tells: a count is told as of up to a minute ago."""
    added: dict[str, ScanCount] = {}
    for command in commands:
        hour = store.hour_of(command.ended)
        for code, n in command.counts.items():
            before = added.get(code)
            if before is not None:
                n += before.count
            begun = min(before.first_time if before else command.begun, command.begun, command.ended)
            added[code] = ScanCount(code, n, begun, command.ended, hour, n)
    store.add(transaction.connection, added.values())
    seen = [each for command in commands for each in command.seen]
    judge(transaction, seen, {code: row.count for code, row in added.items()})
    now = read_scans(transaction.connection, added)
    return [{code: now[code] for code in command.counts} for command in commands]


def read_scans(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, Scans]:
    """How often each was scanned, as far as that is written; NEVER for those that were not."""
    wanted = list(codes)
    found = store.counted(snapshot, wanted)
    return {code: Scans(*found[code]) if code in found else NEVER for code in wanted}
