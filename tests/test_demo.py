"""`onecode serve --demo`: a market day through the public interface, the same however often it is run."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from app.demo import CHINA, DemoFailed, Stage, market_day
from tests.support.databases import Database
from tests.support.server import serving

STATUSES = {
    "cabbage, from the farm to the stall": {"ok"},
    "cooked pork made of two lots": {"ok"},
    "bass that failed its rapid test: held": {"held"},
    "mushrooms from outside: a gap": {"incomplete"},
    "a slip refused at the gate": {"refused"},
    "a receipt of a scale": {"ok"},
    "a stall and what it sells now": {"ok"},
}


def test_the_demo_shows_every_kind_of_page(database: Database, tmp_path: Path) -> None:
    with serving(tmp_path, database.url, "--demo") as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        printed = server.printed("Authorization: Bearer ock_")
        paths = re.findall(r"http://localhost:\d+(/\S+)", printed)
        assert len(set(paths)) >= 18
        kinds, statuses = set(), {}
        for what, path in re.findall(r"· ([^·\n]+)\n +http://localhost:\d+(/c/\w+)", printed):
            scanned = client.get(path, headers={"Accept": "application/json"}).json()
            kinds.add(scanned["kind"])
            statuses[what.strip()] = scanned["status"]
            assert client.get(path, headers={"Accept": "text/html"}).status_code == 200
        assert kinds == {"site", "party", "custody", "lot", "slip", "receipt"}
        for what, expected in STATUSES.items():
            assert statuses[what] in expected, (what, statuses[what])
        key = re.findall(r"ock_[0-9a-f_]+", printed)[0]
        bearer = {"Authorization": f"Bearer {key}"}
        for path in paths:
            found = client.get(path, headers=bearer, follow_redirects=True)
            assert found.status_code == 200, path
            if "linkType=linkset" in path:
                assert found.json()["linkset"]
            elif path.startswith("/01/"):
                assert "盐卤豆腐" in found.text
            elif path == "/epcis/events":
                assert found.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        yesterday = datetime.now(CHINA).date() - timedelta(days=1)
        again = Stage(server.url, key, yesterday)
        counted = client.get("/api/v1/events?limit=1000", headers=bearer).json()
        market_day(again)
        again.close()
        after = client.get("/api/v1/events?limit=1000", headers=bearer).json()
        assert [event["id"] for event in after["items"]] == [event["id"] for event in counted["items"]]


def test_a_service_that_refuses_is_said() -> None:
    stage = Stage("http://127.0.0.1:9", "ock_x", date(2026, 3, 1))
    with pytest.raises(DemoFailed, match="was not ready"):
        stage.await_ready(0.2)
    stage.close()
