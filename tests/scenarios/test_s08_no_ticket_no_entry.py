"""S08 电子一票通 · 甘肃嘉峪关

菜市场无票不得入场：货到门口先扫电子一票通，没有票的一律不放行。外省来的货另要五证：营业执照、生产许可证、检测报告、产地证明、购货凭证，
并登记进货台账，缺哪一样门口一次说清。发现问题商户，一键锁定，它的密钥、手持机立刻失灵，摊位码当场变红；查清解锁，恢复如常。

No e-ticket, no entry. Goods from another province also need five papers and an entry in the purchase ledger; the gate
names everything that is missing at once. A problem seller is locked at once: its keys and its scale stop working within
a second and its stall's page turns red; unlocked, it goes on where it stopped.
"""

from typing import Any

from app.domain.codes import CodeKind, mint
from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, day, line, slugs, soon

JIAYUGUAN, JIUQUAN, TURPAN = "620201", "620902", "650402"
FIVE = ("business_licence", "production_licence", "test_report", "origin_proof", "purchase_slip")
TICKET = {"category": "*", "slip": True}
FIVE_PAPERS = {"category": "*", "origin": "outside_province", "requires": [[paper] for paper in FIVE]}


def open_market(story: Story, name: str, kind: str, *rules: dict[str, Any]) -> Actor:
    market = story.enrol("market", name, "market", kind, region=JIAYUGUAN)
    answer = market.request("PUT", f"/sites/{market.site['id']}/admission-rules", json=list(rules))
    assert answer.status_code == 200, answer.text
    return market


def stall_in(story: Story, market: Actor, name: str) -> Actor:
    return story.enrol("vendor", name, "vendor", "stall", parent=market, region=JIAYUGUAN)


def test_without_an_e_ticket_nothing_enters(story: Story) -> None:
    market = open_market(story, "新华南路菜市场", "market", TICKET)
    stall = stall_in(story, market, "8号 蔬菜摊")
    farm = story.enrol("producer", "酒泉肃州蔬菜基地", "producer", "farm", region=JIUQUAN)
    onion = story.product("洋葱")
    [lot] = farm.record("produce", outputs=[story.output(onion, "501.5", lot_number="YC-0301")])["outputs"]

    # 有票：扫票入场。 With a ticket: the gate scans it and lets the goods in.
    ticket = farm.record("ship", items=[story.item(lot, "200.5")], to_site_id=stall.site["id"])["slip_code"]
    assert ticket.startswith("T")
    assert "入场查验" in story.read(ticket, reader=market), "the gate is offered its check on the ticket's page"
    admitted = market.record("admit", slip_code=ticket)
    assert (admitted["decision"], admitted["reasons"], admitted["slip_code"]) == ("admitted", [], ticket)
    [onions] = stall.record("receive", slip_code=ticket)["outputs"]
    assert story.public.scan(onions["code"])["status"] == "ok"
    assert "入场查验：准入" in story.read(onions["code"])

    # 无票：自己拉来的一车，拒绝入场，缺的就是票。 Without: refused, for want of the ticket.
    [fetched] = stall.record(
        "receive", event_time=ago(hours=2), **{"from": {"name": "路边货车"}},
        items=[{"product_id": onion["id"], "quantity": quantity("300.5")}],
    )["outputs"]  # fmt: skip
    refused = market.record("admit", custody_ids=[fetched["custody_id"]])
    assert refused["decision"] == "refused"
    assert refused["reasons"] == [
        {
            "slug": "slip-missing",
            "detail": "洋葱：缺少电子一票通 · 洋葱: an e-ticket (slip) is missing",
            "missing": ["slip"],
        }
    ]
    page = story.public.scan(fetched["code"])
    assert (page["status"], page["status_reason"]) == (
        "refused", "洋葱：缺少电子一票通 · 洋葱: an e-ticket (slip) is missing",
    )  # fmt: skip
    assert story.colour(fetched["code"]) == "red"
    # 偷着卖了：记下来，标记给市场和监管。 Sold all the same: recorded, flagged for market and regulator.
    sold = stall.record("sell", lines=[line(fetched, "1.5")])
    assert slugs(sold["flags"]) == ["refused_goods"]
    office = story.key("regulator", region="6202")
    for reader in (market, office):
        found = reader.get("/events", params={"flag": "refused_goods"}).json()["items"]
        assert [event["id"] for event in found] == [sold["id"]]

    # 假票、抄错的票、作废的票，都进不来。 A ticket that was never issued, mistyped, or voided lets nothing in.
    assert market.refused("admit", 404, slip_code=mint(CodeKind.SLIP))["type"] == "/problems/unknown-slip"
    wrong = ticket[:-1] + ("0" if ticket[-1] != "0" else "1")
    assert market.refused("admit", 400, slip_code=wrong)["type"] == "/problems/mistyped-code"
    other = farm.record("ship", items=[story.item(lot, "100.5")], to_site_id=stall.site["id"])
    farm.record("correct", event_id=other["id"], reason="did_not_occur")
    assert market.refused("admit", 409, slip_code=other["slip_code"])["type"] == "/problems/slip-voided"
    # 公众扫票：看得到来路，看不到发给谁、多少。 The public sees the ticket's way, not to whom, nor how much.
    story.hides(ticket, ["8号 蔬菜摊", "200.5", "新华南路菜市场 8"])


