"""Corrections: nothing is edited or deleted; what was wrong is taken back, and what hung on it finds its new place."""

from datetime import date
from typing import Any
from uuid import uuid4

from tests.recording.conftest import EPCIS, Books, deliver, harvest, paper, slugs, whole
from tests.support.cast import Actor, Cast, ago, quantity
from tests.support.story import day


def replaced(actor: Actor, event_id: str, kind: str, **fields: Any) -> dict[str, Any]:
    """Corrects an event by another of its kind; returns the outcome of the replacement, as posting it again tells."""
    body = actor.event(kind, **fields)
    outcome = actor.record("correct", event_id=event_id, reason="incorrect_data", replacement=body)
    again = actor.post("/events", body)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    told: dict[str, Any] = again.json()
    for name in ("outputs", "slip_code", "decision", "reasons"):
        assert outcome[name] == told[name]
    return told


def voided(actor: Actor, event_id: str) -> dict[str, Any]:
    return actor.record("correct", event_id=event_id, reason="did_not_occur")


def remade(cast: Cast, batch: dict[str, Any], value: str, **fields: Any) -> dict[str, Any]:
    """The harvest of a batch, said again with another quantity or other fields."""
    output = cast.output({"id": batch["product_id"]}, value, **fields)
    return replaced(cast.farm, batch["event_id"], "produce", outputs=[output])


def test_a_quantity_is_put_right_in_place(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "100")
    got = deliver(cast, batch, "10", cast.stall)
    outcome = whole(remade(cast, batch, "80"))
    [output] = outcome["outputs"]
    assert output["custody_id"] == batch["custody_id"]
    assert (output["code"], output["lot_code"]) == (batch["code"], batch["lot_code"])
    assert output["quantity"]["grams"] == 80_000
    assert books.balance(batch) == {"amount_in": 80_000, "shipped": 10_000, "on_hand": 70_000}
    assert books.code(batch["code"]).status == "active"
    # And put right again: each correction counts from the one before.
    third = replaced(cast.farm, outcome["id"], "produce", outputs=[cast.output({"id": batch["product_id"]}, "60")])
    assert books.balance(batch) == {"amount_in": 60_000, "shipped": 10_000, "on_hand": 50_000}
    # Only what stands can be corrected.
    for wrong in (batch["event_id"], outcome["id"]):
        problem = cast.farm.refused("correct", 409, event_id=wrong, reason="did_not_occur")
        assert problem["type"] == "/problems/already-corrected"
    voided(cast.farm, third["id"])
    assert books.balance(batch) == {"shipped": 10_000, "on_hand": -10_000}
    chain = cast.admin.trace("back", custody=got["custody_id"])
    assert [(gap["reason"], gap["node_id"]) for gap in chain["gaps"]] == [("voided", batch["custody_id"])]
    corrected = {event["id"]: event["corrected_by"] for event in chain["events"]}
    assert corrected[batch["event_id"]]
    assert corrected[outcome["id"]]
    assert corrected[third["id"]]


def test_days_are_put_right_wherever_the_lot_has_got_to(cast: Cast, books: Books) -> None:
    milk = cast.product("鲜奶", "dairy", shelf_life_days=7)
    made = cast.farm.record("produce", outputs=[cast.output(milk, "100", produced_on=day(-20))])
    [batch] = made["outputs"]
    got = deliver(cast, batch, "10", cast.stall)
    assert cast.public.scan(got["code"])["status"] == "expired"
    used = {"kind": "feed", "name": "青贮", "used_on": day(-9), "withdrawal_until": day(9)}
    replaced(
        cast.farm, made["id"], "produce",
        outputs=[cast.output(milk, "100", produced_on=day(-2))], inputs_used=[used],
    )  # fmt: skip
    for output in (batch, got):
        custody = books.custody(output)
        assert custody.expires_on == date.fromisoformat(day(5))
        assert custody.withdrawal_until == date.fromisoformat(day(9))
    assert cast.public.scan(got["code"])["status"] == "ok"


