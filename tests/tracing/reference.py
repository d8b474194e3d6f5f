"""A tracer of its own, which knows nothing of the application: from the list of what was posted, and the ids that it
was answered with, it keeps its own book of who has what from whom, and walks it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["back", "forward"]


@dataclass(slots=True)
class Goods:
    """Goods in somebody's hands, or a gap. All amounts in grams."""

    id: str
    lot: str
    product: str
    site: str | None
    came: int
    gap: bool = False
    went: Counter[str] = field(default_factory=Counter)

    @property
    def on_hand(self) -> int:
        return self.came - sum(self.went.values())


@dataclass(slots=True)
class Link:
    parent: str
    child: str
    event: str
    grams: int


@dataclass(slots=True)
class Slip:
    site: str
    sent: dict[str, int]
    received: Counter[str] = field(default_factory=Counter)

    def left(self) -> dict[str, int]:
        return {key: amount - self.received[key] for key, amount in self.sent.items() if amount > self.received[key]}


@dataclass(slots=True)
class Book:
    goods: dict[str, Goods] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    slips: dict[str, Slip] = field(default_factory=dict)
    log: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    def apply(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        """Takes down what was posted, with what was answered."""
        self.log.append((event, outcome))
        getattr(self, f"_{event['kind']}")(event, outcome)

    # --- what has happened ---

    def _produce(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        for said, made in zip(event["outputs"], outcome["outputs"], strict=True):
            self._add(made, event["site_id"], said["product_id"], grams(said))

    def _transform(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        for item in event["inputs"]:
            self.goods[item["custody_id"]].went["processed"] += grams(item)
        for said, made in zip(event["outputs"], outcome["outputs"], strict=True):
            self._add(made, event["site_id"], said["product_id"], grams(said))
            for item in event["inputs"]:
                self.links.append(Link(item["custody_id"], made["custody_id"], outcome["id"], grams(item)))

    def _ship(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        for item in event["items"]:
            self.goods[item["custody_id"]].went["shipped"] += grams(item)
        sent = {item["custody_id"]: grams(item) for item in event["items"]}
        self.slips[outcome["slip_code"]] = Slip(event["site_id"], sent)

    def _receive(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        if event.get("from"):
            for item, made in zip(event["items"], outcome["outputs"], strict=True):
                self._add(made, event["site_id"], item["product_id"], grams(item))
                gap = f"gap of {made['custody_id']}"
                self.goods[gap] = Goods(gap, made["lot_id"], item["product_id"], None, 0, gap=True)
                self.links.append(Link(gap, made["custody_id"], outcome["id"], grams(item)))
            return
        slip = self.slips[event["slip_code"]]
        named = {item["custody_id"]: grams(item) for item in event.get("items") or ()}
        made = {output["lot_id"]: output for output in outcome["outputs"]}
        for key, amount in (named or slip.left()).items():
            parent = self.goods[key]
            self._add(made[parent.lot], event["site_id"], parent.product, amount)
            self.links.append(Link(key, made[parent.lot]["custody_id"], outcome["id"], amount))
            slip.received[key] += amount

    def _return(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        for item in event["items"]:
            giver = self.goods[item["custody_id"]]
            if "to_site_id" not in event:
                giver.went["sold"] -= grams(item)
                continue
            giver.went["returned"] += grams(item)
            (made,) = [output for output in outcome["outputs"] if output["lot_id"] == giver.lot]
            self._add(made, event["to_site_id"], giver.product, grams(item))
            self.links.append(Link(giver.id, made["custody_id"], outcome["id"], grams(item)))

    def _sell(self, event: dict[str, Any], _: dict[str, Any]) -> None:
        for line in event["lines"]:
            self.goods[line["custody_id"]].went["sold"] += grams(line)

    def _destroy(self, event: dict[str, Any], _: dict[str, Any]) -> None:
        for item in event["items"]:
            self.goods[item["custody_id"]].went["destroyed"] += grams(item)

    def _count(self, event: dict[str, Any], _: dict[str, Any]) -> None:
        for item in event["items"]:
            here = self.goods[item["custody_id"]]
            here.went["unexplained"] += here.on_hand - grams(item)

    def _correct(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        (wrong, answered) = next((e, o) for e, o in self.log if o["id"] == event["event_id"])
        if wrong["kind"] == "sell":
            for line in wrong["lines"]:
                self.goods[line["custody_id"]].went["sold"] -= grams(line)
            return
        (old,) = [output["custody_id"] for output in answered["outputs"]]
        gone = self.goods[old]
        for link in [link for link in self.links if link.child == old]:
            self.links.remove(link)
            self.goods.pop(f"gap of {old}", None)
            if not wrong.get("from"):
                self.slips[wrong["slip_code"]].received[link.parent] -= link.grams
        new = event.get("replacement")
        if new is None:
            gone.gap = True
            return
        gone.came = 0
        self._receive(new, {"id": None, "outputs": outcome["outputs"]})
        heir = self.goods[outcome["outputs"][0]["custody_id"]]
        if heir is gone:
            return
        gone.gap, heir.went = True, gone.went
        for link in self.links:
            if link.parent == old:
                link.parent = heir.id

    def _add(self, made: dict[str, Any], site: str, product: str, amount: int) -> None:
        key = made["custody_id"]
        if key in self.goods and not self.goods[key].gap:
            self.goods[key].came += amount
        else:
            self.goods[key] = Goods(key, made["lot_id"], product, site, amount)

    # --- what can be asked ---

    def trace(self, start: str, direction: Direction) -> tuple[set[str], list[Link]]:
        """Everything that is reached from there, by names of goods and gaps, and the links between."""
        reached, ahead = {start}, [start]
        while ahead:
            for link in self._ahead(ahead.pop(), direction):
                far = link.parent if direction == "back" else link.child
                if far not in reached:
                    reached.add(far)
                    ahead.append(far)
        return reached, [link for link in self.links if link.parent in reached and link.child in reached]

    def _ahead(self, key: str, direction: Direction) -> Iterator[Link]:
        return (link for link in self.links if (link.child if direction == "back" else link.parent) == key)

    def live(self) -> list[Goods]:
        """Goods of which there is something."""
        return [goods for goods in self.goods.values() if not goods.gap and goods.on_hand > 0]


def grams(item: dict[str, Any]) -> int:
    assert item["quantity"]["unit"] == "kg"
    return round(float(item["quantity"]["value"]) * 1000)
