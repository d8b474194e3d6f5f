"""P10: a large city's peak: 926 sales, 2,000 scans and 50 tests a second, all at once, against one service.

The markets are enrolled and supplied over HTTP as the simulator does it, so that what is scanned has its whole way from
the farm; scales post one sale of one to four lines at a time, phones ask for pages, instruments post one test each.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx

from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.simulator import QUIET, Plan
from app.simulator.city import City
from app.simulator.door import Door
from app.simulator.ledger import Ledger
from app.simulator.plan import CHINA
from app.store import schema
from app.store.engine import open_engine
from app.store.writer import Writer
from benchmarks.harness import KINDS, Kind, Result, Stage
from benchmarks.p4 import served

SALES, SCANS, TESTS = 926, 2_000, 50  # a second
P99 = 150.0  # milliseconds of a sale
CONNECTIONS = 64  # of each stream
KNOWN = 2_000  # receipts that are there before it starts
# What phones send.
_BROWSER = (
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "accept-encoding: gzip, deflate, br\r\naccept-language: zh-CN,zh;q=0.9\r\n"
    "user-agent: Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile\r\n"
)


def run(stage: Stage) -> Iterator[Result]:
    """Sales and tests alone first, as a remark: what the scans cost them is the difference."""
    # The quick way says whether it works: a tenth of the city for a short while.
    markets, stalls, seconds, share = (2, 10, 3.0, 0.1) if stage.quick else (10, 100, 60.0, 1.0)
    for kind in KINDS:
        url = stage.database(kind)
        with TemporaryDirectory(dir=stage.directory) as place:
            key = _operator(url)
            with served(url, Path(place), "app.main:create_app", "--factory") as port:
                world = asyncio.run(_city(port, key, Plan(markets, stalls, 1_000, batches=8, habits=QUIET)))
                yield from _measured(kind, port, key, world, min(seconds, 20.0), share, scans=False)
                spent = asyncio.run(_warm(port, world.codes))
                what = f"{len(world.codes):,} pages for the first time, 8 at a time"
                yield Result("P10", kind, what, len(world.codes) / spent, 0.0, "/s", 0.0, None)
                yield from _measured(kind, port, key, world, seconds, share, scans=True)
        stage.drop(url)


def _measured(
    kind: Kind, port: int, key: str, world: "_World", seconds: float, share: float, *, scans: bool
) -> Iterator[Result]:
    before = os.getloadavg()[0]
    found = _drive(port, key, world, seconds, share, scans=scans)
    for name, stream in found.items():
        if stream["failed"]:
            print(f"P10 {kind} {name}: {stream['failed']} failed: {stream['why']}", file=sys.stderr)
    rates = ", ".join(f"{stream['due'] / seconds:,.0f} {name}/s" for name, stream in found.items())
    times = ", ".join(f"{name} p50 {each['p50_ms']:.0f} p99 {each['p99_ms']:.0f} ms" for name, each in found.items())
    slowest = found["sales"]["p99_ms"]
    what = f"p99 of a sale; {rates} for {seconds:g} s: {times}; load before {before:.1f}"
    yield Result("P10", kind, what, slowest, P99, "ms", slowest / P99, 1.0 if scans else None)
    due, answered = (sum(stream[field] for stream in found.values()) for field in ("due", "answered"))
    what = f"answered as it should be, of what was due{'' if scans else ', without scans'}"
    yield Result("P10", kind, what, answered, due, "requests", answered / due, 1.0, less=False)


def _operator(url: str) -> str:
    """A migrated database's first key."""
    engine = open_engine(url)
    schema.upgrade(engine)
    writer = Writer(engine)
    made = writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "benchmark"))
    writer.close()
    engine.dispose()
    return made.secret


class _World:
    """A city with its ledger, what phones may scan, and how many sales every scale has made."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.sold = 0
        self.custodies: list[str] = []
        self.codes: list[str] = []


async def _city(port: int, key: str, plan: Plan) -> _World:
    """Markets with a morning's goods, and some receipts."""
    world = _World(Ledger())
    limits = httpx.Limits(max_connections=plan.connections, max_keepalive_connections=plan.connections)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as client:
        door = Door(client, plan.connections, plan.patience)
        yesterday = datetime.now(CHINA).date() - timedelta(days=1)
        city = City(door, key, plan, world.ledger, f"P10-{uuid4().hex[:8]}", [yesterday])
        await city.enrol(lambda _: None)
        await city.deliver(0)
        devices = list(world.ledger.devices.values())
        for device in devices:
            stock = await door.ask("GET", "/devices/me/stock", device.key)
            world.codes += [item["code"] for item in stock["items"]]
            world.custodies += [item["custody_id"] for item in stock["items"]]
        world.sold = -(-KNOWN // len(devices))
        for device in devices:
            sales = [{"counter": n, **device.hands[0].book.sale(n).body} for n in range(world.sold)]
            answer = await door.ask("POST", "/sales", device.key, json={"sales": sales})
            world.codes += [outcome["receipt_code"] for outcome in answer["results"]]
    return world


async def _warm(port: int, codes: list[str]) -> float:
    """Seconds to ask for every page once: the peak comes upon a service that has been asked all morning."""
    headers = dict(line.split(": ", 1) for line in _BROWSER.splitlines())
    waiting = iter(codes)
    started = time.perf_counter()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:

        async def ask() -> None:
            for code in waiting:
                (await client.get(f"/c/{code}")).raise_for_status()

        await asyncio.gather(*(ask() for _ in range(8)))
    return time.perf_counter() - started


def _drive(port: int, key: str, world: _World, seconds: float, share: float, *, scans: bool) -> dict[str, Any]:
    """What came of each stream; sent by a process of its own."""
    draw = Random(1)
    devices = list(world.ledger.devices.values())
    sales = []
    for n in range(int(SALES * share * seconds * 1.1) + 100):
        device = devices[n % len(devices)]
        sale = {"counter": world.sold, **device.hands[0].book.sale(world.sold).body}
        sales.append(_post("/api/v1/sales", device.key, {"sales": [sale]}))
        world.sold += n % len(devices) == len(devices) - 1
    world.sold += 1
    tests = []
    for n in range(int(TESTS * share * seconds * 1.2) + 50):
        test = {
            "kind": "test", "event_time": datetime.now(UTC).isoformat(), "ref": f"test-{world.sold}-{n}",
            "custody_id": draw.choice(world.custodies), "stage": "rapid", "method": "GB/T 5009.199", "item": "有机磷",
            "value": f"{draw.randrange(30)}", "unit": "%", "limit": "50", "sample_number": f"K{n:06}", "tester": "01",
        }  # fmt: skip
        tests.append(_post("/api/v1/events", key, test))
    pages = [f"GET /c/{code} HTTP/1.1\r\nhost: localhost\r\n{_BROWSER}\r\n" for code in world.codes]
    draw.shuffle(pages)
    recorded = '"status":"recorded"'
    streams = [
        {"name": "sales", "rate": SALES * share, "requests": sales, "expect": recorded},
        {"name": "tests", "rate": TESTS * share, "requests": tests, "expect": recorded},
        {"name": "scans", "rate": SCANS * share, "requests": pages, "expect": "content-encoding: gzip"},
    ]
    job = {"port": port, "seconds": seconds, "connections": CONNECTIONS, "streams": streams[: 3 if scans else 2]}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pace"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _post(path: str, key: str, body: dict[str, Any]) -> str:
    content = json.dumps(body, ensure_ascii=False)
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content.encode())}\r\n\r\n{content}"
    )
