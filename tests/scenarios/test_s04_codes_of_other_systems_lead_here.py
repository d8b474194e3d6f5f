"""S04 浙农码 · 杭州钱塘，与浙食链、浙江粮仓互通

合作社、基地、粮库和一批稻米早就有别的系统发的码：浙农码、浙食链、浙江粮仓。扫到、输入其中任何一个，都查得到我们这里的同一个主体、
同一个地方、同一批货，不用另立一套。主体和货物像浙农码一样有颜色：绿色正常，蓝色待启用，黄色来源不全，红色有问题，颜色旁边写明原因。

A party, a site and a lot carry codes that other systems gave them; looking one of those up leads to ours. Every subject
shows a colour with its reason: green, blue for what has not been activated, amber for what is not fully known, red for
what is wrong.
"""

from typing import Any

from tests.support.cast import ago, quantity
from tests.support.story import Story

QIANTANG = "330114"


def coded(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"scheme": scheme, "value": value} for scheme, value in pairs]


def looked_up(story: Story, query: str) -> list[tuple[str, str, str]]:
    """(kind, title, our code) of everything that may be meant; each address opens."""
    answer = story.public.get("https://food.example.cn/lookup", params={"q": query})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["query"] == query
    for match in body["matches"]:
        assert match["url"] == f"https://food.example.cn/c/{match['code']}"
        assert story.public.get(match["url"]).status_code == 200
    return [(match["kind"], match["title"], match["code"]) for match in body["matches"]]


def test_codes_of_a_party_a_site_and_a_lot_lead_to_ours(story: Story) -> None:
    growers = story.enrol(
        "producer", "江东粮食合作社", "producer", None, region=QIANTANG,
        external_codes=coded(("浙农码", "ZNM330114000017"), ("浙食链", "ZSL-S-2026-0417")),
    )  # fmt: skip
    paddy = story.admin.made(
        "/sites",
        {
            "party_id": growers.party["id"],
            "name": "江东围垦稻田 3 号",
            "kind": "farm",
            "region": QIANTANG,
            "external_codes": coded(("浙农码", "ZNM330114000017-D03")),
        },
    )
    store = story.admin.made(
        "/sites",
        {
            "party_id": growers.party["id"],
            "name": "江东中心粮库",
            "kind": "warehouse",
            "region": QIANTANG,
            "external_codes": coded(("浙江粮仓", "LC-330114-02")),
        },
    )
    rice = story.product("晚稻米", "grain.rice")
    growers.site = paddy
    [lot] = growers.record(
        "produce",
        outputs=[
            story.output(
                rice, "2000", lot_number="WD-2026-01",
                external_codes=coded(("浙农码", "ZNM330114000017-P260301"), ("浙江粮仓", "LC-PC-0301")),
            )
        ],
    )["outputs"]  # fmt: skip

    party = ("party", "江东粮食合作社", growers.party["code"])
    assert looked_up(story, "ZNM330114000017") == [party]
    assert looked_up(story, "ZSL-S-2026-0417") == [party]
    assert looked_up(story, " ZNM330114000017-D03 ") == [("site", "江东围垦稻田 3 号", paddy["code"])]
    assert looked_up(story, "LC-330114-02") == [("site", "江东中心粮库", store["code"])]
    of_lot = ("lot", "晚稻米 WD-2026-01", lot["lot_code"])
    assert looked_up(story, "ZNM330114000017-P260301") == [of_lot]
    assert looked_up(story, "LC-PC-0301") == [of_lot]
    # 我们自己的码、整条网址也行；没有的码，查无结果，不报错。 Ours do as well; what nobody knows is no error.
    assert looked_up(story, lot["lot_code"]) == [of_lot]
    assert looked_up(story, f"https://food.example.cn/c/{paddy['code']}?lang=zh")[0][2] == paddy["code"]
    assert looked_up(story, "ZNM330114999999") == []

    # 主体换发了浙农码：新码有效，旧码不再指向它。 The other system reissues its code: the new one leads here.
    growers.patch(f"/parties/{growers.party['id']}", {"external_codes": coded(("浙农码", "ZNM330114000018"))})
    assert looked_up(story, "ZNM330114000018") == [party]
    assert looked_up(story, "ZNM330114000017") == []

    # 两个系统恰好发了同一个号：两个都列出来，由人来认。 Two systems happened to give one number: both are shown.
    story.enrol("vendor", "下沙粮油店", "vendor", None, region=QIANTANG, external_codes=coded(("浙食链", "LC-PC-0301")))
    assert {kind for kind, _, _ in looked_up(story, "LC-PC-0301")} == {"lot", "party"}


