"""Set-based statements: driver-level many on SQLite, one UNNEST on PostgreSQL; sorted by key, built once.

Sorted rows and a fixed order of tables are what keeps several PostgreSQL writers free of deadlocks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg import adapters
from psycopg.adapt import Dumper, PyFormat, Transformer
from psycopg.pq import Format
from sqlalchemy import Connection, Table, tuple_
from sqlalchemy.dialects import postgresql

from app.store.engine import dump_json
from app.store.types import Id, Instant, Json, micros

Row = Sequence[Any]
DELETED = 500  # keys in one statement


class Packed(NamedTuple):
    """A column as an array of PostgreSQL in its binary form, and that array's type."""

    data: bytes
    oid: int


Values = list[Any] | Packed


def insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Rows in the order of the table's columns (less a leading serial); a repeated key raises IntegrityError."""
    _run(connection, table, rows, "")


def insert_new(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """As insert, but a row whose key is there already is left as it is."""
    _run(connection, table, rows, "ON CONFLICT DO NOTHING")


def upsert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """As insert, but a row whose key is there already is replaced."""
    keys = {column.name for column in table.primary_key}
    sets = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if c.name not in keys)
    names = ", ".join(f'"{column.name}"' for column in table.primary_key)
    _run(connection, table, rows, f"ON CONFLICT ({names}) DO UPDATE SET {sets}")


def merge(connection: Connection, table: Table, rows: Iterable[Row], sets: str) -> None:
    """As insert, but a row whose key is there already is changed as `sets` says, in which `excluded` is the new row."""
    names = ", ".join(f'"{column.name}"' for column in table.primary_key)
    _run(connection, table, rows, f"ON CONFLICT ({names}) DO UPDATE SET {sets}")


def delete(connection: Connection, table: Table, keys: Iterable[Row]) -> None:
    """Rows by their primary keys, each a tuple in the order of the key's columns."""
    columns = list(table.primary_key.columns)
    listed = sorted(keys, key=lambda key: tuple(_sortable(part) for part in key))
    for start in range(0, len(listed), DELETED):
        connection.execute(table.delete().where(tuple_(*columns).in_(listed[start : start + DELETED])))


def _run(connection: Connection, table: Table, rows: Iterable[Row], tail: str) -> None:
    batch = list(rows)
    if batch:
        columns, _ = _columns(table, batch, connection.dialect.name == "postgresql")
        _send(connection, table, columns, tail)


def _columns(table: Table, rows: Sequence[Row], postgres: bool) -> tuple[list[list[Any]], list[int]]:
    """Rows by columns, as the driver takes them and in the order in which they are written, that of the primary key;
    and which row stands at each place. A comprehension for each takes half the time of a loop over the rows."""
    columns = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in table.columns]
    for i, encode in _encoders(table, postgres):
        columns[i] = _encoded(columns[i], encode)
    # Ids as numbers or bytes are in the same order, and compared twice as fast.
    keys = [[key.int for key in columns[i]] if number and postgres else columns[i] for i, number in _keys(table)]
    order = sorted(range(len(rows)), key=(keys[0] if len(keys) == 1 else list(zip(*keys, strict=True))).__getitem__)
    return [[column[i] for i in order] for column in columns], order


def _send(connection: Connection, table: Table, columns: Sequence[Values], tail: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_postgres_insert(table, tail), tuple(columns))
    else:
        rows = list(zip(*cast(list[list[Any]], columns), strict=True))
        connection.exec_driver_sql(_sqlite_insert(table, tail), rows)


# --- rows that are prepared beforehand, in another process if need be ---


def packed(table: Table, rows: Sequence[Row], postgres: bool) -> tuple[list[Values], list[int]]:
    """The columns of rows in the order in which they are written, as the driver takes them; and which of the rows
    stands at each place."""
    columns, order = _columns(table, rows, postgres)
    return [_binary(column) for column in columns] if postgres else list(columns), order


