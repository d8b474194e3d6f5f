"""Rows of many tables by their keys, in one statement: branches of a UNION ALL, each of one table and one list of keys.

A page is told from a dozen tables; what it costs is the number of times that it has to wait for the database. No branch
knows of another, so that a sharded database runs each where its rows are. A row comes as a JSON array, since all
branches have the same columns: an id as its hex digits, an instant as microseconds since 1970 UTC.

On SQLite all rows come as one: its driver lets go of the interpreter for every row.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Date, Table
from sqlalchemy.types import LargeBinary

from app.store.engine import Snapshot
from app.store.types import Id, Instant, Json, from_micros

CHUNK = 500  # keys of one table in one statement
UNION = " UNION ALL "

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Source(Generic[R]):
    """Rows of a table, told apart from others by `name`, whose column `by` is one of some keys and of which `where`
    holds; `make` takes the values of `columns` (all, in their order, where none are named).

    `where` is SQL, in which each `{}` stands for a number that is given with the keys. `most`: (order, limit), for a
    list of one key. `match` is SQL in which `{}` stands for the comparison with the keys, for rows that a replicated
    table leads to; the keys are of the column `key` then. `lock`: the rows are locked, in the order of the table's key,
    until the transaction ends."""

    name: str
    table: Table
    make: Callable[..., R]
    by: str
    where: str = ""
    columns: tuple[str, ...] = ()
    most: tuple[str, int] | None = None
    match: str = ""
    key: Column[Any] | None = None
    lock: bool = False

    @property
    def sort(self) -> Any:
        """The type of the keys."""
        return (self.table.c[self.by] if self.key is None else self.key).type


Asked = Mapping[Source[Any], Iterable[Any]]


class Found:
    """What was found of each source, in no order."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Any]] = defaultdict(list)

    def add(self, source: Source[R], row: R) -> None:
        self._rows[source.name].append(row)

    def of(self, source: Source[R]) -> list[R]:
        return self._rows.get(source.name, [])

    def one(self, source: Source[R]) -> R | None:
        """The row of a key that one row has at most."""
        rows = self.of(source)
        return rows[0] if rows else None


def look_up(snapshot: Snapshot, asked: Asked, numbers: Mapping[Source[Any], Sequence[int]] | None = None) -> Found:
    """The rows of all sources. One statement for each CHUNK of keys that the longest list has; none without keys. What
    is to be locked takes statements of its own on PostgreSQL; it comes first, so that the rest is seen as of then."""
    found = Found()
    lists = {source: list(dict.fromkeys(keys)) for source, keys in asked.items()}
    alone = [source for source in lists if source.lock] if snapshot.dialect.name == "postgresql" else []
    for together in (*([source] for source in alone), [source for source in lists if source not in alone]):
        for start in range(0, max((len(lists[source]) for source in together), default=0), CHUNK):
            chunks = {source: lists[source][start : start + CHUNK] for source in together if len(lists[source]) > start}
            _read(snapshot, chunks, numbers or {}, found)
    return found


def _read(
    snapshot: Snapshot, chunks: dict[Source[Any], list[Any]], numbers: Mapping[Source[Any], Sequence[int]], found: Found
) -> None:
    postgres = snapshot.dialect.name == "postgresql"
    branches: list[str] = []
    parameters: list[Any] = []
    for source, keys in chunks.items():
        if postgres:
            length = 0
            ids = isinstance(source.sort, Id)
            parameters.append("{" + ",".join([key.hex for key in keys]) + "}" if ids else keys)
        else:
            # Few lengths of the list, so that the driver finds the statement prepared; a key twice changes nothing.
            length = 1 << (len(keys) - 1).bit_length()
            parameters += [key.bytes if isinstance(key, UUID) else key for key in keys]
            parameters += parameters[-1:] * (length - len(keys))
        parameters += numbers.get(source, ())
        branches.append(_branch(source, postgres, length))
    by_name = {source.name: source for source in chunks}
    for name, *values in _values(snapshot, UNION.join(branches), parameters):
        source = by_name[name]
        found.add(source, _row(source, values))


def _values(snapshot: Snapshot, statement: str, parameters: Iterable[Any]) -> list[list[Any]]:
    """What a statement finds whose rows are each one JSON array."""
    if snapshot.dialect.name != "postgresql":
        statement = f"SELECT '[' || coalesce(group_concat(found), '') || ']' FROM ({statement})"
    with snapshot.exec_driver_sql(statement, tuple(parameters)) as result:
        texts: list[str] = [text for (text,) in result.cursor.fetchall()]
    if snapshot.dialect.name != "postgresql":
        (whole,) = texts
        values: list[list[Any]] = msgspec.json.decode(whole)
        return values
    return [msgspec.json.decode(text) for text in texts]


def _row(source: Source[R], values: list[Any]) -> R:
    for at, read in _readers(source):
        if values[at] is not None:
            values[at] = read(values[at])
    return source.make(*values)


@lru_cache(maxsize=1024)
def _branch(source: Source[Any], postgres: bool, length: int) -> str:
    """`length`: of the list of keys, on SQLite."""
    if postgres:
        array = {Id: "uuid", BigInteger: "bigint"}.get(type(source.sort), "text")
        row, keys, mark = "json_build_array({})::text", f"= ANY(%s::{array}[])", "%s"
    else:
        row, keys, mark = "json_array({}) AS found", f"IN ({','.join('?' * length)})", "?"
    columns = ", ".join((_postgres if postgres else _sqlite)(column) for column in _columns(source))
    where = source.where.format(*[mark] * source.where.count("{}"))
    matched = source.match.format(keys) if source.match else f'"{source.by}" {keys}'
    rows = f'"{source.table.name}" WHERE {matched}{" AND " if where else ""}{where}'
    if source.most is not None:
        order, limit = source.most
        rows = f'(SELECT * FROM {rows} ORDER BY {order} LIMIT {limit}) AS "{source.table.name}"'
    if source.lock and postgres:
        rows += f" ORDER BY {', '.join(column.name for column in source.table.primary_key)} FOR UPDATE"
    named = f"'{source.name}', {columns}"
    return f"SELECT {row.format(named)} FROM {rows}"


def _columns(source: Source[Any]) -> list[Column[Any]]:
    columns = source.table.columns
    return [columns[name] for name in source.columns] if source.columns else list(columns)


def _postgres(column: Column[Any]) -> str:
    name = f'"{column.name}"'
    if isinstance(column.type, Instant):
        return f"(extract(epoch FROM {name}) * 1000000)::bigint"
    return f"encode({name}, 'hex')" if isinstance(column.type, LargeBinary) else name


def _sqlite(column: Column[Any]) -> str:
    name = f'"{column.name}"'
    if isinstance(column.type, Id | LargeBinary):
        return f"nullif(hex({name}), '')"  # the hexadecimal digits of NULL are none
    return f"json({name})" if column.type is Json else name


@lru_cache(maxsize=64)
def _readers(source: Source[Any]) -> list[tuple[int, Callable[[Any], Any]]]:
    """What a value has to go through, by its place in the row."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for at, column in enumerate(_columns(source)):
        if isinstance(column.type, Id):
            found.append((at, UUID))
        elif isinstance(column.type, Instant):
            found.append((at, from_micros))
        elif isinstance(column.type, Date):
            found.append((at, date.fromisoformat))
        elif isinstance(column.type, Boolean):
            found.append((at, bool))
        elif isinstance(column.type, LargeBinary):
            found.append((at, bytes.fromhex))
    return found