def test_another_product_voids_the_batch_and_its_code_leads_to_the_new(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "100")
    got = deliver(cast, batch, "10", cast.stall)
    cast.farm.record("sell", lines=[cast.item(batch, "5")])
    slip = cast.farm.record("ship", items=[cast.item(batch, "20")])["slip_code"]
    chard = cast.product("甜菜", "vegetables")
    [heir] = replaced(cast.farm, batch["event_id"], "produce", outputs=[cast.output(chard, "90")])["outputs"]
    assert heir["custody_id"] != batch["custody_id"]
    old = books.code(batch["code"])
    assert (old.status, old.reason, old.replacement) == ("revoked", "replaced", heir["code"])
    page = cast.public.scan(batch["code"])
    assert page["status"] == "revoked"
    assert heir["code"] in str(page)
    assert books.balance(batch) == {"on_hand": 0}
    assert books.balance(heir) == {"amount_in": 90_000, "sold": 5_000, "shipped": 30_000, "on_hand": 55_000}
    assert [str(link.parent_id) for link in books.parents(got)] == [heir["custody_id"]]
    # The slip on the road carries the new batch.
    [late] = cast.other_stall.record("receive", slip_code=slip)["outputs"]
    assert [str(link.parent_id) for link in books.parents(late)] == [heir["custody_id"]]
    # Whoever names the old batch is told the new one.
    problem = cast.farm.refused("ship", 409, items=[cast.item(batch, "1")])
    assert problem["type"] == "/problems/voided-custody"
    assert heir["custody_id"] in problem["detail"]
    # What was done with the old one and is taken back now is taken back from the new one.
    [sale] = cast.farm.get("/events?kind=sell").json()["items"]
    voided(cast.farm, sale["id"])
    [ship] = [e for e in cast.farm.get("/events?kind=ship").json()["items"] if e["outcome"]["slip_code"] == slip]
    voided(cast.farm, ship["id"])
    assert books.balance(heir) == {"amount_in": 90_000, "shipped": 10_000, "on_hand": 80_000}
    assert books.balance(batch) == {"on_hand": 0}


