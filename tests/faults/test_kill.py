"""`kill -9` during a posting load loses nothing that was acknowledged, and a retry doubles nothing."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support.cast import Actor, Cast, Scale, ago, operator_key, quantity
from tests.support.databases import Database
from tests.support.server import serving

THREADS = 4


@dataclass(slots=True)
class Load:
    """Bodies that were sent, and which of them were answered with 2xx."""

    target: int
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    enough: threading.Condition = field(default_factory=threading.Condition)
    over: threading.Event = field(default_factory=threading.Event)
    _number: int = 0

    def next(self, make: Callable[[int], dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        with self.enough:
            self._number += 1
            body = make(self._number)
            name = str(body.get("ref") or body.get("counter"))
            self.sent[name] = body
            return name, body

    def wait(self) -> bool:
        """Until the target is reached; False after a minute."""
        with self.enough:
            return self.enough.wait_for(lambda: len(self.acknowledged) >= self.target, 60)

    def answered(self, name: str) -> None:
        with self.enough:
            self.acknowledged.add(name)
            if len(self.acknowledged) >= self.target:
                self.enough.notify()


def sell_event(site: str, custody: str) -> Callable[[int], dict[str, Any]]:
    return lambda number: {
        "kind": "sell",
        "event_time": ago(hours=1),
        "ref": f"sale-{number}",
        "site_id": site,
        "lines": [{"custody_id": custody, "quantity": quantity("1", "g")}],
    }


def scale_sale(custody: str) -> Callable[[int], dict[str, Any]]:
    return lambda number: {
        "counter": number,
        "event_time": ago(hours=1),
        "lines": [{"custody_id": custody, "quantity": quantity("1", "g")}],
    }


def post(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """The outcome of an event or a sale of a scale."""
    if isinstance(actor, Scale):
        answer = actor.post("/sales", {"sales": [body]})
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()["results"][0]
    else:
        answer = actor.post("/events", body)
        assert answer.status_code in (200, 201), answer.text
        outcome = answer.json()
    assert outcome["status"] in ("recorded", "duplicate"), outcome
    return outcome


def post_again(actor: Actor, load: Load) -> dict[str, str]:
    """Everything that was sent once more, in lists; the status of each."""
    door, field_name = ("/sales", "sales") if isinstance(actor, Scale) else ("/events", "events")
    names, statuses = list(load.sent), []
    for start in range(0, len(names), 1_000):
        bodies = [load.sent[name] for name in names[start : start + 1_000]]
        answer = actor.post(door, {field_name: bodies})
        assert answer.status_code == 200, answer.text
        statuses += [outcome["status"] for outcome in answer.json()["results"]]
    return dict(zip(names, statuses, strict=True))


def drive(load: Load, actor: Actor, make: Callable[[int], dict[str, Any]], failures: list[str]) -> None:
    """Posts one after another until the server is gone."""
    while not load.over.is_set():
        name, body = load.next(make)
        try:
            post(actor, body)
        except httpx2.TransportError:
            return
        except AssertionError as error:
            failures.append(str(error))
            return
        load.answered(name)


def storm(directory: Path, database: Database, *, kills: int, acknowledged: int) -> None:
    """Sales as events and as a scale's own, killed `kills` times after `acknowledged` more answers each."""
    engine = open_engine(database.url)
    writer = Writer(engine)
    admin_key = operator_key(writer)
    writer.close()
    engine.dispose()
    cast: Cast | None = None
    failures: list[str] = []
    for kill in range(1, kills + 1):
        with serving(directory, database.url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
            if cast is None:
                cast = Cast(client, admin_key)
                scale = cast.scale(cast.stall)
                goods = cast.stall.record(
                    "receive",
                    **{"from": {"name": "outside"}},
                    items=[{"product_id": cast.product("大米")["id"], "quantity": quantity("1000")}],
                )["outputs"][0]
                custody = goods["custody_id"]
                loads = [
                    (Load(acknowledged), cast.stall, sell_event(cast.stall.site["id"], custody)),
                    (Load(acknowledged), scale, scale_sale(custody)),
                ]
            threads = []
            for load, actor, make in loads:
                actor.client = client
                load.target = acknowledged * kill
                load.over.clear()
                threads += [
                    threading.Thread(target=drive, args=(load, actor, make, failures)) for _ in range(THREADS // 2)
                ]
            for thread in threads:
                thread.start()
            for load, _, _ in loads:
                assert load.wait(), failures
            server.kill()
            for load, _, _ in loads:
                load.over.set()
            for thread in threads:
                thread.join()
            assert failures == []
    assert cast is not None
    with serving(directory, database.url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        for load, actor, _ in loads:
            actor.client = client
            first, second = post_again(actor, load), post_again(actor, load)
            lost = {name for name in load.acknowledged if first[name] != "duplicate"}
            assert lost == set(), "acknowledged and lost"
            assert set(first.values()) <= {"recorded", "duplicate"}
            assert set(second.values()) == {"duplicate"}
        cast.admin.client = client
        node = cast.admin.trace("back", custody=custody)["nodes"][0]
    sold = sum(len(load.sent) for load, _, _ in loads)
    assert node["out"]["grams"] == sold, "every sale once"


def test_three_kills_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    storm(tmp_path, database, kills=3, acknowledged=40)


@pytest.mark.soak
def test_many_kills_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    storm(tmp_path, database, kills=12, acknowledged=500)
