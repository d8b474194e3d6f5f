"""What a trace says, of chains put down row by row: shape, order, states, gaps, amounts, where it starts and is cut."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, update

from app import tracing
from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.epcis.identifiers import canonical_uri
from app.domain.errors import Malformed, NotFound
from app.domain.rights import Principal
from app.store import chain, tables
from app.store.engine import reading, writing
from app.tracing import Direction, Limits, Start, Trace, to_json, trace, tree_lines
from tests.support.chains import ADMIN, START, Chains
from tests.support.databases import Database
from tests.support.ledger import named, put
from tests.support.statements import Statements

NOW = START + timedelta(days=2)
SECRET = b"m" * 32

Ask = Callable[..., Trace]


@pytest.fixture
def ask(engine: Engine, database: Database) -> Ask:
    """Asks for a trace; a start is a name, an EPC or a Start."""
    database.damaged = True

    def asked(
        direction: Direction, start: str | Start, reader: Principal = ADMIN, *, now: datetime = NOW, **options: Any
    ) -> Trace:
        what = start if isinstance(start, Start) else Start("custody", str(named(start)))
        with reading(engine) as snapshot:
            return trace(snapshot, reader, what, direction, now=now, secret=SECRET, **options)

    return asked


@pytest.fixture
def market_day(engine: Engine) -> Chains:
    """A farm's cabbage goes through a wholesaler and straight to a stall, where it becomes a dish with pork of unknown
    origin; another stall has some cabbage too."""
    with writing(engine) as connection:
        chains = Chains(connection)
        for party in ("grower", "wholesaler", "cook", "neighbour"):
            chains.party(party)
        chains.site("market", "neighbour", kind="market")
        chains.site("field", "grower", kind="farm", region="330122")
        chains.site("hall", "wholesaler", kind="wholesale")
        chains.site("kitchen", "cook", inside="market")
        chains.site("stall", "neighbour", inside="market")
        chains.product("cabbage")
        chains.product("pork", category="pork")
        chains.product("dish", category="cooked", measure="count", grams_per_piece=250)
        chains.lot("cabbages")
        chains.lot("porks", "pork")
        chains.lot("dishes", "dish")
        chains.custody("harvest", "cabbages", "field", "grower", grams=10_000, shipped=9_000)
        chains.custody("in hall", "cabbages", "hall", "wholesaler", "harvest", grams=6_000, shipped=5_000)
        chains.custody("in kitchen", "cabbages", "kitchen", "cook", "in hall", "harvest", grams=2_000, processed=4_000)
        chains.custody("on stall", "cabbages", "stall", "neighbour", "in hall", grams=3_000, sold=1_200, receipts=3)
        paper = {"name": "外地屠宰户", "contact": "13900000000", "address": "外省某镇", "document_ids": ["d1"]}
        chains.gap("unknown", "porks", "cook", product="pork", paper=paper)
        chains.custody(
            "pork here", "porks", "kitchen", "cook", "unknown", product="pork", link="outside", grams=5_000,
            processed=5_000,
        )  # fmt: skip
        chains.custody(
            "dish", "dishes", "kitchen", "cook", "in kitchen", "pork here", product="dish", link="transform",
            grams=4_000, measure="count", amount_in=20, sold=12, receipts=5, destroyed=1,
        )  # fmt: skip
        return chains


def names(found: Trace) -> list[str]:
    called = {str(named(name)): name for name in _ALL}
    return [called[node.id] for node in found.nodes]


_ALL = ["harvest", "in hall", "in kitchen", "on stall", "unknown", "pork here", "dish"]


def node(found: Trace, name: str) -> Any:
    return next(n for n in found.nodes if n.id == str(named(name)))


def states(found: Trace) -> dict[str, str]:
    return {name: n.status for name, n in zip(names(found), found.nodes, strict=True)}


# --- shape, order, amounts ---


def test_back_to_the_sources_by_generation_then_time(ask: Ask, market_day: Chains) -> None:
    found = ask("back", "dish")
    assert names(found) == ["dish", "in kitchen", "pork here", "in hall", "unknown", "harvest"]
    assert [n.depth for n in found.nodes] == [0, 1, 1, 2, 2, 2]
    assert found.truncated is False
    assert found.next is None
    assert found.totals == tracing.answer.Totals(6, 6, 6, 1, 5, 2_000, 20)


def test_forward_to_everyone_who_has_some(ask: Ask, market_day: Chains) -> None:
    found = ask("forward", "harvest")
    assert names(found) == ["harvest", "in hall", "in kitchen", "on stall", "dish"]
    assert {(link.kind, link.quantity.value if link.quantity else None) for link in found.links} == {
        ("move", "6"), ("move", "2"), ("move", "3"), ("transform", "4"),
    }  # fmt: skip


def test_the_json_is_the_contracts(ask: Ask, market_day: Chains) -> None:
    found = json.loads(to_json(ask("back", "dish")))
    assert list(found) == [
        "nodes", "links", "events", "gaps", "totals", "truncated", "next", "documents", "tests",
        "recipients", "shares", "start", "parties",
    ]  # fmt: skip
    dish_code = market_day.codes["dish"]
    dish, link, event, gap = found["nodes"][0], found["links"][0], found["events"][0], found["gaps"][0]
    assert dish == {
        "id": str(named("dish")), "kind": "custody", "code": dish_code,
        "lot_id": str(named("dishes")), "lot_number": "no dishes",
        "product": {"code": None, "name": "dish", "kind": "cooked", "region": None},
        "site": {"code": market_day.codes["kitchen"], "name": "kitchen", "kind": "stall", "region": "330106"},
        "party": {"code": market_day.codes["cook"], "name": "cook", "kind": "vendor", "region": "330106"},
        "status": "ok", "depth": 0,
        "in": {"value": "20", "unit": "pcs", "grams": 5_000, "pieces": 20},
        "out": {"value": "13", "unit": "pcs", "grams": 3_250, "pieces": 13},
        "on_hand": {"value": "7", "unit": "pcs", "grams": 1_750, "pieces": 7},
        "confidence": {"state": "closed", "claimed": None, "unexplained": None},
    }  # fmt: skip
    assert list(link) == ["parent_id", "child_id", "event_id", "kind", "quantity"]
    assert list(event) == [
        "id", "epcis_event_id", "kind", "event_time", "record_time", "site_id", "flags", "corrected_by",
    ]  # fmt: skip
    assert gap == {
        "node_id": str(named("unknown")), "reason": "outside",
        "from": {
            "name": "外地屠宰户", "contact": "13900000000", "address": "外省某镇", "document_ids": ["d1"],
            "reported_by": {"code": market_day.codes["cook"], "name": "cook", "kind": "vendor", "region": "330106"},
        },
    }  # fmt: skip
    assert list(found["totals"]) == ["nodes", "links", "events", "gaps", "receipts", "grams", "pieces"]


def test_more_out_than_in_is_shown(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        connection.execute(update(tables.custody).where(tables.custody.c.id == named("on stall")).values(sold=3_500))
    stall = node(ask("back", "on stall"), "on stall")
    assert (stall.in_.value, stall.out.value, stall.on_hand.value) == ("3", "3.5", "-0.5")
    assert stall.on_hand.grams == -500


def test_pieces_of_unknown_weight_and_links_of_unknown_amount(ask: Ask, engine: Engine) -> None:
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.product("egg", measure="count")
        chains.custody("eggs", "tray", None, None, product="egg", measure="count", amount_in=30)
        chains.custody("sold on", "tray", None, None, "eggs", product="gone", measure="count", grams=0)
        chains.link("eggs", "sold on", "another")
    found = ask("forward", "eggs")
    amounts = [n.in_ for n in found.nodes]
    assert amounts[0] == tracing.answer.Amount("30", "pcs", None, 30)
    assert found.nodes[1].product is None
    assert found.nodes[0].lot_number is None
    assert {link.quantity for link in found.links} == {tracing.answer.Amount("0", "kg", 0, None), None}


def test_events_run_from_source_to_table_whatever_their_clocks_say(ask: Ask, engine: Engine) -> None:
    """Feed that was "shipped" after it was eaten stands before the fish."""
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.custody("fish", "fish lot", None, None)
        chains.custody("feed", "feed lot", None, None)
        chains.link("feed", "fish", "arrival of fish", kind="transform")
        put(connection, tables.flag, event_id=named("arrival of feed"), position=1, slug="b", detail="乙 · b")
        put(connection, tables.flag, event_id=named("arrival of feed"), position=0, slug="a", detail="甲 · a")
        for by, hours in (("first", 1), ("second", 2)):
            put(
                connection, tables.correction, event_id=named("arrival of feed"), correcting_event_id=named(by),
                reason="incorrect_data", record_time=START + timedelta(hours=hours),
            )  # fmt: skip
    for direction, start in (("back", "fish"), ("forward", "feed")):
        found = ask(direction, start)  # type: ignore[arg-type]
        assert [e.id for e in found.events] == [str(named("arrival of feed")), str(named("arrival of fish"))]
    feed, fish = found.events
    assert feed.flags is not None
    assert [flag.slug for flag in feed.flags] == ["a", "b"]
    assert feed.corrected_by == str(named("second"))
    assert (fish.flags, fish.corrected_by) == ([], None)
    assert fish.event_time == START + timedelta(hours=1)
    assert fish.event_time.utcoffset() == timedelta(hours=8)


def test_all_events_that_touch_a_node(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        said = {"stage": "rapid", "item": "毒死蜱", "value": "0.02", "tester": "王", "sample_number": "7"}
        chains.event("rapid test", "test", "in hall", "in kitchen", body=said, outcome={"decision": "pass"})
        chains.event("elsewhere", "test", "on stall", body=said)
    found = ask("back", "dish")
    assert [(t.node_id, t.item, t.value, t.verdict, t.tester) for t in found.tests] == [
        (str(named(node)), "毒死蜱", "0.02", "pass", "王") for node in ("in kitchen", "in hall")
    ]
    assert [e.kind for e in found.events][-2:] == ["test", "transform"]
    assert str(named("rapid test")) in {e.id for e in found.events}
    assert str(named("elsewhere")) not in {e.id for e in found.events}
    assert len(found.events) == found.totals.events == 7


def test_a_place_is_called_what_it_was_called_then(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        connection.execute(update(tables.party).where(tables.party.c.id == named("wholesaler")).values(version=2))
        for version, name, since in ((1, "老张", START - timedelta(days=9)), (2, "小李", START + timedelta(hours=3))):
            body = {
                "id": named("wholesaler"), "code": "P", "name": name, "kind": "vendor", "region": None,
                "credit_code": None, "licences": [], "contact": None, "external_codes": [], "status": "active",
                "status_reason": None, "warnings": [], "enrolled_by": None, "version": version, "valid_from": since,
                "record_time": since,
            }  # fmt: skip
            put(
                connection, tables.master_version, subject_id=named("wholesaler"), version=version, kind="party",
                valid_from=since, record_time=since, body=msgspec.to_builtins(body),
            )  # fmt: skip
    found = ask("back", "on stall")
    assert node(found, "in hall").party.name == "老张"
    assert node(found, "on stall").party.name == "neighbour"


# --- states ---


@pytest.mark.parametrize(
    ("scope", "on", "lot", "held"),
    [
        ("custody", "in hall", "cabbages", {"in hall"}),
        ("lot", "in hall", "cabbages", {"in hall", "harvest", "in kitchen"}),
        ("downstream", "in hall", "cabbages", {"in hall", "in kitchen", "dish"}),
    ],
)
def test_a_hold_reaches_what_its_scope_says(
    ask: Ask, engine: Engine, market_day: Chains, scope: str, on: str, lot: str, held: set[str]
) -> None:
    with writing(engine) as connection:
        Chains(connection, hours=50).hold("stop", scope, on, lot)
    found = states(ask("back", "dish"))
    assert {name for name, status in found.items() if status == "held"} == held
    assert found["unknown"] == "gap"


def test_a_hold_upstream_shows_going_forward_and_of_what_was_mixed_in(
    ask: Ask, engine: Engine, market_day: Chains
) -> None:
    with writing(engine) as connection:
        Chains(connection, hours=50).hold("stop", "downstream", "pork here", "porks")
    assert states(ask("forward", "harvest"))["dish"] == "held"
    assert states(ask("forward", "dish"))["dish"] == "held"
    assert states(ask("back", "dish", limits=Limits(nodes=1)))["dish"] == "held"


def test_a_released_hold_is_over_and_a_recall_is_graver(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        chains.hold("over", "lot", "in hall", "cabbages", released_by=named("release"))
        chains.hold("stop", "custody", "in hall", "cabbages")
        chains.hold("recall", "downstream", "harvest", "cabbages", recall_id=named("r"))
    found = states(ask("forward", "harvest"))
    assert set(found.values()) == {"recalled"}
    assert states(ask("back", "pork here"))["pork here"] == "ok"


def test_expired_refused_voided(ask: Ask, engine: Engine, market_day: Chains) -> None:
    custody = tables.custody
    with writing(engine) as connection:
        for name, values in (
            ("harvest", {"voided_by": named("x"), "kind": "gap", "gap_reason": "voided"}),
            ("in hall", {"admission": "refused"}),
            ("in kitchen", {"expires_on": date(2026, 3, 3)}),
        ):
            connection.execute(update(custody).where(custody.c.id == named(name)).values(**values))
        connection.execute(
            update(tables.lot).where(tables.lot.c.id == named("dishes")).values(expires_on=date(2026, 3, 2))
        )
    found = ask("back", "dish", now=datetime(2026, 3, 3, 15, 59, tzinfo=UTC))
    assert states(found) == {
        "dish": "expired", "in kitchen": "ok", "pork here": "ok", "in hall": "refused", "unknown": "gap",
        "harvest": "voided",
    }  # fmt: skip
    # The day is the site's own: in China the fourth has begun.
    assert states(ask("back", "dish", now=datetime(2026, 3, 3, 16, 0, tzinfo=UTC)))["in kitchen"] == "expired"
    assert found.totals.grams == 1_000, "a voided custody's goods are counted where they went instead"


# --- gaps ---


def test_a_gap_is_claimed_and_then_closed(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        chains.event("claim", "identify", "unknown", "harvest")
        chains.link("harvest", "unknown", "claim", kind="identify", claimed_by="cook")
    found = ask("back", "pork here")
    assert [gap.reason for gap in found.gaps] == ["claimed"]
    assert node(found, "unknown").status == "gap"
    assert names(found) == ["pork here", "unknown", "harvest"]
    with writing(engine) as connection:
        connection.execute(
            update(tables.custody_link).where(tables.custody_link.c.kind == "identify").values(claimed_by=None)
        )
    found = ask("back", "pork here", limits=Limits(depth=1))
    assert found.gaps == []
    assert node(found, "unknown").status == "ok"
    assert found.totals.gaps == 0


def test_a_gap_of_a_correction_says_who_reports_it(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        chains.gap("orphaned", "cabbages", "cook", gap_reason="voided")
        chains.gap("gone", "cabbages", "cook", voided_by=named("x"))
        chains.link("orphaned", "in kitchen", "arrival of in kitchen", kind="outside")
        chains.link("gone", "in kitchen", "arrival of in kitchen", kind="outside")
    found = ask("back", "in kitchen")
    (gap,) = found.gaps
    assert (gap.node_id, gap.reason) == (str(named("orphaned")), "voided")
    assert gap.from_.name is None
    assert gap.from_.reported_by is not None
    assert gap.from_.reported_by.name == "cook"
    assert next(n for n in found.nodes if n.id == str(named("gone"))).status == "voided"
    orphaned = next(n for n in found.nodes if n.id == str(named("orphaned")))
    assert (orphaned.party, orphaned.in_, orphaned.out, orphaned.on_hand) == (None, None, None, None)


# --- where it starts ---


def test_every_kind_of_code_leads_to_its_custodies(ask: Ask, engine: Engine, market_day: Chains) -> None:
    receipt = codes.receipt_id(7, 1, 99)
    with writing(engine) as connection:
        chains = Chains(connection, market_day.codes, hours=50)
        slip = chains.code("slip", CodeKind.SLIP, named("slip event"))
        unit = chains.code("unit", CodeKind.LOT, named("dishes"))
        for position, name in enumerate(("pork here", "in hall")):
            put(connection, tables.slip_item, slip_code=slip, custody_id=named(name), position=position)
        put(connection, tables.receipt, id=receipt)
        for line, sold in enumerate((named("dish"), None, named("on stall"))):
            put(connection, tables.receipt_line, receipt_id=receipt, line=line, custody_id=sold, value="1", unit="kg")

    def roots(start: Start) -> set[str]:
        found = ask("forward", start)
        return {name for name, n in zip(names(found), found.nodes, strict=True) if n.depth == 0}

    made = market_day.codes
    assert roots(Start("code", made["in hall"])) == {"in hall"}
    assert roots(Start("code", f" https://food.example.cn/c/{made['in hall'].lower()} ")) == {"in hall"}
    assert roots(Start("code", made["cabbages"])) == {"harvest", "in hall", "in kitchen", "on stall"}
    assert roots(Start("lot", str(named("porks")))) == {"pork here"}
    assert roots(Start("code", unit)) == {"dish"}
    assert roots(Start("code", slip)) == {"pork here", "in hall"}
    assert roots(Start("code", made["stall"])) == {"on stall"}
    assert roots(Start("code", made["cook"])) == {"in kitchen", "pork here", "dish"}
    code = codes.receipt_code(codes.receipt_secret(SECRET, 7, 1), receipt)
    assert roots(Start("code", code)) == {"dish", "on stall"}


def test_an_epc_and_the_unit_it_was_packed_in(ask: Ask, engine: Engine) -> None:
    lot, other = "urn:gdst:example.org:product:lot:class:a.1", "urn:gdst:example.org:product:lot:class:b.1"
    pallet, case = "urn:epc:id:sscc:08600031303.0005", "urn:epc:id:sscc:08600031303.0004"
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.custody("at mill", "x", None, None, epc=lot)
        chains.custody("at farm", "x", None, None, "at mill", epc=lot)
        chains.custody("monday", "y", None, None, epc=other)
        chains.lot("native", epc="https://id.gs1.org/01/06901234567892/10/A1")
        chains.custody("own", "native", None, None)

        def pack(unit: str, content: str, since: int, until: int | None) -> None:
            put(
                connection, tables.packing, unit_epc=canonical_uri(unit),
                content_epc=canonical_uri(content), from_event_id=named(f"pack {since}"),
                from_time=START + timedelta(hours=since),
                to_time=None if until is None else START + timedelta(hours=until),
            )  # fmt: skip

        pack(pallet, other, 1, 2)
        pack(pallet, case, 5, 6)
        pack(case, lot, 4, 6)
        pack(case, other, 1, 3)

    def roots(epc: str) -> set[str]:
        return {n.id for n in ask("forward", Start("epc", epc)).nodes if n.depth == 0}

    tuesday = {str(named("at mill")), str(named("at farm"))}
    assert roots(lot) == tuesday
    assert roots(pallet) == tuesday, "a crate used again does not join Monday's goods with Tuesday's"
    assert roots("urn:epc:class:lgtin:6901234.056789.A1") == {str(named("own"))}
    with writing(engine) as connection:
        connection.execute(
            update(tables.packing)
            .where(tables.packing.c.unit_epc == canonical_uri(case))
            .where(tables.packing.c.from_time == START + timedelta(hours=1))
            .values(to_time=None)
        )
    assert roots(case) == {str(named("monday"))}, "what is in it now"


def test_what_does_not_exist(ask: Ask, engine: Engine, market_day: Chains) -> None:
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        nowhere = chains.code("nowhere", CodeKind.SITE, named("nowhere"))
    unseen = codes.receipt_code(codes.receipt_secret(SECRET, 7, 1), codes.receipt_id(7, 1, 5))
    forged = codes.receipt_code(b"x" * 32, codes.receipt_id(7, 1, 5))
    for start, slug in (
        (Start("custody", str(named("nothing"))), "unknown-custody"),
        (Start("lot", str(named("nothing"))), "unknown-lot"),
        (Start("epc", "urn:epc:id:sgtin:0614141.107346.2017"), "unknown-epc"),
        (Start("code", codes.mint(CodeKind.CUSTODY)), "unknown-code"),
        (Start("code", nowhere), "unknown-site"),
        (Start("code", unseen), "sale-pending"),
        (Start("code", forged), "not-authentic"),
    ):
        with pytest.raises(NotFound) as refused:
            ask("back", start)
        assert refused.value.slug == slug
    for start, slug in (
        (Start("code", "B0123"), "mistyped-code"),
        (Start("custody", "x"), "bad-id"),
        (Start("lot", "ü"), "bad-id"),
    ):
        with pytest.raises(Malformed) as malformed:
            ask("back", start)
        assert malformed.value.slug == slug
        assert " · " in malformed.value.detail


def test_more_starts_than_one_answer_begins_with(ask: Ask, market_day: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "STARTS", 2)
    found = ask("back", Start("code", market_day.codes["cook"]))
    assert [name for name, n in zip(names(found), found.nodes, strict=True) if n.depth == 0] == ["dish", "pork here"]
    assert found.truncated is True
    assert found.next is None


# --- where it is cut ---


def test_cut_by_width_it_goes_on_to_the_same_whole(ask: Ask, market_day: Chains) -> None:
    whole = ask("forward", "harvest")
    parts, cursor = [], None
    while not parts or cursor is not None:
        parts.append(ask("forward", "harvest", limits=Limits(nodes=2), cursor=cursor))
        cursor = parts[-1].next
        assert parts[-1].truncated is (cursor is not None)
    assert [len(part.nodes) for part in parts] == [2, 2, 1]
    assert {n for part in parts for n in part.nodes} == set(whole.nodes)
    assert sorted((link for part in parts for link in part.links), key=str) == sorted(whole.links, key=str)


def test_cut_by_depth_and_by_time(ask: Ask, market_day: Chains) -> None:
    found = ask("back", "dish", limits=Limits(depth=1))
    assert names(found) == ["dish", "in kitchen", "pork here"]
    assert len(found.links) == 2
    further = ask("back", "dish", limits=Limits(depth=1), cursor=found.next)
    assert names(further) == ["in hall", "unknown", "harvest"]
    assert further.next is None
    ticks = iter(range(100))
    slow = ask("back", "dish", limits=Limits(seconds=0.5), clock=lambda: float(next(ticks)))
    assert names(slow) == ["dish"]
    assert slow.next is not None


@pytest.mark.parametrize("text", ["", "x", "ü", "AAAA", "A" * 400, "====", "AAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_cursor_that_never_was_one(ask: Ask, market_day: Chains, text: str) -> None:
    with pytest.raises(Malformed) as refused:
        ask("back", "dish", cursor=text)
    assert refused.value.slug == "bad-cursor"


def test_a_cursor_of_another_question(ask: Ask, market_day: Chains) -> None:
    cursor = ask("back", "dish", limits=Limits(nodes=1)).next
    assert cursor is not None
    assert len(cursor) < 60
    for direction, start in (("forward", "dish"), ("back", "in kitchen")):
        with pytest.raises(Malformed):
            ask(direction, start, cursor=cursor)


def test_a_circle_in_captured_data_ends(ask: Ask, engine: Engine) -> None:
    with writing(engine) as connection:
        chains = Chains(connection)
        for name in ("a", "b", "c"):
            chains.custody(name, "x", None, None)
        for parent, child in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")):
            chains.link(parent, child, f"arrival of {child}")
        chains.hold("stop", "downstream", "b", "x")
    found = ask("forward", "a")
    assert [n.depth for n in found.nodes] == [0, 1, 2]
    assert len(found.links) == 4
    assert {n.status for n in found.nodes} == {"held"}
    assert len(list(tree_lines(found, "forward"))) == 6


def test_a_small_trace_runs_few_statements(
    ask: Ask, engine: Engine, market_day: Chains, statements: Statements
) -> None:
    statements.clear()
    ask("back", "dish")
    assert len(statements) <= 24, str(statements)


# --- for a terminal ---


def test_the_tree_of_a_dish(ask: Ask, market_day: Chains) -> None:
    found = ask("back", "dish")
    lines = [line.rpartition(" · B")[0] or line for line in tree_lines(found, "back")]
    assert lines == [
        "[正常] dish 批次 no dishes · kitchen (cook) · 进 20 pcs 存 7 pcs",
        "├─ [正常] cabbage 批次 no cabbages · kitchen (cook) · 进 4 kg 存 0 kg",
        "│  ├─ [正常] cabbage 批次 no cabbages · hall (wholesaler) · 进 6 kg 存 1 kg",
        "│  │  └─ [正常] cabbage 批次 no cabbages · field (grower) · 进 10 kg 存 1 kg",
        "│  └─ [正常] cabbage 批次 no cabbages · field (grower) · 进 10 kg 存 1 kg",
        "└─ [正常] pork 批次 no porks · kitchen (cook) · 进 5 kg 存 0 kg · 其中 5 kg 只有一方说法",
        "   └─ [来源不明] pork · 系统外购入 · 外地屠宰户 · 外省某镇 · cook 填报 · 联系 13900000000",
        "各来源占起点的数量:",
        "  field · cabbage no cabbages：10 pcs",
        "  外地屠宰户 · pork no porks：10 pcs",
        "6 个节点，6 个环节，6 条记录，1 处来源不明",
    ]
    assert sum("见上" in line for line in tree_lines(found, "back")) == 1


def test_the_tree_says_where_it_was_cut(
    ask: Ask, engine: Engine, market_day: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ask("forward", "harvest", limits=Limits(nodes=1))
    assert list(tree_lines(found, "forward", "en"))[-1] == f"there is more, go on with cursor={found.next}"
    with writing(engine) as connection:
        chains = Chains(connection, hours=50)
        chains.event("claim", "identify", "unknown")
        chains.link("harvest", "unknown", "claim", kind="identify")
    closed = list(tree_lines(ask("back", "pork here"), "back", "en"))
    assert "   [ok] pork · origin confirmed by both sides".strip() in closed[1]
    monkeypatch.setattr(chain, "STARTS", 1)
    lines = list(tree_lines(ask("back", Start("code", market_day.codes["cook"])), "back", "en"))
    assert lines[-1] == "there is more: only the newest starts are listed"
