"""Rows as the driver gives them, for reads of a hundred thousand rows: no objects a row but a tuple.

The values are the same on both databases: an id is its 16 bytes, an instant microseconds since 1970 UTC, a date its ISO
text, JSON its text. A statement reads one table by a list of keys; a list longer than CHUNK takes several.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, Table

from app.store.engine import Snapshot
from app.store.types import Id, Instant, Json, micros

# Keys in one statement: on SQLite a little faster than 500 in a wide generation, and no faster beyond.
CHUNK = 4096
# SELECTs in one statement: SQLite takes 500.
BRANCHES = 250

LARGE = 100_000  # bytes of texts in one row; PostgreSQL keeps them compressed, a text of 100 kB in 1 kB at the least
_LARGE_KEPT = 16_384

Row = tuple[Any, ...]
Branch = tuple[str, tuple[Any, ...]]
"""What stands behind FROM (a condition, an order, a LIMIT), with the values for each {} in it: texts and numbers, ids
and instants as `value` makes them."""


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


def large(snapshot: Snapshot, column: str) -> str:
    """A condition for `select`: the JSON of the column is LARGE, which the database says without handing it over."""
    postgres = snapshot.dialect.name == "postgresql"
    return f"{_size(postgres).format(column)} > {_LARGE_KEPT if postgres else LARGE}"


def _size(postgres: bool) -> str:
    return "pg_column_size({})" if postgres else "length(CAST({} AS BLOB))"


def joined(
    snapshot: Snapshot,
    first: tuple[Table, tuple[str, ...]],
    second: tuple[Table, tuple[str, ...]],
    on: tuple[str, str],
    by: str,
    keys: Iterable[Any],
    unless_large: tuple[str, ...] = (),
) -> list[Row]:
    """As select, by a column of the first table: each row of it with the one of the second that it belongs to.
    `unless_large`: columns of JSON that are None where together they are LARGE."""
    postgres = snapshot.dialect.name == "postgresql"
    rows: list[Row] = []
    for chunk in _chunks(keys):
        length = 1 << (len(chunk) - 1).bit_length()
        statement = _joined(first, second, on, by, postgres, 0 if postgres else length, unless_large)
        sent = _listed(first[0], by, chunk) if postgres else (*chunk, *chunk[-1:] * (length - len(chunk)))
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
    unless_large: tuple[str, ...],
) -> str:
    spell = _plain if postgres else _quoted
    sides = (("a", first), ("b", second))
    listed = [(alias, table.c[name]) for alias, (table, columns) in sides for name in columns]
    # The database looks at the size, and hands over nothing large.
    sizes = [f"coalesce({_size(postgres).format(_of(*one))}, 0)" for one in listed if one[1].name in unless_large]
    small = f"{' + '.join(sizes)} <= {_LARGE_KEPT if postgres else LARGE}"
    names = ", ".join(
        f"CASE WHEN {small} THEN {text} END" if column.name in unless_large else text
        for alias, column in listed
        for text in [spell(column).replace(f'"{column.name}"', _of(alias, column))]
    )
    among = f"= ANY(%s::{_sort(first[0], by)}[])" if postgres else f"IN ({','.join('?' * length)})"
    return (
        f'SELECT {names} FROM "{first[0].name}" AS a JOIN "{second[0].name}" AS b ON b."{on[1]}" = a."{on[0]}" '
        f'WHERE a."{by}" {among}'
    )


def _of(alias: str, column: Column[Any]) -> str:
    return f'{alias}."{column.name}"'


def found(snapshot: Snapshot, table: Table, columns: tuple[str, ...], branch: Branch) -> list[Row]:
    """What a branch finds, in its order."""
    rest, given = branch
    with snapshot.exec_driver_sql(_found(snapshot.dialect.name, table, columns, rest), given) as result:
        return list(result.cursor.fetchall())


@lru_cache(maxsize=64)
def _found(dialect: str, table: Table, columns: tuple[str, ...], rest: str) -> str:
    return _marked(dialect, f'SELECT {_names(dialect, table, columns)} FROM "{table.name}" {rest}')


def _names(dialect: str, table: Table, columns: tuple[str, ...]) -> str:
    spell = _plain if dialect == "postgresql" else _quoted
    return ", ".join(spell(table.c[name]) for name in columns)


def _marked(dialect: str, text: str) -> str:
    return text.replace("{}", "%s" if dialect == "postgresql" else "?")


def merged(snapshot: Snapshot, table: Table, columns: tuple[str, ...], branches: Iterable[Branch]) -> list[Row]:
    """What each of the branches finds by itself, all together and in no order."""
    names = _names(snapshot.dialect.name, table, columns)
    return _united(snapshot, branches, lambda rest: f'* FROM (SELECT {names} FROM "{table.name}" {rest}) AS one')


def counted(snapshot: Snapshot, table: Table, branches: Iterable[Branch]) -> int:
    """How many rows the branches find together."""
    counts = _united(snapshot, branches, lambda rest: f'count(*) FROM (SELECT 1 FROM "{table.name}" {rest}) AS one')
    return sum(count for (count,) in counts)


def _united(snapshot: Snapshot, branches: Iterable[Branch], select_: Callable[[str], str]) -> list[Row]:
    rows: list[Row] = []
    listed = list(branches)
    for start in range(0, len(listed), BRANCHES):
        some = listed[start : start + BRANCHES]
        text = " UNION ALL ".join([f"SELECT {select_(rest)}" for rest, _ in some])
        given = tuple([value for _, values in some for value in values])
        with snapshot.exec_driver_sql(_marked(snapshot.dialect.name, text), given) as result:
            rows += result.cursor.fetchall()
    return rows


def value(snapshot: Snapshot, given: Any) -> Any:
    """A UUID or an instant as the driver takes it; anything else as it is."""
    if snapshot.dialect.name == "postgresql":
        return given
    return given.bytes if isinstance(given, UUID) else micros(given) if isinstance(given, datetime) else given


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
        sent = _listed(table, by, keys)
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
    return f'SELECT {names} FROM "{table.name}" WHERE "{by}" = ANY(%s::{_sort(table, by)}[]){_and(where)}'


def _sort(table: Table, by: str) -> str:
    kind = table.c[by].type
    return "uuid" if isinstance(kind, Id) else "bigint" if kind.python_type is int else "text"


def _listed(table: Table, by: str, keys: list[Any]) -> tuple[Any, ...]:
    """A list of keys as PostgreSQL's driver takes it: an array of ids is quickest as its text, it would turn every one
    into a parameter of its own."""
    return ("{" + ",".join([key.hex() for key in keys]) + "}",) if isinstance(table.c[by].type, Id) else (keys,)


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
