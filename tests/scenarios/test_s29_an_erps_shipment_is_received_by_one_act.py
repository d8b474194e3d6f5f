"""S29 供应商的 EPCIS 发货，市场一步收货

工厂的 ERP 把托盘 (SSCC) 上两批货、发货通知单号、收货方 GLN 一起用 EPCIS 报上来；市场的入口当即看到：谁发的、什么、
多少、哪一天、哪张单。入口照旧查验（没有凭证就要检测），扫托盘的码、纸箱的 GTIN 加批号，或点一下，就收了货，链条就接上，
一个字也不用打。市场自己的 ERP 报收货也一样；发货撤销了，单子就作废；GLN 后来才登记，货照样认得出。

A maker's ERP reports a pallet of two lots with its despatch advice and the receiver's GLN. The market's gate sees it at
once, judges it by its own rules, and takes it in by one act: a tap, the pallet's SSCC, or GTIN and lot. The chain is
joined without a word typed.
"""

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, delete

from app.domain.codes import CodeKind, mint
from app.domain.epcis.named import Role
from app.store import tables
from app.store.check import verify
from app.store.rebuild import rebuild
from tests.support.cast import Actor, ago
from tests.support.desk import at_desk, cheap_hashes
from tests.support.epcis import captured, document, event
from tests.support.story import Story

WORKS, GATE = "https://id.gs1.org/414/6901234500011", "6901234500028"
PALLET = "https://id.gs1.org/00/069012340000000016"
SAUCE, CHILLI = "https://id.gs1.org/01/06901234567892", "https://id.gs1.org/01/06901234567908"
DESADV = "urn:epcglobal:cbv:bt:6901234500011:ASN-0301"
LOTS = [
    {"epcClass": f"{SAUCE}/10/LJJ0301", "quantity": 15, "uom": "KGM"},
    {"epcClass": f"{CHILLI}/10/LJ0228", "quantity": 40, "uom": "KGM"},
]
SENT: dict[str, Any] = {
    "epcList": [PALLET],
    "destinationList": [{"type": "location", "destination": "urn:epc:id:sgln:6901234.50002.0"}],
    "bizTransactionList": [{"type": "desadv", "bizTransaction": DESADV}],
}


def shipment(hours: float = 20) -> list[dict[str, Any]]:
    """Made, packed on a pallet, and sent to the market."""
    return [
        event("Object", hours + 4, "commissioning", at=WORKS, action="ADD", quantityList=LOTS),
        event("Aggregation", hours + 2, "packing", at=WORKS, action="ADD", parentID=PALLET, childQuantityList=LOTS),
        event("Object", hours, "shipping", at=WORKS, **SENT),
    ]


@pytest.fixture
def maker(story: Story) -> Actor:
    return story.enrol("producer", "中宁辣椒酱厂", "processor", None, region="640521")


@pytest.fixture
def market(story: Story) -> Actor:
    market = story.enrol("market", "银川新华街市场", "market", "market", region="640104")
    assert story.admin.patch(f"/sites/{market.site['id']}", {"gln": GATE}).status_code == 200
    return market