def test_a_purchase_from_another_province_needs_five_papers_and_a_ledger_entry(story: Story) -> None:
    wholesale = open_market(story, "嘉峪关农产品批发市场", "wholesale", {"category": "*"}, FIVE_PAPERS)
    retail = open_market(story, "新华南路菜市场", "market", TICKET, FIVE_PAPERS)
    trader, stall = stall_in(story, wholesale, "果品批发 3 号"), stall_in(story, retail, "果品摊 2 号")
    raisins = story.product("葡萄干", "fruit")

    def papers(owner: Actor, *kinds: str, **fields: str) -> list[str]:
        return [story.document(owner, kind, number=f"新{kind[:3]}-01", **fields)["id"] for kind in kinds]

    def bought(document_ids: list[str], value: str) -> dict[str, Any]:
        """The ledger entry: what, how much, from whom, on what papers."""
        source = {
            "name": "吐鲁番高昌区果品商行",
            "contact": "13900000065",
            "address": "新疆吐鲁番市高昌区",
            "document_ids": document_ids,
        }
        entered = {"product_id": raisins["id"], "quantity": quantity(value), "produced_on": day(-30)}
        [batch] = trader.record("receive", **{"from": source}, items=[entered], event_time=ago(hours=6))["outputs"]
        return batch

    # 只带了两证：另外三证，一次说清。 Two papers came along: the other three are named, all at once.
    three = bought(papers(trader, "business_licence", "origin_proof"), "610.5")
    refused = wholesale.record("admit", custody_ids=[three["custody_id"]])
    assert [reason["missing"] for reason in refused["reasons"]] == [
        ["production_licence"], ["test_report"], ["purchase_slip"],
    ]  # fmt: skip
    assert refused["reasons"][0]["detail"] == "葡萄干：缺少食品生产许可证 · 葡萄干: production licence is missing"
    # 过期的证不算。 A paper past its date does not count.
    lapsed = papers(trader, "test_report", expires_on=day(-1)) + papers(
        trader, "business_licence", "production_licence", "origin_proof", "purchase_slip"
    )
    stale = bought(lapsed, "200.5")
    refused = wholesale.record("admit", custody_ids=[stale["custody_id"]])
    assert [reason["missing"] for reason in refused["reasons"]] == [["test_report"]]
    # 没有台账的货，门口无从查起。 Goods that stand in no ledger cannot even be asked about.
    nowhere = "00000000-0000-5000-8000-000000000000"
    assert wholesale.refused("admit", 404, custody_ids=[nowhere])["type"] == "/problems/unknown-custody"

    # 五证齐、台账在：放行。 All five and the ledger entry: let in.
    batch = bought(papers(trader, *FIVE), "405.25")
    assert wholesale.record("admit", custody_ids=[batch["custody_id"]])["decision"] == "admitted"
    office = story.key("regulator", region="6202")
    ledger = office.get("/events", params={"kind": "receive", "custody": batch["custody_id"]}).json()["items"]
    [entry] = ledger
    assert entry["body"]["from"]["name"] == "吐鲁番高昌区果品商行"
    assert entry["body"]["from"]["contact"] == "13900000065"
    assert len(entry["body"]["from"]["document_ids"]) == 5
    assert entry["outcome"]["outputs"][0]["quantity"] == {
        "value": "405.25", "unit": "公斤", "grams": 405_250, "pieces": None,
    }  # fmt: skip
    # 再从批发市场凭票进菜市场：票是本省开的，五证不必再交一遍。 On to the retail market, by a ticket of the province.
    ticket = trader.record("ship", items=[story.item(batch, "80.25")], to_site_id=stall.site["id"])["slip_code"]
    assert retail.record("admit", slip_code=ticket)["decision"] == "admitted"
    [on_stall] = stall.record("receive", slip_code=ticket)["outputs"]
    page = story.public.scan(on_stall["code"])
    assert {document["type"] for document in page["documents"]} == set(FIVE)
    assert [gap["from"]["name"] for gap in page["gaps"]] == ["吐鲁番高昌区果品商行"]
    story.hides(on_stall["code"], ["13900000065", "新疆吐鲁番市高昌区", "405.25", "80.25"])

    # 外省登记商户带票直发菜市场：有票，还要五证。 A registered grower of another province ships straight to the stall.
    grower = story.enrol("producer", "吐鲁番葡萄专业合作社", "producer", "farm", region=TURPAN)
    [own] = grower.record("produce", outputs=[story.output(raisins, "300.5", lot_number="PT-01")])["outputs"]
    direct = grower.record("ship", items=[story.item(own, "90.5")], to_site_id=stall.site["id"])["slip_code"]
    refused = retail.record("admit", slip_code=direct)
    assert [reason["missing"] for reason in refused["reasons"]] == [[paper] for paper in FIVE]
    for paper in papers(grower, "business_licence", "production_licence"):
        grower.record("certify", site_id=grower.site["id"], document_id=paper)
    for paper in papers(grower, "test_report", "origin_proof", "purchase_slip"):
        grower.record("certify", custody_id=own["custody_id"], document_id=paper)
    assert retail.record("admit", slip_code=direct)["decision"] == "admitted"


