"""P1 and P2: hot scans of 1,000 codes, one worker, 32 clients, with all that is on in production; against a bare
Starlette route that returns the same bytes from a dict."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.store import schema
from app.store.engine import open_engine
from app.store.writer import Writer
from benchmarks.harness import KINDS, Pair, Result, Stage, paired
from benchmarks.p4 import served

CODES, CLIENTS = 1_000, 32
OURS = "app.main:create_app", "--factory"
JSON = {"Accept": "application/json"}
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "User-Agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
    "Sec-Fetch-Mode": "navigate",
    "Upgrade-Insecure-Requests": "1",
}


def run(stage: Stage) -> Iterator[Result]:
    pairs, seconds = (1, 1.0) if stage.quick else (5, 5.0)
    for kind in KINDS:
        url = stage.database(kind)
        key = operator_key(url)
        with TemporaryDirectory(dir=stage.directory) as place, served(url, Path(place), *OURS) as port:
            codes = batches(port, key)
        for name, headers, goal in (("P1", JSON, 0.95), ("P2", BROWSER, 0.90)):
            pair = _compare(url, stage.directory, codes, headers, pairs, seconds)
            what = f"hot scan of {CODES:,} codes, {'JSON' if name == 'P1' else 'HTML, gzip'}, {CLIENTS} clients"
            yield Result(name, kind, what, pair.ours, pair.baseline, "/s", pair.ratio, goal, less=False)
        stage.drop(url)


def _compare(
    url: str, directory: Path, codes: list[str], headers: Mapping[str, str], pairs: int, seconds: float
) -> Pair:
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
        ours = stack.enter_context(served(url, place, *OURS))
        answers = fetched(ours, codes, headers)
        kept = place / "answers.json"
        kept.write_text(json.dumps(answers))
        baseline = stack.enter_context(
            served(url, place, "benchmarks.scan_baseline:app", environment={"BENCHMARK_ANSWERS": str(kept)})
        )
        found: list[list[float]] = [[], []]
        for pair in range(pairs + 1):
            for side in (0, 1) if pair % 2 else (1, 0):
                rate = drive((ours, baseline)[side], codes, headers, seconds, place)
                if pair:  # the first is a warm-up
                    found[side].append(rate)
    return paired(*found)


def operator_key(url: str) -> str:
    """The database at head, and a key for its operator."""
    engine = open_engine(url)
    schema.upgrade(engine)
    writer = Writer(engine)
    try:
        return writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "operator")).secret
    finally:
        writer.close()
        engine.dispose()


def batches(port: int, key: str) -> list[str]:
    """The codes of batches that came from a farm to a stall, through the public API."""

    def ago(hours: float) -> str:
        return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()

    def quantity(value: int) -> dict[str, str]:
        return {"value": str(value), "unit": "kg"}

    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=120) as client:
        client.headers["Authorization"] = f"Bearer {key}"

        def made(path: str, **form: Any) -> str:
            answer = client.post(path, json=form)
            answer.raise_for_status()
            return str(answer.json()["id"])

        def recorded(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            for start in range(0, len(events), 500):
                answer = client.post("/events", json={"events": events[start : start + 500]})
                answer.raise_for_status()
                found += answer.json()["results"]
            if faults := [each for each in found if each["status"] not in ("recorded", "duplicate")]:
                raise RuntimeError(f"not recorded: {faults[0]}")
            return found

        product = made("/products", name="上海青", category="vegetables", measure="weight")
        places = []
        for name, kind, place in (("河东蔬菜合作社", "producer", "farm"), ("一号摊", "vendor", "stall")):
            party = made("/parties", name=name, kind=kind, region="330106")
            client.patch(f"/parties/{party}", json={"status": "active"}).raise_for_status()
            places.append(made("/sites", party_id=party, name=name, kind=place, region="330106"))
        farm, stall = places
        harvest = [
            {"kind": "produce", "ref": f"p{n}", "event_time": ago(9), "site_id": farm,
             "outputs": [{"product_id": product, "quantity": quantity(50), "produced_on": ago(9)[:10]}]}
            for n in range(CODES)
        ]  # fmt: skip
        shipped = [
            {"kind": "ship", "ref": f"s{n}", "event_time": ago(6), "site_id": farm, "to_site_id": stall,
             "items": [{"custody_id": each["outputs"][0]["custody_id"], "quantity": quantity(40)}]}
            for n, each in enumerate(recorded(harvest))
        ]  # fmt: skip
        received = [
            {"kind": "receive", "ref": f"r{n}", "event_time": ago(5), "site_id": stall, "slip_code": each["slip_code"]}
            for n, each in enumerate(recorded(shipped))
        ]
        return [each["outputs"][0]["code"] for each in recorded(received)]


def fetched(port: int, codes: list[str], headers: Mapping[str, str]) -> dict[str, Any]:
    """What our server answers, as it goes over the wire, for the baseline to repeat."""
    bodies = {}
    told: dict[str, str] = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for code in codes:
            with client.stream("GET", f"/c/{code}", headers=headers) as answer:
                answer.raise_for_status()
                bodies[code] = b"".join(answer.iter_raw()).hex()
                told = {name: answer.headers[name] for name in _REPEATED if name in answer.headers}
    return {"bodies": bodies, "headers": told}


_REPEATED = ("content-type", "content-encoding", "etag", "cache-control", "vary")


def drive(port: int, codes: list[str], headers: Mapping[str, str], seconds: float, place: Path) -> float:
    """Scans a second, every one answered."""
    return drive_paths(port, [f"/c/{code}" for code in codes], headers, seconds, place)


def drive_paths(port: int, paths: list[str], headers: Mapping[str, str], seconds: float, place: Path) -> float:
    """Answers a second, every one a 200 or a redirect."""
    url = f"http://127.0.0.1:{port}"
    wrk = shutil.which("wrk")
    if wrk is None:
        job = {"port": port, "path": paths, "headers": dict(headers), "seconds": seconds,
               "clients": CLIENTS, "expect": ""}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load"], input=json.dumps(job), capture_output=True, text=True, check=True
        )
        result = json.loads(done.stdout)
        if result["failed"]:
            raise RuntimeError(f"{result['failed']} scans were not answered")
        return float(result["per_second"])
    script = place / "scan.lua"
    listed = ", ".join(f'"{path}"' for path in paths)
    named = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(
        f"local paths = {{{listed}}}\n{named}\nlocal n = 0\n"
        "request = function()\n  n = n % #paths + 1\n  return wrk.format(nil, paths[n])\nend\n"
    )
    done = subprocess.run(
        [wrk, "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "-s", str(script), url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert rate is not None, done.stdout
    return float(rate[1])
