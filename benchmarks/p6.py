"""P6: a trace back through 12 generations and 100 custodies, with 10,000,000 custodies in the database; against the
same with 10,000. The whole answer: walk, names, states, events, totals, JSON.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from sqlalchemy import Engine

from app.store.engine import open_engine, reading
from app.tracing import Limits, Start, to_json, trace
from benchmarks.filling import Filling
from benchmarks.graphs import Families
from benchmarks.harness import KINDS, Result, Stage, paired
from benchmarks.p7 import OPERATOR

SMALL, LARGE = 100, 100_000  # families of 100 custodies


def run(stage: Stage) -> Iterator[Result]:
    fillings = [Filling(Families(SMALL)), Filling(Families(LARGE // 100 if stage.quick else LARGE))]
    for kind in KINDS:
        urls = [stage.database(kind) for _ in fillings]
        for filling, url in zip(fillings, urls, strict=True):
            filling.fill(url)
        engines = [open_engine(url) for url in urls]
        times: tuple[list[float], list[float]] = ([], [])
        random = Random(7)
        for turn in range(100 if stage.quick else 500):
            for side in (0, 1) if turn % 2 else (1, 0):
                graph = fillings[side].graph
                assert isinstance(graph, Families)
                start = fillings[side].custodies[graph.start(random.randrange(graph.families))]
                spent = timed(engines[side], start)
                if turn >= 20:  # the first are to warm up
                    times[side].append(spent)
        pair = paired(times[1], times[0])
        what = f"{fillings[1].graph.custodies:,} custodies there, against {fillings[0].graph.custodies:,}"
        yield Result("P6", kind, what, pair.ours * 1000, pair.baseline * 1000, "ms", pair.ratio, 1.3)
        for engine, url in zip(engines, urls, strict=True):
            engine.dispose()
            stage.drop(url)


def timed(engine: Engine, start: bytes) -> float:
    """Seconds of one trace, its JSON included."""
    key, now = str(UUID(bytes=start)), datetime.now(UTC)
    began = time.perf_counter()
    with reading(engine) as snapshot:
        found = trace(snapshot, OPERATOR, Start("custody", key), "back", now=now, secret=b"", limits=Limits())
    sent = to_json(found)
    spent = time.perf_counter() - began
    assert found.totals.nodes == 100
    assert max(node.depth for node in found.nodes) == 11
    assert sent
    return spent
