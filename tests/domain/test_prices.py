"""Price lists: what is wrong with one, and what holds where a stall and its market both have one."""

from datetime import UTC, datetime

import pytest

from app.domain.errors import Invalid
from app.domain.prices import Price, PriceTable, check_list, in_force
from app.domain.rows import Product
from tests.support.ledger import named

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def product(name: str, measure: str = "weight", grams_per_piece: int | None = None) -> Product:
    return Product(
        named(name), name, "vegetables", None, measure, grams_per_piece, None, [], None, 1, NOW, NOW  # type: ignore[arg-type]
    )  # fmt: skip


PRODUCTS = {
    known.id: known for known in (product("cabbage"), product("egg", "count", 60), product("melon", "count"))
}  # fmt: skip


def row(name: str, plu: int | None = None, fen: int | None = None, unit: str | None = None) -> Price:
    return Price(named("stall"), named(name), plu, fen, unit, NOW)


def test_a_right_list() -> None:
    check_list([row("cabbage", 1, 250, "斤"), row("egg", 2, 900, "公斤"), row("melon", None, 500, "个")], PRODUCTS)
    check_list([], PRODUCTS)


@pytest.mark.parametrize(
    ("rows", "slug", "pointers"),
    [
        ([row("durian", 1)], "unknown-product", ["/items/0/product_id"]),
        ([row("cabbage", 1), row("cabbage", 2)], "product-twice", ["/items/1/product_id"]),
        ([row("cabbage", 1), row("egg", 1)], "plu-twice", ["/items/1/plu"]),
        ([row("cabbage", 1, 250)], "invalid", ["/items/0/unit"]),
        ([row("cabbage", 1, None, "斤")], "invalid", ["/items/0/unit"]),
        ([row("cabbage", 1, 250, "个")], "wrong-measure", ["/items/0/unit"]),
        ([row("melon", 1, 250, "斤")], "wrong-measure", ["/items/0/unit"]),
        ([row("cabbage", 1, 250, "筐"), row("durian")], "unknown-unit", ["/items/0/unit", "/items/1/product_id"]),
    ],
)
def test_every_fault_is_told(rows: list[Price], slug: str, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        check_list(rows, PRODUCTS)
    assert caught.value.slug == slug
    assert [pointer for pointer, _ in caught.value.errors] == pointers


def table(site: str, *rows: tuple[str, int | None, int | None]) -> PriceTable[str]:
    return PriceTable((site, name, plu, fen, "斤" if fen else None) for name, plu, fen in rows)


def test_the_market_numbers_and_the_stall_prices() -> None:
    market = table("market", ("cabbage", 1, 300), ("egg", 2, 900))
    stall = table("stall", ("cabbage", None, 250))
    assert in_force([stall, market], ["cabbage", "egg", "melon"]) == {
        "cabbage": ("stall", "cabbage", 1, 250, "斤"),
        "egg": ("market", "egg", 2, 900, "斤"),
    }


def test_a_number_that_the_stall_has_given_to_something_else_falls_away() -> None:
    market = table("market", ("cabbage", 1, 300), ("egg", 2, 900))
    stall = table("stall", ("melon", 1, None), ("egg", 7, None))
    assert in_force([stall, market], ["cabbage", "egg", "melon"]) == {
        "cabbage": ("market", "cabbage", None, 300, "斤"),
        "egg": ("market", "egg", 7, 900, "斤"),
        "melon": ("stall", "melon", 1, None, None),
    }


def test_no_lists() -> None:
    assert in_force([], ["cabbage"]) == {}
