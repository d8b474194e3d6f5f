"""Wiring: what starts, what refuses to start and why, and what the logs say."""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app import logs, main, web
from app.domain.rows import Device
from app.settings import Settings
from app.store import master, schema
from app.store.engine import open_engine, writing
from app.store.errors import SchemaOutdated
from app.store.secret import SecretMissing
from tests.support.databases import Database, fresh


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'new.db'}",
        public_url="http://localhost:8000",
        secret_file=tmp_path / "onecode.secret",
        files_dir=tmp_path / "files",
    )


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """The handlers of the run, put back after a test that configures its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_new_embedded_database_is_made_on_the_way(
    here: Settings, quiet_logs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[str] = []
    monkeypatch.setattr(web.gc, "freeze", lambda: collected.append("frozen"))
    monkeypatch.setattr(web.gc, "set_threshold", lambda *_: None)
    with TestClient(main.create_app(here)) as client:
        assert client.get("/readyz").status_code == 200
        assert here.secret_file.exists()
    assert collected == ["frozen"]
    again = main.open_service(here)
    main.close_service(again)


def test_the_table_of_company_prefixes_is_read_at_the_start(here: Settings, tmp_path: Path) -> None:
    table = tmp_path / "prefixes.json"
    settings = here.model_copy(update={"company_prefixes_file": table})
    table.write_text('{"GCPPrefixFormatList": {"entry": [{"prefix": "690", "gcpLength": 8}]}}')
    service = main.open_service(settings)
    main.close_service(service)
    assert service.prefixes.length("690123456789") == 8
    for nonsense in ("{", "[]", '{"690": 99}'):
        table.write_text(nonsense)
        with pytest.raises(ValueError, match=r"prefixes\.json"):
            main.open_service(settings)
    table.unlink()
    with pytest.raises(OSError, match=r"prefixes\.json"):
        main.open_service(settings)


def test_an_outdated_schema_is_not_served(empty_database: Database, here: Settings) -> None:
    if empty_database.kind == "sqlite":
        engine = open_engine(empty_database.url)
        schema.upgrade(engine)
        with writing(engine) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        engine.dispose()
    with pytest.raises(SchemaOutdated, match="onecode db upgrade"):
        main.open_service(here.model_copy(update={"database_url": empty_database.url}))


def test_receipts_of_old_need_the_secret_of_old(tmp_path: Path, here: Settings, sqlite_template: Path) -> None:
    with fresh("sqlite", tmp_path, sqlite_template) as database:
        engine = open_engine(database.url)
        now = datetime.now(UTC)
        with writing(engine) as connection:
            scale = Device(uuid4(), 1, uuid4(), "秤", "scale", None, "active", 1, None, None, 0, 1, now, now)
            master.save(connection, [scale])
        engine.dispose()
        with pytest.raises(SecretMissing, match="ONECODE_SECRET_FILE"):
            main.open_service(here.model_copy(update={"database_url": database.url}))


def test_logs_are_json_lines_with_the_request_id(quiet_logs: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logging.getLogger().handlers[0].setStream(sys.stderr)  # type: ignore[attr-defined]
    token = logs.REQUEST_ID.set("r-1")
    try:
        logging.getLogger("app.test").info("已记录 %d", 3)
        logging.getLogger("app.test").debug("not shown")
        try:
            raise ValueError("断电")
        except ValueError:
            logging.getLogger("app.test").exception("failed")
    finally:
        logs.REQUEST_ID.reset(token)
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert first.keys() == {"time", "level", "logger", "message", "request_id", "exception"}
    assert (first["message"], first["request_id"], first["exception"]) == ("已记录 3", "r-1", None)
    assert "断电" in second["exception"]
