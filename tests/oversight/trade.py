"""Random trade among a few places, and what a plain ledger beside the service makes of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.support.cast import CHINA, Actor, Cast, quantity

DAYS = 4


@dataclass(slots=True)
class Flow:
    """One entry: what a custody lost or got, when; `other`: the custody at the other end of a move that arrived."""

    day: int
    custody: str
    column: str
    grams: int
    other: str | None = None


@dataclass(slots=True)
class Batch:
    output: dict[str, Any]
    owner: Actor
    left: int


@dataclass(slots=True)
class Trade:
    """`site_of`, `party_of`, `lot_of`: of every custody."""

    cast: Cast
    random: Random
    flows: list[Flow] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    site_of: dict[str, str] = field(default_factory=dict)
    lot_of: dict[str, str] = field(default_factory=dict)
    mixed: dict[str, Any] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    scales: dict[str, Any] = field(default_factory=dict)
    minutes: int = 0

    @property
    def begin(self) -> datetime:
        today = datetime.now(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=DAYS)

    def clock(self, day: int) -> str:
        self.minutes += 1
        return (self.begin + timedelta(days=day, hours=6, minutes=self.minutes % 700)).isoformat()

    def note(self, day: int, custody: str, column: str, grams: int, other: str | None = None) -> None:
        self.flows.append(Flow(day, custody, column, grams, other))

    def place(self, output: dict[str, Any], owner: Actor, grams: int) -> None:
        key = output["custody_id"]
        self.site_of[key], self.lot_of[key] = owner.site["id"], output["lot_id"]
        self.batches.append(Batch(output, owner, grams))

    def run(self, steps: int) -> None:
        cast = self.cast
        traders = [cast.farm, cast.stall, cast.other_stall, cast.plant]
        leaf = cast.product("青菜", "vegetables")
        self.mixed = cast.product("净菜", "prepared")
        for trader in (cast.stall, cast.other_stall):
            self.scales[trader.site["id"]] = cast.scale(trader)
        for step in range(steps):
            day = step * DAYS // steps
            choice = self.random.choice(("produce", "move", "move", "sell", "sell", "mix", "destroy", "count", "back"))
            there = [batch for batch in self.batches if batch.left > 0]
            if choice == "produce" or not there:
                grams = self.random.randrange(1_000, 9_000)
                farm = self.random.choice((cast.farm, cast.plant))
                body = cast.output(leaf, str(grams), "g")
                body["produced_on"] = (self.begin + timedelta(days=day)).date().isoformat()
                made = farm.record("produce", event_time=self.clock(day), outputs=[body])["outputs"][0]
                self.note(day, made["custody_id"], "made", grams)
                self.place(made, farm, grams)
                continue
            batch = self.random.choice(there)
            grams = self.random.randrange(1, batch.left + 1)
            item = cast.item(batch.output, str(grams), "g")
            key = batch.output["custody_id"]
            getattr(self, f"_{choice}")(day, batch, grams, item, key, [t for t in traders if t is not batch.owner])

    def _move(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        to = self.random.choice(others)
        slip = batch.owner.record("ship", event_time=self.clock(day), items=[item], to_site_id=to.site["id"])
        batch.left -= grams
        self.note(day, key, "shipped", grams)
        if self.random.random() < 0.2:
            return  # still under way
        got = self.random.randrange(1, grams + 1)
        part = {"custody_id": key, "quantity": quantity(str(got), "g")}
        later = min(day + self.random.randrange(2), DAYS - 1)
        output = to.record(
            "receive", event_time=self.clock(later), slip_code=slip["slip_code"], items=[part]
        )["outputs"][0]  # fmt: skip
        self.note(later, output["custody_id"], "received", got, key)
        self.place(output, to, got)

    def _sell(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        scale = self.scales.get(batch.owner.site["id"])
        if scale is None or self.random.random() < 0.3:
            batch.owner.record("sell", event_time=self.clock(day), lines=[item])
        else:
            self.counters[scale.key] += 1
            sale = scale.sale(self.counters[scale.key], item) | {"event_time": self.clock(day)}
            answer = scale.post("/sales", {"sales": [sale]})
            assert answer.json()["recorded"] == 1, answer.text
        batch.left -= grams
        self.note(day, key, "sold", grams)

    def _mix(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        out = max(grams * 9 // 10, 1)
        body = self.cast.output(self.mixed, str(out), "g")
        body["produced_on"] = (self.begin + timedelta(days=day)).date().isoformat()
        made = batch.owner.record(
            "transform", event_time=self.clock(day), process="process", inputs=[item], outputs=[body]
        )["outputs"][0]  # fmt: skip
        batch.left -= grams
        self.note(day, key, "processed", grams)
        self.note(day, made["custody_id"], "made", out)
        self.place(made, batch.owner, out)

    def _destroy(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        batch.owner.record("destroy", event_time=self.clock(day), items=[item], reason="x")
        batch.left -= grams
        self.note(day, key, "destroyed", grams)

    def _count(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        batch.owner.record("count", event_time=self.clock(day), items=[item])
        self.note(day, key, "unexplained", batch.left - grams)
        batch.left = grams

    def _back(self, day: int, batch: Batch, grams: int, item: Any, key: str, others: list[Actor]) -> None:
        to = self.random.choice(others)
        done = batch.owner.record(
            "return", event_time=self.clock(day), items=[item], reason="x", to_site_id=to.site["id"]
        )
        batch.left -= grams
        self.note(day, key, "returned", grams)
        # The outcome names the custody at the old site.
        output = done["outputs"][0]
        self.note(day, output["custody_id"], "received", grams, key)
        self.place(output, to, grams)

    def expected(self, inside: set[str], since: int = 0, until: int = DAYS) -> dict[str, int]:
        """The columns of a set of custodies over days, in grams; what moves within the set is in none."""
        sums: dict[str, int] = defaultdict(int)
        returned = {(flow.custody, flow.day, flow.grams) for flow in self.flows if flow.column == "returned"}
        for flow in self.flows:
            if flow.custody not in inside or flow.day >= until:
                continue
            sign = 1 if flow.column in ("received", "made") else -1
            if flow.day < since:
                sums["opening"] += sign * flow.grams
                continue
            sums[flow.column] += flow.grams
            if flow.other is not None and flow.other in inside:
                sums["received"] -= flow.grams
                back = (flow.other, flow.day, flow.grams) in returned
                sums["returned" if back else "shipped"] -= flow.grams
        return {name: amount for name, amount in sums.items() if amount}
