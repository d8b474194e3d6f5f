"""S06 入市必登 + 追溯秤 + 一店一码 · 厦门（台账 171.4 万条、食品 21.7 万种、访问 3,000 万次）

货要入市，先登记：供货商开单，单就是入市凭证，门口扫单查验，缺什么一次说清。摊主扫凭证收货，进货台账自动生成：品名、数量、批号、日期、
供货者名称和地址、凭证，条条都在。追溯秤拉取库存、按价目卖货、打印小票；销售台账按秤、按日查得到，一克一分不差。顾客扫一店一码，
看到店里在卖什么、从哪来；价钱、数量、电话不给公众看。
市场的电子大屏上是摊位图和今天的检测；触摸屏前把商品条码一扫，厂家的证照、有没有被停业、来路、检测都在。

What enters the market is registered first: the slip is the entry voucher, checked at the gate. Receiving it writes the
ledger of purchases; the scale pulls its stock with the market's prices, sells, prints the receipt, and fills the ledger
of sales. The shop's one code shows what is on sale and where from. The market's screen shows the map of its stalls and
today's tests; a barcode held before the kiosk finds its maker's licence and standing, the way here and the tests.
"""

from typing import Any

from tests.scanning.hall import today
from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, day, licence, line, soon

SIMING, ZHANGZHOU = "350203", "350622"


def morning(story: Story, farm: Actor, market: Actor) -> tuple[dict[str, Any], str]:
    """The farm's lot of the day and the slip that it travels with, to the market's gate."""
    choy = story.product("上海青", shelf_life_days=3)
    [lot] = farm.record(
        "produce", event_time=ago(hours=9),
        outputs=[story.output(choy, "80", lot_number="YX-0301", expires_on=day(2))],
    )["outputs"]  # fmt: skip
    slip = farm.record("ship", event_time=ago(hours=8), items=[story.item(lot, "80")], to_site_id=market.site["id"])
    return lot, slip["slip_code"]


