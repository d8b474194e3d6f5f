"""S09 溯源单 · 江苏南通豆制品（经营户 628 家，每天 600 张溯源单）

豆制品厂凌晨出货，一车豆腐配一张溯源单，单随货走：送到第一家、第二家、第三家，各自扫同一张单，收下自己那一份，单上就少一份。收多了
有记录、有标记；收完了，单就用尽。顾客扫摊上的码，看到谁做的、谁卖的；单上发给了谁、多少，公众看不到。
每个摊的看板亮出当天的单：谁家的货、单号尾号、在路上还是到了。一天六百张单，一张不少，一斤不差。

The accompanying slip travels with the goods and is split among receivers: each scans the same slip and takes its part.
What is taken beyond the rest is flagged, what is used up is used up. The code on the stall leads to maker and seller;
the public never learns from the slip who got how much. Each stall's board shows the slips of today. Six hundred slips
a day balance to the gram.
"""

import json
from typing import Any

from tests.scanning.hall import today
from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, line, ndjson, outcomes, slugs, soon, tells

CHONGCHUAN, RUGAO = "320613", "320682"
SELLERS, SLIPS = 628, 600


def maker_of(story: Story) -> Actor:
    maker = story.enrol(
        "producer", "崇川豆制品厂", "processor", "plant", region=CHONGCHUAN,
        licences=[{"scheme": "SC", "number": "SC10633019702613"}],
    )  # fmt: skip
    paper = story.document(maker, "production_licence", number="SC10633019702613")
    maker.record("certify", site_id=maker.site["id"], document_id=paper["id"])
    return maker


def take(receiver: Actor, slip: str, batch: dict[str, Any], value: str, hours: float) -> dict[str, Any]:
    """The receiver takes its part off the slip, as the page offers it."""
    [offer] = [action for action in receiver.scan(slip)["actions"] if action["kind"] == "receive"]
    part = {"custody_id": batch["custody_id"], "quantity": quantity(value)}
    assert (offer["body"]["site_id"], offer["body"]["slip_code"]) == (receiver.site["id"], slip)
    return receiver.record("receive", slip_code=slip, items=[part], event_time=ago(hours=hours))


def test_one_slip_travels_with_the_goods_and_is_split_among_its_receivers(story: Story) -> None:
    maker = maker_of(story)
    market = story.enrol("market", "易家桥菜市场", "market", "market", region=CHONGCHUAN)
    first = story.enrol("vendor", "易家桥豆制品摊", "vendor", "stall", parent=market, region=CHONGCHUAN)
    second = story.enrol("vendor", "南大街豆制品店", "vendor", "shop", region=CHONGCHUAN)
    canteen = story.enrol("vendor", "如皋中学食堂", "caterer", "canteen", region=RUGAO)
    tofu, sheets = story.product("盐卤豆腐", "tofu", shelf_life_days=3), story.product("百叶", "tofu")
    made = maker.record(
        "produce", event_time=ago(hours=9),
        outputs=[
            story.output(tofu, "120.25", lot_number="DF-0301"),
            story.output(sheets, "40.75", lot_number="BY-0301"),
        ],
    )["outputs"]  # fmt: skip

    # 一车货一张单，不写收货人。 One slip for the load, to nobody in particular.
    loaded = [story.item(made[0], "100.25"), story.item(made[1], "40.75")]
    slip = maker.record("ship", event_time=ago(hours=8), items=loaded)["slip_code"]
    page = story.public.scan(slip)
    assert (page["kind"], page["status"], page["party"]["name"]) == ("slip", "ok", "崇川豆制品厂")
    assert [(row["product"]["name"], row["quantity"]) for row in page["lines"]] == [("盐卤豆腐", None), ("百叶", None)]
    assert [row["quantity"]["grams"] for row in maker.scan(slip)["lines"]] == [100_250, 40_750]

    # 三家各收一份。 Three receivers take their parts.
    [tofu_1] = take(first, slip, made[0], "35.5", 6)["outputs"]
    [tofu_2] = take(second, slip, made[0], "24.5", 5)["outputs"]
    both = canteen.record(
        "receive", slip_code=slip, event_time=ago(hours=4),
        items=[
            {"custody_id": made[0]["custody_id"], "quantity": quantity("30.25")},
            {"custody_id": made[1]["custody_id"], "quantity": quantity("40.75")},
        ],
    )  # fmt: skip
    assert both["flags"] == []
    assert {output["lot_number"]: output["quantity"]["grams"] for output in both["outputs"]} == {
        "DF-0301": 30_250,
        "BY-0301": 40_750,
    }
    # 单上只剩 10 公斤豆腐，第一家又要了 12：记下来，标出来。 Ten are left, twelve are taken: flagged.
    extra = take(first, slip, made[0], "12", 3)
    assert slugs(extra["flags"]) == ["more_than_slip"]
    assert "盐卤豆腐 收货多于单上剩余" in extra["flags"][0]["detail"]
    assert [event["id"] for event in market.get("/events", params={"flag": "more_than_slip"}).json()["items"]] == [
        extra["id"]
    ]
    # 单已用尽。 Nothing is left on the slip.
    assert second.refused("receive", 409, slip_code=slip)["type"] == "/problems/slip-used-up"
    # 单上没有的货，收不了。 What is not on the slip cannot be taken off it.
    [other] = maker.record("produce", outputs=[story.output(tofu, "5")])["outputs"]
    part = {"custody_id": other["custody_id"], "quantity": quantity("1")}
    assert second.refused("receive", 422, slip_code=slip, items=[part])["type"] == "/problems/not-on-slip"

    # 厂里看：发出多少，分给了谁。 The maker sees what went out and to whom; the balance closes.
    forward = maker.trace("forward", custody=made[0]["custody_id"])
    assert {(node["party"]["name"], node["in"]["grams"]) for node in forward["nodes"][1:]} == {
        ("易家桥豆制品摊", 35_500),
        ("南大街豆制品店", 24_500),
        ("如皋中学食堂", 30_250),
        ("易家桥豆制品摊", 12_000),
    }
    balance = maker.scan(made[0]["code"])["balance"]
    assert (balance["received"], balance["shipped"], balance["on_hand"]) == (120_250, 100_250, 20_000)

    # 摊上的码：谁做的、谁卖的，都在。 The code on the stall, and the receipt, lead to maker and seller.
    scale = story.handheld(second, "豆制品秤", "scale")
    receipt = scale.prints(line(tofu_2, "1.5", "斤"))
    scale.upload()
    page = story.public.scan(tofu_2["code"])
    assert page["party"]["name"] == "南大街豆制品店"
    assert [(step["kind"], step["party"]["name"]) for step in page["steps"]] == [
        ("produce", "崇川豆制品厂"),
        ("ship", "崇川豆制品厂"),
        ("receive", "南大街豆制品店"),
    ]
    assert page["lot"]["lot_number"] == "DF-0301"
    bought = story.public.scan(receipt)
    assert bought["party"]["name"] == "南大街豆制品店"
    assert bought["lines"][0]["steps"][0]["party"]["name"] == "崇川豆制品厂"
    for code in (tofu_1["code"], receipt):
        read = story.read(code)
        assert "崇川豆制品厂" in read
        assert "盐卤豆腐" in read
        assert "江苏省南通市" in read

    # 公众扫单：没有收货人，没有数量；一家的页面上也没有别家。 No receivers, no amounts; on one's page no other's name.
    amounts = ["100.25", "40.75", "35.5", "24.5", "30.25", "120.25"]
    story.hides(slip, ["易家桥豆制品摊", "南大街豆制品店", "如皋中学食堂", *amounts])
    story.hides(tofu_2["code"], ["易家桥豆制品摊", "如皋中学食堂", *amounts])


