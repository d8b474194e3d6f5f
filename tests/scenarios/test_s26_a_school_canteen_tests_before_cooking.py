"""S26 校园食堂下锅前检测 · 宁波海曙（48 所学校）

天不亮，配送公司的车到学校，食堂扫单收货，单就是台账。下锅前，食堂的快检仪逐样检测、自动上传；合格的下锅，一锅菜一个码。
食堂门口的看板上，今天每道菜的每样配料是谁供的、测了什么、结果如何，家长和老师一看便知。测出不合格的，当场停用，封存、退货或销毁，
换一道菜；别的学校收到的同一批，同一秒也停。区里看得到四十八所学校今天测了没有、测得怎样。

Before daylight the supplier's van comes to the school; the canteen scans the slip to receive, and has its ledger. Its
instrument tests each ingredient before it is cooked and uploads by itself; what passes goes into the pot, and each dish
has a code. The board at the canteen's door tells parents and teachers of each dish who supplied its ingredients and how
they were tested. What fails is stopped on the spot, here and at every other school that got the lot, and the dish is
another one today. The district sees of its forty-eight schools what was tested, and what was found.
"""

import json
from typing import Any

from tests.scanning.hall import today
from tests.support.cast import Actor
from tests.support.story import Story, day, licence, line, ndjson, outcomes, slugs, soon, tells

HAISHU = "330203"
SCHOOLS = 48
RAPID = {"stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199", "unit": "%"}


class Town:
    """A farm, a supplier, schools with canteens, their office."""

    def __init__(self, story: Story, schools: int) -> None:
        self.story = story
        self.office = story.key("regulator", region=HAISHU)
        self.farm = story.enrol("producer", "古林蔬菜合作社", "producer", "farm", region=HAISHU)
        self.supplier = story.enrol(
            "vendor", "海曙校园配送", "wholesaler", "warehouse", region=HAISHU, licences=[licence(51, region=HAISHU)]
        )
        self.canteens = [
            story.enrol("vendor", f"海曙第{number}小学食堂", "caterer", "canteen", region=HAISHU)
            for number in range(1, schools + 1)
        ]

    def harvest(self, name: str, number: str) -> dict[str, Any]:
        """A lot of the farm's, brought to the supplier's warehouse."""
        outputs = [self.story.output(self.story.product(name), "500", lot_number=number)]
        [made] = self.farm.record("produce", event_time=today(0.02), outputs=outputs)["outputs"]
        return self.delivered(self.farm, self.supplier, made, "500", 0.04)

    def delivered(
        self, sender: Actor, receiver: Actor, goods: dict[str, Any], amount: str, part: float
    ) -> dict[str, Any]:
        items = [self.story.item(goods, amount)]
        slip = sender.record("ship", event_time=today(part), items=items, to_site_id=receiver.site["id"])["slip_code"]
        [here] = receiver.record("receive", event_time=today(part + 0.02), slip_code=slip)["outputs"]
        output: dict[str, Any] = here
        return output

    def cooks(self, canteen: Actor, name: str, *ingredients: dict[str, Any]) -> dict[str, Any]:
        """A dish of ten kilograms of each; nothing may be flagged."""
        dish = self.story.product(name, "cooked")
        inputs = [self.story.item(each, "10") for each in ingredients]
        outputs = [self.story.output(dish, "15", produced_on=day(0), expires_on=day(0))]
        cooked = canteen.record("transform", process="process", event_time=today(0.6), inputs=inputs, outputs=outputs)
        assert cooked["flags"] == []
        output: dict[str, Any] = cooked["outputs"][0]
        return output


