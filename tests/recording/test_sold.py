"""The ledger of sales: what scales have sold, by whom it may be read, in pages and as one stream."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.rows import Site
from app.recording import sold as ledger
from app.recording.sold import tenures
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast, Scale, ago, quantity


def rows(actor: Actor, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    found, cursor = [], {}
    while True:
        answer = actor.get("/sales", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["items"]
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


def streamed(actor: Actor, **query: Any) -> list[dict[str, Any]]:
    answer = actor.get("/sales", params=query, headers={"Accept": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *sales, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last == {"summary": {"sales": len(sales)}}
    return sales


def numbers(sales: list[dict[str, Any]]) -> list[int]:
    return [sale["counter"] for sale in sales]


def sell(scale: Scale, counter: int, line: dict[str, Any], hours: float, **fields: Any) -> dict[str, Any]:
    sale = {"counter": counter, "event_time": ago(hours=hours), "lines": [line], **fields}
    answer = scale.post("/sales", {"sales": [sale]})
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()["results"][0]
    return outcome | {"event_time": sale["event_time"]}


def test_a_sale_is_shown_as_it_was_kept(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    scale = cast.scale(cast.stall)
    eggs = cast.product("鸡蛋", measure="count")
    lines = [
        {**cast.item(batch, "1.5", "斤"), "amount_fen": 900},
        {"product_id": eggs["id"], "quantity": quantity("6", "枚"), "amount_fen": 480},
        {"product_id": cast.stall.site["id"], "quantity": quantity("2", "个")},
        {"product_id": cast.stall.site["id"], "quantity": quantity("200", "g")},
    ]
    sale = {"counter": 7, "event_time": ago(hours=2), "lines": lines, "operator": "02", "payment": "cash"}
    [outcome] = scale.post("/sales", {"sales": [sale]}).json()["results"]
    other = {**sale, "lines": [{**cast.item(batch, "3"), "amount_fen": 1200}], "operator": None}
    [claimed] = scale.post("/sales", {"sales": [other]}).json()["results"]
    assert (outcome["status"], claimed["status"]) == ("recorded", "conflict")

    [row] = rows(cast.market)
    assert [row] == streamed(cast.stall) == rows(cast.admin) == rows(scale)
    assert row.pop("id") == outcome["id"]
    assert row.pop("receipt_code") == outcome["receipt_code"]
    assert row.pop("event_time") == sale["event_time"]
    assert row.pop("record_time") == outcome["record_time"]
    assert row.pop("claim_count") == 1
    [claim] = row.pop("claims")
    assert claim.pop("record_time") == claimed["record_time"]
    assert claim.pop("event_time") == sale["event_time"]
    assert claim.pop("lines")[0]["quantity"] == quantity("3")
    assert claim == {"operator": None, "payment": "cash"}
    assert [flag["slug"] for flag in row.pop("flags")] == ["sold_without_batch", "unknown_product"]

    def told(value: str, unit: str, grams: int | None, pieces: int | None) -> dict[str, Any]:
        return {"value": value, "unit": unit, "grams": grams, "pieces": pieces}

    assert row == {
        "site_id": cast.stall.site["id"], "device_id": scale.activation["device_id"], "epoch": 1, "counter": 7,
        "operator": "02", "payment": "cash",
        "lines": [
            {"custody_id": batch["custody_id"], "product_id": batch["product_id"],
             "quantity": told("1.5", "斤", 750, None), "amount_fen": 900},
            {"custody_id": None, "product_id": eggs["id"], "quantity": told("6", "枚", None, 6), "amount_fen": 480},
            {"custody_id": None, "product_id": None, "quantity": told("2", "个", None, 2), "amount_fen": None},
            {"custody_id": None, "product_id": None, "quantity": told("200", "g", 200, None), "amount_fen": None},
        ],
    }  # fmt: skip


def test_of_many_claims_on_a_number_the_first_are_shown_and_all_counted(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    stuck, well = cast.scale(cast.stall, "stuck"), cast.scale(cast.stall, "well")
    for grams in range(1, 2 * ledger.CLAIMS + 1):  # its counter does not move
        sell(stuck, 5, cast.item(batch, f"{grams}", "g"), 3)
    sell(stuck, 6, cast.item(batch, "1", "g"), 2)
    for grams in (7, 8):
        sell(well, 5, cast.item(batch, f"{grams}", "g"), 1)
    found = rows(cast.market)
    assert [(row["counter"], row["claim_count"], len(row["claims"])) for row in found] == [
        (5, 2 * ledger.CLAIMS - 1, ledger.CLAIMS), (6, 0, 0), (5, 1, 1)
    ]  # fmt: skip
    shown = [claim["lines"][0]["quantity"]["value"] for claim in found[0]["claims"]]
    assert shown == [f"{grams}" for grams in range(2, ledger.CLAIMS + 2)]
    assert found[2]["claims"][0]["lines"][0]["quantity"]["value"] == "8"
    assert streamed(cast.market) == found


def test_by_site_device_and_time_in_pages_of_any_size(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    first, second = cast.scale(cast.stall, "first"), cast.scale(cast.stall, "second")
    third = cast.scale(cast.other_stall)
    line = cast.item(batch, "0.1")
    # The scale's clock orders, not its counter and not the upload.
    for counter, hours in ((1, 3), (2, 9), (3, 5)):
        sell(first, counter, line, hours)
    moment = ago(hours=4)
    for counter in (4, 5):  # at one instant
        second.post("/sales", {"sales": [{"counter": counter, "event_time": moment, "lines": [line]}]})
    sell(third, 6, line, 6)
    stalls = sorted([(cast.stall.site["id"], [2, 3, 4, 5, 1]), (cast.other_stall.site["id"], [6])])
    expected = [number for _, counters in stalls for number in counters]
    for limit in (1, 2, 3, 100):
        assert numbers(rows(cast.market, limit=limit)) == expected
    assert numbers(streamed(cast.market)) == expected
    assert numbers(rows(cast.market, site=cast.market.site["id"], limit=4)) == expected
    assert numbers(rows(cast.market, site=cast.other_stall.site["id"])) == [6]
    device = first.activation["device_id"]
    assert numbers(rows(cast.market, device=device)) == [2, 3, 1]
    assert numbers(rows(cast.stall, device=device, site=cast.stall.site["id"])) == [2, 3, 1]
    assert rows(cast.other_stall, device=device) == []
    assert numbers(rows(cast.market, **{"from": moment})) == [n for n in expected if n in (4, 5, 1)]
    assert numbers(rows(cast.market, **{"from": ago(hours=7), "to": moment})) == [n for n in expected if n in (3, 6)]
    assert numbers(rows(cast.stall, **{"from": ago(hours=7), "to": moment})) == [3]
    assert rows(cast.stall, **{"from": moment, "to": moment}) == []
    assert rows(cast.admin, site=device) == rows(cast.admin, device=cast.stall.site["id"]) == []


def test_each_reads_its_own(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    first, second = cast.scale(cast.stall, "first"), cast.scale(cast.stall, "second")
    sell(first, 1, cast.item(batch, "1"), 2)
    sell(second, 2, cast.item(batch, "1"), 1)
    for actor in (cast.admin, cast.market, cast.stall, cast.regulator):
        assert numbers(rows(actor)) == [1, 2], actor.party
    assert numbers(rows(first)) == [1]
    assert numbers(rows(second, device=first.activation["device_id"])) == [2]
    for actor in (cast.other_stall, cast.farm, cast.lab, cast.other_regulator):
        assert rows(actor) == [], actor.party
    assert cast.public.get("/sales").status_code == 401


def test_a_stall_changes_hands_and_its_books_do_not(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    scale = cast.scale(cast.stall)
    line = cast.item(batch, "0.5")
    path = f"/sites/{cast.stall.site['id']}"
    newcomer = cast.enrol("vendor", "三号摊经营户", "vendor", None, parent=cast.market)
    sell(scale, 1, line, 30)
    handed = cast.market.patch(path, {"party_id": newcomer.party["id"], "valid_from": ago(hours=20)})
    assert handed.status_code == 200, handed.text
    sell(scale, 2, line, 10)
    back = cast.market.patch(path, {"party_id": cast.stall.party["id"], "valid_from": ago(hours=5)})
    assert back.status_code == 200, back.text
    sell(scale, 3, line, 1)
    assert numbers(rows(cast.market)) == [1, 2, 3]
    assert numbers(rows(cast.stall)) == numbers(rows(cast.stall, limit=1)) == [1, 3]
    assert numbers(rows(cast.stall, **{"from": ago(hours=7)})) == [3]
    # It never had goods there and is gone: nothing says that it was ever there but the history of the site.
    assert numbers(rows(newcomer)) == []
    handed = cast.market.patch(path, {"party_id": newcomer.party["id"]})
    assert handed.status_code == 200, handed.text
    assert numbers(rows(newcomer)) == [2]
    assert numbers(rows(cast.stall)) == [1, 3]


def test_a_scale_that_moved_reads_both_of_its_stalls(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    scale = cast.scale(cast.stall)
    sell(scale, 1, cast.item(batch, "1"), 5)
    path = f"/devices/{scale.activation['device_id']}"
    assert cast.market.patch(path, {"site_id": cast.other_stall.site["id"]}).status_code == 200
    sell(scale, 2, cast.item(batch, "1"), 1)
    assert sorted(numbers(rows(scale))) == sorted(numbers(rows(cast.market, device=path[9:]))) == [1, 2]


def test_a_page_looks_at_some_sites_only_and_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    sell(cast.scale(cast.stall), 1, cast.item(batch, "1"), 1)
    monkeypatch.setattr(ledger, "SITES", 2)
    pages, cursor = [], {}
    while True:
        body = cast.admin.get("/sales", params=cursor).json()
        pages.append(numbers(body["items"]))
        if body["next"] is None:
            break
        cursor = {"cursor": body["next"]}
    assert sorted(pages)[-1] == [1]
    assert [] in pages
    assert sum(map(len, pages)) == 1
    assert numbers(streamed(cast.admin)) == [1]


@pytest.mark.parametrize("cursor", ["x", "!", "été", "AAAA", "MC8wLzA", "a" * 180])
def test_a_cursor_that_was_never_ours(cast: Cast, cursor: str) -> None:
    answer = cast.market.get("/sales", params={"cursor": cursor})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "/problems/bad-cursor"


def test_tenures_follow_the_last_word_on_each_time() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    ours, theirs = UUID(int=1), UUID(int=2)

    def version(days: int, party: UUID) -> Site:
        return Site(
            UUID(int=9), "", party, "", "stall", None, "", None, None, None, "Asia/Shanghai", [], None, "active", None,
            None, 1, day + timedelta(days), day,
        )  # fmt: skip

    first, second, third = (day + timedelta(days) for days in (0, 5, 9))
    assert tenures([version(0, ours)], ours) == [(None, None)]
    assert tenures([version(0, ours), version(5, theirs), version(9, ours)], ours) == [(None, second), (third, None)]
    assert tenures([version(0, ours), version(5, ours), version(9, theirs)], ours) == [(None, third)]
    assert tenures([version(0, ours), version(5, theirs)], theirs) == [(second, None)]
    # Valid from before it was enrolled: until then what it was enrolled as.
    assert tenures([version(9, ours), version(0, theirs), version(5, ours)], ours) == [(None, first), (second, None)]
