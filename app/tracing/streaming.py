"""A whole chain in parts, however long it is: nothing is walked twice, and of what was told only the ids are kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.domain import codes
from app.domain.graph import Bounds, pages
from app.domain.rights import Principal
from app.store import chain, raw
from app.store.chain import Direction
from app.store.engine import Database, Snapshot, reading
from app.store.raw import Row
from app.tracing import cursors, starts
from app.tracing.answer import Amount, Trace
from app.tracing.building import build
from app.tracing.starts import Start
from app.tracing.texts import Amounts, Epochs, Ids

PAGE = 2_000  # nodes
SELLING = 100  # custodies whose sales are read together


@dataclass(frozen=True, slots=True)
class Sold:
    """A line of a scale's sale of a node's goods, with its receipt's code and site; `time` by the scale's clock."""

    node_id: str
    receipt_code: str
    line: int
    time: datetime
    site_id: str
    value: str
    unit: str
    quantity: Amount


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a chain: a trace whose events no earlier piece has told, and what its nodes were sold by."""

    trace: Trace
    sold: Iterator[Sold]


def stream(
    database: Database,
    reader: Principal,
    start: Start,
    direction: Direction,
    *,
    now: datetime,
    secret: bytes,
    depth: int = 1000,
    cursor: str | None = None,
    size: int = PAGE,
    looked: Callable[[Trace], None] = lambda _: None,
) -> Iterator[Piece]:
    """The chain of `start` piece by piece, in the order of `trace`; each piece's `next` goes on after it, here
    or there.

    Every piece is read in a snapshot of its own, so that whoever reads slowly holds no connection: what is recorded
    meanwhile may be in it. `start` is in the first alone. `looked` is called with each before it is
    told. Raises as `trace` does, before the first.
    """
    question = f"{direction} {start.question}"
    position = cursors.decode(cursor, question) if cursor is not None else None
    with reading(database) as snapshot:
        roots = starts.find(snapshot, reader, start, secret, direction)

    def expand(keys: list[bytes]) -> list[Row]:
        with reading(database) as snapshot:
            return chain.ahead(snapshot, keys, direction)

    told: set[str] = set()
    begun = roots.begun
    ways = pages(roots.keys, expand, chain.FAR[direction], Bounds(depth, size), position, raw.CHUNK)
    for way in ways:
        going_on = cursors.encode(way.next, question) if way.next is not None else None
        with reading(database) as snapshot:
            cut = roots.cut or (way.next is not None and not way.depth)
            found = build(snapshot, reader, way, direction, now, cut, going_on, whole=False)
        looked(found)
        events = [event for event in found.events if event.id not in told]
        told.update(event.id for event in events)
        yield Piece(msgspec.structs.replace(found, events=events, start=begun), _sold(database, found, secret))
        begun = None


def _sold(database: Database, found: Trace, secret: bytes) -> Iterator[Sold]:
    """Of the nodes whose amounts the reader may know."""
    known = {UUID(node.id).bytes: node.in_ for node in found.nodes if node.in_ is not None}
    keys = list(known)
    secrets: dict[tuple[int, int], bytes] = {}
    ids, amounts, epochs = Ids(), Amounts(), Epochs()
    for first in range(0, len(keys), SELLING):
        with reading(database) as snapshot:
            lines = _lines(snapshot, keys[first : first + SELLING])
        for custody, number, line, amount, value, unit, time, offset, site in lines:
            name = codes.receipt_name(number)
            epoch = (name.device_number, name.epoch)
            if epoch not in secrets:
                secrets[epoch] = codes.receipt_secret(secret, *epoch)
            quantity = amounts[(amount, None) if _weighed(known[custody]) else (None, amount)]
            assert quantity is not None, "a sale has an amount"
            yield Sold(
                ids[custody], codes.receipt_code(secrets[epoch], number), line,
                epochs[offset] + timedelta(microseconds=time), ids[site], value, unit, quantity,
            )  # fmt: skip


def _weighed(amount: Amount | None) -> bool:
    return amount is not None and amount.pieces is None


def _lines(snapshot: Snapshot, keys: list[bytes]) -> list[Row]:
    """By custody in the order of the keys, then by receipt."""
    place = {key: i for i, key in enumerate(keys)}
    return sorted(chain.sales(snapshot, keys), key=lambda row: (place[row[0]], row[1], row[2]))
