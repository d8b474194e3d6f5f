"""S23 一机两码 · 杭州拱墅自动售货机

一台售货机是一个场所，有自己的码；机身上贴两个码：机器码（S 开头，机里现在卖什么、来自哪里）和企业码（P 开头，谁经营）。
两个码都可以手工输入，摄像头坏了也能查；机身上原有的设备编号和备案号也查得到同一台机器。按盒卖，断网照卖，出小票码。

A vending machine is a site with a code of its own. Two codes are on its case: the machine's (S: what is in it now, and
from where) and the firm's (P: who runs it, under which licence). Both can be typed by whoever cannot scan, and the
numbers that the case bore before lead to the same machine. It sells by the box, with or without a network.
"""

import re
from typing import Any

from app.domain import codes
from tests.support.cast import ago
from tests.support.story import Story, day, licence, line, slugs, soon

GONGSHU = "330105"
LOOKUP = "https://food.example.cn/lookup"


def typed(code: str) -> str:
    """As a person types it off the case: in small letters, in groups, with O for 0 and l for 1."""
    return codes.grouped(code).lower().replace("0", "o").replace("1", "l")


def looked_up(story: Story, query: str) -> list[tuple[str, str]]:
    answer = story.public.get(LOOKUP, params={"q": query})
    assert answer.status_code == 200, answer.text
    return [(match["kind"], match["code"]) for match in answer.json()["matches"]]


def box(custody: dict[str, Any], number: int) -> dict[str, Any]:
    return line(custody, str(number), "件", 680 * number)


