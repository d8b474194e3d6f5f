"""A district's month of coverage: 33 markets of 76 stalls, 5,000 batches of three hands each, 100,000 receipts of two
lines; all four measures by market, complete chains walked. Beside it the rows themselves, as the raw driver reads them.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, text

from app.domain.rights import Principal, Role
from app.domain.rows import Custody, Link, Party, Product, Site
from app.store import bulk, master, schema, tables
from app.store.engine import open_engine, reading, writing
from app.tracing import coverage, scope
from benchmarks.harness import KINDS, Result, Stage

OPERATOR = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)
END = datetime(2026, 3, 31, tzinfo=UTC)
BEGIN = END - timedelta(days=30)
MARKETS, STALLS = 33, 76


def run(stage: Stage) -> Iterator[Result]:
    batches, receipts = (500, 10_000) if stage.quick else (5_000, 100_000)
    for kind in KINDS:
        url = stage.database(kind)
        engine = open_engine(url)
        schema.upgrade(engine)
        fill(engine, batches, receipts)
        ours = min(timed(engine) for _ in range(3))
        bare = min(read(engine) for _ in range(3))
        what = f"coverage of {batches:,} batches and {receipts:,} receipts by market, against reading their rows"
        yield Result("OVERSIGHT", kind, what, ours, bare, "s", ours / bare, None)
        engine.dispose()
        stage.drop(url)


def timed(engine: Engine) -> float:
    began = time.perf_counter()
    with reading(engine) as snapshot:
        asked = scope.scope(snapshot, OPERATOR, since=BEGIN, until=END, now=END)
        found = coverage.coverage(snapshot, asked, "market")
    assert found.total["chains_complete"].denominator
    return time.perf_counter() - began


def read(engine: Engine) -> float:
    """Every row that the answer is made of, once."""
    began = time.perf_counter()
    with reading(engine) as snapshot:
        for name in ("receipt", "receipt_line", "custody", "custody_link", "attachment"):
            snapshot.execute(text(f"SELECT * FROM {name}")).cursor.fetchall()
    return time.perf_counter() - began


def fill(engine: Engine, batches: int, receipts: int) -> None:
    random = Random(5)

    def key() -> UUID:
        return UUID(bytes=random.randbytes(16))

    def site(kind: str, party: UUID, above: Site | None, n: int) -> Site:
        own = key()
        path = (above.path if above else "") + f"{own.hex}/"
        return Site(
            own, f"S{n:017}", party, f"{kind} {n}", kind, above.id if above else None, path, "330106", None, None,
            "Asia/Shanghai", [], None, "active", None, None, 1, BEGIN, BEGIN,
        )  # fmt: skip

    party = Party(key(), "P0", "x", "vendor", "330106", None, [], None, [], "active", None, [], None, 1, BEGIN, BEGIN)
    products = [
        Product(key(), f"p{n}", f"c{n % 8}", None, "weight", None, None, [], None, 1, BEGIN, BEGIN) for n in range(40)
    ]
    markets = [site("market", party.id, None, n) for n in range(MARKETS)]
    stalls = [site("stall", party.id, market, n) for market in markets for n in range(STALLS)]
    farm, wholesale = site("farm", party.id, None, 0), site("wholesale", party.id, None, 1)
    custodies: list[Custody] = []
    links: list[Link] = []
    attached: list[tuple[Any, ...]] = []
    for _ in range(batches):
        lot, goods, stall = key(), random.choice(products), random.choice(stalls)
        way: list[Custody] = []
        for place in (farm, wholesale, stall):
            known = random.random() < 0.9 or place is not farm
            at = BEGIN + timedelta(seconds=random.randrange(30 * 86_400))
            custody = Custody(
                key(), "custody" if known else "gap", None, lot, goods.id, place.id if known else None, party.id,
                "weight", key(), at, amount_in=1_000,
            )  # fmt: skip
            if way:
                links.append(Link(custody.id, way[-1].id, custody.arrived_event_id, "move", 1_000, None))
                custody.lineage = b"".join(each.id.bytes for each in reversed(way))
            elif known and random.random() < 0.7:
                attached.append((custody.id, key(), custody.arrived_event_id))
            way.append(custody)
        custodies += way
    sold = [custody for custody in custodies if custody.site_id not in (None, farm.id, wholesale.id)]
    rows: list[Any] = []
    lines: list[Any] = []
    for n in range(receipts):
        custody = random.choice(sold)
        at = BEGIN + timedelta(seconds=random.randrange(30 * 86_400))
        rows.append((n + 1, key(), custody.site_id, at, 480, at, b"", None, None, []))
        lines.append((n + 1, 0, custody.id, custody.product_id, 500, "1", "斤", 300, None))
        lines.append((n + 1, 1, None, custody.product_id, 500, "1", "斤", 300, None))
    with writing(engine) as connection:
        master.save(connection, [party, *products, *markets, *stalls, farm, wholesale])
        _put(connection, tables.custody, [master.values(row) for row in custodies])
        _put(connection, tables.custody_link, [master.values(row) for row in links])
        _put(connection, tables.attachment, attached)
        _put(connection, tables.receipt, rows)
        _put(connection, tables.receipt_line, lines)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _put(connection: Connection, table: Table, rows: list[Any]) -> None:
    for start in range(0, len(rows), 10_000):
        bulk.insert(connection, table, rows[start : start + 10_000])
