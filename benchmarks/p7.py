"""P7: a trace forward to 111,111 custodies, all rows out; against a recursive CTE of the same by the raw driver.

Links and custodies come out on both sides, every column that a trace reads. The baseline is the quickest of one
statement that joins them and of two (on PostgreSQL also with an array of ids), in either row format of the driver.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine, make_url

from app.domain.graph import Bounds
from app.domain.rights import Principal, Role
from app.store import chain
from app.store.engine import open_engine, reading
from app.tracing import Limits, Start, to_json, trace
from benchmarks import buyers
from benchmarks.filling import Filling
from benchmarks.graphs import Trees
from benchmarks.harness import KINDS, Kind, Pair, Result, Stage, in_turn, quickest

OPERATOR = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)
LINKS = ", ".join(chain.LINK)
NODES = ", ".join(f"c.{name}" for name in chain.NODE)
CTE = f"""
WITH RECURSIVE walk ({LINKS}) AS (
    SELECT {LINKS} FROM custody_link WHERE parent_id = ?
    UNION ALL
    SELECT {", ".join(f"l.{name}" for name in chain.LINK)}
    FROM walk JOIN custody_link AS l ON l.parent_id = walk.child_id
)
"""
JOINED = f"{CTE} SELECT walk.*, {NODES} FROM walk JOIN custody AS c ON c.id = walk.child_id"
APART = (
    f"{CTE} SELECT * FROM walk",
    f"{CTE} SELECT {NODES} FROM custody AS c WHERE c.id IN (SELECT child_id FROM walk)",
)


def run(stage: Stage) -> Iterator[Result]:
    graph = Trees(trees=3, height=3) if stage.quick else Trees(trees=19)
    filling = Filling(graph)
    root = filling.custodies[graph.root(graph.trees // 2)]
    for kind in KINDS:
        url = stage.database(kind)
        filling.fill(url)
        engine = open_engine(url)
        pairs = 3 if stage.quick else 7
        with baselines(kind, url, root, graph.size - 1) as ways:
            baseline = quickest(ways)
            walked = in_turn(partial(walk, engine, root, graph.size), baseline, pairs)
            answered = in_turn(partial(answer, engine, root, graph.size), baseline, pairs)
        yield _result(kind, f"{graph.size:,} custodies of {graph.custodies - graph.trees:,} links", walked, 1.3)
        yield _result(kind, "the whole answer: names, states, events, totals, JSON", answered, None)
        engine.dispose()
        stage.drop(url)
    yield from buyers.run(stage)


def _result(kind: Kind, what: str, pair: Pair, goal: float | None) -> Result:
    return Result("P7", kind, what, pair.ours * 1000, pair.baseline * 1000, "ms", pair.ratio, goal)


def walk(engine: Engine, root: bytes, expected: int) -> object:
    """All links and custodies below the root, as raw rows; there must be `expected` custodies."""
    with reading(engine) as snapshot:
        way = chain.follow(snapshot, [root], "forward", Bounds(100, 1_000_000))
        rows = chain.nodes(snapshot, way.depth)
    assert len(rows) == expected == len(way.links) + 1
    return way, rows


def answer(engine: Engine, root: bytes, expected: int) -> bytes:
    """What GET /trace would send."""
    with reading(engine) as snapshot:
        found = trace(
            snapshot,
            OPERATOR,
            Start("custody", str(UUID(bytes=root))),
            "forward",
            now=datetime.now(UTC),
            secret=b"",
            limits=Limits(100, 1_000_000, 600),
        )
    assert found.totals.nodes == expected
    return to_json(found)


@contextmanager
def baselines(kind: Kind, url: str, root: bytes, expected: int) -> Iterator[list[Callable[[], object]]]:
    """Ways to fetch the same rows by a recursive CTE; there must be `expected` links."""
    if kind == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database))) as light:
            # What our own connections have.
            for pragma in ("cache_size=-65536", "mmap_size=1073741824", "temp_store=MEMORY"):
                light.execute(f"PRAGMA {pragma}")
            yield _runs(lambda statement: light.execute(statement, (root,)).fetchall(), expected)
        return
    key = UUID(bytes=root)
    with psycopg.connect(url, autocommit=True) as heavy:

        def fetch(binary: bool, statement: str) -> list[Any]:
            with heavy.cursor(binary=binary) as cursor:
                return cursor.execute(statement.replace("?", "%s").encode(), (key,)).fetchall()

        def by_array(binary: bool) -> object:
            with heavy.cursor(binary=binary) as cursor:
                links = cursor.execute(APART[0].replace("?", "%s").encode(), (key,)).fetchall()
                ids = [link[1] for link in links]
                rows = cursor.execute(
                    f"SELECT {NODES} FROM custody AS c WHERE c.id = ANY(%b)".encode(), (ids,)
                ).fetchall()
            assert len(links) == len(rows) == expected
            return links, rows

        ways: list[Callable[[], object]] = []
        for binary in (False, True):
            ways += [*_runs(partial(fetch, binary), expected), partial(by_array, binary)]
        yield ways


def _runs(fetch: Callable[[str], list[Any]], expected: int) -> list[Callable[[], object]]:
    def joined() -> object:
        rows = fetch(JOINED)
        assert len(rows) == expected
        return rows

    def apart() -> object:
        links, nodes = (fetch(statement) for statement in APART)
        assert len(links) == len(nodes) == expected
        return links, nodes

    return [joined, apart]
