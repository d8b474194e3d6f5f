"""Runs the one chain of migrations on SQLite or PostgreSQL, on a connection handed in or on the settings' database."""

from alembic import context
from sqlalchemy import Connection, text

from app.settings import Settings
from app.store.engine import open_engine
from app.store.tables import metadata


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Wait for a lock no longer than a market notices; two servers starting together migrate one after another.
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(6170617061)"))
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    migrate(handed_in)
else:
    engine = open_engine(Settings().database_url)
    with engine.connect().execution_options(onecode_writing=True) as connection:
        migrate(connection)
        connection.commit()
    engine.dispose()
