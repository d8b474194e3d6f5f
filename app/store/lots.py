"""Lots by the product and number that stand on their labels, by the hundred: the one statement that a cold look-up of a
GTIN with its lot costs, shared by all that are asked for at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine

from app.store.engine import translated
from app.store.errors import StoreUnavailable

# One index seek for each pair asked for; and whether links were published for the lot itself.
_SQLITE = (
    "SELECT '[' || coalesce(group_concat(found, ','), '') || ']' FROM ("
    "SELECT json_array(hex(l.product_id), l.lot_number, l.code, hex(l.id)) AS found "
    "FROM (VALUES {pairs}) AS asked CROSS JOIN lot AS l "
    "ON l.product_id = asked.column1 AND l.lot_number = asked.column2 WHERE l.code IS NOT NULL "
    "UNION ALL SELECT json_array(NULL, anchor, NULL, NULL) FROM link WHERE anchor IN ({anchors}))"
)
_POSTGRES = (
    "SELECT l.product_id::text, l.lot_number, l.code, l.id::text "
    "FROM unnest(%s::uuid[], %s::text[]) AS asked(product_id, lot_number) "
    "JOIN lot AS l ON l.product_id = asked.product_id AND l.lot_number = asked.lot_number WHERE l.code IS NOT NULL "
    "UNION ALL SELECT NULL, anchor, NULL, NULL FROM link WHERE anchor = ANY(%s)"
)


class Asked(NamedTuple):
    """A lot by the products that its GTIN may mean, its number, and its anchor."""

    products: tuple[UUID, ...]
    number: str
    anchor: str


class Coded(NamedTuple):
    """A lot that has a code, of what was asked for."""

    code: str
    id: UUID


class LotReader:
    """Reads on one connection that it holds open; for one thread. Close it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def read(self, asked: Sequence[Asked]) -> list[list[Coded] | None]:
        """For each the lots that have a code, at most a few; None where links were published for it. Raises
        StoreUnavailable."""
        pairs = sorted({(product, each.number) for each in asked for product in each.products})
        try:
            with translated():
                rows = self._rows(pairs, sorted({each.anchor for each in asked}))
        except StoreUnavailable:
            self.close()
            raise
        lots: dict[tuple[UUID, str], list[Coded]] = {}
        linked = set()
        for product, text, code, key in rows:
            if product is None:
                linked.add(text)
            else:
                lots.setdefault((UUID(product), text), []).append(Coded(code, UUID(key)))
        return [
            None
            if each.anchor in linked
            else [lot for product in each.products for lot in lots.get((product, each.number), ())]
            for each in asked
        ]

    def close(self) -> None:
        """Gives the connection back; the next read opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _rows(self, pairs: list[tuple[UUID, str]], anchors: list[str]) -> Sequence[Any]:
        postgres = self._engine.dialect.name == "postgresql"
        if self._connection is None:
            options = {"isolation_level": "AUTOCOMMIT"} if postgres else {}
            self._connection = self._engine.connect().execution_options(**options)
        if postgres:
            statement = _POSTGRES
            sent: Any = ([product for product, _ in pairs], [number for _, number in pairs], anchors)
        else:
            # Few lengths of the lists, so that the driver finds the statement prepared.
            marks = ",".join(["(?,?)"] * (1 << (len(pairs) - 1).bit_length()))
            room = 1 << (len(anchors) - 1).bit_length()
            pairs = [*pairs, *[(UUID(int=0), "")] * (marks.count("(") - len(pairs))]
            anchors = [*anchors, *anchors[-1:] * (room - len(anchors))]
            statement = _SQLITE.format(pairs=marks, anchors=",".join("?" * room))
            sent = (*(part for product, number in pairs for part in (product.bytes, number)), *anchors)
        with self._connection.exec_driver_sql(statement, sent) as result:
            rows: Sequence[Any] = result.cursor.fetchall()
        self._connection.rollback()  # what the next read sees is as of then
        return rows if postgres else msgspec.json.decode(rows[0][0])
