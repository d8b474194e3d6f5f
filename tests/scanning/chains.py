"""Goods on their way: the few moves that the tests of a scan begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story

Output = dict[str, Any]


@dataclass(slots=True)
class Market:
    """A farm, a market with two stalls, and greens."""

    story: Story
    farm: Actor
    market: Actor
    stall: Actor
    other: Actor
    greens: Mapping[str, Any]

    def harvest(self, hours: float = 10, **fields: Any) -> Output:
        outputs = [self.story.output(self.greens, "100", **fields)]
        return self._first(self.farm.record("produce", event_time=ago(hours=hours), outputs=outputs))

    def ship(self, sender: Actor, goods: Output, amount: str = "40", hours: float = 8, **fields: Any) -> str:
        items = [self.story.item(goods, amount)]
        outcome = sender.record("ship", event_time=ago(hours=hours), items=items, **fields)
        return str(outcome["slip_code"])

    def receive(self, receiver: Actor, slip: str, hours: float = 6) -> Output:
        return self._first(receiver.record("receive", event_time=ago(hours=hours), slip_code=slip))

    def move(self, sender: Actor, receiver: Actor, goods: Output, amount: str = "40", hours: float = 8) -> Output:
        return self.receive(receiver, self.ship(sender, goods, amount, hours), hours - 1)

    def from_outside(self, receiver: Actor, name: str = "路边菜农", hours: float = 5) -> Output:
        source = {"name": name, "contact": "13900000000", "address": "某村12号"}
        items = [{"product_id": self.greens["id"], "quantity": {"value": "15", "unit": "斤"}}]
        return self._first(receiver.record("receive", event_time=ago(hours=hours), items=items, **{"from": source}))

    @staticmethod
    def _first(outcome: Mapping[str, Any]) -> Output:
        output: Output = outcome["outputs"][0]
        return output


def open_market(story: Story) -> Market:
    farm = story.enrol("producer", "河东蔬菜合作社", "producer", "farm", region="330122")
    market = story.enrol("market", "城西农贸市场", "market", "market", region="330106")
    stall = story.enrol("vendor", "一号摊", "vendor", "stall", parent=market, region="330106")
    other = story.enrol("vendor", "二号摊", "vendor", "stall", parent=market, region="330106")
    return Market(story, farm, market, stall, other, story.product("上海青"))


def steps(page: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, where) of each step."""
    return [(step["kind"], step["site"]["name"]) for step in page["steps"]]
