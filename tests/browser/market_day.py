"""One of everything that a shopper may scan on a market day, and whom it happens to."""

from collections.abc import Mapping
from typing import Any

from tests.exchanging.world import FARM, document, made, seen, some
from tests.scanning.chains import Market, Output, open_market
from tests.support.cast import Actor, ago
from tests.support.story import Story, day, licence, line

RAPID = {"stage": "rapid", "method": "GB/T 5009.199-2003", "unit": "%", "limit": "50"}
RESIDUES = "有机磷和氨基甲酸酯类农药残留"


def market_day(story: Story) -> dict[str, str]:
    """Name of a page → the code that opens it."""
    town = open_market(story)
    greens = town.harvest(hours=30, lot_number="YS-0301")
    paper = story.document(town.farm, "conformity_certificate", number="TL-0301", issuer="河东蔬菜合作社", class_="A")
    town.farm.record("certify", event_time=ago(hours=29), custody_id=greens["custody_id"], document_id=paper["id"])
    wholesale = story.enrol(
        "vendor", "良渚蔬菜批发部", "wholesaler", "wholesale", region="330109", licences=[licence(3)]
    )
    there = town.move(town.farm, wholesale, greens, hours=28)
    slip = town.ship(wholesale, there, "20", hours=8, to_site_id=town.stall.site["id"])
    town.market.record("admit", event_time=ago(hours=7), slip_code=slip)
    here = town.receive(town.stall, slip)
    town.market.record(
        "test", custody_id=here["custody_id"], item=RESIDUES, value="12.5", event_time=ago(hours=5), **RAPID
    )
    bought = town.from_outside(town.stall)
    bad = town.move(town.farm, town.stall, town.harvest(hours=20, lot_number="YS-0302"), hours=9)
    town.market.record(
        "test", custody_id=bad["custody_id"], item=RESIDUES, value="71", event_time=ago(hours=1), **RAPID
    )
    inspected(story, town.stall)
    inspected(story, wholesale)
    scale = story.handheld(town.stall, "3号秤")
    receipt = scale.prints(line(here, "1.2", "斤"), line(bad, "0.5"), line(bought, "2", "斤"))
    scale.upload()
    return {
        "batch": here["code"],
        "gap": bought["code"],
        "held": bad["code"],
        "lot": greens["lot_code"],
        "slip": slip,
        "receipt": receipt,
        "pending": scale.prints(line(here, "1")),
        "stall": town.stall.site["code"],
        "market": town.market.site["code"],
        "party": wholesale.party["code"],
        **cooked(story, town),
        **mishaps(story, town),
    }


def inspected(story: Story, actor: Actor) -> None:
    """What the authority found at somebody's place, and how it rates them."""
    regulator = story.key("regulator", region="3301")
    common = {"authority": "杭州市市场监督管理局", "public": True}
    at = common | {"site_id": actor.site["id"], "ref": actor.site["id"]}
    for n, fields in enumerate((
        {"kind": "inspection", "inspected_on": day(-20), "result": "improve", "grade": "B", "score": 82,
         "text": "台账登记不全，三日内补齐 · The ledger has gaps: three days to fill them"},
        {"kind": "sampling", "inspected_on": day(-12), "result": "pass", "text": "豇豆，农药残留 · Cowpeas, residues"},
        {"kind": "penalty", "inspected_on": day(-200), "number": "杭市监罚〔2026〕8号",
         "text": "未公示许可证，警告 · Licence not displayed: a warning"},
    )):  # fmt: skip
        regulator.made("/inspections", at | fields | {"ref": f"{at['ref']}/{n}"})
    rating = {"kind": "credit", "inspected_on": day(-5), "grade": "A", "text": "信用良好 · In good standing"}
    regulator.made("/inspections", common | rating | {"party_id": actor.party["id"], "ref": actor.party["id"]})


