"""`onecode serve` as a process: it ends as it should, serves from several processes, and makes what it needs."""

import signal
import threading
from pathlib import Path

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.faults.test_kill import Load, drive, post_again, sell_event
from tests.support.cast import Cast, operator_key, quantity
from tests.support.databases import Database
from tests.support.server import serving


def admin_key(database: Database) -> str:
    engine = open_engine(database.url)
    writer = Writer(engine)
    try:
        return operator_key(writer)
    finally:
        writer.close()
        engine.dispose()


def test_the_end_by_sigterm_loses_nothing_and_is_clean(database: Database, tmp_path: Path) -> None:
    key = admin_key(database)
    with serving(tmp_path, database.url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        cast = Cast(client, key)
        goods = cast.stall.record(
            "receive",
            **{"from": {"name": "outside"}},
            items=[{"product_id": cast.product("大米")["id"], "quantity": quantity("1000")}],
        )["outputs"][0]
        load, failures = Load(40), list[str]()
        make = sell_event(cast.stall.site["id"], goods["custody_id"])
        threads = [threading.Thread(target=drive, args=(load, cast.stall, make, failures)) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert load.wait(), failures
        server.signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        server.process.join(60)
        assert server.process.exitcode == -signal.SIGTERM  # uvicorn hands the signal on when everything is done
        assert "Application shutdown complete" in (tmp_path / "serve.log").read_text()
    with serving(tmp_path, database.url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        cast.stall.client = client
        statuses = post_again(cast.stall, load)
        assert {statuses[name] for name in load.acknowledged} == {"duplicate"}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_several_processes_know_of_a_revoked_key_within_a_second(database: Database, tmp_path: Path) -> None:
    key = admin_key(database)
    with serving(tmp_path, database.url, "--workers", "2") as server:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx2.Client(base_url=server.url, timeout=30, headers=headers) as client:
            made = client.post("/api/v1/keys", json={"role": "regulator", "region": "3301"}).json()
            locked = {"Authorization": f"Bearer {made['key']}"}
            for _ in range(20):
                # A connection each, so that both processes get to know the key.
                assert httpx2.get(f"{server.url}/api/v1/parties", headers=locked).status_code == 200
            assert client.post(f"/api/v1/keys/{made['id']}/revoke").status_code == 200
            deadline = threading.Event()
            deadline.wait(1.0)
            answers = {httpx2.get(f"{server.url}/api/v1/parties", headers=locked).status_code for _ in range(20)}
            assert answers == {401}


def test_a_new_sqlite_file_is_migrated_and_a_secret_made(tmp_path: Path) -> None:
    with serving(tmp_path, f"sqlite:///{tmp_path}/new.db") as server:
        assert httpx2.get(f"{server.url}/readyz").json() == {"status": "ready"}
        assert httpx2.get(f"{server.url}/healthz").headers["X-Request-Id"]
    secret = tmp_path / "onecode.secret"
    assert len(bytes.fromhex(secret.read_text().strip())) == 32
    assert secret.stat().st_mode & 0o777 == 0o600
