"""S02 一码通 / 溯本通 · 郑州毛庄农产品批发市场（入驻商户八万三千家）

市场一次导入一批商户：营业执照、身份证明齐全，每户每档口各得一码。每批货进场要有产地证明和检测报告；缺产地证明的、检测不合格的，
门口就拒，并说清缺什么。商户用手持机卖货，每笔当场打印一张带二维码的小票。货卖到了哪里、多少、卖给了谁，市场随时看得到；
顾客扫小票看得到来源，看不到买主、数量和证件号码。

A wholesale market enrols its sellers in bulk; each, and each pitch, gets a code. Goods without proof of origin, or with
a failed test, are refused at the gate with all that is missing. A handheld prints a receipt with a QR symbol per sale,
before it has a network. The market sees live where goods went, how much, to whom; whoever scans the receipt sees the
source, and no buyer, quantity or identity number.
"""

import json
from io import BytesIO

import zxingcpp
from PIL import Image

from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, licence, line, ndjson, outcomes, slugs

SELLERS = 83  # a thousandth of the market
ZHENGZHOU = "410108"
IDENTITY = "41010819700101001X"

# 市场自己的入场规则。 The market's own rule: both papers, whatever the law would let through without.
RULES = [
    {"category": "vegetables", "requires": [["origin_proof"], ["test_report"]]},
    {"category": "fruit", "requires": [["origin_proof"], ["test_report"]]},
]


def open_market(story: Story) -> Actor:
    market = story.enrol("market", "毛庄农产品批发市场", "market", "wholesale", region=ZHENGZHOU)
    rules = market.request("PUT", f"/sites/{market.site['id']}/admission-rules", json=RULES)
    assert rules.status_code == 200, rules.text
    return market


def move_in(story: Story, market: Actor, name: str, number: int) -> Actor:
    """A seller and its pitch, enrolled and activated by the market."""
    form = {"name": name, "kind": "wholesaler", "region": ZHENGZHOU, "licences": [licence(number)]}
    party = market.made("/parties", form)
    assert market.patch(f"/parties/{party['id']}", {"status": "active"}).status_code == 200
    pitch = {"party_id": party["id"], "name": f"{number}号档口", "kind": "stall", "parent_site_id": market.site["id"]}
    key = market.made("/keys", {"role": "vendor", "party_id": party["id"], "name": "手持机"})["key"]
    return Actor(story.client, key, party, market.made("/sites", pitch))


def bring(story: Story, seller: Actor, product: dict, value: str, papers: list[dict], **item: str) -> dict:
    """Goods from a grower outside the system, with the papers that came along."""
    source = {"name": "中牟县大孟镇种植户", "contact": "13800000001", "document_ids": [p["id"] for p in papers]}
    entered = {"product_id": product["id"], "quantity": quantity(value), **item}
    return seller.record("receive", **{"from": source}, items=[entered], event_time=ago(hours=3))["outputs"][0]


def test_sellers_are_enrolled_in_bulk_and_each_gets_its_codes(story: Story) -> None:
    market = open_market(story)
    forms = [
        {
            "name": f"毛庄蔬菜商行{n:03}",
            "kind": "wholesaler",
            "region": ZHENGZHOU,
            "licences": [licence(n)],
            "contact": {"name": None, "phone": f"1370000{n:04}"},
        }
        for n in range(1, SELLERS + 1)
    ]
    # 表里有一户的区划写错了：这一户退回，其余照收。 One form names a region that does not exist; its neighbours go in.
    forms[40]["region"] = "990000"
    lines, summary = outcomes(market.request("POST", "/parties/batch", **ndjson(forms)).text)
    assert summary == {"recorded": SELLERS - 1, "duplicate": 0, "conflict": 0, "rejected": 1}
    assert lines[40]["problem"]["errors"][0]["pointer"] == "/region"
    assert lines[40]["line"] == 41
    forms[40]["region"] = ZHENGZHOU
    lines, summary = outcomes(market.request("POST", "/parties/batch", **ndjson(forms)).text)
    assert summary == {"recorded": 1, "duplicate": SELLERS - 1, "conflict": 0, "rejected": 0}
    assert all(line["warnings"] == [] for line in lines), "every licence has a right check digit"
    parties = [line["id"] for line in lines]
    assert len({line["code"] for line in lines}) == SELLERS
    assert all(line["code"].startswith("P") for line in lines)

    pitches = [
        {"party_id": party, "name": f"{n}号档口", "kind": "stall", "parent_site_id": market.site["id"]}
        for n, party in enumerate(parties, 1)
    ]
    sites, summary = outcomes(market.request("POST", "/sites/batch", **ndjson(pitches)).text)
    assert summary["recorded"] == SELLERS
    assert len({site["code"] for site in sites}) == SELLERS
    assert all(site["code"].startswith("S") for site in sites)
    page = story.public.scan(sites[-1]["code"])
    assert (page["site"]["name"], page["party"]["name"]) == ("83号档口", "毛庄蔬菜商行083")
    assert page["status"] == "pending", "enrolled, and not yet activated by the market"
    assert licence(83)["number"] in [document["number"] for document in page["documents"]]
    story.hides(sites[-1]["code"], ["13700000083"])


