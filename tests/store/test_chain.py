"""The frontier walk on both databases: the same rows, one statement a generation, whatever the shape of the graph."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from app.domain.graph import Bounds
from app.store import bulk, chain, holds, raw, tables
from app.store.engine import reading, writing
from app.store.types import micros
from tests.support.chains import START, Chains
from tests.support.databases import Database
from tests.support.ledger import named
from tests.support.statements import Statements

WIDE = Bounds(depth=100, nodes=100_000)


def key(name: str) -> bytes:
    return named(name).bytes


def diamond(engine: Engine) -> None:
    """A farm's lot reaches a stall by two ways; the stall's dish comes from it and from pork."""
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.custody("farm", "cabbage lot", None, None)
        chains.custody("wholesale", "cabbage lot", None, None, "farm")
        chains.custody("stall", "cabbage lot", None, None, "farm", "wholesale")
        chains.custody("pork", "pork lot", None, None)
        chains.custody("dish", "dish lot", None, None, "stall", "pork", link="transform")


def test_back_goes_to_parents_and_forward_to_children(engine: Engine, database: Database) -> None:
    database.damaged = True
    diamond(engine)
    with reading(engine) as snapshot:
        back = chain.follow(snapshot, [key("dish")], "back", WIDE)
        forward = chain.follow(snapshot, [key("farm")], "forward", WIDE)
    assert back.depth == {key("dish"): 0, key("stall"): 1, key("pork"): 1, key("farm"): 2, key("wholesale"): 2}
    assert forward.depth == {key("farm"): 0, key("wholesale"): 1, key("stall"): 1, key("dish"): 2}
    assert len(back.links) == 5
    assert len(forward.links) == 4
    assert (key("pork"), key("dish"), key("arrival of dish"), "transform", 1000, None, None) in back.links


def test_a_generation_is_one_statement(engine: Engine, database: Database, statements: Statements) -> None:
    database.damaged = True
    diamond(engine)
    with reading(engine) as snapshot:
        statements.clear()
        chain.follow(snapshot, [key("dish")], "back", WIDE)
        assert len(statements) == 3  # dish; stall and pork; farm and wholesale


def test_a_wide_generation_is_read_in_lists(engine: Engine, database: Database, statements: Statements) -> None:
    database.damaged = True
    children = raw.CHUNK + 5
    with writing(engine) as connection:
        bulk.insert(
            connection,
            tables.custody_link,
            [(named(f"child {i}"), named("root"), named("event"), "move", i, None, None) for i in range(children)],
        )
    with reading(engine) as snapshot:
        statements.clear()
        found = chain.follow(snapshot, [key("root")], "forward", WIDE)
        assert len(statements) == 3
    assert len(found.depth) == children + 1
    assert {link[4] for link in found.links} == set(range(children))


def test_rows_have_the_same_values_on_both_databases(engine: Engine, database: Database) -> None:
    database.damaged = True
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.lot("lot", expires_on=date(2026, 3, 9))
        chains.custody(
            "here",
            "lot",
            None,
            "operator",
            expires_on=date(2026, 3, 9),
            sold=7,
            unexplained=-3,
            paper={"name": "合作社"},
        )
        chains.hold("stop", "lot", "here", "lot")
        chains.hold("over", "lot", "here", "lot", released_by=named("x"))
    with reading(engine) as snapshot:
        (row,) = chain.nodes(snapshot, [key("here")])
        (lot,) = chain.lots(snapshot, [key("lot")])
        (event,) = chain.events(snapshot, [key("arrival of here")])
        stops = holds.of_lots(snapshot, [key("lot")])
    found = dict(zip(chain.NODE, row, strict=True))
    assert found["id"] == key("here")
    assert found["party_id"] == key("operator")
    assert found["site_id"] is None
    assert found["arrived_at"] == micros(START) + 3_600_000_000
    assert found["expires_on"] == "2026-03-09"
    assert (found["amount_in"], found["sold"], found["unexplained"]) == (1000, 7, -3)
    assert found["paper"].replace(" ", "") == '{"name":"合作社"}'
    assert lot == (key("lot"), "no lot", "2026-03-09")
    assert event[3:6] == (micros(START) + 3_600_000_000, 480, micros(START) + 3_600_000_000)
    assert [row[:6] for row in stops] == [(key("stop"), "lot", key("here"), key("lot"), None, None)]


def test_no_keys_are_no_rows_and_no_statement(engine: Engine, statements: Statements) -> None:
    with reading(engine) as snapshot:
        statements.clear()
        assert chain.nodes(snapshot, []) == []
        assert chain.follow(snapshot, [], "back", WIDE).depth == {}
        assert len(statements) == 0


edges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25, unique=True)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=edges, start=st.integers(0, 9), nodes=st.integers(1, 4))
def test_paged_or_whole_either_database_walks_what_is_there(
    engine: Engine, database: Database, edges: list[tuple[int, int]], start: int, nodes: int
) -> None:
    database.damaged = True
    event = named("event")
    with writing(engine) as connection:
        connection.execute(delete(tables.custody_link))
        bulk.insert(
            connection,
            tables.custody_link,
            [(named(str(b)), named(str(a)), event, "move", None, None, None) for a, b in edges],
        )
    expected = {start}
    for _ in range(10):
        expected |= {b for a, b in edges if a in expected}
    with reading(engine) as snapshot:
        found: dict[bytes, int] = {}
        links: list[object] = []
        position = None
        while True:
            walk = chain.follow(snapshot, [key(str(start))], "forward", Bounds(2, nodes), position)
            assert not found.keys() & walk.depth.keys()
            found |= walk.depth
            links += walk.links
            position = walk.next
            if position is None:
                break
    assert found.keys() == {key(str(n)) for n in expected}
    assert len(links) == len(set(links)) == sum(a in expected for a, _ in edges)
