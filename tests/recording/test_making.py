"""Lots come into being: harvest, production, slaughter, mixing."""

from datetime import date, timedelta
from uuid import UUID

from app.domain import codes, ids
from tests.recording.conftest import Books, slugs, whole
from tests.support.cast import Cast, ago
from tests.support.story import day


def test_a_harvest_makes_a_lot_in_the_hands_of_its_maker(cast: Cast, books: Books) -> None:
    cabbage = cast.product("大白菜", shelf_life_days=7)
    used = {
        "kind": "pesticide",
        "code": "PD20060001",
        "name": "吡虫啉",
        "used_on": day(-30),
        "withdrawal_until": day(-16),
    }
    body = cast.farm.event(
        "produce",
        outputs=[
            cast.output(
                cabbage, "120.5", "斤", lot_number=" 7号棚-1 ", external_codes=[{"scheme": "浙农码", "value": "ZN1"}]
            ),
            cast.output(cabbage, "1", "吨"),
        ],
        inputs_used=[used],
    )
    answer = cast.farm.post("/events", body)
    assert answer.status_code == 201
    outcome = whole(answer.json())
    key = ids.event_id(UUID(cast.farm.party["id"]), body["ref"])
    assert (outcome["ref"], outcome["id"], outcome["kind"]) == (body["ref"], str(key), "produce")
    assert (outcome["status"], outcome["flags"], outcome["decision"], outcome["problem"]) == (
        "recorded",
        [],
        None,
        None,
    )

    numbered, plain = outcome["outputs"]
    assert numbered["quantity"] == {"value": "120.5", "unit": "斤", "grams": 60250, "pieces": None}
    assert numbered["lot_number"] == "7号棚-1"
    assert numbered["lot_id"] == str(ids.lot_id(UUID(cast.farm.party["id"]), UUID(cabbage["id"]), "7号棚-1"))
    assert plain["lot_id"] == str(ids.unnumbered_lot_id(key, 1))
    assert (numbered["product_id"], numbered["site_id"]) == (cabbage["id"], cast.farm.site["id"])
    assert codes.parse(numbered["code"]).kind == "B"
    assert codes.parse(numbered["lot_code"]).kind == "G"
    assert books.balance(numbered) == {"amount_in": 60250, "on_hand": 60250}
    lot = books.lot(numbered)
    made = date.fromisoformat(body["outputs"][0]["produced_on"])
    assert (lot.produced_on, lot.expires_on) == (made, made + timedelta(days=7))
    assert lot.inputs_used == [used]
    assert books.custody(plain).withdrawal_until == date.fromisoformat(day(-16))
    assert cast.public.get("https://food.example.cn/lookup?q=ZN1").json()["matches"][0]["code"] == numbered["lot_code"]


def test_a_harvest_within_a_withdrawal_period_is_recorded_and_flagged(cast: Cast) -> None:
    cabbage = cast.product("大白菜")
    used = {"kind": "pesticide", "name": "乐果", "used_on": day(-2), "withdrawal_until": day(5)}
    made = cast.farm.record("produce", outputs=[cast.output(cabbage, "10")], inputs_used=[used])
    assert slugs(made) == ["withdrawal_period"]
    # So is everything that is done with it until then.
    shipped = cast.farm.record("ship", items=[cast.item(made["outputs"][0], "10")], to_site_id=cast.stall.site["id"])
    assert slugs(shipped) == ["withdrawal_period"]
    assert slugs(cast.stall.record("receive", slip_code=shipped["slip_code"])) == ["withdrawal_period"]


def test_a_second_harvest_under_one_number_is_the_same_lot(cast: Cast, books: Books) -> None:
    cabbage = cast.product("大白菜")
    first_used = {"kind": "pesticide", "name": "吡虫啉", "used_on": day(-40), "withdrawal_until": day(-20)}
    second_used = {"kind": "feed", "name": "豆粕", "used_on": day(-3)}
    output = cast.output(cabbage, "10", lot_number="A1")
    [first] = cast.farm.record("produce", outputs=[output], inputs_used=[first_used])["outputs"]
    again = cast.farm.record("produce", outputs=[output], inputs_used=[second_used])
    [second] = again["outputs"]
    assert (second["lot_id"], second["lot_code"]) == (first["lot_id"], first["lot_code"])
    assert second["custody_id"] != first["custody_id"]
    assert [each["name"] for each in books.lot(first).inputs_used or ()] == ["吡虫啉", "豆粕"]
    assert books.custody(second).withdrawal_until == date.fromisoformat(day(-20))
    other = cast.farm.record("produce", outputs=[output | {"produced_on": day(-2)}])
    assert slugs(other) == ["lot_differs"]