def test_two_typed_codes_on_one_machine(story: Story) -> None:
    operator = story.enrol(
        "vendor", "拱墅鲜盒无人零售公司", "vendor", None, region=GONGSHU, licences=[licence(31, region=GONGSHU)]
    )
    kitchen = story.enrol("producer", "康桥净菜加工厂", "processor", "plant", region=GONGSHU)
    office = story.key("regulator", region=GONGSHU)
    machines = [
        story.admin.made(
            "/sites",
            {
                "party_id": operator.party["id"], "name": f"大运河公园 {number} 号售货机", "kind": "machine",
                "region": GONGSHU, "address": "拱墅区小河路",
                "external_codes": [
                    {"scheme": "设备编号", "value": f"XH-330105-00{number}"},
                    {"scheme": "自动售货备案", "value": f"GS-ZSB-2026-01{number}"},
                ],
            },
        )
        for number in (1, 2)
    ]  # fmt: skip
    operator.site = machines[0]

    # 机身两个码：一台一个机器码，公司一个企业码。
    # Two codes on the case: each machine has its own, the firm's is on all of them.
    machine, firm = machines[0]["code"], operator.party["code"]
    assert (machine[0], firm[0]) == ("S", "P")
    assert machines[1]["code"] != machine
    for code, kind in ((machine, "site"), (firm, "party")):
        page = story.public.scan(typed(code))
        assert (page["code"], page["kind"], page["status"]) == (code, kind, "ok")
        assert looked_up(story, typed(code)) == [(kind, code)]
        label = re.sub("<[^>]+>", "", story.public.get(f"/labels/{code}").text)
        assert code in label.replace("-", "").replace(" ", "")  # printed to be read out, beside the symbol
    assert story.public.scan(machine)["party"]["name"] == "拱墅鲜盒无人零售公司"
    assert story.public.scan(firm)["documents"][0]["class"] == "JY"
    # 输错一个字母，当场知道。 One wrong character is noticed.
    wrong = machine[:-1] + ("2" if machine[-1] != "2" else "3")
    answer = story.public.get(f"/c/{wrong}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/mistyped-code")
    # 机身原有的两个号，也查得到这台机器。 So do the two numbers that it bore before.
    assert looked_up(story, "XH-330105-001") == looked_up(story, "GS-ZSB-2026-011") == [("site", machine)]

    # 早上补货：净菜一盒一盒，补到两台机器。 The morning's filling: boxes of cut vegetables for two machines.
    mixed, fruit = (
        story.product(name, category, "count", grams_per_piece=350, shelf_life_days=2)
        for name, category in (("什锦净菜盒", "vegetables.cut"), ("鲜切水果盒", "fruit.cut"))
    )
    made = kitchen.record(
        "produce", event_time=ago(hours=9),
        outputs=[
            story.output(mixed, "40", "件", lot_number="JC-0301"),
            story.output(fruit, "20", "件", lot_number="XQ-0228", produced_on=day(-4)),
        ],
    )["outputs"]  # fmt: skip
    filled = []
    for site, boxes in ((machines[0], "24"), (machines[1], "16")):
        slip = kitchen.record(
            "ship", event_time=ago(hours=8), items=[story.item(made[0], boxes, "件")], to_site_id=site["id"]
        )["slip_code"]  # fmt: skip
        received = operator.record("receive", site_id=site["id"], event_time=ago(hours=7), slip_code=slip)
        filled.append(received["outputs"][0])
    stale = kitchen.record(
        "ship", event_time=ago(hours=8), items=[story.item(made[1], "6", "件")], to_site_id=machines[0]["id"]
    )["slip_code"]  # fmt: skip
    [old] = operator.record("receive", event_time=ago(hours=7), slip_code=stale)["outputs"]

    # 公司自己定价；机器拉可售清单：过期的水果盒不给卖，写明原因。
    # The firm sets the price; the machine pulls what it may sell, and the fruit that is past its date is not in it.
    prices = [{"product_id": mixed["id"], "plu": 1, "price_fen": 680, "unit": "件"}]
    assert operator.request("PUT", f"/sites/{machines[0]['id']}/prices", json={"items": prices}).status_code == 200
    till = story.handheld(operator, "1 号机主控板", "kiosk")
    assert soon(lambda: len(till.get("/devices/me/stock").json()["left_out"]) == 1)
    stock = till.get("/devices/me/stock").json()
    [item] = stock["items"]
    assert (item["code"], item["plu"], item["price_fen"], item["price_unit"]) == (filled[0]["code"], 1, 680, "件")
    assert item["quantity"] == {"value": "24", "unit": "pcs", "grams": 8400, "pieces": 24}
    assert (stock["left_out"][0]["product"], slugs(stock["left_out"][0]["reasons"])) == (
        "鲜切水果盒", ["expired_goods"]
    )  # fmt: skip

    # 扫机器码：现在卖什么，谁做的。 The machine's page: what is in it now, and who made it.
    page = story.public.scan(machine)
    assert {each["product"]["name"]: each["status"] for each in page["stock"]} == {
        "什锦净菜盒": "ok", "鲜切水果盒": "expired"
    }  # fmt: skip
    read = story.read(machine)
    assert "大运河公园 1 号售货机" in read
    assert "康桥净菜加工厂" in read

    # 断网卖了三单，小票码当场可查：真，待上传；上传后看到来路。
    # Three sales offline: authentic at once, and with their way once they are uploaded.
    receipts = [till.prints(box(filled[0], number)) for number in (1, 2, 1)]
    assert {story.public.scan(code)["status"] for code in receipts} == {"pending"}
    till.upload()
    assert {story.public.scan(code)["status"] for code in receipts} == {"ok"}
    [sold] = story.public.scan(receipts[0])["lines"]
    assert sold["steps"][0]["party"]["name"] == "康桥净菜加工厂"
    assert till.get("/devices/me/stock").json()["items"][0]["quantity"]["pieces"] == 20

    # 工厂的一批净菜出了问题：两台机器同时停卖。 Something is wrong with the lot: both machines stop.
    office.record("hold", custody_id=made[0]["custody_id"], scope="lot", reason="净菜加工厂异物投诉")
    assert soon(lambda: till.get("/devices/me/stock").json()["items"] == [])
    for code in (filled[0]["code"], filled[1]["code"], receipts[0]):
        assert story.public.scan(code)["status"] == "held"
    assert old["custody_id"] in [batch["custody_id"] for batch in till.get("/devices/me/stock").json()["left_out"]]
    story.hides(machine, ["6.80", "680"])