def test_a_harvest_that_never_was_leaves_its_receivers_with_a_gap(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    outcome = whole(voided(cast.farm, batch["event_id"]))
    assert (outcome["outputs"], outcome["flags"]) == ([], [])
    assert cast.public.scan(batch["code"])["status"] == "revoked"
    assert books.custody(batch).kind == "gap"
    page = cast.public.scan(got["code"])
    assert page["status"] == "incomplete"
    assert [gap["reason"] for gap in page["gaps"]] == ["voided"]
    assert cast.farm.refused("ship", 409, items=[cast.item(batch, "1")])["type"] == "/problems/voided-custody"


def test_several_outputs_find_their_heirs_by_what_they_are(cast: Cast, books: Books) -> None:
    leek, garlic, celery = (cast.product(name) for name in ("韭菜", "蒜苗", "芹菜"))
    first = cast.farm.record("produce", outputs=[cast.output(leek, "10"), cast.output(garlic, "20", lot_number="G1")])
    one, two = first["outputs"]
    sold = deliver(cast, two, "5", cast.stall)
    # The order is another, the leek was celery, the garlic is the same and keeps its code.
    second = replaced(
        cast.farm, first["id"], "produce",
        outputs=[cast.output(garlic, "21", lot_number="G1"), cast.output(celery, "11")],
    )  # fmt: skip
    assert second["outputs"][0]["code"] == two["code"]
    assert books.balance(two) == {"amount_in": 21_000, "shipped": 5_000, "on_hand": 16_000}
    assert books.code(one["code"]).replacement == second["outputs"][1]["code"]
    assert [str(link.parent_id) for link in books.parents(sold)] == [two["custody_id"]]
    # Fewer: what nobody succeeds leads nowhere.
    third = replaced(cast.farm, second["id"], "produce", outputs=[cast.output(garlic, "21", lot_number="G1")])
    assert third["outputs"][0]["code"] == two["code"]
    gone = books.code(second["outputs"][1]["code"])
    assert (gone.status, gone.reason, gone.replacement) == ("revoked", "voided", None)


def test_a_transformation_is_put_right(cast: Cast, books: Books) -> None:
    pig, meat = cast.product("生猪", "pork", "count", grams_per_piece=100_000), cast.product("猪肉", "pork")
    [herd] = cast.plant.record("produce", outputs=[cast.output(pig, "20", "头")])["outputs"]
    [more] = cast.plant.record("produce", outputs=[cast.output(pig, "9", "头")])["outputs"]
    fields = {"process": "slaughter", "outputs": [cast.output(meat, "700")]}
    made = cast.plant.record("transform", inputs=[cast.item(herd, "10", "头")], **fields)
    [carcass] = made["outputs"]
    got = deliver(cast, carcass, "100", cast.stall, cast.plant)
    both = [cast.item(herd, "8", "头"), cast.item(more, "2", "头")]
    second = replaced(cast.plant, made["id"], "transform", inputs=both, **fields)
    assert second["outputs"][0]["custody_id"] == carcass["custody_id"]
    assert books.balance(herd) == {"amount_in": 20, "processed": 8, "on_hand": 12}
    assert books.balance(more) == {"amount_in": 9, "processed": 2, "on_hand": 7}
    assert {str(link.parent_id): link.pieces for link in books.parents(carcass)} == {
        herd["custody_id"]: 8,
        more["custody_id"]: 2,
    }
    # Its own product cannot be what it was made of.
    problem = cast.plant.refused(
        "correct", 409, event_id=second["id"], reason="incorrect_data",
        replacement=cast.plant.event("transform", inputs=[cast.item(carcass, "1")], **fields),
    )  # fmt: skip
    assert problem["type"] == "/problems/would-loop"
    # Nor what came of its product, by however many hands.
    problem = cast.admin.refused(
        "correct", 409, event_id=second["id"], reason="incorrect_data",
        replacement=cast.admin.event(
            "transform", site_id=cast.stall.site["id"], inputs=[cast.item(got, "1")], process="mix",
            outputs=[cast.output(meat, "1")],
        ),
    )  # fmt: skip
    assert problem["type"] == "/problems/would-loop"
    assert books.balance(herd) == {"amount_in": 20, "processed": 8, "on_hand": 12}
    voided(cast.plant, second["id"])
    assert books.balance(herd) == {"amount_in": 20, "on_hand": 20}
    assert books.parents(carcass) == []


def test_a_correction_that_is_refused_changes_nothing(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    before = (books.custody(batch), books.custody(got), books.parents(got), books.items(got["slip"]))
    other = cast.farm.event("produce", outputs=[cast.output({"id": str(uuid4())}, "5")])
    fixed = {"event_id": batch["event_id"], "reason": "incorrect_data"}
    assert cast.farm.refused("correct", 404, **fixed, replacement=other)["type"] == "/problems/unknown-product"
    other = cast.farm.event("destroy", items=[cast.item(batch, "1")], reason="x")
    assert cast.farm.refused("correct", 422, **fixed, replacement=other)["type"] == "/problems/other-kind"
    other = cast.farm.event("produce", outputs=[cast.output({"id": batch["product_id"]}, "5")], site_id=str(uuid4()))
    assert cast.farm.refused("correct", 404, **fixed, replacement=other)["type"] == "/problems/unknown-site"
    posted = cast.farm.event("produce", outputs=[cast.output({"id": batch["product_id"]}, "5")])
    assert cast.farm.post("/events", posted).status_code == 201
    problem = cast.farm.refused("correct", 409, **fixed, replacement=posted)
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("/problems/ref-reused", "/replacement/ref")
    assert cast.stall.refused("correct", 403, **fixed)["type"] == "/problems/not-your-event"
    assert cast.farm.refused("correct", 404, **fixed | {"event_id": str(uuid4())})["type"] == "/problems/unknown-event"
    assert before == (books.custody(batch), books.custody(got), books.parents(got), books.items(got["slip"]))
    done = voided(cast.farm, batch["event_id"])
    problem = cast.farm.refused("correct", 409, event_id=done["id"], reason="did_not_occur")
    assert problem["type"] == "/problems/not-correctable"


def test_the_form_of_a_correction(cast: Cast) -> None:
    batch = harvest(cast)
    outputs = [cast.output({"id": batch["product_id"]}, "5")]
    again = cast.farm.event("produce", outputs=outputs)
    for fields, pointer in (
        ({"reason": "did_not_occur", "replacement": again}, ""),
        ({"reason": "incorrect_data", "replacement": again, "ref": again["ref"]}, ""),
        ({"reason": "incorrect_data", "replacement": again | {"outputs": []}}, "/replacement"),
        ({"reason": "incorrect_data", "replacement": again | {"x": 1}}, "/replacement/x"),
        ({"reason": "incorrect_data", "replacement": {"kind": "correct"}}, "/replacement/kind"),
        ({"reason": "incorrect_data", "replacement": 7}, "/replacement/kind"),
        ({"reason": "typo"}, "/reason"),
    ):
        problem = cast.farm.refused("correct", 422, event_id=batch["event_id"], **fields)
        assert [fault["pointer"] for fault in problem["errors"]][:1] == [pointer], fields


def test_a_shipment_said_again_takes_its_receivers_along(cast: Cast, books: Books) -> None:
    batch, other = harvest(cast), harvest(cast)
    shipped = cast.farm.record("ship", items=[cast.item(batch, "30")])
    [got] = cast.stall.record("receive", slip_code=shipped["slip_code"], items=[cast.item(batch, "10")])["outputs"]
    second = replaced(cast.farm, shipped["id"], "ship", items=[cast.item(other, "5"), cast.item(batch, "40")])
    assert second["slip_code"] != shipped["slip_code"]
    assert books.items(second["slip_code"]) == [(5_000, 0), (40_000, 10_000)]
    assert (books.slip(shipped["slip_code"]).status, books.items(shipped["slip_code"])) == ("voided", [(30_000, 0)])
    assert books.code(shipped["slip_code"]).replacement == second["slip_code"]
    assert [str(link.parent_id) for link in books.parents(got)] == [batch["custody_id"]]
    problem = cast.stall.refused("receive", 409, slip_code=shipped["slip_code"])
    assert problem["type"] == "/problems/slip-voided"
    assert second["slip_code"] in problem["detail"]
    # Once more: what came with the first paper is on the third slip.
    third = replaced(cast.farm, second["id"], "ship", items=[cast.item(batch, "50")])
    assert books.items(third["slip_code"]) == [(50_000, 10_000)]
    assert books.balance(batch)["shipped"] == 50_000
    assert "shipped" not in books.balance(other)
    # The receipt off the first paper is taken back from the slip that stands.
    [arrival] = cast.stall.get("/events?kind=receive").json()["items"]
    voided(cast.stall, arrival["id"])
    assert books.items(third["slip_code"]) == [(50_000, 0)]
    [again] = cast.stall.record("receive", slip_code=third["slip_code"])["outputs"]
    # It never left: what was received comes from nobody knows where.
    voided(cast.farm, third["id"])
    assert books.balance(batch) == {"amount_in": 100_000, "on_hand": 100_000}
    assert books.gap(again).gap_reason == "voided"
    assert cast.stall.refused("receive", 409, slip_code=third["slip_code"])["type"] == "/problems/slip-voided"


def test_a_shipment_of_something_else_is_what_was_received(cast: Cast, books: Books) -> None:
    batch, other = harvest(cast), harvest(cast)
    shipped = cast.farm.record("ship", items=[cast.item(batch, "30")])
    got = cast.stall.record("receive", slip_code=shipped["slip_code"])["outputs"][0]
    second = replaced(cast.farm, shipped["id"], "ship", items=[cast.item(other, "30")])
    assert [str(link.parent_id) for link in books.parents(got)] == [other["custody_id"]]
    # Without a slip nobody can say that it was this.
    replaced(cast.farm, second["id"], "ship", items=[cast.item(other, "30")], slip=False)
    assert books.gap(got).gap_reason == "voided"


def test_goods_do_not_come_from_what_they_became_by_a_shipment_said_again(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    shipped = cast.farm.record("ship", items=[cast.item(batch, "30")])
    [got] = cast.stall.record("receive", slip_code=shipped["slip_code"])["outputs"]
    returned = {"items": [cast.item(got, "9")], "to_custody_id": batch["custody_id"], "reason": "x"}
    [back] = cast.stall.record("return", **returned)["outputs"]
    wrong = cast.farm.event("ship", items=[cast.item(back, "9")])
    problem = cast.farm.refused("correct", 409, event_id=shipped["id"], reason="incorrect_data", replacement=wrong)
    assert problem["type"] == "/problems/would-loop"
    assert books.items(shipped["slip_code"]) == [(30_000, 30_000)]


def test_what_was_received_is_put_right(cast: Cast, books: Books) -> None:
    batch, other = harvest(cast), harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "30"), cast.item(other, "30")])["slip_code"]
    parts = [cast.item(batch, "10"), cast.item(other, "10")]
    first = cast.stall.record("receive", slip_code=slip, items=parts)
    one, two = first["outputs"]
    second = replaced(cast.stall, first["id"], "receive", slip_code=slip, items=[cast.item(batch, "31")])
    assert slugs(second) == ["more_than_slip"]
    assert second["outputs"][0]["custody_id"] == one["custody_id"]
    assert books.balance(one) == {"amount_in": 31_000, "on_hand": 31_000}
    assert books.items(slip) == [(30_000, 31_000), (30_000, 0)]
    assert [link.grams for link in books.parents(one)] == [31_000]
    assert (books.custody(two).gap_reason, books.code(two["code"]).replacement) == ("voided", None)
    # At another stall after all: a batch there, and the sign at the first leads to it.
    third = cast.admin.event("receive", site_id=cast.other_stall.site["id"], slip_code=slip, items=parts[:1])
    cast.admin.record("correct", event_id=second["id"], reason="incorrect_data", replacement=third)
    [moved] = cast.admin.post("/events", third).json()["outputs"]
    assert books.code(one["code"]).replacement == moved["code"]
    assert books.items(slip) == [(30_000, 10_000), (30_000, 0)]
    voided(cast.admin, cast.admin.post("/events", third).json()["id"])
    assert books.items(slip) == [(30_000, 0), (30_000, 0)]
    assert books.balance(batch)["shipped"] == 30_000


