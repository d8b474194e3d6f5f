"""Coverage and statistics: every number is the number of its rows."""

from collections import Counter
from typing import Any

import pytest

from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Actor, Cast, ago, quantity

FAR = {"from": ago(days=40)}


def asked(actor: Actor, path: str, **params: Any) -> dict[str, Any]:
    answer = actor.get(path, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def rows(actor: Actor, address: str, **params: Any) -> list[dict[str, Any]]:
    """All rows behind a number, in pages of two."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        joined = "&".join(f"{name}={value}" for name, value in ({"limit": 2} | params | cursor).items())
        answer = actor.get(f"{address}&{joined}")
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            return found
        cursor = {"cursor": answer.json()["next"]}


def shares(measures: dict[str, Any]) -> dict[str, tuple[int, int]]:
    names = ("stalls_recording", "sales_with_batch", "batches_with_paper", "chains_complete")
    return {name: (measures[name]["numerator"], measures[name]["denominator"]) for name in names}


@pytest.fixture
def town(cast: Cast) -> dict[str, Any]:
    """A stall that records and one that does not; leaf with a paper from the farm, pork from who knows where."""
    leaf = harvest(cast, "100")
    certificate = paper(cast.farm)
    cast.farm.record("certify", custody_id=leaf["custody_id"], document_id=certificate)
    here = deliver(cast, leaf, "40", cast.stall)
    also = deliver(cast, leaf, "10", cast.stall)
    pork = cast.product("猪肉", "pork.belly")
    item = {"product_id": pork["id"], "quantity": quantity("20")}
    outside = cast.stall.record("receive", **{"from": {"name": "路边"}}, items=[item])["outputs"][0]
    ham = cast.stall.record(
        "transform", process="process", inputs=[cast.item(outside, "5"), cast.item(also, "1")],
        outputs=[cast.output(cast.product("肉包", "prepared"), "6")],
    )["outputs"][0]  # fmt: skip
    scale = cast.scale(cast.stall)
    loose = {"product_id": pork["id"], "quantity": quantity("1")}
    scale.sell(1, cast.item(here, "1"), loose)
    scale.sell(2, loose, loose)
    nameless = {"product_id": "00000000-0000-4000-8000-000000000000", "quantity": quantity("1")}
    scale.sell(3, nameless)
    cast.stall.record("sell", lines=[cast.item(ham, "1"), loose])
    wrong = cast.stall.record("sell", lines=[loose])
    cast.stall.record("correct", event_id=wrong["id"], reason="did_not_occur")
    return {"leaf": leaf, "here": here, "also": also, "outside": outside, "ham": ham}


def test_every_number_is_that_of_its_rows(cast: Cast, town: dict[str, Any]) -> None:
    for by in ("category", "market", "month"):
        told = asked(cast.regulator, "/coverage", by=by, **FAR)
        for group in [told["total"], *told["groups"]]:
            for measure in ("stalls_recording", "sales_with_batch", "batches_with_paper", "chains_complete"):
                number = group[measure]
                address = number["rows"].removeprefix("/api/v1")
                missing, covered = rows(cast.regulator, address), rows(cast.regulator, address, covered="true")
                assert len(covered) == number["numerator"], (by, group.get("key"), measure)
                assert len(covered) + len(missing) == number["denominator"], (by, group.get("key"), measure)
                assert number["share"] == (
                    number["numerator"] / number["denominator"] if number["denominator"] else None
                )


def test_what_is_counted(cast: Cast, town: dict[str, Any]) -> None:
    total = shares(asked(cast.market, "/coverage")["total"])
    assert total == {
        "stalls_recording": (1, 2), "sales_with_batch": (2, 7), "batches_with_paper": (2, 4), "chains_complete": (2, 4),
    }  # fmt: skip
    groups = {group["key"]: shares(group) for group in asked(cast.market, "/coverage")["groups"]}
    assert groups["vegetables"]["batches_with_paper"] == groups["vegetables"]["chains_complete"] == (2, 2)
    assert groups["pork"]["chains_complete"] == (0, 1)
    assert groups["pork"]["sales_with_batch"] == (0, 4)
    assert groups["prepared"] == {
        "stalls_recording": (1, 2), "sales_with_batch": (1, 1), "batches_with_paper": (0, 1), "chains_complete": (0, 1),
    }  # fmt: skip
    assert groups["unknown"]["sales_with_batch"] == (0, 1)
    [market] = asked(cast.market, "/coverage", by="market")["groups"]
    assert (market["key"], market["name"]) == (cast.market.site["id"], "城西农贸市场")
    address = asked(cast.market, "/coverage")["total"]["chains_complete"]["rows"]
    broken = rows(cast.market, address.removeprefix("/api/v1"))
    assert {row["custody_id"] for row in broken} == {town["outside"]["custody_id"], town["ham"]["custody_id"]}
    assert cast.market.get(broken[0]["trace"].removeprefix("/api/v1")).status_code == 200
    unnamed = rows(cast.market, asked(cast.market, "/coverage")["total"]["sales_with_batch"]["rows"][7:])
    assert Counter(bool(row["receipt_code"]) for row in unnamed) == {True: 4, False: 1}
    # The gap is closed by both sides: the chain of all that came of it is complete.
    gap = cast.stall.trace("back", custody=town["outside"]["custody_id"])["gaps"][0]["node_id"]
    pig = cast.plant.record("produce", outputs=[cast.output({"id": town["outside"]["product_id"]}, "50")])["outputs"][0]
    for actor in (cast.stall, cast.plant):
        said = {"gap_custody_id": gap, "parent_custody_id": pig["custody_id"]}
        actor.record("identify", **said)
        closed = shares(asked(cast.market, "/coverage")["total"])["chains_complete"]
        assert closed == ((2, 4) if actor is cast.stall else (4, 4))


def test_who_may_ask_and_how(cast: Cast, town: dict[str, Any]) -> None:
    for path in ("/coverage", "/coverage/rows?measure=chains_complete", "/statistics/tests", "/statistics/admissions"):
        for actor in (cast.stall, cast.farm, cast.lab):
            assert actor.get(path).status_code == 403
    for measure in ("chains_complete", "sales_with_batch"):
        for cursor in ("x", "YiAxIDEgMQ"):
            answer = cast.market.get("/coverage/rows", params={"measure": measure, "cursor": cursor})
            assert answer.status_code == 400
    assert cast.market.get("/coverage/rows").status_code == 400
    assert cast.market.get("/coverage", params={"by": "colour"}).status_code == 400
    assert shares(asked(cast.other_regulator, "/coverage")["total"])["stalls_recording"] == (0, 0)
    assert asked(cast.other_regulator, "/coverage")["total"]["chains_complete"]["share"] is None
    region = asked(cast.admin, "/coverage", region="330106", site=cast.other_stall.site["id"])
    assert shares(region["total"])["stalls_recording"] == (0, 1)


def test_entry_refusals(cast: Cast) -> None:
    good, held = (deliver(cast, harvest(cast), "10", cast.stall) for _ in range(2))
    certificate = paper(cast.stall)
    for batch in (good, held):
        cast.stall.record("certify", custody_id=batch["custody_id"], site_id=None, document_id=certificate)
    item = {"product_id": good["product_id"], "quantity": quantity("5")}
    bad = cast.stall.record("receive", **{"from": {"name": "路边"}}, items=[item])["outputs"][0]
    cast.market.record("hold", custody_id=held["custody_id"], scope="custody", reason="x")
    for batch in (good, bad, held):
        cast.market.record("admit", custody_ids=[batch["custody_id"]])
    wrong = cast.market.record("admit", custody_ids=[bad["custody_id"]])
    cast.market.record("correct", event_id=wrong["id"], reason="did_not_occur")
    told = asked(cast.regulator, "/statistics/admissions")
    assert (told["total"]["admitted"], told["total"]["refused"]) == (1, 2)
    assert told["total"]["reasons"] == {"paper-missing": 1, "goods-on-hold": 1}
    [group] = told["groups"]
    assert (group["name"], group["refused"]) == ("城西农贸市场", 2)
    decisions = cast.regulator.get(group["rows"].removeprefix("/api/v1")).json()["items"]
    assert len(decisions) == 4
    by_reason = asked(cast.market, "/statistics/admissions", by="reason")["groups"]
    reasons = {one["key"]: one["refused"] for one in by_reason}
    assert reasons == {"paper-missing": 1, "goods-on-hold": 1}
    [day] = asked(cast.market, "/statistics/admissions", by="day")["groups"]
    assert (day["admitted"], day["rows"]) == (1, None)


def test_tests_fails_and_what_was_destroyed(cast: Cast) -> None:
    leaf, egg = harvest(cast), cast.product("鸡蛋", "eggs", "count", grams_per_piece=60)
    bad, good = deliver(cast, leaf, "10", cast.stall), deliver(cast, harvest(cast), "10", cast.stall)
    eggs = cast.farm.record("produce", outputs=[cast.output(egg, "100", "个")])["outputs"][0]
    slip = cast.farm.record("ship", items=[cast.item(eggs, "50", "个")], to_site_id=cast.stall.site["id"])["slip_code"]
    eggs = cast.stall.record("receive", slip_code=slip)["outputs"][0]

    def test(batch: dict[str, Any], item: str, verdict: str, **fields: Any) -> dict[str, Any]:
        said = {"custody_id": batch["custody_id"], "stage": "rapid", "item": item, "verdict": verdict}
        return cast.market.record("test", **(said | fields))

    test(bad, "农药残留", "fail", event_time=ago(hours=3), method="GB/T 5009.199")
    test(bad, "重金属", "fail")
    test(good, "农药残留", "pass")
    test(eggs, "兽药残留", "fail")
    wrong = test(good, "重金属", "fail")
    cast.market.record("correct", event_id=wrong["id"], reason="did_not_occur")
    cast.stall.record("destroy", items=[cast.item(bad, "8")], reason="x")
    cast.stall.record("destroy", items=[cast.item(eggs, "20", "个")], reason="x")
    cast.stall.record("destroy", items=[cast.item(good, "1")], reason="x")
    told = asked(cast.regulator, "/statistics/tests")
    assert told["total"] == {
        "tests": 4, "fails": 3, "failed_lots": 2, "destroyed_grams": 8_000 + 1_200, "destroyed_pieces": 20,
    }  # fmt: skip
    items = {one["key"]: (one["tests"], one["fails"], one["destroyed_grams"]) for one in told["groups"]}
    assert items == {"农药残留": (2, 1, 8_000), "重金属": (1, 1, 0), "兽药残留": (1, 1, 1_200)}

    def grouped(by: str) -> dict[str, tuple[int, int]]:
        return {
            one["name"]: (one["tests"], one["destroyed_grams"])
            for one in asked(cast.market, "/statistics/tests", by=by)["groups"]
        }

    assert grouped("method") == {"GB/T 5009.199": (1, 8_000), "–": (3, 1_200)}
    assert grouped("category") == {"vegetables": (3, 8_000), "eggs": (1, 1_200)}
    assert grouped("market") == {"城西农贸市场": (4, 9_200)}
    assert sum(one[0] for one in grouped("day").values()) == 4


def test_stalls_come_in_pages(cast: Cast) -> None:
    for number in range(3, 8):
        cast.enrol("vendor", f"{number}号摊", "vendor", "stall", parent=cast.market)
    address = asked(cast.market, "/coverage")["total"]["stalls_recording"]["rows"].removeprefix("/api/v1")
    names = [row["name"] for row in rows(cast.market, address)]
    assert len(names) == len(set(names)) == 7
