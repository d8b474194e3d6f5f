"""GET /api/v1/devices/me/stock: what a scale may sell, what not and why, and how soon a change shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.enrolling.prices import prices_name
from app.recording import stock as listing
from app.store.engine import reading
from app.web.service import Service
from app.web.shelves import Shelves
from tests.recording.conftest import deliver, harvest, until
from tests.support.cast import Actor, Cast, Scale, ago, quantity
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.support.story import day

PATH = "/devices/me/stock"
ITEM = {
    "custody_id", "code", "site_id", "product_id", "product", "category", "gtin", "lot_number", "plu", "price_fen",
    "price_unit", "since", "expires_on", "quantity",
}  # fmt: skip


@pytest.fixture
def scale(cast: Cast) -> Scale:
    return cast.scale(cast.stall)


def pulled(scale: Scale) -> dict[str, Any]:
    answer = scale.get(PATH)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def on_sale(scale: Scale) -> list[str]:
    return [item["custody_id"] for item in pulled(scale)["items"]]


def against(scale: Scale) -> dict[str, list[str]]:
    return {batch["custody_id"]: [reason["slug"] for reason in batch["reasons"]] for batch in pulled(scale)["left_out"]}


def test_everything_that_a_scale_has_to_know(cast: Cast, scale: Scale) -> None:
    assert pulled(scale) == {"site_id": cast.stall.site["id"], "items": [], "left_out": [], "truncated": False}
    lot = harvest(cast, lot_number="ZS-01", expires_on=day(3))
    items = [{"product_id": lot["product_id"], "plu": 12, "price_fen": 300, "unit": "斤"}]
    assert cast.market.request("PUT", f"/sites/{cast.market.site['id']}/prices", json={"items": items}).is_success
    batch = deliver(cast, lot, "10", cast.stall)
    scale.sell(0, cast.item(batch, "1.5", "斤"))
    until(lambda: on_sale(scale) == [batch["custody_id"]])
    [item] = pulled(scale)["items"]
    assert set(item) == ITEM
    assert item.items() >= {
        "code": batch["code"], "site_id": cast.stall.site["id"], "product_id": lot["product_id"],
        "category": "vegetables", "gtin": None, "lot_number": "ZS-01", "plu": 12, "price_fen": 300, "price_unit": "斤",
        "expires_on": day(3), "quantity": {"value": "9.25", "unit": "kg", "grams": 9250, "pieces": None},
    }.items()  # fmt: skip
    assert item["since"].endswith("+08:00")
    # The stall's own price goes before the market's, and shows at once.
    own = {"product_id": lot["product_id"], "price_fen": 280, "unit": "斤"}
    assert cast.stall.request("PUT", f"/sites/{cast.stall.site['id']}/prices", json={"items": [own]}).is_success
    until(lambda: [(item["plu"], item["price_fen"]) for item in pulled(scale)["items"]] == [(12, 280)])


def test_the_newest_first_and_what_is_sold_out_drops_out(cast: Cast, scale: Scale) -> None:
    old = deliver(cast, harvest(cast), "10", cast.stall)
    slip = cast.farm.record("ship", items=[cast.item(harvest(cast), "5")])["slip_code"]
    [new] = cast.stall.record("receive", slip_code=slip, event_time=ago(minutes=5))["outputs"]
    until(lambda: on_sale(scale) == [new["custody_id"], old["custody_id"]])
    scale.sell(0, cast.item(old, "10"))
    assert on_sale(scale) == [new["custody_id"]]  # what is left is never kept, so it is right at once
    scale.sell(1, cast.item(new, "6"))
    assert on_sale(scale) == []
    # A buyer brings some back.
    cast.stall.record("return", items=[cast.item(old, "2")], reason="退货")
    until(lambda: on_sale(scale) == [old["custody_id"]])


def test_what_must_not_be_sold_is_left_out_and_why(cast: Cast, scale: Scale) -> None:
    expired = deliver(cast, harvest(cast, expires_on=day(-1)), "10", cast.stall)
    used = [{"kind": "pesticide", "name": "毒死蜱", "used_on": day(-3), "withdrawal_until": day(2)}]
    made = cast.farm.record(
        "produce", outputs=[cast.output(cast.product("菠菜"), "10")], inputs_used=used
    )["outputs"][0]  # fmt: skip
    sprayed = deliver(cast, made, "10", cast.stall)
    failing, held = (deliver(cast, harvest(cast), "10", cast.stall) for _ in range(2))
    cast.market.record("test", custody_id=failing["custody_id"], stage="rapid", item="毒死蜱", verdict="fail")
    hold = cast.regulator.record("hold", custody_id=held["custody_id"], scope="custody", reason="待查 · looked into")
    refused = deliver(cast, harvest(cast), "10", cast.stall)
    assert cast.market.record("admit", custody_ids=[refused["custody_id"]])["decision"] == "refused"
    expected = {
        expired["custody_id"]: ["expired_goods"],
        sprayed["custody_id"]: ["withdrawal_period"],
        failing["custody_id"]: ["held_goods"],
        held["custody_id"]: ["held_goods"],
        refused["custody_id"]: ["refused_goods"],
    }
    until(lambda: against(scale) == expected)
    body = pulled(scale)
    assert body["items"] == []
    details = {batch["custody_id"]: batch["reasons"][0]["detail"] for batch in body["left_out"]}
    assert details[failing["custody_id"]] == "快检不合格：毒死蜱 · rapid test failed: 毒死蜱"
    assert details[held["custody_id"]] == "待查 · looked into"
    # Sold all the same, it gets the flag that the scale was told of.
    flags = scale.sell(0, cast.item(sprayed, "1"))["flags"]
    assert [flag["slug"] for flag in flags] == ["withdrawal_period"]
    cast.regulator.record("release", hold_event_id=hold["id"], reason="查清 · cleared")
    until(lambda: on_sale(scale) == [held["custody_id"]])


def test_a_hold_far_up_the_chain_reaches_the_scale(cast: Cast, scale: Scale) -> None:
    lot = harvest(cast)
    batch = deliver(cast, lot, "10", cast.stall)
    other = deliver(cast, harvest(cast), "10", cast.stall)
    until(lambda: len(on_sale(scale)) == 2)
    hold = cast.admin.record("hold", custody_id=lot["custody_id"], scope="downstream", reason="召回 · recalled")
    until(lambda: against(scale) == {batch["custody_id"]: ["held_goods"]})
    assert on_sale(scale) == [other["custody_id"]]
    cast.admin.record("release", hold_event_id=hold["id"], reason="查清 · cleared")
    until(lambda: len(on_sale(scale)) == 2)


def test_the_same_again_is_not_sent_again(cast: Cast, scale: Scale) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    until(lambda: on_sale(scale) == [batch["custody_id"]])
    answer = scale.get(PATH)
    tag = answer.headers["etag"]
    assert answer.headers["cache-control"] == "private, no-cache"
    for said in (tag, f'"x", {tag}', "*", f"W/{tag}"):
        again = scale.get(PATH, headers={"If-None-Match": said})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    scale.sell(0, cast.item(batch, "1"))
    changed = scale.get(PATH, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["items"][0]["quantity"]["value"]) == (200, "9")


def test_a_handheld_of_the_market_sees_all_of_its_stalls(cast: Cast, scale: Scale) -> None:
    handheld = cast.scale(cast.market)
    first = deliver(cast, harvest(cast), "10", cast.stall)
    second = deliver(cast, harvest(cast), "10", cast.other_stall)
    until(lambda: set(on_sale(handheld)) == {first["custody_id"], second["custody_id"]})
    assert on_sale(scale) == [first["custody_id"]]
    # A stall that is enrolled later is one of them.
    corner = cast.enrol("vendor", "三号摊经营户", "vendor", "stall", parent=cast.market)
    third = deliver(cast, harvest(cast), "10", corner)
    until(lambda: third["custody_id"] in on_sale(handheld))


def test_more_than_a_scale_can_hold(cast: Cast, scale: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LIMIT", 2)
    hours = {deliver(cast, harvest(cast), "10", cast.stall)["custody_id"] for _ in range(3)}
    until(lambda: pulled(scale)["truncated"])
    assert len(on_sale(scale)) == 2
    assert set(on_sale(scale)) < hours


def test_a_closed_stall_gets_nothing_to_sell(cast: Cast, scale: Scale) -> None:
    assert scale.get(PATH).status_code == 200
    cast.market.patch(f"/sites/{cast.stall.site['id']}", {"status": "locked", "status_reason": "停业"})
    until(lambda: scale.get(PATH).json().get("type") == "/problems/site-closed")
    cast.market.patch(f"/sites/{cast.stall.site['id']}", {"status": "active"})
    until(lambda: scale.get(PATH).status_code == 200)


def test_a_moved_scale_sells_what_is_at_its_new_stall(cast: Cast, scale: Scale) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.other_stall)
    assert on_sale(scale) == []
    device = scale.activation["device_id"]
    cast.market.patch(f"/devices/{device}", {"site_id": cast.other_stall.site["id"]})
    until(lambda: on_sale(scale) == [batch["custody_id"]])


def test_it_is_the_device_s_alone(cast: Cast) -> None:
    for actor in (cast.stall, cast.market, cast.regulator, cast.admin):
        assert actor.get(PATH).json()["type"] == "/problems/forbidden"


def test_dates_are_the_stall_s_own(cast: Cast, service: Service) -> None:
    site = UUID(cast.stall.site["id"])
    late = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)  # 23:30 in China
    with reading(service.engine) as snapshot:
        found, _ = listing.list_stock(snapshot, site, late)
    assert found.valid_until == datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert found.valid_until - late == timedelta(minutes=30)


def test_what_is_mended_is_what_would_be_read_whole(cast: Cast, service: Service) -> None:
    scale, handheld = cast.scale(cast.stall), cast.scale(cast.market)
    sites = [UUID(cast.stall.site["id"]), UUID(cast.market.site["id"])]
    lots = [harvest(cast, expires_on=day(3)) for _ in range(4)]
    batches = [deliver(cast, lot, "10", cast.stall) for lot in lots]
    hold: list[dict[str, Any]] = []

    def held(by: Actor, **fields: Any) -> None:
        hold.append(by.record("hold", reason="待查 · looked into", **fields))

    def free() -> None:
        cast.admin.record("release", hold_event_id=hold.pop()["id"], reason="查清 · cleared")

    def priced(actor: Actor, fen: int) -> None:
        items = [{"product_id": lots[0]["product_id"], "price_fen": fen, "unit": "斤"}]
        assert actor.request("PUT", f"/sites/{actor.site['id']}/prices", json={"items": items}).is_success

    def renamed(path: str, name: str) -> None:
        assert cast.admin.patch(path, {"name": name}).is_success

    wrong = cast.stall.record("receive", **{"from": {"name": "外地"}}, items=[cast.output(cast.product("藕"), "5")])
    changes: list[Callable[[], object]] = [
        lambda: scale.sell(0, cast.item(batches[0], "10")),
        lambda: deliver(cast, lots[1], "3", cast.stall),
        lambda: held(cast.market, custody_id=batches[1]["custody_id"], scope="custody"),
        lambda: held(cast.regulator, custody_id=lots[2]["custody_id"], scope="lot"),
        free,
        lambda: held(cast.admin, custody_id=lots[3]["custody_id"], scope="downstream"),
        lambda: deliver(cast, lots[1], "3", cast.other_stall),
        free,
        free,
        lambda: priced(cast.market, 300),
        lambda: priced(cast.stall, 280),
        lambda: renamed(f"/products/{lots[1]['product_id']}", "大白菜"),
        lambda: renamed(f"/sites/{sites[0]}", "新招牌"),
        lambda: cast.stall.record("return", items=[cast.item(batches[0], "2")], reason="退货"),
        lambda: cast.stall.record("correct", event_id=wrong["id"], reason="did_not_occur"),
        lambda: cast.market.record(
            "test", custody_id=batches[2]["custody_id"], stage="rapid", item="毒死蜱", verdict="fail"
        ),
        lambda: deliver(cast, lots[0], "3", cast.enrol("vendor", "四号摊", "vendor", "stall", parent=cast.market)),
    ]  # fmt: skip
    for change in changes:
        for site in sites:
            service.shelves.stock(site, datetime.now(UTC))
        change()
        settled(service)
        now = datetime.now(UTC)
        for site in sites:
            whole = Shelves(service.engine, lambda: 0.0).stock(site, now)
            assert service.shelves.stock(site, now) == whole
    assert handheld.get(PATH).json()["items"]


class TestBudget:
    def test_a_pull_of_what_is_known_is_one_statement(
        self, cast: Cast, scale: Scale, service: Service, service_statements: Statements
    ) -> None:
        """Whatever the number of batches; the other statements are the feed's and the writer's."""
        for _ in range(3):
            deliver(cast, harvest(cast), "10", cast.stall)
        until(lambda: len(on_sale(scale)) == 3)

        def pull(site: UUID) -> list[str]:
            service_statements.clear()
            service.shelves.stock(site, datetime.now(UTC))
            return [text for text in service_statements.texts if "feed" not in text and "api_key" not in text]

        site = UUID(cast.stall.site["id"])
        settled(service)
        # Beside a feed that a busy machine kept waiting nothing is believed, and all is read.
        until(lambda: ['FROM "custody" WHERE "id"' in text for text in pull(site)] == [True])
        service.shelves.forget_all()
        made = pull(site)
        tables = ["site", "custody", "custody", "product", "lot", "hold", "hold", "price", "price"]
        assert len(made) == len(tables), made

        # Of what has changed that alone is read again; beside a feed that waits, all of it.
        def mended(*touched: str) -> int:
            pull(site)
            service.shelves.forget(touched)
            return len(pull(site))

        custody = on_sale(scale)[0].replace("-", "")
        until(lambda: mended(site.hex) == len(["site", "custody"]))
        until(lambda: mended(custody) == len(["site", "custody", "custody", "product", "lot", "hold", "hold"]))
        until(lambda: mended(prices_name(site)) == len(tables) - 1)

    def test_a_late_sale_is_in_the_answer_that_follows(self, cast: Cast, scale: Scale) -> None:
        batch = deliver(cast, harvest(cast), "10", cast.stall)
        until(lambda: on_sale(scale) == [batch["custody_id"]])
        for counter in range(3):
            scale.sell(counter, cast.item(batch, "1"))
            assert pulled(scale)["items"][0]["quantity"]["value"] == str(9 - counter)


def test_goods_by_the_piece(cast: Cast, scale: Scale) -> None:
    melon = cast.product("西瓜", "fruit", "count", grams_per_piece=4000)
    made = cast.farm.record("produce", outputs=[cast.output(melon, "30", "个")])["outputs"][0]
    slip = cast.farm.record("ship", items=[{"custody_id": made["custody_id"], "quantity": quantity("20", "个")}])
    cast.stall.record("receive", slip_code=slip["slip_code"])
    until(lambda: len(on_sale(scale)) == 1)
    assert pulled(scale)["items"][0]["quantity"] == {"value": "20", "unit": "pcs", "grams": 80_000, "pieces": 20}