def test_a_problem_seller_is_locked_at_once(story: Story) -> None:
    market = open_market(story, "新华南路菜市场", "market", TICKET)
    stall, neighbour = stall_in(story, market, "8号 蔬菜摊"), stall_in(story, market, "9号 蔬菜摊")
    farm = story.enrol("producer", "酒泉肃州蔬菜基地", "producer", "farm", region=JIUQUAN)
    office = story.key("regulator", region="6202")
    onion = story.product("洋葱")
    [lot] = farm.record("produce", outputs=[story.output(onion, "501.5")])["outputs"]
    batches = {}
    for who in (stall, neighbour):
        slip = farm.record("ship", items=[story.item(lot, "100.5")], to_site_id=who.site["id"])["slip_code"]
        [batches[who.site["code"]]] = who.record("receive", slip_code=slip)["outputs"]
    scale = story.handheld(stall, "8号摊追溯秤", "scale")
    next_door = story.handheld(neighbour, "9号摊追溯秤", "scale")
    mine, theirs = batches[stall.site["code"]], batches[neighbour.site["code"]]
    scale.prints(line(mine, "1.5"))
    scale.upload()

    # 锁定：一秒之内，密钥、秤全部失灵。 Locked: within a second neither key nor scale is taken any more.
    why = "掺杂使假，立案调查 · adulteration, under investigation"
    locked = office.patch(f"/parties/{stall.party['id']}", {"status": "locked", "status_reason": why})
    assert locked.json()["status"] == "locked"
    assert soon(lambda: stall.get("/events").status_code == 403)
    printed = scale.prints(line(mine, "2.5"))
    assert soon(lambda: scale.get("/devices").status_code == 403)
    problem = stall.refused("sell", 403, lines=[line(mine, "1")])
    assert problem["type"] == "/problems/party-locked"
    assert "掺杂使假，立案调查" in problem["detail"]
    assert scale.post("/sales", {"sales": scale.unsent}).json()["type"] == "/problems/party-locked"
    # 顾客当场看到红码和原因；隔壁摊照常。 Shoppers see red and why; the stall next door is not touched.
    page = story.public.scan(stall.site["code"])
    assert (page["status"], story.colour(stall.site["code"])) == ("held", "red")
    assert "暂停营业" in story.read(stall.site["code"])
    assert "掺杂使假，立案调查" in story.read(stall.site["code"])
    assert story.public.scan(stall.party["code"])["status"] == "held"
    next_door.prints(line(theirs, "1.5"))
    assert next_door.upload()[0]["status"] == "recorded"
    assert story.public.scan(neighbour.site["code"])["status"] == "ok"
    # 锁定期间，秤打出的小票是真的，但没有入账。 A receipt printed meanwhile is genuine, its sale not booked.
    assert story.public.scan(printed)["status"] == "pending"

    # 解锁：接着干，没传上去的销售一笔不少。 Unlocked: it goes on, and the sale that waited goes in.
    office.patch(f"/parties/{stall.party['id']}", {"status": "active"})
    assert soon(lambda: stall.get("/events").status_code == 200)
    assert soon(lambda: scale.get("/devices").status_code == 200)
    assert scale.upload()[0]["receipt_code"] == printed
    assert story.public.scan(printed)["status"] == "ok"
    assert market.scan(mine["code"])["balance"]["sold"] == 4_000

    # 只锁一台秤：秤停，人照常。 One scale alone can be locked too: it stops, its owner does not.
    market.patch(f"/devices/{scale.device['id']}", {"status": "locked"})
    assert soon(lambda: scale.get("/devices").status_code == 403)
    scale.prints(line(mine, "1.5"))
    assert scale.post("/sales", {"sales": scale.unsent}).json()["type"] == "/problems/device-locked"
    assert stall.record("sell", lines=[line(mine, "1.5")])["flags"] == []
