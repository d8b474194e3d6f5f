"""P11: what a sale and a scan cost where there are 10,000,000 receipts, against 10,000; and what the raw driver's cost
of the same rows grows by in the same turns.

Four databases: a small and a large one of ours, and a copy of each for the raw driver. Each turn writes eight lists of
500 sales and reads 500 receipts that nobody has asked for, in each of the four; so the small one has four times as many
at the end.
"""

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
from sqlalchemy import make_url

from app.domain import codes
from benchmarks import p5
from benchmarks.harness import KINDS, Kind, Result, Stage, paired
from benchmarks.p1 import CLIENTS, JSON, OURS, batches, operator_key
from benchmarks.p3 import EPOCH, MASTER, WARM, fill_receipts, goods_of
from benchmarks.p4 import fill, served

SMALL, LARGE = 10_000, (10_000_000, 100_000)  # receipts; of a full and of a quick run
MOST = 1.2
POSTS, ASKED = 8, 500  # of one turn
WARMING = 1_000  # the first receipts: between them every pair of batches


@dataclass(frozen=True, slots=True)
class Side:
    """One of the four: seconds of a sale, for lists that start at a counter, and of a scan, for receipts by number."""

    sell: Callable[[int], float]
    scan: Callable[[Sequence[int]], float]


def run(stage: Stage) -> Iterator[Result]:
    turns = 3 if stage.quick else 7
    for kind in KINDS:
        sizes = SMALL, LARGE[stage.quick]
        made: list[str] = []
        with ExitStack() as stack:
            place = Path(stack.enter_context(TemporaryDirectory(dir=stage.directory)))
            pairs = [_sides(stage, stack, place, kind, number, made) for number in sizes]
            found = _turns(pairs, sizes, turns)
        for name, (ours, raw) in found.items():
            grown = paired(ours, raw)
            what = f"what a {name} costs with {sizes[1]:,} receipts, against {sizes[0]:,}"
            yield Result("P11", kind, what, grown.ours, grown.baseline, "×", grown.ratio, MOST)
        for url in made:
            stage.drop(url)


def _sides(stage: Stage, stack: ExitStack, place: Path, kind: Kind, number: int, made: list[str]) -> tuple[Side, Side]:
    """Ours and the raw driver's, over as many receipts each."""
    url = stage.database(kind)
    scales = fill(url)
    key = operator_key(url)
    with served(url, place, *OURS) as port:
        site, goods = goods_of(port, key, batches(port, key)[:WARM])
    fill_receipts(url, number, site, goods)
    copy = stage.copy(url)
    made += [url, copy]
    port = stack.enter_context(served(url, place, *OURS))
    write, close = p5.connect(kind, copy)
    read, stop = reader(kind, copy)
    stack.callback(close)
    stack.callback(stop)
    return _ours(port, scales), _raw(write, read, scales)


def _ours(port: int, scales: p5.Scales) -> Side:
    def sell(first: int) -> float:
        return 1 / (p5.drive(port, p5.posts(scales, first, POSTS), 600.0)["per_second"] * p5.SALES)

    def scan(numbers: Sequence[int]) -> float:
        job = {"port": port, "path": _paths(numbers), "headers": JSON, "seconds": 600.0, "clients": CLIENTS,
               "expect": '"status":"ok"', "once": True}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, check=True
        )
        result = json.loads(done.stdout)
        if result["failed"]:
            raise RuntimeError(f"{result['failed']} receipts were not answered")
        return float(1 / result["per_second"])

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=JSON, timeout=60) as client:
        for path in _paths(range(WARMING)):
            client.get(path).raise_for_status()
    return Side(sell, scan)


def _paths(numbers: Sequence[int]) -> list[str]:
    secret = codes.receipt_secret(MASTER, 1, EPOCH)
    return [f"/c/{codes.receipt_code(secret, codes.receipt_id(1, EPOCH, n))}" for n in numbers]


def _raw(write: Callable[[p5.Batch], None], read: Callable[[int], int], scales: p5.Scales) -> Side:
    def sell(first: int) -> float:
        made = p5.batches(scales, first, POSTS)
        started = time.perf_counter()
        for batch in made:
            write(batch)
        return (time.perf_counter() - started) / (POSTS * p5.SALES)

    def scan(numbers: Sequence[int]) -> float:
        ids = [codes.receipt_id(1, EPOCH, n) for n in numbers]
        started = time.perf_counter()
        rows = sum(read(key) for key in ids)
        spent = time.perf_counter() - started
        if rows != 3 * len(ids):
            raise RuntimeError(f"{rows} rows of {len(ids)} receipts")
        return spent / len(ids)

    return Side(sell, scan)


def reader(kind: Kind, url: str) -> tuple[Callable[[int], int], Callable[[], None]]:
    """What reads a receipt and its lines by key and returns how many rows that were, and what closes the connection."""
    columns = "device_id, site_id, event_time, utc_offset, record_time", "line, custody_id, product_id, value, unit"
    texts = [
        f"SELECT {columns[0]} FROM receipt WHERE id = {{0}}",
        f"SELECT {columns[1]} FROM receipt_line WHERE receipt_id = {{0}}",
    ]
    connection: Any
    if kind == "sqlite":
        connection, mark = sqlite3.connect(str(make_url(url).database), isolation_level=None), "?"
        for pragma in ("cache_size=-65536", "mmap_size=1073741824"):
            connection.execute(f"PRAGMA {pragma}").close()
    else:
        connection, mark = psycopg.connect(url, autocommit=True, prepare_threshold=3), "%s"
    statements = [text.format(mark) for text in texts]

    def read(key: int) -> int:
        return sum(len(connection.execute(statement, (key,)).fetchall()) for statement in statements)

    return read, connection.close


def _turns(
    pairs: Sequence[tuple[Side, Side]], sizes: Sequence[int], turns: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Sales and scans: by what factor the larger costs more, turn by turn, ours and the raw driver's."""
    grown: dict[str, tuple[list[float], list[float]]] = {"sale": ([], []), "scan": ([], [])}
    asked = [random.Random(5).sample(range(WARMING, number), (turns + 1) * ASKED) for number in sizes]
    for turn in range(turns + 1):
        some = [numbers[turn * ASKED : (turn + 1) * ASKED] for numbers in asked]
        spent: dict[tuple[str, int, int], float] = {}
        for size in (0, 1) if turn % 2 else (1, 0):
            for side in (0, 1):
                spent["sale", side, size] = pairs[size][side].sell(1 + turn * p5.SALES)
                spent["scan", side, size] = pairs[size][side].scan(some[size])
        if turn:  # the first is a warm-up
            for name, lists in grown.items():
                for side in (0, 1):
                    lists[side].append(spent[name, side, 1] / spent[name, side, 0])
    return grown
