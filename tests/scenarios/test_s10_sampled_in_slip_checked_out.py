"""S10 一品一码 + 批批检 · 福州海峡农副产品批发市场

进：每一批到场先取样，检测合格才准入，没测的、不合格的一律不准。出：货车出门凭溯源单，门岗扫单核对货名、数量、检测；没有单的出了门，
系统留痕。总部查验过的一批，等于替门店都查验过：各门店从同一张单上分货，不必再验一遍；总部拒掉的，哪家门店都洗不白。

Sampled at the way in: no batch is let in untested. Slip check at the way out: goods leave with a slip that the guard
scans, and what leaves without one is on record. A head office that has checked a batch has checked it for its branches:
they take their parts off the same slip without another check, and what it refused stays refused in every branch.
"""

from typing import Any

from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, slugs

CANGSHAN, GULOU = "350104", "350102"
PAPERS = [["conformity_certificate", "origin_proof", "purchase_slip"]]
EVERY_BATCH = {"category": "vegetables", "requires": PAPERS, "test": "always"}
INHIBITION = {"stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199-2003", "unit": "%"}


def under_rule(actor: Actor, rule: dict[str, Any]) -> Actor:
    answer = actor.request("PUT", f"/sites/{actor.site['id']}/admission-rules", json=[rule])
    assert answer.status_code == 200, answer.text
    return actor


def harvested(story: Story, farm: Actor, product: dict[str, Any], value: str, number: str) -> dict[str, Any]:
    """A lot with its grower's certificate of conformity."""
    [lot] = farm.record("produce", event_time=ago(hours=20), outputs=[story.output(product, value, lot_number=number)])[
        "outputs"
    ]
    story.certify(farm, lot, "conformity_certificate", hours=19, number=f"HGZ-{number}", issuer=farm.party["name"])
    return lot


def sent(story: Story, sender: Actor, lot: dict[str, Any], value: str, to: Actor, hours: float = 10) -> str:
    items = [story.item(lot, value)]
    slip = sender.record("ship", event_time=ago(hours=hours), items=items, to_site_id=to.site["id"])["slip_code"]
    assert isinstance(slip, str)
    return slip


def test_every_batch_is_sampled_at_the_way_in_and_leaves_by_slip(story: Story) -> None:
    market = under_rule(
        story.enrol("market", "海峡农副产品批发市场", "market", "wholesale", region=CANGSHAN), EVERY_BATCH
    )
    trader = story.enrol("vendor", "海峡市场 A 区 16 号", "wholesaler", "stall", parent=market, region=CANGSHAN)
    grocer = story.enrol("vendor", "鼓楼社区菜店", "vendor", "shop", region=GULOU)
    farm = story.enrol("producer", "闽侯白沙蔬菜基地", "producer", "farm", region="350121")
    cabbage = story.product("包菜")

    # 到场三批。 Three batches arrive; each has a code of its own.
    batches = []
    for n, value in enumerate(("310.5", "320.5", "330.5"), 1):
        lot = harvested(story, farm, cabbage, value, f"BC-030{n}")
        slip = sent(story, farm, lot, value, trader)
        batches += trader.record("receive", event_time=ago(hours=6), slip_code=slip)["outputs"]
    assert len({batch["code"] for batch in batches}) == len({batch["lot_code"] for batch in batches}) == 3

    def gate(batch: dict[str, Any]) -> dict[str, Any]:
        return market.record("admit", custody_ids=[batch["custody_id"]], event_time=ago(hours=4))

    def sampled(batch: dict[str, Any], value: str, number: str) -> dict[str, Any]:
        return market.record(
            "test", custody_id=batch["custody_id"], value=value, sample_number=number, event_time=ago(hours=5),
            **INHIBITION,
        )  # fmt: skip

    # 合格证在手，没取样照样不准进。 A certificate in hand is not enough: without the sample it does not enter.
    refused = gate(batches[0])
    assert (refused["decision"], slugs(refused["reasons"])) == ("refused", ["test-missing"])
    assert refused["reasons"][0]["missing"] == ["test"]
    assert "包菜：缺少合格的检测" in refused["reasons"][0]["detail"]
    assert sampled(batches[0], "11.2", "Y-001")["decision"] == "pass"
    assert gate(batches[0])["decision"] == "admitted"
    assert sampled(batches[1], "62.5", "Y-002")["decision"] == "fail"
    refused = gate(batches[1])
    assert (refused["decision"], slugs(refused["reasons"])) == ("refused", ["failed-test", "test-missing"])
    # 别家的合格，不能算作这一批的。 Another batch's pass is none of this batch's.
    assert slugs(gate(batches[2])["reasons"]) == ["test-missing"]
    assert [story.public.scan(batch["code"])["status"] for batch in batches] == ["ok", "held", "refused"]
    assert [test["value"] for test in story.public.scan(batches[0]["code"])["tests"]] == ["11.2"]
    story.hides(batches[0]["code"], ["Y-001", "310.5"])
    assert market.scan(batches[0]["code"])["tests"][0]["sample_number"] == "Y-001"

    # 出门：门岗扫单，核对货名、数量、检测。 The way out: the guard scans the slip and compares goods, amount and test.
    slip = sent(story, trader, batches[0], "120.5", grocer, hours=3)
    guard = market.scan(slip)
    assert guard["status"] == "ok"
    assert [(row["product"]["name"], row["quantity"]["grams"]) for row in guard["lines"]] == [("包菜", 120_500)]
    assert [(test["item"], test["verdict"]) for test in guard["tests"]] == [("农药残留", "pass")]
    assert "入场查验：准入" in story.read(slip)
    [bought] = grocer.record("receive", slip_code=slip, event_time=ago(hours=2))["outputs"]
    assert story.public.scan(bought["code"])["status"] == "ok"
    # 不合格的，开不出单。 What failed gets no slip.
    problem = trader.refused("ship", 409, items=[story.item(batches[1], "10")])
    assert problem["type"] == "/problems/goods-on-hold"
    # 没单出门的，市场查得到。 What leaves without a slip is on the market's list.
    gone = trader.record("ship", items=[story.item(batches[0], "20.5")], to={"name": "无单客户"}, slip=False)
    assert slugs(gone["flags"]) == ["no_slip"]
    [listed] = market.get("/events", params={"flag": "no_slip"}).json()["items"]
    assert (listed["id"], listed["body"]["to"]["name"]) == (gone["id"], "无单客户")
    story.hides(batches[0]["code"], ["无单客户", "鼓楼社区菜店"])


