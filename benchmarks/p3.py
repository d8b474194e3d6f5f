"""P3: cold scans, each of a receipt that was never asked for before, while its stall's batches are warm; against a bare
Starlette route with one SELECT by primary key on the same data by the raw driver.
"""

import os
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx
import psycopg
from sqlalchemy import make_url

from app.domain import codes
from benchmarks.harness import KINDS, Pair, Result, Stage, paired
from benchmarks.p1 import BROWSER, JSON, OURS, batches, drive, operator_key
from benchmarks.p4 import served

RECEIPTS, WARM = (5_000_000, 100_000), 10  # of a full and of a quick run; batches of the stall
GOALS = {("sqlite", "JSON"): 0.60, ("sqlite", "HTML"): 0.45, ("postgresql", "JSON"): 1.0, ("postgresql", "HTML"): 0.7}
ASKED = 12_000  # receipts a second, more than either side answers
HTML = {name: value for name, value in BROWSER.items() if name != "Accept-Encoding"}
MASTER = bytes.fromhex("00" * 32)  # as `served` has it
EPOCH = 1


def run(stage: Stage) -> Iterator[Result]:
    pairs, seconds = (1, 1.0) if stage.quick else (5, 4.0)
    number = RECEIPTS[stage.quick]
    for kind in KINDS:
        url = stage.database(kind)
        key = operator_key(url)
        with TemporaryDirectory(dir=stage.directory) as place, served(url, Path(place), *OURS) as port:
            known = batches(port, key)[:WARM]
            site, goods = goods_of(port, key, known)
        fill_receipts(url, number, site, goods)
        for form, headers in (("JSON", JSON), ("HTML", HTML)):
            pair = _compare(url, stage.directory, number, headers, pairs, seconds)
            what = f"one of {number:,} receipts, {form}, never asked for before, 32 clients"
            goal = GOALS[kind, form]
            yield Result("P3", kind, what, pair.ours, pair.baseline, "/s", pair.ratio, goal, less=False)
        stage.drop(url)


def goods_of(port: int, key: str, known: Sequence[str]) -> tuple[UUID, list[tuple[UUID, UUID]]]:
    """The stall, and (custody, product) of its batches."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=60) as client:
        nodes = []
        for code in known:
            subject = client.get(f"/codes/{code}").json()["subject_id"]
            events = client.get("/events", params={"custody": subject, "kind": "receive"}).json()["items"]
            nodes.append((UUID(subject), events[0]))
        site = UUID(nodes[0][1]["site_id"])
        product = UUID(client.get("/products").json()["items"][0]["id"])
    return site, [(custody, product) for custody, _ in nodes]


def fill_receipts(url: str, number: int, site: UUID, goods: Sequence[tuple[UUID, UUID]]) -> None:
    """Receipts of one scale, two lines each; five days of a city's."""
    device, chance = UUID(int=7), random.Random(3)
    now = datetime.now(UTC) - timedelta(hours=1)
    pairs = [chance.sample(goods, 2) for _ in range(1_000)]
    receipts = (
        (codes.receipt_id(1, EPOCH, n), device, site, now - timedelta(microseconds=n), 480, now, b"\0" * 16)
        for n in range(number)
    )
    lines = (
        (codes.receipt_id(1, EPOCH, n), i, custody, product, 750, "1.5", "斤", 900)
        for n in range(number)
        for i, (custody, product) in enumerate(pairs[n % 1_000])
    )
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN")
            connection.executemany(
                f"INSERT INTO receipt ({_RECEIPT}) VALUES (?, ?, ?, ?, ?, ?, ?, '[]')",
                ((r[0], r[1].bytes, r[2].bytes, _micros(r[3]), r[4], _micros(r[5]), r[6]) for r in receipts),
            )
            connection.executemany(
                f"INSERT INTO receipt_line ({_LINE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((r[0], r[1], r[2].bytes, r[3].bytes, *r[4:]) for r in lines),
            )
            connection.execute("COMMIT")
        return
    with psycopg.connect(url, autocommit=True) as server, server.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        with cursor.copy(f"COPY receipt ({_RECEIPT}) FROM STDIN".encode()) as copy:
            for row in receipts:
                copy.write_row((*row, "[]"))
        with cursor.copy(f"COPY receipt_line ({_LINE}) FROM STDIN".encode()) as copy:
            for line in lines:
                copy.write_row(line)
        cursor.execute("VACUUM ANALYZE receipt")
        cursor.execute("VACUUM ANALYZE receipt_line")


_RECEIPT = "id, device_id, site_id, event_time, utc_offset, record_time, content_hash, flags"
_LINE = "receipt_id, line, custody_id, product_id, amount, value, unit, amount_fen"


def _micros(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)


def _compare(url: str, directory: Path, number: int, headers: Mapping[str, str], pairs: int, seconds: float) -> Pair:
    chance = random.Random(os.urandom(8))
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
        ours = stack.enter_context(served(url, place, *OURS))
        secret = codes.receipt_secret(MASTER, 1, EPOCH)

        def receipts(wanted: int) -> list[str]:
            return [
                codes.receipt_code(secret, codes.receipt_id(1, EPOCH, n)) for n in chance.sample(range(number), wanted)
            ]

        with httpx.Client(base_url=f"http://127.0.0.1:{ours}", timeout=60) as client:
            # Every pair of batches once: from now on they are warm.
            for code in receipts(2_000):
                answer = client.get(f"/c/{code}", headers=headers)
                answer.raise_for_status()
            body = answer.content
        kept = place / "answer"
        kept.write_bytes(body)
        baseline = stack.enter_context(
            served(
                url, place, "benchmarks.receipt_baseline:app",
                environment={"BENCHMARK_ANSWER": str(kept), "BENCHMARK_TYPE": answer.headers["content-type"]},
            )
        )  # fmt: skip
        found: list[list[float]] = [[], []]
        for pair in range(pairs + 1):
            for side in (0, 1) if pair % 2 else (1, 0):
                asked = receipts(min(number, int(ASKED * seconds)))
                rate = drive((ours, baseline)[side], asked, headers, seconds, place)
                if pair:  # the first is a warm-up
                    found[side].append(rate)
    return paired(*found)
