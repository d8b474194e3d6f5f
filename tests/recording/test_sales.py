"""Sales of scales: the hot path, its receipts, and everything that a scale may get wrong."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from sqlalchemy import select

from app.domain import codes
from app.store import tables
from app.store.writer import Transaction
from app.web.service import Service
from tests.recording.conftest import EPCIS, Books, deliver, harvest, slugs, until, whole, without
from tests.recording.test_correcting import replaced, voided
from tests.support.cast import Cast, Scale, ago, quantity
from tests.support.statements import Statements
from tests.support.story import day, ndjson, outcomes


@pytest.fixture
def batch(cast: Cast) -> dict[str, Any]:
    """Ten kilograms on the stall."""
    return deliver(cast, harvest(cast), "10", cast.stall)


@pytest.fixture
def scale(cast: Cast) -> Scale:
    """A scale of the stall's."""
    return cast.scale(cast.stall)


@pytest.fixture
def receipts(service: Service) -> Callable[[str], list[dict[str, Any]]]:
    """Rows of one of the receipts' tables."""

    def rows(table: str) -> list[dict[str, Any]]:
        chosen = tables.metadata.tables[table]
        with service.engine.connect() as connection:
            found = connection.execute(select(chosen).order_by(*chosen.primary_key.columns))
            return [dict(row._mapping) for row in found]

    return rows


