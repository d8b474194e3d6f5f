"""P15: EPCIS documents of 500 events posted to /epcis/capture, row by row; against what P5's raw driver writes of its
own rows."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from sqlalchemy import func, select

from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.store import schema, tables
from app.store.engine import open_engine, reading
from app.store.writer import Writer
from benchmarks.harness import KINDS, Pair, Result, Stage, paired
from benchmarks.p4 import STALLS, fill, served
from benchmarks.p5 import LINES, MOST, SALES, batches, connect

GOAL = 0.35
EVENTS, CLIENTS = 500, 4
# What is left of a document when its job is done.
WRITTEN = (
    tables.event, tables.epcis_event, tables.epc_event, tables.packing, tables.lot, tables.custody,
    tables.custody_link, tables.timeline, tables.flag, tables.correction, tables.site, tables.product, tables.capture,
    tables.capture_job,
)  # fmt: skip
_numbers = count()


def document() -> bytes:
    """A day of a packing house: of each lot three instances made, packed, shipped, received and unpacked."""
    day = next(_numbers)
    events = [event for lot in range(EVENTS // 5) for event in _story(day, lot)]
    return json.dumps(
        {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-03-01T02:00:00Z",
            "epcisBody": {"eventList": events},
        }
    ).encode()


def _story(day: int, lot: int) -> list[dict[str, Any]]:
    goods = [f"urn:epc:id:sgtin:4012345.012345.{day}-{lot}-{i}" for i in range(3)]
    amounts = [{"epcClass": f"urn:epc:class:lgtin:4012345.012345.{day}-{lot}", "quantity": 10.5, "uom": "KGM"}]
    unit = f"urn:epc:id:sscc:4012345.{day * 1_000 + lot:010}"
    house, shop = ({"id": f"urn:epc:id:sgln:4012345.{place:05}.0"} for place in (lot % 9, 50 + lot % 40))

    def event(hour: int, kind: str, action: str, step: str, where: dict[str, str], **fields: Any) -> dict[str, Any]:
        time = f"2026-02-{1 + day % 27:02}T{hour:02}:{lot % 60:02}:00+08:00"
        common = {"type": kind, "eventTime": time, "eventTimeZoneOffset": "+08:00", "action": action}
        return {**common, "bizStep": step, "bizLocation": where, **fields}

    inside = {"parentID": unit, "childEPCs": goods, "childQuantityList": amounts}
    return [
        event(1, "ObjectEvent", "ADD", "commissioning", house, epcList=goods, quantityList=amounts),
        event(2, "AggregationEvent", "ADD", "packing", house, **inside),
        event(3, "ObjectEvent", "OBSERVE", "shipping", house, epcList=[unit], disposition="in_transit"),
        event(9, "ObjectEvent", "OBSERVE", "receiving", shop, epcList=[unit]),
        event(10, "AggregationEvent", "DELETE", "unpacking", shop, **inside),
    ]


class Captures:
    """A service that documents are posted to."""

    def __init__(self, url: str, port: int, key: str) -> None:
        self._engine = open_engine(url)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=120, headers={"Authorization": f"Bearer {key}"}
        )

    def close(self) -> None:
        self._client.close()
        self._engine.dispose()

    def rows(self) -> int:
        with reading(self._engine) as snapshot:
            return sum(snapshot.scalar(select(func.count()).select_from(table)) or 0 for table in WRITTEN)

    def run(self, documents: int) -> tuple[float, float]:
        """Rows and events a second, from the first POST until the last job is done."""
        bodies = [document() for _ in range(documents)]
        before, started = self.rows(), time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            jobs = list(pool.map(self._posted, bodies))
        for job in jobs:
            self._ended(job)
        spent = time.perf_counter() - started
        return (self.rows() - before) / spent, documents * EVENTS / spent

    def _posted(self, body: bytes) -> str:
        answer = self._client.post("/epcis/capture", content=body, headers={"Content-Type": "application/ld+json"})
        return str(answer.raise_for_status().headers["location"])

    def _ended(self, location: str) -> None:
        while (job := self._client.get(location).raise_for_status().json())["running"]:
            time.sleep(0.1)
        if job["onecode:outcome"]["recorded"] != EVENTS:
            raise RuntimeError(f"not all was recorded: {job['errors'][:3]}")


def run(stage: Stage) -> Iterator[Result]:
    pairs, documents, seconds = (2, 8, 1.5) if stage.quick else (7, 24, 5.0)
    for kind in KINDS:
        urls = stage.database(kind), stage.database(kind)
        pair, events = _compare(kind, urls, stage.directory, pairs, documents, seconds)
        what = f"documents of {EVENTS} events, {CLIENTS} clients: rows; ours {events:,.0f} events/s"
        yield Result("P15", kind, what, pair.ours, pair.baseline, "/s", pair.ratio, GOAL, less=False)
        for url in urls:
            stage.drop(url)


def _compare(
    kind: str, urls: tuple[str, str], directory: Path, pairs: int, documents: int, seconds: float
) -> tuple[Pair, float]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
        key, others = _begun(urls[0]), fill(urls[1])
        port = stack.enter_context(served(urls[0], place, "app.main:create_app", "--factory"))
        captures = Captures(urls[0], port, key)
        stack.callback(captures.close)
        write, close = connect(kind, urls[1])
        stack.callback(close)
        number, first = int(MOST * seconds) // SALES, 1
        rates: tuple[list[float], list[float]] = ([], [])
        told = 0.0
        for pair in range(pairs + 1):
            made = batches(others, first, number)
            first += (number // STALLS + 1) * SALES
            found = [0.0, 0.0]
            for side in (0, 1) if pair % 2 else (1, 0):
                if side:
                    found[1] = _written(write, made, seconds)
                else:
                    found[0], told = captures.run(documents)
            if pair:  # the first is a warm-up
                rates[0].append(found[0])
                rates[1].append(found[1])
    return paired(*rates), told


def _begun(url: str) -> str:
    """A migrated database and a key of its operator."""
    engine = open_engine(url)
    schema.upgrade(engine)
    writer = Writer(engine)
    made = writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "benchmark"))
    writer.close()
    engine.dispose()
    return made.secret


def _written(write: Any, made: Any, seconds: float) -> float:
    """Rows a second, those of the stock that are changed among them."""
    started, rows = time.perf_counter(), 0
    for batch in made:
        write(batch)
        rows += SALES * (1 + LINES) + len(batch.stock)
        if time.perf_counter() - started >= seconds:
            break
    return rows / (time.perf_counter() - started)