def test_what_the_head_office_has_checked_is_checked_for_its_branches(story: Story) -> None:
    office = under_rule(
        story.enrol("market", "海峡生鲜连锁总部", "wholesaler", "warehouse", region=CANGSHAN), EVERY_BATCH
    )
    branches = [
        story.enrol("vendor", f"海峡生鲜 {name}店", "vendor", "shop", parent=office, region=region)
        for name, region in (("五一路", GULOU), ("上下杭", "350103"), ("三叉街", CANGSHAN))
    ]
    farm = story.enrol("producer", "闽侯白沙蔬菜基地", "producer", "farm", region="350121")
    lab = story.enrol("lab", "闽侯县农产品检测站", "laboratory", None, region="350121")
    cabbage = story.product("包菜")
    lot = harvested(story, farm, cabbage, "500.5", "BC-0305")
    slip = sent(story, farm, lot, "500.5", office)

    # 总部查一次：缺检测，补检后放行。 Checked once, by the head office: the test is missing, is made, and lets it in.
    asked = office.record("admit", slip_code=slip, event_time=ago(hours=9.5))
    assert slugs(asked["reasons"]) == ["test-missing"]
    lab.record("test", custody_id=lot["custody_id"], value="9.8", event_time=ago(hours=9), **INHIBITION)
    checked = office.record("admit", slip_code=slip, event_time=ago(hours=8))
    assert checked["decision"] == "admitted"

    # 三家门店从同一张单上分货，都算查验过。 Three branches take their parts off the same slip: all of them checked.
    for branch, value in zip(branches, ("150.5", "200.5", "149.5"), strict=True):
        part = {"custody_id": lot["custody_id"], "quantity": quantity(value)}
        received = branch.record("receive", slip_code=slip, items=[part], event_time=ago(hours=5))
        assert received["flags"] == []
        page = story.public.scan(received["outputs"][0]["code"])
        assert (page["status"], page["party"]["name"]) == ("ok", branch.party["name"])
        assert [(step["kind"], step["party"]["name"]) for step in page["steps"]] == [
            ("produce", "闽侯白沙蔬菜基地"),
            ("certify", "闽侯白沙蔬菜基地"),
            ("ship", "闽侯白沙蔬菜基地"),
            ("admit", "海峡生鲜连锁总部"),
            ("test", "闽侯县农产品检测站"),
            ("admit", "海峡生鲜连锁总部"),
            ("receive", branch.party["name"]),
        ]
        read = story.read(received["outputs"][0]["code"])
        assert read.index("入场查验：拒绝入场") < read.index("入场查验：准入"), (
            "both answers of the gate, in their order"
        )
    events = office.get("/events", params={"kind": "admit"}).json()["items"]
    assert {event["outcome"]["decision"] for event in events[:1]} == {"admitted"}
    assert len(events) == 2, "one refusal and one admission for three branches"
    assert [event["kind"] for event in lab.get("/events").json()["items"]] == ["test"], "one test for all"

    # 门店若开在别人的市场里，人家的门岗也认总部的检测和凭证。 Another market's gate takes the office's test, too.
    hall = under_rule(story.enrol("market", "台江农贸市场", "market", "market", region="350103"), EVERY_BATCH)
    counter = story.enrol("vendor", "海峡生鲜 台江专柜", "vendor", "stall", parent=hall, region="350103")
    second = harvested(story, farm, cabbage, "80.5", "BC-0306")
    slip = sent(story, farm, second, "80.5", office)
    [at_office] = office.record("receive", slip_code=slip)["outputs"]
    office.record("test", custody_id=at_office["custody_id"], value="10.1", **INHIBITION)
    onward = sent(story, office, at_office, "30.5", counter, hours=1)
    assert hall.record("admit", slip_code=onward)["decision"] == "admitted"


def test_what_the_head_office_refused_stays_refused_in_every_branch(story: Story) -> None:
    office = under_rule(
        story.enrol("market", "海峡生鲜连锁总部", "wholesaler", "warehouse", region=CANGSHAN), EVERY_BATCH
    )
    branch = story.enrol("vendor", "海峡生鲜 五一路店", "vendor", "shop", parent=office, region=GULOU)
    farm = story.enrol("producer", "闽侯白沙蔬菜基地", "producer", "farm", region="350121")
    lot = harvested(story, farm, story.product("包菜"), "60.5", "BC-0307")
    slip = sent(story, farm, lot, "60.5", office)
    assert office.record("admit", slip_code=slip)["decision"] == "refused"
    received = branch.record("receive", slip_code=slip)
    assert slugs(received["flags"]) == ["refused_goods"]
    code = received["outputs"][0]["code"]
    page = story.public.scan(code)
    assert page["status"] == "refused"
    assert page["status_reason"] == "包菜：缺少合格的检测 · 包菜: a passed test is missing"
    assert "未准入场" in story.read(code)
    assert [event["id"] for event in office.get("/events", params={"flag": "refused_goods"}).json()["items"]] == [
        received["id"]
    ]
