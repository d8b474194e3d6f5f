"""Sales that come late, in bulk, twice and under wrong clocks, from scales that were offline."""

import gzip
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from tests.recording.conftest import Books, deliver, harvest, slugs, whole
from tests.recording.test_bad_input import resident
from tests.support.cast import Cast, Scale, ago
from tests.support.server import serving
from tests.support.story import ndjson, outcomes


@pytest.fixture
def batch(cast: Cast) -> dict[str, Any]:
    """A ton on the stall."""
    return deliver(cast, harvest(cast, "1000"), "1000", cast.stall)


def post(scale: Scale, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    answer = scale.post("/sales", {"sales": list(sales)})
    assert answer.status_code == 200, answer.text
    return [whole(outcome, ["counter"]) for outcome in answer.json()["results"]]


def test_a_sale_that_is_too_old_is_turned_away_alone(cast: Cast, batch: dict[str, Any], books: Books) -> None:
    scale = cast.scale(cast.stall)
    line = cast.item(batch, "1")
    old = scale.sale(1, line) | {"event_time": ago(days=181)}
    young = scale.sale(2, line) | {"event_time": ago(days=179)}
    found = post(scale, old, young, scale.sale(3, line))
    assert [outcome["status"] for outcome in found] == ["rejected", "recorded", "recorded"]
    problem = found[0]["problem"]
    assert (problem["type"], problem["status"], found[0]["counter"]) == ("/problems/too_old", 422, 1)
    assert problem["errors"][0]["pointer"] == "/event_time"
    assert " · " in problem["detail"]
    # Its clock was wrong: the same sale comes again with its right time.
    [again] = post(scale, old | {"event_time": ago(hours=2)})
    assert again["status"] == "recorded"
    # Another claim on a counter is no way around it.
    [claim] = post(scale, old | {"lines": [cast.item(batch, "2")]})
    assert claim["status"] == "rejected"
    assert books.balance(batch)["sold"] == 3_000
    answer = scale.request("POST", "/sales", **ndjson([old, young, scale.sale(9, line)]))
    lines, summary = outcomes(answer.text)
    assert summary == {"recorded": 1, "duplicate": 1, "conflict": 0, "rejected": 1}
    assert [outcome["counter"] for outcome in lines] == [1, 2, 9]


class TestShorterLimits:
    """What an operator has set holds."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sales_retention_days": 7, "clock_skew_seconds": 30})

    def test_of_retention_and_skew(self, cast: Cast, batch: dict[str, Any]) -> None:
        scale = cast.scale(cast.stall)
        sale = scale.sale(1, cast.item(batch, "1"))
        for event_time, status, flags in (
            (ago(days=8), "rejected", []),
            (ago(days=6), "recorded", []),
            (ago(seconds=-10), "recorded", []),
            (ago(seconds=-60), "recorded", ["clock_ahead"]),
        ):
            sale = sale | {"counter": sale["counter"] + 1, "event_time": event_time}
            [outcome] = post(scale, sale)
            assert (outcome["status"], slugs(outcome)) == (status, flags)


def test_the_same_day_in_any_order_and_many_pieces_is_one_day(cast: Cast, batch: dict[str, Any], books: Books) -> None:
    scale = cast.scale(cast.stall)
    day = [scale.sale(counter, cast.item(batch, "0.1")) for counter in range(1_200)]
    packed = ndjson(reversed(day))
    packed["content"] = gzip.compress(packed["content"])
    packed["headers"]["Content-Encoding"] = "gzip"
    post(scale, *day[300:900])
    for recorded in (600, 0):
        answer = scale.request("POST", "/sales", **packed)
        lines, summary = outcomes(answer.text)
        assert summary == {"recorded": recorded, "duplicate": 1_200 - recorded, "conflict": 0, "rejected": 0}
        assert [line["counter"] for line in lines] == list(reversed(range(1_200)))
    assert books.balance(batch)["sold"] == 120_000
    assert books.custody(batch).receipts == 1_200


@pytest.mark.parametrize(
    ("number", "kilobytes"),
    # SQLite keeps 64 MB of its pages, whatever was posted.
    [(5_000, 12_000), pytest.param(100_000, 64_000 + 12_000, marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_in_one_body_takes_no_more_memory_than_an_hour(
    cast: Cast, settings: Settings, tmp_path: Path, batch: dict[str, Any], number: int, kilobytes: int
) -> None:
    scale = cast.scale(cast.stall)
    sale = scale.sale(0, cast.item(batch, "0.001"), cast.item(batch, "0.001"))

    def lines(first: int, count: int) -> Iterator[bytes]:
        pack = gzip.compress
        for start in range(first, first + count, 1_000):
            some = range(start, min(start + 1_000, first + count))
            yield pack(b"".join(json.dumps(sale | {"counter": counter}).encode() + b"\n" for counter in some))

    headers = {
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Authorization": f"Bearer {scale.key}",
    }
    with serving(tmp_path, settings.database_url) as server, httpx2.Client(timeout=600, headers=headers) as client:

        def upload(first: int, count: int) -> dict[str, int]:
            with client.stream("POST", f"{server.url}/api/v1/sales", content=lines(first, count)) as answer:
                [last] = deque(answer.iter_lines(), maxlen=1)
            summary: dict[str, int] = json.loads(last)["summary"]
            return summary

        assert upload(0, 1_000)["recorded"] == 1_000
        assert server.process.pid is not None
        before = resident(server.process.pid)
        assert upload(1_000, number) == {"recorded": number, "duplicate": 0, "conflict": 0, "rejected": 0}
        # A hundred thousand sales are 45 MB of JSON and their outcomes 50 MB.
        assert resident(server.process.pid) - before < kilobytes
        assert upload(0, number)["duplicate"] == number
