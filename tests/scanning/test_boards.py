"""What a board tells: of goods, tests, slips and refusals of the day, and never how much or to whom."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain import codes
from app.domain.codes import CodeKind
from tests.scanning.hall import RAPID, Hall, open_hall, today
from tests.support.cast import CHINA, Actor, ago
from tests.support.story import Story, day, private_fields, said, tells


@pytest.fixture
def hall(story: Story) -> Hall:
    return open_hall(story)


def names(products: list[dict[str, Any]]) -> list[str]:
    return [product["name"] for product in products]


def tiles(board: dict[str, Any]) -> dict[str, str]:
    return {stall["name"]: stall["status"] for stall in board["stalls"]}


def test_an_empty_market(hall: Hall) -> None:
    board = hall.board()
    assert (board["kind"], board["status"], board["date"]) == ("market", "ok", datetime.now(CHINA).date().isoformat())
    assert set(tiles(board).values()) == {"empty"}
    assert list(tiles(board)) == ["1号摊 蔬菜", "2号摊 蔬菜", "3号摊 蔬菜"]
    assert [board[name] for name in ("batches", "tests", "slips", "refused", "notices")] == [[]] * 5
    stall = hall.board(code=hall.stalls[0].site["code"])
    assert (stall["kind"], stall["stalls"], stall["party"]["name"]) == ("stall", [], "1号摊 蔬菜")


def test_a_delivery_is_on_both_boards_until_it_is_sold(hall: Hall) -> None:
    stall = hall.stalls[0]
    goods = hall.deliver(hall.harvest("上海青", "HD-01"), stall)
    hall.test(goods, "12")
    for code in (hall.market.site["code"], stall.site["code"]):
        board = hall.board(code=code)
        [batch] = board["batches"]
        assert (batch["code"], batch["lot_number"], batch["status"]) == (goods["code"], "HD-01", "ok")
        assert (batch["sources"], batch["reported"], batch["on_sale"]) == (["河东蔬菜合作社"], False, True)
        assert [(test["item"], test["verdict"]) for test in batch["tests"]] == [("农药残留", "pass")]
        [test] = board["tests"]
        assert (test["code"], test["verdict"], test["site"]["name"]) == (goods["code"], "pass", "1号摊 蔬菜")
        [slip] = board["slips"]
        assert (slip["party"]["name"], names(slip["products"]), slip["status"]) == ("河东蔬菜合作社", ["上海青"], "ok")
        totals = {name: board["totals"][name] for name in ("on_sale", "arrived", "passed", "failed", "slips")}
        assert totals == {"on_sale": 1, "arrived": 1, "passed": 1, "failed": 0, "slips": 1}
    assert tiles(hall.board()) == {"1号摊 蔬菜": "ok", "2号摊 蔬菜": "empty", "3号摊 蔬菜": "empty"}
    stall.record("sell", lines=[hall.story.item(goods, "20")], event_time=today(0.9))
    [batch] = hall.board()["batches"]
    assert batch["on_sale"] is False, "it came today and is sold out"
    assert tiles(hall.board())["1号摊 蔬菜"] == "empty"


def test_yesterdays_goods_stay_while_there_are_any(hall: Hall) -> None:
    lot = hall.harvest("大米", "DM-1")
    farm, stall = hall.farm, hall.stalls[0]
    slip = farm.record("ship", event_time=ago(hours=40), items=[hall.story.item(lot, "5")], to_site_id=stall.site["id"])
    [rice] = stall.record("receive", event_time=ago(hours=39), slip_code=slip["slip_code"])["outputs"]
    board = hall.board()
    assert [(batch["code"], batch["on_sale"]) for batch in board["batches"]] == [(rice["code"], True)]
    assert (board["totals"]["arrived"], board["slips"], board["tests"]) == (0, [], [])


def test_a_failed_test_reddens_every_stall_that_has_the_lot(hall: Hall) -> None:
    lot = hall.harvest("上海青", "HD-01")
    first, second = (hall.deliver(lot, stall) for stall in hall.stalls[:2])
    assert tiles(hall.board()) == {"1号摊 蔬菜": "ok", "2号摊 蔬菜": "ok", "3号摊 蔬菜": "empty"}
    hall.test(first, "71")
    board = hall.board()
    assert tiles(board) == {"1号摊 蔬菜": "held", "2号摊 蔬菜": "held", "3号摊 蔬菜": "empty"}
    [notice] = board["notices"]
    assert (notice["status"], notice["product"]["name"], notice["lot_number"]) == ("held", "上海青", "HD-01")
    assert {place["code"] for place in notice["places"]} == {first["code"], second["code"]}
    assert "快检不合格" in notice["status_reason"]
    assert (board["totals"]["failed"], board["totals"]["passed"]) == (1, 0)
    # The stall that was not tested says why its goods are off sale, and lists no test.
    other = hall.board(code=hall.stalls[1].site["code"])
    assert (other["tests"], len(other["notices"])) == ([], 1)


def test_a_test_of_goods_long_sold_is_told_all_the_same(hall: Hall) -> None:
    stall = hall.stalls[0]
    goods = hall.deliver(hall.harvest("上海青", "HD-01"), stall)
    stall.record("sell", lines=[hall.story.item(goods, "20")], event_time=today(0.3))
    assert hall.board()["notices"] == []
    hall.test(goods, "71")
    board = hall.board()
    assert [notice["status"] for notice in board["notices"]] == ["held"]
    assert tiles(board)["1号摊 蔬菜"] == "held", "people have eaten of it"
    # A correction takes it back.
    [event] = hall.market.get("/events", params={"kind": "test"}).json()["items"]
    hall.market.record("correct", event_id=event["id"], reason="did_not_occur")
    board = hall.board()
    assert (board["notices"], board["tests"], tiles(board)["1号摊 蔬菜"]) == ([], [], "empty")


def test_what_the_gate_refuses_and_lets_in_after_all(hall: Hall) -> None:
    lot = hall.harvest("芹菜", "HD-9")
    slip = hall.ship(lot, hall.market)
    hall.market.record("admit", event_time=today(0.3), slip_code=slip)
    board = hall.board()
    [refusal] = board["refused"]
    assert (refusal["party"]["name"], names(refusal["products"])) == ("河东蔬菜合作社", ["芹菜"])
    assert "承诺达标合格证" in refusal["reason"]
    [shown] = board["slips"]
    assert (shown["number"], shown["status"], shown["admitted"]) == (slip[-6:], "refused", False)
    hall.story.certify(hall.farm, lot, "conformity_certificate", number="X-1")
    hall.market.record("admit", event_time=today(0.5), slip_code=slip)
    board = hall.board()
    assert (board["refused"], board["slips"][0]["status"], board["slips"][0]["admitted"]) == ([], "ok", True)
    # A slip that is taken back is on its way no more.
    [shipped] = hall.farm.get("/events", params={"kind": "ship"}).json()["items"]
    hall.farm.record("correct", event_id=shipped["id"], reason="did_not_occur")
    assert hall.board()["slips"] == []


def test_goods_that_the_gate_refuses_without_a_slip(hall: Hall) -> None:
    stall = hall.stalls[0]
    items = [{"product_id": hall.product("香菇")["id"], "quantity": {"value": "15", "unit": "斤"}}]
    source = {"name": "路边菜农", "contact": "13900000000", "address": "某村12号"}
    [goods] = stall.record("receive", event_time=today(0.2), items=items, **{"from": source})["outputs"]
    assert tiles(hall.board())["1号摊 蔬菜"] == "incomplete"
    [batch] = hall.board()["batches"]
    assert (batch["sources"], batch["reported"]) == (["路边菜农"], True)
    hall.market.record("admit", event_time=today(0.3), custody_ids=[goods["custody_id"]])
    board = hall.board()
    assert (tiles(board)["1号摊 蔬菜"], [n["status"] for n in board["notices"]]) == ("refused", ["refused"])
    assert [names(refusal["products"]) for refusal in board["refused"]] == [["香菇"]]
    hall.test(goods, "12", 0.4)
    hall.market.record("admit", event_time=today(0.5), custody_ids=[goods["custody_id"]])
    assert hall.board()["refused"] == []


def test_goods_on_their_way_are_tested(hall: Hall) -> None:
    lot = hall.harvest("上海青", "HD-01")
    hall.ship(lot, hall.market)
    hall.market.record(
        "test", custody_id=lot["custody_id"], site_id=hall.market.site["id"], value="80", event_time=today(0.3), **RAPID
    )
    board = hall.board()
    [test] = board["tests"]
    assert (test["verdict"], test["presumptive"], test["site"]) == ("fail", True, None)
    assert board["slips"][0]["status"] == "held"


def test_a_dish_tells_of_its_ingredients(story: Story) -> None:
    hall = open_hall(story, 1)
    kitchen = story.enrol("vendor", "实验小学食堂", "caterer", "canteen", region="330203")
    eggs = hall.deliver(hall.harvest("鸡蛋", "JD-1", category="eggs"), kitchen)
    tomatoes = hall.deliver(hall.harvest("番茄", "FQ-1"), kitchen)
    inputs = [story.item(each, "5") for each in (eggs, tomatoes)]
    mixed = [story.output(story.product("番茄蛋液", "other"), "10")]
    [mixture] = kitchen.record("transform", event_time=today(0.4), process="mix", inputs=inputs, outputs=mixed)[
        "outputs"
    ]
    dishes = [story.output(story.product("番茄炒蛋", "cooked"), "9")]
    kitchen.record(
        "transform", event_time=today(0.6), process="process", inputs=[story.item(mixture, "10")], outputs=dishes
    )
    board = hall.board(code=kitchen.site["code"])
    [dish] = [batch for batch in board["batches"] if batch["product"]["name"] == "番茄炒蛋"]
    assert dish["sources"] == ["河东蔬菜合作社"]
    told = {each["product"]["name"]: (each["sources"], each["status"]) for each in dish["ingredients"]}
    assert told == {"鸡蛋": (["河东蔬菜合作社"], "ok"), "番茄": (["河东蔬菜合作社"], "ok")}
    [bought] = [batch for batch in board["batches"] if batch["product"]["name"] == "鸡蛋"]
    assert bought["ingredients"] == []


def test_nobody_learns_how_much_or_to_whom(hall: Hall) -> None:
    lot = hall.harvest("上海青", "HD-01")
    slip = hall.farm.record("ship", event_time=today(0.05), items=[hall.story.item(lot, "37.25")])["slip_code"]
    for stall, amount in zip(hall.stalls, ("11.25", "7.75", "18.25"), strict=True):
        part = {"custody_id": lot["custody_id"], "quantity": {"value": amount, "unit": "公斤"}}
        stall.record("receive", event_time=today(0.2), slip_code=slip, items=[part])
    hall.test(hall.deliver(lot, hall.stalls[0]), "3", tester="王检测", sample_number="KJ-77")
    for reader in (hall.story.public, hall.market, hall.stalls[0]):
        board = hall.board(reader)
        assert set(private_fields(board)) == set(), "a board is for the hall, whoever reads it"
        assert tells(said(board), ("37.25", "11.25", "7.75", "18.25", "王检测", "KJ-77", slip)) == set()
        assert slip not in str(board), "the code of an open slip takes its goods"
    # A slip on the market's board does not tell whose it is; on a stall's own it is among its own.
    assert all("stall" not in str(shown) for shown in hall.board()["slips"])


def test_only_places_have_boards(hall: Hall) -> None:
    def problem(code: str) -> tuple[int, str]:
        answer = hall.story.public.get(f"{hall.story.client.base_url}/boards/{code}.json")
        return answer.status_code, answer.json()["type"]

    goods = hall.deliver(hall.harvest("上海青", "HD-01"), hall.stalls[0])
    assert problem(goods["code"]) == (404, "/problems/no-board")
    assert problem(codes.mint(CodeKind.SITE)) == (404, "/problems/unknown-code")
    assert problem("S123") == (400, "/problems/mistyped-code")


def test_a_code_that_was_replaced_shows_the_board_and_says_so(hall: Hall) -> None:
    old = hall.stalls[0].site["code"]
    answer = hall.market.post(f"/codes/{old}/revoke", {"reason": "标牌遗失", "replace": True})
    assert answer.status_code == 200, answer.text
    board = hall.board(code=old)
    assert (board["status"], board["code"]) == ("revoked", answer.json()["replacement"])
    assert hall.board(code=board["code"])["status"] == "ok"


def test_a_locked_stall_is_red(hall: Hall) -> None:
    stall = hall.stalls[0].site
    assert hall.market.patch(f"/sites/{stall['id']}", {"status": "locked", "status_reason": "整改"}).status_code == 200
    assert tiles(hall.board())["1号摊 蔬菜"] == "held"
    own = hall.board(code=stall["code"])
    assert own["status"] == "held"
    assert "整改" in own["status_reason"]


def test_halls_within_a_market_are_no_stalls_and_numbers_are_in_order(story: Story) -> None:
    hall = open_hall(story, 1)
    wing = story.site(hall.market, "二号厅", "market", parent=hall.market)
    inner = Actor(story.client, None, hall.market.party, wing)
    for name in ("十二号", "二号", "十号", "一百零三号", "B-10", "B-9"):
        story.site(hall.market, name, "stall", parent=inner)
    assert list(tiles(hall.board())) == ["1号摊 蔬菜", "二号", "十号", "十二号", "一百零三号", "B-9", "B-10"]


def test_what_is_about_to_lapse_is_for_who_answers_for_it(story: Story) -> None:
    hall = open_hall(story, 1)
    licences = [{"scheme": "JY", "number": "JY13301060000012", "expires_on": day(12)}]
    workshop = story.enrol("vendor", "老街糕点坊", "processor", "plant", region="330106", licences=licences)
    lasting = [{"scheme": "JY", "number": "JY13301060000020", "expires_on": day(300)}]
    other = story.enrol("vendor", "新街糕点坊", "processor", "plant", region="330106", licences=lasting)
    paper = story.document(workshop, "business_licence", number="YY-1", expires_on=day(-2))
    workshop.record("certify", site_id=workshop.site["id"], document_id=paper["id"])
    kept = story.document(workshop, "test_report", number="TR-1")
    workshop.record("certify", site_id=workshop.site["id"], document_id=kept["id"])
    cake = story.product("米糕", "cooked", shelf_life_days=4)
    rice = story.product("糯米粉", "grain", shelf_life_days=180)
    outputs = [
        story.output(cake, "10", lot_number="MG-1", expires_on=day(2)),
        story.output(story.product("酒酿", "cooked"), "5", expires_on=day(9)),
        story.output(rice, "5", lot_number="NM-1", expires_on=day(17)),
        story.output(story.product("盐", "other"), "5"),
    ]
    workshop.record("produce", event_time=today(0.2), outputs=outputs)

    def warnings(reader: Actor | None) -> Any:
        found = hall.board(reader, workshop.site["code"])["expiring"]
        return found and [(each["kind"], each["number"] or each["lot_number"], each["days"]) for each in found]

    wanted = [
        ("document", "YY-1", -2),
        ("batch", "MG-1", 2),
        ("licence", "JY13301060000012", 12),
        ("batch", "NM-1", 17),
    ]
    assert warnings(workshop) == wanted
    assert warnings(story.key("regulator", region="3301")) == wanted
    assert warnings(other) is None
    assert "expiring" not in hall.board(code=workshop.site["code"])
    assert hall.board(other, other.site["code"])["expiring"] == []
    address = f"{story.client.base_url}/boards/{workshop.site['code']}"
    for language, words in (
        ("zh", ("即将到期", "还有 12 天", "米糕")),
        ("en", ("Expiring soon", "12 days left", "Expired on")),
    ):
        page = workshop.get(f"{address}?lang={language}", headers={"Accept": "text/html"})
        assert page.headers["cache-control"] == "private, no-store"
        assert all(word in page.text for word in words)
    # The market sees those of all its stalls.
    sticker = {
        "licences": [
            {"scheme": "JY", "number": "JY13301060000038", "expires_on": datetime.now(CHINA).date().isoformat()}
        ]
    }
    assert story.admin.patch(f"/parties/{hall.stalls[0].party['id']}", sticker).status_code == 200
    [licence] = hall.board(hall.market)["expiring"]
    assert (licence["number"], licence["days"], licence["site"]["name"]) == ("JY13301060000038", 0, "1号摊 蔬菜")


def test_the_day_is_the_sites_own(story: Story) -> None:
    """In Auckland it is tomorrow for most of our day."""
    made = story.enrol("market", "奥克兰市场", "market", None)
    site = story.admin.made(
        "/sites",
        {"party_id": made.party["id"], "name": "奥克兰市场", "kind": "market", "time_zone": "Pacific/Auckland"},
    )
    hall = Hall(story, Actor(story.client, None, made.party, site), [], made, made)
    told = datetime.fromisoformat(hall.board()["date"]).date()
    assert told == datetime.now(ZoneInfo("Pacific/Auckland")).date()
