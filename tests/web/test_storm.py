"""More cold scans at once than can be answered: some are asked to wait, and what is kept goes on being believed."""

import asyncio
import threading
from typing import Any

import pytest
from httpx2 import Client
from starlette.types import Message

from app import web
from app.web import scandoor, together
from app.web.service import Service
from tests.recording.conftest import until
from tests.scanning.chains import Market, open_market
from tests.support.asking import ask
from tests.support.freshness import settled
from tests.support.story import Story

JSON = {"Accept": "application/json"}


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def test_beyond_what_may_wait_a_scan_is_asked_to_come_back(
    town: Market, service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    scan = scandoor.scanning.scan

    def slow(*given: Any, **named: Any) -> Any:
        assert go_on.wait(30)
        return scan(*given, **named)

    monkeypatch.setattr(together, "WAITING", 3)
    app = web.create_app(service)
    paths = [
        f"/c/{actor.site['code']}" for actor in (town.market, town.stall, town.farm)
    ] + [f"/c/{actor.party['code']}" for actor in (town.stall, town.farm)]  # fmt: skip

    async def storm() -> list[list[Message]]:
        with monkeypatch.context() as patch:
            patch.setattr(scandoor.scanning, "scan", slow)
            asked = [asyncio.create_task(ask(app, path)) for path in paths]
            while sum(task.done() for task in asked) < 2:
                await asyncio.sleep(0.01)
            go_on.set()
            return await asyncio.gather(*asked)

    found = [(sent[0]["status"], dict(sent[0]["headers"])) for sent in asyncio.run(storm())]
    assert sorted(status for status, _ in found) == [200, 200, 200, 503, 503]
    refused = [headers for status, headers in found if status == 503]
    assert {headers[b"retry-after"] for headers in refused} == {b"1"}
    assert [sent[0]["status"] for sent in map(asyncio.run, (ask(app, path) for path in paths))] == [200] * 5


def test_the_feed_waits_for_nobody_s_connection(town: Market, service: Service, client: Client) -> None:
    path = f"/c/{town.stall.site['code']}"
    settled(service)
    client.get(path, headers=JSON)
    pool: Any = service.engine.pool
    until(lambda: client.get(path, headers=JSON).status_code == 200 and not service.writer.waiting)
    taken = []
    while pool.checkedout() < 16:  # as many as there are, when everybody reads at once
        taken.append(service.engine.connect())
    try:
        settled(service)
        assert service.tail.age < 1
        assert client.get(path, headers=JSON).status_code == 200
    finally:
        for connection in taken:
            connection.close()
