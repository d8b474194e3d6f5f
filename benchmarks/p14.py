"""P14: the first page of a MATCH_ query over a million captured EPCIS events, against the same rows by hand: the index
entries of the EPC, the events they lead to and their bodies, by the driver, parsed. In one process, without HTTP; on
SQLite by the time of its processor."""

import gc
import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Table, make_url

from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.named import Role
from app.domain.epcis.query_parsing import parse_parameters
from app.enrolling.keys import OPERATOR
from app.exchanging.querying import Page, search
from app.store import schema, tables
from app.store.engine import Database, open_engine
from benchmarks.filling import put
from benchmarks.harness import KINDS, Kind, Result, Stage, in_turn

EVENTS = (1_000_000, 50_000)  # of a full and of a quick run
PER_LOT = 50  # events that name it
PAGE = 30
GOAL = 2.0
ASKED = 200  # queries of one round
BEGUN = 1_767_225_600_000_000  # microseconds: 2026
Row = tuple[Any, ...]
_decode = msgspec.json.decode


def run(stage: Stage) -> Iterator[Result]:
    count = EVENTS[stage.quick]
    for kind in KINDS:
        url = stage.database(kind)
        fill(url, count)
        engine = open_engine(url)
        lots = random.Random(14).sample(range(count // PER_LOT), ASKED)
        with closing(connected(kind, url)) as connection:
            gc.collect()
            gc.freeze()  # as the service does once it has started
            clock = time.process_time if kind == "sqlite" else time.perf_counter  # a server works beside us
            first = in_turn(asking(engine, lots), by_hand(connection, lots), 3 if stage.quick else 9, clock)
        gc.unfreeze()
        engine.dispose()
        stage.drop(url)
        what = f"first page of {PAGE} of MATCH_anyEPCClass, {count:,} events"
        yield Result("P14", kind, what, first.ours / ASKED * 1e3, first.baseline / ASKED * 1e3, "ms", first.ratio, GOAL)


def asking(engine: Database, lots: Sequence[int]) -> Callable[[], object]:
    return lambda: [ours(engine, n) for n in lots]


def ours(engine: Database, lot: int) -> Page:
    query = parse_parameters([("MATCH_anyEPCClass", epc(lot))])
    page = search(engine, OPERATOR, query, limit=PAGE)
    if len(page.events) != PAGE or page.next is None:
        raise RuntimeError("a page is not full")
    return page


def connected(kind: Kind, url: str) -> Any:
    """A connection of the driver's own, that stays open."""
    return (
        sqlite3.connect(str(make_url(url).database)) if kind == "sqlite" else psycopg.connect(url, prepare_threshold=1)
    )


def by_hand(connection: Any, lots: Sequence[int]) -> Callable[[], list[list[Any]]]:
    """The same rows without anything of ours."""
    keys = [canonical_uri(epc(n)) for n in lots]
    mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
    return lambda: [_page(connection, mark, key, len) for key in keys]


def _page(connection: Any, mark: str, key: str, check: Callable[[Sequence[Any]], int]) -> list[Any]:
    # One more than the page, as it takes to know whether there is a next one.
    entries = connection.execute(
        f"SELECT position, event_id, roles FROM epc_event WHERE epc = {mark} ORDER BY position LIMIT {PAGE + 1}", (key,)
    ).fetchall()
    ids = [row[1] for row in entries]
    many = mark == "?"
    among = f"IN ({','.join('?' * len(ids))})" if many else "= ANY(%s)"
    given: tuple[Any, ...] = tuple(ids) if many else (ids,)
    shown = connection.execute(
        "SELECT event_id, position, record_time, epcis_event_id, context, body FROM epcis_event "
        f"WHERE event_id {among}", given,
    ).fetchall()  # fmt: skip
    bodies = f"SELECT id, body{'' if many else '::text'} FROM event WHERE id {among}"
    told = connection.execute(bodies, given).fetchall()
    connection.rollback()
    if not check(shown) == check(told) == PAGE + 1:
        raise RuntimeError("a page is not full")
    return [(row, _decode(row[1])) for row in told]


# --- a million events ---


def epc(lot: int) -> str:
    return f"urn:epc:class:lgtin:4012345.012345.L{lot}"


def fill(url: str, count: int) -> None:
    """Captured events of two lots each, in the order of their times."""
    engine = open_engine(url)
    schema.upgrade(engine)
    dialect = engine.dialect
    engine.dispose()
    put(url, dialect, _filled(count))


def _filled(count: int) -> Iterator[tuple[Table, tuple[str, ...], Iterator[Row]]]:
    yield (
        tables.event,
        ("id", "kind", "event_time", "utc_offset", "record_time", "recorder_id", "role", "content_hash", "body",
         "outcome", "entries"),
        (
            (key, "epcis.shipping", time, 480, time, key, "capture", b"\0" * 32, _body(n, count), "{}", "[]")
            for n, key, time in _events(count)
        ),
    )  # fmt: skip
    yield (
        tables.epcis_event,
        ("event_id", "position", "type", "event_time", "record_time", "action", "biz_step", "disposition",
         "read_point", "biz_location", "epcis_event_id", "recorder_id", "role"),
        (
            (key, n + 1, "ObjectEvent", time, time, "OBSERVE", ("shipping", "receiving")[n % 2], "in_transit",
             _place(n), _place(n), f"urn:uuid:{UUID(bytes=key)}", key, "capture")
            for n, key, time in _events(count)
        ),
    )  # fmt: skip
    yield (
        tables.epc_event,
        ("epc", "position", "event_id", "roles"),
        (
            (canonical_uri(epc(lot)), n + 1, key, int(Role.CLASS))
            for n, key, _ in _events(count)
            for lot in _lots(n, count)
        ),
    )


def _events(count: int) -> Iterator[tuple[int, bytes, int]]:
    random_ = random.Random(14)
    for n in range(count):
        yield n, random_.randbytes(16), BEGUN + n * 1_000_000


def _lots(n: int, count: int) -> tuple[int, int]:
    """A lot's events are all over the years: half of them as the first that they name."""
    lots = count // PER_LOT
    return n % lots, (n + 7) % lots


def _place(n: int) -> str:
    return f"https://id.gs1.org/414/{4_012_345_000_000 + n % 1000}"


def _body(n: int, count: int) -> str:
    key = f"urn:uuid:{UUID(int=n)}"
    place = {"id": _place(n)}
    body = {
        "type": "ObjectEvent", "eventID": key, "eventTime": "2026-02-01T10:00:00+08:00",
        "eventTimeZoneOffset": "+08:00", "action": "OBSERVE", "bizStep": ("shipping", "receiving")[n % 2],
        "disposition": "in_transit", "readPoint": place, "bizLocation": place,
        "quantityList": [{"epcClass": epc(lot), "quantity": 20.5, "uom": "KGM"} for lot in _lots(n, count)],
    }  # fmt: skip
    return json.dumps(body)
