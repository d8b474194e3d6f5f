"""Sales that come late, in bulk, twice and under wrong clocks, from scales that were offline."""

import gzip
import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select

from app.domain import codes
from app.settings import Settings
from app.store import tables
from app.web.service import Service
from tests.recording.conftest import EPCIS, Books, deliver, harvest, slugs, until, whole
from tests.recording.test_bad_input import resident
from tests.recording.test_correcting import replaced
from tests.support.cast import Actor, Cast, Scale, ago, quantity
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


def test_the_outcomes_of_one_body_are_bounded(
    cast: Cast, batch: dict[str, Any], books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.outcomes.ANSWER", 2_000_000)
    closed: list[int] = []

    class Spool(SpooledTemporaryFile[bytes]):
        def close(self) -> None:
            closed.append(self.tell())
            super().close()

    monkeypatch.setattr("app.web.outcomes.SpooledTemporaryFile", Spool)
    scale = cast.scale(cast.stall)
    day = ndjson([scale.sale(0, cast.item(batch, "1"))])
    # Two bytes each, of which an outcome makes seven hundred; and a megabyte of them is a kilobyte on the wire.
    packed = {"content": gzip.compress(day["content"] + b"x\n" * 500_000)}
    packed["headers"] = day["headers"] | {"Content-Encoding": "gzip"}
    answer = scale.request("POST", "/sales", **packed)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert "500" in answer.json()["detail"]
    # It was given up as soon as it went beyond, and the file with it.
    assert len(closed) == 1
    assert closed[0] < 3_000_000
    # What came before the cut is recorded, and in a smaller piece answered.
    [line], _ = outcomes(scale.request("POST", "/sales", **day).text)
    assert line["status"] == "duplicate"
    assert books.balance(batch)["sold"] == 1_000


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

    def test_of_skew_whatever_is_recorded(self, cast: Cast, batch: dict[str, Any]) -> None:
        late = cast.stall.record("count", items=[cast.item(batch, "1000")], event_time=ago(seconds=-10))
        assert late["flags"] == []
        made = cast.stall.record("count", items=[cast.item(batch, "1000")], event_time=ago(seconds=-60))
        assert slugs(made) == ["clock_ahead"]
        assert re.search(r"快 5\d 秒 · the clock is 5\d seconds ahead", made["flags"][0]["detail"])
        # What takes the place of another is held to the same.
        again = cast.stall.event("count", items=[cast.item(batch, "1000")], event_time=ago(seconds=-150))
        fields = {"event_id": late["id"], "reason": "incorrect_data", "replacement": again}
        corrected = cast.stall.record("correct", **fields)
        assert "2 minutes" in corrected["flags"][0]["detail"]
        [event] = EPCIS["epcisBody"]["eventList"]
        document = EPCIS | {"epcisBody": {"eventList": [event | {"eventTime": ago(seconds=-60)}]}}
        answer = cast.farm.post("/captures", document)
        assert answer.status_code == 200, answer.text
        assert slugs(answer.json()["events"][0]) == ["clock_ahead"]


def test_a_struck_line_is_left_out_and_what_comes_back_is_a_return(
    cast: Cast, batch: dict[str, Any], books: Books
) -> None:
    scale = cast.scale(cast.stall)
    sold, struck = cast.item(batch, "5"), cast.item(batch, "-2")
    refused, beside = post(scale, scale.sale(1, sold, struck), scale.sale(2, cast.item(batch, "1")))
    assert (refused["status"], refused["counter"], beside["status"]) == ("rejected", 1, "recorded")
    assert refused["problem"]["type"] == "/problems/negative-quantity"
    assert refused["problem"]["errors"][0]["pointer"] == "/lines/1/quantity"
    # It has used no counter.
    [again] = post(scale, scale.sale(1, sold))
    assert (again["status"], again["flags"]) == ("recorded", [])
    back = {"kind": "return", "event_time": ago(), "ref": "back", "site_id": cast.stall.site["id"], "reason": "退货"}
    assert scale.post("/events", back | {"items": [cast.item(batch, "2")]}).status_code == 201
    assert books.balance(batch) == {"amount_in": 1_000_000, "sold": 4_000, "on_hand": 996_000}


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


# --- a scale that moves ---


def move(cast: Cast, scale: Scale, to: Actor, **more: Any) -> None:
    """Moves the scale in the books, and waits until its key knows."""
    device = f"/devices/{scale.activation['device_id']}"
    answer = cast.market.patch(device, {"site_id": to.site["id"], **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["site_id"] == to.site["id"]
    until(lambda: [each["id"] for each in scale.get("/sites").json()["items"]] == [to.site["id"]])


def sold_at(cast: Cast, *outcomes: dict[str, Any]) -> list[str]:
    """The stall on the receipt of each."""
    names = {actor.site["code"]: name for actor, name in ((cast.stall, "old"), (cast.other_stall, "new"))}
    return [names[cast.public.scan(outcome["receipt_code"])["site"]["code"]] for outcome in outcomes]


@pytest.mark.parametrize("told", [True, False], ids=["the counter was read off it", "nobody read the counter"])
@pytest.mark.parametrize("first", ["old first", "new first"])
def test_what_was_sold_before_a_move_stays_with_the_old_stall(
    cast: Cast, batch: dict[str, Any], books: Books, told: bool, first: str
) -> None:
    there = deliver(cast, harvest(cast), "10", cast.other_stall)
    scale = cast.scale(cast.stall)
    [morning] = post(scale, scale.sale(3, cast.item(batch, "1")))
    offline = [scale.sale(counter, cast.item(batch, "1")) for counter in (2, 4, 5)]
    move(cast, scale, cast.other_stall, **({"next_counter": 6} if told else {}))
    now = {"event_time": ago(seconds=-1)}
    moved = [scale.sale(counter, cast.item(there, "1")) | now for counter in (6, 7)]
    if first == "old first":
        late, new = post(scale, *offline), post(scale, *moved)
    else:
        new, late = post(scale, *moved), post(scale, *offline)
    assert [outcome["flags"] for outcome in (*late, *new)] == [[]] * 5
    assert books.balance(batch)["sold"] == 4_000
    assert books.balance(there)["sold"] == 2_000
    assert sold_at(cast, morning, *late, *new) == ["old"] * 4 + ["new"] * 2
    # A resend changes nothing, wherever the scale stands by then.
    move(cast, scale, cast.stall)
    assert [outcome["status"] for outcome in post(scale, *offline, *moved)] == ["duplicate"] * 5
    assert sold_at(cast, *late, *new) == ["old"] * 3 + ["new"] * 2


def test_a_clock_that_is_ahead_moves_nothing_that_is_numbered_below(
    cast: Cast, batch: dict[str, Any], books: Books
) -> None:
    scale = cast.scale(cast.stall)
    fast = {"event_time": ago(hours=-1)}
    post(scale, scale.sale(9, cast.item(batch, "1")))
    move(cast, scale, cast.other_stall)
    [below] = post(scale, scale.sale(8, cast.item(batch, "1")) | fast)
    assert sold_at(cast, below) == ["old"]
    # The market reads the counter later: from then on it decides alone, whatever the clock says.
    move(cast, scale, cast.other_stall, next_counter=20)
    slow = {"event_time": ago(days=30)}
    found = post(scale, scale.sale(19, cast.item(batch, "1")) | fast, scale.sale(20, cast.item(batch, "1")) | slow)
    assert [slugs(outcome) for outcome in found] == [["clock_ahead"], ["batch_elsewhere"]]
    assert sold_at(cast, *found) == ["old", "new"]


def test_a_move_that_is_told_afterwards_goes_by_time(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    line = cast.item(batch, "1")
    since = ago()
    post(scale, scale.sale(9, line) | {"event_time": ago()})
    before, after = scale.sale(7, line), scale.sale(8, line) | {"event_time": ago()}
    move(cast, scale, cast.other_stall, valid_from=since)
    assert sold_at(cast, *post(scale, after, before)) == ["new", "old"]


def test_there_and_back_and_a_new_epoch(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    line = cast.item(batch, "1")
    move(cast, scale, cast.other_stall, next_counter=10)
    move(cast, scale, cast.stall, next_counter=20)
    found = post(scale, *(scale.sale(counter, line) for counter in (25, 15, 5, 19, 20, 10, 9)))
    assert sold_at(cast, *found) == ["old", "new", "old", "new", "old", "new", "old"]
    move(cast, scale, cast.other_stall, next_counter=30)
    code = cast.admin.post(f"/devices/{scale.activation['device_id']}/activation").json()["activation_code"]
    told = cast.public.post("/devices/activate", {"activation_code": code}).json()
    again = Scale(cast.client, told["key"], cast.stall.party, cast.stall.site, activation=told)
    assert sold_at(cast, *post(again, again.sale(1, line), again.sale(31, line))) == ["new", "new"]


def test_a_receipt_that_is_scanned_before_its_sale_is_of_the_stall_that_printed_it(
    cast: Cast, batch: dict[str, Any]
) -> None:
    scale = cast.scale(cast.stall)
    told = scale.activation
    move(cast, scale, cast.other_stall, next_counter=5)

    def printed(counter: int) -> dict[str, Any]:
        number = codes.receipt_id(told["device_number"], told["epoch"], counter)
        return cast.public.scan(codes.receipt_code(bytes.fromhex(told["receipt_secret"]), number))

    assert [printed(counter)["status"] for counter in (4, 5)] == ["pending"] * 2
    assert [printed(counter)["site"]["code"] for counter in (4, 5)] == [
        cast.stall.site["code"],
        cast.other_stall.site["code"],
    ]


def test_who_may_say_where_a_scale_counts_from(cast: Cast) -> None:
    scale = cast.scale(cast.stall)
    device = f"/devices/{scale.activation['device_id']}"
    for value in (-1, 2**30, "x", 1.5, None):
        assert cast.market.patch(device, {"next_counter": value}).status_code == 422
    assert cast.regulator.patch(device, {"next_counter": 7}).status_code == 403
    told = cast.stall.patch(device, {"next_counter": 7})
    assert (told.json()["first_counter"], told.json()["first_time"]) == (7, None)


# --- lines that are booked on no batch ---


def test_what_a_line_named_is_kept(cast: Cast, batch: dict[str, Any], service: Service) -> None:
    scale = cast.scale(cast.stall)
    elsewhere = deliver(cast, harvest(cast), "10", cast.other_stall)
    melon = cast.product("哈密瓜", "fruit", "count", grams_per_piece=1_500)
    outside = {"items": [{"product_id": melon["id"], "quantity": quantity("9", "个")}]}
    [melons] = cast.other_stall.record("receive", **{"from": {"name": "x"}}, **outside)["outputs"]
    nowhere = str(uuid4())
    [outcome] = post(
        scale,
        scale.sale(
            1,
            cast.item(batch, "1"),
            cast.item(elsewhere, "2"),
            {"custody_id": nowhere, "product_id": melon["id"], "quantity": quantity("3", "个")},
            {"product_id": melon["id"], "quantity": quantity("4.5")},
            cast.item(melons, "6"),
        ),
    )
    assert slugs(outcome) == ["batch_elsewhere", "unknown_batch", "sold_without_batch"]
    with service.engine.connect() as connection:
        rows = connection.execute(select(tables.receipt_line).order_by(tables.receipt_line.c.line)).all()
    # Amounts are in the measure of the product, whatever the line was booked on: they can be counted against coverage.
    assert [tuple(str(x) if x else None for x in (row.custody_id, row.named_id, row.product_id)) for row in rows] == [
        (batch["custody_id"], None, batch["product_id"]),
        (None, elsewhere["custody_id"], elsewhere["product_id"]),
        (None, nowhere, melon["id"]),
        (None, None, melon["id"]),
        (None, melons["custody_id"], melon["id"]),
    ]
    assert [row.amount for row in rows] == [1_000, 2_000, 3, 3, 4]


def test_a_line_on_a_batch_that_was_replaced_keeps_both(cast: Cast, batch: dict[str, Any], service: Service) -> None:
    scale = cast.scale(cast.stall)
    other = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(other, "20")])["slip_code"]
    [heir] = replaced(cast.stall, batch["event_id"], "receive", slip_code=slip)["outputs"]
    post(scale, scale.sale(1, cast.item(batch, "3")))
    with service.engine.connect() as connection:
        [row] = connection.execute(select(tables.receipt_line))
    assert (str(row.custody_id), str(row.named_id)) == (heir["custody_id"], batch["custody_id"])
