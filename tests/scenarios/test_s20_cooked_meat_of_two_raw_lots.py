"""S20 卤肉一件事

卤味作坊早上进了两批生肉：一批猪头肉、一批牛腱，凭单收货，检疫证随货。中午一锅卤出一批熟食，分到自己的门店切着卖。
顾客扫熟食的码，两批生肉的来路都在。下午牛腱那批查出问题，监管部门对它连同全部下游叫停：锅里出来的、店里在卖的、
已经卖掉的小票，一秒之内全部变红；只用猪头肉做的另一锅不受牵连。解除以后恢复正常。查实以后正式召回：一批生肉，
锅里的、店里的、小票上的都跟着；后来才上传的进货也自动算进去；各家答复，进度按数量算。

Raw meat lots become a cooked lot; its page shows both parents. A stop of one parent and everything downstream reaches
the cooked lot, the shop's batch and the receipts that were printed, and nothing that was made without it. The recall
that follows reaches the same, and what is uploaded late; whom it concerns answers, and its progress is told by the
quantity.
"""

from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story, line, slugs, soon

GONGSHU = "330105"


def raw_meat(
    story: Story, plant: Actor, works: Actor, name: str, category: str, number: str, value: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A raw lot with its certificates: (as the plant made it, as it arrived at the works)."""
    output = story.output(story.product(name, category), value, lot_number=number)
    [lot] = plant.record("produce", event_time=ago(hours=20), outputs=[output])["outputs"]
    story.certify(plant, lot, "quarantine_certificate", hours=19, number=f"浙杭动检-{number}")
    slip = plant.record("ship", event_time=ago(hours=18), items=[story.item(lot, value)], to_site_id=works.site["id"])[
        "slip_code"
    ]
    [arrived] = works.record("receive", event_time=ago(hours=16), slip_code=slip)["outputs"]
    return lot, arrived


def test_a_stop_of_one_raw_lot_reaches_everything_cooked_from_it(story: Story) -> None:
    pigs = story.enrol("producer", "萧山生猪屠宰厂", "slaughterhouse", "plant", region="330109")
    cattle = story.enrol("producer", "钱塘牛羊屠宰厂", "slaughterhouse", "plant", region="330114")
    works = story.enrol("producer", "拱墅卤味工坊", "processor", "plant", region=GONGSHU)
    shop = story.enrol("vendor", "大兜路卤味店", "vendor", "shop", region=GONGSHU)
    office = story.key("regulator", region="3301")
    pork_lot, pork = raw_meat(story, pigs, works, "猪头肉", "pork", "ZT-0301", "80.5")
    beef_lot, beef = raw_meat(story, cattle, works, "牛腱", "beef", "NJ-0301", "60.5")

    # 一锅两肉，一锅只有猪头肉。 One pot of both, one of pork alone.
    mixed_meat, head = story.product("卤肉拼盘", "cooked", shelf_life_days=3), story.product("卤猪头肉", "cooked")
    [cooked] = works.record(
        "transform", process="process", event_time=ago(hours=10),
        inputs=[story.item(pork, "40.5"), story.item(beef, "60.5")],
        outputs=[story.output(mixed_meat, "70.25", lot_number="LR-0301")],
    )["outputs"]  # fmt: skip
    [other] = works.record(
        "transform", process="process", event_time=ago(hours=9), inputs=[story.item(pork, "40")],
        outputs=[story.output(head, "30.25", lot_number="LR-0302")],
    )["outputs"]  # fmt: skip
    slip = works.record(
        "ship", event_time=ago(hours=7), items=[story.item(cooked, "50.25"), story.item(other, "20.25")],
        to_site_id=shop.site["id"],
    )["slip_code"]  # fmt: skip
    on_sale = {
        batch["lot_number"]: batch
        for batch in shop.record("receive", event_time=ago(hours=6), slip_code=slip)["outputs"]
    }
    platter, plain = on_sale["LR-0301"], on_sale["LR-0302"]

    # 熟食的页面：两批生肉都在，各有各的检疫证。 The cooked lot's page shows both raw lots, each with its certificate.
    for code in (cooked["lot_code"], cooked["code"], platter["code"]):
        page = story.public.scan(code)
        assert page["status"] == "ok"
        raw = {
            (step["product"]["name"], step["lot_number"], step["party"]["name"])
            for step in page["steps"]
            if step["kind"] == "produce"
        }
        assert raw == {("猪头肉", "ZT-0301", "萧山生猪屠宰厂"), ("牛腱", "NJ-0301", "钱塘牛羊屠宰厂")}
        assert {paper["number"] for paper in page["documents"]} == {"浙杭动检-ZT-0301", "浙杭动检-NJ-0301"}
        read = story.read(code)
        assert "猪头肉 批号 ZT-0301" in read
        assert "牛腱 批号 NJ-0301" in read
    back = office.trace("back", code=platter["code"])
    parents = [link["parent_id"] for link in back["links"] if link["kind"] == "transform"]
    assert set(parents) == {pork["custody_id"], beef["custody_id"]}
    assert {link["quantity"]["grams"] for link in back["links"] if link["kind"] == "transform"} == {40_500, 60_500}

    # 卖出三笔。 Three sales: one of each, and one receipt with both.
    scale = story.handheld(shop, "卤味店追溯秤", "scale")
    of_platter = scale.prints(line(platter, "1.5", "斤"))
    of_plain = scale.prints(line(plain, "1", "斤"))
    of_both = scale.prints(line(platter, "0.5"), line(plain, "0.5"))
    assert all(outcome["flags"] == [] for outcome in scale.upload())

    # 下午快检，牛腱初筛不合格：牛腱自动停售；锅里出来的没有被叫停，页面上写明用到了什么，请顾客先问。
    # A rapid test fails the beef: it is off sale by itself. What came out of the pot is not, and says what is in it.
    screened = office.record(
        "test", custody_id=beef["custody_id"], stage="rapid", item="瘦肉精", value="阳性", verdict="fail"
    )
    for code in (cooked["lot_code"], cooked["code"], platter["code"]):
        assert soon(lambda code=code: [s["lot_number"] for s in story.public.scan(code)["held_sources"]] == ["NJ-0301"])
        assert story.public.scan(code)["status"] == "ok"
        assert story.colour(code) == "amber"
        told = story.read(code)
        assert "用到的货已暂停销售 这一批本身没有被叫停，用到的货还在核实" in told
        assert "停售的是 牛腱 批号 NJ-0301 ：快检不合格：瘦肉精 阳性" in told
        assert "停售的是牛腱。" in story.text(code)
        assert "停售的是 牛腱 批号 NJ-0301" in story.kiosk(code)
    assert story.public.scan(plain["code"])["held_sources"] == []
    office.record("release", hold_event_id=screened["id"], reason="实验室复检合格 · passed in the laboratory")
    assert soon(lambda: story.public.scan(platter["code"])["held_sources"] == [])

    # 牛腱出事：叫停它和它的全部下游。 The beef is stopped, with everything that comes from it.
    why = "牛腱检出瘦肉精 · clenbuterol found in the beef"
    stop = office.record("hold", custody_id=beef_lot["custody_id"], scope="downstream", reason=why)
    for code in (beef_lot["code"], beef["code"], cooked["lot_code"], cooked["code"], platter["code"], of_platter):
        assert soon(lambda code=code: story.public.scan(code)["status"] == "held"), code
        assert story.public.scan(code)["status_reason"] == why
        assert story.colour(code) == "red"
        assert "暂停销售" in story.read(code)
        assert "原因：牛腱检出瘦肉精" in story.read(code)
    both = story.public.scan(of_both)
    assert both["status"] == "held"
    read = story.read(of_both)
    assert read.index("卤肉拼盘 熟食 暂停销售") < read.index("卤猪头肉 熟食 来源可查")
    # 没有用到牛腱的，一概不受牵连。 What was made without it is not touched.
    for code in (pork_lot["code"], pork["code"], other["code"], plain["code"], of_plain):
        assert story.public.scan(code)["status"] == "ok", code
    stock = {item["lot_number"]: item["status"] for item in story.public.scan(shop.site["code"])["stock"]}
    assert stock == {"LR-0301": "held", "LR-0302": "ok"}
    # 追踪图上，受影响的正是这些。 Forward from the beef: exactly these are affected.
    forward = office.trace("forward", code=beef_lot["code"])
    assert {(node["lot_number"], node["status"]) for node in forward["nodes"]} == {
        ("NJ-0301", "held"),
        ("LR-0301", "held"),
    }
    assert forward["totals"]["receipts"] == 2, "two receipts carry it"
    # 再卖会留痕，再发开不出单。 Sold again it is flagged, shipped it gets no slip.
    assert slugs(shop.record("sell", lines=[line(platter, "0.5")])["flags"]) == ["held_goods"]
    assert works.refused("ship", 409, items=[story.item(cooked, "5")])["type"] == "/problems/goods-on-hold"
    assert works.record("ship", items=[story.item(other, "5")])["slip_code"].startswith("T")

    # 解除：页面恢复。 Released: the pages are as before.
    office.record("release", hold_event_id=stop["id"], reason="复检合格 · retest passed")
    for code in (platter["code"], of_platter, of_both):
        assert soon(lambda code=code: story.public.scan(code)["status"] == "ok"), code
    story.hides(platter["code"], ["40.5", "60.5", "70.25", "50.25"])


def test_a_recall_of_one_raw_lot_reaches_the_cooked_lot(story: Story) -> None:
    cattle = story.enrol("producer", "钱塘牛羊屠宰厂", "slaughterhouse", "plant", region="330114")
    works = story.enrol("producer", "拱墅卤味工坊", "processor", "plant", region=GONGSHU)
    shop = story.enrol("vendor", "大兜路卤味店", "vendor", "shop", region=GONGSHU)
    second = story.enrol("vendor", "小河直街卤味店", "vendor", "shop", region=GONGSHU)
    office = story.key("regulator", region="3301")
    beef_lot, beef = raw_meat(story, cattle, works, "牛腱", "beef", "NJ-0302", "60")
    [cooked] = works.record(
        "transform", process="process", event_time=ago(hours=10), inputs=[story.item(beef, "40")],
        outputs=[story.output(story.product("卤牛腱", "cooked"), "30", lot_number="LN-0302")],
    )["outputs"]  # fmt: skip
    slips = [
        works.record(
            "ship", event_time=ago(hours=7), items=[story.item(cooked, "10")], to_site_id=to.site["id"]
        )["slip_code"]
        for to in (shop, second)
    ]  # fmt: skip
    [platter] = shop.record("receive", event_time=ago(hours=6), slip_code=slips[0])["outputs"]
    scale = story.handheld(shop, "卤味店追溯秤", "scale")
    receipt = scale.prints(line(platter, "1"))
    scale.upload()

    # 召回这批牛腱。 The beef lot is recalled.
    recall = office.made(
        "/recalls",
        {
            "ref": "NJ-0302", "mode": "live", "grade": "I", "title": "钱塘牛羊屠宰厂 牛腱 NJ-0302",
            "reason": "检出瘦肉精 · clenbuterol found", "hazard": "心悸、手抖 · palpitations, tremor",
            "scope": {"codes": [beef_lot["lot_code"]]},
        },
    )  # fmt: skip
    for code in (beef_lot["code"], beef["code"], cooked["lot_code"], cooked["code"], platter["code"], receipt):
        assert soon(lambda code=code: story.public.scan(code)["status"] == "recalled"), code  # type: ignore[misc]
        assert "加热、煮沸不能消除风险" in story.read(code)
        assert story.colour(code) == "red"
    assert scale.get("/devices/me/stock").json()["items"] == []
    assert {step["name"] for step in told(office, recall)} == {"钱塘牛羊屠宰厂", "拱墅卤味工坊", "大兜路卤味店"}

    # 第二家店的货昨天就到了，今天才上传：页面立刻跟上，通知自己补上。
    # The second shop's goods came hours ago and are uploaded only now: its page follows at once, its notice by itself.
    [late] = second.record("receive", event_time=ago(hours=5), slip_code=slips[1])["outputs"]
    assert story.public.scan(late["code"])["status"] == "recalled"
    assert soon(lambda: "小河直街卤味店" in {party["name"] for party in told(office, recall)}, 10)
    [notice] = second.get(f"/recalls/{recall['id']}/notices").json()["items"]
    assert (notice["state"], notice["goods"][0]["on_hand"]["grams"]) == ("pending", 10_000)

    # 各家处置：一家退回工坊，一家销毁。 One gives back, one destroys, with evidence.
    shop.record(
        "return", items=[story.item(platter, "9")], reason="召回退货 · recall", to_site_id=works.site["id"],
    )  # fmt: skip
    photo = story.document(second, "other", number="销毁照片")
    second.record("destroy", items=[story.item(late, "10")], reason="召回销毁 · recall", evidence=[photo["id"]])
    here = f"/recalls/{recall['id']}/acknowledgements"
    gone = {"custody_id": late["custody_id"], "destroyed": {"value": "20", "unit": "斤"}}
    assert second.made(here, {"ref": "1", "lines": [gone], "evidence": [photo["id"]]})["notice"]["percent"] == 100.0
    back = {"custody_id": platter["custody_id"], "returned": {"value": "9", "unit": "公斤"}}
    assert shop.made(here, {"ref": "1", "lines": [back]})["notice"]["percent"] == 90.0, "one kilogram was eaten"

    def progress() -> dict[str, Any]:
        found: dict[str, Any] = office.get(f"/recalls/{recall['id']}").json()["progress"]
        return found

    assert (progress()["parties"]["answered"], progress()["parties"]["parties"]) == (2, 4)
    # 工坊：10 公斤没发出，9 公斤退回，20 公斤生牛腱；屠宰厂没有留货。
    # The works: ten kilograms that never left, nine that came back, twenty raw; the slaughterhouse has none left.
    assert soon(lambda: progress()["weight"]["answers_for"] == 10_000 + 10_000 + 10_000 + 9_000 + 20_000, 10)
    assert progress()["weight"]["recovered"] == 9_000 + 10_000


def told(office: Actor, recall: dict[str, Any]) -> list[dict[str, Any]]:
    """召回通知了谁。 The parties that have a notice."""
    items = office.get(f"/recalls/{recall['id']}/notices").json()["items"]
    return [notice["party"] for notice in items]