def test_what_is_cooked_was_tested_before_and_the_board_says_so(story: Story) -> None:
    town = Town(story, 2)
    canteen, other = town.canteens
    tomatoes, beans = town.harvest("番茄", "GL-0301"), town.harvest("豇豆", "GL-0302")
    eggs = town.delivered(
        town.supplier, canteen,
        town.supplier.record(
            "receive", event_time=today(0.03),
            items=[{"product_id": story.product("鸡蛋", "eggs")["id"], "quantity": {"value": "40", "unit": "公斤"}}],
            **{"from": {"name": "奉化蛋鸡场", "address": "浙江省宁波市奉化区", "contact": "13900000026"}},
        )["outputs"][0], "20.5", 0.1,
    )  # fmt: skip
    here = [town.delivered(town.supplier, canteen, lot, "30.5", 0.1) for lot in (tomatoes, beans)]
    there = town.delivered(town.supplier, other, beans, "25.5", 0.1)

    # 下锅前：快检仪逐样测，自动上传。豇豆不合格。 Before cooking each is tested; the beans fail.
    instrument = story.handheld(canteen, "食堂快检仪", "instrument")
    tests = [
        instrument.event(
            "test", ref=f"KJ-{n}", custody_id=batch["custody_id"], value=value, event_time=today(0.4), **RAPID
        )
        for n, (batch, value) in enumerate(((here[0], "9"), (here[1], "74"), (eggs, "3")))
    ]
    results, summary = outcomes(instrument.request("POST", "/events", **ndjson(tests)).text)
    assert summary["recorded"] == 3
    assert [result["decision"] for result in results] == ["pass", "fail", "pass"]

    # 不合格的豇豆：这里停用，另一所学校的同一批也停。 The beans are stopped here, and at the other school with them.
    for batch in (here[1], there):
        assert soon(lambda batch=batch: story.public.scan(batch["code"])["status"] == "held", 5)  # type: ignore[misc]
    assert soon(lambda: bool(story.board(other.site["code"])["notices"]), 5)
    # 若照样下锅，事情照记，标出来给区里看。 Cooked all the same it would be on record, and flagged for the district.
    wrong = other.record(
        "transform", process="process", event_time=today(0.5), inputs=[story.item(there, "5")],
        outputs=[story.output(story.product("豇豆炒肉", "cooked"), "5", produced_on=day(0))],
    )  # fmt: skip
    assert slugs(wrong["flags"]) == ["held_goods"]
    [flagged] = town.office.get("/events", params={"flag": "held_goods"}).json()["items"]
    assert (flagged["id"], flagged["site_id"]) == (wrong["id"], other.site["id"])
    # 菜的页面和门口的看板马上写明；停不停，由区里定。 Its page and the board say so at once; whether it is stopped, the
    # district decides.
    stopped = wrong["outputs"][0]["code"]
    assert "停售的是 豇豆 批号 GL-0302 ：快检不合格" in story.read(stopped)
    assert "豇豆：来自 海曙校园配送 暂停销售" in story.screen(f"/boards/{other.site['code']}")
    town.office.record("hold", custody_id=there["custody_id"], scope="downstream", reason="用了不合格豇豆，停止供餐")
    assert soon(lambda: story.public.scan(stopped)["status"] == "held", 5)
    assert "不要食用" in story.read(stopped)

    # 合格的番茄和鸡蛋下锅。 Tomatoes and eggs passed, and are cooked.
    dish = town.cooks(canteen, "番茄炒蛋", here[0], eggs)
    [shown] = [batch for batch in story.board(canteen.site["code"])["batches"] if batch["ingredients"]]
    assert (shown["code"], shown["product"]["name"]) == (dish["code"], "番茄炒蛋")
    told = {
        each["product"]["name"]: (each["sources"], [(test["item"], test["verdict"]) for test in each["tests"]])
        for each in shown["ingredients"]
    }
    assert told == {
        "番茄": (["海曙校园配送"], [("农药残留", "pass")]),
        "鸡蛋": (["海曙校园配送"], [("农药残留", "pass")]),
    }
    # 先测后煮，时间对得上。 Tested first, then cooked.
    assert all(test["event_time"] < shown["since"] for each in shown["ingredients"] for test in each["tests"])

    # 门口的看板：菜、配料、供货者、检测结果；停用的豇豆写在最上面。 The board at the door says it all.
    read = story.screen(f"/boards/{canteen.site['code']}")
    for words in ("番茄炒蛋", "番茄：来自 海曙校园配送 合格", "鸡蛋：来自 海曙校园配送 合格", "暂停销售：豇豆"):
        assert words in read, words
    secrets = ("13900000026", "30.5", "20.5", "25.5", "海曙第2小学")
    board = json.dumps(story.board(canteen.site["code"]), ensure_ascii=False)
    assert tells([read, board], secrets) == set()

    # 家长扫这道菜的码：一直看到合作社的地里，蛋的来源注明是配送公司自报。
    # A parent scans the dish: the way goes to the farm, and the eggs' source is what the supplier reports.
    page = story.read(dish["code"])
    for words in ("番茄炒蛋", "古林蔬菜合作社", "海曙校园配送", "据海曙校园配送自报，来自“奉化蛋鸡场”", "农药残留"):
        assert words in page, words
    story.hides(dish["code"], secrets)

    # 豇豆退不了就销毁，附照片，账要平。 The beans are destroyed with evidence, and the books close.
    photo = story.document(canteen, "other", number="豇豆封存照片")
    canteen.record(
        "destroy", event_time=today(0.7), items=[story.item(here[1], "30.5")], reason="快检不合格 · failed its test",
        evidence=[photo["id"]],
    )  # fmt: skip
    balance = canteen.scan(here[1]["code"])["balance"]
    assert (balance["received"], balance["destroyed"], balance["on_hand"]) == (30_500, 30_500, 0)

    # 打菜的秤打出小票，孩子带回家，扫一样看得到。 A receipt of the counter's scale leads to the same.
    counter = story.handheld(canteen, "打菜秤", "scale")
    receipt = counter.prints(line(dish, "0.3"))
    counter.upload()
    [meal] = story.public.scan(receipt)["lines"]
    assert {step["party"]["name"] for step in meal["steps"] if step["kind"] == "produce"} == {"古林蔬菜合作社"}


