"""Tracing: where goods came from and where they went (来可溯、去可追; EU 178/2002 art. 18, ISO 22005).

A trace walks the custody graph generation by generation from what a code, id or EPC names, back to sources or forward
to buyers. It is bounded in depth, width and time, says where it was cut, and hands out a cursor to go on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.domain.graph import Bounds
from app.domain.rights import Principal
from app.store import chain
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.tracing import cursors, starts
from app.tracing.answer import Trace, json_schema, to_json
from app.tracing.building import build
from app.tracing.starts import Start
from app.tracing.tree import tree_lines

__all__ = ["Direction", "Limits", "Start", "Trace", "json_schema", "markets", "to_json", "trace", "tree_lines"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one answer. depth: generations beyond the start, 1 to 1,000; nodes: at least 1; seconds: of walking."""

    depth: int = 100
    nodes: int = 10_000
    seconds: float = 10.0


def trace(
    snapshot: Snapshot,
    reader: Principal,
    start: Start,
    direction: Direction,
    *,
    now: datetime,
    secret: bytes,
    limits: Limits = Limits(),
    cursor: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Trace:
    """The chain of what `start` names, as far as `limits` go, as `reader` may see it.

    `back` goes to parents, `forward` to children. `cursor` is the `next` of an earlier answer to the same question and
    goes on after it. A walk cut by depth goes as many generations deeper with each answer. `secret`: the master that
    receipts are signed with. Raises Malformed (a mistyped code or EPC, a bad cursor), NotFound, Forbidden,
    Invalid.

    A hold on goods that were mixed in on the way is found as well: a node's state is that of all it came from.
    """
    began = clock()
    question = f"{direction} {start.question}"
    position = cursors.decode(cursor, question) if cursor is not None else None
    roots = starts.find(snapshot, reader, start, secret, direction)
    way = chain.follow(
        snapshot,
        roots.keys,
        direction,
        Bounds(limits.depth, limits.nodes),
        position,
        lambda: clock() - began > limits.seconds,
    )
    going_on = cursors.encode(way.next, question) if way.next is not None else None
    found = build(
        snapshot, reader, way, direction, now, roots.cut or way.next is not None, going_on, whole=position is None
    )
    return found if roots.begun is None else msgspec.structs.replace(found, start=roots.begun)


def markets(snapshot: Snapshot, found: Trace) -> dict[str, str]:
    """Code of each site of a trace → its market, by whatever names it."""
    codes = {node.site.code for node in found.nodes if node.site is not None and node.site.code is not None}
    return {code: path[:32] for code, path in chain.paths(snapshot, codes)}