def test_a_purchase_from_outside_is_put_right(cast: Cast, books: Books) -> None:
    tofu, skin = cast.product("豆腐", "bean products"), cast.product("豆皮", "bean products")
    first_paper, second_paper = paper(cast.stall), paper(cast.stall)
    item = {"product_id": tofu["id"], "quantity": quantity("8"), "lot_number": "D3"}
    source = {"name": "豆腐房", "document_ids": [first_paper]}
    first = cast.stall.record("receive", **{"from": source}, items=[item])
    [output] = first["outputs"]
    gap = books.gap(output)
    better = {"name": "邻县豆腐坊", "contact": "138", "address": "某村", "document_ids": [second_paper]}
    more = item | {"quantity": quantity("9"), "expires_on": day(3)}
    second = replaced(cast.stall, first["id"], "receive", **{"from": better}, items=[more])
    assert second["outputs"][0]["code"] == output["code"]
    now = books.gap(output)
    assert (now.id, now.paper) == (gap.id, better)
    assert books.balance(output) == {"amount_in": 9_000, "on_hand": 9_000}
    assert books.custody(output).expires_on == date.fromisoformat(day(3))
    page = cast.admin.scan(output["code"])
    assert [each["id"] for each in page["documents"]] == [second_paper]
    # Something else altogether: another batch out of another gap.
    other = {"product_id": skin["id"], "quantity": quantity("9")}
    third = replaced(cast.stall, second["id"], "receive", **{"from": better}, items=[other])
    assert books.code(output["code"]).replacement == third["outputs"][0]["code"]
    assert books.gap(third["outputs"][0]).id != gap.id
    assert books.parents(output) == []