def post(scale: Scale, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    """The outcomes of sales in one body."""
    answer = scale.post("/sales", {"sales": list(sales)})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    results: list[dict[str, Any]] = body["results"]
    for status in ("recorded", "duplicate", "conflict", "rejected"):
        assert body[status] == sum(outcome["status"] == status for outcome in results)
    return [whole(outcome, ["counter"]) for outcome in results]


def test_a_sale_and_its_receipt(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books, receipts: Callable[[str], list[dict[str, Any]]]
) -> None:
    sale = scale.sale(7, cast.item(batch, "1.5", "斤") | {"amount_fen": 900}, cast.item(batch, "250", "g"))
    [outcome] = post(scale, sale | {"operator": "01", "payment": "cash"})
    device = UUID(scale.activation["device_id"])
    assert without(outcome, "record_time", "receipt_code") == {
        "ref": None, "id": str(uuid5(device, f"{scale.activation['epoch']}/7")), "kind": "sell", "status": "recorded",
        "flags": [], "outputs": [], "slip_code": None, "decision": None, "reasons": [], "problem": None, "counter": 7,
    }  # fmt: skip
    code = codes.parse(outcome["receipt_code"])
    assert codes.receipt_mac_ok(bytes.fromhex(scale.activation["receipt_secret"]), code)
    number = codes.receipt_id(scale.activation["device_number"], scale.activation["epoch"], 7)
    assert codes.receipt_id_of(code) == number
    assert books.balance(batch) == {"amount_in": 10_000, "sold": 1_000, "on_hand": 9_000}
    assert books.custody(batch).receipts == 1
    [row] = receipts("receipt")
    assert (row["id"], row["operator"], row["payment"], row["flags"]) == (number, "01", "cash", [])
    assert [(line["amount"], line["amount_fen"], line["value"], line["unit"]) for line in receipts("receipt_line")] == [
        (750, 900, "1.5", "斤"), (250, None, "250", "g")
    ]  # fmt: skip
    page = cast.public.scan(outcome["receipt_code"])
    assert (page["kind"], page["status"], len(page["lines"])) == ("receipt", "ok", 2)


def test_the_same_again_is_a_duplicate_in_whatever_order_and_list(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books
) -> None:
    first, second = (scale.sale(counter, cast.item(batch, "6")) for counter in (1, 2))
    [one, two, again] = post(scale, first, second, second)
    assert slugs(two) == ["more_than_there"]
    assert (again["status"], without(again, "status")) == ("duplicate", without(two, "status"))
    # An answer that was lost is given again, to the letter.
    [late, early] = post(scale, second, first)
    assert (late, early) == (two | {"status": "duplicate"}, one | {"status": "duplicate"})
    # The order of its fields is none of a sale's content, the offset of its clock is.
    [turned] = post(scale, dict(reversed(first.items())))
    assert turned["status"] == "duplicate"
    assert books.balance(batch) == {"amount_in": 10_000, "sold": 12_000, "on_hand": -2_000}


def test_a_counter_that_is_used_again_loses_no_sale(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books, receipts: Callable[[str], list[dict[str, Any]]]
) -> None:
    """A scale was reset: its second day carries the numbers of the first."""
    [first] = post(scale, scale.sale(1, cast.item(batch, "1")))
    other = scale.sale(1, cast.item(batch, "2"))
    for _ in range(2):
        [outcome] = post(scale, other)
        assert (outcome["status"], slugs(outcome), outcome["problem"]) == ("conflict", ["counter_reused"], None)
        assert outcome["receipt_code"] == first["receipt_code"]
    [claim] = receipts("receipt_claim")
    assert claim["body"]["lines"][0]["quantity"] == quantity("2")
    # Both at once: one is the sale, the other the claim.
    [one, two] = post(scale, scale.sale(2, cast.item(batch, "1")), scale.sale(2, cast.item(batch, "3")))
    assert (one["status"], two["status"]) == ("recorded", "conflict")
    assert books.balance(batch)["sold"] == 2_000
    assert len(receipts("receipt_claim")) == 2
    assert len(cast.stall.scan(first["receipt_code"])["lines"]) >= 1


def test_one_bad_sale_blocks_no_other(cast: Cast, scale: Scale, batch: dict[str, Any], books: Books) -> None:
    good = cast.item(batch, "1")
    bad: list[tuple[Any, int | None, str, str | None]] = [
        (scale.sale(11), 11, "invalid", "/lines"),
        (scale.sale(12, good | {"quantity": quantity("1", "箱")}), 12, "unknown-unit", "/lines/0/quantity"),
        (scale.sale(13, good | {"quantity": quantity("-1")}), 13, "negative-quantity", "/lines/0/quantity"),
        (scale.sale(14, good | {"quantity": quantity("0")}), 14, "invalid-quantity", "/lines/0/quantity"),
        (scale.sale(15, {"quantity": quantity("1")}), 15, "invalid", "/lines/0"),
        (scale.sale(16, good) | {"event_time": "2026-03-01T06:30:00"}, 16, "invalid", "/event_time"),
        (scale.sale(17, good) | {"event_time": "1999-03-01T06:30:00Z"}, 17, "invalid", "/event_time"),
        (scale.sale(18, good) | {"colour": "red"}, 18, "invalid", ""),
        (scale.sale(19, good | {"amount_fen": 10**12}), 19, "invalid", "/lines/0/amount_fen"),
        (scale.sale(20, good | {"custody_id": "x"}), 20, "invalid", "/lines/0/custody_id"),
        (scale.sale(21, *[good] * 201), 21, "invalid", "/lines"),
        (scale.sale(-1, good), -1, "invalid", "/counter"),
        (scale.sale(2**30, good), 2**30, "invalid", "/counter"),
        (scale.sale(22, good) | {"operator": "x" * 201}, 22, "invalid", "/operator"),
        (scale.sale(23, good) | {"counter": "23"}, None, "invalid", "/counter"),
        (7, None, "invalid", ""),
    ]
    found = post(scale, scale.sale(1, good), *(sale for sale, *_ in bad), scale.sale(2, good))
    assert [outcome["status"] for outcome in found] == ["recorded", *["rejected"] * len(bad), "recorded"]
    for outcome, (_, counter, slug, pointer) in zip(found[1:], bad, strict=False):
        problem = outcome["problem"]
        assert (outcome["counter"], problem["type"], problem["status"]) == (counter, f"/problems/{slug}", 422), outcome
        assert [fault["pointer"] for fault in problem["errors"]] == ([pointer] if pointer else []), outcome
        assert " · " in problem["detail"]
    assert books.balance(batch)["sold"] == 2_000


@pytest.mark.parametrize(
    ("bad", "counter", "slug", "status"),
    [
        ('{"counter":5,"operator":"\\u0000"}', 5, "bad-text", 422),
        ('{"counter":5,"operator":"\\ud800"}', None, "bad-text", 422),
        ('{"operator":"\\ud800x","counter":5}', None, "bad-text", 422),
        ('{"counter":5,"operator":"张三"}', 5, "bad-json", 400),
        ('{"counter":1e999}', None, "bad-json", 400),
        ('{"counter":' + "9" * 4_000 + "}", None, "invalid", 422),
        ('{"counter":' + "9" * 6_000 + "}", None, "bad-json", 400),
        ('{"counter":5,"lines":' + "[" * 99 + "]" * 99 + "}", 5, "too-deep", 422),
    ],
)
def test_what_no_text_or_number_is_blocks_no_other(
    cast: Cast, scale: Scale, batch: dict[str, Any], bad: str, counter: int | None, slug: str, status: int
) -> None:
    """A firmware that writes half a character into one sale would else send the same list for ever."""
    good = [json.dumps(scale.sale(n, cast.item(batch, "1"))) for n in (1, 2)]
    body = f'{{"sales":[{good[0]},{bad},{good[1]}]}}'.encode("gbk")
    answer = scale.request("POST", "/sales", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]
    assert [outcome["status"] for outcome in found] == ["recorded", "rejected", "recorded"]
    problem = found[1]["problem"]
    assert (problem["type"], problem["status"], found[1]["counter"]) == (f"/problems/{slug}", status, counter)


def test_bodies_that_hold_no_sales(cast: Cast, scale: Scale, batch: dict[str, Any]) -> None:
    good = scale.sale(1, cast.item(batch, "1"))
    for content, status, slug in (
        (b"", 400, "bad-json"), (b"{", 400, "bad-json"), (b"\xff", 400, "bad-json"), (b"[]", 422, "invalid"),
        (b"7", 422, "invalid"), (b"{}", 422, "invalid"), (b'{"sales":{}}', 422, "invalid"),
        (b'{"sales":[],"x":1}', 422, "invalid"), (b'{"sales":[' + b"{}," * 1_000 + b"{}]}", 422, "invalid"),
        (b"[" * 100_000, 422, "invalid"), (b'{"sales":[' + b"[" * 9_000 + b"]" * 9_000 + b"]}", 422, "too-deep"),
        (b'["\\ud800"]', 422, "invalid"), (b'{"sales":"\\ud800"}', 422, "invalid"),
        (b'{"sales":[' + b'"\\ud800",' * 1_000 + b"1]}", 422, "invalid"),
        (b'{"sales":["\\ud800"],"x":1}', 422, "invalid"), (b'{"sales":["\\ud800"', 400, "bad-json"),
        (b" " * 8_000_001, 413, "too-large"),
    ):  # fmt: skip
        answer = scale.request("POST", "/sales", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), content[:40]
    assert scale.post("/sales", {"sales": []}).json()["results"] == []
    answer = scale.request("POST", "/sales", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    for encoding, status in (("gzip", 400), ("zstd", 400), ("br", 415)):
        answer = scale.post("/sales", {"sales": [good]}, headers={"Content-Encoding": encoding})
        assert answer.status_code == status
    for actor in (cast.stall, cast.market, cast.admin, cast.regulator, cast.lab, cast.farm):
        answer = actor.post("/sales", {"sales": [good]})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/role-may-not-record")
    assert cast.public.post("/sales", {"sales": [good]}).status_code == 401
    answer = scale.request("PUT", "/sales")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


def test_what_breaks_a_rule_is_recorded_and_flagged(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books, receipts: Callable[[str], list[dict[str, Any]]]
) -> None:
    melon = cast.product("哈密瓜", "fruit", "count", grams_per_piece=1_500)
    vendor = {"from": {"name": "x"}}
    counted = cast.stall.record(
        "receive", **vendor, items=[{"product_id": melon["id"], "quantity": quantity("9", "个")}]
    )
    [pieces] = counted["outputs"]
    # Sold an hour ago, which may have been yesterday.
    item = {"product_id": batch["product_id"], "quantity": quantity("5"), "expires_on": day(-2), "produced_on": day(-9)}
    [old] = cast.stall.record("receive", **vendor, items=[item])["outputs"]
    used = {"kind": "veterinary", "name": "土霉素", "used_on": day(-1), "withdrawal_until": day(2)}
    fresh = cast.farm.record("produce", outputs=[cast.output({"id": batch["product_id"]}, "9")], inputs_used=[used])
    early = deliver(cast, fresh["outputs"][0], "9", cast.stall)
    elsewhere = deliver(cast, harvest(cast), "9", cast.other_stall)
    refused = deliver(cast, harvest(cast), "9", cast.stall)
    cast.market.record("admit", custody_ids=[refused["custody_id"]])
    held, below = deliver(cast, harvest(cast), "9", cast.stall), deliver(cast, harvest(cast), "9", cast.stall)
    cast.regulator.record("hold", custody_id=held["custody_id"], scope="custody", reason="x")
    [link] = books.parents(below)
    cast.regulator.record("hold", custody_id=str(link.parent_id), scope="downstream", reason="x")
    milk_made, same_milk = (cast.product(name, gtin="6901234567892") for name in ("牛奶", "鲜牛奶"))
    bottled = {"product_id": milk_made["id"], "quantity": quantity("9")}
    [milk] = cast.stall.record("receive", **vendor, items=[bottled])["outputs"]
    expected: list[tuple[dict[str, Any], list[str]]] = [
        (cast.item(pieces, "2", "个"), []),
        (cast.item(pieces, "3", "公斤"), []),
        (cast.item(pieces, "0.5", "公斤"), []),
        (cast.item(batch, "2", "个"), ["wrong_measure"]),
        (cast.item(batch, "11"), ["more_than_there"]),
        (cast.item(old, "1"), ["expired_goods"]),
        (cast.item(early, "1"), ["withdrawal_period"]),
        (cast.item(held, "1"), ["held_goods"]),
        (cast.item(below, "1"), ["held_goods"]),
        (cast.item(refused, "1"), ["refused_goods"]),
        (cast.item(elsewhere, "1"), ["batch_elsewhere"]),
        (cast.item(pieces, "1", "个") | {"product_id": batch["product_id"]}, ["product_differs"]),
        ({"custody_id": str(uuid4()), "quantity": quantity("1")}, ["unknown_batch"]),
        ({"custody_id": str(uuid4()), "product_id": melon["id"], "quantity": quantity("3")}, ["unknown_batch"]),
        ({"product_id": melon["id"], "quantity": quantity("3")}, ["sold_without_batch"]),
        ({"product_id": batch["product_id"], "quantity": quantity("3", "个")}, ["sold_without_batch", "wrong_measure"]),
        ({"product_id": str(uuid4()), "quantity": quantity("3")}, ["sold_without_batch", "unknown_product"]),
        (cast.item(milk, "1") | {"product_id": same_milk["id"]}, []),
    ]
    found = post(scale, *(scale.sale(counter, line) for counter, (line, _) in enumerate(expected)))
    assert [slugs(outcome) for outcome in found] == [flags for _, flags in expected]
    lines = receipts("receipt_line")
    # Pieces sold by weight are pieces, half to even; what does not fit is nothing.
    assert [line["amount"] for line in lines][:4] == [2, 2, 0, 0]
    assert [str(line["product_id"]) for line in lines][13:15] == [melon["id"], melon["id"]]
    [fast] = post(scale, scale.sale(100, cast.item(batch, "1")) | {"event_time": ago(minutes=-9)})
    assert slugs(fast) == ["more_than_there", "clock_ahead"] or slugs(fast) == ["clock_ahead", "more_than_there"]
    [mixed] = post(scale, scale.sale(101, cast.item(old, "1"), cast.item(old, "1"), cast.item(held, "1")))
    assert slugs(mixed) == ["expired_goods", "held_goods"]


def test_a_scale_sells_what_lies_below_its_site(cast: Cast, batch: dict[str, Any], books: Books) -> None:
    scale = cast.scale(cast.market)
    [outcome] = post(scale, scale.sale(1, cast.item(batch, "1")))
    assert outcome["flags"] == []
    assert books.balance(batch)["sold"] == 1_000


def test_scales_of_one_transaction_keep_to_their_own_sites(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books, service: Service
) -> None:
    """The market's handheld sells off a stall in the same moment as the stall's own scale, and its neighbour's."""
    handheld, neighbour = cast.scale(cast.market), cast.scale(cast.other_stall)
    sales = [(each, each.sale(1, cast.item(batch, "1"))) for each in (handheld, scale, neighbour)]
    for each, _ in sales:
        post(each)  # the first use of a key is a write of its own
    begun, gate = Event(), Event()

    def wait(_: Transaction, commands: Sequence[None]) -> list[bool]:
        begun.set()
        return [gate.wait(10) for _ in commands]

    service.writer.offer(wait, None, lambda _: None)
    assert begun.wait(10)  # else a sale may be taken with it
    with ThreadPoolExecutor(3) as pool:
        posted = [pool.submit(post, each, sale) for each, sale in sales]
        until(lambda: service.writer.waiting >= 3)
        gate.set()
    assert [slugs(answer.result()[0]) for answer in posted] == [[], [], ["batch_elsewhere"]]
    assert books.balance(batch) == {"amount_in": 10_000, "sold": 2_000, "on_hand": 8_000}


def test_captured_goods_at_no_known_place_are_elsewhere(cast: Cast, scale: Scale) -> None:
    captured = cast.stall.post("/captures", EPCIS)
    assert captured.status_code == 200, captured.text
    [epc] = EPCIS["epcisBody"]["eventList"][0]["epcList"]
    [node] = [node for node in cast.admin.trace("back", epc=epc)["nodes"] if node["kind"] == "custody"]
    line = {"custody_id": node["id"], "quantity": quantity("1", "个")}
    [outcome] = post(scale, scale.sale(1, line))
    assert slugs(outcome) == ["batch_elsewhere"]


def test_sales_of_a_batch_that_was_corrected_meanwhile(
    cast: Cast, scale: Scale, books: Books, batch: dict[str, Any]
) -> None:
    """The scale was offline while its stall's receipt of goods was put right: it sells under the old id."""
    other = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(other, "20")])["slip_code"]
    second = replaced(cast.stall, batch["event_id"], "receive", slip_code=slip)
    [heir] = second["outputs"]
    [outcome] = post(scale, scale.sale(1, cast.item(batch, "3")))
    assert outcome["flags"] == []
    assert books.balance(heir) == {"amount_in": 20_000, "sold": 3_000, "on_hand": 17_000}
    voided(cast.stall, second["id"])
    [outcome] = post(scale, scale.sale(2, cast.item(batch, "3")))
    assert slugs(outcome) == ["unknown_batch"]


