"""S13 食安监、食安溯、食安测 · 贵阳（32,312 家企业，50 万条记录）

企业自己传：作坊一早把进货、生产、自检一次传上去，断网重传不会多。市场里的查询终端，一扫包装条码，看到厂家、证照、来路、检测。
作坊登录看板，哪批快到期、哪张证快到期，排在最前面提醒；公众看不到这些。饭店的菜码贴在桌上，食客一扫，这道菜的每样配料从哪来、
测过没有，清清楚楚。

Firms upload by themselves: a workshop posts its purchases, production and tests of a morning in one body, and posting
it again adds nothing. A terminal in the market finds by the barcode on a package its maker, licence, way and tests.
The workshop's board warns it of what is about to lapse, goods and licences alike, and nobody else. A diner scans the
code of a dish and sees of each ingredient where it came from and how it was tested.
"""

from typing import Any

from tests.scanning.hall import today
from tests.support.cast import Actor, quantity
from tests.support.story import Story, day, licence, line, ndjson, outcomes, soon

NANMING, QINGZHEN = "520102", "520181"
SUPPLIERS = 120


def test_a_firms_records_of_a_morning_go_up_in_one_body(story: Story) -> None:
    workshop = story.enrol("producer", "青岩豆腐坊", "processor", "plant", region=NANMING, licences=[licence(41, "SC")])
    office = story.key("regulator", region="5201")
    beans, tofu = story.product("黄豆", "grain.soy"), story.product("青岩豆腐", "tofu", shelf_life_days=3)
    bought = [
        workshop.event(
            "receive", ref=f"进货-{n:03}", event_time=today(0.1),
            items=[{"product_id": beans["id"], "quantity": quantity("12.5"), "lot_number": f"HD-{n:03}"}],
            **{"from": {"name": f"清镇农户{n:03}", "address": "贵州省贵阳市清镇市", "contact": f"139000{n:05}"}},
        )
        for n in range(1, SUPPLIERS + 1)
    ]  # fmt: skip
    results, summary = outcomes(workshop.request("POST", "/events", **ndjson(bought)).text)
    assert summary == {"recorded": SUPPLIERS, "duplicate": 0, "conflict": 0, "rejected": 0}
    # 断网，整份重传。 The line broke, and all is sent again.
    _, again = outcomes(workshop.request("POST", "/events", **ndjson(bought)).text)
    assert again == {"recorded": 0, "duplicate": SUPPLIERS, "conflict": 0, "rejected": 0}

    # 投料生产：一锅用了三十家的豆子；自检合格的报告挂上。 A pot of thirty farmers' beans, with its own test report.
    inputs = [story.item(result["outputs"][0], "12.5") for result in results[:30]]
    [pot] = workshop.record(
        "transform", process="process", event_time=today(0.3), inputs=inputs,
        outputs=[story.output(tofu, "900", lot_number="QY-0301", expires_on=day(2))],
    )["outputs"]  # fmt: skip
    report = story.document(workshop, "test_report", number="ZJ-0301", issuer="青岩豆腐坊化验室")
    workshop.record("certify", event_time=today(0.4), custody_id=pot["custody_id"], document_id=report["id"])

    # 监管一查到底：三十家供货，各多少；坊里还剩多少豆子。 The office sees each of the thirty suppliers and how much.
    back = office.trace("back", code=pot["code"])
    assert (back["totals"]["gaps"], len(back["gaps"])) == (30, 30)
    assert {gap["from"]["name"] for gap in back["gaps"]} == {f"清镇农户{n:03}" for n in range(1, 31)}
    used = [link["quantity"]["grams"] for link in back["links"] if link["kind"] == "transform"]
    assert used == [12_500] * 30
    stock = workshop.scan(workshop.site["code"])["stock"]
    assert sum(item["product"]["name"] == "黄豆" for item in stock) == SUPPLIERS - 30
    # 公众看到是坊里自报的农户，看不到电话和数量。 The public sees whom the workshop names, no telephone and no amount.
    read = story.read(pot["code"])
    assert "来源不全" in read
    assert "ZJ-0301" in read
    story.hides(pot["code"], ["13900000001", "12.5"])


