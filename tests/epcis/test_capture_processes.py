"""Captures in real processes: killed in the middle, several at one database, documents of fifty megabytes."""

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from app.store import tables
from app.store.check import verify
from app.store.engine import open_engine, reading
from app.store.writer import Writer
from tests.epcis.capturing import ended, handed_over
from tests.exchanging.test_large import stories
from tests.exchanging.world import document
from tests.support.cast import Actor, operator_key
from tests.support.databases import Database
from tests.support.server import Server, serving

Serve = Callable[[], Any]


@pytest.fixture
def key(database: Database) -> str:
    engine = open_engine(database.url)
    writer = Writer(engine)
    made = operator_key(writer)
    writer.close()
    engine.dispose()
    return made


@pytest.fixture
def serve(database: Database, tmp_path: Path, key: str) -> Serve:
    @contextmanager
    def running() -> Iterator[tuple[Server, Actor]]:
        with serving(tmp_path, database.url) as server, httpx2.Client(base_url=server.url, timeout=120) as client:
            yield server, Actor(client, key)

    return running


def recorded(database: Database) -> int:
    engine = open_engine(database.url)
    with reading(engine) as snapshot:
        found: int = snapshot.scalar(select(func.count()).select_from(tables.event)) or 0
    engine.dispose()
    return found


def whole(database: Database) -> bool:
    engine = open_engine(database.url)
    faults = verify(engine)
    engine.dispose()
    return faults == []


def stop_in_the_middle(server: Server, database: Database, at_least: int) -> None:
    deadline = time.monotonic() + 60
    while recorded(database) < at_least:
        assert time.monotonic() < deadline, "nothing was recorded"
        time.sleep(0.02)
    server.kill()


def test_a_job_is_gone_on_with_after_a_kill(database: Database, serve: Serve) -> None:
    events = stories(500)
    with serve() as (server, admin):
        location = handed_over(admin, document(*events))
        stop_in_the_middle(server, database, 250)
    assert 250 <= recorded(database) < len(events), "it was killed in the middle"
    with serve() as (server, admin):
        job = ended(admin, location)
    assert job["success"], job
    outcome = job["onecode:outcome"]
    assert (outcome["recorded"], outcome["duplicate"]) == (len(events), 0), "every event once, and none twice"
    assert recorded(database) == len(events)
    assert whole(database)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_several_processes_share_the_work(database: Database, serve: Serve) -> None:
    """What one received, any of them captures; one that is killed has lost nothing."""
    with serve() as (first, one), serve() as (_, other), ThreadPoolExecutor(8) as pool:
        bodies = [document(*stories(20)), *(document(*stories(4), sender=f"s{i}") for i in range(12))]
        posted = pool.map(lambda i: handed_over((one, other)[i % 2], bodies[i]), range(len(bodies)))
        locations = list(posted)
        first.kill()
        jobs = [ended(other, location) for location in locations]
    assert all(job["success"] for job in jobs)
    assert {job["onecode:outcome"]["events"] for job in jobs} == {100, 20}
    assert recorded(database) == 100
    assert whole(database)


def held(server: Server) -> int:
    """Memory of the process in bytes, less files that it has mapped."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1_000


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_fifty_megabytes_in_bounded_memory(database: Database, serve: Serve) -> None:
    events = stories(16_000)
    for i, event in enumerate(events):
        event["ex:remark"] = f"{i}" + "x" * 300
    raw = json.dumps(document(*events)).encode()
    assert 40_000_000 < len(raw) < 60_000_000
    with serve() as (server, admin):
        before = most = held(server)
        location = handed_over(admin, raw, Content_Type="application/json")
        while (job := admin.get(location).json())["running"]:
            most = max(most, held(server))
            time.sleep(0.1)
        grown = most - before
    assert job["success"], job["errors"][:3]
    assert job["onecode:outcome"]["recorded"] == 80_000
    # What a process keeps in any case, pages of the database above all, and a few times the document.
    assert grown < 100_000_000 + 4 * len(raw), f"{grown / len(raw):.1f} times the document"
