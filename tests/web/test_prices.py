"""/api/v1/sites/{id}/prices: a stall's own list, what it inherits from its market, and who sets it."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast


def item(product: dict[str, Any], plu: int | None, fen: int | None = None, unit: str | None = None) -> dict[str, Any]:
    return {"product_id": product["id"], "plu": plu, "price_fen": fen, "unit": unit}


def put(actor: Actor, site: dict[str, Any], *items: dict[str, Any]) -> Any:
    return actor.request("PUT", f"/sites/{site['id']}/prices", json={"items": list(items)})


@pytest.fixture
def cabbage(cast: Cast) -> dict[str, Any]:
    return cast.product("大白菜")


@pytest.fixture
def eggs(cast: Cast) -> dict[str, Any]:
    return cast.product("鸡蛋", "eggs", "count", grams_per_piece=60)


def test_a_stall_inherits_what_it_does_not_say(cast: Cast, cabbage: dict[str, Any], eggs: dict[str, Any]) -> None:
    path = f"/sites/{cast.stall.site['id']}/prices"
    empty = {"site_id": cast.stall.site["id"], "items": [], "inherited": []}
    assert cast.stall.get(path).json() == empty
    market = put(cast.market, cast.market.site, item(eggs, 2, 900, "公斤"), item(cabbage, 1, 300, "斤"))
    assert market.status_code == 200, market.text
    assert [row["plu"] for row in market.json()["items"]] == [1, 2]
    at_market = {"site_id": cast.market.site["id"]}
    assert cast.stall.get(path).json()["inherited"] == [
        item(cabbage, 1, 300, "斤") | at_market, item(eggs, 2, 900, "公斤") | at_market
    ]  # fmt: skip
    told = put(cast.stall, cast.stall.site, item(cabbage, None, 250, "斤")).json()
    assert told["items"] == [item(cabbage, None, 250, "斤")]
    assert told["inherited"] == [
        item(cabbage, 1, 250, "斤") | {"site_id": cast.stall.site["id"]}, item(eggs, 2, 900, "公斤") | at_market
    ]  # fmt: skip
    # What GET tells of a list is what PUT takes.
    assert put(cast.stall, cast.stall.site, *told["items"]).json() == told
    assert put(cast.stall, cast.stall.site).json()["items"] == []
    assert cast.other_stall.get(f"/sites/{cast.other_stall.site['id']}/prices").json()["inherited"] != []


def test_whose_lists(cast: Cast, cabbage: dict[str, Any]) -> None:
    one = item(cabbage, 1)
    for actor in (cast.stall, cast.market, cast.admin):
        assert put(actor, cast.stall.site, one).status_code == 200
    for actor, status in (
        (cast.regulator, 403), (cast.other_stall, 404), (cast.farm, 404), (cast.lab, 404), (cast.other_regulator, 404),
        (cast.public, 401), (cast.scale(cast.stall), 403),
    ):  # fmt: skip
        assert put(actor, cast.stall.site, one).status_code == status
    assert cast.scale(cast.stall, "b").get(f"/sites/{cast.stall.site['id']}/prices").json()["items"] == [one]
    assert cast.admin.get("/sites/7d9f0c3e-0000-4000-8000-000000000000/prices").status_code == 404


def test_what_is_wrong_with_a_list(cast: Cast, cabbage: dict[str, Any], eggs: dict[str, Any]) -> None:
    one = item(cabbage, 1, 300, "斤")
    assert put(cast.stall, cast.stall.site, one).status_code == 200
    for items, slug, pointer in (
        ((one, item(eggs, 1)), "plu-twice", "/items/1/plu"),
        ((one, one), "product-twice", "/items/1/product_id"),
        ((item(cabbage, 0),), "invalid", "/items/0/plu"),
        ((item(cabbage, 1_000_000),), "invalid", "/items/0/plu"),
        ((item(cabbage, 1, -1, "斤"),), "invalid", "/items/0/price_fen"),
        ((item(cabbage, 1, 1, "箱"),), "unknown-unit", "/items/0/unit"),
        (({**one, "vat": 9},), "invalid", "/items/0/vat"),
    ):
        answer = put(cast.stall, cast.stall.site, *items)
        assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}"), answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    # What was refused has changed nothing.
    assert cast.stall.get(f"/sites/{cast.stall.site['id']}/prices").json()["items"] == [one]
