"""P4: one sale of two lines a POST, 32 clients, acknowledged = on disk; against one transaction a request."""

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import LargeBinary

from app.domain.codes import CodeKind, mint
from app.store import bulk, schema, tables
from app.store.engine import open_engine, writing
from app.store.types import Id, Instant, Json
from benchmarks.harness import KINDS, Pair, Result, Stage, paired

STALLS, BATCHES, CLIENTS = 40, 10, 32
MOST = (12_000, 3_000)  # sales prepared for each second, more than either side can take
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def fill(url: str) -> list[tuple[str, UUID, list[UUID]]]:
    """A market of stalls, each with a scale and batches: (authorization, device, custodies) a stall."""
    engine = open_engine(url)
    schema.upgrade(engine)
    scales = []
    party, product = uuid4(), uuid4()
    with writing(engine) as connection:

        def put(table: Any, **values: Any) -> None:
            bulk.insert(connection, table, [[values.get(c.name, _blank(c)) for c in table.columns]])

        put(tables.party, id=party, code=mint(CodeKind.PARTY), name="P", kind="vendor", status="active", version=1)
        put(tables.product, id=product, name="青菜", category="vegetables", measure="weight", version=1)
        for number in range(1, STALLS + 1):
            site, device, key, secret = uuid4(), uuid4(), uuid4(), secrets.token_hex(24)
            put(tables.site, id=site, code=mint(CodeKind.SITE), party_id=party, name="S", kind="stall",
                path=site.hex + "/", time_zone="Asia/Shanghai", status="active", version=1)  # fmt: skip
            put(tables.device, id=device, number=number, site_id=site, name="D", kind="scale", status="active",
                epoch=0, version=1)  # fmt: skip
            put(tables.api_key, id=key, secret_hash=sha256(secret.encode()).digest(), role="device", device_id=device,
                status="active")  # fmt: skip
            custodies = []
            for _ in range(BATCHES):
                custody, lot = uuid4(), uuid4()
                put(tables.custody, id=custody, kind="custody", code=mint(CodeKind.CUSTODY), lot_id=lot,
                    product_id=product, site_id=site, party_id=party, measure="weight", arrived_event_id=uuid4(),
                    amount_in=10**12)  # fmt: skip
                custodies.append(custody)
            scales.append((f"Bearer ock_{key.hex}_{secret}", device, custodies))
    engine.dispose()
    return scales


def _blank(column: Any) -> Any:
    if column.nullable:
        return None
    if column.server_default is not None:
        return 0
    if isinstance(column.type, Id):
        return UUID(int=0)
    if isinstance(column.type, Instant):
        return NOW
    if column.type is Json:
        return []
    if isinstance(column.type, LargeBinary):
        return b""
    return 0 if "INT" in str(column.type) else ""


def requests(scales: list[tuple[str, UUID, list[UUID]]], first: int, number: int) -> list[tuple[str, str]]:
    made = []
    sold_at = datetime.now(UTC).isoformat()
    for counter in range(first, first + number):
        authorization, _, custodies = scales[counter % len(scales)]
        lines = [
            {"custody_id": str(custody), "quantity": {"value": "1.5", "unit": "斤"}, "amount_fen": 900}
            for custody in random.sample(custodies, 2)
        ]
        sale = {"counter": counter, "event_time": sold_at, "lines": lines}
        made.append((authorization, json.dumps({"sales": [sale]}, ensure_ascii=False)))
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(
    url: str, directory: Path, target: str, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A server process with one worker; yields its port."""
    port = free_port()
    secret = directory / "secret"
    secret.write_text("00" * 32)
    settings = os.environ | {
        "ONECODE_DATABASE_URL": url,
        "ONECODE_SECRET_FILE": str(secret),
        "ONECODE_FILES_DIR": str(directory / "files"),
        "ONECODE_LOG_LEVEL": "WARNING",
        # Every client is this machine: the limit is on, and not reached.
        "ONECODE_ADDRESS_SCANS_PER_MINUTE": "1000000000",
        "BENCHMARK_MASTER": "00" * 32,
        **(environment or {}),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", target, "--port", str(port), "--log-level", "warning", "--no-access-log",
         "--loop", "uvloop", "--http", "httptools", *options],
        env=settings,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{target} does not answer") from None
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def drive(port: int, posts: list[tuple[str, str]], seconds: float) -> dict[str, float]:
    job = {"port": port, "path": "/api/v1/sales", "requests": posts, "seconds": seconds, "clients": CLIENTS,
           "expect": '"status":"recorded"'}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} sales were not recorded")
    return result


def run(stage: Stage) -> Iterator[Result]:
    pairs, seconds = (1, 1.0) if stage.quick else (5, 5.0)
    for kind in KINDS:
        urls = stage.database(kind), stage.database(kind)
        pair, slowest = _compare(urls, stage.directory, pairs, seconds)
        what = f"one sale of two lines a POST, {CLIENTS} clients; ours p99 {slowest:.0f} ms"
        goal = 5.5 if kind == "sqlite" else 7.5
        yield Result("P4", kind, what, pair.ours, pair.baseline, "/s", pair.ratio, goal, less=False)
        for url in urls:
            stage.drop(url)


def _compare(urls: tuple[str, str], directory: Path, pairs: int, seconds: float) -> tuple[Pair, float]:
    """Ours and the baseline in turn, each on a database of its own; and the median of our p99, in milliseconds."""
    targets = (("app.main:create_app", "--factory"), ("benchmarks.sale_baseline:app",))
    with ExitStack() as stack:
        sides = []
        for url, target in zip(urls, targets, strict=True):
            place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
            scales = fill(url)
            sides.append((stack.enter_context(served(url, place, *target)), scales))
        first = 1
        found: list[list[dict[str, float]]] = [[], []]
        for pair in range(pairs + 1):
            for side in (0, 1) if pair % 2 else (1, 0):
                port, scales = sides[side]
                result = drive(port, requests(scales, first, int(MOST[side] * seconds)), seconds)
                if pair:  # the first is a warm-up
                    found[side].append(result)
            first += int(MOST[0] * seconds)
    ours, baseline = ([result["per_second"] for result in side] for side in found)
    return paired(ours, baseline), median(result["p99_ms"] for result in found[0])
