"""P5: 500 sales of two lines a POST as NDJSON, 4 clients; against the raw driver's `executemany` of the same rows."""

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from app.domain import codes
from app.store.types import micros
from benchmarks.harness import KINDS, Pair, Result, Stage, paired
from benchmarks.p4 import STALLS, fill, served

SALES, CLIENTS = 500, 4
MOST = 40_000  # sales prepared for each second, more than either side can take
LINES = 2
GOALS = {"sqlite": 0.80, "postgresql": 0.85}

Scales = list[tuple[str, UUID, list[UUID]]]


def _sold(scales: Scales, scale: int, first: int) -> Iterator[tuple[int, list[UUID]]]:
    """A counter and the custodies of its lines, for one POST of one scale."""
    for counter in range(first, first + SALES):
        yield counter, random.sample(scales[scale][2], LINES)


def _weight() -> str:
    return f"{random.randint(50, 5_000) / 1000}"


def posts(scales: Scales, first: int, number: int) -> list[tuple[str, str]]:
    """Authorization and body of so many POSTs: every scale goes on where it stopped."""
    at = datetime.now(UTC).isoformat()
    made = []
    for post in range(number):
        scale, counter = post % STALLS, first + post // STALLS * SALES
        lines = [
            json.dumps(
                {
                    "counter": n,
                    "event_time": at,
                    "lines": [
                        {"custody_id": str(key), "quantity": {"value": _weight(), "unit": "公斤"}, "amount_fen": 900}
                        for key in custodies
                    ],
                },
                ensure_ascii=False,
            )
            for n, custodies in _sold(scales, scale, counter)
        ]
        made.append((scales[scale][0], "\n".join(lines) + "\n"))
    return made


def drive(port: int, bodies: list[tuple[str, str]], seconds: float) -> dict[str, float]:
    job = {"port": port, "path": "/api/v1/sales", "requests": bodies, "seconds": seconds, "clients": CLIENTS,
           "type": "application/x-ndjson", "expect": f'"recorded":{SALES},'}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} bodies were not recorded")
    return result


# --- the baseline: one connection of the raw driver, 500 sales a transaction, their values made beforehand ---

_RECEIPT = (
    "INSERT INTO receipt (id, device_id, site_id, event_time, utc_offset, record_time, content_hash, operator, "
    "payment, flags) VALUES ({})"
)
_LINE = (
    "INSERT INTO receipt_line (receipt_id, line, custody_id, product_id, amount, value, unit, amount_fen, named_id) "
    "VALUES ({})"
)
_STOCK = "UPDATE custody SET sold = sold + {0}, receipts = receipts + {0} WHERE id = {0}"


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one transaction, in the order of the statements' columns: ids as UUID, times as datetime."""

    receipts: list[tuple[Any, ...]]
    lines: list[tuple[Any, ...]]
    stock: list[tuple[int, int, UUID]]


def batches(scales: Scales, first: int, number: int) -> list[Batch]:
    now = datetime.now(UTC)
    made = []
    for post in range(number):
        scale, counter = post % STALLS, first + post // STALLS * SALES
        device = scales[scale][1]
        receipts, lines = [], []
        sold: Counter[UUID] = Counter()
        for n, custodies in _sold(scales, scale, counter):
            receipt = codes.receipt_id(scale + 1, 0, n)
            receipts.append((receipt, device, device, now, 0, now, b"0123456789abcdef", None, None, "[]"))
            for i, custody in enumerate(custodies):
                lines.append((receipt, i, custody, device, 750, "1.5", "斤", 900, None))
                sold[custody] += 1
        taken = [(count * 750, count, custody) for custody, count in sorted(sold.items(), key=lambda s: s[0].bytes)]
        made.append(Batch(receipts, lines, taken))
    return made


def _statements(mark: str) -> list[str]:
    """Receipts, lines, stock."""
    marks = (", ".join([mark] * 10), ", ".join([mark] * 9), mark)
    return [text.format(each) for text, each in zip((_RECEIPT, _LINE, _STOCK), marks, strict=True)]


def connect(kind: str, url: str) -> tuple[Callable[[Batch], None], Callable[[], None]]:
    """What writes one transaction, and what closes the connection."""
    if kind == "sqlite":
        lite = sqlite3.connect(str(make_url(url).database), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=1073741824"):
            lite.execute(f"PRAGMA {pragma}").close()
        receipt, line, stock = _statements("?")

        def write(batch: Batch) -> None:
            # The driver knows neither ids nor times; psycopg does, and turns them into the same itself.
            lite.execute("BEGIN IMMEDIATE")
            lite.executemany(
                receipt,
                [(a, b.bytes, c.bytes, micros(d), e, micros(f), *rest) for a, b, c, d, e, f, *rest in batch.receipts],
            )
            lite.executemany(line, [(a, b, c.bytes, d.bytes, *rest) for a, b, c, d, *rest in batch.lines])
            lite.executemany(stock, [(amount, count, key.bytes) for amount, count, key in batch.stock])
            lite.execute("COMMIT")

        return write, lite.close
    server = psycopg.connect(url)
    receipt, line, stock = _statements("%s")

    def send(batch: Batch) -> None:
        with server.transaction(), server.cursor() as cursor:
            cursor.executemany(receipt, batch.receipts)
            cursor.executemany(line, batch.lines)
            cursor.executemany(stock, batch.stock)

    return send, server.close


def _written(write: Callable[[Batch], None], made: Sequence[Batch], seconds: float) -> float:
    """Sales a second."""
    started, done = time.perf_counter(), 0
    for batch in made:
        write(batch)
        done += SALES
        if time.perf_counter() - started >= seconds:
            break
    return done / (time.perf_counter() - started)


# --- the two in turn ---


def run(stage: Stage) -> Iterator[Result]:
    pairs, seconds = (2, 1.5) if stage.quick else (7, 5.0)
    for kind in KINDS:
        urls = stage.database(kind), stage.database(kind)
        pair, slowest = _compare(kind, urls, stage.directory, pairs, seconds)
        what = f"{SALES} sales of two lines a POST, NDJSON, {CLIENTS} clients; ours p99 {slowest:.0f} ms"
        yield Result("P5", kind, what, pair.ours, pair.baseline, "/s", pair.ratio, GOALS[kind], less=False)
        for url in urls:
            stage.drop(url)


def _compare(kind: str, urls: tuple[str, str], directory: Path, pairs: int, seconds: float) -> tuple[Pair, float]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
        scales, others = fill(urls[0]), fill(urls[1])
        port = stack.enter_context(served(urls[0], place, "app.main:create_app", "--factory"))
        write, close = connect(kind, urls[1])
        stack.callback(close)
        number = int(MOST * seconds) // SALES
        first = 1
        rates: tuple[list[float], list[float]] = ([], [])
        slowest = []
        for pair in range(pairs + 1):
            bodies, made = posts(scales, first, number), batches(others, first, number)
            for side in (0, 1) if pair % 2 else (1, 0):
                if side:
                    rate = _written(write, made, seconds)
                else:
                    result = drive(port, bodies, seconds)
                    rate = result["per_second"] * SALES
                if pair:  # the first is a warm-up
                    rates[side].append(rate)
            if pair:
                slowest.append(result["p99_ms"])
            first += (number // STALLS + 1) * SALES
    return paired(*rates), median(slowest)