def test_ledgers_of_purchases_and_sales_fill_themselves(story: Story) -> None:
    market = story.enrol("market", "八市农贸市场", "market", "market", region=SIMING)
    shop = story.enrol("vendor", "阿月蔬菜店", "vendor", "stall", parent=market, region=SIMING)
    neighbour = story.enrol("vendor", "海味干货店", "vendor", "stall", parent=market, region=SIMING)
    farm = story.enrol(
        "producer", "云霄蔬菜合作社", "producer", "farm", region=ZHANGZHOU,
        contact={"name": "方阿福", "phone": "13600000006"},
    )  # fmt: skip
    lot, voucher = morning(story, farm, market)

    # 入市必登：没有承诺达标合格证，门口不放行，缺什么说清楚；补上即放行，凭证上看得到。
    # No entry without the farm's certificate: the gate says so; with it the voucher says that the goods are in.
    refused = market.record("admit", slip_code=voucher, event_time=ago(hours=7))
    assert refused["decision"] == "refused"
    assert "上海青" in refused["reasons"][0]["detail"]
    assert "conformity_certificate" in refused["reasons"][0]["missing"]
    story.certify(farm, lot, "conformity_certificate", hours=6.5, number="HG-3506-01", issuer="云霄蔬菜合作社")
    admitted = market.record("admit", slip_code=voucher, event_time=ago(hours=6))
    assert (admitted["decision"], admitted["reasons"]) == ("admitted", [])
    assert story.public.scan(voucher)["status"] == "ok"

    # 摊主扫凭证收货，进货台账就有了。 Receiving off the voucher writes the ledger of purchases.
    [choy] = shop.record("receive", slip_code=voucher, event_time=ago(hours=5))["outputs"]
    tea = {"product_id": story.product("武夷岩茶", "tea")["id"], "quantity": quantity("2.5"), "lot_number": "WY-22"}
    source = {"name": "武夷山茶庄", "contact": "13500000009", "address": "福建省武夷山市星村镇"}
    [bought] = shop.record("receive", **{"from": source}, items=[tea], event_time=ago(hours=4))["outputs"]
    entries = purchases(shop)
    assert entries == purchases(market, site=shop.site["id"])
    assert [(entry["product"], entry["lot_number"], entry["grams"], entry["supplier"]) for entry in entries] == [
        ("上海青", "YX-0301", 80_000, "云霄蔬菜合作社"),
        ("武夷岩茶", "WY-22", 2_500, "武夷山茶庄"),
    ]
    assert entries[0]["documents"] == ["conformity_certificate"]
    assert entries[1]["address"] == "福建省武夷山市星村镇"
    assert purchases(neighbour) == []

    # 秤拉取库存，带市场的价目；按价卖货，打印小票。 The scale pulls stock with prices, sells, and prints.
    prices = [{"product_id": choy["product_id"], "plu": 12, "price_fen": 350, "unit": "斤"}]
    assert market.request("PUT", f"/sites/{market.site['id']}/prices", json={"items": prices}).status_code == 200
    scale = story.handheld(shop, "阿月蔬菜店 1 号秤", "scale")
    on_sale = {item["product"]: item for item in scale.get("/devices/me/stock").json()["items"]}
    assert set(on_sale) == {"上海青", "武夷岩茶"}
    key = on_sale["上海青"]
    assert (key["custody_id"], key["plu"], key["price_fen"], key["price_unit"]) == (choy["custody_id"], 12, 350, "斤")
    codes = [
        scale.prints(line(choy, "1.2", "斤", 420), line(bought, "100", "g", 6800), operator="01", payment="mobile"),
        scale.prints(line(choy, "0.8", "斤", 280), operator="01", payment="cash"),
    ]
    scale.upload()
    paper = scale.get(f"/receipts/{codes[0]}")
    assert paper.status_code == 200, paper.text
    for printed in ("阿月蔬菜店", "上海青", "武夷岩茶", "4.20", "68.00", "72.20"):
        assert printed in paper.text, printed
    pressed = scale.get(f"/receipts/{codes[0]}", params={"format": "escpos", "width": "80"})
    assert "上海青".encode("gb18030") in pressed.content

    # 销售台账：按秤、按日，一克一分不差；邻店看不到。 To the gram and the fen; not the neighbour's.
    today = {"from": ago(hours=1), "to": ago(hours=-1)}
    rows = market.get("/sales", params={"device": scale.activation["device_id"], **today}).json()["items"]
    assert rows == shop.get("/sales").json()["items"]
    assert [row["receipt_code"] for row in rows] == codes
    assert [(row["operator"], row["payment"]) for row in rows] == [("01", "mobile"), ("01", "cash")]
    sold = [
        (entry["custody_id"], entry["quantity"]["grams"], entry["amount_fen"]) for row in rows for entry in row["lines"]
    ]
    assert sold == [(choy["custody_id"], 600, 420), (bought["custody_id"], 100, 6800), (choy["custody_id"], 400, 280)]
    assert market.get("/sales", params={"from": ago(hours=-1)}).json()["items"] == []
    assert neighbour.get("/sales").json()["items"] == []
    # 进货减销售等于库存。 Purchases less sales are what is left.
    left = {item["custody_id"]: item["quantity"]["grams"] for item in scale.get("/devices/me/stock").json()["items"]}
    assert left == {choy["custody_id"]: 79_000, bought["custody_id"]: 2_400}

    # 一店一码：顾客看到在卖什么、从哪来；小票带到同一条链；价钱、数量、电话不给看。
    # One code of the shop: what is on sale and where from; the receipt leads into the same chain; no prices, no phones.
    page = story.public.scan(shop.site["code"])
    assert {item["product"]["name"] for item in page["stock"]} == {"上海青", "武夷岩茶"}
    receipt = story.public.scan(codes[0])
    assert [entry["product"]["name"] for entry in receipt["lines"]] == ["上海青", "武夷岩茶"]
    assert receipt["lines"][0]["steps"][0]["party"]["name"] == "云霄蔬菜合作社"
    for code in (shop.site["code"], codes[0], voucher):
        story.hides(code, ["13600000006", "13500000009", "4.20", "68.00", "3.50"])
    assert neighbour.get(f"/receipts/{codes[0]}").status_code in (403, 404)


