"""S16 西湖“114”与投诉反溯 · 杭州西湖

市民只留着一张小票，打电话投诉菜有药味。工作人员按投诉上的码一步查到：哪个批次、谁供的货、从哪块地来，途中检测过什么；
再从源头查到同一批还卖给了谁。

平时则是一个市场一路数据：进了什么货、哪家的、测得怎样、门口拒了谁、哪批停售，一个网址全在里面，没有变化就不重发；
区里的平台凭密钥再取一路明细，断了接着取，一条不漏、一条不重。

A citizen has nothing but a receipt. From the complaint one step leads to the batch, its supplier and its source, with
the tests on the way; and from the source to whoever else has goods of the same lot.
"""

from typing import Any

from tests.scanning.hall import open_hall, today
from tests.support.cast import Actor, ago
from tests.support.story import Story, line, soon


def test_a_complaint_leads_back_to_batch_supplier_and_source(story: Story) -> None:
    office = story.key("regulator", region="330106")
    farm = story.enrol("producer", "三墩蔬菜基地", "producer", "farm", region="330106")
    wholesale = story.enrol("vendor", "勾庄蔬菜批发部", "wholesaler", "wholesale", region="330110")
    market = story.enrol("market", "骆家庄农贸市场", "market", "market", region="330106")
    stall = story.enrol("vendor", "骆家庄 18 号摊", "vendor", "stall", parent=market, region="330106")
    other = story.enrol("vendor", "骆家庄 20 号摊", "vendor", "stall", parent=market, region="330106")
    celery = story.product("芹菜")
    made = farm.record(
        "produce", event_time=ago(hours=30), outputs=[story.output(celery, "200", lot_number="SD-0301")]
    )["outputs"][0]

    def hand_on(sender: Actor, receiver: Actor, goods: dict[str, Any], amount: str, hours: int) -> dict[str, Any]:
        slip = sender.record(
            "ship", event_time=ago(hours=hours), items=[story.item(goods, amount)], to_site_id=receiver.site["id"]
        )["slip_code"]
        received: dict[str, Any] = receiver.record("receive", event_time=ago(hours=hours - 1), slip_code=slip)
        output: dict[str, Any] = received["outputs"][0]
        return output

    there = hand_on(farm, wholesale, made, "200", 28)
    here = hand_on(wholesale, stall, there, "40", 9)
    also = hand_on(wholesale, other, there, "30", 9)
    market.record(
        "test", custody_id=here["custody_id"], stage="rapid", item="有机磷", method="GB/T 5009.199-2003",
        value="12", unit="%", limit="50", event_time=ago(hours=6),
    )  # fmt: skip
    receipt = story.scale(stall).sell(0, line(here, "0.8"))["receipt_code"]

    filed = story.public.post(f"/c/{receipt}/reports", {"text": "芹菜有药味，孩子吃了肚子疼。"})
    assert filed.status_code == 201, filed.text

    # 一、投诉本身就带着批次和摊位。 The complaint names the batch and the stall.
    [complaint] = office.get("/reports").json()["items"]
    assert complaint["site"]["name"] == "骆家庄 18 号摊"
    assert complaint["custody_ids"] == [here["custody_id"]]
    assert complaint["lot_ids"] == [made["lot_id"]]

    # 二、一步到源头：批次、供货方、产地、途中的检测。 One step: batch, supplier, source and the tests between.
    back = office.get(complaint["trace"]).json()
    assert {node["site"]["name"] for node in back["nodes"]} == {"骆家庄 18 号摊", "勾庄蔬菜批发部", "三墩蔬菜基地"}
    assert {"produce", "ship", "receive", "test"} <= {event["kind"] for event in back["events"]}
    assert back["gaps"] == []
    source = max(back["nodes"], key=lambda node: abs(node["depth"]))
    assert (source["site"]["name"], source["lot_number"]) == ("三墩蔬菜基地", "SD-0301")

    way = office.get(f"/reports/{complaint['id']}").json()["way"]
    assert [node["site"]["name"] for node in way["batches"]] == ["骆家庄 18 号摊"]
    assert [node["site"]["name"] for node in way["suppliers"]] == ["勾庄蔬菜批发部"]
    assert [(node["site"]["name"], node["lot_number"]) for node in way["sources"]] == [("三墩蔬菜基地", "SD-0301")]
    assert [test["item"] for test in way["tests"]] == ["有机磷"]

    # 三、同一批还在谁手里。 Who else has goods of that lot.
    forward = office.get("/trace", params={"lot": complaint["lot_ids"][0], "direction": "forward"}).json()
    assert also["custody_id"] in {node["id"] for node in forward["nodes"]}

    # 四、先停售，再答复。 Held at once, then answered.
    office.record("hold", custody_id=complaint["custody_ids"][0], scope="lot", reason="投诉有药味，待检")
    assert story.colour(also["code"]) == "red"
    office.patch(f"/reports/{complaint['id']}", {"answer": "同批芹菜已全部停售送检，请保留剩余食品。"})
    reference = filed.json()["ref"]
    seen = story.client.get(f"/reports/{reference}", headers={"Accept": "application/json"}).json()
    assert seen["state"] == "answered"