def cooked(story: Story, town: Market) -> dict[str, str]:
    """A dish of several raw lots, one without a source, at a shop; and from a vending machine."""
    pigs = story.enrol("producer", "萧山生猪养殖场", "producer", "farm", region="330109")
    plant = story.enrol("producer", "北郊屠宰厂", "slaughterhouse", "plant", region="330114")
    works = story.enrol("producer", "拱墅卤味工坊", "processor", "plant", region="330105", licences=[licence(7, "SC")])
    shop = story.enrol("vendor", "大兜路卤味店", "vendor", "shop", region="330105", licences=[licence(9)])
    machine = story.site(shop, "地铁站售货机2号", "machine", region="330105")
    pig = first(
        pigs, "produce", 60, outputs=[story.output(story.product("生猪", "livestock"), "900", lot_number="Z-9")]
    )
    carcass = transformed(story, plant, town.move(pigs, plant, pig, "900", 58), "猪头肉", "pork", "ZT-0301", 50)
    story.certify(plant, carcass, "quarantine_certificate", hours=49, number="浙杭动检-0301")
    head = town.move(plant, works, carcass, "80", 40)
    spices = story.product("卤料", "other")
    herbs = first(
        works,
        "receive",
        39,
        items=[{"product_id": spices["id"], "quantity": {"value": "10", "unit": "斤"}}],
        **{"from": {"name": "亳州香料铺", "contact": "13900000000", "address": "亳州"}},
    )
    soy = first(works, "produce", 38, outputs=[story.output(story.product("老抽卤水", "soy"), "50", lot_number="LS-2")])
    greens = town.move(town.farm, works, town.harvest(hours=44, lot_number="YS-0299"), "40", 43)
    dish = first(
        works,
        "transform",
        30,
        process="process",
        inputs=[story.item(head, "60"), story.item(herbs, "5", "斤"), story.item(soy, "40"), story.item(greens, "20")],
        outputs=[story.output(story.product("卤肉拼盘", "cooked"), "90", lot_number="LR-0301", expires_on=day(1))],
    )
    at_shop = town.move(works, shop, dish, "40", 20)
    slip = town.ship(works, dish, "10", hours=10)
    [snack] = shop.record("receive", event_time=ago(hours=9), slip_code=slip, site_id=machine["id"])["outputs"]
    return {"dish": at_shop["code"], "machine": machine["code"], "snack": snack["code"], "shop": shop.site["code"]}


def mishaps(story: Story, town: Market) -> dict[str, str]:
    """Goods past their date, goods recalled, a slip refused at the gate, a code that was voided."""
    [old] = town.farm.record(
        "produce",
        event_time=ago(days=9),
        outputs=[story.output(town.greens, "5", produced_on=day(-9), expires_on=day(-2))],
    )["outputs"]
    strict = story.product("五花肉", "pork")
    meat = first(town.farm, "produce", 12, outputs=[story.output(strict, "40", lot_number="WH-1")])
    refused = town.ship(town.farm, meat, "20", hours=6, to_site_id=town.stall.site["id"])
    town.market.record("admit", event_time=ago(hours=5), slip_code=refused)
    wrong = town.farm.record("produce", event_time=ago(hours=4), outputs=[story.output(town.greens, "9")])
    town.farm.record("correct", event_id=wrong["id"], reason="did_not_occur")
    return {
        "expired": old["code"],
        "refused": refused,
        "revoked": wrong["outputs"][0]["code"],
        "recalled": recalled(story, town),
    }


def recalled(story: Story, town: Market) -> str:
    """Goods of another system, recalled in it."""
    tins = some("TN-88", 20)
    called_back = seen(30, FARM, "holding", tins, persistentDisposition={"set": ["recalled"]})
    answer = town.farm.post("/captures?issue=true", document(made(6, FARM, tins), called_back))
    assert answer.status_code == 200, answer.text
    return str(next(code["code"] for code in answer.json()["codes"] if code["kind"] == "lot"))


def transformed(
    story: Story, plant: Actor, goods: Output, name: str, category: str, number: str, hours: float
) -> Output:
    output = story.output(story.product(name, category), "400", lot_number=number)
    return first(plant, "transform", hours, process="slaughter", inputs=[story.item(goods, "900")], outputs=[output])


def first(actor: Actor, kind: str, hours: float, **fields: Any) -> Output:
    at = ago(hours=hours)
    for output in fields.get("outputs", ()):  # made on the day, whatever the hour of the test
        output["produced_on"] = at[:10]
    outcome: Mapping[str, Any] = actor.record(kind, event_time=at, **fields)
    made: Output = outcome["outputs"][0]
    return made