def test_cooked_meat_comes_from_every_input(cast: Cast, books: Books) -> None:
    pig, cooked = cast.product("生猪", "pork", "count", grams_per_piece=110_000), cast.product("卤肉", "prepackaged")
    [one] = cast.plant.record("produce", outputs=[cast.output(pig, "20", "头")])["outputs"]
    [two] = cast.plant.record("produce", outputs=[cast.output(pig, "10", "头")])["outputs"]
    assert one["quantity"] == {"value": "20", "unit": "头", "grams": 2_200_000, "pieces": 20}
    outcome = whole(
        cast.plant.record(
            "transform",
            process="process",
            inputs=[cast.item(one, "5", "头"), cast.item(two, "220", "公斤")],
            outputs=[cast.output(cooked, "400"), cast.output(cooked, "20", lot_number="礼盒")],
        )
    )
    assert outcome["flags"] == []
    assert books.balance(one) == {"amount_in": 20, "processed": 5, "on_hand": 15}
    assert books.balance(two) == {"amount_in": 10, "processed": 2, "on_hand": 8}
    for output in outcome["outputs"]:
        links = {str(link.parent_id): (link.kind, link.grams, link.pieces) for link in books.parents(output)}
        assert links == {
            one["custody_id"]: ("transform", 550_000, 5),
            two["custody_id"]: ("transform", 220_000, 2),
        }


def test_using_more_than_there_is_and_repacking_into_the_same_lot_are_flagged(cast: Cast, books: Books) -> None:
    rice = cast.product("大米", "grain")
    [bulk] = cast.plant.record("produce", outputs=[cast.output(rice, "10", lot_number="R1")])["outputs"]
    outcome = cast.plant.record(
        "transform",
        process="repack",
        inputs=[cast.item(bulk, "12.5")],
        outputs=[cast.output(rice, "12.5", lot_number="R1")],
    )
    assert slugs(outcome) == ["more_than_there", "lot_loop"]
    assert outcome["outputs"][0]["lot_id"] == bulk["lot_id"]
    assert books.balance(bulk) == {"amount_in": 10_000, "processed": 12_500, "on_hand": -2_500}
    back = cast.plant.trace("back", custody=outcome["outputs"][0]["custody_id"])
    assert back["totals"]["nodes"] == 2


def test_what_is_made_tomorrow_or_weighs_nothing_is_not_taken(cast: Cast) -> None:
    egg = cast.product("鸡蛋", "eggs", "count", grams_per_piece=10_000_000)
    cabbage = cast.product("大白菜")
    problem = cast.farm.refused("produce", 422, outputs=[cast.output(cabbage, "1") | {"produced_on": day(2)}])
    assert problem["type"] == "/problems/produced-in-future"
    assert problem["errors"][0]["pointer"] == "/outputs/0/produced_on"
    for product, value, unit, slug in (
        (cabbage, "3", "个", "wrong-measure"),
        (egg, "1", "公斤", "invalid-quantity"),
        (egg, "1000000000", "个", "absurd-quantity"),
    ):
        problem = cast.farm.refused("produce", 422, outputs=[cast.output(product, value, unit)])
        assert problem["type"] == f"/problems/{slug}"
        assert problem["errors"][0]["pointer"] == "/outputs/0/quantity"
    twice = [cast.output(cabbage, "1", lot_number="A"), cast.output(cabbage, "1", lot_number="A ")]
    assert cast.farm.refused("produce", 422, outputs=twice)["type"] == "/problems/invalid"


def test_a_clock_that_is_ahead_is_flagged_and_tomorrow_refused(cast: Cast) -> None:
    cabbage = cast.product("大白菜")
    outputs = [cast.output(cabbage, "1")]
    assert slugs(cast.farm.record("produce", outputs=outputs, event_time=ago(minutes=-30))) == ["clock_ahead"]
    problem = cast.farm.refused("produce", 422, outputs=outputs, event_time=ago(hours=-25))
    assert problem["type"] == "/problems/event-time-in-future"
