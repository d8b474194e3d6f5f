"""The walk back: generations, bounds, what cannot be, captured events, and how many statements it takes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from app import scanning
from app.domain.codes import CodeKind, mint
from app.domain.errors import NotFound
from app.domain.rights import Principal, Role
from app.domain.rows import Custody, Link, Lot
from app.scanning import rows as walking
from app.scanning.chain import Chain
from app.store import scan as store
from app.store import tables
from app.store.engine import reading, writing
from app.web.service import Service
from tests.scanning.chains import open_market, steps
from tests.support.cast import ago
from tests.support.databases import Database
from tests.support.ledger import (
    AT_FARM,
    AT_STALL,
    CABBAGE,
    FARM,
    LOT,
    MADE,
    NOW,
    STALL,
    event,
    event_key,
    make,
    named,
    put,
)
from tests.support.statements import Statements
from tests.support.story import Story

SECRET = b"s" * 32


def chain(*links: tuple[str, str], claimed: tuple[str, str] | None = None, cut: tuple[str, ...] = ()) -> Chain:
    """child → parent."""
    names = {name for link in links for name in link}
    lot = Lot(named("lot"), None, named("product"), None, "1", None, None, named("made"))
    custodies = {
        named(n): Custody(
            named(n), "custody", None, lot.id, lot.product_id, None, None, "weight", named("made"), NOW
        )
        for n in names
    }  # fmt: skip
    parents: dict[UUID, list[Link]] = {key: [] for key in custodies}
    for child, parent in links:
        by = named("claimant") if (child, parent) == claimed else None
        parents[named(child)].append(Link(named(child), named(parent), named("e"), "move", None, None, by))
    return Chain(custodies, parents, {lot.id: lot}, {lot.id: []}, frozenset(map(named, cut)))


def generations(found: Chain, root: str = "shop") -> dict[str, int]:
    way = found.way(named(root))
    names = ("shop", "a", "b", "c", "farm")
    return {name: way.generation[named(name)] for name in names if named(name) in way.generation}


def test_the_longest_way_counts() -> None:
    found = chain(("shop", "farm"), ("shop", "a"), ("a", "b"), ("b", "farm"))
    assert generations(found) == {"shop": 0, "a": 1, "b": 2, "farm": 3}


def test_a_circle_cannot_be_and_does_not_hang() -> None:
    found = chain(("shop", "a"), ("a", "b"), ("b", "a"), ("b", "farm"))
    assert generations(found) == {"shop": 0, "a": 2, "b": 2, "farm": 2}
    assert generations(chain(("shop", "shop"), ("shop", "a"))) == {"shop": 0, "a": 1}


def test_what_one_side_alone_names_is_only_a_shadow() -> None:
    found = chain(("shop", "a"), ("a", "farm"), claimed=("a", "farm"))
    way = found.way(named("shop"))
    assert generations(found) == {"shop": 0, "a": 1}
    assert way.shadow == {named("farm")}


def test_where_the_walk_was_cut_is_a_gap() -> None:
    found = chain(("shop", "a"), cut=("a",))
    way = found.way(named("shop"))
    assert found.cut_on(way) == [named("a")]
    assert [reason.status for reason in found.obstacles(way, NOW.date())] == ["incomplete"]


def test_a_long_way_is_cut_and_says_so(story: Story, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    town = open_market(story)
    goods = town.harvest(hours=30)
    senders = [town.farm, town.stall, town.other, town.stall, town.other]
    for hours, (sender, receiver) in enumerate(pairwise(senders)):
        goods = town.move(sender, receiver, goods, "10", hours=28 - 2 * hours)
    assert len(story.public.scan(goods["code"])["steps"]) == 9
    for name, bound in (("GENERATIONS", 2), ("NODES", 3)):
        with monkeypatch.context() as patch:
            patch.setattr(walking, name, bound)
            service.scans.forget_all()
            page = story.public.scan(goods["code"])
            assert (page["status"], [gap["reason"] for gap in page["gaps"]]) == ("incomplete", ["truncated"])
            assert page["gaps"][0]["node_id"] is not None
            assert "更早的来路没有在此列出" in story.read(goods["code"])
    with monkeypatch.context() as patch:
        patch.setattr(walking, "GENERATIONS", 4)
        service.scans.forget_all()
        assert story.public.scan(goods["code"])["gaps"] == [], "the last generation has no parents: nothing was cut"


def test_a_lot_that_comes_two_ways_is_told_once(story: Story) -> None:
    town = open_market(story)
    made = town.harvest()
    direct, detour = town.move(town.farm, town.stall, made), town.move(town.farm, town.other, made)
    around = town.move(town.other, town.stall, detour, "20", hours=5)
    mixed = town.stall.record(
        "transform",
        process="mix",
        event_time=ago(hours=3),
        inputs=[story.item(direct, "5"), story.item(around, "5")],
        outputs=[story.output(town.greens, "10", lot_number="MIX")],
    )["outputs"][0]
    page = story.public.scan(mixed["code"])
    assert [kind for kind, _ in steps(page)].count("produce") == 1
    assert steps(page)[-1] == ("transform", "一号摊")
    assert page["status"] == "ok"


# --- statements ---


def test_a_cold_scan_takes_five_statements_however_long_the_way(
    story: Story, engine: Engine, statements: Statements
) -> None:
    """The code and its count; the goods; all that they came from; what befell that; the slips that it came with."""
    town = open_market(story)
    made = town.harvest(hours=20)
    story.certify(town.farm, made, "conformity_certificate")
    goods, counts = made, []
    for generation, (sender, receiver) in enumerate(
        [(town.farm, town.stall), (town.stall, town.other), (town.other, town.stall)]
    ):
        goods = town.move(sender, receiver, goods, "10", hours=15 - 3 * generation)
        statements.clear()
        answer(engine, goods["code"])
        counts.append(len(statements))
    assert counts == [4, 5, 5], str(statements)


def test_a_stall_of_many_goods_takes_no_more_statements(story: Story, engine: Engine, statements: Statements) -> None:
    town = open_market(story)
    made, counts = town.harvest(), []
    for _ in range(3):
        town.move(town.farm, town.stall, made, "5")
        statements.clear()
        answer(engine, town.stall.site["code"], datetime.now(UTC))
        counts.append(len(statements))
    assert counts == [4, 4, 4], str(statements)


# --- captured events ---


@pytest.fixture
def ledger(database: Database, engine: Engine) -> dict[str, str]:
    database.damaged = True  # put down by hand, without what the writer keeps beside
    with writing(engine) as connection:
        return dict(make(connection))


def capture(engine: Engine, ref: str, custody_id: UUID, **body: Any) -> None:
    with writing(engine) as connection:
        event(connection, ref, "epcis.ObjectEvent", FARM, [[custody_id.hex, "touched", 0]], **body)


def answer(engine: Engine, code: str, now: datetime = NOW) -> scanning.Answer:
    with reading(engine) as snapshot:
        return scanning.scan(snapshot, code, now, None, SECRET)


def test_captured_events_are_told_by_their_business_step(engine: Engine, ledger: dict[str, str]) -> None:
    spelled = {
        "1": ("inspecting", "inspecting"),
        "2": ("https://ref.gs1.org/cbv/BizStep-packing", "packing"),
        "3": ("urn:epcglobal:cbv:bizstep:storing", "storing"),
        "4": ("urn:gdst:bizStep:fishingEvent", "fishingEvent"),
        "5": (None, "ObjectEvent"),
    }
    for ref, (step, _) in spelled.items():
        capture(engine, ref, AT_FARM, **({"bizStep": step} if step else {}))
    told = {step.event_id: step.kind for step in answer(engine, ledger["at stall"]).steps}
    assert {ref: told[event_key(ref)] for ref in spelled} == {ref: short for ref, (_, short) in spelled.items()}


def test_a_captured_recall_reaches_what_came_of_it_until_it_is_lifted(engine: Engine, ledger: dict[str, str]) -> None:
    capture(engine, "r1", AT_FARM, persistentDisposition={"set": ["recalled"]})
    found = answer(engine, ledger["at stall"])
    assert found.status == "recalled"
    assert found.status_reason == "自 2026-03-01 起召回 · recalled since 2026-03-01"
    assert answer(engine, ledger["at farm"]).status == "recalled"
    capture(engine, "r2", AT_FARM, persistentDisposition={"set": ["completeness_verified"], "unset": 7})
    assert answer(engine, ledger["at stall"]).status == "recalled"
    with writing(engine) as connection:
        later = NOW + timedelta(days=1)
        body = {"persistentDisposition": {"unset": ["https://ref.gs1.org/cbv/Disp-recalled"]}}
        put(
            connection, tables.event, id=event_key("r3"), kind="epcis.ObjectEvent", body=body, outcome={},
            event_time=later, record_time=later,
        )  # fmt: skip
        put(
            connection, tables.timeline, custody_id=AT_FARM, event_id=event_key("r3"), entry="touched",
            kind="epcis.ObjectEvent", event_time=later,
        )  # fmt: skip
    assert answer(engine, ledger["at stall"]).status == "ok"


def test_the_lots_earliest_custody_stands_for_a_lot_made_elsewhere(engine: Engine, ledger: dict[str, str]) -> None:
    with writing(engine) as connection:
        connection.execute(tables.lot.update().where(tables.lot.c.id == LOT).values(made_event_id=event_key("abroad")))
    assert answer(engine, ledger["lot"]).site is not None


def test_a_lot_in_many_hands_is_shown_where_it_was_made_whatever_their_clocks_say(
    engine: Engine, ledger: dict[str, str]
) -> None:
    made_at = answer(engine, ledger["lot"]).site
    with writing(engine) as connection:
        for number in range(store.HANDS):
            put(
                connection, tables.custody, id=named(f"hand {number}"), kind="custody", lot_id=LOT, product_id=CABBAGE,
                measure="weight", site_id=STALL, arrived_event_id=event_key(f"hand {number}"),
                arrived_at=NOW - timedelta(days=900),
            )  # fmt: skip
    assert answer(engine, ledger["lot"]).site == made_at
    with writing(engine) as connection:
        connection.execute(tables.lot.update().where(tables.lot.c.id == LOT).values(made_event_id=event_key("abroad")))
    assert answer(engine, ledger["lot"]).site == answer(engine, ledger["at stall"]).site != made_at


def test_a_captured_lot_is_followed_as_long_as_it_stayed_whole(engine: Engine, ledger: dict[str, str]) -> None:
    with writing(engine) as connection:
        connection.execute(tables.lot.update().where(tables.lot.c.id == LOT).values(epc="urn:epc:class:lgtin:1.2.3"))
    assert [step.generation for step in answer(engine, ledger["lot"]).steps] == [1, 1, 0]
    common = {"kind": "custody", "lot_id": LOT, "product_id": CABBAGE, "measure": "weight", "site_id": STALL}
    with writing(engine) as connection:
        put(connection, tables.custody, id=named("second"), arrived_event_id=event_key("second"), **common)
        put(
            connection, tables.custody_link, child_id=named("second"), parent_id=AT_FARM, event_id=event_key("second"),
            kind="move",
        )  # fmt: skip
    assert {step.kind for step in answer(engine, ledger["lot"]).steps} == {"produce"}


# --- what the database should not hold ---


@pytest.mark.parametrize("kind", ["B", "G", "S", "P", "T"])
def test_a_code_that_names_nothing_is_unknown(engine: Engine, ledger: dict[str, str], kind: str) -> None:
    code = mint(CodeKind(kind))
    with writing(engine) as connection:
        put(connection, tables.code, code=code, kind=kind, subject_id=named("nothing"), status="active")
    with pytest.raises(NotFound, match="unknown-code"):
        answer(engine, code)


def test_a_slip_item_without_goods_and_a_mistyped_slip_are_left_out(engine: Engine, ledger: dict[str, str]) -> None:
    with writing(engine) as connection:
        connection.execute(
            tables.event.update().where(tables.event.c.id == event_key("received")).values(body={"slip_code": "T-1"})
        )
    found = answer(engine, ledger["at stall"])
    assert [step.kind for step in found.steps] == ["produce", "receive"]


def test_a_damaged_ledger_is_answered_as_far_as_it_goes(engine: Engine, ledger: dict[str, str]) -> None:
    market = named("market")
    with writing(engine) as connection:
        for child in (AT_FARM, AT_STALL):
            put(connection, tables.custody_link, child_id=child, parent_id=named("gone"), event_id=MADE, kind="move")
        put(connection, tables.attachment, subject_id=named("gone"), document_id=named("lost"), event_id=MADE)
        put(connection, tables.attachment, subject_id=AT_FARM, document_id=named("lost"), event_id=MADE)
        connection.execute(tables.slip.update().values(to_site_id=named("nowhere")))
        connection.execute(tables.custody.update().values(admission="refused"))
        for table in (tables.lot, tables.product, tables.party):
            connection.execute(table.delete())
    found = answer(engine, ledger["at stall"])
    assert (found.lot, found.product, found.party, found.documents) == (None, None, None, [])
    assert {step.kind for step in found.steps} == {"produce", "ship", "receive"}
    assert (found.status, found.status_reason) == ("refused", None)
    assert answer(engine, ledger["stall"]).documents == []
    with reading(engine) as snapshot:
        reader = Principal(named("key"), Role.MARKET, market, None, None, None)
        own = scanning.scan(snapshot, ledger["slip"], NOW, reader, SECRET).own
    assert [action["kind"] for action in (own or {})["actions"]] == ["trace_back"]


def test_record_time_is_that_of_the_newest_thing_told(engine: Engine, ledger: dict[str, str]) -> None:
    placed = datetime(2026, 3, 2, tzinfo=UTC)
    with writing(engine) as connection:
        put(
            connection, tables.hold, id=event_key("h"), scope="custody", custody_id=AT_STALL, lot_id=LOT, reason="x",
            placed_at=placed,
        )  # fmt: skip
    assert answer(engine, ledger["at stall"]).record_time == placed