def test_movements_without_a_slip_are_put_right(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "100")
    got = deliver(cast, batch, "50", cast.stall)
    lost = cast.stall.record("destroy", items=[cast.item(got, "5")], reason="烂")
    counted = cast.stall.record("count", items=[cast.item(got, "40")])
    sold = cast.stall.record("sell", lines=[cast.item(got, "10")])
    home = {"to_site_id": cast.farm.site["id"], "reason": "x"}
    back = cast.stall.record("return", items=[cast.item(got, "20")], **home)
    assert books.balance(got) == {
        "amount_in": 50_000, "destroyed": 5_000, "unexplained": 5_000, "sold": 10_000, "returned": 20_000,
        "on_hand": 10_000,
    }  # fmt: skip
    replaced(cast.stall, lost["id"], "destroy", items=[cast.item(got, "6")], reason="烂")
    replaced(cast.stall, sold["id"], "sell", lines=[cast.item(got, "11")])
    second = replaced(cast.stall, back["id"], "return", items=[cast.item(got, "21")], **home)
    assert second["outputs"][0]["code"] == back["outputs"][0]["code"]
    voided(cast.stall, counted["id"])
    assert books.balance(got) == {
        "amount_in": 50_000, "destroyed": 6_000, "sold": 11_000, "returned": 21_000, "on_hand": 12_000
    }  # fmt: skip
    voided(cast.stall, second["id"])
    assert books.balance(got) == {"amount_in": 50_000, "destroyed": 6_000, "sold": 11_000, "on_hand": 33_000}
    assert cast.public.scan(back["outputs"][0]["code"])["status"] == "revoked"


