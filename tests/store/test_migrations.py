"""One chain of migrations on both databases: up, down, up, and nothing in the tables that is not in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Engine, insert, inspect, select

from app.store import schema, tables
from app.store.engine import open_engine, reading, writing
from app.store.errors import SchemaOutdated
from tests.support.databases import Database


@pytest.fixture
def empty(empty_database: Database) -> Iterator[Engine]:
    opened = open_engine(empty_database.url)
    yield opened
    opened.dispose()


def shape(engine: Engine) -> dict[str, object]:
    seen = inspect(engine)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(name)],
            seen.get_pk_constraint(name),
            sorted((index["name"], tuple(index["column_names"]), index["unique"]) for index in seen.get_indexes(name)),
            sorted((unique["name"], tuple(unique["column_names"])) for unique in seen.get_unique_constraints(name)),
        )
        for name in seen.get_table_names()
    }


def test_up_down_up(empty: Engine) -> None:
    schema.upgrade(empty)
    first = shape(empty)
    aside = {"event_id": UUID(int=7), "record_time": datetime(2026, 3, 1, tzinfo=UTC), "reason": "x"}
    with writing(empty) as connection:
        connection.execute(insert(tables.unpublishable), [aside])
    schema.downgrade(empty, "0024")
    with reading(empty) as snapshot:  # what is set aside waits, for a program that knows nothing else
        assert snapshot.scalars(select(tables.unpublished.c.event_id)).all() == [aside["event_id"]]
    schema.downgrade(empty, "base")
    assert inspect(empty).get_table_names() == ["alembic_version"]
    assert schema.revision(empty) is None
    schema.upgrade(empty)
    assert shape(empty) == first
    schema.require_head(empty)


def test_the_migrations_make_what_the_tables_say(engine: Engine) -> None:
    """`alembic check`: a change of the tables without its migration fails here."""
    config = schema._config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_an_outdated_schema_names_the_command(empty: Engine) -> None:
    with pytest.raises(SchemaOutdated, match="run `onecode db upgrade`"):
        schema.require_head(empty)
