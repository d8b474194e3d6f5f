"""Random networks of supply, as people post them: harvests, purchases without a known source, deliveries whole and in
parts, mixing, splitting, repacking, returns, sales, losses, counts, and things that are found to be wrong later."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.tracing.reference import Book, Goods


def kilograms(grams: int) -> dict[str, str]:
    return {"value": f"{grams / 1000:.3f}", "unit": "kg"}


@dataclass(slots=True)
class Network:
    """One supply network, an event at a time: `next` says what to post, `told` what came of it."""

    luck: random.Random
    sites: list[str]
    products: list[str]
    name: str
    book: Book = field(default_factory=Book)
    steps: int = 0

    def next(self) -> dict[str, Any]:
        self.steps += 1
        ways = [
            self._produce, self._buy, self._transform, self._transform, self._ship, self._ship, self._ship,
            self._receive, self._receive, self._receive, self._receive, self._give_back, self._sell, self._destroy,
            self._count, self._undo_sale, self._undo_receipt, self._mend_purchase,
        ]  # fmt: skip
        while True:
            event = self.luck.choice(ways)()
            if event is not None:
                return {"ref": f"{self.name}-{self.steps}", "event_time": self._time(), **event}

    def told(self, event: dict[str, Any], outcome: dict[str, Any]) -> None:
        self.book.apply(event, outcome)

    def _time(self) -> str:
        # Clocks of recorders go wrong: now and then something "happens" before its cause.
        hour = self.steps if self.luck.random() < 0.9 else self.luck.randint(0, self.steps)
        return f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:{self.luck.randint(0, 59):02}:00+08:00"

    # --- what somebody may do next ---

    def _some(self, goods: Goods) -> int:
        """Some of them, or all; now and then more than the books have."""
        if self.luck.random() < 0.05:
            return goods.on_hand + self.luck.randint(1, 2_000)
        return goods.on_hand if self.luck.random() < 0.4 else self.luck.randint(1, goods.on_hand)

    def _pick(self) -> tuple[str, list[Goods]] | None:
        """Some goods at one site, each of another lot."""
        live = self.book.live()
        if not live:
            return None
        site = self.luck.choice(live).site
        assert site is not None
        there = {goods.lot: goods for goods in live if goods.site == site}
        chosen = self.luck.sample(sorted(there), self.luck.randint(1, min(3, len(there))))
        return site, [there[lot] for lot in chosen]

    def _items(self, goods: list[Goods]) -> list[dict[str, Any]]:
        return [{"custody_id": one.id, "quantity": kilograms(self._some(one))} for one in goods]

    def _output(self) -> dict[str, Any]:
        amount = kilograms(self.luck.randint(1, 20_000))
        return {"product_id": self.luck.choice(self.products), "quantity": amount, "produced_on": "2026-03-01"}

    def _produce(self) -> dict[str, Any] | None:
        if self.luck.random() < 0.5 and self.steps > 4:
            return None
        outputs = [self._output() for _ in range(self.luck.randint(1, 2))]
        return {"kind": "produce", "site_id": self.luck.choice(self.sites), "outputs": outputs}

    def _buy(self) -> dict[str, Any] | None:
        item = {key: value for key, value in self._output().items() if key != "produced_on"}
        site = self.luck.choice(self.sites)
        return {"kind": "receive", "site_id": site, "from": {"name": "外地合作社"}, "items": [item]}

    def _transform(self) -> dict[str, Any] | None:
        picked = self._pick()
        if picked is None:
            return None
        site, goods = picked
        outputs = [self._output() for _ in range(self.luck.randint(1, 3))]
        process = self.luck.choice(["slaughter", "process", "pack", "repack", "mix", "split"])
        return {
            "kind": "transform", "site_id": site, "process": process, "inputs": self._items(goods), "outputs": outputs,
        }  # fmt: skip

    def _ship(self) -> dict[str, Any] | None:
        picked = self._pick()
        if picked is None:
            return None
        site, goods = picked
        return {"kind": "ship", "site_id": site, "items": self._items(goods)}

    def _receive(self) -> dict[str, Any] | None:
        open_ = [code for code, slip in self.book.slips.items() if slip.left()]
        if not open_:
            return None
        code = self.luck.choice(sorted(open_))
        slip = self.book.slips[code]
        event: dict[str, Any] = {"kind": "receive", "slip_code": code}
        event["site_id"] = self.luck.choice([site for site in self.sites if site != slip.site])
        if self.luck.random() < 0.5:
            left = slip.left()
            chosen = self.luck.sample(sorted(left), self.luck.randint(1, len(left)))
            parts = {key: self.luck.randint(1, left[key]) for key in chosen}
            event["items"] = [{"custody_id": key, "quantity": kilograms(parts[key])} for key in chosen]
        return event

    def _give_back(self) -> dict[str, Any] | None:
        moved = [link for link in self.book.links if self.book.goods[link.parent].site is not None]
        live = {goods.id for goods in self.book.live()}
        ways = [link for link in moved if link.child in live and not self.book.goods[link.parent].gap]
        if not ways:
            return None
        link = self.luck.choice(ways)
        giver, old = self.book.goods[link.child], self.book.goods[link.parent]
        if giver.site == old.site:
            return None
        event = {"kind": "return", "site_id": giver.site, "items": self._items([giver]), "reason": "质量问题"}
        if self.luck.random() < 0.2 and giver.went["sold"] > 0:
            amount = self.luck.randint(1, giver.went["sold"])
            return event | {"items": [{"custody_id": giver.id, "quantity": kilograms(amount)}]}
        return event | {"to_site_id": old.site}

    def _sell(self) -> dict[str, Any] | None:
        picked = self._pick()
        return None if picked is None else {"kind": "sell", "site_id": picked[0], "lines": self._items(picked[1])}

    def _destroy(self) -> dict[str, Any] | None:
        picked = self._pick()
        if picked is None:
            return None
        return {"kind": "destroy", "site_id": picked[0], "items": self._items(picked[1]), "reason": "变质"}

    def _count(self) -> dict[str, Any] | None:
        picked = self._pick()
        if picked is None or self.luck.random() < 0.5:
            return None
        items = [
            {"custody_id": one.id, "quantity": kilograms(max(0, one.on_hand + self.luck.randint(-500, 500)))}
            for one in picked[1]
        ]
        return {"kind": "count", "site_id": picked[0], "items": items}

    # --- what was wrong ---

    def _uncorrected(self, kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        corrected = {event["event_id"] for event, _ in self.book.log if event["kind"] == "correct"}
        return [(e, o) for e, o in self.book.log if e["kind"] == kind and o["id"] not in corrected]

    def _undo_sale(self) -> dict[str, Any] | None:
        sales = self._uncorrected("sell")
        sales = [(e, o) for e, o in sales if not any(self.book.goods[line["custody_id"]].gap for line in e["lines"])]
        if not sales:
            return None
        return {"kind": "correct", "event_id": self.luck.choice(sales)[1]["id"], "reason": "did_not_occur"}

    def _undo_receipt(self) -> dict[str, Any] | None:
        """What came off a slip never came: what was made of it has no known source."""
        came = [o for e, o in self._uncorrected("receive") if e.get("slip_code") and len(o["outputs"]) == 1]
        came = [o for o in came if not self.book.goods[o["outputs"][0]["custody_id"]].gap]
        if not came or self.luck.random() < 0.5:
            return None
        return {"kind": "correct", "event_id": self.luck.choice(came)["id"], "reason": "did_not_occur"}

    def _mend_purchase(self) -> dict[str, Any] | None:
        """It was another quantity that was bought."""
        bought = [(e, o) for e, o in self._uncorrected("receive") if e.get("from")]
        if not bought or self.luck.random() < 0.5:
            return None
        event, outcome = self.luck.choice(bought)
        item = {**event["items"][0], "quantity": kilograms(self.luck.randint(1, 20_000))}
        instead = {**event, "items": [item], "ref": f"{self.name}-{self.steps}-instead"}
        return {"kind": "correct", "event_id": outcome["id"], "reason": "incorrect_data", "replacement": instead}