def insert_packed(
    connection: Connection, table: Table, columns: Sequence[Values], filled: Mapping[str, list[Any]]
) -> None:
    """As insert, of what `packed` has made. `filled`: columns that are known by now."""
    postgres = connection.dialect.name == "postgresql"
    written = list(columns)
    encoders = dict(_encoders(table, postgres))
    for i, column in enumerate(table.columns):
        if column.name in filled:
            values = filled[column.name]
            written[i] = _encoded(values, encoders[i]) if i in encoders else values
    first = written[0]
    if first if isinstance(first, list) else first.data:
        _send(connection, table, written, "")


def _binary(column: list[Any]) -> Values:
    """A column as PostgreSQL takes an array of it, where the driver says which type that is."""
    if all(value is None for value in column):
        return column
    dumper = Transformer().get_dumper(column, PyFormat.BINARY)
    return Packed(bytes(dumper.dump(column) or b""), dumper.oid)


class _PackedDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Packed, format: PyFormat) -> Any:
        return Packed, obj.oid

    def upgrade(self, obj: Packed, format: PyFormat) -> "_PackedDumper":
        made = _PackedDumper(Packed)
        made.oid = obj.oid
        return made

    def dump(self, obj: Packed) -> bytes:
        return obj.data


adapters.register_dumper(Packed, _PackedDumper)


def _encoded(column: list[Any], encode: Callable[[list[Any]], list[Any]]) -> list[Any]:
    if len(set(map(id, column))) == 1:  # one device, one moment: encoded once
        return encode(column[:1]) * len(column)
    return encode(column)


def _sortable(value: Any) -> Any:
    return value.bytes if isinstance(value, UUID) else value


@lru_cache(maxsize=256)
def _keys(table: Table) -> tuple[tuple[int, bool], ...]:
    """What rows are sorted by, the primary key: (position, whether it is an id)."""
    columns = enumerate(table.columns)
    return tuple((i, isinstance(column.type, Id)) for i, column in columns if column.primary_key)


@lru_cache(maxsize=256)
def _postgres_insert(table: Table, tail: str) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    names, arrays, selected = [], [], []
    for i, column in enumerate(table.columns):
        sql_type = column.type.compile(dialect).partition(" COLLATE ")[0]  # a cast to an array takes no collation
        names.append(f'"{column.name}"')
        arrays.append(f"%b::{'text' if column.type is Json else sql_type}[]")
        selected.append(f"c{i}::jsonb" if column.type is Json else f"c{i}")
    aliases = ", ".join(f"c{i}" for i in range(len(names)))
    return (
        f'INSERT INTO "{table.name}" ({", ".join(names)}) '
        f"SELECT {', '.join(selected)} FROM unnest({', '.join(arrays)}) AS rows({aliases}) {tail}"
    )


@lru_cache(maxsize=256)
def _sqlite_insert(table: Table, tail: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" for _ in table.columns)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}) {tail}'


# Whole columns: to call a function for each value would cost as much again.


def _bytes(column: list[Any]) -> list[Any]:
    return [value if value is None else value.int.to_bytes(16, "big") for value in column]


def _instants(column: list[Any]) -> list[Any]:
    told = {value: value if value is None else micros(value) for value in set(column)}  # many rows of one moment
    return [told[value] for value in column]


def _dates(column: list[Any]) -> list[Any]:
    return [value if value is None else value.isoformat() for value in column]


def _texts(column: list[Any]) -> list[Any]:
    return [value if value is None else dump_json(value) for value in column]


@lru_cache(maxsize=256)
def _encoders(table: Table, postgres: bool) -> tuple[tuple[int, Any], ...]:
    """(position, encoder) of the columns whose values the driver does not take as they are."""

    def encoder(column: Any) -> Any:
        if column.type is Json:
            return _texts
        if postgres:
            return None
        if isinstance(column.type, Id):
            return _bytes
        if isinstance(column.type, Instant):
            return _instants
        return _dates if column.type.python_type is date else None

    made = ((i, encoder(column)) for i, column in enumerate(table.columns))
    return tuple((i, encode) for i, encode in made if encode is not None)