def test_a_batch_that_was_renamed_is_corrected_under_its_new_code(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    renamed = cast.farm.post(f"/codes/{batch['code']}/revoke", {"reason": "标签损坏", "replace": True}).json()
    other = cast.product("油菜")
    [heir] = replaced(cast.farm, batch["event_id"], "produce", outputs=[cast.output(other, "10")])["outputs"]
    assert books.code(batch["code"]).replacement == renamed["replacement"]
    assert books.code(renamed["replacement"]).replacement == heir["code"]
    assert heir["custody_id"] in cast.farm.refused("count", 409, items=[cast.item(batch, "1")])["detail"]


def test_a_chain_of_heirs(cast: Cast, books: Books) -> None:
    """A sale of the first batch, taken back after the batch was replaced twice, comes off the last."""
    batch = harvest(cast)
    sold = cast.farm.record("sell", lines=[cast.item(batch, "5")])
    second = replaced(cast.farm, batch["event_id"], "produce", outputs=[cast.output(cast.product("苋菜"), "10")])
    third = replaced(cast.farm, second["id"], "produce", outputs=[cast.output(cast.product("空心菜"), "10")])
    [last] = third["outputs"]
    assert books.balance(last) == {"amount_in": 10_000, "sold": 5_000, "on_hand": 5_000}
    assert last["custody_id"] in cast.farm.refused("count", 409, items=[cast.item(batch, "1")])["detail"]
    voided(cast.farm, sold["id"])
    assert books.balance(last) == {"amount_in": 10_000, "on_hand": 10_000}
    # Pieces do not inherit grams: what was done stays where it was entered.
    cast.farm.record("sell", lines=[cast.item(last, "1")])
    gourd = cast.product("葫芦", "vegetables", "count")
    [heir] = replaced(cast.farm, third["id"], "produce", outputs=[cast.output(gourd, "10", "个")])["outputs"]
    assert books.balance(heir) == {"amount_in": 10, "on_hand": 10}
    assert books.balance(last) == {"sold": 1_000, "on_hand": -1_000}
    [sale] = [e for e in cast.farm.get("/events?kind=sell").json()["items"] if e["corrected_by"] is None]
    voided(cast.farm, sale["id"])
    assert books.balance(last) == {"on_hand": 0}
    assert books.balance(heir) == {"amount_in": 10, "on_hand": 10}


def test_a_correction_again_is_a_duplicate_and_many_in_one_list_stand_in_their_order(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    output = cast.output({"id": batch["product_id"]}, "50")
    replacement = cast.farm.event("produce", outputs=[output])
    first = cast.farm.event("correct", event_id=batch["event_id"], reason="incorrect_data", replacement=replacement)
    second = cast.farm.event("correct", event_id=batch["event_id"], reason="did_not_occur")
    sale = cast.farm.event("sell", lines=[cast.item(batch, "60")])
    answer = cast.farm.post("/events", {"events": [first, second, first, sale]}).json()
    assert [outcome["status"] for outcome in answer["results"]] == ["recorded", "rejected", "duplicate", "recorded"]
    assert answer["results"][0] == answer["results"][2] | {"status": "recorded"}
    assert slugs(answer["results"][3]) == ["more_than_there"]
    assert books.balance(batch) == {"amount_in": 50_000, "sold": 60_000, "on_hand": -10_000}


def test_a_page_tells_what_stands_of_what_was_said_thrice(cast: Cast) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    second = remade(cast, batch, "80")
    output = cast.output({"id": batch["product_id"]}, "70")
    third = replaced(cast.farm, second["id"], "produce", outputs=[output], event_time=ago(hours=3))
    arrival = replaced(cast.stall, got["event_id"], "receive", slip_code=got["slip"])
    for code, told in ((batch["code"], ["produce"]), (got["code"], ["produce", "ship", "receive"])):
        steps = cast.public.scan(code)["steps"]
        assert [step["kind"] for step in steps] == told
        assert steps[0]["event_id"] == third["id"]
    assert steps[-1]["event_id"] == arrival["id"]


def test_what_a_captured_document_says_is_corrected_by_another_document(cast: Cast) -> None:
    captured = cast.stall.post("/captures", EPCIS)
    assert captured.status_code == 200, captured.text
    [event] = captured.json()["events"]
    problem = cast.stall.refused("correct", 409, event_id=event["id"], reason="did_not_occur")
    assert problem["type"] == "/problems/not-correctable"
