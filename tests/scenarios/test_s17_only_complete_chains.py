"""S17 亚运食材 · 杭州亚运会

亚运村餐厅门口的规矩最严：来路有一处断点就不收。从田头到冷库到餐厅步步有记录的，放行；来路断在系统外的，哪怕证照齐全也拒收；
供货方单方面说“是我的货”，对方没有确认之前仍然拒收，双方都认了才放行。一份半成品只要有一样原料查不到头，整份都不收。

Under the strict rule a site admits only goods whose chain is complete back to the source. Papers do not make up for a
gap; a source that one side alone has named does not close it, both sides agreeing does. One untraced ingredient keeps
the whole dish out.
"""

from typing import Any

from tests.support.cast import Actor, ago, quantity
from tests.support.story import Story, slugs

XIAOSHAN, TONGLU = "330109", "330122"
STRICT = {"category": "*", "chain": "complete"}


def village(story: Story) -> Actor:
    kitchen = story.enrol("market", "亚运村运动员餐厅", "caterer", "canteen", region=XIAOSHAN)
    answer = kitchen.request("PUT", f"/sites/{kitchen.site['id']}/admission-rules", json=[STRICT])
    assert answer.json() == [STRICT]
    return kitchen


def sent(story: Story, sender: Actor, batch: dict[str, Any], value: str, to: Actor) -> str:
    return str(sender.record("ship", items=[story.item(batch, value)], to_site_id=to.site["id"])["slip_code"])


def bought(owner: Actor, product: dict[str, Any], value: str, seller: str, papers: list[str]) -> dict[str, Any]:
    """Goods from outside the system; returns the batch."""
    [batch] = owner.record(
        "receive", event_time=ago(hours=9), **{"from": {"name": seller, "document_ids": papers}},
        items=[{"product_id": product["id"], "quantity": quantity(value)}],
    )["outputs"]  # fmt: skip
    return batch


def gap_of(reader: Actor, batch: dict[str, Any]) -> str:
    [gap] = reader.trace("back", custody=batch["custody_id"])["gaps"]
    return str(gap["node_id"])