def test_the_markets_screen_shows_its_stalls_and_the_tests_of_today(story: Story) -> None:
    market = story.enrol("market", "八市农贸市场", "market", "market", region=SIMING)
    stalls = [
        story.enrol("vendor", name, "vendor", "stall", parent=market, region=SIMING)
        for name in ("1号 阿月蔬菜", "2号 大同水产", "3号 空摊")
    ]
    farm = story.enrol("producer", "云霄蔬菜合作社", "producer", "farm", region=ZHANGZHOU)
    outputs = [story.output(story.product(name), "40", lot_number=number) for name, number in CROPS]
    lots = farm.record("produce", event_time=today(0.1), outputs=outputs)["outputs"]
    here = []
    for lot, stall in zip(lots, stalls, strict=False):
        items = [story.item(lot, "20")]
        slip = farm.record("ship", event_time=today(0.2), items=items, to_site_id=stall.site["id"])["slip_code"]
        here += stall.record("receive", event_time=today(0.3), slip_code=slip)["outputs"]
    rapid = {"stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199", "unit": "%"}
    market.record("test", custody_id=here[0]["custody_id"], value="12", event_time=today(0.4), **rapid)
    code = market.site["code"]

    # 大屏：三个摊，一目了然；今天到了什么、测了什么。 Three stalls at a glance; what came and what was tested today.
    board = story.board(code)
    assert [(stall["name"], stall["status"]) for stall in board["stalls"]] == [
        ("1号 阿月蔬菜", "ok"),
        ("2号 大同水产", "ok"),
        ("3号 空摊", "empty"),
    ]
    totals = {"stalls": 3, "on_sale": 2, "arrived": 2, "passed": 1, "failed": 0, "slips": 2, "refused": 0, "notices": 0}
    assert board["totals"] == totals
    read = story.screen(f"/boards/{code}")
    for words in ("摊位图", "1号 阿月蔬菜", "没有在售", "今日检测", "上海青", "合格", "云霄蔬菜合作社"):
        assert words in read, words

    # 屏幕挂着不动，有变化自己知道：不合格的一录入，那个摊变红，说明为什么。
    # Nobody touches the screen: it is told when something has changed. A failed test turns the stall red, and says why.
    before = told(story, code)
    market.record("test", custody_id=here[1]["custody_id"], value="71", event_time=today(0.6), **rapid)
    assert soon(lambda: told(story, code) != before, 5)
    red = ["ok", "held", "empty"]
    assert soon(lambda: [stall["status"] for stall in story.board(code)["stalls"]] == red, 5)
    assert "暂停销售：菠菜" in story.screen(f"/boards/{code}")
    assert story.board(stalls[1].site["code"])["notices"][0]["status_reason"].startswith("快检不合格：农药残留 71%")