def test_the_district_sees_what_its_schools_tested_before_cooking(story: Story) -> None:
    town = Town(story, 0)
    lot = town.harvest("青菜", "GL-0303")
    forms = [{"name": f"海曙第{n}小学", "kind": "caterer", "region": HAISHU} for n in range(1, SCHOOLS + 1)]
    schools, summary = outcomes(story.admin.request("POST", "/parties/batch", **ndjson(forms)).text)
    assert summary["recorded"] == SCHOOLS
    places = [
        {"party_id": school["id"], "name": f"{form['name']}食堂", "kind": "canteen", "region": HAISHU}
        for form, school in zip(forms, schools, strict=True)
    ]
    canteens, summary = outcomes(story.admin.request("POST", "/sites/batch", **ndjson(places)).text)
    assert summary["recorded"] == SCHOOLS

    ships = [
        town.supplier.event("ship", items=[story.item(lot, "10")], to_site_id=site["id"], event_time=today(0.1))
        for site in canteens
    ]
    slips, _ = outcomes(town.supplier.request("POST", "/events", **ndjson(ships)).text)
    receives = [
        story.admin.event("receive", site_id=site["id"], slip_code=slip["slip_code"], event_time=today(0.2))
        for site, slip in zip(canteens, slips, strict=True)
    ]
    received, summary = outcomes(story.admin.request("POST", "/events", **ndjson(receives)).text)
    assert summary["recorded"] == SCHOOLS
    # 四十七所测了，合格；最后一所今天没测。 Forty-seven test it, and it passes; the last does not today.
    tests = [
        story.admin.event(
            "test", site_id=site["id"], custody_id=result["outputs"][0]["custody_id"], value="8",
            event_time=today(0.4), **RAPID,
        )
        for site, result in zip(canteens[:-1], received, strict=False)
    ]  # fmt: skip
    _, summary = outcomes(story.admin.request("POST", "/events", **ndjson(tests)).text)
    assert summary["recorded"] == SCHOOLS - 1

    asked = {"kind": "test", "from": today(0), "limit": "500"}
    seen = town.office.get("/events", params=asked).json()["items"]
    assert {event["outcome"]["decision"] for event in seen} == {"pass"}
    untested = {site["id"] for site in canteens} - {event["site_id"] for event in seen}
    assert untested == {canteens[-1]["id"]}
    assert story.key("regulator", region="330212").get("/events", params=asked).json()["items"] == []
    # 没测的那所，看板上也写着没有检测。 The board of that school says so too.
    assert "无检测记录" in story.screen(f"/boards/{canteens[-1]['code']}")
    assert "合格" in story.screen(f"/boards/{canteens[0]['code']}")
