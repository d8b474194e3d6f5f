"""S16 西湖“114”与投诉反溯 · 杭州西湖

市民只留着一张小票，打电话投诉菜有药味。工作人员按投诉上的码一步查到：哪个批次、谁供的货、从哪块地来，途中检测过什么；
再从源头查到同一批还卖给了谁。

A citizen has nothing but a receipt. From the complaint one step leads to the batch, its supplier and its source, with
the tests on the way; and from the source to whoever else has goods of the same lot.
"""

from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story, line


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