def test_each_stalls_board_shows_the_slips_of_today(story: Story) -> None:
    maker = maker_of(story)
    market = story.enrol("market", "易家桥菜市场", "market", "market", region=CHONGCHUAN)
    stalls = [
        story.enrol("vendor", f"{number}号豆制品摊", "vendor", "stall", parent=market, region=CHONGCHUAN)
        for number in (1, 2)
    ]
    tofu = story.product("盐卤豆腐", "tofu", shelf_life_days=3)
    outputs = [story.output(tofu, "120.25", lot_number="DF-0303")]
    [made] = maker.record("produce", event_time=today(0.1), outputs=outputs)["outputs"]

    # 一车货一张单，先到 1 号摊卸一半，剩下的送 2 号摊；2 号摊另有一张写明给它的单还在路上。
    # One open slip is split between both stalls; another, made out to the second stall, is still on its way.
    split = maker.record("ship", event_time=today(0.2), items=[story.item(made, "60.25")])["slip_code"]
    items = [story.item(made, "20.5")]
    to_second = maker.record("ship", event_time=today(0.3), items=items, to_site_id=stalls[1].site["id"])["slip_code"]
    here = []
    for stall, amount, part in ((stalls[0], "35.5", 0.4), (stalls[1], "24.75", 0.5)):
        some = [{"custody_id": made["custody_id"], "quantity": quantity(amount)}]
        [batch] = stall.record("receive", slip_code=split, items=some, event_time=today(part))["outputs"]
        here.append(batch)

    def slips(code: str) -> list[str]:
        return [slip["number"] for slip in story.board(code)["slips"]]

    assert slips(stalls[0].site["code"]) == [split[-6:]]
    assert slips(stalls[1].site["code"]) == [to_second[-6:], split[-6:]]
    assert slips(market.site["code"]) == [to_second[-6:], split[-6:]]
    board = story.board(stalls[1].site["code"])
    assert {(slip["party"]["name"], slip["products"][0]["name"]) for slip in board["slips"]} == {
        ("崇川豆制品厂", "盐卤豆腐")
    }
    assert [(batch["lot_number"], batch["sources"]) for batch in board["batches"]] == [("DF-0303", ["崇川豆制品厂"])]

    # 摊前的屏幕：在卖什么、谁家的、今天几张单、单号尾号；扫屏幕上的码看来路。
    # The screen on the stall: what is on sale, whose it is, how many slips, the end of their numbers.
    read = story.screen(f"/boards/{stalls[1].site['code']}")
    tail = f"单号尾号 {to_second[-6:]}"
    for words in ("2号豆制品摊", "盐卤豆腐", "来自 崇川豆制品厂", "今日溯源单 2张", tail, "扫码看来源"):
        assert words in read, words
    # 单号只亮尾号：拿着整个单号就能收货，屏幕上不能有；多少、给了谁也没有。
    # Only the end of a number: with the whole of it one could receive the goods. Nor how much there is, nor whose.
    shown = read + json.dumps(board, ensure_ascii=False) + story.screen(f"/boards/{market.site['code']}")
    assert tells([shown], (split, to_second, "60.25", "35.5", "24.75", "20.5")) == set()
    assert "1号豆制品摊" not in read

    # 2 号摊扫单收货，豆腐上架；厂里发现这批豆腐有问题停了售，两个摊的屏幕马上变红。
    # The second stall receives; then the lot is stopped, and both screens turn red at once.
    stalls[1].record("receive", slip_code=to_second, event_time=today(0.6))
    assert soon(lambda: len(story.board(stalls[1].site["code"])["batches"]) == 2, 5)
    market.record("hold", custody_id=here[0]["custody_id"], scope="lot", reason="异味，送检 · smells, to be tested")
    for stall in stalls:
        code = stall.site["code"]
        assert soon(lambda code=code: bool(story.board(code)["notices"]), 5)  # type: ignore[misc]
        assert "暂停销售：盐卤豆腐" in story.screen(f"/boards/{code}")
    held = ["held", "held"]
    assert soon(lambda: [each["status"] for each in story.board(market.site["code"])["stalls"]] == held, 5)


