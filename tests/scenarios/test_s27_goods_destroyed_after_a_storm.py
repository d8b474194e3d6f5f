"""S27 质量安全附加险 · 海曙（396 吨问题农产品未流入市场）

台风过后，合作社一个大棚进了水，棚里的小白菜不能上市；另一批已经上市的青菜快检不合格，复检仍不合格。保险理赔要三样东西：
是哪些货，有多少，怎么处置的，都要有凭证。合作社拍照上传、登记销毁，监管按产地和时间召回，摊位退回、销毁；最后账要平：
收的、卖的、退的、销毁的、剩下的，一克不差。

After a storm a greenhouse was under water and its greens must not be sold; another lot, at two stalls already, fails
its test and its retest. The insurer pays for what is destroyed with evidence. The lot is recalled, given back and
destroyed, and the books close to the gram.
"""

from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story, line, slugs, soon

HAISHU = "330203"


def balance(reader: Actor, code: str) -> dict[str, int]:
    """收、销、发、退、毁、存，克。 The books of a batch, in grams, without what is nothing."""
    found = reader.scan(code)["balance"]
    names = ("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained", "on_hand")
    assert found["received"] == sum(found[name] for name in names[1:]), "the books close"
    return {name: found[name] for name in names if found[name]}


def test_flooded_and_failed_goods_are_destroyed_with_evidence(story: Story) -> None:
    market = story.enrol("market", "海曙段塘菜市场", "market", "market", region=HAISHU)
    stalls = [
        story.enrol("vendor", f"段塘市场 {number} 号摊", "vendor", "stall", parent=market, region=HAISHU)
        for number in (1, 2)
    ]
    farm = story.enrol("producer", "鄞江蔬菜合作社", "producer", "farm", region=HAISHU)
    laboratory = story.enrol("lab", "海曙区食品检验中心", "laboratory", None, region="330200")
    office = story.key("regulator", region=HAISHU)
    greenhouse = story.site(farm, "3 号大棚", "farm", parent=farm, region=HAISHU)
    greens, leeks = story.product("小白菜"), story.product("韭菜")

    # 台风夜：3 号大棚的 500 公斤泡了水。拍照、登记销毁，凭证在案。 Under water: photographed, destroyed, on record.
    [flooded] = farm.record(
        "produce", site_id=greenhouse["id"], event_time=ago(hours=40),
        outputs=[story.output(greens, "500", lot_number="YJ-TF-1")],
    )["outputs"]  # fmt: skip
    photos = [story.document(farm, "other", number=f"大棚进水 {n}")["id"] for n in (1, 2)]
    gone = farm.record(
        "destroy", site_id=greenhouse["id"], items=[story.item(flooded, "500")], evidence=photos,
        reason="台风进水，就地翻耕 · flooded, ploughed in", event_time=ago(hours=30),
    )  # fmt: skip
    assert gone["flags"] == []
    assert balance(farm, flooded["code"]) == {"received": 500_000, "destroyed": 500_000}
    event = office.get(f"/events/{gone['id']}").json()
    assert event["body"]["evidence"] == photos, "the insurer's evidence"

    # 另一批韭菜上了市，一个摊留了 10 公斤做韭菜盒子。快检不合格：韭菜停售，盒子的页面当场提醒。
    # The leeks are at two stalls, and some became pies. They fail and stop; the page of the pies says so at once.
    [lot] = farm.record(
        "produce", event_time=ago(hours=26), outputs=[story.output(leeks, "100", lot_number="YJ-TF-2")]
    )["outputs"]
    at: list[dict[str, Any]] = []
    for stall, amount in zip(stalls, ("40", "30"), strict=True):
        slip = farm.record(
            "ship", event_time=ago(hours=24), items=[story.item(lot, amount)], to_site_id=stall.site["id"]
        )["slip_code"]
        at += stall.record("receive", event_time=ago(hours=22), slip_code=slip)["outputs"]
    [pies] = stalls[0].record(
        "transform", process="process", event_time=ago(hours=20), inputs=[story.item(at[0], "10")],
        outputs=[story.output(story.product("韭菜盒子", "cooked"), "12.5")],
    )["outputs"]  # fmt: skip
    scale = story.handheld(stalls[1], "2 号秤", "scale")
    receipt = scale.prints(line(at[1], "2.5"))
    scale.upload()
    failed = market.record(
        "test", custody_id=at[0]["custody_id"], stage="rapid", item="腐霉利", value="阳性", event_time=ago(hours=5)
    )
    for code in (lot["code"], at[0]["code"], at[1]["code"], receipt):
        assert soon(lambda code=code: story.public.scan(code)["status"] == "held"), code  # type: ignore[misc]
    assert "快检不合格：腐霉利 阳性" in story.public.scan(at[0]["code"])["status_reason"]
    assert soon(lambda: len(story.public.scan(pies["code"])["held_sources"]) == 1)
    assert story.colour(pies["code"]) == "amber"
    laboratory.record(
        "test", custody_id=at[0]["custody_id"], stage="laboratory", item="腐霉利", method="GB 23200.113-2018",
        value="1.2", unit="mg/kg", limit="0.2", event_time=ago(hours=2),
    )  # fmt: skip
    assert failed["decision"] == "fail"

    # 复检坐实：召回，韭菜盒子也在内。 Confirmed: recalled, and the pies with it.
    recall = office.made(
        "/recalls",
        {
            "ref": "腐霉利", "mode": "live", "grade": "II", "title": "鄞江韭菜 YJ-TF-2",
            "reason": "腐霉利超标 · procymidone above the limit", "hazard": "慢性毒性 · chronic toxicity",
            "scope": {"codes": [lot["lot_code"]]},
        },
    )  # fmt: skip
    assert soon(lambda: story.public.scan(pies["code"])["statuses"] == ["recalled"])
    assert story.public.scan(at[0]["code"])["statuses"] == ["recalled", "held"]

    # 1 号摊：30 公斤退回合作社，盒子销毁。2 号摊：27.5 公斤销毁。合作社：退回的和剩下的一起销毁。
    # One stall gives back and destroys its pies, the other destroys; the farm destroys what came back and its rest.
    here = f"/recalls/{recall['id']}/acknowledgements"

    def destroyed(owner: Actor, batch: dict[str, Any], amount: str) -> dict[str, Any]:
        photo = story.document(owner, "other", number=f"销毁 {batch['code']}")["id"]
        outcome = owner.record(
            "destroy", items=[story.item(batch, amount)], reason="召回销毁 · recall", evidence=[photo],
            event_time=ago(minutes=20),
        )  # fmt: skip
        assert slugs(outcome["flags"])[0] == "recalled_goods"
        said = {"custody_id": batch["custody_id"], "destroyed": {"value": amount, "unit": "公斤"}}
        answered: dict[str, Any] = owner.made(here, {"ref": batch["code"], "lines": [said], "evidence": [photo]})
        return answered

    back = stalls[0].record(
        "return", items=[story.item(at[0], "30")], reason="召回退货 · recall", to_site_id=farm.site["id"],
        event_time=ago(minutes=40),
    )["outputs"][0]  # fmt: skip
    destroyed(stalls[0], pies, "12.5")
    destroyed(stalls[1], at[1], "27.5")
    destroyed(farm, back, "30")
    destroyed(farm, lot, "30")

    # 账是平的。 The books close.
    assert balance(farm, lot["code"]) == {"received": 100_000, "shipped": 70_000, "destroyed": 30_000}
    assert balance(stalls[0], at[0]["code"]) == {"received": 40_000, "processed": 10_000, "returned": 30_000}
    assert balance(stalls[0], pies["code"]) == {"received": 12_500, "destroyed": 12_500}
    assert balance(stalls[1], at[1]["code"]) == {"received": 30_000, "sold": 2_500, "destroyed": 27_500}
    assert balance(farm, back["code"]) == {"received": 30_000, "destroyed": 30_000}

    # 召回的账：除了卖掉的 2.5 公斤，全部有下落。 Of the recall all is accounted for but 2.5 kg that were sold.
    def weight() -> dict[str, Any]:
        found: dict[str, Any] = office.get(f"/recalls/{recall['id']}").json()["progress"]["weight"]
        return found

    # 30 at the farm and 30 back there, 30 given back and 12.5 of pies, 30 at the second stall.
    assert soon(lambda: weight()["answers_for"] == 132_500, 10)
    assert (weight()["recovered"], weight()["percent"]) == (130_000, 98.1)
    assert soon(lambda: scale.get("/devices/me/stock").json()["items"] == [])
    close = {"outcome": "completed", "conclusion": "除 2.5 公斤已售外全部销毁 · all but 2.5 kg destroyed"}
    assert office.post(f"/recalls/{recall['id']}/close", close).status_code == 200
    assert "召回" in story.read(receipt), "who bought it is still warned"
