"""Fills a database with a graph's custodies, links, timelines, events and lots as fast as it takes them: rows made once
for both databases, COPY on PostgreSQL, the driver's `executemany` on SQLite, secondary indexes built afterwards.

Ids are random, as real ones (UUIDv5) are in effect; the names of everything else do not matter to what is measured.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Dialect, Engine, LargeBinary, Table, make_url
from sqlalchemy.schema import CreateIndex, DropIndex

from app.domain import codes
from app.domain.rows import Party, Product, Site
from app.store import master, schema, tables
from app.store.engine import open_engine, writing
from app.store.types import Id, Instant
from benchmarks.graphs import Graph

SITES, PRODUCTS = 2_000, 100
DAY = datetime(2026, 3, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGUN = 1_767_225_600_000_000  # microseconds: 2026-01-01 UTC
Row = tuple[Any, ...]


class Names:
    """16-byte ids by number: the same for the same seed."""

    def __init__(self, number: int, seed: int) -> None:
        self._bytes = Random(seed).randbytes(16 * number)

    def __getitem__(self, n: int) -> bytes:
        return self._bytes[16 * n : 16 * n + 16]


class Filling:
    """What was put into a database: ids by number."""

    def __init__(self, graph: Graph, receipts: int = 0) -> None:
        """`receipts`: of one line each, on every custody whose goods went no further."""
        self.graph = graph
        self.receipts = receipts
        self.custodies = Names(graph.custodies, 1)
        self._events = Names(graph.events, 2)
        self._lots = Names(graph.lots, 3)
        self._sites, self._parties, self._products = Names(SITES, 4), Names(SITES, 5), Names(PRODUCTS, 6)

    def fill(self, url: str) -> None:
        """Migrates an empty database and fills it."""
        engine = open_engine(url)
        schema.upgrade(engine)
        self._masters(engine)
        engine.dispose()
        put(url, engine.dialect, self._rows())

    def _masters(self, engine: Engine) -> None:
        parties = [
            Party(
                UUID(bytes=self._parties[n]), f"P{n:017}", f"经营户 {n}", "vendor", "330106", None, [], None, [],
                "active", None, [], None, 1, DAY, DAY,
            )
            for n in range(SITES)
        ]  # fmt: skip
        sites = []
        for n in range(SITES):
            key = UUID(bytes=self._sites[n])
            sites.append(
                Site(
                    key, f"S{n:017}", parties[n].id, f"摊位 {n}", "stall", None, f"{key.hex}/", "330106", None, None,
                    "Asia/Shanghai", [], None, "active", None, None, 1, DAY, DAY,
                )
            )  # fmt: skip
        products = [
            Product(
                UUID(bytes=self._products[n]),
                f"菜 {n}",
                "vegetables",
                None,
                "weight",
                None,
                None,
                [],
                None,
                1,
                DAY,
                DAY,
            )
            for n in range(PRODUCTS)
        ]
        with writing(engine) as connection:
            everything: list[master.Master] = [*parties, *sites, *products]
            master.save(connection, everything)
            master.add_versions(connection, everything, UUID(int=0), DAY)

    def _rows(self) -> Iterator[tuple[Table, tuple[str, ...], Iterator[Row]]]:
        """Each table with the columns that get a value and its rows: ids as bytes, instants as microseconds."""
        yield (
            tables.custody,
            ("id", "kind", "code", "lot_id", "product_id", "site_id", "party_id", "measure", "arrived_event_id",
             "arrived_at", "amount_in", "sold", "shipped", "processed", "returned", "destroyed", "unexplained",
             "receipts"),
            self._custody_rows(),
        )  # fmt: skip
        yield (
            tables.custody_link,
            ("child_id", "parent_id", "event_id", "kind", "grams", "pieces", "claimed_by"),
            self._link_rows(),
        )
        yield (
            tables.timeline,
            ("custody_id", "event_id", "entry", "kind", "event_time", "amount"),
            self._timeline_rows(),
        )
        yield (
            tables.event,
            ("id", "kind", "event_time", "utc_offset", "record_time", "site_id", "party_id", "recorder_id", "role",
             "ref", "content_hash", "body", "outcome", "entries"),
            self._event_rows(),
        )  # fmt: skip
        yield (
            tables.lot,
            ("id", "code", "product_id", "maker_id", "lot_number", "made_event_id"),
            (
                (
                    self._lots[n],
                    f"G{n:017}",
                    self._products[n % PRODUCTS],
                    self._parties[n % SITES],
                    f"L{n}",
                    self._events[0],
                )
                for n in range(self.graph.lots)
            ),
        )

        if self.receipts:
            yield (
                tables.receipt,
                ("id", "device_id", "site_id", "event_time", "utc_offset", "record_time", "content_hash", "flags"),
                self._receipt_rows(),
            )
            yield (
                tables.receipt_line,
                ("receipt_id", "line", "custody_id", "product_id", "amount", "value", "unit"),
                self._line_rows(),
            )

    def _ended(self) -> Iterator[int]:
        return (n for n in range(self.graph.custodies) if self.graph.departure(n) is None)

    def _receipt_rows(self) -> Iterator[Row]:
        for n in self._ended():
            site = self._sites[(n * 2_654_435_761 >> 9) % SITES]
            for i in range(self.receipts):
                # A device of its own at each site, as (number, epoch, counter).
                key = codes.receipt_id(1 + n % 100_000, 1, n // 100_000 * self.receipts + i)
                yield key, site, site, BEGUN + n * 1000 + i, 480, BEGUN + n * 1000 + i, b"\0" * 32, "[]"

    def _line_rows(self) -> Iterator[Row]:
        for n in self._ended():
            for i in range(self.receipts):
                key = codes.receipt_id(1 + n % 100_000, 1, n // 100_000 * self.receipts + i)
                yield key, 0, self.custodies[n], self._products[self.graph.lot(n) % PRODUCTS], 750, "1.5", "斤"

    def _custody_rows(self) -> Iterator[Row]:
        graph, keys, events, lots = self.graph, self.custodies, self._events, self._lots
        sites, parties, products = self._sites, self._parties, self._products
        for n in range(graph.custodies):
            lot = graph.lot(n)
            # Scattered: a chain meets as many sites in a small database as in a large one.
            site = (n * 2_654_435_761 >> 9) % SITES
            yield (
                keys[n], "custody", f"B{n:017}", lots[lot], products[lot % PRODUCTS], sites[site],
                parties[site], "weight", events[graph.arrival(n)], BEGUN + n * 1000, 100_000, n % 50_000, 20_000,
                0, 0, 0, 0, n % 90,
            )  # fmt: skip

    def _link_rows(self) -> Iterator[Row]:
        graph, keys, events = self.graph, self.custodies, self._events
        for n in range(graph.custodies):
            for parent in graph.parents(n):
                yield keys[n], keys[parent], events[graph.arrival(n)], "move", 20_000, None, None

    def _timeline_rows(self) -> Iterator[Row]:
        graph, keys, events = self.graph, self.custodies, self._events
        for n in range(graph.custodies):
            yield keys[n], events[graph.arrival(n)], "in", "receive", BEGUN + n * 1000, 100_000
            departure = graph.departure(n)
            if departure is not None:
                yield keys[n], events[departure], "shipped", "receive", BEGUN + n * 1000, 20_000

    def _event_rows(self) -> Iterator[Row]:
        body = '{"kind":"receive","event_time":"2026-03-01T10:00:00+08:00","slip_code":"T0123456789ABCDEFX"}'
        for n in range(self.graph.events):
            yield (
                self._events[n], "receive", BEGUN + n * 9000, 480, BEGUN + n * 9000, self._sites[n % SITES],
                self._parties[n % SITES], self._parties[n % SITES], "vendor", f"r{n}", b"\0" * 32, body, "{}", "[]",
            )  # fmt: skip


def put(url: str, dialect: Dialect, filled: Iterable[tuple[Table, tuple[str, ...], Iterator[Row]]]) -> None:
    """Rows into empty tables, whose indexes are made afterwards: ids as bytes, instants as microseconds, JSON text."""
    (_copy if dialect.name == "postgresql" else _insert)(url, dialect, filled)


def _insert(url: str, dialect: Dialect, filled: Iterable[tuple[Table, tuple[str, ...], Iterator[Row]]]) -> None:
    with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
        _insert_all(connection, dialect, filled)


def _insert_all(
    connection: sqlite3.Connection, dialect: Dialect, filled: Iterable[tuple[Table, tuple[str, ...], Iterator[Row]]]
) -> None:
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-4000000", "threads=2"):
        connection.execute(f"PRAGMA {pragma}")
    for table, columns, rows in filled:
        connection.execute("BEGIN")
        for index in table.indexes:
            connection.execute(str(DropIndex(index).compile(dialect=dialect)))
        marks = ", ".join("?" * len(columns))
        connection.executemany(f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({marks})', rows)
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        connection.execute("COMMIT")
    connection.execute("PRAGMA analysis_limit=1000")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode=WAL")


def _copy(url: str, dialect: Dialect, filled: Iterable[tuple[Table, tuple[str, ...], Iterator[Row]]]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("maintenance_work_mem = '1GB'", "synchronous_commit = off"):
            connection.execute(f"SET {setting}".encode())
        for table, columns, rows in filled:
            keys = ", ".join(column.name for column in table.primary_key)
            for index in table.indexes:
                connection.execute(str(DropIndex(index).compile(dialect=dialect)).encode())
            connection.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT pk_{table.name}".encode())
            spell = [_spelling(table, name) for name in columns]
            statement = f'COPY "{table.name}" ({", ".join(columns)}) FROM STDIN'
            with connection.cursor().copy(statement.encode()) as copy:
                while batch := list(islice(rows, 10_000)):
                    copy.write(
                        "".join(
                            "\t".join(["\\N" if v is None else s(v) for s, v in zip(spell, row, strict=True)]) + "\n"
                            for row in batch
                        )
                    )
            connection.execute(f"ALTER TABLE {table.name} ADD CONSTRAINT pk_{table.name} PRIMARY KEY ({keys})".encode())
            for index in table.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)).encode())
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _spelling(table: Table, name: str) -> Callable[[Any], str]:
    kind = table.c[name].type
    if isinstance(kind, Id):
        return _id
    if isinstance(kind, Instant):
        return _instant
    return _binary if isinstance(kind, LargeBinary) else str


def _id(value: bytes) -> str:
    return value.hex()


def _instant(micros: int) -> str:
    return (_EPOCH + timedelta(microseconds=micros)).isoformat()


def _binary(value: bytes) -> str:
    return "\\\\x" + value.hex()
