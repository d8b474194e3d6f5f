"""The benchmarks measure what they say: shapes of their graphs, databases filled alike, verdicts. Never how fast."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from app.domain import codes
from app.domain.graph import Bounds, walk
from app.store import chain, schema
from app.store.engine import open_engine, reading
from app.store.lots import Asked, Coded, LotReader
from benchmarks import buyers, p5, p6, p7, p11, p13, p14
from benchmarks.filling import Filling
from benchmarks.graphs import Buyers, Families, Graph, Trees
from benchmarks.harness import Kind, Result, Stage, in_turn, paired, report, table
from benchmarks.p3 import EPOCH, fill_receipts
from benchmarks.p4 import fill
from tests.support.databases import Database


def back(graph: Graph, start: int) -> dict[int, int]:
    found = walk(
        [start],
        lambda keys: [(parent, n) for n in keys for parent in graph.parents(n)],
        0,
        Bounds(depth=100, nodes=10**6),
    )
    return found.depth


@pytest.mark.parametrize("families", [1, 7])
def test_a_family_is_a_hundred_custodies_in_twelve_generations(families: int) -> None:
    graph = Families(families)
    depth = back(graph, graph.start(families - 1))
    assert len(depth) == 100
    assert max(depth.values()) == 11
    assert {graph.arrival(n) for n in range(graph.custodies)} == set(range(graph.events))
    assert {graph.lot(n) for n in range(graph.custodies)} == set(range(graph.lots))
    assert all(graph.departure(p) == graph.arrival(n) for n in depth for p in graph.parents(n))


def test_a_tree_branches_by_ten() -> None:
    assert Trees(1).size == 111_111
    graph = Trees(trees=2, height=2)
    assert (graph.size, graph.custodies) == (111, 222)
    roots = [n for n in range(graph.custodies) if not graph.parents(n)]
    assert roots == [graph.root(0), graph.root(1)]
    assert all(max(back(graph, n).values()) <= 2 for n in range(graph.custodies))
    assert {graph.arrival(n) for n in range(graph.custodies)} == set(range(graph.events))
    assert all(graph.departure(p) == graph.arrival(n) for n in range(graph.custodies) for p in graph.parents(n))


def test_both_databases_are_filled_with_the_same(empty_database: Database) -> None:
    families, trees = Filling(Families(2)), Filling(Trees(2, 2))
    families.fill(empty_database.url)
    engine = open_engine(empty_database.url)
    p6.timed(engine, families.custodies[1])
    with reading(engine) as snapshot:
        (row,) = chain.nodes(snapshot, [families.custodies[5]])
        assert len(chain.touches(snapshot, [families.custodies[5]])) == 2
    found = dict(zip(chain.NODE, row, strict=True))
    assert (found["code"], found["amount_in"], found["sold"]) == (f"B{5:017}", 100_000, 5)
    assert found["arrived_at"] == 1_767_225_600_005_000
    engine.dispose()
    assert trees.custodies[0] == families.custodies[0], "numbers have the same ids in every database"


def test_ours_and_the_baseline_of_p7_return_the_same(empty_database: Database) -> None:
    filling = Filling(Trees(trees=2, height=2))
    filling.fill(empty_database.url)
    engine = open_engine(empty_database.url)
    root = filling.custodies[111]
    kind: Kind = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
    p7.walk(engine, root, 111)
    assert p7.answer(engine, root, 111)
    with p7.baselines(kind, empty_database.url, root, 110) as ways:
        for way in ways:
            way()
    engine.dispose()


def test_a_lot_and_its_buyers_are_sent_whole(empty_database: Database) -> None:
    graph = Buyers(lots=2, halls=2, buyers=7)
    filling = Filling(graph, receipts=3)
    filling.fill(empty_database.url)
    engine = open_engine(empty_database.url)
    root, sizes = filling.custodies[graph.root(1)], (10, 21)
    kind: Kind = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
    buyers.walk(engine, root, *sizes)
    assert buyers.send(engine, root, *sizes)
    with buyers.baselines(kind, empty_database.url, root, *sizes) as ways:
        for way in ways:
            way()
    assert {graph.arrival(n) for n in range(graph.custodies)} == set(range(graph.events))
    assert all(graph.departure(p) == graph.arrival(n) for n in range(graph.custodies) for p in graph.parents(n))
    engine.dispose()


def test_the_raw_driver_of_p11_sells_and_reads_whole_receipts(empty_database: Database) -> None:
    scales = fill(empty_database.url)
    _, device, custodies = scales[0]
    fill_receipts(empty_database.url, 30, device, [(custody, device) for custody in custodies])
    kind: Kind = "sqlite" if empty_database.url.startswith("sqlite") else "postgresql"
    read, stop = p11.reader(kind, empty_database.url)
    write, close = p5.connect(kind, empty_database.url)
    assert [read(codes.receipt_id(1, EPOCH, n)) for n in (0, 29, 30)] == [3, 3, 0]
    write(p5.batches(scales, 1, 1)[0])
    assert [read(codes.receipt_id(1, 0, n)) for n in (1, p5.SALES, p5.SALES + 1)] == [3, 3, 0]
    close()
    stop()


def test_a_copy_has_the_same_in_it_and_goes_on_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, quick=True)
    Filling(Families(1)).fill(first := stage.database("sqlite"))
    second = stage.copy(first)
    stage.drop(first)
    engine = open_engine(second)
    with reading(engine) as snapshot:
        assert len(chain.nodes(snapshot, [Filling(Families(1)).custodies[5]])) == 1
    engine.dispose()
    assert first != second


def test_a_verdict_is_by_the_ratio() -> None:
    common = ("P0", "sqlite", "x", 1.0, 2.0, "ms")
    assert Result(*common, 1.2, 1.3).verdict == "pass"
    assert Result(*common, 1.4, 1.3).verdict == "short"
    assert Result(*common, 5.6, 5.5, less=False).verdict == "pass"
    assert Result(*common, 5.4, 5.5, less=False).verdict == "short"
    assert Result(*common, 9.9, None).verdict == "–"


def test_runs_come_in_turn_and_the_first_warms_up() -> None:
    order: list[str] = []
    pair = in_turn(lambda: order.append("ours"), lambda: order.append("theirs"), 2)
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert pair.ours > 0
    assert paired([2.0, 4.0, 9.0], [1.0, 1.0, 3.0]).ratio == 3.0


def test_the_report_is_a_table_and_json(tmp_path: Path) -> None:
    result = Result("P7", "sqlite", "rows", 1234.5, 1000.0, "ms", 1.2345, 1.3)
    assert "| P7 | sqlite | rows | 1,234 ms | 1,000 ms | 1.23 | ≤ 1.3 | pass |" in table([result])
    file = report([result], "python -m benchmarks P7", tmp_path / "artefacts")
    written = json.loads(file.read_text())
    assert written["command"] == "python -m benchmarks P7"
    assert written["cores"] >= 1
    assert written["results"][0]["verdict"] == "pass"


def test_lots_under_one_gtin_are_found_by_their_digital_links(empty_database: Database) -> None:
    product = UUID(int=1)
    engine = open_engine(empty_database.url)
    schema.upgrade(engine)
    p13.fill_lots(empty_database.url, 20, product)
    reader = LotReader(engine)
    anchor = f"/01/{p13.GTIN}/10/L0000007"
    asked = [Asked((product, UUID(int=2)), "L0000007", anchor), Asked((product,), "none", "/x")]
    found = [Coded(p13.code(7), p13.lot_id(7).hex)]
    assert asyncio.run(reader.read(asked)) == [found, []]
    # A GTIN that every stall of a city has enrolled; a question of more values than SQLite takes (250,000 at most).
    stalls = tuple(UUID(int=n) for n in range(2, 902))
    asked = [Asked((*stalls, product), "L0000007", anchor)] * 100
    assert asyncio.run(reader.read(asked)) == [found] * 100
    reader.close()
    engine.dispose()


def test_p14_reads_the_same_events_by_hand(empty_database: Database) -> None:
    p14.fill(empty_database.url, 2_000)
    engine = open_engine(empty_database.url)
    kind: Kind = "sqlite" if empty_database.url.startswith("sqlite") else "postgresql"
    found = p14.ours(engine, 3)
    with closing(p14.connected(kind, empty_database.url)) as connection:
        [by_hand] = p14.by_hand(connection, [3])()
    assert {one.line.id.bytes for one in found.events} < {getattr(row[0], "bytes", row[0]) for row, _ in by_hand}
    engine.dispose()
