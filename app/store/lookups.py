"""Rows of many tables by their keys, in one statement: branches of a UNION ALL, each of one table and one list of keys.

A page is told from a dozen tables; what it costs is the number of times that it has to wait for the database. No branch
knows of another, so that a sharded database runs each where its rows are. A row comes as a JSON array, since all
branches have the same columns: an id as its hex digits, an instant as microseconds since 1970 UTC.
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
    table leads to; the keys are of the column `key` then."""

    name: str
    table: Table
    make: Callable[..., R]
    by: str
    where: str = ""
    columns: tuple[str, ...] = ()
    most: tuple[str, int] | None = None
    match: str = ""
    key: Column[Any] | None = None

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
    """The rows of all sources. One statement for each CHUNK of keys that the longest list has; none without keys."""
    found = Found()
    lists = {source: list(dict.fromkeys(keys)) for source, keys in asked.items()}
    for start in range(0, max(map(len, lists.values()), default=0), CHUNK):
        chunks = {source: keys[start : start + CHUNK] for source, keys in lists.items() if len(keys) > start}
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
    with snapshot.exec_driver_sql(UNION.join(branches), tuple(parameters)) as result:
        rows: Iterable[tuple[str, str]] = result.cursor.fetchall()
    for name, text in rows:
        source = by_name[name]
        values = msgspec.json.decode(text)
        for at, read in _readers(source):
            if values[at] is not None:
                values[at] = read(values[at])
        found.add(source, source.make(*values))


@lru_cache(maxsize=1024)
def _branch(source: Source[Any], postgres: bool, length: int) -> str:
    """`length`: of the list of keys, on SQLite."""
    if postgres:
        array = {Id: "uuid", BigInteger: "bigint"}.get(type(source.sort), "text")
        row, keys, mark = "json_build_array({})::text", f"= ANY(%s::{array}[])", "%s"
    else:
        row, keys, mark = "json_array({})", f"IN ({','.join('?' * length)})", "?"
    columns = ", ".join((_postgres if postgres else _sqlite)(column) for column in _columns(source))
    where = source.where.format(*[mark] * source.where.count("{}"))
    matched = source.match.format(keys) if source.match else f'"{source.by}" {keys}'
    rows = f'"{source.table.name}" WHERE {matched}{" AND " if where else ""}{where}'
    if source.most is not None:
        order, limit = source.most
        rows = f'(SELECT * FROM {rows} ORDER BY {order} LIMIT {limit}) AS "{source.table.name}"'
    return f"SELECT '{source.name}', {row.format(columns)} FROM {rows}"


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
