"""S11 批批检测、带据入市 · 辽宁盘锦（覆盖全市八成蔬菜）

蔬菜进市场之前，批批检测：产地检测站先测，合格的检测结果跟着溯源单走，就是它的入市凭据，不用再带别的纸。没测的、测了不合格的，门口拒收。
一早进场十批，八批凭检测放行，一批没测、一批不合格，进不来。

Every batch is tested before it enters, and the passed test is the paper that it enters with. Ten batches stand at the
gate one morning: eight enter on their test alone; one that was not tested and one that failed stay out.
"""

from tests.support.cast import ago
from tests.support.story import Story, line, ndjson, outcomes, slugs

PANJIN, DAWA = "211102", "211104"


def test_eight_of_ten_batches_enter_on_their_test_alone(story: Story) -> None:
    market = story.enrol("market", "盘锦双台子蔬菜市场", "market", "wholesale", region=PANJIN)
    trader = story.enrol("vendor", "双台子市场 5 号菜行", "wholesaler", "stall", parent=market, region=PANJIN)
    farm = story.enrol("producer", "大洼新立镇蔬菜基地", "producer", "farm", region=DAWA)
    station = story.enrol("lab", "大洼区农产品检测站", "laboratory", None, region=DAWA)
    rule = {"category": "vegetables", "test": "always"}
    assert market.request("PUT", f"/sites/{market.site['id']}/admission-rules", json=[rule]).status_code == 200

    names = ("番茄", "黄瓜", "茄子", "豆角", "尖椒", "菠菜", "油菜", "韭菜", "芹菜", "生菜")
    lots = farm.record(
        "produce", event_time=ago(hours=12),
        outputs=[story.output(story.product(n), "100.5", lot_number=f"XL-{i:02}") for i, n in enumerate(names, 1)],
    )["outputs"]  # fmt: skip
    assert len(lots) == 10

    # 检测站整批上传：九批取了样，韭菜不合格，生菜没来得及测。
    # The station uploads nine results at once: the leeks failed, the lettuce has not been tested.
    tests = [
        station.event(
            "test", custody_id=lot["custody_id"], stage="rapid", item="农药残留抑制率", method="GB/T 5009.199-2003",
            value="71.5" if name == "韭菜" else str(5 + i), unit="%", sample_number=f"DW-{i:03}",
            event_time=ago(hours=10),
        )
        for i, (name, lot) in enumerate(zip(names[:9], lots, strict=False), 1)
    ]  # fmt: skip
    results, summary = outcomes(station.request("POST", "/events", **ndjson(tests)).text)
    assert summary == {"recorded": 9, "duplicate": 0, "conflict": 0, "rejected": 0}
    assert [result["decision"] for result in results].count("pass") == 8

    # 一批一单，到门口扫单。韭菜已停售，开不出单；照样拉来的，凭批次码也进不去。
    # A slip each, scanned at the gate. The leeks are on hold and get none; brought all the same, they stay out.
    decided = {}
    for name, lot in zip(names, lots, strict=True):
        shipment = farm.event(
            "ship", event_time=ago(hours=8), items=[story.item(lot, "100.5")], to_site_id=trader.site["id"]
        )
        answer = farm.post("/events", shipment)
        if name == "韭菜":
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/goods-on-hold")
            continue
        slip = answer.json()["slip_code"]
        decided[name] = market.record("admit", slip_code=slip, event_time=ago(hours=6)) | {"slip": slip}
    let_in = [name for name, outcome in decided.items() if outcome["decision"] == "admitted"]
    assert let_in == [*names[:7], "芹菜"]
    assert decided["生菜"]["decision"] == "refused"
    assert decided["生菜"]["reasons"] == [
        {
            "slug": "test-missing",
            "detail": "生菜：缺少合格的检测 · 生菜: a passed test is missing",
            "missing": ["test"],
        }
    ]

    # 市场自己的检测室补测生菜：货先收到菜行，测完再验。 The market's own laboratory tests the lettuce once it is there.
    [lettuce] = trader.record("receive", slip_code=decided["生菜"]["slip"], event_time=ago(hours=5))["outputs"]
    assert story.public.scan(lettuce["code"])["status"] == "refused"
    market.record(
        "test", custody_id=lettuce["custody_id"], stage="rapid", item="农药残留抑制率", method="GB/T 5009.199-2003",
        value="8.1", unit="%", event_time=ago(hours=4),
    )  # fmt: skip
    assert (
        market.record("admit", custody_ids=[lettuce["custody_id"]], event_time=ago(hours=3))["decision"] == "admitted"
    )
    assert story.public.scan(lettuce["code"])["status"] == "ok"

    # 凭据就是检测：页面上没有一张纸，只有一条合格的检测。 The test is the paper: there is no other on the page.
    [tomato] = trader.record("receive", slip_code=decided["番茄"]["slip"], event_time=ago(hours=5))["outputs"]
    page = story.public.scan(tomato["code"])
    assert (page["status"], page["documents"]) == ("ok", [])
    [test] = page["tests"]
    assert (test["item"], test["value"], test["verdict"]) == ("农药残留抑制率", "6", "pass")
    assert (test["party"]["name"], test["lot_number"]) == ("大洼区农产品检测站", "XL-01")
    read = story.read(tomato["code"])
    assert "入场查验：准入" in read
    assert "大洼区农产品检测站 检测" in read
    assert "辽宁省盘锦市" in read
    story.hides(tomato["code"], ["DW-001", "100.5"])
    # 小票上也看得到这条检测。 And so does the receipt.
    scale = story.handheld(trader, "5号菜行秤", "scale")
    receipt = scale.prints(line(tomato, "2.5"))
    scale.upload()
    assert [(t["verdict"], t["product"]["name"]) for t in story.public.scan(receipt)["tests"]] == [("pass", "番茄")]

    # 韭菜：绕开单子拉来卖，记录、标红、监管可见。 Brought in past the slip: red, and on the regulator's list.
    leeks = lots[names.index("韭菜")]
    gone = farm.record("ship", items=[story.item(leeks, "50.5")], to_site_id=trader.site["id"], slip=False)
    assert slugs(gone["flags"]) == ["held_goods", "no_slip"]
    office = story.key("regulator", region="2111")
    assert [event["kind"] for event in office.get("/events", params={"flag": "failed_test"}).json()["items"]] == [
        "test"
    ]
    assert [event["id"] for event in office.get("/events", params={"flag": "held_goods"}).json()["items"]] == [
        gone["id"]
    ]
    assert story.public.scan(leeks["code"])["status"] == "held"


