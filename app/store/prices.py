"""Price lists: small, replicated, read whole or for the goods at hand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, select

from app.domain.prices import Price
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

_table = tables.price


def of_sites(snapshot: Snapshot, site_ids: Iterable[UUID]) -> dict[UUID, list[Price]]:
    """The lists of the sites, each by PLU, what has none last."""
    found: dict[UUID, list[Price]] = defaultdict(list)
    for chunk in chunks(site_ids):
        statement = select(_table).where(_table.c.site_id.in_(chunk))
        for row in snapshot.execute(statement.order_by(_table.c.plu.nulls_last(), _table.c.product_id)):
            found[row.site_id].append(Price(*row))
    return found


def write(connection: Snapshot, site_id: UUID, rows: Sequence[Price]) -> None:
    """Puts the list in the place of the one that was there."""
    connection.execute(delete(_table).where(_table.c.site_id == site_id))
    bulk.insert(connection, _table, [values(row) for row in rows])
