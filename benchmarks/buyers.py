"""P7, a lot that reached 1,300 buyers and 100,000 receipts: all of its links, custodies and sales out; against the raw
driver's quickest way to the same rows, by a recursive CTE."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import psycopg
from sqlalchemy import Engine, make_url

from app.domain.graph import Bounds
from app.domain.rights import Principal, Role
from app.exchanging.tables import chain_lines
from app.store import chain
from app.store.engine import open_engine, reading
from app.tracing import Start
from app.tracing.streaming import stream
from benchmarks.filling import Filling
from benchmarks.graphs import Buyers
from benchmarks.harness import KINDS, Kind, Result, Stage, in_turn, quickest

OPERATOR = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)
RECEIPTS = 77  # of each buyer: 100,100 together
LINKS = ", ".join(chain.LINK)
NODES = ", ".join(f"c.{name}" for name in chain.NODE)
SOLD = ", ".join(f"s.{name}" for name in chain.SOLD)
RECEIPT = ", ".join(f"r.{name}" for name in chain.RECEIPT)
CTE = f"""
WITH RECURSIVE walk ({LINKS}) AS (
    SELECT {LINKS} FROM custody_link WHERE parent_id = ?
    UNION ALL
    SELECT {", ".join(f"l.{name}" for name in chain.LINK)}
    FROM walk JOIN custody_link AS l ON l.parent_id = walk.child_id
)
"""
GOODS = f"{CTE} SELECT walk.*, {NODES} FROM walk JOIN custody AS c ON c.id = walk.child_id"
LINES = f"{CTE} SELECT {SOLD}, {RECEIPT} FROM walk JOIN receipt_line AS s ON s.custody_id = walk.child_id"
JOINED = f"{LINES} JOIN receipt AS r ON r.id = s.receipt_id"
AMONG = (
    f"{CTE} SELECT {SOLD}, {RECEIPT} FROM receipt_line AS s JOIN receipt AS r ON r.id = s.receipt_id "
    "WHERE s.custody_id IN (SELECT child_id FROM walk)"
)


def run(stage: Stage) -> Iterator[Result]:
    graph = Buyers(lots=3, halls=5, buyers=130) if stage.quick else Buyers(lots=5)
    filling = Filling(graph, RECEIPTS)
    root = filling.custodies[graph.root(graph.lots // 2)]
    for kind in KINDS:
        url = stage.database(kind)
        filling.fill(url)
        engine = open_engine(url)
        pairs = 3 if stage.quick else 7
        sizes = (graph.size, graph.buyers * RECEIPTS)
        with baselines(kind, url, root, *sizes) as ways:
            baseline = quickest(ways)
            walked = in_turn(partial(walk, engine, root, *sizes), baseline, pairs)
            sent = in_turn(partial(send, engine, root, *sizes), baseline, pairs)
        what = f"{graph.buyers:,} buyers, {graph.buyers * RECEIPTS:,} receipts"
        for name, pair, goal in ((what, walked, 1.3), (f"{what}, sent as NDJSON", sent, None)):
            yield Result("P7", kind, name, pair.ours * 1000, pair.baseline * 1000, "ms", pair.ratio, goal)
        engine.dispose()
        stage.drop(url)


def walk(engine: Engine, root: bytes, custodies: int, sold: int) -> object:
    """All links, custodies and sales below the root, as raw rows."""
    with reading(engine) as snapshot:
        way = chain.follow(snapshot, [root], "forward", Bounds(100, 1_000_000))
        rows = chain.nodes(snapshot, way.depth)
        sales = chain.sales(snapshot, way.depth)
    assert (len(rows), len(way.links), len(sales)) == (custodies, custodies - 1, sold)
    return way, rows, sales


def send(engine: Engine, root: bytes, custodies: int, sold: int) -> int:
    """What `GET /trace?format=ndjson` sends, with names, states and receipt codes: its bytes."""
    start = Start("custody", str(UUID(bytes=root)))
    pieces = stream(engine, OPERATOR, start, "forward", now=datetime.now(UTC), secret=b"\0" * 32)
    size = lines = 0
    for part in chain_lines(pieces):
        size += len(part)
        lines += part.count(b"\n")
    assert lines > 2 * custodies + sold
    return size


@contextmanager
def baselines(kind: Kind, url: str, root: bytes, custodies: int, sold: int) -> Iterator[list[Callable[[], object]]]:
    """Ways to fetch the same rows by recursive CTEs."""

    def ways(fetch: Callable[[str], list[object]]) -> list[Callable[[], object]]:
        def by(statement: str) -> object:
            goods, sales = fetch(GOODS), fetch(statement)
            assert (len(goods), len(sales)) == (custodies - 1, sold)
            return goods, sales

        return [partial(by, statement) for statement in (JOINED, AMONG)]

    if kind == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database))) as light:
            for pragma in ("cache_size=-65536", "mmap_size=1073741824", "temp_store=MEMORY"):
                light.execute(f"PRAGMA {pragma}")
            yield ways(lambda statement: light.execute(statement, (root,)).fetchall())
        return
    key = UUID(bytes=root)
    with psycopg.connect(url, autocommit=True) as heavy:

        def fetch(binary: bool, statement: str) -> list[object]:
            with heavy.cursor(binary=binary) as cursor:
                return list(cursor.execute(statement.replace("?", "%s").encode(), (key,)).fetchall())

        yield [way for binary in (False, True) for way in ways(partial(fetch, binary))]