def test_one_markets_data_are_one_feed(story: Story) -> None:
    hall = open_hall(story, 4)
    stalls, code = hall.stalls, hall.market.site["code"]
    celery = hall.harvest("芹菜", "SD-0301")
    choy = hall.harvest("上海青", "SD-0302")
    sold = [
        hall.deliver(lot, stall, 0.3) for lot, stall in ((celery, stalls[0]), (celery, stalls[1]), (choy, stalls[2]))
    ]
    hall.test(sold[0], "12", 0.4)
    refused = hall.ship(hall.harvest("韭菜", "SD-0303"), hall.market)
    hall.market.record("admit", event_time=today(0.45), slip_code=refused)

    # 一个网址，一天的数据：摊位、批次、检测、单据、拒收、停售。 One address: stalls, batches, tests, slips, refusals.
    address = f"/boards/{code}.json"
    feed = story.client.get(address)
    assert feed.headers["content-type"] == "application/json"
    told = feed.json()
    assert [(stall["name"], stall["status"]) for stall in told["stalls"]] == [
        ("1号摊 蔬菜", "ok"), ("2号摊 蔬菜", "ok"), ("3号摊 蔬菜", "ok"), ("4号摊 蔬菜", "empty"),
    ]  # fmt: skip
    batches = {(batch["site"]["name"], batch["product"]["name"], *batch["sources"]) for batch in told["batches"]}
    assert batches == {
        ("1号摊 蔬菜", "芹菜", "河东蔬菜合作社"),
        ("2号摊 蔬菜", "芹菜", "河东蔬菜合作社"),
        ("3号摊 蔬菜", "上海青", "河东蔬菜合作社"),
    }
    assert [(test["item"], test["value"], test["verdict"]) for test in told["tests"]] == [("农药残留", "12", "pass")]
    assert [refusal["products"][0]["name"] for refusal in told["refused"]] == ["韭菜"]
    assert len(told["slips"]) == 4
    # 每一批都点得开：批次码通到它的来路。 Every batch leads on: its code opens its way.
    assert [story.public.scan(batch["code"])["status"] for batch in told["batches"]] == ["ok"] * 3

    # 没有变化，再取不重发；一有变化，马上取得到。
    # Nothing is sent again while nothing changes; what changes is there at once.
    unchanged = {"If-None-Match": feed.headers["etag"]}
    assert soon(lambda: story.client.get(address, headers=unchanged).status_code == 304, 5)
    hall.test(sold[0], "71", 0.6)
    assert soon(lambda: story.client.get(address, headers=unchanged).status_code == 200, 5)

    def off_sale() -> list[tuple[str, int]]:
        return [(notice["product"]["name"], len(notice["places"])) for notice in story.board(code)["notices"]]

    assert soon(lambda: off_sale() == [("芹菜", 2)], 5)


def test_the_district_takes_the_markets_events_and_goes_on_after_a_break(story: Story) -> None:
    hall = open_hall(story, 2)
    office = story.key("regulator", region="330106")
    lot = hall.harvest("芹菜", "SD-0304")
    sold = [hall.deliver(lot, stall, 0.3) for stall in hall.stalls]
    for goods in sold:
        hall.test(goods, "12", 0.4)
    first = everything(office, 2)
    assert sorted(event["kind"] for event in first) == ["receive", "receive", "test", "test"]
    assert first == everything(office, 500), "whatever the size of a page"
    assert {event["site_id"] for event in first} <= {stall.site["id"] for stall in hall.stalls} | {
        hall.market.site["id"]
    }

    # 又有几条：已经取过的不再取，新的一条不少。 A few more: what has been taken is known by its id.
    hall.test(sold[1], "71", 0.6)
    later = everything(office, 2)
    assert [event["kind"] for event in later if event not in first] == ["test"]
    assert [event for event in later if event in first] == first
    # 隔壁区取不到。 Another district gets none of it.
    assert everything(story.key("regulator", region="330105"), 500) == []


def everything(reader: Actor, size: int) -> list[dict[str, Any]]:
    """All events that the reader may see, the latest recorded first, in pages of that size."""
    found: list[dict[str, Any]] = []
    asked = {"limit": str(size)}
    cursor = None
    while True:
        page = reader.get("/events", params=asked | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        if (cursor := page["next"]) is None:
            return found
