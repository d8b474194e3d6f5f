"""S22 农药兽药码、产地环境 · 杭州上城

菜地用了什么药、猪打了什么针，采收时连同药的编码、用药日期和安全间隔期（休药期）一起记下；基地的土壤和灌溉水检测报告挂在基地的码上。日子没到，
批次照样记录，但秤上不给卖；硬卖了，小票照出，监管、市场和摊主马上收到报警，一查就查到哪块地、哪种药、几号打的。

What was sprayed on a field and injected into a pig is recorded with the harvest: the code of the agent, the day it was
used, the day its withdrawal period ends; the reports on soil and water hang on the farm's own code. Before that day no
scale is given the goods to sell; sold all the same, the sale is recorded, flagged and alarmed, and leads back to the
field, the agent and the day.
"""

from tests.support.cast import ago
from tests.support.story import Story, day, line, slugs, soon

SHANGCHENG, TONGLU = "330102", "330122"


def test_leeks_that_were_sprayed_five_days_ago(story: Story) -> None:
    market = story.enrol("market", "上城近江农贸市场", "market", "market", region=SHANGCHENG)
    stall = story.enrol("vendor", "近江市场 6 号摊", "vendor", "stall", parent=market, region=SHANGCHENG)
    farm = story.enrol("producer", "分水镇蔬菜基地", "producer", "farm", region=TONGLU)
    office = story.key("regulator", region=SHANGCHENG)
    scale = story.handheld(stall, "6号秤", "scale")

    # 产地环境：土壤和灌溉水的报告挂在基地的码上，谁扫都看得到。 Soil and water: reports on the farm's own code.
    for number, issuer in (("TR-2026-018", "杭州市土壤检测站"), ("GGS-2026-007", "杭州市水质监测站")):
        report = story.document(farm, "test_report", number=number, issuer=issuer, issued_on=day(-90))
        farm.record("certify", site_id=farm.site["id"], document_id=report["id"])
    page = story.public.scan(farm.site["code"])
    assert {paper["number"] for paper in page["documents"]} == {"TR-2026-018", "GGS-2026-007"}

    # 三样菜：韭菜五天前打的药，还要两天；黄瓜采收那天刚到日子；青菜没用药。
    # Leeks with two days to go, cucumbers picked on their very day, greens that nothing was used on.
    def used(code: str, name: str, days_ago: int, until: int) -> dict[str, str]:
        return {
            "kind": "pesticide", "code": code, "name": name, "used_on": day(-days_ago), "withdrawal_until": day(until)
        }  # fmt: skip

    lots = {}
    for product, agents in (
        ("韭菜", [used("PD20096850", "高效氯氰菊酯乳油", 5, 2), used("PD20101234", "苦参碱水剂", 9, -2)]),
        ("黄瓜", [used("PD20083117", "吡虫啉可湿性粉剂", 8, -1)]),
        ("小青菜", []),
    ):
        outcome = farm.record(
            "produce", event_time=ago(hours=20), inputs_used=agents,
            outputs=[story.output(story.product(product), "30", lot_number=f"FS-{product}")],
        )  # fmt: skip
        lots[product] = outcome["outputs"][0]
        assert slugs(outcome["flags"]) == (["withdrawal_period"] if product == "韭菜" else [])
        if product == "韭菜":
            harvest = outcome
            assert "高效氯氰菊酯乳油" in outcome["flags"][0]["detail"]

    # 货到摊上。秤上只给黄瓜和青菜；韭菜列在不可售里，写明哪天起可售。
    # At the stall: the scale gets cucumbers and greens; of the leeks it is told from which day on.
    slip = farm.record(
        "ship", event_time=ago(hours=18), items=[story.item(lot, "20") for lot in lots.values()],
        to_site_id=stall.site["id"],
    )["slip_code"]  # fmt: skip
    received = stall.record("receive", event_time=ago(hours=16), slip_code=slip)["outputs"]
    here = dict(zip(lots, received, strict=True))
    assert soon(lambda: len(scale.get("/devices/me/stock").json()["items"]) == 2)
    stock = scale.get("/devices/me/stock").json()
    assert {item["product"] for item in stock["items"]} == {"黄瓜", "小青菜"}
    [leeks] = stock["left_out"]
    assert (leeks["product"], slugs(leeks["reasons"])) == ("韭菜", ["withdrawal_period"])
    assert f"{day(2)} 起可售" in leeks["reasons"][0]["detail"]

    # 断网时照样卖了韭菜和黄瓜：都记下，只有韭菜标记、报警。
    # Sold offline all the same: both are recorded, one is flagged.
    bad, good = scale.prints(line(here["韭菜"], "1.2", "斤")), scale.prints(line(here["黄瓜"], "2", "斤"))
    first, second = scale.upload()
    assert (slugs(first["flags"]), slugs(second["flags"])) == (["withdrawal_period"], [])
    for reader in (office, market, stall):
        [alert] = reader.get("/alerts", params={"slug": "withdrawal_period"}).json()["items"]
        assert (alert["severity"], alert["custody_id"]) == ("grave", here["韭菜"]["custody_id"])
        assert alert["device_id"] == scale.device["id"]
    # 手工开票卖的也一样。 So is what is sold by hand.
    by_hand = stall.record("sell", lines=[line(here["韭菜"], "1", "斤")])
    assert slugs(by_hand["flags"]) == ["withdrawal_period"]

    # 从小票倒查：哪块地、什么药、哪天用的、到哪天为止。 From the receipt back to the field, the agent and the day.
    chain = office.trace("back", code=bad)
    assert [node["site"]["name"] for node in chain["nodes"]] == ["近江市场 6 号摊", "分水镇蔬菜基地"]
    agents = story.key("regulator", region=TONGLU).get(f"/events/{harvest['id']}").json()["body"]["inputs_used"]
    assert [(agent["code"], agent["used_on"], agent["withdrawal_until"]) for agent in agents] == [
        ("PD20096850", day(-5), day(2)), ("PD20101234", day(-9), day(-2)),
    ]  # fmt: skip
    assert story.public.scan(good)["status"] == "ok"

    # 监管先停售；到了日子，解除，秤上就有了。 The office holds them meanwhile.
    held = office.record("hold", custody_id=here["韭菜"]["custody_id"], scope="custody", reason="安全间隔期未满")
    assert soon(lambda: slugs(scale.get("/devices/me/stock").json()["left_out"][0]["reasons"])[0] == "held_goods")
    assert story.public.scan(here["韭菜"]["code"])["status"] == "held"
    assert held["status"] == "recorded"


