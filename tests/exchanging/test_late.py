"""What comes late, is taken back, contradicts, or stands on captured goods without being captured."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update

from app.domain.rows import ENTRIES
from app.store import tables
from app.store.check import verify
from app.store.engine import writing
from app.store.rebuild import rebuild
from app.store.writer import Writer
from tests.exchanging.world import (
    FARM,
    MARKET,
    PLANT,
    STALL,
    bring,
    codes,
    declared,
    document,
    ledger,
    made,
    packed,
    rows,
    seen,
    some,
    turned,
)
from tests.support.cast import Cast
from tests.support.databases import Database

PALLET = "urn:epc:id:sscc:4012345.1112223334"
CRATE = "urn:epc:id:grai:4012345.00022.7"

Bring = Callable[..., Any]


@pytest.fixture
def came(engine: Engine, writer: Writer) -> Bring:
    """Brings events in, as a document of their own."""

    def brought(*events: dict[str, Any], **options: Any) -> Any:
        report = bring(writer, engine, document(*events), **options)
        assert report.refused == 0, report.refusals
        return report

    return brought


def places(engine: Engine) -> dict[str, dict[str, Any]]:
    """Custodies that stand, by the URI of their site."""
    sites = {row["id"]: row["uri"] for row in rows(engine, tables.site)}
    return {sites[row["site_id"]]: row for row in rows(engine, tables.custody) if row["voided_by"] is None}


def flags(engine: Engine) -> set[tuple[str, Any]]:
    return {(row["slug"], row["event_id"]) for row in rows(engine, tables.flag)}


def test_a_late_event_between_two_others_is_put_between_them(engine: Engine, came: Bring) -> None:
    came(made(1, FARM, some("A", 50)), seen(9, STALL, "receiving", some("A", 20)))
    farm, stall = places(engine)[FARM], places(engine)[STALL]
    (link,) = rows(engine, tables.custody_link)
    assert (link["parent_id"], link["child_id"], link["grams"]) == (farm["id"], stall["id"], 20_000)
    came(seen(5, MARKET, "receiving", some("A", 30)), seen(7, MARKET, "shipping", some("A", 20)))
    market = places(engine)[MARKET]
    links = {(row["parent_id"], row["child_id"], row["grams"]) for row in rows(engine, tables.custody_link)}
    assert links == {(farm["id"], market["id"], 30_000), (market["id"], stall["id"], 20_000)}
    balance = {name: market[name] for name in ENTRIES.values()}
    assert balance == dict.fromkeys(ENTRIES.values(), 0) | {"amount_in": 30_000, "shipped": 20_000}
    assert places(engine)[FARM]["shipped"] == 30_000


def test_a_packing_that_comes_late_moves_what_was_in_the_crate(engine: Engine, came: Bring) -> None:
    came(made(1, FARM, some("A", 50)), seen(9, MARKET, "receiving", epcList=[PALLET]))
    assert places(engine).keys() == {FARM}
    came(packed(3, FARM, PALLET, some("A", 12)))
    assert places(engine)[MARKET]["amount_in"] == 12_000
    (packing,) = rows(engine, tables.packing)
    assert packing["to_event_id"] is None
    came(packed(10, MARKET, PALLET, action="DELETE"))
    (packing,) = rows(engine, tables.packing)
    assert packing["to_time"] is not None


def test_what_is_declared_wrong_is_taken_back_and_says_so(engine: Engine, came: Bring) -> None:
    wrong = seen(5, MARKET, "receiving", some("A", 30), eventID="urn:uuid:6a9ddd13-b4b1-4d3b-8a3f-2a2a2a2a2a2a")
    came(made(1, FARM, some("A", 50)), wrong, issue=True)
    market = places(engine)[MARKET]
    came(declared(wrong))
    assert places(engine).keys() == {FARM}
    (gone,) = [row for row in rows(engine, tables.custody) if row["voided_by"] is not None]
    assert (gone["id"], gone["code"], gone["amount_in"]) == (market["id"], market["code"], 0)
    code = next(row for row in rows(engine, tables.code) if row["code"] == market["code"])
    assert (code["status"], code["reason"]) == ("revoked", "replaced")
    assert code["replacement"] == places(engine)[FARM]["code"]
    (correction,) = rows(engine, tables.correction)
    assert (correction["event_id"], correction["reason"]) == (market["arrived_event_id"], "did_not_occur")
    assert correction["correcting_event_id"] == gone["voided_by"]
    assert rows(engine, tables.custody_link) == []
    # It did happen, as another event of the same place and goods says: the printed code works again.
    came({**wrong, "eventTime": "2026-02-01T06:00:00+08:00"})
    assert places(engine)[MARKET]["code"] == market["code"]
    code = next(row for row in rows(engine, tables.code) if row["code"] == market["code"])
    assert (code["status"], code["replacement"], code["revoked_at"]) == ("active", None, None)


def test_a_lot_whose_only_event_is_declared_wrong(engine: Engine, came: Bring) -> None:
    event = made(1, FARM, some("A", 50))
    came(event, issue=True)
    came(declared(event))
    assert {row["status"] for row in rows(engine, tables.code) if row["kind"] in ("B", "G")} == {"revoked"}
    assert rows(engine, tables.timeline) == []
    assert len(rows(engine, tables.lot)) == 1
    came(made(2, FARM, some("A", 50)))
    assert {row["status"] for row in rows(engine, tables.code) if row["kind"] in ("B", "G")} == {"active"}
    assert len(codes(engine)) == 2


def test_what_was_never_printed_goes_without_a_trace(engine: Engine, came: Bring) -> None:
    event = made(1, FARM, some("A", 50))
    came(event)
    came(declared(event))
    assert rows(engine, tables.custody) == rows(engine, tables.lot) == rows(engine, tables.timeline) == []


@pytest.mark.parametrize("together", [True, False])
def test_a_loop_through_five_lots_is_flagged_and_goes_with_its_cause(
    engine: Engine, came: Bring, together: bool
) -> None:
    names = "ABCDE"
    steps = [
        turned(i, PLANT, [some(a, 5)], [some(b, 5)])
        for i, (a, b) in enumerate(zip(names, names[1:] + names[0], strict=True))
    ]
    if together:
        came(*steps)
    else:
        for step in steps:
            came(step)
    looped = [row for row in rows(engine, tables.flag) if row["slug"] == "loop"]
    assert {row["detail"][-1] for row in looped} == set(names)
    assert len(rows(engine, tables.custody_link)) == 5
    came(declared(steps[2]))
    assert [row for row in rows(engine, tables.flag) if row["slug"] == "loop"] == []
    links = rows(engine, tables.custody_link)
    assert sorted(link["kind"] for link in links) == ["outside", *["transform"] * 4], "what made D is not on record now"


def test_a_lot_made_of_itself_is_flagged_and_not_linked(engine: Engine, came: Bring) -> None:
    report = came(turned(1, PLANT, [some("A", 5)], [some("A", 4)]))
    assert [slug for slug, _ in report.events[0].flags] == ["loop"]
    assert rows(engine, tables.custody_link) == []


def test_an_event_id_used_again_is_flagged_in_whatever_order(engine: Engine, came: Bring) -> None:
    own_id = {"eventID": "urn:uuid:0b9ddd13-b4b1-4d3b-8a3f-2a2a2a2a2a2b"}
    later, first = seen(5, MARKET, None, some("A", 1), **own_id), made(1, FARM, some("B", 1), **own_id)
    report = came(later)
    assert report.counts["flagged"] == 0
    report = came(first)
    assert report.counts["flagged"] == 0
    ids = {row["event_time"]: row["id"] for row in rows(engine, tables.event)}
    assert flags(engine) == {("reused_event_id", ids[max(ids)])}
    assert came(later).events[0].flags != ()


def test_weighed_once_always_weighed(engine: Engine, came: Bring) -> None:
    def fish(name: str, **amount: Any) -> dict[str, Any]:
        return {"epcClass": f"urn:epc:class:lgtin:4012345.012345.{name}", **amount}

    came(made(1, FARM, fish("A", quantity=12)))
    (product,) = rows(engine, tables.product)
    assert (product["measure"], places(engine)[FARM]["measure"]) == ("count", "count")
    assert places(engine)[FARM]["amount_in"] == 12
    came(made(2, PLANT, fish("B", quantity=3.5, uom="KGM")))
    (product,) = rows(engine, tables.product)
    assert (product["measure"], product["version"]) == ("weight", 2)
    assert {uri: row["measure"] for uri, row in places(engine).items()} == {FARM: "count", PLANT: "weight"}


def test_goods_whose_events_name_no_place(engine: Engine, came: Bring) -> None:
    came(made(1, None, some("A", 5)))
    (custody,) = rows(engine, tables.custody)
    assert (custody["site_id"], custody["party_id"], custody["amount_in"]) == (None, None, 5_000)


def test_what_was_sold_and_what_was_destroyed(engine: Engine, came: Bring) -> None:
    came(
        made(1, STALL, some("A", 50)),
        {**seen(2, STALL, "retail_selling", some("A", 5)), "action": "DELETE"},
        {**seen(3, STALL, "destroying", some("A", 2)), "action": "DELETE"},
        {**seen(4, STALL, "departing", some("A", 9))},
        {**seen(4, STALL, "shipping", some("A", 9.5))},
    )
    stall = places(engine)[STALL]
    assert [stall[name] for name in ("amount_in", "sold", "destroyed", "shipped")] == [50_000, 5_000, 2_000, 9_500]


class TestNativeEventsOnCapturedGoods:
    def captured(self, cast: Cast, *events: dict[str, Any]) -> dict[str, str]:
        answer = cast.admin.post("/captures?issue=true", document(*events))
        assert answer.status_code == 200, answer.text
        return {code["site"]: code["code"] for code in answer.json()["codes"] if code["kind"] == "custody"}

    def test_a_test_and_its_hold_stay_when_events_come_late(self, cast: Cast) -> None:
        code = self.captured(cast, made(1, FARM, some("A", 50)))["4012345000016"]
        node = cast.admin.trace("back", code=code)["nodes"][0]
        cast.admin.record(
            "test", custody_id=node["id"], stage="rapid", method="GB/T 5009.199", item="有机磷", value="80", unit="%",
            limit="50", verdict="fail", sample_number="1", tester="甲",
        )  # fmt: skip
        assert cast.public.scan(code)["status"] == "held"
        self.captured(cast, seen(2, FARM, "storing", some("A", 50)), seen(9, MARKET, "receiving", some("A", 20)))
        page = cast.public.scan(code)
        assert page["status"] == "held"
        assert [test["verdict"] for test in page["tests"]] == ["fail"]

    def test_what_was_destroyed_natively_stays_destroyed(self, cast: Cast) -> None:
        event = made(1, FARM, some("A", 50))
        code = self.captured(cast, event)["4012345000016"]
        node = cast.admin.trace("back", code=code)["nodes"][0]
        site = cast.admin.get("/sites").json()["items"]
        farm = next(row for row in site if row["name"] == "4012345000016")
        cast.admin.patch(f"/sites/{farm['id']}", {"status": "active"})
        cast.admin.record(
            "destroy", site_id=farm["id"], items=[{"custody_id": node["id"], "quantity": {"value": "8", "unit": "kg"}}],
            reason="rotten", evidence=[],
        )  # fmt: skip
        self.captured(cast, seen(9, MARKET, "receiving", some("A", 20)))
        node = cast.admin.trace("back", code=code)["nodes"][0]
        assert (node["in"]["value"], node["on_hand"]["value"]) == ("50", "22")
        self.captured(cast, declared(event))
        voided = cast.admin.trace("back", code=code)["nodes"][0]
        assert (voided["status"], voided["in"]["value"], voided["on_hand"]["value"]) == ("voided", "0", "-8")


class TestCheck:
    @pytest.fixture
    def some_chain(self, came: Bring, database: Database) -> None:
        came(
            made(1, FARM, some("A", 50)),
            packed(2, FARM, CRATE, some("A", 12)),
            seen(3, MARKET, "receiving", epcList=[CRATE]),
            turned(4, MARKET, [some("A", 5)], [some("B", 4)]),
            seen(5, MARKET, None, {"epcClass": "urn:epc:idpat:sgtin:4012345.066666.*"}),
        )
        database.damaged = True

    @pytest.mark.usefixtures("some_chain")
    @pytest.mark.parametrize(
        ("table", "values"),
        [
            (tables.custody, {"arrived_at": None}),
            (tables.custody_link, {"grams": 1}),
            (tables.packing, {"to_time": None}),
            (tables.lot, {"lot_number": "other"}),
            (tables.flag, {"slug": "loop"}),
        ],
        ids=lambda value: getattr(value, "name", ""),
    )
    def test_whatever_is_changed_is_found_and_put_right(
        self, engine: Engine, table: Any, values: dict[str, Any]
    ) -> None:
        right = ledger(engine)
        time = rows(engine, tables.event)[0]["record_time"]
        with writing(engine) as connection:
            changed = {name: time if name.endswith(("_at", "_time")) else value for name, value in values.items()}
            connection.execute(update(table).values(changed))
        assert any(finding.startswith("captured ") for finding in verify(engine))
        assert rebuild(engine) != []
        assert verify(engine) == []
        assert ledger(engine) == right

    @pytest.mark.usefixtures("some_chain")
    @pytest.mark.parametrize(
        "table", [tables.custody_link, tables.packing, tables.timeline], ids=lambda table: table.name
    )
    def test_whatever_is_missing_is_found_and_put_back(self, engine: Engine, table: Any) -> None:
        right = ledger(engine)
        with writing(engine) as connection:
            connection.execute(delete(table))
        assert verify(engine) != []
        rebuild(engine)
        assert verify(engine) == []
        assert ledger(engine) == right

    @pytest.mark.usefixtures("some_chain")
    def test_an_event_that_cannot_be_found_by_its_goods(self, engine: Engine) -> None:
        with writing(engine) as connection:
            connection.execute(delete(tables.epc_event))
        assert any("does not lead to it in epc_event" in finding for finding in verify(engine))

    @pytest.mark.usefixtures("some_chain")
    @pytest.mark.parametrize("body", [{"type": "ObjectEvent"}, None], ids=["without a time", "another hour"])
    def test_a_changed_body_is_not_what_was_captured(self, engine: Engine, body: dict[str, Any] | None) -> None:
        first = rows(engine, tables.event)[0]
        new = body or {**first["body"], "eventTime": "2026-02-09T00:00:00Z"}
        with writing(engine) as connection:
            connection.execute(update(tables.event).where(tables.event.c.id == first["id"]).values(body=new))
        assert any("is not what was captured" in finding for finding in verify(engine))

    @pytest.mark.usefixtures("some_chain")
    def test_a_capture_without_its_event(self, engine: Engine) -> None:
        with writing(engine) as connection:
            connection.execute(update(tables.capture).values(event_ids=["018f3a4e-0000-5000-8000-000000000001"]))
        assert any("is not in event" in finding for finding in verify(engine))
