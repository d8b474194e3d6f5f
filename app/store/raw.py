"""Rows as the driver gives them, for reads of a hundred thousand rows: no objects a row but a tuple.

The values are the same on both databases: an id is its 16 bytes, an instant microseconds since 1970 UTC, a date its ISO
text, JSON its text. A statement reads one table by a list of keys; a list longer than CHUNK takes several.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Date, Table

from app.store.engine import Snapshot
from app.store.types import Id, Instant, Json

# Keys in one statement: on SQLite a little faster than 500 in a wide generation, and no faster beyond.
CHUNK = 4096

Row = tuple[Any, ...]


def select(
    snapshot: Snapshot,
    table: Table,
    columns: tuple[str, ...],
    by: str,
    keys: Iterable[Any],
    where: str = "",
    also: str = "",
) -> list[Row]:
    """The rows whose column `by` is one of the keys (16 bytes for an id), in no order. `where`: a further condition;
    `also`: an expression that comes after the columns."""
    rows: list[Row] = []
    for chunk in _chunks(keys):
        rows += _fetch(snapshot, table, columns, by, chunk, where, also)
    return rows


def joined(
    snapshot: Snapshot,
    first: tuple[Table, tuple[str, ...]],
    second: tuple[Table, tuple[str, ...]],
    on: tuple[str, str],
    by: str,
    keys: Iterable[bytes],
) -> list[Row]:
    """As select by ids, each row of the first table with the one of the second that it belongs to."""
    postgres = snapshot.dialect.name == "postgresql"
    rows: list[Row] = []
    for chunk in _chunks(keys):
        length = 1 << (len(chunk) - 1).bit_length()
        statement = _joined(first, second, on, by, postgres, 0 if postgres else length)
        sent: tuple[Any, ...] = (
            ("{" + ",".join([key.hex() for key in chunk]) + "}",)
            if postgres
            else (*chunk, *chunk[-1:] * (length - len(chunk)))
        )
        with snapshot.exec_driver_sql(statement, sent) as result:
            rows += result.cursor.fetchall()
    return rows


@lru_cache(maxsize=64)
def _joined(
    first: tuple[Table, tuple[str, ...]],
    second: tuple[Table, tuple[str, ...]],
    on: tuple[str, str],
    by: str,
    postgres: bool,
    length: int,
) -> str:
    spell = _plain if postgres else _quoted
    names = ", ".join(
        spell(table.c[name]).replace(f'"{name}"', f'{alias}."{name}"')
        for alias, (table, columns) in (("a", first), ("b", second))
        for name in columns
    )
    among = "= ANY(%s::uuid[])" if postgres else f"IN ({','.join('?' * length)})"
    return (
        f'SELECT {names} FROM "{first[0].name}" AS a JOIN "{second[0].name}" AS b ON b."{on[1]}" = a."{on[0]}" '
        f'WHERE a."{by}" {among}'
    )


def ordered(
    snapshot: Snapshot, table: Table, columns: tuple[str, ...], condition: str, given: tuple[Any, ...], order: str
) -> list[Row]:
    """The rows of which the condition holds, in an order that may end in a LIMIT; each {} in both is one of the given
    values, texts or numbers."""
    with snapshot.exec_driver_sql(_ordered(snapshot.dialect.name, table, columns, condition, order), given) as result:
        return list(result.cursor.fetchall())


@lru_cache(maxsize=64)
def _ordered(dialect: str, table: Table, columns: tuple[str, ...], condition: str, order: str) -> str:
    postgres = dialect == "postgresql"
    names = ", ".join((_plain if postgres else _quoted)(table.c[name]) for name in columns)
    text = f'SELECT {names} FROM "{table.name}" WHERE {condition} ORDER BY {order}'
    return text.replace("{}", "%s" if postgres else "?")


def where(snapshot: Snapshot, table: Table, columns: tuple[str, ...], condition: str) -> list[Row]:
    """The rows of which the condition holds, in no order."""
    plain = _plain if snapshot.dialect.name == "postgresql" else _quoted
    names = ", ".join(plain(table.c[name]) for name in columns)
    with snapshot.exec_driver_sql(f'SELECT {names} FROM "{table.name}" WHERE {condition}') as result:
        return list(result.cursor.fetchall())


def _chunks(keys: Iterable[Any]) -> Iterator[list[Any]]:
    listed = keys if isinstance(keys, list) else list(keys)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def _fetch(
    snapshot: Snapshot, table: Table, columns: tuple[str, ...], by: str, keys: list[Any], where: str, also: str
) -> list[Row]:
    if snapshot.dialect.name == "postgresql":
        # An array of ids is quickest as its text: the driver would turn every one into a parameter of its own.
        sent: tuple[Any, ...] = (
            ("{" + ",".join([key.hex() for key in keys]) + "}",) if isinstance(table.c[by].type, Id) else (list(keys),)
        )
        statement = _postgres(table, columns, by, where, also)
    else:
        # Few lengths of the list, so that the driver finds the statement prepared; a key twice changes nothing.
        length = 1 << (len(keys) - 1).bit_length()
        sent = (*keys, *keys[-1:] * (length - len(keys)))
        statement = _sqlite(table, columns, by, where, also, length)
    with snapshot.exec_driver_sql(statement, sent) as result:
        # Below SQLAlchemy's own rows, which cost as much again as the driver's.
        return list(result.cursor.fetchall())


@lru_cache(maxsize=256)
def _sqlite(table: Table, columns: tuple[str, ...], by: str, where: str, also: str, length: int) -> str:
    names = ", ".join([*(f'"{name}"' for name in columns), *filter(None, [also])])
    return f'SELECT {names} FROM "{table.name}" WHERE "{by}" IN ({",".join("?" * length)}){_and(where)}'


@lru_cache(maxsize=256)
def _postgres(table: Table, columns: tuple[str, ...], by: str, where: str, also: str) -> str:
    names = ", ".join([*(_plain(table.c[name]) for name in columns), *filter(None, [also])])
    kind = table.c[by].type
    sort = "uuid" if isinstance(kind, Id) else "bigint" if kind.python_type is int else "text"
    return f'SELECT {names} FROM "{table.name}" WHERE "{by}" = ANY(%s::{sort}[]){_and(where)}'


def _and(where: str) -> str:
    return f" AND {where}" if where else ""


def _plain(column: Column[Any]) -> str:
    name = f'"{column.name}"'
    if isinstance(column.type, Id):
        return f"uuid_send({name})"
    if isinstance(column.type, Instant):
        return f"(extract(epoch FROM {name}) * 1000000)::bigint"
    if column.type is Json or isinstance(column.type, Date):
        return f"{name}::text"
    return name


def _quoted(column: Column[Any]) -> str:
    return f'"{column.name}"'
