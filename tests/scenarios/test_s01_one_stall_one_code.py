"""S01 一摊（店）一码 · 农村数治新食安，浙江桐庐

横村镇农贸市场给新来的老街蔬菜摊登记，系统当场生成摊位码，贴在摊前。摊主收了合作社的青菜和黄瓜，又从路边农户手里买了
一筐土豆。市场检测室逐批、逐项检测，结果一录入，顾客扫摊位码马上看到：谁在经营、货从谁那里来、每批每项检测结果。
黄瓜有一项不合格，那一批立即显示暂停销售。镇上的粮油店也有自己的一店一码。

One stall, one code, in a township of Tonglu: enrolling a stall mints its code. Scanning it shows the operator, what it
bought and from whom, and the residue tests, item by item and batch by batch, the moment they are recorded. A shop has
its code too.
"""

from io import BytesIO

import zxingcpp
from PIL import Image

from tests.support.cast import ago, quantity
from tests.support.story import Story, licence, plain, slugs

PHONE = "13900000001"


def test_scanning_a_stall_shows_who_runs_it_whence_its_goods_came_and_every_test(story: Story) -> None:
    market = story.enrol("market", "横村镇农贸市场", "market", "market", region="330122")
    growers = story.enrol("producer", "桐庐阳山畈蔬菜合作社", "producer", "farm", region="330122")
    greens, cucumber, potato = story.product("小青菜"), story.product("黄瓜"), story.product("土豆")

    # 市场给摊主登记、启用；登记摊位，摊位码随即生成。 The market enrols trader and stall; the code is there at once.
    party = market.made(
        "/parties",
        {
            "name": "老街蔬菜经营部",
            "kind": "vendor",
            "region": "330122",
            "licences": [licence(1, region="330122")],
            "contact": {"name": "摊主", "phone": PHONE},
        },
    )
    assert party["status"] == "pending"
    assert market.patch(f"/parties/{party['id']}", {"status": "active"}).json()["status"] == "active"
    site = market.made(
        "/sites",
        {"party_id": party["id"], "name": "12号 老街蔬菜摊", "kind": "stall", "parent_site_id": market.site["id"]},
    )
    code = site["code"]
    assert code.startswith("S")
    assert site["region"] == "330122", "a stall lies where its market lies"
    stall = story.key("vendor", party_id=party["id"])
    stall.party, stall.site = party, site

    # 牌子上的二维码就是这个码。 The sign's symbol leads to that code, and the empty stall's page is there already.
    symbol = story.public.get(f"/qr/{code}.png")
    assert [read.text for read in zxingcpp.read_barcodes(Image.open(BytesIO(symbol.content)))] == [
        f"HTTPS://FOOD.EXAMPLE.CN/C/{code}"
    ]
    sign = plain(story.public.get(f"/labels/{code}").text)
    assert "12号老街蔬菜摊" in "".join(sign.split())
    assert story.public.scan(code)["stock"] == []
    assert "目前没有登记在售的批次。" in story.read(code)

    # 合作社两批货随单到摊；土豆从路边农户买来，只能如实写下卖主是谁。
    # Two batches come on the co-operative's slip; the potatoes are bought from outside, and said to be.
    made = growers.record(
        "produce",
        event_time=ago(hours=9),
        outputs=[
            story.output(greens, "61.37", lot_number="YS-0301"),
            story.output(cucumber, "40", lot_number="YS-0302"),
        ],
    )["outputs"]
    slip = growers.record(
        "ship",
        event_time=ago(hours=8),
        items=[story.item(made[0], "61.37"), story.item(made[1], "40")],
        to_site_id=site["id"],
    )["slip_code"]
    at_stall = stall.record("receive", event_time=ago(hours=6), slip_code=slip)["outputs"]
    bought = stall.record(
        "receive",
        event_time=ago(hours=5),
        **{"from": {"name": "分水镇路边农户", "contact": "13900000002", "address": "分水镇天溪村"}},
        items=[{"product_id": potato["id"], "quantity": quantity("72.5", "斤")}],
    )["outputs"]

    page = story.public.scan(code)
    assert page["kind"] == "site"
    assert page["party"]["name"] == "老街蔬菜经营部"
    assert page["site"] == {"code": code, "name": "12号 老街蔬菜摊", "kind": "stall", "region": "330122"}
    assert {(item["product"]["name"], item["lot_number"], item["status"]) for item in page["stock"]} == {
        ("小青菜", "YS-0301", "ok"),
        ("黄瓜", "YS-0302", "ok"),
        ("土豆", bought[0]["lot_number"], "incomplete"),
    }
    assert [(step["kind"], step["party"]["name"]) for step in page["steps"]] == [
        ("ship", "桐庐阳山畈蔬菜合作社"),
        ("ship", "桐庐阳山畈蔬菜合作社"),
        ("receive", "老街蔬菜经营部"),
        ("receive", "老街蔬菜经营部"),
        ("receive", "老街蔬菜经营部"),
    ]
    assert [(gap["reason"], gap["from"]["name"]) for gap in page["gaps"]] == [("outside", "分水镇路边农户")]
    read = story.read(code)
    assert read.count("来自 桐庐阳山畈蔬菜合作社") == 2
    assert "来自 分水镇路边农户（摊主自报）" in read
    assert "浙江省杭州市桐庐县" in read
    assert party["licences"][0]["number"] in read
    assert page["tests"] == []

    # 市场检测室：小青菜两项，黄瓜两项，其中一项超标。 Two items for each batch; each is on the page as it is recorded.
    def tested(batch: dict[str, str], item: str, value: str, **fields: str) -> dict[str, object]:
        return market.record(
            "test", custody_id=batch["custody_id"], stage="rapid", item=item, value=value, tester="检测员甲", **fields
        )

    inhibition = {"method": "GB/T 5009.199-2003", "unit": "%"}
    tested(at_stall[0], "有机磷和氨基甲酸酯类农药", "12.4", event_time=ago(minutes=40), **inhibition)
    assert [test["value"] for test in story.public.scan(code)["tests"]] == ["12.4"]
    tested(at_stall[0], "克百威", "未检出", event_time=ago(minutes=35), method="KJ201710")
    tested(at_stall[1], "有机磷和氨基甲酸酯类农药", "31", event_time=ago(minutes=30), **inhibition)
    assert story.public.scan(code)["status"] == "ok"
    failed = tested(at_stall[1], "毒死蜱", "0.15", event_time=ago(minutes=20), unit="mg/kg", limit="0.1")
    assert failed["decision"] == "fail"
    assert slugs(failed["flags"]) == ["failed_test"]

    page = story.public.scan(code)
    assert [
        (test["product"]["name"], test["lot_number"], test["item"], test["value"], test["verdict"])
        for test in page["tests"]
    ] == [
        ("黄瓜", "YS-0302", "毒死蜱", "0.15", "fail"),
        ("黄瓜", "YS-0302", "有机磷和氨基甲酸酯类农药", "31", "pass"),
        ("小青菜", "YS-0301", "克百威", "未检出", "pass"),
        ("小青菜", "YS-0301", "有机磷和氨基甲酸酯类农药", "12.4", "pass"),
    ]
    assert {test["party"]["name"] for test in page["tests"]} == {"横村镇农贸市场"}
    assert {item["product"]["name"]: item["status"] for item in page["stock"]} == {
        "小青菜": "ok",
        "黄瓜": "held",
        "土豆": "incomplete",
    }
    read = story.read(code)
    assert "毒死蜱 黄瓜 初筛不合格" in read
    assert "结果 0.15mg/kg · 限值 0.1" in read
    assert "克百威 小青菜 合格" in read
    assert "结果 12.4% · 方法 GB/T 5009.199-2003 · 横村镇农贸市场 检测 · 批号 YS-0301" in read
    assert "Failed first screening" in story.read(code, "en")

    # 逐批：每批有自己的页面。 Batch by batch: each has its page, with its own tests and no other's.
    of_greens, of_cucumber = (story.public.scan(batch["code"]) for batch in at_stall)
    assert [test["item"] for test in of_greens["tests"]] == ["有机磷和氨基甲酸酯类农药", "克百威"]
    assert of_greens["status"] == "ok"
    assert of_cucumber["status"] == "held"
    assert of_cucumber["status_reason"] == "快检不合格：毒死蜱 0.15mg/kg · rapid test failed: 毒死蜱 0.15mg/kg"
    assert story.colour(at_stall[1]["code"]) == "red"

    # 公众看不到电话、数量、检测员。 The public learns no telephone, quantity or name of a tester.
    for each in (code, at_stall[0]["code"], bought[0]["code"]):
        story.hides(each, [PHONE, "13900000002", "天溪村", "检测员甲", "61.37", "72.5"])
    own = stall.scan(bought[0]["code"])
    assert own["gaps"][0]["from"]["contact"] == "13900000002"
    assert own["balance"]["on_hand"] == 36_250


def test_a_shop_has_its_code_too(story: Story) -> None:
    """一店一码：不在市场里的店，登记即有码；同一张表再交一次，还是那个码。"""
    shop = story.enrol("vendor", "横村粮油店", "vendor", "shop", region="330122", licences=[licence(2)])
    code = shop.site["code"]
    assert code.startswith("S")
    assert code != shop.party["code"]
    again = story.admin.post(
        "/sites", {"party_id": shop.party["id"], "name": "横村粮油店", "kind": "shop", "region": "330122"}
    )
    assert again.status_code == 200
    assert again.json()["code"] == code
    page = story.public.scan(code.lower())
    assert (page["code"], page["site"]["kind"], page["status"]) == (code, "shop", "ok")
    read = story.read(code)
    assert "横村粮油店 门店" in read
    assert "食品经营许可证" in read