def test_a_terminal_finds_a_package_and_says_when_it_must_not_be_eaten(story: Story) -> None:
    market = story.enrol("market", "合群路农贸市场", "market", "market", region=NANMING)
    stall = story.enrol("vendor", "合群路 6 号摊", "vendor", "stall", parent=market, region=NANMING)
    permit = licence(42, "SC")
    works = story.enrol("producer", "花溪辣椒厂", "processor", "plant", region=NANMING, licences=[permit])
    barcode = "6901234567892"
    sauce = story.product("糟辣椒", "sauce", gtin=barcode)
    outputs = [story.output(sauce, "60", lot_number="ZL-0301", expires_on=day(60))]
    [lot] = works.record("produce", event_time=today(0.1), outputs=outputs)["outputs"]
    slip = works.record(
        "ship", event_time=today(0.2), items=[story.item(lot, "20")], to_site_id=stall.site["id"]
    )["slip_code"]  # fmt: skip
    [here] = stall.record("receive", event_time=today(0.3), slip_code=slip)["outputs"]
    rapid = {"stage": "rapid", "item": "苯甲酸", "method": "GB 5009.28-2016"}
    market.record("test", custody_id=here["custody_id"], event_time=today(0.4), verdict="pass", **rapid)

    # 终端前：扫条码，扫摊上的码，或者手工敲。 Before the terminal: a barcode, the stall's code, or typed by hand.
    for typed in (barcode, f"0{barcode}", lot["lot_code"].lower()):
        read = story.kiosk(typed)
        for words in ("糟辣椒", "ZL-0301", "花溪辣椒厂", permit["number"], "来源可查"):
            assert words in read, (typed, words)
    assert "苯甲酸" in story.kiosk(here["code"])

    # 市场一查不合格：终端马上写明别买别吃。 A test fails: the terminal says at once not to buy or eat it.
    market.record("test", custody_id=here["custody_id"], event_time=today(0.6), verdict="fail", **rapid)
    for typed in (barcode, here["code"]):
        assert soon(lambda typed=typed: "暂停销售" in story.kiosk(typed), 5)  # type: ignore[misc]
        assert "不要购买" in story.kiosk(typed)


def test_a_workshop_is_warned_of_what_is_about_to_lapse(story: Story) -> None:
    permit = {**licence(43, "SC"), "expires_on": day(20)}
    workshop = story.enrol("producer", "二七路糕点坊", "processor", "plant", region=NANMING, licences=[permit])
    neighbour = story.enrol("producer", "中华路糕点坊", "processor", "plant", region=NANMING)
    office = story.key("regulator", region=NANMING)
    cake = story.product("波波糖", "pastry", shelf_life_days=30)
    outputs = [
        story.output(cake, "10", lot_number="BB-1", expires_on=day(-1)),
        story.output(cake, "10", lot_number="BB-2", expires_on=day(2)),
        story.output(cake, "10", lot_number="BB-3", expires_on=day(25)),
    ]
    made = workshop.record("produce", event_time=today(0.1), outputs=outputs)["outputs"]

    def warned(reader: Actor | None) -> Any:
        found = story.board(workshop.site["code"], reader).get("expiring")
        return found and [(each["kind"], each["lot_number"] or each["number"], each["days"]) for each in found]

    due = [("batch", "BB-1", -1), ("batch", "BB-2", 2), ("licence", permit["number"], 20)]
    assert warned(workshop) == warned(office) == due
    read = story.screen(f"/boards/{workshop.site['code']}", workshop)
    for words in ("即将到期", "波波糖 BB-1", "还有 2 天", "还有 20 天"):
        assert words in read, words
    # 别家、公众都看不到；公众只看到那一批已过期。 Nobody else is told; the public sees that one batch is past its date.
    assert warned(neighbour) is None
    assert warned(None) is None
    assert "即将到期" not in story.screen(f"/boards/{workshop.site['code']}")
    assert story.public.scan(made[0]["code"])["status"] == "expired"
    # 销毁过期的，提醒就少一条。 Destroyed, it is not told of any more.
    photo = story.document(workshop, "other", number="销毁-1")
    workshop.record(
        "destroy", event_time=today(0.5), items=[story.item(made[0], "10")], reason="过期 · past its date",
        evidence=[photo["id"]],
    )  # fmt: skip
    assert soon(lambda: warned(workshop) == due[1:], 5)


