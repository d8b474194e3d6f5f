from sqlalchemy import Engine, inspect, text

from app.store import schema
from app.store.tables import metadata
from tests.support.databases import Database
from tests.support.statements import Statements


def test_the_template_is_migrated(engine: Engine, database: Database) -> None:
    assert engine.dialect.name == database.kind
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    schema.require_head(engine)


def test_an_empty_database_has_no_table(empty_database: Database) -> None:
    from app.store.engine import open_engine

    engine = open_engine(empty_database.url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_recorder_counts_statements(engine: Engine, statements: Statements) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        connection.execute(text("SELECT 2"))
    assert [s.strip() for s in statements.texts][-2:] == ["SELECT 1", "SELECT 2"]
