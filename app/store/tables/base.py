"""What every table shares: the naming of constraints and the note of how it is distributed."""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, distributed_by: str, *items: Any, rowid: bool = True, **options: Any) -> Table:
    return Table(name, metadata, *items, info={"distributed_by": distributed_by}, sqlite_with_rowid=rowid, **options)


def amount(name: str) -> Column[int]:
    """Grams or pieces, by the measure of the product."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))
