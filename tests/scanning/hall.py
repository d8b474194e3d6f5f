"""A market on a busy morning, as its board shows it: deliveries, tests, refusals.

Everything happens today by the market's clock, at whatever hour the tests run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.cast import CHINA, Actor
from tests.support.story import Story, licence, ndjson, outcomes

Output = dict[str, Any]

RAPID = {"stage": "rapid", "method": "GB/T 5009.199", "item": "农药残留", "unit": "%"}
TRADES = ("蔬菜", "猪肉", "水产", "豆制品", "水果", "卤味")


def today(part: float) -> str:
    """A moment of today in China, so much of it gone as `part` of what is gone by now."""
    now = datetime.now(CHINA)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + (now - midnight) * part).isoformat()


@dataclass(slots=True)
class Hall:
    """The market, its stalls, its suppliers; `on_sale` by stall."""

    story: Story
    market: Actor
    stalls: list[Actor]
    farm: Actor
    plant: Actor
    products: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    on_sale: list[Output] = field(default_factory=list)

    def product(self, name: str, category: str = "vegetables", **fields: Any) -> Mapping[str, Any]:
        if name not in self.products:
            self.products[name] = self.story.product(name, category, **fields)
        return self.products[name]

    def harvest(self, name: str, lot_number: str, maker: Actor | None = None, **fields: Any) -> Output:
        outputs = [self.story.output(self.product(name, **fields), "400", lot_number=lot_number)]
        made: Output = (maker or self.farm).record("produce", event_time=today(0.01), outputs=outputs)["outputs"][0]
        return made

    def ship(self, goods: Output, to: Actor | None, amount: str = "20", sender: Actor | None = None) -> str:
        target = {"to_site_id": to.site["id"]} if to is not None else {}
        items = [self.story.item(goods, amount)]
        slip: str = (sender or self.farm).record("ship", event_time=today(0.05), items=items, **target)["slip_code"]
        return slip

    def deliver(self, goods: Output, stall: Actor, at: float = 0.2, sender: Actor | None = None) -> Output:
        slip = self.ship(goods, stall, sender=sender)
        here: Output = stall.record("receive", event_time=today(at), slip_code=slip)["outputs"][0]
        self.on_sale.append(here)
        return here

    def test(self, goods: Output, value: str, at: float = 0.5, **fields: Any) -> Any:
        return self.market.record(
            "test", custody_id=goods["custody_id"], value=value, event_time=today(at), **RAPID | fields
        )

    def board(self, actor: Actor | None = None, code: str | None = None) -> dict[str, Any]:
        """The JSON feed of the market's board, or of another place's, as somebody with a key sees it, or anybody."""
        path = f"{self.story.client.base_url}/boards/{code or self.market.site['code']}.json"
        answer = (actor or self.story.public).get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def open_hall(story: Story, stalls: int = 3) -> Hall:
    market = story.enrol("market", "城西农贸市场", "market", "market", region="330106")
    farm = story.enrol("producer", "河东蔬菜合作社", "producer", "farm", region="330122")
    plant = story.enrol("producer", "豆香豆制品厂", "processor", "plant", region="330105", licences=[licence(3, "SC")])
    traders = [
        story.enrol(
            "vendor", f"{number}号摊 {TRADES[(number - 1) // 4 % len(TRADES)]}", "vendor", "stall", parent=market,
            region="330106",
        )
        for number in range(1, stalls + 1)
    ]  # fmt: skip
    return Hall(story, market, traders, farm, plant)


def crowd(hall: Hall, number: int) -> None:
    """So many more stalls that have nothing on sale."""
    forms = [{"name": f"经营户{n:03}", "kind": "vendor", "region": "330106"} for n in range(1, number + 1)]
    traders, _ = outcomes(hall.market.request("POST", "/parties/batch", **ndjson(forms)).text)
    sites = [
        {"party_id": trader["id"], "name": f"{n}号摊", "kind": "stall", "parent_site_id": hall.market.site["id"]}
        for n, trader in enumerate(traders, len(hall.stalls) + 1)
    ]
    _, summary = outcomes(hall.market.request("POST", "/sites/batch", **ndjson(sites)).text)
    assert summary["recorded"] == number


def busy_morning(story: Story, stalls: int = 16) -> Hall:
    """Deliveries to most stalls, a dozen passed tests, one failed, one slip refused, goods from outside."""
    hall = open_hall(story, stalls)
    names = ("上海青", "大白菜", "番茄", "菠菜", "黄瓜", "茄子", "土豆", "韭菜")
    lots = [hall.harvest(name, f"HD-{n:02}") for n, name in enumerate(names, 1)]
    for number, stall in enumerate(hall.stalls[: stalls * 3 // 4]):
        for lot in (lots[number % len(lots)], lots[(number + 3) % len(lots)]):
            hall.deliver(lot, stall, 0.1 + number / 60)
    for number, goods in enumerate(hall.on_sale[:12]):
        hall.test(goods, str(3 + number), 0.4 + number / 60)
    outside = hall.stalls[2]
    source = {"name": "路边菜农", "contact": "13900000000", "address": "某村12号"}
    items = [{"product_id": hall.product("香菇")["id"], "quantity": {"value": "15", "unit": "斤"}}]
    outside.record("receive", event_time=today(0.3), items=items, **{"from": source})
    leek = hall.harvest("芹菜", "HD-99")
    hall.market.record("admit", event_time=today(0.35), slip_code=hall.ship(leek, hall.market))
    tofu = hall.harvest("盐卤豆腐", "DX-01", hall.plant, category="tofu", shelf_life_days=3)
    soy = hall.deliver(tofu, hall.stalls[-1], 0.45, hall.plant)
    hall.test(soy, "阴性", 0.6, item="二氧化硫", method="GB 5009.34", unit=None)
    hall.market.record("admit", event_time=today(0.5), slip_code=hall.ship(tofu, hall.stalls[-2], sender=hall.plant))
    return hall
