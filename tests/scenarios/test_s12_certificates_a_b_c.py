"""S12 合格证 A/B/C · 广西南宁（110 家农贸市场）

生产者开 A 证，市场开 B 证，经营户分装以后开 C 证，一级认一级的证：批发市场只认 A，农贸市场认 A 和 B，食堂认 C。
合格证就是销货凭证，不用再开票据。市民打热线、发短信查一个码，收到的是三百字以内的一段话；监管部门顺着查、倒着查都到头。

Producer, market and seller each issue their class of the certificate of conformity; each gate accepts its own classes,
and the certificate takes the place of the sale voucher. A query goes forward and backward; hotline and SMS get the
trace as a short text.
"""

import re
from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story, slugs

XIXIANGTANG, WUMING = "450107", "450110"
PROMISE = "这是生产者或经营者自己的承诺，不是官方检验结论。"


def accepts(actor: Actor, *classes: str) -> Actor:
    """Under the rule that only certificates of these classes let vegetables in: no voucher, no other paper."""
    rule = {"category": "vegetables", "requires": [["conformity_certificate"]], "classes": list(classes)}
    answer = actor.request("PUT", f"/sites/{actor.site['id']}/admission-rules", json=[rule])
    assert answer.status_code == 200, answer.text
    return actor


def sent(story: Story, sender: Actor, batch: dict[str, Any], value: str, to: Actor, hours: float) -> str:
    items = [story.item(batch, value)]
    outcome = sender.record("ship", event_time=ago(hours=hours), items=items, to_site_id=to.site["id"])
    return str(outcome["slip_code"])


