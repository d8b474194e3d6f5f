"""Whether batches have a paper, and whether their chains are complete back to the source: for thousands at once.

The lineage that a custody carries says what to read in one go; what is so, its links say. So a block of two thousand
batches takes some six statements, however many hands the goods went through.
"""

from collections.abc import Collection
from dataclasses import dataclass

from app.domain.graph import downstream
from app.store import balance, findings
from app.store.engine import Snapshot
from app.store.raw import Row


@dataclass(frozen=True, slots=True)
class Judged:
    """Of the batches asked for: those whose every way back ends at a maker on record, and those that a document speaks
    for, at their own site or at one that the same lot came through."""

    complete: set[bytes]
    papered: set[bytes]


def judge(snapshot: Snapshot, custodies: Collection[bytes]) -> Judged:
    """A source that only one side names is not closed."""
    asked = set(custodies)
    lots: dict[bytes, bytes] = {}
    ahead = set(asked)
    for key, lot, lineage in findings.lineages(snapshot, asked):
        lots[key] = lot
        ahead.update((lineage or b"")[start : start + 16] for start in range(0, len(lineage or b""), 16))
    links: list[Row] = []
    seen: set[bytes] = set()
    while ahead:
        seen |= ahead
        found = findings.ways_up(snapshot, ahead)
        links += found
        ahead = {link[0] for link in found} - seen
    gaps = set()
    for key, kind, lot, *_ in balance.hands(snapshot, list(seen)):
        lots[key] = lot
        if kind == "gap":
            gaps.add(key)
    closed = {link[1] for link in links if link[2] == "identify" and link[3] is None}
    broken = downstream(gaps - closed, links)
    spoken_for = {row[1] for row in findings.attached_to(snapshot, list(seen))}
    same_lot = [link for link in links if lots.get(link[0]) == lots.get(link[1])]
    return Judged(asked - broken, asked & downstream(spoken_for, same_lot))
