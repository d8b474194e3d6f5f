"""Every table and statement keeps to what a sharded database can do: no big table needs another, or a sequence."""

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint

from app.store.tables import metadata
from tests.support.distribution import BIG, fault

TABLES = {table.name: table for table in metadata.sorted_tables}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_says_how_it_is_distributed(table: Table) -> None:
    column = table.info["distributed_by"]
    assert column in ("replicated", "local") or column in table.columns


@pytest.mark.parametrize("name", BIG)
def test_big_tables_keep_to_their_distribution_column(name: str) -> None:
    table, column = TABLES[name], BIG[name]
    assert column in table.primary_key.columns
    for constraint in table.constraints:
        assert not isinstance(constraint, ForeignKeyConstraint)
        if isinstance(constraint, UniqueConstraint):
            assert column in constraint.columns
    for index in table.indexes:
        assert not index.unique or column in index.columns
    assert table.autoincrement_column is None, "a sequence is one place that all shards wait for"


def test_no_table_but_the_feed_has_a_sequence_or_foreign_key() -> None:
    assert [name for name, table in TABLES.items() if table.autoincrement_column is not None] == ["feed"]
    assert [name for name, table in TABLES.items() if table.foreign_key_constraints] == []


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT * FROM custody WHERE id IN (1, 2)", None),
        ("SELECT * FROM event JOIN flag ON event.id = flag.event_id", None),
        ('SELECT * FROM "event" AS e JOIN "flag" AS f ON f."event_id" = e."id"', None),
        ("SELECT * FROM site JOIN party ON party.id = site.party_id", None),
        ("SELECT * FROM custody JOIN site ON site.id = custody.site_id", None),
        ("INSERT INTO custody (id) SELECT c0 FROM unnest(%s::UUID[]) AS rows(c0)", None),
        ("SELECT * FROM event JOIN flag ON event.id = flag.event_id_of_old", "event and flag"),
        ("SELECT * FROM custody JOIN lot ON lot.id = custody.lot_id", "custody and lot"),
        ("SELECT * FROM custody, lot WHERE lot.id = custody.lot_id", "custody and lot"),
        ("SELECT * FROM custody WHERE id IN (SELECT child_id FROM custody_link)", "custody and custody_link"),
        ("SELECT * FROM custody_link a JOIN custody_link b ON a.child_id = b.parent_id", "custody_link and custody"),
        ('INSERT INTO "slip" ("id", "code", "event") VALUES (?, ?, ?) ON CONFLICT (code) DO UPDATE SET a = 1', None),
        ("DELETE FROM timeline WHERE custody_id = ?", None),
        ("UPDATE custody SET code = ? WHERE id = ?", None),
        ("SELECT 1 FROM custody WHERE id IN (?) UNION ALL SELECT 2 FROM lot WHERE id IN (?)", None),
        ("SELECT 1 FROM lot UNION ALL SELECT 2 FROM custody, lot WHERE lot.id = lot_id", "custody and lot"),
        ("WITH RECURSIVE up AS (SELECT 1) SELECT * FROM up", "recursive"),
    ],
)  # fmt: skip
def test_the_matcher_tells_statements_apart(statement: str, why: str | None) -> None:
    found = fault(statement)
    assert (found is None) if why is None else (found is not None and why in found)