def test_ndjson_of_sales(cast: Cast, scale: Scale, batch: dict[str, Any]) -> None:
    sales: list[Any] = [scale.sale(counter, cast.item(batch, "0.01")) for counter in range(600)]
    sent = ndjson([*sales, sales[0], {"counter": 9}])
    sent["content"] += b"{" + b" " * 1_000_001 + b"}\n\xff\n"
    answer = scale.request("POST", "/sales", **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    lines, summary = outcomes(answer.text)
    assert summary == {"recorded": 600, "duplicate": 1, "conflict": 0, "rejected": 3}
    assert [line["counter"] for line in lines] == [*range(600), 0, 9, None, None]
    assert whole(lines[600], ["counter"]) == lines[0] | {"status": "duplicate"}
    whole(lines[601], ["counter"])


def test_a_locked_scale_sells_nothing_and_a_new_epoch_starts_over(
    cast: Cast, scale: Scale, batch: dict[str, Any], books: Books
) -> None:
    [first] = post(scale, scale.sale(0, cast.item(batch, "1")))
    device = scale.activation["device_id"]
    code = cast.admin.post(f"/devices/{device}/activation").json()["activation_code"]
    told = cast.public.post("/devices/activate", {"activation_code": code}).json()
    again = Scale(cast.client, told["key"], cast.stall.party, cast.stall.site, activation=told)
    [second] = post(again, again.sale(0, cast.item(batch, "1")))
    assert second["status"] == "recorded"
    assert second["receipt_code"] != first["receipt_code"]
    assert codes.receipt_mac_ok(bytes.fromhex(told["receipt_secret"]), codes.parse(second["receipt_code"]))
    assert books.custody(batch).receipts == 2


def test_the_cost_of_sales_does_not_grow_with_their_number(
    cast: Cast, scale: Scale, batch: dict[str, Any], service_statements: Statements
) -> None:
    counters = iter(range(10_000))
    post(scale, scale.sale(next(counters), cast.item(batch, "0.001")))

    def cost(number: int) -> list[str]:
        sales = [scale.sale(next(counters), cast.item(batch, "0.001")) for _ in range(number)]
        service_statements.clear()
        post(scale, *sales)
        # What looks the key up or notes its use runs beside it.
        beside = ("api_key", "device.status", "party.status", "master_version")
        return [text for text in service_statements.texts if not any(name in text for name in beside)]

    one, many = cost(1), cost(400)
    # Known receipts, stock, holds; receipts, lines, stock: nobody need hear of a sale that leaves something.
    assert len(one) == len(many) == 6, str(service_statements)
