"""What the process tells of itself to whoever watches it."""

import re

from httpx2 import Client

from app.web.service import Service
from tests.scanning.chains import open_market
from tests.support.freshness import settled
from tests.support.story import Story

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9"}


def _kept(client: Client) -> dict[str, int]:
    """The metrics of what is kept."""
    told = re.findall(r'^onecode_scan_cache_(\w+{kept="\w+"}) (\d+)$', client.get("/metrics").text, re.MULTILINE)
    return {name: int(value) for name, value in told}


def test_what_is_kept_and_how_it_serves_is_told(story: Story, client: Client, service: Service) -> None:
    town = open_market(story)
    batch = town.move(town.farm, town.stall, town.harvest())
    settled(service)
    before = _kept(client)
    assert {name.partition("{")[0] for name in before} == {"hits_total", "misses_total", "evictions_total", "bytes"}
    kept = {name.partition('"')[2][:-2] for name in before}
    assert kept == {"pages", "receipts", "lines", "boards", "links", "stock"}
    for _ in range(3):
        client.get(f"/c/{batch['code']}", headers=HTML)
    after = _kept(client)
    gained = {name: after[name] - before[name] for name in before if after[name] != before[name]}
    assert gained.pop('bytes{kept="pages"}') > 2_000
    assert gained == {'hits_total{kept="pages"}': 2, 'misses_total{kept="pages"}': 1}
