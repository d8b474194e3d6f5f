"""S19 快检网络 · 海曙、钱塘“1+2+15”、深圳（17,174 批次，233 批不合格，销毁 1,258 公斤）

市场检测室的快检仪一批一批测，测完自己上传，不用人抄。一批不合格，这一批在所有摊位同时停售，摊主和监管马上知道；四小时内可以提出复检，复检送
实验室。复检合格的恢复销售；复检仍不合格的，销毁并留下凭证，账要平。

The instruments of a market's laboratory test batch after batch and upload by themselves. A fail stops the batch at
every stall at once and gives alarm; for four hours it may be contested, and the retest is a laboratory's. What passes
goes on sale again; what fails again is destroyed with evidence, and the books balance.
"""

from datetime import datetime, timedelta
from typing import Any

from tests.support.cast import Actor, Scale, ago
from tests.support.story import Story, line, ndjson, outcomes, slugs, soon

HAISHU = "330203"


def on_scale(scale: Scale) -> dict[str, list[str]]:
    """What a scale may sell, and what not and why: custody → reasons."""
    stock = scale.get("/devices/me/stock").json()
    offered: dict[str, list[str]] = {item["custody_id"]: [] for item in stock["items"]}
    return offered | {batch["custody_id"]: slugs(batch["reasons"]) for batch in stock["left_out"]}