def test_where_the_market_has_no_rule_of_its_own_a_passed_test_stands_for_the_paper(story: Story) -> None:
    """国家规定：没有承诺达标合格证等凭证的，检测合格方可进场。"""
    market = story.enrol("market", "盘锦辽河农贸市场", "market", "market", region=PANJIN)
    stall = story.enrol("vendor", "辽河市场 2 号摊", "vendor", "stall", parent=market, region=PANJIN)
    farm = story.enrol("producer", "大洼新立镇蔬菜基地", "producer", "farm", region=DAWA)
    [lot] = farm.record("produce", outputs=[story.output(story.product("油菜"), "40.5")])["outputs"]
    slip = farm.record("ship", items=[story.item(lot, "40.5")], to_site_id=stall.site["id"])["slip_code"]
    refused = market.record("admit", slip_code=slip)
    assert [reason["missing"] for reason in refused["reasons"]] == [
        ["conformity_certificate", "origin_proof", "purchase_slip"]
    ]
    [batch] = stall.record("receive", slip_code=slip)["outputs"]
    market.record(
        "test", custody_id=batch["custody_id"], stage="rapid", item="农药残留", value="未检出", method="胶体金法"
    )
    assert market.record("admit", custody_ids=[batch["custody_id"]])["decision"] == "admitted"