def listed(actor: Actor, **asked: str) -> list[dict[str, Any]]:
    answer = actor.get("/deliveries", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_shipment_is_seen_judged_and_received(story: Story, maker: Actor, market: Actor, engine: Engine) -> None:
    named = {"EPCClass": {f"{SAUCE}/10/LJJ0301": "辣椒酱"}, "Location": {WORKS: "中宁辣椒酱厂仓库"}}
    captured(maker, document(*shipment(), **named))
    # 一、入口看到在途的货。 The gate sees what is under way.
    [coming] = listed(market)
    assert (coming["from_site"]["name"], coming["reported_by"]["name"]) == ("中宁辣椒酱厂仓库", "中宁辣椒酱厂")
    assert (coming["to_site"]["id"], coming["captured"]) == (market.site["id"], True)
    assert coming["papers"] == [{"type": "desadv", "id": DESADV}]
    assert coming["units"] == [PALLET]
    assert {(item["lot_number"], item["remaining"]["grams"]) for item in coming["items"]} == {
        ("LJJ0301", 15_000), ("LJ0228", 40_000),
    }  # fmt: skip
    # 别人看不到，也收不走。 Nobody else sees it, or takes it.
    other = story.enrol("market", "别处市场", "market", "market", region="640104")
    assert listed(other) == []
    other.refused("receive", 403, slip_code=coming["slip_code"])
    # 二、扫什么都找得到。 Whatever is scanned leads to it.
    box = "(01)06901234567892(10)LJJ0301"
    for scan in (PALLET, "00" + PALLET[-18:], "urn:epc:id:sscc:6901234.0000000001", box, f"{SAUCE}/10/LJJ0301"):
        assert [one["slip_code"] for one in listed(market, scan=scan)] == [coming["slip_code"]], scan
    assert market.get("/deliveries", params={"scan": f"{SAUCE}/10/NONE"}).status_code == 404
    # 三、入场规则照旧：没有凭证，先检测。 The gate's rules are what they are: no paper, so a test first.
    gate = market.record("admit", slip_code=coming["slip_code"])
    assert gate["decision"] == "refused"
    for item in coming["items"]:
        market.record("test", custody_id=item["custody_id"], stage="rapid", item="农残", verdict="pass")
    assert market.record("admit", slip_code=coming["slip_code"])["decision"] == "admitted"
    # 四、一步收货。 One act receives it all.
    outputs = market.record("receive", slip_code=coming["slip_code"])["outputs"]
    assert {output["quantity"]["grams"] for output in outputs} == {15_000, 40_000}
    assert listed(market) == []
    again = market.refused("receive", 409, slip_code=coming["slip_code"])
    assert again["type"].endswith("slip-used-up")
    # 五、链条接上了，没有缺口。 The chain is joined, and has no gap.
    trace = market.trace("back", custody=outputs[0]["custody_id"])
    assert trace["gaps"] == []
    assert len(trace["nodes"]) == 2
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_the_receivers_own_system_receives_it_too(maker: Actor, market: Actor, engine: Engine) -> None:
    captured(maker, document(*shipment()))
    [coming] = listed(market)
    came = [event("Object", 10, "receiving", at=f"https://id.gs1.org/414/{GATE}", quantityList=LOTS[:1])]
    captured(market, document(*came))
    [left] = listed(market)
    assert [item["lot_number"] for item in left["items"]] == ["LJ0228"]
    # 已经报过收货的再收一次，就是多收，要提示。 What has come is not received once more without a flag.
    sauce = next(item["custody_id"] for item in coming["items"] if item["lot_number"] == "LJJ0301")
    part = {"custody_id": sauce, "quantity": {"value": "15", "unit": "公斤"}}
    twice = market.record("receive", slip_code=coming["slip_code"], items=[part])
    assert [flag["slug"] for flag in twice["flags"]] == ["more_than_slip"]
    market.record("correct", event_id=twice["id"], reason="did_not_occur")
    [taken] = market.record("receive", slip_code=coming["slip_code"])["outputs"]
    assert taken["quantity"]["grams"] == 40_000
    assert listed(market) == []
    assert verify(engine) == []


def test_a_slip_that_is_void_has_brought_nothing(story: Story, market: Actor, engine: Engine) -> None:
    """作废的单子不算到货。 What has come is not counted to a slip that was taken back."""
    maker = story.enrol("producer", "中宁辣椒酱厂", "processor", "plant", region="640521")
    assert story.admin.patch(f"/sites/{maker.site['id']}", {"gln": WORKS.rpartition("/")[2]}).status_code == 200
    captured(maker, document(event("Object", 24, "commissioning", at=WORKS, action="ADD", quantityList=LOTS[:1])))
    [goods] = maker.trace("back", epc=LOTS[0]["epcClass"])["nodes"]
    sent = {"items": [{"custody_id": goods["id"], "quantity": {"value": "15", "unit": "公斤"}}]}
    wrong = maker.record("ship", **sent, to_site_id=market.site["id"])
    maker.record("correct", event_id=wrong["id"], reason="did_not_occur")
    maker.record("ship", **sent, to_site_id=market.site["id"])
    assert [item["remaining"]["grams"] for one in listed(market) for item in one["items"]] == [15_000]
    came = event("Object", -1, "receiving", at=f"https://id.gs1.org/414/{GATE}", quantityList=LOTS[:1])
    captured(market, document(came))
    assert listed(market) == []
    assert verify(engine) == []


def test_a_shipment_taken_back_and_told_again(maker: Actor, market: Actor, engine: Engine) -> None:
    events = shipment()
    captured(maker, document(*events))
    [coming] = listed(market)
    declared = events[2] | {"errorDeclaration": {"declarationTime": ago(hours=5), "reason": "incorrect_data"}}
    right = events[2] | {"eventTime": ago(hours=19)}
    captured(maker, document(declared, right))
    [instead] = listed(market)
    assert instead["slip_code"] != coming["slip_code"]
    refusal = market.refused("receive", 409, slip_code=coming["slip_code"])
    assert refusal["type"].endswith("slip-voided")
    assert market.scan(coming["slip_code"])["status"] == "revoked"
    # 收了一半才撤销：收到的还在，没有来的不再等。 Taken back when some had come: what came stays.
    item = instead["items"][0]
    part = {"custody_id": item["custody_id"], "quantity": {"value": "5", "unit": "公斤"}}
    market.record("receive", slip_code=instead["slip_code"], items=[part])
    captured(maker, document(right | {"errorDeclaration": declared["errorDeclaration"]}))
    assert listed(market) == []
    assert verify(engine) == []
    assert rebuild(engine) == []


@pytest.mark.parametrize("early", [False, True], ids=["told afterwards", "told before the shipment"])
def test_what_turns_out_not_to_have_been_shipped(maker: Actor, market: Actor, engine: Engine, early: bool) -> None:
    """其实没装车：整托盘或其中一部分不再等；先到后到都一样。 Left on the dock, all or some (void_shipping)."""
    [made, packed, sent] = shipment()
    at = {"at": WORKS, "bizTransactionList": SENT["bizTransactionList"]}
    some = event("Object", 15, "void_shipping", **at, quantityList=[LOTS[1] | {"quantity": 10}])
    for part in ([some], [made, packed, sent]) if early else ([made, packed, sent], [some]):
        captured(maker, document(*part))
    [coming] = listed(market)
    assert sorted(item["remaining"]["grams"] for item in coming["items"]) == [15_000, 30_000]
    # 收了之后才撤销：收到的还在，撤销的一方被提示。 Voided after it was received: what came stays, and it is flagged.
    sauce = next(item for item in coming["items"] if item["lot_number"] == "LJJ0301")
    market.record(
        "receive",
        slip_code=coming["slip_code"],
        items=[{"custody_id": sauce["custody_id"], "quantity": {"value": "15", "unit": "公斤"}}],
    )
    all_ = event("Object", 5, "void_shipping", **at, epcList=[PALLET])
    job = captured(maker, document(all_))
    [outcome] = job["onecode:outcome"]["outcomes"]
    assert "received_though_void" in str(outcome["flags"])
    assert listed(market) == []
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_by_the_word_of_others_nothing_is_taken_back_and_nothing_has_come(
    story: Story, maker: Actor, market: Actor, engine: Engine
) -> None:
    """别人声明发货有误、说市场已经收到，都不作数；平台运营方可以。 Only who said it takes it back, and the operator."""
    other = story.enrol("producer", "别家厂", "processor", None, region="640521")
    sent = shipment()
    captured(maker, document(*sent))
    wrong = {"errorDeclaration": {"declarationTime": ago(hours=5), "reason": "incorrect_data"}}
    came = event("Object", 10, "receiving", at=f"https://id.gs1.org/414/{GATE}", quantityList=LOTS)
    coming = listed(market)
    void = event("Object", 9, "void_shipping", at=WORKS, epcList=[PALLET])
    job = captured(other, document(sent[2] | wrong, came, void))
    assert listed(market) == coming
    said = [other.get(f"/events/{one['id']}").json()["flags"] for one in job["onecode:outcome"]["outcomes"]]
    assert [{flag["slug"] for flag in flags} for flags in said] == [
        {"declared_by_others"}, {"reported_by_others"}, {"nothing_to_void"},
    ]  # fmt: skip
    assert verify(engine) == []
    assert rebuild(engine) == []
    captured(story.admin, document(sent[2] | {"errorDeclaration": {"declarationTime": ago(hours=1)}}))
    assert listed(market) == []
    assert verify(engine) == []


def test_at_the_desk_a_scan_and_a_tap(story: Story, maker: Actor, market: Actor) -> None:
    captured(maker, document(*shipment()))
    # 市场自己开的单也在同一张表里。 A slip made out here stands in the same list.
    farm = story.enrol("producer", "盐池滩羊合作社", "producer", "farm", region="640323")
    mutton = farm.record("produce", outputs=[story.output(story.product("羊肉", "mutton"), "20")])["outputs"][0]
    slip = farm.record("ship", items=[story.item(mutton, "20")], to_site_id=market.site["id"])["slip_code"]
    assert [(one["captured"], one["papers"] != []) for one in listed(market)] == [(False, False), (True, True)]
    assert [one["slip_code"] for one in listed(market, scan=mutton["code"])] == [slip]
    assert [one["slip_code"] for one in listed(market, scan=mutton["lot_code"])] == [slip]
    assert [one["slip_code"] for one in listed(market, scan=slip, site_id=market.site["id"])] == [slip]
    with cheap_hashes():
        desk = at_desk(story, "gate.a", "market", party_id=market.party["id"])
        assert "ASN-0301" in desk.open("/desk/deliveries")
        text = desk.open(f"/desk/deliveries?scan={quote('(00)' + PALLET[-18:])}")
        assert "羊肉" not in text
        desk.submit(f"/desk/deliveries/{listed(market)[1]['slip_code']}", act="admit")
        assert "已拒绝入场" in desk.open("/desk/deliveries")
        desk.open(f"/desk/deliveries?scan={slip}")
        assert "已收货" in desk.open(desk.submit(f"/desk/deliveries/{slip}", act="receive").headers["location"])
        assert "羊肉" not in desk.open("/desk/deliveries")
    unissued = mint(CodeKind.LOT)
    for refused, scan in ((404, "(01)06901234567892(10)NONE"), (404, unissued), (400, "(00)1"), (400, "x")):
        assert market.get("/deliveries", params={"scan": scan}).status_code == refused, scan
    assert market.get("/deliveries", params={"site_id": farm.site["id"]}).status_code == 404
    assert story.key("lab", party_id=market.party["id"]).get("/deliveries").status_code == 403


def test_goods_on_many_slips_are_found_page_by_page(maker: Actor, market: Actor) -> None:
    """同一批货分几车来：扫一下，一页一页都在。 One lot on several lorries: a scan finds them all, page by page."""
    sent = {"destinationList": SENT["destinationList"], "quantityList": LOTS[:1]}
    captured(maker, document(*(event("Object", hours, "shipping", at=WORKS, **sent) for hours in (5, 4, 3))))
    asked, found = {"scan": f"{SAUCE}/10/LJJ0301", "limit": "2"}, []
    while asked:
        page = market.get("/deliveries", params=asked).json()
        found.append([item["remaining"]["grams"] for one in page["items"] for item in one["items"]])
        asked = asked | {"cursor": page["next"]} if page["next"] else {}
    assert found == [[15_000, 15_000], [15_000]]


def test_goods_taken_in_before_their_document_came(story: Story, maker: Actor, market: Actor, engine: Engine) -> None:
    """先按外购收下，文档后到：认一认来源，在途的就不再等，账也不重扣。 Taken in first, told of later."""
    sauce = story.product("辣椒酱", "sauce", gtin="06901234567892")
    goods = {"product_id": sauce["id"], "quantity": {"value": "15", "unit": "公斤"}}
    taken = market.record("receive", **{"from": {"name": "中宁辣椒酱厂"}}, items=[goods])["outputs"][0]
    captured(maker, document(*shipment()))
    [coming] = listed(market)
    [source] = [item["custody_id"] for item in coming["items"] if item["lot_number"] == "LJJ0301"]
    [gap] = market.trace("back", custody=taken["custody_id"])["gaps"]
    market.record("identify", gap_custody_id=gap["node_id"], parent_custody_id=source)
    assert len(listed(market)[0]["items"]) == 2  # claimed is not confirmed
    story.admin.record("identify", site_id=None, gap_custody_id=gap["node_id"], parent_custody_id=source)
    assert [item["lot_number"] for item in listed(market)[0]["items"]] == ["LJ0228"]
    market.record("receive", slip_code=coming["slip_code"])
    assert story.admin.get(f"/balance?custody={source}").json()["total"]["shipped"]["grams"] == 15_000
    # 单上的都收了，再认一批同源的，就是多出来的。 What came off the slip is accounted for: more of it is too much.
    [chilli] = [item["custody_id"] for item in coming["items"] if item["lot_number"] == "LJ0228"]
    goods["product_id"] = story.product("红辣椒", "chilli", gtin="06901234567908")["id"]
    more = market.record("receive", **{"from": {"name": "中宁辣椒酱厂"}}, items=[goods])["outputs"][0]
    [gap] = market.trace("back", custody=more["custody_id"])["gaps"]
    said = story.admin.record("identify", site_id=None, gap_custody_id=gap["node_id"], parent_custody_id=chilli)
    assert [flag["slug"] for flag in said["flags"]] == ["more_than_there"]
    assert verify(engine) == []


def test_a_gln_that_is_enrolled_later_finds_what_was_sent_to_it(story: Story, maker: Actor, engine: Engine) -> None:
    captured(maker, document(*shipment()))
    market = story.enrol("market", "银川新华街市场", "market", "market", region="640104")
    assert listed(market) == []
    assert story.admin.patch(f"/sites/{market.site['id']}", {"gln": GATE}).status_code == 200
    [coming] = listed(market)
    # 登错了，收回去，就不再是它的。 Written in error, and taken back: it is the market's no more.
    assert story.admin.patch(f"/sites/{market.site['id']}", {"gln": None}).status_code == 200
    assert listed(market) == []
    assert market.refused("receive", 409, slip_code=coming["slip_code"])["type"].endswith("slip-voided")
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_goods_for_a_party_with_one_place(story: Story, maker: Actor, market: Actor, engine: Engine) -> None:
    """只写收货单位的 GLN：它只有一处场所，就是那里。 A party's GLN alone, of a party that has one place: that place."""
    number = {"external_codes": [{"scheme": "gln", "value": GATE}]}
    assert story.admin.patch(f"/parties/{market.party['id']}", number).status_code == 200
    [made, packed, sent] = shipment()
    owner = {"type": "owning_party", "destination": "https://id.gs1.org/417/6901234500011"}
    holder = {"type": "possessing_party", "destination": "urn:epc:id:pgln:6901234.50002"}
    captured(maker, document(made, packed, sent | {"destinationList": [owner, holder]}))
    [coming] = listed(market)
    assert coming["to_site"]["id"] == market.site["id"]
    assert market.record("receive", slip_code=coming["slip_code"])["outputs"]
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_after_an_upgrade_rebuild_knows_what_came_before(maker: Actor, market: Actor, engine: Engine) -> None:
    """旧版本时收进来的文档，db rebuild 之后也有单，主数据也查得到。 As captured by a program that knew no slips."""
    named = {"Location": {WORKS: "中宁辣椒酱厂仓库"}}
    captured(maker, document(*shipment(), **named))
    with engine.begin() as connection:
        connection.execute(delete(tables.epc_event).where(tables.epc_event.c.roles == int(Role.DESTINATION)))
        for table in (tables.slip_item, tables.slip, tables.site_alias, tables.vocabulary_attribute):
            connection.execute(delete(table))
    asked = (
        f"/epcis/events?EQATTR_bizLocation_{quote('urn:epcglobal:cbv:mda#name', safe='')}={quote('中宁辣椒酱厂仓库')}"
    )
    assert listed(market) == []
    told = rebuild(engine)
    assert any("slip of captured event" in line for line in told)
    assert any(line.startswith(f"vocabulary element {WORKS}") for line in told)
    assert len(listed(market)) == 1
    found = maker.request("GET", asked).json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert len(found) == 3
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_a_sender_is_told_that_nobody_sees_it(maker: Actor, market: Actor) -> None:
    """有单无收货方，或没有发货地点：告诉发货方。 A despatch advice without receiver, a shipment from nowhere."""
    [made, packed, sent] = shipment()
    nobody = {name: value for name, value in sent.items() if name != "destinationList"}
    nowhere = {name: value for name, value in sent.items() if name not in ("readPoint", "bizLocation")}
    paper = {name: value for name, value in sent.items() if name not in ("type", "action")}
    other = paper | {"type": "TransactionEvent", "action": "ADD"}
    for event_, slug in ((nobody, "no_receiver"), (nowhere, "no_departure"), (other, "no_slip")):
        job = captured(maker, document(made, packed, event_))
        assert [flag["slug"] for flag in job["onecode:outcome"]["outcomes"][2]["flags"]] == [slug]
    assert listed(market) == []
