"""A full disk, a locked or a lost database: 503 and nothing half written, and the service goes on by itself."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.main import close_service, open_service
from app.settings import Settings
from app.store import schema
from app.store.engine import open_engine
from app.web import create_app
from app.web.service import Service
from tests.support import postgres
from tests.support.cast import Cast, first_key, quantity
from tests.support.fullness import full


def bought(cast: Cast, ref: str) -> dict[str, Any]:
    """A purchase at the stall, the same whenever it is posted."""
    product = cast.product("大米")
    return cast.stall.event(
        "receive",
        ref=ref,
        event_time="2026-03-01T06:30:00+08:00",
        **{"from": {"name": "outside"}},
        items=[{"product_id": product["id"], "quantity": quantity("10")}],
    )


def unavailable(cast: Cast, body: dict[str, Any]) -> None:
    """The event is refused with 503, as everything that would write is; the process itself lives."""
    answer = cast.stall.post("/events", body)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert cast.public.get("http://testserver/healthz").status_code == 200


def recovered(cast: Cast, body: dict[str, Any]) -> None:
    """Posted again, it is recorded: before, nothing of it was."""
    answer = cast.stall.post("/events", body)
    assert answer.status_code == 201, answer.text
    assert cast.stall.post("/events", body).status_code == 200


def fill(cast: Cast, body: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
    return lambda number: {**body, "ref": f"fill-{number}"}


def test_a_full_disk_is_503_and_passes(cast: Cast, service: Service) -> None:
    body = bought(cast, "while full")
    make = fill(cast, body)
    with full(service.engine, "event"):
        # The last pages of the file may still have room for a few.
        answers = (cast.stall.post("/events", make(number)).status_code for number in range(200))
        assert 503 in answers
        unavailable(cast, {**body, "items": [*body["items"]] * 50})
    recovered(cast, {**body, "items": [*body["items"]] * 50})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_somebody_else_locks_is_503_and_passes(cast: Cast, service: Service) -> None:
    def impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=50").close()

    body = bought(cast, "while locked")
    event.listen(service.engine, "connect", impatient)
    service.engine.dispose()
    other = sqlite3.connect(str(service.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    unavailable(cast, body)
    other.execute("ROLLBACK")
    other.close()
    recovered(cast, body)


def test_a_server_that_goes_and_comes_is_503_and_passes(tmp_path: Path, unfrozen: None) -> None:
    with postgres.own_server() as server:
        settings = Settings(
            database_url=server.get_uri("postgres"),
            secret_file=tmp_path / "onecode.secret",
            files_dir=tmp_path / "files",
        )
        engine = open_engine(settings.database_url)
        schema.upgrade(engine)
        engine.dispose()
        service = open_service(settings)
        with TestClient(create_app(service)) as client:
            cast = Cast(client, first_key(service))
            body = bought(cast, "while gone")
            code = cast.stall.site["code"]
            server.stop()
            unavailable(cast, body)
            assert client.get("/readyz").status_code == 503
            assert client.get(f"/c/{code}").status_code == 503
            server.start()
            recovered(cast, body)
            assert client.get("/readyz").status_code == 200
            assert client.get(f"/c/{code}").status_code == 200
        close_service(service)
