"""One scale that floods makes only itself wait."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from app.recording import Record
from app.store.turns import Turns
from app.web.service import Service
from tests.recording.conftest import Books, deliver, harvest, until
from tests.support.cast import Cast
from tests.support.story import ndjson, outcomes


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[Any, list[int]]]]:
    """("put" or "take", receipts by device) as sales come to the queue and leave it."""
    seen: list[tuple[str, dict[Any, list[int]]]] = []
    put, take = Turns.put, Turns.take

    def note(what: str, tickets: Sequence[Any]) -> None:
        sales: dict[Any, list[int]] = {}
        for ticket in tickets:
            if hasattr(ticket.command, "receipt_id"):
                sales.setdefault(str(ticket.command.device_id), []).append(ticket.command.receipt_id)
        if sales:
            seen.append((what, sales))

    def putting(self: Turns[Any], origin: Any, items: Sequence[Any]) -> None:
        put(self, origin, items)
        note("put", items)

    def taking(self: Turns[Any], most: int) -> list[Any]:
        taken = take(self, most)
        note("take", taken)
        return taken

    monkeypatch.setattr(Turns, "put", putting)
    monkeypatch.setattr(Turns, "take", taking)
    return seen


def test_a_flood_of_one_scale_keeps_no_other_waiting(
    cast: Cast, turns: list[tuple[str, dict[Any, list[int]]]], books: Books
) -> None:
    batch = deliver(cast, harvest(cast, "1000"), "1000", cast.stall)
    flooding, quiet = cast.scale(cast.stall), cast.scale(cast.stall, "other scale")
    uploads = [
        ndjson(flooding.sale(counter, cast.item(batch, "0.01")) for counter in range(first, first + 600))
        for first in range(0, 18_000, 600)
    ]

    def send(upload: dict[str, Any]) -> dict[str, int]:
        """As a scale does: 503 is an answer to wait for, what was recorded before it is a duplicate then."""
        for _ in range(100):
            answer = flooding.request("POST", "/sales", **upload)
            if answer.status_code == 200:
                return outcomes(answer.text)[1]
            assert answer.headers["retry-after"] == "1"
            time.sleep(0.1)
        raise AssertionError("the flood never got in")

    started = time.monotonic()
    with ThreadPoolExecutor(31) as pool:
        flood = [pool.submit(send, upload) for upload in uploads]
        sold, waited = 0, []
        while not all(upload.done() for upload in flood):
            begun = time.monotonic()
            assert quiet.sell(sold, cast.item(batch, "0.01"))["status"] == "recorded"
            waited.append(time.monotonic() - begun)
            sold += 1
        summaries = [upload.result() for upload in flood]
    # Whatever else the machine does: a flood that went first would take all of its time from whoever came beside it.
    whole = time.monotonic() - started
    assert sorted(waited)[int(len(waited) * 0.99)] < whole / 2, (whole, sorted(waited)[-5:])
    assert [summary["recorded"] + summary["duplicate"] for summary in summaries] == [600] * 30
    assert books.balance(batch)["sold"] == 180_000 + sold * 10
    # What the quiet one sells is in the very next transaction, however much of the other's is waiting.
    device = quiet.activation["device_id"]
    waiting: Counter[str] = Counter()
    overtaken = 0
    for what, sales in turns:
        if what == "put":
            waiting.update({key: len(numbers) for key, numbers in sales.items()})
            continue
        if waiting[device]:
            assert len(sales[device]) == waiting[device]
            overtaken += waiting[flooding.activation["device_id"]] > 500
        waiting.subtract({key: len(numbers) for key, numbers in sales.items()})
    assert overtaken, "the flood was none"
    # In order of arrival, for each of the two.
    for key in (device, flooding.activation["device_id"]):
        came, went = (
            [n for what, sales in turns if what == which for n in sales.get(key, [])] for which in ("put", "take")
        )
        assert came == went


def test_sales_of_many_lines_come_in_transactions_of_as_many_rows_as_others(
    cast: Cast, turns: list[tuple[str, dict[Any, list[int]]]], books: Books
) -> None:
    batch = deliver(cast, harvest(cast, "1000"), "1000", cast.stall)
    bulk, quiet = [cast.scale(cast.stall, f"bulk {n}") for n in range(4)], cast.scale(cast.stall)
    sales = [bulk[0].sale(n, *[cast.item(batch, "0.001")] * 200) for n in range(60)]
    with ThreadPoolExecutor(5) as pool:
        posted = [pool.submit(scale.post, "/sales", {"sales": sales}) for scale in bulk]
        sold = 0
        while not all(each.done() for each in posted):
            assert quiet.sell(sold, cast.item(batch, "0.001"))["status"] == "recorded"
            sold += 1
        assert [each.result().json()["recorded"] for each in posted] == [60] * 4
    assert books.balance(batch)["sold"] == 240 * 200 + sold
    small = quiet.activation["device_id"]
    taken = [{key: len(numbers) for key, numbers in took.items()} for what, took in turns if what == "take"]
    large = [sum(count for key, count in took.items() if key != small) for took in taken]
    # 1,500 rows, and the last sale of 201 may go beyond.
    assert max(large) * 201 <= 1_500 + 201
    assert any(small in took and many for took, many in zip(taken, large, strict=True))


def test_events_of_many_items_come_in_small_transactions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    took: list[int] = []
    take = Turns.take

    def taking(self: Turns[Any], most: int) -> list[Any]:
        taken = take(self, most)
        took.append(sum(isinstance(ticket.command, Record) for ticket in taken))
        return taken

    monkeypatch.setattr(Turns, "take", taking)
    product = cast.product("白菜")
    events = [
        cast.farm.event("produce", outputs=[cast.output(product, "1", lot_number=f"{n}-{i}") for i in range(200)])
        for n in range(6)
    ]
    answer = cast.farm.post("/events", {"events": events})
    assert answer.json()["recorded"] == 6, answer.text
    assert max(took) <= 3


def test_a_scale_whose_own_line_is_full_is_told_to_come_again(cast: Cast, service: Service) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    flooding, quiet = cast.scale(cast.stall), cast.scale(cast.stall, "other scale")
    gate = Event()
    service.writer.offer(lambda _, commands: [gate.wait(30) for _ in commands], None, lambda _: None)
    until(lambda: service.writer.waiting == 0)
    # Six lists of a thousand: the queue takes 20,000 and a quarter of that from one device.
    lists = [[flooding.sale(n, cast.item(batch, "0.001")) for n in range(i * 1_000, (i + 1) * 1_000)] for i in range(6)]
    with ThreadPoolExecutor(8) as pool:
        posted = [pool.submit(flooding.post, "/sales", {"sales": sales}) for sales in lists]
        until(lambda: any(each.done() for each in posted))
        live = pool.submit(quiet.sell, 0, cast.item(batch, "0.001"))
        until(lambda: service.writer.waiting >= 5_001)
        gate.set()
        answers = [each.result() for each in posted]
        assert live.result()["status"] == "recorded"
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503]
    [busy] = [answer for answer in answers if answer.status_code == 503]
    assert (busy.json()["type"], busy.headers["retry-after"]) == ("/problems/busy", "1")
    again = flooding.post("/sales", {"sales": lists[[a.status_code for a in answers].index(503)]})
    assert again.json()["recorded"] == 1_000