def test_goods_without_origin_proof_or_with_a_failed_test_are_refused_entry(story: Story) -> None:
    market = open_market(story)
    seller = move_in(story, market, "中原蔬菜商行", 101)
    celery, garlic, grapes = story.product("芹菜"), story.product("蒜薹"), story.product("葡萄", "fruit")

    # 商户入驻：营业执照、身份证明挂在档口上。 Licence and proof of identity speak for the pitch.
    business = story.document(seller, "business_licence", number="91410108MA00000012", issuer="惠济区市场监管局")
    identity = story.document(seller, "other", number=IDENTITY, issuer="公安机关")
    for paper in (business, identity):
        seller.record("certify", site_id=seller.site["id"], document_id=paper["id"])

    origin = story.document(seller, "origin_proof", number="豫CD-20260301-07", issuer="大孟镇农业服务中心")
    report = story.document(seller, "test_report", number="KJ-0301-118", issuer="毛庄市场检测中心")

    def gate(*batches: dict) -> dict:
        return market.record("admit", custody_ids=[batch["custody_id"] for batch in batches])

    # 两样齐全：准入。 Both papers there: let in.
    good = bring(story, seller, celery, "820.5", [origin, report], lot_number="QC-0301")
    assert gate(good)["decision"] == "admitted"
    # 没有产地证明：拒绝，说清缺的是产地证明。 Without proof of origin: refused, and it is named.
    unproven = bring(story, seller, garlic, "300.5", [report])
    refused = gate(unproven)
    assert refused["decision"] == "refused"
    assert refused["reasons"] == [
        {
            "slug": "paper-missing",
            "detail": "蒜薹：缺少产地证明 · 蒜薹: origin proof is missing",
            "missing": ["origin_proof"],
        }
    ]
    # 什么都没有：两样一次说全。 With nothing at all, everything that is missing is told at once.
    bare = bring(story, seller, grapes, "120.5", [])
    assert [reason["missing"] for reason in gate(bare)["reasons"]] == [["origin_proof"], ["test_report"]]
    # 证齐，但检测不合格：拒绝。 All papers, and a failed test: refused.
    bad = bring(story, seller, celery, "410.5", [origin, report], lot_number="QC-0302")
    market.record(
        "test", custody_id=bad["custody_id"], stage="rapid", item="有机磷和氨基甲酸酯类农药",
        method="GB/T 5009.199-2003", value="63.2", unit="%",
    )  # fmt: skip
    refused = gate(bad)
    assert refused["decision"] == "refused"
    assert slugs(refused["reasons"]) == ["failed-test"]
    # 不合格的货开不出溯源单；被拒的货卖了，会留痕给市场看。
    # What failed gets no slip; what was refused and is sold all the same is flagged for the market.
    problem = seller.refused("ship", 409, items=[story.item(bad, "100")])
    assert problem["type"] == "/problems/goods-on-hold"
    sold = seller.record("sell", lines=[line(unproven, "50.5")])
    assert slugs(sold["flags"]) == ["refused_goods"]
    assert [event["id"] for event in market.get("/events", params={"flag": "refused_goods"}).json()["items"]] == [
        sold["id"]
    ]

    # 补来产地证明后再验，放行。 The proof arrives later; checked again, the goods may enter.
    seller.record("certify", custody_id=unproven["custody_id"], document_id=origin["id"])
    assert gate(unproven)["decision"] == "admitted"

    # 扫档口码：证照可见，身份证号不可见；被拒的批次写明拒绝。 The pitch's page: licences, no identity number.
    page = story.public.scan(seller.site["code"])
    kinds = {(document["type"], document["number"]) for document in page["documents"]}
    assert ("business_licence", "91410108MA00000012") in kinds
    assert ("other", None) in kinds
    assert {(item["product"]["name"], item["lot_number"]): item["status"] for item in page["stock"]} == {
        ("芹菜", "QC-0301"): "incomplete",
        ("蒜薹", unproven["lot_number"]): "incomplete",
        ("葡萄", bare["lot_number"]): "refused",
        ("芹菜", "QC-0302"): "held",
    }
    assert "未准入场" in story.read(bare["code"])
    assert "葡萄：缺少产地证明；葡萄：缺少检测报告" in story.read(bare["code"])
    story.hides(seller.site["code"], [IDENTITY, "13800000001", "820.5", "120.5"])
    file = story.public.get(f"/documents/{identity['id']}/file")
    assert file.status_code == 401, "files are for keys alone"


