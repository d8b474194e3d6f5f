"""The goods that a reader may know in full, along a chain or as they are named: what is handed on to others."""

from collections.abc import Iterator, Sequence

from app.domain.graph import Bounds, Walk, pages
from app.domain.rights import Principal, Role
from app.store import chain, raw
from app.store.chain import Direction
from app.store.engine import Database, Snapshot, reading
from app.store.raw import Row
from app.tracing import starts
from app.tracing.building import sight_of
from app.tracing.starts import Start

PAGE = 1_000


def reach(
    database: Database,
    reader: Principal,
    start: Start,
    directions: Sequence[Direction],
    secret: bytes,
    depth: int = 1000,
) -> Iterator[list[Row]]:
    """Custodies as chain.NODE, page by page and each once: what `start` names, and what lies in these directions of it,
    as far as the reader may know their amounts. Gaps are left out. Raises as `trace` does, before the first page."""
    told: set[bytes] = set()
    for direction in directions or ("back",):
        with reading(database) as snapshot:
            roots = starts.find(snapshot, reader, start, secret, direction if directions else None).keys

        def expand(keys: list[bytes], direction: Direction = direction) -> list[Row]:
            with reading(database) as snapshot:
                return chain.ahead(snapshot, keys, direction)

        bounds = Bounds(depth if directions else 0, PAGE)
        for way in pages(roots, expand, chain.FAR[direction], bounds, None, raw.CHUNK):
            fresh = Walk({key: level for key, level in way.depth.items() if key not in told})
            told |= fresh.depth.keys()
            with reading(database) as snapshot:
                rows = known(snapshot, reader, fresh)
            if rows:
                yield rows


def known(snapshot: Snapshot, reader: Principal, way: Walk[bytes]) -> list[Row]:
    """The custodies of a walk in its order, gaps left out, that the reader may know in full."""
    rows = chain.nodes(snapshot, way.depth)
    touches = chain.touches(snapshot, way.depth) if reader.role is Role.LAB else []
    happened = chain.events(snapshot, {event for _, event in touches})
    full = sight_of(snapshot, reader, way, rows, touches, happened).full
    place = {key: i for i, key in enumerate(way.depth)}
    seen = [row for row in rows if row[1] == "custody" and row[22] is None and row[0] in full]
    return sorted(seen, key=lambda row: place[row[0]])
