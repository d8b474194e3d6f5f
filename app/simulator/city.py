"""The markets and who stands in them, enrolled and supplied through the public interface with the operator's key."""

import asyncio
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.simulator.door import Door, SimulationFailed
from app.simulator.ledger import Device, Hand, Ledger
from app.simulator.plan import CHINA, Plan
from app.simulator.sales import Book, Goods

Json = dict[str, Any]
REGION = "330109"
EVENTS = 500  # in one request
_LEAST = 50_000_000  # grams or pieces of a batch: a stall that sells more than it has is another test

# Name, category, measure, fen for a 斤 or a piece.
PRODUCTS = (
    ("大白菜", "vegetables", "weight", 180), ("番茄", "vegetables", "weight", 450),
    ("黄瓜", "vegetables", "weight", 380), ("土豆", "vegetables", "weight", 260),
    ("鸡蛋", "eggs", "count", 80), ("青椒", "vegetables", "weight", 520),
    ("苹果", "fruit", "weight", 690), ("西瓜", "fruit", "count", 2_500),
    ("茄子", "vegetables", "weight", 420), ("香蕉", "fruit", "weight", 480),
    ("菠菜", "vegetables", "weight", 560), ("豆角", "vegetables", "weight", 610),
)  # fmt: skip


@dataclass(slots=True)
class Market:
    name: str
    site_id: str
    stalls: list[str] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)


