"""S14 食品追溯平台 · 山东威海（生产企业 710 家、产品 2,705 个）

一家花生油厂的一本账：做了什么产品、走了什么工艺、检验报告在哪、用了谁的原料、卖给了谁，一次查询全部列出；检查人员和企业看到同一本账。
成品码扫出来，顾客看得到原料产地、工艺和检验，看不到客户和数量。

A producer's ledger: product, process, test report, raw materials and sales record, in one query. The inspector and the
firm read the same book. A shopper who scans the product sees raw materials, process and report, no customer, no amount.
"""

from tests.support.cast import ago, quantity
from tests.support.story import Story, day, licence, line

RONGCHENG, WENDENG = "371082", "371003"


def test_one_query_lists_product_process_report_raw_materials_and_sales(story: Story) -> None:
    mill = story.enrol(
        "producer", "荣成花生油厂", "processor", "plant", region=RONGCHENG, licences=[licence(7, region=RONGCHENG)]
    )
    growers = story.enrol("producer", "文登花生种植合作社", "producer", "farm", region=WENDENG)
    shop = story.enrol("vendor", "威海卫粮油店", "vendor", "shop", region="371002")
    lab = story.enrol("lab", "威海市食品检验中心", "laboratory", None, region="371002")
    office = story.key("regulator", region="3710")
    stranger = story.enrol("producer", "烟台某油厂", "processor", "plant", region="370602")
    nuts, bottles = story.product("花生仁", "grain.peanut"), story.product("5L 油瓶", "packaging", "count")
    oil = story.product("一级压榨花生油", "oil", gtin="6901234567892", shelf_life_days=540)

    # 原料：合作社的花生凭单进厂，油瓶从外地买来、有购货凭证。 Raw materials: peanuts by slip, bottles from outside.
    [harvest] = growers.record(
        "produce",
        event_time=ago(days=6),
        outputs=[story.output(nuts, "2600.5", lot_number="HS-2601", produced_on=day(-6))],
    )["outputs"]
    slip = growers.record(
        "ship", event_time=ago(days=5), items=[story.item(harvest, "2600.5")], to_site_id=mill.site["id"]
    )["slip_code"]
    [arrived] = mill.record("receive", event_time=ago(days=4), slip_code=slip)["outputs"]
    invoice = story.document(mill, "purchase_slip", number="PZ-0088", issuer="潍坊某包装厂")
    source = {"name": "潍坊某包装厂", "contact": "13900000036", "address": "潍坊市", "document_ids": [invoice["id"]]}
    [empties] = mill.record(
        "receive", event_time=ago(days=4), **{"from": source},
        items=[{"product_id": bottles["id"], "quantity": quantity("240", "个"), "lot_number": "YP-77"}],
    )["outputs"]  # fmt: skip

    # 工艺、产品、检验报告。 Process, product, test report.
    [made] = mill.record(
        "transform", process="process", event_time=ago(days=3),
        inputs=[story.item(arrived, "2600.5"), story.item(empties, "200", "个")],
        outputs=[story.output(oil, "1005.25", lot_number="HSY-260301", produced_on=day(-3))],
    )["outputs"]  # fmt: skip
    report = story.certify(
        mill,
        made,
        "test_report",
        hours=50,
        number="WHSJ-2026-0311",
        issuer="威海市食品检验中心",
        issued_on=day(-2),
    )
    lab.record(
        "test", event_time=ago(hours=51), custody_id=made["custody_id"], stage="laboratory", item="黄曲霉毒素B1",
        method="GB 5009.22", value="3.1", unit="μg/kg", limit="20",
    )  # fmt: skip
    # 销售：批给登记的店，零卖给没登记的食堂。 Sales: to a registered shop by slip, and to a canteen named as the buyer.
    sold = mill.record("ship", event_time=ago(days=1), items=[story.item(made, "300.25")], to_site_id=shop.site["id"])[
        "slip_code"
    ]
    [on_shelf] = shop.record("receive", slip_code=sold, event_time=ago(hours=20))["outputs"]
    mill.record(
        "sell", lines=[line(made, "55.5", amount_fen=111_000)], buyer={"name": "荣成二中食堂", "contact": "13900000037"}
    )

    # 一次查询。 One query.
    answer = mill.get("/events", params={"party": mill.party["id"], "limit": 1000}).json()
    assert answer["next"] is None, "the whole ledger in one answer"
    by_kind: dict[str, list[dict]] = {}
    for event in answer["items"]:
        by_kind.setdefault(event["kind"], []).append(event)
    assert {kind: len(events) for kind, events in by_kind.items()} == {
        "receive": 2, "transform": 1, "certify": 1, "ship": 1, "sell": 1,
    }  # fmt: skip
    [process] = by_kind["transform"]
    assert process["body"]["process"] == "process"
    assert [(item["custody_id"], item["quantity"]["value"]) for item in process["body"]["inputs"]] == [
        (arrived["custody_id"], "2600.5"),
        (empties["custody_id"], "200"),
    ]
    [product] = process["outcome"]["outputs"]
    assert (product["product_id"], product["lot_number"], product["quantity"]["grams"]) == (
        oil["id"], "HSY-260301", 1_005_250,
    )  # fmt: skip
    assert by_kind["certify"][0]["body"]["document_id"] == report["id"]
    assert mill.get(f"/documents/{report['id']}").json()["number"] == "WHSJ-2026-0311"
    bought = {event["body"].get("from", {}).get("name") or event["body"]["slip_code"] for event in by_kind["receive"]}
    assert bought == {"潍坊某包装厂", slip}
    assert by_kind["ship"][0]["body"]["to_site_id"] == shop.site["id"]
    assert by_kind["sell"][0]["body"]["buyer"]["name"] == "荣成二中食堂"
    assert by_kind["sell"][0]["body"]["lines"][0]["quantity"]["value"] == "55.5"
    # 检查人员看到同一本账；别家企业一页也看不到。 The inspector reads the same book; another firm not a page of it.
    assert office.get("/events", params={"party": mill.party["id"], "limit": 1000}).json() == answer
    assert stranger.get("/events", params={"party": mill.party["id"]}).json()["items"] == []

    # 同一本账画成链：原料在前、产品居中、客户在后，品名、厂名、数量都在。 The same book as a chain, names and amounts.
    back = mill.trace("back", code=made["code"])
    assert {(node["product"]["name"], (node["party"] or {"name": None})["name"]) for node in back["nodes"]} == {
        ("一级压榨花生油", "荣成花生油厂"),
        ("花生仁", "荣成花生油厂"),
        ("花生仁", "文登花生种植合作社"),
        ("5L 油瓶", "荣成花生油厂"),
        ("5L 油瓶", None),
    }
    assert [gap["from"]["name"] for gap in back["gaps"]] == ["潍坊某包装厂"]
    assert [gap["from"]["contact"] for gap in back["gaps"]] == ["13900000036"]
    forward = mill.trace("forward", code=made["code"])
    assert [(node["party"]["name"], node["in"]["grams"]) for node in forward["nodes"]] == [
        ("荣成花生油厂", 1_005_250),
        ("威海卫粮油店", 300_250),
    ]
    assert forward["nodes"][0]["on_hand"]["grams"] == 649_500
    assert mill.scan(empties["code"])["balance"]["on_hand"] == 40, "forty bottles are left"

    # 顾客扫成品：原料产地、工艺、检验都在；客户、数量、电话都不在。 The shopper: materials, process, report; no more.
    page = story.public.scan(on_shelf["code"])
    assert (page["product"]["code"], page["lot"]["lot_number"]) == ("6901234567892", "HSY-260301")
    assert page["lot"]["expires_on"] is not None
    assert ("transform", "荣成花生油厂") in [(step["kind"], step["party"]["name"]) for step in page["steps"]]
    assert {
        (step["product"]["name"], step["party"]["name"]) for step in page["steps"] if step["kind"] == "produce"
    } == {("花生仁", "文登花生种植合作社")}
    assert {paper["number"] for paper in page["documents"]} == {"WHSJ-2026-0311", "PZ-0088"}
    assert [(test["item"], test["verdict"]) for test in page["tests"]] == [("黄曲霉毒素B1", "pass")]
    read = story.read(on_shelf["code"])
    for told in ("花生仁", "文登花生种植合作社", "加工", "实验室检测", "检测报告", "山东省威海市"):
        assert told in read
    secrets = ["荣成二中食堂", "13900000036", "13900000037", "2600.5", "1005.25", "300.25", "55.5"]
    for code in (on_shelf["code"], made["code"], mill.site["code"], mill.party["code"]):
        story.hides(code, secrets)
