"""P8: a live recall of a farm's lot is posted to one of four processes; how long from then until the scan of a
descendant shows it in every one of them, each of which had kept the page. PostgreSQL: SQLite has one process.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.harness import Result, Stage
from benchmarks.p1 import JSON, OURS, batches, operator_key
from benchmarks.p4 import served

PROCESSES = 4
GOAL = 1.0  # seconds


def run(stage: Stage) -> Iterator[Result]:
    turns = 20 if stage.quick else 200
    url = stage.database("postgresql")
    key = operator_key(url)
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=stage.directory)))
        ports = [stack.enter_context(served(url, place, *OURS)) for _ in range(PROCESSES)]
        clients = [stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)) for port in ports]
        late = sorted(_turn(clients, key, code) for code in batches(ports[0], key)[:turns])
    p99 = late[int(len(late) * 0.99)]
    what = f"seconds until {PROCESSES} processes show a recall, p99 of {turns}; median {late[turns // 2]:.2f} s"
    yield Result("P8", "postgresql", what, p99, GOAL, "s", p99 / GOAL, 1.0)
    stage.drop(url)


def _turn(clients: list[httpx.Client], key: str, code: str) -> float:
    """Seconds from the request, answered once all whom it concerns are known, until the last of them shows it."""

    def status(client: httpx.Client) -> str:
        return str(client.get(f"/c/{code}", headers=JSON).json()["status"])

    for client in clients:
        if status(client) not in ("ok", "incomplete"):
            raise RuntimeError(f"{code} is not as it was made")
    writer, headers = clients[0], {"Authorization": f"Bearer {key}"}
    subject = writer.get(f"/api/v1/codes/{code}", headers=headers).json()["subject_id"]
    chain: dict[str, Any] = writer.get(
        "/api/v1/trace", params={"custody": subject, "direction": "back"}, headers=headers
    ).json()
    farm = max(chain["nodes"], key=lambda node: node["depth"])
    recall = {
        "ref": f"recall {code}", "mode": "live", "grade": "I", "title": "演练批次 · a lot",
        "reason": "召回演练 · an exercise", "hazard": "无 · none", "scope": {"lots": [farm["lot_id"]]},
    }  # fmt: skip
    posted = time.monotonic()
    writer.post("/api/v1/recalls", json=recall, headers=headers).raise_for_status()
    for client in clients:
        while status(client) != "recalled":
            if time.monotonic() > posted + 30:
                raise RuntimeError("the recall never showed")
            time.sleep(0.002)
    return time.monotonic() - posted
