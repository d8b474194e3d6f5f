"""S15 样样赋码、件件扫码、时时追溯、事事倒查 · 杭州上城

区里要一个数：肉、蛋、奶、米、面、油、水产、酒，每一类的追溯覆盖率是多少，差在哪里。点开百分比，是一行行没有覆盖的批次和销售；
补上凭证、认领来源，数字跟着变。每一样有码，每一步一扫。

The district wants a number: how much of its meat, eggs, milk, rice, noodles, oil, fish and liquor is covered, and what
is missing. The percentage opens into the batches and sales that are not; with the paper added and the source named, the
number changes. Every product has a code, every hop is a scan.
"""

from typing import Any

from tests.support.cast import Actor, quantity
from tests.support.story import Story, line

EIGHT = {
    "猪肉": "pork", "鸡蛋": "eggs", "鲜牛奶": "milk", "大米": "rice", "挂面": "noodles", "菜籽油": "oil",
    "鲈鱼": "aquatic", "黄酒": "liquor",
}  # fmt: skip


def rows(reader: Actor, share: dict[str, Any]) -> list[dict[str, Any]]:
    answer = reader.get(share["rows"])
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_coverage_by_category_opens_into_its_rows(story: Story) -> None:
    office = story.key("regulator", region="330102")
    base = story.enrol("producer", "上城优供配送中心", "producer", "warehouse", region="330102")
    market = story.enrol("market", "采荷农贸市场", "market", "market", region="330102")
    stall = story.enrol("vendor", "采荷 3 号摊", "vendor", "stall", parent=market, region="330102")
    story.enrol("vendor", "采荷 5 号摊", "vendor", "stall", parent=market, region="330102")
    handheld = story.handheld(stall, "三号秤", "scale")

    def coverage() -> dict[str, Any]:
        return {group["key"]: group for group in office.get("/coverage").json()["groups"]}

    # 样样赋码：八类商品各有一批，都有码；件件扫码：扫单收货。 A code for each; received by a scan of the slip.
    goods: dict[str, Any] = {}
    for name, category in EIGHT.items():
        made = base.record("produce", outputs=[story.output(story.product(name, category), "100")])["outputs"][0]
        if category != "liquor":
            story.certify(base, made, "test_report", number=f"JC-{category}")
        slip = base.record("ship", items=[story.item(made, "20")], to_site_id=stall.site["id"])["slip_code"]
        goods[category] = stall.record("receive", slip_code=slip)["outputs"][0]
        assert goods[category]["code"].startswith("B")
        assert story.public.scan(goods[category]["code"])["status"] == "ok"

    # 数字：七类的凭证齐全，黄酒缺；每一类的来源链都完整。 The numbers: papers of seven, of liquor none.
    told = coverage()
    assert set(told) == set(EIGHT.values())
    at_stall = {key: group["batches_with_paper"]["share"] for key, group in told.items()}
    assert {key for key, share in at_stall.items() if share == 1.0} == set(EIGHT.values()) - {"liquor"}
    assert at_stall["liquor"] == 0.0
    assert all(group["chains_complete"]["share"] == 1.0 for group in told.values())

    # 点开：没有凭证的是哪两个批次（配送中心的和摊上的）。 Opened: the two batches without a paper.
    missing = rows(office, told["liquor"]["batches_with_paper"])
    assert goods["liquor"]["custody_id"] in {row["custody_id"] for row in missing}
    assert {office.get(row["trace"]).status_code for row in missing} == {200}
    story.certify(stall, goods["liquor"], "test_report", number="JC-liquor")
    assert coverage()["liquor"]["batches_with_paper"]["numerator"] == 1

    # 时时追溯：秤上卖的带批次；没扫码卖的一笔，数字立刻少。 Sold of a batch, and once without: the number tells.
    handheld.sell(0, line(goods["rice"], "1"))
    assert coverage()["rice"]["sales_with_batch"]["share"] == 1.0
    handheld.sell(1, {"product_id": goods["rice"]["product_id"], "quantity": quantity("2"), "amount_fen": 1000})
    share = coverage()["rice"]["sales_with_batch"]
    assert (share["numerator"], share["denominator"]) == (1, 2)
    [unnamed] = rows(office, share)
    assert story.public.scan(unnamed["receipt_code"])["kind"] == "receipt"

    # 事事倒查：外头拉来的一箱鱼，来源不明，链就断在这里；两边一认领，链又完整。
    # A crate of fish from outside: the chain breaks there, and is whole when both sides name its source.
    item = {"product_id": goods["aquatic"]["product_id"], "quantity": quantity("5")}
    crate = stall.record("receive", **{"from": {"name": "码头"}}, items=[item])["outputs"][0]
    broken = rows(office, coverage()["aquatic"]["chains_complete"])
    assert [row["custody_id"] for row in broken] == [crate["custody_id"]]
    gap = office.trace("back", custody=crate["custody_id"])["gaps"][0]["node_id"]
    source = base.record("produce", outputs=[story.output({"id": item["product_id"]}, "5")])["outputs"][0]
    for side in (stall, base):
        side.record("identify", gap_custody_id=gap, parent_custody_id=source["custody_id"])
    assert coverage()["aquatic"]["chains_complete"]["share"] == 1.0

    # 按市场看：两个摊，一个在用。 By market: two stalls, one of them records.
    [whole] = [g for g in office.get("/coverage?by=market").json()["groups"] if g["name"] == "采荷农贸市场"]
    assert (whole["stalls_recording"]["numerator"], whole["stalls_recording"]["denominator"]) == (1, 2)
    [idle] = rows(office, whole["stalls_recording"])
    assert idle["name"] == "采荷 5 号摊"
