"""The wall clock jumps while pages are kept: what is due on a day is right at once, and no change is missed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import Client

from app.store import writer
from app.web import boards, receiptdoor, scan, scandoor, screens, stock
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.cast import CHINA, ago
from tests.support.freshness import settled
from tests.support.story import Story, line

JSON = {"Accept": "application/json"}
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Clock:
    """The wall clock of the process; `ahead` of the true one."""

    ahead: timedelta = timedelta(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Clock]:
    wrong = Clock()

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + wrong.ahead

    for module in (writer, boards, receiptdoor, scan, scandoor, screens, stock):
        monkeypatch.setattr(module, "datetime", Wrong)
    yield wrong
    wrong.ahead = timedelta(0)


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def test_goods_expire_by_the_clock_as_it_is_now(town: Market, client: Client, service: Service, clock: Clock) -> None:
    """It is set two days on, and back: pages, receipts, the stall, the board and the stock of its scale follow."""
    last = str(datetime.now(CHINA).date() + timedelta(days=1))
    milk = town.story.product("鲜牛奶", "dairy", shelf_life_days=3)
    made = town.farm.record(
        "produce", event_time=ago(hours=3), outputs=[town.story.output(milk, "100", expires_on=last)]
    )["outputs"][0]
    here = town.move(town.farm, town.stall, made, hours=2)
    scale = town.story.handheld(town.stall, "1 号秤", "scale")
    receipts = [scale.prints(line(here, "1", "斤")) for _ in range(2)]
    scale.upload()
    settled(service)

    def told() -> dict[str, Any]:
        pages = {code: client.get(f"/c/{code}", headers=JSON).json() for code in (here["code"], *receipts)}
        stall = client.get(f"/c/{town.stall.site['code']}", headers=JSON).json()
        board = client.get(f"/boards/{town.market.site['code']}.json").json()
        return {
            "pages": {page["status"] for page in pages.values()},
            "stall": [item["status"] for item in stall["stock"]],
            "board": [batch["status"] for batch in board["batches"]],
            "scale": len(scale.get("/devices/me/stock").json()["items"]),
        }

    fresh = {"pages": {"ok"}, "stall": ["ok"], "board": ["ok"], "scale": 1}
    late = {"pages": {"expired"}, "stall": ["expired"], "board": ["expired"], "scale": 0}
    for ahead, right in ((0, fresh), (48, late), (0, fresh), (-1, fresh), (0, fresh)):
        clock.ahead = ahead * HOUR
        assert told() == right, ahead
        settled(service)
        assert told() == right, "of what is kept now"


@pytest.mark.parametrize("hours", [1, -1])
def test_a_change_shows_whatever_the_clock_says(
    town: Market, client: Client, service: Service, clock: Clock, hours: int
) -> None:
    batch = town.move(town.farm, town.stall, town.harvest())

    def status() -> str:
        return str(client.get(f"/c/{batch['code']}", headers=JSON).json()["status"])

    for jump in (hours, 0):
        settled(service)
        assert status() == status() == "ok"
        clock.ahead = jump * HOUR
        held = town.story.admin.record("hold", custody_id=batch["custody_id"], scope="custody", reason="抽检")
        assert status() == status() == "held"
        settled(service)
        assert status() == "held"
        town.story.admin.record("release", hold_event_id=held["id"], reason="合格")
        assert status() == "ok"
