"""One run from the first enrolment to the last comparison."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Protocol

import httpx

from app.simulator.city import City
from app.simulator.door import Door
from app.simulator.ledger import Differences, Ledger, Tally
from app.simulator.plan import CHINA, OPEN_SECONDS, Plan, day_played
from app.simulator.reconciling import Book, Sum, reconcile, total
from app.simulator.scale import Scale

_TICK = 0.1  # seconds between two looks at how far it is


class Watcher(Protocol):
    """Who is told how far a run is: `enrol` scales, `sell` sales acknowledged, `compare` sales read back."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run; `closed` where everything agrees. `stopped`: it was asked to end early."""

    plan: Plan
    tally: Tally
    books: list[Book]
    differences: Differences
    seconds: float
    stopped: bool

    @property
    def closed(self) -> bool:
        return self.differences.number == 0

    @property
    def ours(self) -> Sum:
        return total(each for book in self.books for each in book.ours.values())

    @property
    def theirs(self) -> Sum:
        return total(each for book in self.books for each in book.theirs.values())


async def simulate(
    plan: Plan, client: httpx.AsyncClient, key: str, *, stop: asyncio.Event, watch: Watcher = lambda *_: None
) -> Report:
    """Plays the plan against the service behind `client` with the operator's key, and reconciles.

    `stop` ends the selling; what was acknowledged until then is compared all the same. Raises SimulationFailed."""
    now = datetime.now(CHINA)
    days = [day_played(now.date(), plan, day) for day in range(plan.days)]
    door, ledger = Door(client, plan.connections, plan.patience), Ledger()
    run = f"模拟{now:%m%d-%H%M%S}-{secrets.token_hex(2)}"
    await door.answers()
    city = City(door, key, plan, ledger, run, days)
    enrolled = _counting(watch, "enrol", plan.scales)
    await city.enrol(enrolled)
    scales = [Scale(hand, ledger, door, plan, Random(f"{plan.seed}/{i}/fate")) for i, hand in enumerate(ledger.hands)]
    started = time.monotonic()
    ticker = asyncio.create_task(_tick(watch, plan, ledger))
    try:
        for day in range(plan.days):
            if stop.is_set():
                break
            await city.deliver(day)
            await _sell(scales, day, plan, stop)
    finally:
        ticker.cancel()
    seconds = time.monotonic() - started
    watch("sell", ledger.tally.kept, plan.total)
    books = await reconcile(door, key, city, ledger, _counting(watch, "compare", plan.scales * plan.sales_of_a_scale))
    return Report(plan, ledger.tally, books, ledger.differences, seconds, stop.is_set())


async def _sell(scales: Sequence[Scale], day: int, plan: Plan, stop: asyncio.Event) -> None:
    """One day of all scales; where one of them fails the others end too."""
    opened = time.monotonic()

    def clock() -> float:
        return (time.monotonic() - opened) * OPEN_SECONDS / plan.seconds

    tasks = [asyncio.create_task(scale.day(day, clock, stop)) for scale in scales]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _counting(watch: Watcher, stage: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(number: int) -> None:
        nonlocal done
        done += number
        watch(stage, done, total)

    return advance


async def _tick(watch: Watcher, plan: Plan, ledger: Ledger) -> None:
    while True:
        watch("sell", ledger.tally.kept, plan.total)
        await asyncio.sleep(_TICK)