def test_a_receipt_a_sale_and_the_market_sees_where_goods_went_how_much_and_to_whom(story: Story) -> None:
    market = open_market(story)
    seller = move_in(story, market, "中原蔬菜商行", 101)
    grocer = story.enrol("vendor", "惠济区社区菜店", "vendor", "shop", region=ZHENGZHOU)
    stranger = story.enrol("vendor", "金水区另一家菜店", "vendor", "shop", region="410105")
    celery = story.product("芹菜")
    papers = [story.document(seller, kind, number=f"{kind}-1") for kind in ("origin_proof", "test_report")]
    batch = bring(story, seller, celery, "820.5", papers, lot_number="QC-0301")
    assert market.record("admit", custody_ids=[batch["custody_id"]])["decision"] == "admitted"

    # 手持机打出小票：二维码就是这张小票的码，网络还没通，扫码已知是真的。
    # The handheld prints; its symbol leads to the receipt, known as genuine before the sale has been uploaded.
    handheld = story.handheld(seller, "1号手持机")
    printed = handheld.prints(line(batch, "25.5", amount_fen=7650), operator="01", payment="cash")
    assert printed.startswith("R")
    waiting = story.public.scan(printed)
    assert (waiting["status"], waiting["site"]["name"]) == ("pending", "101号档口")
    [outcome] = handheld.upload()
    assert (outcome["receipt_code"], outcome["flags"]) == (printed, [])
    symbol = story.public.get(f"/qr/{printed}.png").content
    assert zxingcpp.read_barcodes(Image.open(BytesIO(symbol)))[0].text == f"HTTPS://FOOD.EXAMPLE.CN/C/{printed}"
    page = story.public.scan(printed)
    assert (page["kind"], page["site"]["name"], page["party"]["name"]) == ("receipt", "101号档口", "中原蔬菜商行")
    [sold] = page["lines"]
    assert (sold["product"]["name"], sold["code"], sold["quantity"]) == ("芹菜", batch["code"], None)
    assert [step["kind"] for step in sold["steps"]] == ["receive", "admit"]
    read = story.read(printed)
    assert "据中原蔬菜商行自报，来自“中牟县大孟镇种植户”" in read
    assert "入场查验：准入" in read

    # 批给菜店两笔：一笔开溯源单发往登记的店，一笔卖给没有登记的饭馆，写明买主。
    # Two wholesale deals: by slip to a registered shop, and to a canteen that is not registered, the buyer named.
    slip = seller.record("ship", items=[story.item(batch, "300.5")], to_site_id=grocer.site["id"])["slip_code"]
    [arrived] = grocer.record("receive", slip_code=slip)["outputs"]
    seller.record(
        "sell", lines=[line(batch, "94.5", amount_fen=28_350)],
        buyer={"name": "老城关饭馆", "contact": "13800000099"},
    )  # fmt: skip

    # 市场随时看：去向、数量、买主。 The market sees where, how much, to whom, as of this moment.
    went = market.get("/trace", params={"code": batch["code"], "direction": "forward"})
    assert went.status_code == 200, went.text
    trace = went.json()
    start, shop = trace["nodes"]
    assert (start["in"]["grams"], start["out"]["grams"], start["on_hand"]["grams"]) == (820_500, 420_500, 400_000)
    assert (shop["site"]["name"], shop["party"]["name"], shop["code"]) == ("惠济区社区菜店",) * 2 + (arrived["code"],)
    assert [(link["kind"], link["quantity"]["grams"]) for link in trace["links"]] == [("move", 300_500)]
    balance = market.scan(batch["code"])["balance"]
    assert (balance["sold"], balance["shipped"], balance["on_hand"]) == (120_000, 300_500, 400_000)
    assert balance["receipts"] == 1
    deals = market.get("/events", params={"custody": batch["custody_id"], "kind": "sell"}).json()["items"]
    assert [(deal["body"]["buyer"]["name"], deal["body"]["lines"][0]["quantity"]["value"]) for deal in deals] == [
        ("老城关饭馆", "94.5")
    ]
    shipped = market.get("/events", params={"custody": batch["custody_id"], "kind": "ship"}).json()["items"]
    assert [event["body"]["to_site_id"] for event in shipped] == [grocer.site["id"]]
    # 下一笔卖出，数字马上变。 Live: the next sale is in the next answer.
    handheld.prints(line(batch, "0.5"))
    handheld.upload()
    assert market.scan(batch["code"])["balance"]["on_hand"] == 399_500

    # 一张表说清：去了哪里、多少、卖给了谁，登记的店、没登记的饭馆、零售的小票都在内。
    # One answer says it all: the registered shop, the canteen that is not, and each receipt of the handheld.
    (buyer,) = market.trace("forward", code=batch["code"])["recipients"]
    assert (buyer["name"], buyer["contact"], buyer["quantity"]["value"], buyer["kind"]) == (
        "老城关饭馆", "13800000099", "94.5", "sell",
    )  # fmt: skip
    query = {"site": market.site["id"], "direction": "forward", "from": ago(hours=24)}
    told = [json.loads(row) for row in market.get("/trace", params={**query, "format": "ndjson"}).text.splitlines()]
    assert told[-1]["summary"] | {"events": 0} == {
        "nodes": 2, "links": 1, "events": 0, "gaps": 0, "documents": 2, "tests": 0, "recipients": 1, "receipts": 2,
        "truncated": False,
    }  # fmt: skip
    assert {row["receipt"]["receipt_code"] for row in told if "receipt" in row} >= {printed}
    sheet = market.get("/trace", params={**query, "format": "csv", "sheet": "recipients"}).content.decode("utf-8-sig")
    assert "老城关饭馆,13800000099" in sheet
    looked = story.admin.get("/audit", params={"kind": "event"}).json()["items"]
    assert looked, "who looks at a buyer's telephone is in the log"

    # 别的店看不到这些；公众更看不到。 Another shop sees none of it; the public neither.
    assert stranger.get("/events", params={"custody": batch["custody_id"]}).json()["items"] == []
    assert stranger.scan(batch["code"])["balance"] is None
    others = stranger.get("/trace", params={"code": batch["code"], "direction": "forward"}).json()
    assert others["recipients"] == []
    assert {node["out"] for node in others["nodes"]} == {None}
    assert {link["quantity"] for link in others["links"]} == {None}
    assert story.public.get("/trace", params={"code": batch["code"], "direction": "forward"}).status_code == 401
    secrets = ["老城关饭馆", "13800000099", "惠济区社区菜店", "13800000001", "820.5", "300.5", "94.5", "25.5"]
    for code in (batch["code"], printed, seller.site["code"], slip):
        story.hides(code, secrets)
