"""One physical scale: it sells by its clock, prints without a network, and uploads when it can, as often as it must."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from app.simulator.door import Door, asked_to_wait, pause
from app.simulator.ledger import Hand, Ledger
from app.simulator.plan import OPEN_SECONDS, Plan

BULK = 20  # from so many unconfirmed sales on they go as NDJSON
_LIST = 50
_ODD = 3  # answers that no scale expects before it gives up


@dataclass(frozen=True, slots=True)
class Fate:
    """What a day has in store for a scale, in seconds after opening: spells without a network, a power cut."""

    spells: Sequence[tuple[float, float]]
    power_cut: float | None

    def back_at(self, now: float) -> float | None:
        """When the network is there again; None while it is."""
        return next((end for start, end in self.spells if start <= now < end), None)


def fate(draw: Random, plan: Plan) -> Fate:
    """Drawn anew for each day of each scale."""
    if plan.backlog:
        return Fate([(0.0, OPEN_SECONDS)], None)
    spells = []
    if draw.random() < plan.habits.offline:
        for _ in range(draw.choice((1, 1, 2))):
            start = draw.uniform(0, OPEN_SECONDS * 0.9)
            spells.append((start, min(OPEN_SECONDS, start + draw.uniform(0.05, 0.4) * OPEN_SECONDS)))
    cut = draw.uniform(0.2, 0.95) * OPEN_SECONDS if draw.random() < plan.habits.power_cuts else None
    return Fate(spells, cut)


class Scale:
    """`unconfirmed` is the scale's own memory of what it has to send; what the simulator knows is in the ledger."""

    def __init__(self, hand: Hand, ledger: Ledger, door: Door, plan: Plan, draw: Random) -> None:
        self._hand = hand
        self._ledger = ledger
        self._door = door
        self._plan = plan
        self._draw = draw
        self._sold = 0
        self._unconfirmed: set[int] = set()
        self._tries = 0
        self._odd = 0

    async def day(self, day: int, clock: Callable[[], float], stop: asyncio.Event) -> None:
        """Sells the day's sales and uploads them; returns when all are confirmed, soon after `stop`, or when the
        service answers what no scale expects.

        `clock` tells the seconds after opening, faster than they go by."""
        until = (day + 1) * self._plan.sales
        lot = fate(self._draw, self._plan)
        cut = lot.power_cut
        speed = OPEN_SECONDS / self._plan.seconds
        while not stop.is_set() and self._odd < _ODD:
            now = clock()
            while self._sold < until and self._hand.book.open_second(self._sold) <= now:
                self._unconfirmed.add(self._sold)
                self._sold += 1
            if cut is not None and now >= cut:
                # It starts again from what it has stored, and no longer knows what had been confirmed.
                self._unconfirmed.update(range(self._sold))
                cut = None
            back = lot.back_at(now)
            if self._unconfirmed and back is None:
                wait = await self._upload()
            elif self._sold == until and not self._unconfirmed:
                return
            else:
                due = [self._hand.book.open_second(self._sold)] if self._sold < until else []
                due += [back] if self._unconfirmed and back is not None else []
                wait = max(0.0, (min(due) - now) / speed) + 0.001
            if wait:
                await _sleep(wait, stop)

    async def _upload(self) -> float:
        """Sends some or all of what is unconfirmed; seconds to wait before the next try."""
        counters = sorted(self._unconfirmed)
        bulk = len(counters) >= BULK
        if not bulk:
            counters = counters[:_LIST]
        if self._draw.random() < 0.5:
            self._draw.shuffle(counters)
        answer = await self._send(counters, bulk)
        if answer is None:
            self._tries += 1
            return pause(self._tries)
        if isinstance(answer, float):
            return answer
        self._tries = 0
        if self._draw.random() < self._plan.habits.lost_answers:
            return pause(0)  # it came, and the scale never heard it
        self._unconfirmed.difference_update(counters)
        if self._draw.random() < self._plan.habits.resends:
            older = self._draw.sample(range(self._sold), min(self._sold, 5))
            await self._send([*counters, *(counter for counter in older if counter not in set(counters))], bulk)
        return 0.0

    async def _send(self, counters: Sequence[int], bulk: bool) -> bool | float | None:
        """True when the upload was answered, None for silence, the seconds to wait where it was turned away."""
        ledger, hand = self._ledger, self._hand
        sales = [json.dumps({"counter": n, **hand.book.sale(n).body}, ensure_ascii=False) for n in counters]
        if bulk:
            content, media_type = "\n".join(sales), "application/x-ndjson"
        else:
            content, media_type = f'{{"sales":[{",".join(sales)}]}}', "application/json"
        fresh = ledger.sending(hand, counters)
        ledger.tally.uploads += 1
        answer = await self._door.once("POST", "/sales", hand.device.key, content.encode(), media_type)
        if answer is None:
            ledger.tally.silences += 1
            return None
        if answer.status_code in (429, 503):
            ledger.tally.turned_away += 1
            return asked_to_wait(answer)
        if answer.status_code != 200:
            ledger.differences.add(f"{hand.device.name}: {answer.status_code} {answer.text[:300]}")
            self._odd += 1
            return asked_to_wait(answer)
        if len(counters) == 1:
            ledger.tally.times[int(answer.elapsed.total_seconds() * 1000) + 1] += 1
        ledger.answered(hand, counters, fresh, _outcomes(answer, bulk))
        return True


def _outcomes(answer: httpx.Response, bulk: bool) -> list[dict[str, Any]]:
    if not bulk:
        results: list[dict[str, Any]] = answer.json()["results"]
        return results
    *outcomes, summary = [json.loads(line) for line in answer.text.splitlines()]
    if sum(summary["summary"].values()) != len(outcomes):
        return []
    return outcomes


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """As asyncio.sleep, shorter where it is to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