def test_a_subject_shows_its_colour_with_the_reason(story: Story) -> None:
    office = story.key("regulator", region=QIANTANG)
    form = {
        "name": "江东粮食合作社",
        "kind": "producer",
        "region": QIANTANG,
        "external_codes": coded(("浙农码", "ZNM330114000017")),
    }
    party = story.admin.made("/parties", form)

    def shown(code: str) -> tuple[str, str, Any]:
        """Colour, words and reason of what another system's code leads to."""
        [(_, _, ours)] = looked_up(story, code)
        page = story.public.scan(ours)
        words = {"ok": "登记在册", "pending": "尚未启用", "held": "暂停营业"}
        assert words[page["status"]] in story.read(ours)
        return story.colour(ours), page["status"], page["status_reason"]

    # 蓝：待启用。绿：正常。红：停业，写明原因。 Blue: not active yet. Green: in order. Red: locked, and why.
    assert shown("ZNM330114000017") == (
        "blue", "pending", "经营者尚未通过审核启用 · the operator has not been confirmed yet",
    )  # fmt: skip
    office.patch(f"/parties/{party['id']}", {"status": "active"})
    assert shown("ZNM330114000017") == ("green", "ok", None)
    office.patch(f"/parties/{party['id']}", {"status": "locked", "status_reason": "禁用农药 · banned pesticide"})
    assert shown("ZNM330114000017") == (
        "red",
        "held",
        "经营者已被停业或锁定：禁用农药 · the operator may not trade now: banned pesticide",
    )
    [(_, _, code)] = looked_up(story, "ZNM330114000017")
    assert "原因：经营者已被停业或锁定：禁用农药" in story.read(code)
    office.patch(f"/parties/{party['id']}", {"status": "active"})
    assert shown("ZNM330114000017") == ("green", "ok", None)


def test_goods_show_their_colour_with_the_reason(story: Story) -> None:
    office = story.key("regulator", region=QIANTANG)
    growers = story.enrol("producer", "江东粮食合作社", "producer", "farm", region=QIANTANG)
    rice = story.product("晚稻米", "grain.rice")
    external = coded(("浙农码", "ZNM-P-0301"))
    [lot] = growers.record(
        "produce", outputs=[story.output(rice, "2000", lot_number="WD-01", external_codes=external)]
    )["outputs"]

    [(_, _, code)] = looked_up(story, "ZNM-P-0301")
    assert code == lot["lot_code"]
    assert (story.colour(code), story.public.scan(code)["status_reason"]) == ("green", None)
    stop = office.record("hold", custody_id=lot["custody_id"], scope="lot", reason="镉含量复检 · cadmium retest")
    page = story.public.scan(code)
    assert (story.colour(code), page["status"], page["status_reason"]) == ("red", "held", "镉含量复检 · cadmium retest")
    assert "暂停销售" in story.read(code)
    assert "原因：镉含量复检" in story.read(code)
    assert "cadmium retest" in story.read(code, "en")
    office.record("release", hold_event_id=stop["id"], reason="复检合格 · passed")
    assert (story.colour(code), story.public.scan(code)["status_reason"]) == ("green", None)

    # 黄：外地运来的米，来源只有自己一面之词。 Amber: rice from outside, its source on the buyer's word alone.
    shop = story.enrol("vendor", "下沙粮油店", "vendor", "shop", region=QIANTANG)
    [bought] = shop.record(
        "receive", event_time=ago(hours=2), **{"from": {"name": "五常某米厂"}},
        items=[{"product_id": rice["id"], "quantity": quantity("100")}],
    )["outputs"]  # fmt: skip
    page = story.public.scan(bought["code"])
    assert (story.colour(bought["code"]), page["status"]) == ("amber", "incomplete")
    assert page["status_reason"] == "来路上有 1 处没有查明 · 1 place on the way not known"
    assert "据下沙粮油店自报，来自“五常某米厂”" in story.read(bought["code"])