def test_a_diner_sees_where_each_ingredient_of_a_dish_came_from(story: Story) -> None:
    market = story.enrol("market", "合群路农贸市场", "market", "market", region=NANMING)
    stall = story.enrol("vendor", "合群路 8 号摊", "vendor", "stall", parent=market, region=NANMING)
    farm = story.enrol("producer", "清镇蔬菜合作社", "producer", "farm", region=QINGZHEN)
    works = story.enrol("producer", "花溪辣椒厂", "processor", "plant", region=NANMING, licences=[licence(44, "SC")])
    house = story.enrol("vendor", "丝恋红汤丝娃娃", "caterer", "shop", region=NANMING, licences=[licence(45)])
    greens, sauce = story.product("折耳根"), story.product("糟辣椒", "sauce")
    [root] = farm.record(
        "produce", event_time=today(0.05), outputs=[story.output(greens, "50", lot_number="ZE-1")]
    )["outputs"]  # fmt: skip
    [pepper] = works.record(
        "produce", event_time=today(0.05), outputs=[story.output(sauce, "50", lot_number="ZL-2")]
    )["outputs"]  # fmt: skip

    def delivered(sender: Actor, receiver: Actor, goods: dict[str, Any], amount: str, part: float) -> dict[str, Any]:
        items = [story.item(goods, amount)]
        slip = sender.record("ship", event_time=today(part), items=items, to_site_id=receiver.site["id"])["slip_code"]
        output: dict[str, Any] = receiver.record("receive", event_time=today(part + 0.05), slip_code=slip)["outputs"][0]
        return output

    at_stall = delivered(farm, stall, root, "20", 0.1)
    rapid = {"stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199", "unit": "%"}
    market.record("test", custody_id=at_stall["custody_id"], event_time=today(0.2), value="9", **rapid)
    bought = delivered(stall, house, at_stall, "10", 0.3)
    spiced = delivered(works, house, pepper, "5", 0.3)
    inputs = [story.item(bought, "4"), story.item(spiced, "1")]
    dishes = [story.output(story.product("凉拌折耳根", "cooked"), "5", produced_on=day(0))]
    [dish] = house.record("transform", process="process", event_time=today(0.6), inputs=inputs, outputs=dishes)[
        "outputs"
    ]

    # 桌上的菜码：两样配料，各走各的路，测过的写明。 The code of the dish: both ingredients, each by its own way.
    page = story.public.scan(dish["code"])
    assert page["status"] == "ok"
    assert {
        (step["product"]["name"], step["party"]["name"]) for step in page["steps"] if step["kind"] == "produce"
    } == {
        ("折耳根", "清镇蔬菜合作社"),
        ("糟辣椒", "花溪辣椒厂"),
    }
    assert [(test["item"], test["verdict"], test["product"]["name"]) for test in page["tests"]] == [
        ("农药残留", "pass", "折耳根")
    ]
    read = story.read(dish["code"])
    for words in ("凉拌折耳根", "清镇蔬菜合作社", "合群路 8 号摊", "花溪辣椒厂", "丝恋红汤丝娃娃", "农药残留"):
        assert words in read, words

    # 店堂的看板：每道菜的配料、供货者、检测。 The board in the dining room: ingredients, suppliers, tests of each dish.
    [shown] = [batch for batch in story.board(house.site["code"])["batches"] if batch["ingredients"]]
    assert shown["product"]["name"] == "凉拌折耳根"
    assert {
        each["product"]["name"]: (each["sources"], [test["verdict"] for test in each["tests"]])
        for each in shown["ingredients"]
    } == {"折耳根": (["合群路 8 号摊"], ["pass"]), "糟辣椒": (["花溪辣椒厂"], [])}
    read = story.screen(f"/boards/{house.site['code']}")
    assert "折耳根：来自 合群路 8 号摊 合格" in read
    assert "糟辣椒：来自 花溪辣椒厂 无检测记录" in read

    # 小票同样：买单的秤打出小票，一扫到配料。 The receipt leads to the same.
    till = story.handheld(house, "收银台", "scale")
    receipt = till.prints(line(dish, "0.4"))
    till.upload()
    [bill] = story.public.scan(receipt)["lines"]
    assert {step["party"]["name"] for step in bill["steps"] if step["kind"] == "produce"} == {
        "清镇蔬菜合作社",
        "花溪辣椒厂",
    }

    # 折耳根在市场复测不合格：这道菜也红了。 A second test of the roots fails: the dish is stopped with them.
    market.record("hold", custody_id=at_stall["custody_id"], scope="downstream", reason="复测不合格 · failed again")
    assert soon(lambda: story.public.scan(dish["code"])["status"] == "held", 5)
    assert soon(lambda: story.public.scan(receipt)["status"] == "held", 5)
