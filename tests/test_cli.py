"""The command line: what it does, what it says, and its exit codes."""

import json
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from app import logs
from app.__main__ import cli
from app.store import tables
from app.store.engine import open_engine, writing
from tests.support import databases, ledger
from tests.support.cast import Cast, ago
from tests.support.databases import Database
from tests.support.desk import Browser
from tests.support.epcis import captured, document, event
from tests.support.ledger import named


@pytest.fixture(autouse=True)
def _own_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of this process leaves the logging of the tests alone."""
    monkeypatch.setattr(logs, "configure", lambda _level: None)


@pytest.fixture
def environment(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONECODE_DATABASE_URL", database.url)
    monkeypatch.setenv("ONECODE_SECRET_FILE", str(tmp_path / "onecode.secret"))
    monkeypatch.setenv("ONECODE_FILES_DIR", str(tmp_path / "files"))
    engine = open_engine(database.url)
    with writing(engine) as connection:
        ledger.make(connection)
    engine.dispose()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def damage(database: Database) -> None:
    engine = open_engine(database.url)
    with writing(engine) as connection:
        connection.execute(update(tables.custody).values(sold=1))
    engine.dispose()


def test_check_finds_nothing_wrong(environment: Path) -> None:
    result = run("db", "check")
    assert (result.exit_code, result.stdout) == (0, "账目一致 · nothing is wrong\n")


def test_check_names_what_is_wrong_and_rebuild_puts_it_right(environment: Path, database: Database) -> None:
    damage(database)
    result = run("db", "check")
    assert result.exit_code == 1
    assert "sold is 1, its events and receipts make 750" in result.stdout
    assert "onecode db rebuild" in result.stderr
    rebuilt = run("db", "rebuild")
    assert rebuilt.exit_code == 0
    assert "sold 1 → 750" in rebuilt.stdout
    assert run("db", "check").exit_code == 0


def test_upgrade_says_where_the_schema_is(environment: Path) -> None:
    result = run("db", "upgrade")
    assert result.exit_code == 0
    assert result.stdout.startswith("at revision 0")


def test_backup_and_restore(
    environment: Path, database: Database, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(environment / "backup")
    assert run("db", "backup", place).exit_code == 0
    assert "is not empty" in run("db", "backup", place).stderr
    (environment / "target").mkdir()
    with databases.fresh(database.kind, environment / "target", None) as target:
        monkeypatch.setenv("ONECODE_DATABASE_URL", target.url)
        result = run("db", "restore", place)
        assert result.exit_code == 0, result.output
        assert "now run `onecode db check`" in result.stdout
        assert run("db", "check").exit_code == 0
        again = run("db", "restore", place)
        assert again.exit_code == 1
        assert "the database is not empty" in again.stderr


def test_a_key_is_printed_once_and_works(client: TestClient, environment: Path) -> None:
    result = run("key", "create", "--role", "regulator", "--region", "3301", "--name", "office")
    assert result.exit_code == 0, result.output
    headers = {"Authorization": f"Bearer {result.stdout.strip()}"}
    assert client.get("/api/v1/parties", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("options", "reason"),
    [(("--role", "vendor"), "party_id"), (("--role", "vendor", "--party", str(named("nobody"))), "no such party")],
)
def test_a_key_for_nobody_is_refused(environment: Path, options: tuple[str, ...], reason: str) -> None:
    result = run("key", "create", *options)
    assert result.exit_code == 1
    assert reason in result.stderr.lower()


def test_a_person_gets_a_password_and_another(client: TestClient, environment: Path) -> None:
    enrol = ("person", "create", "--login", "insp.wang", "--name", "王", "--role", "regulator", "--region", "3301")
    first = run(*enrol)
    assert first.exit_code == 0, first.output
    assert "taken" in run(*enrol).stderr
    second = run("person", "reset", "insp.wang")
    assert second.exit_code == 0, second.output
    assert run("person", "reset", "nobody").exit_code == 1
    statuses = [Browser(client).log_in("insp.wang", printed.stdout.strip()).status_code for printed in (first, second)]
    assert statuses == [401, 303]


@pytest.fixture
def sold(cast: Cast, environment: Path) -> str:
    """The B-code of cabbage at a stall that a farm has shipped."""
    cabbage = cast.product("大白菜")
    made = cast.farm.record("produce", outputs=[cast.output(cabbage, "100", lot_number="L-7")])["outputs"][0]
    slip = cast.farm.record("ship", items=[cast.item(made, "40")])["slip_code"]
    return str(cast.stall.record("receive", slip_code=slip)["outputs"][0]["code"])


def test_trace_prints_a_tree(sold: str) -> None:
    result = run("trace", sold, "--back")
    assert result.exit_code == 0, result.output
    first, second, heading, share, totals = result.stdout.splitlines()
    assert "大白菜 批次 L-7 · 一号摊经营户" in first
    assert second.startswith("└─ ")
    assert "河东蔬菜合作社" in second
    assert heading == "各来源占起点的数量:"
    assert share.strip() == "河东蔬菜合作社 · 大白菜 L-7：40 kg"
    assert totals.startswith("2 个节点")
    assert "2 nodes" in run("trace", sold.lower(), "--back", "--lang", "en").stdout


def test_trace_prints_the_json_of_the_interface(sold: str, cast: Cast) -> None:
    result = run("trace", f"https://food.example.cn/c/{sold}", "--forward", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["nodes"] == cast.admin.trace("forward", code=sold)["nodes"]


def test_trace_says_what_was_opened_of_a_unit(cast: Cast, environment: Path) -> None:
    """A box on a pallet, emptied since; juice of a single bottle says which lot it is of."""
    (environment / "onecode.secret").write_text("ab" * 32)
    place, pallet, box = "urn:epc:id:sgln:6901234.00000.1", "urn:epc:id:sscc:6901234.0000000001", LABEL.format(900)
    lot, crates = "https://id.gs1.org/01/06901234567892/10/A1", [LABEL.format(number) for number in range(25)]
    kept = [{"epcClass": lot, "quantity": 4, "uom": "KGM"}]
    captured(cast.admin, document(
        event("Object", 30, "commissioning", at=place, action="ADD", quantityList=kept),
        event("Aggregation", 20, "packing", at=place, action="ADD", parentID=box, childQuantityList=kept),
        event("Aggregation", 19, "packing", at=place, action="ADD", parentID=pallet, childEPCs=[box, *crates]),
        event("Aggregation", 9, "unpacking", at=place, action="DELETE", parentID=pallet),
        Location={place: "包装棚"},
    ))  # fmt: skip
    result = run("trace", pallet, "--time", ago(hours=12)[:16] + "+0800", "--lang", "en")
    assert result.exit_code == 0, result.output
    heading, *packings = result.stdout.splitlines()[:22]
    assert heading.startswith("in the unit then (")
    assert heading.endswith(" UTC): https://id.gs1.org/00/069012340000000016")
    assert packings[-1] == "  … +7", "27 in all, of which 20 are listed"
    assert all(line.startswith("  https://id.gs1.org/00/") for line in packings[:20])
    assert "包装棚" in result.stdout
    last = run("trace", pallet).stdout.splitlines()[0]
    assert last.startswith("单元是空的，最后一次所装 (")
    now = run("trace", box, "--lang", "en").stdout.splitlines()
    assert now[:2] == ["in the unit now: https://id.gs1.org/00/" + now[0][-18:], f"  {lot}"]
    of = run("trace", f"{lot}/21/7", "--lang", "en")
    assert of.stdout.splitlines()[0] == f"of the lot {lot}"


LABEL = "urn:epc:id:sscc:6901234.0000001{:03}"


@pytest.mark.parametrize(("text", "reason"), [("B123", "18 characters"), ("urn:epc:id:sgtin:1", "3 parts")])
def test_trace_of_nothing_says_so(environment: Path, text: str, reason: str) -> None:
    (environment / "onecode.secret").write_text("ab" * 32)
    result = run("trace", text)
    assert result.exit_code == 1
    assert reason in result.stderr


def test_import_prints_what_was_taken_and_mints_codes(environment: Path) -> None:
    (environment / "onecode.secret").write_text("ab" * 32)
    harvest = str(Path(__file__).resolve().parents[1] / "docs" / "examples" / "harvest.jsonld")
    result = run("import", harvest, "--issue")
    assert result.exit_code == 0, result.output
    assert "recorded 2, there already 0, refused 0" in result.stdout
    assert "http://localhost:8000/c/B" in result.stdout
    again = run("import", harvest, "--issue")
    assert "recorded 0, there already 2, refused 0" in again.stdout
    assert run("trace", "urn:epc:class:lgtin:4012345.012345.998877", "--back").exit_code == 0


def test_import_says_what_is_refused(environment: Path) -> None:
    (environment / "onecode.secret").write_text("ab" * 32)
    broken = environment / "broken.jsonld"
    broken.write_text('{"type": "EPCISDocument"}')
    result = run("import", str(broken), str(environment / "absent.jsonld"))
    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert "cannot be read" in result.stdout


@pytest.mark.parametrize("command", ["check", "rebuild"])
def test_an_outdated_schema_names_the_command(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("ONECODE_DATABASE_URL", empty_database.url)
    result = run("db", command)
    assert result.exit_code == 1
    assert "run `onecode db upgrade`" in result.stderr


def test_serving_an_outdated_schema_names_the_command(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PostgreSQL is never migrated behind an operator's back; a SQLite file that is new is."""
    if empty_database.kind == "sqlite":
        engine = open_engine(empty_database.url)
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0000')")
        engine.dispose()
    monkeypatch.setenv("ONECODE_DATABASE_URL", empty_database.url)
    monkeypatch.setenv("ONECODE_SECRET_FILE", str(tmp_path / "onecode.secret"))
    result = run("serve")
    assert result.exit_code == 1
    assert "run `onecode db upgrade`" in result.stderr


def test_sqlite_is_not_served_by_several_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONECODE_DATABASE_URL", f"sqlite:///{tmp_path}/onecode.db")
    result = run("serve", "--workers", "2")
    assert result.exit_code == 1
    assert "SQLite has room for one writing process" in result.stderr


def test_nonsense_in_the_environment_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECODE_PUBLIC_URL", "food.example.cn")
    result = run("serve")
    assert result.exit_code == 1
    assert "ONECODE_PUBLIC_URL: " in result.stderr


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECODE_DATABASE_URL", "mysql://localhost/onecode")
    result = run("db", "upgrade")
    assert result.exit_code == 1
    assert "SQLite file or PostgreSQL" in result.stderr


def test_a_database_that_is_not_there_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONECODE_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/onecode.db")
    result = run("db", "check")
    assert result.exit_code == 1
    assert result.stderr.strip() == "unable to open database file"