def test_each_hop_issues_its_class_and_each_gate_accepts_its_classes(story: Story) -> None:
    wholesale = accepts(story.enrol("market", "南宁海吉星批发市场", "market", "wholesale", region=XIXIANGTANG), "A")
    market = accepts(story.enrol("market", "明秀农贸市场", "market", "market", region=XIXIANGTANG), "A", "B")
    # 食堂自己把门：它的密钥也能做入场查验。 The canteen keeps its own gate.
    canteen = accepts(story.enrol("market", "西乡塘中学食堂", "caterer", "canteen", region=XIXIANGTANG), "C")
    farm = story.enrol("producer", "武鸣双桥蔬菜合作社", "producer", "farm", region=WUMING)
    trader = story.enrol("vendor", "海吉星 12 号档", "wholesaler", "stall", parent=wholesale, region=XIXIANGTANG)
    stall = story.enrol("vendor", "明秀市场 3 号菜摊", "vendor", "stall", parent=market, region=XIXIANGTANG)
    office = story.key("regulator", region="4501")
    beans, boxed = story.product("豆角"), story.product("净菜豆角")

    def certified(owner: Actor, batch: dict[str, Any], grade: str, hours: float) -> None:
        story.certify(
            owner, batch, "conformity_certificate", hours=hours, class_=grade, number=f"桂{grade}-0301",
            issuer=owner.party["name"], covers={"value": "210.5", "unit": "公斤"},
        )  # fmt: skip

    # 没有合格证：批发市场不收。 Without a certificate the wholesale market does not take it.
    [lot] = farm.record(
        "produce", event_time=ago(hours=30), outputs=[story.output(beans, "210.5", lot_number="DJ-0301")]
    )["outputs"]
    slip = sent(story, farm, lot, "210.5", trader, 24)
    refused = wholesale.record("admit", slip_code=slip, event_time=ago(hours=23.5))
    assert [reason["missing"] for reason in refused["reasons"]] == [["conformity_certificate"]]
    # A 证：生产者承诺。 Class A, the grower's own promise.
    certified(farm, lot, "A", 23)
    assert wholesale.record("admit", slip_code=slip, event_time=ago(hours=22))["decision"] == "admitted"
    [at_trader] = trader.record("receive", slip_code=slip, event_time=ago(hours=21))["outputs"]
    # B 证：市场查验后开出，盖过 A 证往下走。 Class B, issued by the market when it has checked.
    certified(wholesale, at_trader, "B", 20)
    slip = sent(story, trader, at_trader, "90.5", stall, 12)
    assert market.record("admit", slip_code=slip, event_time=ago(hours=11))["decision"] == "admitted"
    [at_stall] = stall.record("receive", slip_code=slip, event_time=ago(hours=10))["outputs"]

    # 直接拿整批豆角去食堂：A、B 证食堂都不认，要经营户自己的 C 证。
    # The canteen accepts neither A nor B: it wants the seller's own word.
    direct = sent(story, stall, at_stall, "10.5", canteen, 9)
    refused = canteen.record("admit", slip_code=direct)
    assert slugs(refused["reasons"]) == ["paper-missing"]
    assert refused["reasons"][0]["detail"] == "豆角：缺少承诺达标合格证 · 豆角: conformity certificate is missing"
    # C 证：分装成净菜，按规定另开新证，随货进食堂。 Repacked, the goods need a certificate of the repacker: class C.
    [packed] = stall.record(
        "transform", process="repack", event_time=ago(hours=8), inputs=[story.item(at_stall, "40.5")],
        outputs=[story.output(boxed, "38.25", lot_number="JC-0301")],
    )["outputs"]  # fmt: skip
    slip = sent(story, stall, packed, "38.25", canteen, 6)
    old = canteen.record("admit", slip_code=slip, event_time=ago(hours=5.5))
    assert [reason["missing"] for reason in old["reasons"]] == [["conformity_certificate"]], "A and B were the beans'"
    certified(stall, packed, "C", 5)
    assert canteen.record("admit", slip_code=slip, event_time=ago(hours=4))["decision"] == "admitted"
    [served] = canteen.record("receive", slip_code=slip, event_time=ago(hours=3))["outputs"]

    # 合格证代替了销货凭证：一路下来，没有一张别的票据。 The certificate is the voucher: no other paper all the way.
    page = story.public.scan(served["code"])
    assert page["status"] == "ok"
    assert [(paper["type"], paper["class"], paper["issuer"]) for paper in page["documents"]] == [
        ("conformity_certificate", "A", "武鸣双桥蔬菜合作社"),
        ("conformity_certificate", "B", "南宁海吉星批发市场"),
        ("conformity_certificate", "C", "明秀市场 3 号菜摊"),
    ]
    read = story.read(served["code"])
    for grade in "ABC":
        assert f"{grade} 类" in read
    assert read.count(PROMISE) == 3, "a promise of its issuer, never shown as an official finding"
    assert "广西壮族自治区南宁市" in read

    # 倒查：食堂的净菜来自哪块地。顺查：这块地的豆角去了哪里。 Backward from the canteen, forward from the field.
    back = office.trace("back", code=served["code"])
    assert [node["party"]["name"] for node in back["nodes"]] == [
        "西乡塘中学食堂", "明秀市场 3 号菜摊", "明秀市场 3 号菜摊", "海吉星 12 号档", "武鸣双桥蔬菜合作社",
    ]  # fmt: skip
    assert [link["kind"] for link in back["links"]] == ["move", "transform", "move", "move"]
    assert (back["totals"]["gaps"], back["truncated"]) == (0, False)
    forward = office.trace("forward", code=lot["code"])
    assert {node["id"] for node in forward["nodes"]} == {node["id"] for node in back["nodes"]}
    held = {node["site"]["name"]: node["on_hand"]["grams"] for node in forward["nodes"] if node["on_hand"]["grams"]}
    assert held == {"海吉星 12 号档": 120_000, "明秀市场 3 号菜摊": 39_500, "西乡塘中学食堂": 38_250}
    assert forward["totals"]["grams"] is not None

    # 热线、短信：三百字以内，先说状态，再说经营者、来路；不透露数量和买主。 Hotline and SMS: at most 300 characters.
    for code in (served["code"], at_stall["code"], lot["lot_code"], stall.site["code"], slip):
        for language in ("zh", "en"):
            text = story.text(code, language)
            assert len(text) <= 300
            assert text.endswith(f"https://food.example.cn/c/{code}")
    text = story.text(served["code"])
    assert text.startswith("【一码】净菜豆角（批号JC-0301）：来源可查。")
    assert "经营者：西乡塘中学食堂" in text
    assert re.search(r"来路：.*武鸣双桥蔬菜合作社 → .*海吉星 12 号档 → .*明秀市场 3 号菜摊 → .*西乡塘中学食堂。", text)
    assert story.text(served["code"], "en").startswith("【OneCode】净菜豆角 (lot JC-0301): Origin on record.")
    for code in (served["code"], at_trader["code"], lot["lot_code"]):
        story.hides(code, ["210.5", "90.5", "38.25", "40.5"])
    story.hides(lot["lot_code"], ["西乡塘中学食堂", "明秀市场 3 号菜摊", "海吉星 12 号档"])


def test_a_short_text_says_the_worst_first(story: Story) -> None:
    """查出问题后，短信第一句就是“暂停销售”和原因。"""
    farm = story.enrol("producer", "武鸣双桥蔬菜合作社", "producer", "farm", region=WUMING)
    office = story.key("regulator", region="4501")
    [lot] = farm.record("produce", outputs=[story.output(story.product("豆角"), "210.5", lot_number="DJ-0302")])[
        "outputs"
    ]
    office.record("hold", custody_id=lot["custody_id"], scope="lot", reason="水胺硫磷超标 · isocarbophos above limit")
    text = story.text(lot["code"])
    assert text.startswith("【一码】豆角（批号DJ-0302）：暂停销售。水胺硫磷超标。请不要购买，也不要食用。")
    assert "isocarbophos above limit" in story.text(lot["code"], "en")
    assert len(text) <= 300
