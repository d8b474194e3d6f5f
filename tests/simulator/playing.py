"""Plays a plan against a service of this process."""

import asyncio
from collections.abc import Callable

import httpx
from starlette.types import ASGIApp

from app.simulator import QUIET, Habits, Plan, Report, simulate
from app.web import create_app
from app.web.service import Service
from tests.support.cast import first_key

SMALL = Plan(1, 2, 6, seconds=0.3, batches=3, habits=QUIET)
"""Two scales that sell six times each, and nothing goes wrong."""

ALL = Habits(offline=0.7, wrong_clocks=0.4, power_cuts=0.6, copied=1, lost_answers=0.3, resends=0.4)


def played(
    service: Service,
    plan: Plan,
    *,
    between: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    stop_after: int | None = None,
    when_sold: Callable[[], None] = lambda: None,
) -> Report:
    """`between` puts something between scales and service; it stops once so many sales were acknowledged;
    `when_sold` runs before the books are compared."""

    async def play() -> Report:
        stop = asyncio.Event()
        sold = False

        def watch(stage: str, done: int, total: int) -> None:
            nonlocal sold
            if stage == "sell" and stop_after is not None and done >= stop_after:
                stop.set()
            if stage == "sell" and done == total and not sold:
                sold = True
                when_sold()

        transport = httpx.ASGITransport(app=between(create_app(service)))
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=30) as client:
            return await simulate(plan, client, first_key(service), stop=stop, watch=watch)

    return asyncio.run(play())
