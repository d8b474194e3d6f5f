"""The way back from a complaint, in one answer: batches, who supplied them, where they came from, what was tested."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from app.domain.errors import NotFound
from app.domain.rights import Principal
from app.enrolling.looks import Look
from app.store.engine import Snapshot
from app.tracing import Limits, Start, Trace, trace
from app.tracing.looks import at_gaps

STARTS = 20  # batches or lots of one complaint that are followed
NODES = 500  # on each way

Found = dict[str, Any]


def way_back(
    snapshot: Snapshot,
    reader: Principal,
    custody_ids: Sequence[str],
    lot_ids: Sequence[str],
    *,
    now: datetime,
    secret: bytes,
) -> tuple[Found, list[Look]]:
    """{"batches": what was complained of, "suppliers": one step back, "sources": where nothing earlier is known,
    "unknown": the papers of sources outside of the system, "tests": on the way, "truncated"}, each batch, supplier and
    source as a node of a trace. A complaint of a lot leads from all of its batches, and one of
    goods whose records are no longer kept leads nowhere. Beside it, what it shows of natural persons."""
    starts = [Start("custody", key) for key in custody_ids] or [Start("lot", key) for key in lot_ids]
    ways = []
    for start in starts[:STARTS]:
        with suppress(NotFound):
            ways.append(trace(snapshot, reader, start, "back", now=now, secret=secret, limits=Limits(nodes=NODES)))
    found = {
        "batches": _once(node for way in ways for node in way.nodes if node.depth == 0),
        "suppliers": _once(node for way in ways for node in way.nodes if node.depth == 1 and node.kind == "custody"),
        "sources": _once(node for way in ways for node in _sources(way)),
        "unknown": _once(gap for way in ways for gap in way.gaps),
        "tests": _once(test for way in ways for test in way.tests),
        "truncated": len(starts) > STARTS or any(way.truncated for way in ways),
    }
    return found, [look for way in ways for look in at_gaps(way)]


def _sources(way: Trace) -> Iterable[Any]:
    """The custodies that come out of nothing on record, or out of a gap."""
    gaps = {node.id for node in way.nodes if node.kind == "gap"}
    come = {link.child_id for link in way.links if link.parent_id not in gaps}
    return [node for node in way.nodes if node.kind == "custody" and node.id not in come]


def _once(listed: Iterable[Any]) -> list[Any]:
    """As plain values, each once."""
    found = {msgspec.json.encode(each): each for each in listed}
    return [msgspec.to_builtins(each) for each in found.values()]