def test_a_kiosk_finds_by_barcode_licence_standing_way_and_tests(story: Story) -> None:
    office = story.key("regulator", region=SIMING)
    market = story.enrol("market", "八市农贸市场", "market", "market", region=SIMING)
    shop_licence, works_licence = licence(21, region=SIMING), licence(22, "SC", region=ZHANGZHOU)
    shop = story.enrol("vendor", "海味干货店", "vendor", "stall", parent=market, region=SIMING, licences=[shop_licence])
    works = story.enrol("producer", "东山鱼丸厂", "processor", "plant", region=ZHANGZHOU, licences=[works_licence])
    barcode = "6901234567892"
    balls = story.product("东山鱼丸", "aquatic.processed", gtin=barcode)
    outputs = [story.output(balls, "60", lot_number="YW-0301", expires_on=day(90))]
    [lot] = works.record("produce", event_time=ago(hours=30), outputs=outputs)["outputs"]
    factory_test = {"stage": "laboratory", "item": "菌落总数", "method": "GB 4789.2-2022", "verdict": "pass"}
    laboratory = story.enrol("lab", "漳州市食品检验所", "laboratory", None, region="350600")
    laboratory.record("test", custody_id=lot["custody_id"], event_time=ago(hours=28), **factory_test)
    items = [story.item(lot, "20")]
    slip = works.record("ship", event_time=ago(hours=26), items=items, to_site_id=shop.site["id"])["slip_code"]
    [here] = shop.record("receive", event_time=ago(hours=8), slip_code=slip)["outputs"]

    # 包装上的条码：厂家、证照、来路、检测。 The barcode on the package: its maker, licence, way and tests.
    read = story.kiosk(barcode)
    for words in ("来源可查", "东山鱼丸", "YW-0301", "东山鱼丸厂", works_licence["number"], "菌落总数", "合格"):
        assert words in read, words
    # 摊上的批次码：再加上摊主的证照，和从厂里到摊上的路。 The stall's own code: its licence too, and the way to it.
    read = story.kiosk(here["code"])
    for words in ("海味干货店", shop_licence["number"], "食品经营许可证", "东山鱼丸厂", "收货", "菌落总数"):
        assert words in read, words
    assert shop_licence["number"] in story.kiosk(f"HTTPS://FOOD.EXAMPLE.CN/C/{shop.site['code']}")

    # 又来一批，同一个条码：按批号挑。 Another lot under the same barcode: chosen by the number on the package.
    outputs = [story.output(balls, "30", lot_number="YW-0302", expires_on=day(91))]
    works.record("produce", event_time=ago(hours=2), outputs=outputs)
    read = story.screen(f"/kiosk?q={barcode}")
    for words in ("找到 2 项", "YW-0301", "YW-0302", "东山鱼丸厂"):
        assert words in read, words

    # 店被停业，屏上马上写明，解除后恢复；条码不认识，也说清楚。
    # Locked, and why; in order again; a barcode that is nobody's.
    office.patch(f"/parties/{shop.party['id']}", {"status": "locked", "status_reason": "无证经营查处中"})
    assert "暂停营业" in story.kiosk(shop.site["code"])
    assert "无证经营查处中" in story.kiosk(shop.site["code"])
    office.patch(f"/parties/{shop.party['id']}", {"status": "active"})
    assert "登记在册" in story.kiosk(shop.site["code"])
    assert "没有找到" in story.screen("/kiosk?q=6901234567007", status=404)


CROPS = (("上海青", "YX-0301"), ("菠菜", "YX-0302"))


def told(story: Story, code: str) -> str:
    """What a screen hears from the service: the tag of the board as it is now."""
    answer = story.client.get(f"/boards/{code}/events", params={"once": "true"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: board")
    return answer.text


def purchases(reader: Actor, **query: str) -> list[dict[str, Any]]:
    """The ledger of purchases (进货台账), the earliest first: what the law asks for of each batch that came."""
    found = []
    events = reader.get("/events", params={"kind": "receive", **query}).json()["items"]
    for event in sorted(events, key=lambda event: event["event_time"]):
        for output in event["outcome"]["outputs"]:
            chain = reader.trace("back", custody=output["custody_id"])
            nodes = {node["id"]: node for node in chain["nodes"]}
            own = nodes[output["custody_id"]]
            outside = next((gap["from"] for gap in chain["gaps"]), None)
            [supplier] = [nodes[link["parent_id"]] for link in chain["links"] if link["child_id"] == own["id"]]
            shown = reader.scan(output["code"])
            found.append(
                {
                    "time": event["event_time"],
                    "product": own["product"]["name"],
                    "lot_number": own["lot_number"],
                    "grams": output["quantity"]["grams"],
                    "supplier": outside["name"] if outside else supplier["party"]["name"],
                    "address": outside["address"] if outside else None,
                    "documents": [paper["type"] for paper in shown["documents"]],
                }
            )
    return found