def test_six_hundred_slips_of_one_morning_balance_to_the_gram(story: Story) -> None:
    maker = maker_of(story)
    market = story.enrol("market", "南通豆制品联盟", "market", "market", region=CHONGCHUAN)
    tofu = story.product("盐卤豆腐", "tofu")
    forms = [{"name": f"豆制品经营户{n:03}", "kind": "vendor", "region": CHONGCHUAN} for n in range(1, SELLERS + 1)]
    sellers, summary = outcomes(market.request("POST", "/parties/batch", **ndjson(forms)).text)
    assert summary["recorded"] == SELLERS
    stalls = [
        {"party_id": seller["id"], "name": f"豆制品摊{n:03}", "kind": "stall", "parent_site_id": market.site["id"]}
        for n, seller in enumerate(sellers, 1)
    ]
    sites, summary = outcomes(market.request("POST", "/sites/batch", **ndjson(stalls)).text)
    assert summary["recorded"] == SELLERS

    [lot] = maker.record(
        "produce", event_time=ago(hours=9), outputs=[story.output(tofu, "3000", lot_number="DF-0302")]
    )["outputs"]
    served = sites[:SLIPS]
    ships = [
        maker.event("ship", items=[story.item(lot, "5")], to_site_id=site["id"], ref=f"溯源单-{n:03}")
        for n, site in enumerate(served)
    ]
    slips, summary = outcomes(maker.request("POST", "/events", **ndjson(ships)).text)
    assert summary == {"recorded": SLIPS, "duplicate": 0, "conflict": 0, "rejected": 0}
    assert len({slip["slip_code"] for slip in slips}) == SLIPS
    # 网断了，整份再传一遍：一张不多。 The line broke and all is sent again: not one more.
    again, summary = outcomes(maker.request("POST", "/events", **ndjson(ships)).text)
    assert summary == {"recorded": 0, "duplicate": SLIPS, "conflict": 0, "rejected": 0}
    assert [slip["slip_code"] for slip in again] == [slip["slip_code"] for slip in slips]

    receives = [
        market.event("receive", site_id=site["id"], slip_code=slip["slip_code"], ref=f"收货-{slip['slip_code']}")
        for site, slip in zip(served, slips, strict=True)
    ]
    received, summary = outcomes(market.request("POST", "/events", **ndjson(receives)).text)
    assert summary["recorded"] == SLIPS
    assert all(outcome["flags"] == [] for outcome in received)
    assert len({outcome["outputs"][0]["code"] for outcome in received}) == SLIPS

    totals = story.admin.trace("forward", lot=lot["lot_id"])["totals"]
    assert (totals["nodes"], totals["links"], totals["gaps"], totals["grams"]) == (SLIPS + 1, SLIPS, 0, 3_000_000)
    balance = maker.scan(lot["code"])["balance"]
    assert (balance["received"], balance["shipped"], balance["on_hand"]) == (3_000_000, 3_000_000, 0)
    last = story.public.scan(received[-1]["outputs"][0]["code"])
    assert (last["steps"][0]["party"]["name"], last["party"]["name"]) == ("崇川豆制品厂", "豆制品经营户600")
