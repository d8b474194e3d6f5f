"""Lots by the product and number that stand on their labels, by the hundred: the one statement that a cold look-up of a
GTIN with its lot costs, shared by all that are asked for at once."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from app.store.held import Held

# One index seek for each pair asked for, which are numbered; and whether links were published for the lot itself.
_SQLITE = (
    "SELECT '[' || coalesce(group_concat(found, ','), '') || ']' FROM ("
    "SELECT json_array(asked.column1, l.code, lower(hex(l.id))) AS found "
    "FROM (VALUES {pairs}) AS asked CROSS JOIN lot AS l "
    "ON l.product_id = asked.column2 AND l.lot_number = asked.column3 WHERE l.code IS NOT NULL "
    "UNION ALL SELECT json_array(NULL, anchor, NULL) FROM link WHERE anchor IN (SELECT value FROM json_each(?)))"
)
_POSTGRES = (
    "SELECT asked.place, l.code, encode(uuid_send(l.id), 'hex') "
    "FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked(product_id, lot_number, place) "
    "JOIN lot AS l ON l.product_id = asked.product_id AND l.lot_number = asked.lot_number WHERE l.code IS NOT NULL "
    "UNION ALL SELECT NULL, anchor, NULL FROM link WHERE anchor = ANY($3::text[])"
)


PAIRS = 2_048
"""Of product and number in one statement of SQLite, which takes some ten thousand values: a GTIN that every stall of a
city has enrolled is as many products."""


class Asked(NamedTuple):
    """A lot by the products that its GTIN may mean, its number, and its anchor."""

    products: tuple[UUID, ...]
    number: str
    anchor: str


class Coded(NamedTuple):
    """A lot that has a code, of what was asked for; the hexadecimal digits of its id, as the feed names it."""

    code: str
    id: str


class LotReader:
    """Reads on one connection that it holds open. Close it."""

    def __init__(self, engine: Engine) -> None:
        self._held = Held(engine)

    async def read(self, asked: Sequence[Asked]) -> list[list[Coded] | None]:
        """For each the lots that have a code, at most a few; None where links were published for it. Raises
        StoreUnavailable."""
        pairs = [(product, each.number) for each in asked for product in each.products]
        lots: dict[int, list[Coded]] = {}
        linked = set()
        for place, code, key in await self._rows(pairs, [each.anchor for each in asked]):
            if place is None:
                linked.add(code)
            else:
                lots.setdefault(place, []).append(Coded(code, key))
        places = count(1)
        found = [[lot for _ in each.products for lot in lots.get(next(places), ())] for each in asked]
        return [None if each.anchor in linked else its for each, its in zip(asked, found, strict=True)]

    def most(self) -> int:
        """How many to ask for at once."""
        return self._held.most

    def close(self) -> None:
        """Gives the connection up; the next read opens another."""
        self._held.close()

    async def _rows(self, pairs: Sequence[tuple[UUID, str]], anchors: Sequence[str]) -> Sequence[Any]:
        if self._held.postgres:
            products = [product.hex for product, _ in pairs]
            return await self._held.rows(_POSTGRES, (products, [number for _, number in pairs], anchors))
        rows: list[Any] = []
        for start in range(0, max(1, len(pairs)), PAIRS):
            some = pairs[start : start + PAIRS]
            # Few lengths of the list, so that the driver finds the statement prepared; no lot is of no product.
            room = 1 << max(0, len(some) - 1).bit_length()
            values: list[Any] = []
            for at, (product, number) in enumerate(some, start + 1):
                values += (at, product.bytes, number)
            values += [None] * (3 * room - len(values))
            told = msgspec.json.encode(() if start else anchors).decode()
            ((found,),) = await self._held.rows(_sqlite(room), (*values, told))
            rows += msgspec.json.decode(found)
        return rows


@lru_cache(maxsize=16)
def _sqlite(room: int) -> str:
    return _SQLITE.format(pairs=",".join(["(?,?,?)"] * room))