class City:
    """`run` is in every name, so that a second run is another city; `delivered` is what came, by custody."""

    def __init__(self, door: Door, key: str, plan: Plan, ledger: Ledger, run: str, days: Sequence[date]) -> None:
        self._door = door
        self._key = key
        self._plan = plan
        self._ledger = ledger
        self._run = run
        self._days = days
        self._farm: Json = {}
        self._products: list[str] = []
        self.markets: list[Market] = []
        self.delivered: dict[str, int] = {}

    async def enrol(self, advance: Callable[[int], None]) -> None:
        """Everybody and everything; `advance` is told how many scales have been activated."""
        forms = [{"name": name, "category": category, "measure": measure} for name, category, measure, _ in PRODUCTS]
        self._products = await self._batch("/products/batch", forms)
        party = await self._post("/parties", self._party("蔬果合作社", "producer"))
        farm = {"party_id": party["id"], "name": f"{self._run} 蔬果基地", "kind": "farm", "region": REGION}
        self._farm = await self._post("/sites", farm)
        self.markets = list(await asyncio.gather(*map(self._market, range(self._plan.markets))))
        draw = Random(f"{self._plan.seed}/copies")
        places = [(market, stall) for market in self.markets for stall in range(self._plan.stalls)]
        copied = set(draw.sample(range(len(places)), self._plan.habits.copied))

        async def install(number: int, market: Market, stall: int) -> None:
            await self._scale(market, stall, number, number in copied)
            advance(1)

        await asyncio.gather(*(install(number, *place) for number, place in enumerate(places)))

    async def deliver(self, day: int) -> None:
        """A morning's goods for every stall: harvested, certified, shipped under a slip, admitted, received; then
        every scale pulls its stock."""
        await asyncio.gather(*(self._supply(market, day) for market in self.markets))

        async def pull(device: Device) -> None:
            stock = await self._door.ask("GET", "/devices/me/stock", device.key)
            goods = [_goods(item) for item in stock["items"] if item["site_id"] == device.site_id]
            if not goods:
                raise SimulationFailed(f"{device.name}: 没有可售的货 · nothing to sell: {stock}")
            for hand in device.hands:
                hand.book.goods.append(goods)

        await asyncio.gather(*(pull(device) for market in self.markets for device in market.devices))

    # --- who is there ---

    async def _market(self, number: int) -> Market:
        name = f"{number + 1:03}市场"
        party = await self._post("/parties", self._party(name, "market"))
        site = {"party_id": party["id"], "name": f"{self._run} {name}", "kind": "market", "region": REGION}
        market = Market(name, (await self._post("/sites", site))["id"])
        stalls = range(1, self._plan.stalls + 1)
        vendors = await self._batch(
            "/parties/batch", [self._party(f"{name}{stall:03}号经营户", "vendor") for stall in stalls]
        )
        sites = [
            {"party_id": vendor, "name": f"{self._run} {name}{stall:03}号摊", "kind": "stall",
             "parent_site_id": market.site_id, "region": REGION}
            for stall, vendor in zip(stalls, vendors, strict=True)
        ]  # fmt: skip
        market.stalls = await self._batch("/sites/batch", sites)
        return market

    async def _scale(self, market: Market, stall: int, number: int, copied: bool) -> None:
        """Enrols and activates the scale of a stall; where it is copied two hands hold it."""
        name = f"{market.name}{stall + 1:03}号秤"
        site_id = market.stalls[stall]
        form = {"site_id": site_id, "name": f"{self._run} {name}", "kind": "scale"}
        made = await self._post("/devices", form)
        if made["activation_code"] is None:  # the answer that had it was lost
            made = await self._post(f"/devices/{made['id']}/activation", {})
        told = await self._door.ask(
            "POST", "/devices/activate", None, json={"activation_code": made["activation_code"]}
        )
        device = Device(
            told["device_id"], told["device_number"], told["epoch"], told["key"], bytes.fromhex(told["receipt_secret"]),
            site_id, name,
        )  # fmt: skip
        self._ledger.devices[device.id] = device
        market.devices.append(device)
        for copy in (False, True)[: 1 + copied]:
            title = f"{self._plan.seed}/{number}{'/copy' if copy else ''}"
            Hand(device, Book(title, self._plan.sales, self._days, self._skew(title, copy)))

    def _skew(self, title: str, copy: bool) -> timedelta:
        """How far a scale's clock is ahead: nothing for most, a day and more ahead or hours behind for some. A copy's
        differs by seconds, so that no sale of it is the other's."""
        draw = Random(f"{title}/clock")
        apart = timedelta(seconds=17 * copy)
        if draw.random() >= self._plan.habits.wrong_clocks:
            return apart
        return apart + timedelta(hours=draw.choice((-9, -4, -1, 36, 60)), minutes=draw.randrange(60))

    # --- the goods ---

    async def _supply(self, market: Market, day: int) -> None:
        tag = f"{self._run}/{market.name}/{day}"
        chosen = range(self._plan.batches)
        products = [self._products[(day + i) % len(PRODUCTS)] for i in chosen]
        counted = [PRODUCTS[(day + i) % len(PRODUCTS)][2] == "count" for i in chosen]
        each = [_quantity(_LEAST, pieces) for pieces in counted]
        whole = [_quantity(_LEAST * self._plan.stalls, pieces) for pieces in counted]
        farm = self._farm["id"]
        outputs = [
            {"product_id": product, "quantity": quantity, "produced_on": self._days[day].isoformat()}
            for product, quantity in zip(products, whole, strict=True)
        ]
        [made] = await self._events([self._event("produce", day, "01:00", tag, site_id=farm, outputs=outputs)])
        lots = [output["custody_id"] for output in made["outputs"]]
        paper = await self._paper(tag, day)
        await self._events(
            [
                self._event("certify", day, "01:30", f"{tag}/{i}", custody_id=lot, document_id=paper)
                for i, lot in enumerate(lots)
            ]
        )
        items = [{"custody_id": lot, "quantity": quantity} for lot, quantity in zip(lots, whole, strict=True)]
        [shipped] = await self._events(
            [self._event("ship", day, "02:00", tag, site_id=farm, items=items, to_site_id=market.site_id)]
        )
        slip = shipped["slip_code"]
        [admitted] = await self._events(
            [self._event("admit", day, "03:30", tag, site_id=market.site_id, slip_code=slip)]
        )
        if admitted["decision"] != "admitted":
            raise SimulationFailed(f"{market.name}: {admitted['reasons']}")
        parts = [{"custody_id": lot, "quantity": quantity} for lot, quantity in zip(lots, each, strict=True)]
        received = await self._events(
            [
                self._event("receive", day, "04:00", f"{tag}/{stall}", site_id=stall, slip_code=slip, items=parts)
                for stall in market.stalls
            ]
        )
        for outcome in received:
            for output in outcome["outputs"]:
                amount = output["quantity"]["grams"] or output["quantity"]["pieces"]
                self.delivered[output["custody_id"]] = amount

    def _event(self, kind: str, day: int, at: str, ref: str, **fields: Any) -> Json:
        hour, minute = map(int, at.split(":"))
        time = datetime(*self._days[day].timetuple()[:3], hour, minute, tzinfo=CHINA)
        return {"kind": kind, "event_time": time.isoformat(), "ref": f"{ref}/{kind}", **fields}

    async def _events(self, events: Sequence[Json]) -> list[Json]:
        outcomes: list[Json] = []
        for start in range(0, len(events), EVENTS):
            body = {"events": events[start : start + EVENTS]}
            outcomes += (await self._post("/events", body))["results"]
        for outcome in outcomes:
            if outcome["status"] not in ("recorded", "duplicate"):
                raise SimulationFailed(f"{outcome['ref']}: {outcome['status']} {outcome['problem']}")
        return outcomes

    async def _paper(self, tag: str, day: int) -> str:
        """A certificate of conformity (承诺达标合格证) for the morning's load."""
        sheet = io.BytesIO(b"%PDF-1.4\n% " + tag.encode() + b"\n%%EOF\n")
        form = {"type": "conformity_certificate", "number": tag, "issued_on": self._days[day].isoformat()}
        files = {"file": ("certificate.pdf", sheet.getvalue(), "application/pdf")}
        made = await self._door.ask("POST", "/documents", self._key, data=form, files=files)
        return str(made["id"])

    # --- how it is asked for ---

    def _party(self, name: str, kind: str) -> Json:
        return {"name": f"{self._run} {name}", "kind": kind, "region": REGION, "status": "active"}

    async def _post(self, path: str, body: Json) -> Json:
        answer: Json = await self._door.ask("POST", path, self._key, json=body)
        return answer

    async def _batch(self, path: str, forms: Iterable[Mapping[str, Any]]) -> list[str]:
        """The ids of what was enrolled, in order."""
        content = "\n".join(json.dumps(form, ensure_ascii=False) for form in forms).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        text = await self._door.ask("POST", path, self._key, content=content, headers=headers)
        *outcomes, _ = [json.loads(line) for line in text.splitlines()]
        if bad := [outcome for outcome in outcomes if outcome["status"] not in ("recorded", "duplicate")]:
            raise SimulationFailed(f"{path}: {bad[0]}")
        return [outcome["id"] for outcome in outcomes]


_PRICES = {name: fen for name, _, _, fen in PRODUCTS}


def _goods(item: Mapping[str, Any]) -> Goods:
    """A batch of the stock that a scale has pulled, at the price that the stall asks."""
    counted = item["quantity"]["pieces"] is not None
    return Goods(item["custody_id"], item["product_id"], counted, _PRICES.get(item["product"], 500))


def _quantity(amount: int, counted: bool) -> dict[str, str]:
    return {"value": str(amount), "unit": "个"} if counted else {"value": str(amount // 1000), "unit": "公斤"}