def alerts(reader: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader.get("/alerts", params={"slug": "failed_test"}).json()["items"]
    return found


def test_a_morning_of_forty_tests(story: Story) -> None:
    market = story.enrol("market", "海曙段塘菜市场", "market", "market", region=HAISHU)
    stalls = [
        story.enrol("vendor", f"段塘市场 {number} 号摊", "vendor", "stall", parent=market, region=HAISHU)
        for number in (1, 2)
    ]
    farm = story.enrol("producer", "鄞江蔬菜合作社", "producer", "farm", region=HAISHU)
    laboratory = story.enrol("lab", "海曙区食品检验中心", "laboratory", None, region="330200")
    office = story.key("regulator", region=HAISHU)
    instrument = story.handheld(market, "1 号快检仪", "instrument")
    scales = [story.handheld(stall, f"{number}号秤", "scale") for number, stall in enumerate(stalls, 1)]

    # 合作社的四样菜到两个摊，每样分给两家。 Four vegetables come to two stalls, half of each lot to either.
    names = ("菠菜", "豇豆", "韭菜", "芹菜")
    lots = farm.record(
        "produce", event_time=ago(hours=14),
        outputs=[story.output(story.product(name), "20", lot_number=f"YJ-{i}") for i, name in enumerate(names, 1)],
    )["outputs"]  # fmt: skip
    at: list[dict[str, dict[str, Any]]] = []
    for stall in stalls:
        shipment = [story.item(lot, "10") for lot in lots]
        slip = farm.record("ship", event_time=ago(hours=12), items=shipment, to_site_id=stall.site["id"])["slip_code"]
        received = stall.record("receive", event_time=ago(hours=10), slip_code=slip)["outputs"]
        at.append(dict(zip(names, received, strict=True)))

    # 快检仪测了一上午：四样菜、两个摊、五个项目，四十条，一次上传。豇豆和韭菜在 1 号摊各有一项不合格。
    # A morning's work: four vegetables at two stalls for five residues, forty results in one body; two of them fail.
    items = ("毒死蜱", "克百威", "氧乐果", "三唑磷", "灭蝇胺")
    tests = [
        instrument.event(
            "test", ref=f"DT-{number:03}", custody_id=batch["custody_id"], stage="rapid", item=item,
            method="胶体金法", value="阳性" if (number, name, item) in FAILS else "阴性",
            sample_number=f"DT-{number:03}", event_time=ago(hours=3),
        )
        for number, (name, batch, item) in enumerate(
            ((name, batch, item) for stall in at for name, batch in stall.items() for item in items), 1
        )
    ]  # fmt: skip
    results, summary = outcomes(instrument.request("POST", "/events", **ndjson(tests)).text)
    assert summary == {"recorded": 40, "duplicate": 0, "conflict": 0, "rejected": 0}
    failed = {result["ref"]: result for result in results if result["decision"] == "fail"}
    assert list(failed) == ["DT-008", "DT-012"]
    # 网络断了，仪器整个重发：一条也不会多。 The network broke, and it sends everything again: nothing is doubled.
    _, again = outcomes(instrument.request("POST", "/events", **ndjson(tests)).text)
    assert again == {"recorded": 0, "duplicate": 40, "conflict": 0, "rejected": 0}

    # 两批在两个摊、合作社同时停售，秤上立刻撤下，并说明原因。 Both lots stop at both stalls and at the farm; the scales
    # take them off and say why.
    for here in at:
        assert [story.public.scan(here[name]["code"])["status"] for name in names] == ["ok", "held", "held", "ok"]
    assert [story.public.scan(lot["code"])["status"] for lot in lots] == ["ok", "held", "held", "ok"]
    for scale, here in zip(scales, at, strict=True):
        wanted = {here[name]["custody_id"]: ["held_goods"] if name in ("豇豆", "韭菜") else [] for name in names}
        assert soon(lambda scale=scale, wanted=wanted: on_scale(scale) == wanted)  # type: ignore[misc]
    problem = farm.refused("ship", 409, items=[story.item(lots[1], "1")], to_site_id=stalls[1].site["id"])
    assert problem["type"] == "/problems/goods-on-hold"

    # 监管、市场和摊主都收到报警；别的摊的事不告诉 2 号摊。 The office, the market and the stall are told, each once.
    assert [alert["event_id"] for alert in alerts(office)] == [failed["DT-012"]["id"], failed["DT-008"]["id"]]
    assert len(alerts(market)) == len(alerts(stalls[0])) == 2
    assert alerts(stalls[1]) == []

    # 页面写明：初筛不合格，几点之前可以提出复检，不得再用快检。 The page says until when it may be contested, and how.
    [test] = [test for test in story.public.scan(at[0]["豇豆"]["code"])["tests"] if test["verdict"] == "fail"]
    assert (test["party"]["name"], test["presumptive"], test["retest"]) == ("海曙段塘菜市场", True, None)
    known_since = datetime.fromisoformat(failed["DT-008"]["record_time"])
    assert datetime.fromisoformat(test["contest_until"]) - known_since == timedelta(hours=4)
    page = story.read(at[0]["豇豆"]["code"])
    assert "初筛不合格" in page
    assert "前可提出复检，复检不得采用快检" in page
    assert "原因：快检不合格：氧乐果 阳性" in story.read(at[1]["豇豆"]["code"])

    # 摊主自己不能解除；四小时过了也不会自己解除。 The stall cannot lift it, and time does not.
    assert stalls[0].refused("release", 403, hold_event_id=failed["DT-008"]["id"], reason="我看没事")

    # 豇豆：摊主在四小时内提出复检，市场记在报警上；实验室合格，市场恢复销售，报警结案。
    # The beans: the stall contests within four hours, the market notes it on the alert; passed by the laboratory,
    # released by the market, the alert is closed.
    raised = {alert["event_id"]: alert["id"] for alert in alerts(market)}
    contested = {
        "state": "in_progress",
        "note": "1 号摊对豇豆提出复检，送区检验中心 · contested, sent to the laboratory",
    }
    taken = market.patch(f"/alerts/{raised[failed['DT-008']['id']]}", contested)
    assert taken.status_code == 200, taken.text
    assert datetime.fromisoformat(taken.json()["history"][-1]["time"]) < datetime.fromisoformat(test["contest_until"])
    laboratory.record(
        "test", custody_id=at[0]["豇豆"]["custody_id"], stage="laboratory", item="氧乐果", method="GB 23200.121-2021",
        value="0.01", unit="mg/kg", limit="0.02", event_time=ago(minutes=40),
    )  # fmt: skip
    market.record(
        "release", hold_event_id=failed["DT-008"]["id"], reason="实验室复检合格 · passed in the laboratory",
        event_time=ago(minutes=30),
    )  # fmt: skip
    closed = market.patch(
        f"/alerts/{raised[failed['DT-008']['id']]}", {"state": "resolved", "note": "复检合格，已恢复"}
    )
    assert closed.status_code == 200, closed.text
    assert closed.json()["state"] == "resolved"
    for here in at:
        assert story.public.scan(here["豇豆"]["code"])["status"] == "ok"
    assert "实验室复检：合格" in story.read(at[0]["豇豆"]["code"])
    assert soon(lambda: on_scale(scales[1])[at[1]["豇豆"]["custody_id"]] == [])

    # 韭菜：复检仍不合格。已经卖掉的两斤，小票上看得到；剩下的销毁，附照片。
    # The leeks fail again. What was sold of them is on record, and shows on the receipt; the rest is destroyed.
    receipt = scales[1].prints(line(at[1]["韭菜"], "2", "斤"))
    [sold] = scales[1].upload()
    assert slugs(sold["flags"]) == ["held_goods"]
    assert story.public.scan(receipt)["status"] == "held"
    laboratory.record(
        "test", custody_id=at[0]["韭菜"]["custody_id"], stage="laboratory", item="克百威", method="GB 23200.121-2021",
        value="0.35", unit="mg/kg", limit="0.02", event_time=ago(minutes=20),
    )  # fmt: skip
    for stall, here, left in ((stalls[0], at[0], "10"), (stalls[1], at[1], "9")):
        photo = story.document(stall, "other", number=f"销毁照片-{stall.party['name']}")
        gone = stall.record(
            "destroy", items=[story.item(here["韭菜"], left)], reason="克百威超标，就地销毁 · over the limit",
            evidence=[photo["id"]], event_time=ago(minutes=10),
        )  # fmt: skip
        assert slugs(gone["flags"]) == ["held_goods"]
    # 账是平的：二十公斤，卖掉一公斤，销毁十九公斤，一点不剩。 The books close: 20 kg, one sold, nineteen destroyed.
    chain = office.trace("forward", code=lots[2]["code"])
    leeks = [node for node in chain["nodes"] if node["site"]["kind"] == "stall"]
    assert sum(node["in"]["grams"] for node in leeks) == 20_000
    assert [node["on_hand"]["grams"] for node in leeks] == [0, 0]
    assert sum(link["quantity"]["grams"] for link in chain["links"]) == 20_000
    [first, second] = (stall.scan(here["韭菜"]["code"])["balance"] for stall, here in zip(stalls, at, strict=True))
    assert (first["destroyed"], second["destroyed"], second["sold"]) == (10_000, 9_000, 1_000)
    assert soon(lambda: at[1]["韭菜"]["custody_id"] not in on_scale(scales[1]))

    # 一上午的数字：四十批次，三十八合格，两批不合格。 The morning in figures.
    found = market.get("/events", params={"kind": "test", "limit": 500}).json()["items"]
    verdicts = [event["outcome"]["decision"] for event in found if event["body"]["stage"] == "rapid"]
    assert (len(verdicts), verdicts.count("pass"), verdicts.count("fail")) == (40, 38, 2)


# (number of the sample, vegetable, residue)
FAILS = {(8, "豇豆", "氧乐果"), (12, "韭菜", "克百威")}


def test_an_instrument_that_was_carried_off_tests_no_more(story: Story) -> None:
    """快检仪丢了：市场锁定它，一秒内它的结果就不再算数。"""
    market = story.enrol("market", "海曙段塘菜市场", "market", "market", region=HAISHU)
    stall = story.enrol("vendor", "段塘市场 1 号摊", "vendor", "stall", parent=market, region=HAISHU)
    farm = story.enrol("producer", "鄞江蔬菜合作社", "producer", "farm", region=HAISHU)
    instrument = story.handheld(market, "1 号快检仪", "instrument")
    [lot] = farm.record("produce", outputs=[story.output(story.product("菠菜"), "20")])["outputs"]
    slip = farm.record("ship", items=[story.item(lot, "20")], to_site_id=stall.site["id"])["slip_code"]
    [batch] = stall.record("receive", slip_code=slip)["outputs"]
    test = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "毒死蜱", "value": "阴性"}
    instrument.record("test", **test)
    assert market.patch(f"/devices/{instrument.device['id']}", {"status": "locked"}).status_code == 200
    assert soon(lambda: instrument.post("/events", instrument.event("test", **test)).status_code == 403)
    assert soon(lambda: [alert["slug"] for alert in market.get("/alerts").json()["items"]] == ["refused_device"])