def test_a_pig_that_was_treated_is_slaughtered_too_early(story: Story) -> None:
    """兽药码和休药期：出栏早了，屠宰和销售都标记。"""
    breeder = story.enrol("producer", "横村镇生猪养殖场", "producer", "farm", region=TONGLU)
    plant = story.enrol("producer", "上城定点屠宰厂", "slaughterhouse", "plant", region=SHANGCHENG)
    pigs = story.product("活猪", "livestock", "count", grams_per_piece=110_000)
    pork = story.product("白条肉", "pork")
    drug = {
        "kind": "veterinary", "code": "兽药字110017654", "name": "氟苯尼考注射液", "used_on": day(-6),
        "withdrawal_until": day(8),
    }  # fmt: skip
    feed = {"kind": "feed", "code": "浙饲证(2024)01023", "name": "育肥猪配合饲料", "used_on": day(-1)}
    made = breeder.record(
        "produce", event_time=ago(hours=30), inputs_used=[drug, feed],
        outputs=[story.output(pigs, "4", "头", lot_number="EB-330122-0301")],
    )  # fmt: skip
    assert slugs(made["flags"]) == ["withdrawal_period"]
    slip = breeder.record("ship", event_time=ago(hours=28), items=[story.item(made["outputs"][0], "4", "头")])
    [arrived] = plant.record("receive", event_time=ago(hours=24), slip_code=slip["slip_code"])["outputs"]
    slaughtered = plant.record(
        "transform", process="slaughter", event_time=ago(hours=20), inputs=[story.item(arrived, "4", "头")],
        outputs=[story.output(pork, "300", lot_number="BT-0301")],
    )  # fmt: skip
    assert slugs(slaughtered["flags"]) == ["withdrawal_period"]
    assert "氟苯尼考" not in story.read(slaughtered["outputs"][0]["code"])  # a matter for the office, not for the label
    office = story.key("regulator", region=SHANGCHENG)
    found = office.get("/events", params={"flag": "withdrawal_period"}).json()["items"]
    assert [event["kind"] for event in found] == ["transform", "receive"]