def test_only_goods_whose_chain_is_complete_are_admitted(story: Story) -> None:
    kitchen = village(story)
    farm = story.enrol("producer", "桐庐亚运专供基地", "producer", "farm", region=TONGLU)
    store = story.enrol("vendor", "萧山亚运食材总仓", "wholesaler", "warehouse", region=XIAOSHAN)
    broccoli = story.product("西兰花")

    # 田头—总仓—餐厅，步步有记录：放行。 Field, warehouse, kitchen, each step on record: let in.
    [lot] = farm.record("produce", outputs=[story.output(broccoli, "90.5", lot_number="XL-0301")])["outputs"]
    [at_store] = store.record("receive", slip_code=sent(story, farm, lot, "90.5", store))["outputs"]
    slip = sent(story, store, at_store, "40.5", kitchen)
    assert kitchen.record("admit", slip_code=slip)["decision"] == "admitted"
    [served] = kitchen.record("receive", slip_code=slip)["outputs"]
    assert story.public.scan(served["code"])["status"] == "ok"

    # 总仓从系统外补的货，证照齐全，照样拒收：缺的是完整的来源链。
    # What the warehouse bought from outside has its papers and stays out: what is missing is the chain.
    papers = [
        story.document(store, kind, number=f"{kind}-7")["id"]
        for kind in ("conformity_certificate", "origin_proof", "purchase_slip", "test_report")
    ]
    topped_up = bought(store, broccoli, "60.5", "某蔬菜基地", papers)
    slip = sent(story, store, topped_up, "30.5", kitchen)
    refused = kitchen.record("admit", slip_code=slip)
    assert refused["decision"] == "refused"
    assert refused["reasons"] == [
        {
            "slug": "chain-incomplete",
            "detail": "西兰花：缺少完整的来源链 · 西兰花: a complete chain back to the source is missing",
            "missing": ["chain"],
        }
    ]
    page = story.public.scan(slip)
    assert page["statuses"] == ["refused", "incomplete"]
    assert page["status_reason"] == "西兰花：缺少完整的来源链 · 西兰花: a complete chain back to the source is missing"
    assert story.colour(slip) == "red"

    # 基地说“这批是我的”：总仓没确认，还是不收。 The farm says that it was the source; unconfirmed, that opens no door.
    [ours] = farm.record("produce", outputs=[story.output(broccoli, "60.5", lot_number="XL-0302")])["outputs"]
    gap = gap_of(store, topped_up)
    claim = farm.record("identify", gap_custody_id=gap, parent_custody_id=ours["custody_id"])
    assert claim["decision"] == "claimed"
    assert slugs(kitchen.record("admit", slip_code=slip)["reasons"]) == ["chain-incomplete"]
    # 总仓也认了：链接上了，放行。 The warehouse agrees: the chain is whole, and the gate opens.
    agreed = store.record("identify", gap_custody_id=gap, parent_custody_id=ours["custody_id"])
    assert agreed["decision"] == "confirmed"
    assert kitchen.record("admit", slip_code=slip)["decision"] == "admitted"
    [later] = kitchen.record("receive", slip_code=slip)["outputs"]
    page = story.public.scan(later["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert page["steps"][0]["party"]["name"] == "桐庐亚运专供基地"
    back = kitchen.trace("back", code=later["code"])
    assert (back["totals"]["gaps"], back["nodes"][-1]["party"]["name"]) == (0, "桐庐亚运专供基地")


def test_one_untraced_ingredient_keeps_the_whole_dish_out(story: Story) -> None:
    kitchen = village(story)
    farm = story.enrol("producer", "桐庐亚运专供基地", "producer", "farm", region=TONGLU)
    works = story.enrol("producer", "萧山净菜加工中心", "processor", "plant", region=XIAOSHAN)
    pepper, beef, dish = (
        story.product("青椒"),
        story.product("牛里脊", "beef"),
        story.product("青椒牛柳半成品", "cooked"),
    )
    [lot] = farm.record("produce", outputs=[story.output(pepper, "50.5")])["outputs"]
    [green] = works.record("receive", slip_code=sent(story, farm, lot, "50.5", works))["outputs"]
    meat = bought(works, beef, "30.5", "外地冷库", [])
    [mixed] = works.record(
        "transform", process="mix", inputs=[story.item(green, "20.5"), story.item(meat, "10.5")],
        outputs=[story.output(dish, "31", lot_number="NL-01")],
    )["outputs"]  # fmt: skip
    [plain] = works.record(
        "transform", process="process", inputs=[story.item(green, "20.5")],
        outputs=[story.output(story.product("净青椒"), "20", lot_number="QJ-01")],
    )["outputs"]  # fmt: skip

    both = works.record(
        "ship", items=[story.item(mixed, "31"), story.item(plain, "20")], to_site_id=kitchen.site["id"]
    )["slip_code"]
    refused = kitchen.record("admit", slip_code=both)
    assert [(reason["slug"], reason["detail"].partition("：")[0]) for reason in refused["reasons"]] == [
        ("chain-incomplete", "青椒牛柳半成品")
    ], "the peppers on the same slip are not to blame, and are not named"
    alone = sent(story, works, plain, "0.001", kitchen)
    assert kitchen.record("admit", slip_code=alone)["decision"] == "admitted"

    # 同样的货，普通市场照收：严的是亚运村这道门。 An ordinary market takes them: the strict gate is the village's own.
    market = story.enrol("market", "萧山农贸市场", "market", "market", region=XIAOSHAN)
    stall = story.enrol("vendor", "萧山 6 号摊", "vendor", "stall", parent=market, region=XIAOSHAN)
    story.certify(works, mixed, "production_licence", number="SC10633019702613")
    ordinary = sent(story, works, mixed, "0.5", stall)
    assert market.record("admit", slip_code=ordinary)["decision"] == "admitted"
