"""Archiving, thinning, restoring: what stays, what goes, and that every row comes back as it was."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from app import retaining
from app.__main__ import cli
from app.domain.retention import RULES
from app.recording.tasks import cancel
from app.retaining import ArchiveUnusable, Report, archive
from app.retaining import planning as plans
from app.store import tables, thinning
from app.store.check import verify
from app.web.service import Service
from tests.oversight.trade import Trade
from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Cast, ago, quantity

LATER = datetime.now(UTC) + timedelta(days=250)  # farm produce is past its time, the rest is not
FAR = datetime.now(UTC) + timedelta(days=1_000)
KEPT = {"task", "feed", "look", "receipt_archived"}


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def thin(service: Service, directory: Path, now: datetime = LATER, **options: Any) -> Report:
    done = retaining.run(
        service.engine, service.writer, service.files, directory, service.master, clock=lambda: now, **options
    )  # fmt: skip
    assert done is not None
    return done


def everything(service: Service) -> dict[str, set[str]]:
    """Every row of every table but those of the machinery, as text; with what is published of all that was recorded."""
    service.publisher.catch_up()
    with service.engine.connect() as connection:
        return {
            table.name: {repr(tuple(row)) for row in connection.execute(select(table))}
            for table in tables.metadata.sorted_tables
            if table.name not in KEPT
        }


def custodies(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {str(key) for key in connection.scalars(select(tables.custody.c.id))}


def restored(service: Service, *files: Path) -> None:
    for file in files:
        retaining.restore(service.writer, service.files, file)


@pytest.fixture
def town(cast: Cast, service: Service) -> Trade:
    """Random trade, with what hangs on it: tests, holds that were released, papers, alerts, corrections, gaps."""
    trade = Trade(cast, Random(3))
    trade.run(40)
    first = trade.batches[0]
    failed = cast.market.record(
        "test", custody_id=next(b for b in trade.batches if b.owner is cast.stall).output["custody_id"],
        stage="rapid", item="x", verdict="fail", site_id=cast.market.site["id"],
    )  # fmt: skip
    cast.market.record("release", hold_event_id=failed["id"], reason="x")
    first.owner.record("certify", custody_id=first.output["custody_id"], document_id=paper(first.owner))
    item = {"product_id": first.output["product_id"], "quantity": quantity("5")}
    wrong = cast.stall.record("receive", **{"from": {"name": "x"}}, items=[item])
    again = cast.stall.event("receive", **{"from": {"name": "y"}}, items=[item])
    cast.stall.record("correct", event_id=wrong["id"], reason="incorrect_data", replacement=again)
    goods = harvest(cast)
    sent = cast.farm.record("ship", items=[cast.item(goods, "5")], to_site_id=cast.stall.site["id"])
    better = cast.farm.event("ship", items=[cast.item(goods, "4")], to_site_id=cast.stall.site["id"])
    fixed = cast.farm.record("correct", event_id=sent["id"], reason="incorrect_data", replacement=better)
    assert fixed["status"] == "recorded"
    for alert in cast.admin.get("/alerts").json()["items"]:
        cast.admin.patch(f"/alerts/{alert['id']}", {"state": "resolved"})
    return trade


def test_what_is_past_its_time_goes_and_comes_back_row_by_row(
    cast: Cast, service: Service, town: Trade, archives: Path
) -> None:
    before = everything(service)
    report = thin(service, archives)
    assert report.whole
    assert report.custodies > 5
    assert verify(service.engine) == []
    after = everything(service)
    assert len(after["custody"]) == len(before["custody"]) - report.custodies
    # Prepared food without shelf life is kept for two years, and with it what it was made of.
    left = custodies(service.engine)
    for batch in town.batches:
        if batch.output["product_id"] == town.mixed["id"]:
            assert batch.output["custody_id"] in left
    file = report.archive
    assert file is not None
    manifest = json.loads(file.with_name(file.name.replace(".ndjson.gz", ".manifest.json")).read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert manifest["rows"] == report.rows
    assert manifest["rules"][0] == {
        "category": "*", "months": 6, "after": "expiry", "source": RULES[0].source,
    }  # fmt: skip
    assert manifest["earliest"] <= manifest["latest"]
    assert "archive" in json.loads(gzip.decompress(file.read_bytes()).splitlines()[0])
    # A second run has nothing to do; two years later the rest goes as well.
    assert thin(service, archives).archive is None
    second = thin(service, archives / "second", FAR)
    assert second.whole
    assert verify(service.engine) == []
    assert (
        json.loads(
            (archives / "second" / second.archive.name.replace(".ndjson.gz", ".manifest.json")).read_text()  # type: ignore[union-attr]
        )["previous"]
        == file.name
    )
    assert second.archive is not None
    restored(service, second.archive, file)
    assert everything(service) == before
    assert verify(service.engine) == []
    restored(service, second.archive, file)
    assert everything(service) == before
    # What came back is read as before.
    sold = next(batch for batch in town.batches if batch.owner is cast.stall)
    assert cast.stall.trace("back", custody=sold.output["custody_id"])["nodes"]


def test_a_dry_run_takes_nothing(cast: Cast, service: Service, town: Trade, archives: Path) -> None:
    before = everything(service)
    told: list[tuple[int, int]] = []
    dry = thin(service, archives, dry=True, told=lambda looked, all_: told.append((looked, all_)))
    assert everything(service) == before
    assert not archives.exists()
    assert told
    assert told[-1][0] <= told[-1][1] == len(before["custody"])
    assert thin(service, archives).custodies == dry.custodies


def test_nothing_young_goes(service: Service, town: Trade, archives: Path) -> None:
    report = thin(service, archives, datetime.now(UTC) + timedelta(days=100))
    assert (report.custodies, report.looked, report.archive) == (0, 0, None)


def old(cast: Cast, amount: str = "10") -> dict[str, Any]:
    return deliver(cast, harvest(cast), amount, cast.stall)


def test_nothing_goes_that_somebody_is_at(cast: Cast, service: Service, archives: Path) -> None:
    free, held, made, complained, alerted, numbered = (old(cast) for _ in range(6))
    hold = cast.regulator.record("hold", custody_id=held["custody_id"], scope="custody", reason="x")
    onward = cast.regulator.record("hold", custody_id=made["custody_id"], scope="downstream", reason="x")
    mixed = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(made, "1"), cast.item(free, "1")],
        outputs=[cast.output({"id": free["product_id"]}, "2")],
    )["outputs"][0]  # fmt: skip
    filed = cast.public.post(f"/c/{complained['code']}/reports", {"text": "x", "contact": "13900000000"})
    assert filed.status_code == 201
    cast.stall.record("certify", custody_id=alerted["custody_id"], document_id=paper(cast.stall))
    said = {"custody_id": alerted["custody_id"], "stage": "rapid", "item": "x", "verdict": "fail"}
    failed = cast.market.record("test", **said)
    cast.market.record("release", hold_event_id=failed["id"], reason="x")
    cast.stall.made("/code-jobs", {"ref": "u", "lot_id": numbered["lot_id"], "count": 5})
    everything_ = {each["custody_id"] for each in (held, made, complained, alerted, numbered, mixed, free)}
    thin(service, archives)
    assert everything_ <= custodies(service.engine)  # the free one is what the mixed one was made of

    cast.regulator.record("release", hold_event_id=hold["id"], reason="x")
    cast.regulator.record("release", hold_event_id=onward["id"], reason="x")
    [complaint] = cast.regulator.get("/reports").json()["items"]
    assert cast.regulator.patch(f"/reports/{complaint['id']}", {"state": "closed"}).status_code == 200
    for alert in cast.admin.get("/alerts").json()["items"]:
        assert cast.admin.patch(f"/alerts/{alert['id']}", {"state": "resolved"}).status_code == 200
    thin(service, archives / "2")
    left = custodies(service.engine)
    assert everything_ & left == {numbered["custody_id"]}
    assert cast.admin.get("/alerts").json()["items"] == []
    assert cast.public.get(f"/c/{complained['code']}").status_code == 404


def test_nothing_under_recall_or_in_an_open_case(cast: Cast, service: Service, archives: Path) -> None:
    recalled, cased = old(cast), old(cast)
    placed = cast.regulator.record("hold", custody_id=recalled["custody_id"], scope="lot", reason="x")
    cast.regulator.record("release", hold_event_id=placed["id"], reason="x")
    case, custody = UUID(int=7), UUID(cased["custody_id"])
    with service.engine.begin() as connection:
        connection.execute(update(tables.hold).values(recall_id=UUID(int=5)))
        connection.execute(tables.case_custody.insert().values(custody_id=custody, case_id=case))
        fields = {"record_time": LATER, "opened_by": case, "to_region": "3302", "starts": [], "reason": "x"}
        connection.execute(tables.case_file.insert().values(id=case, custodies=1, state="open", **fields))
    thin(service, archives)
    assert {recalled["custody_id"], cased["custody_id"]} <= custodies(service.engine)
    with service.engine.begin() as connection:
        connection.execute(update(tables.hold).values(recall_id=None))
        connection.execute(update(tables.case_file).values(state="closed"))
    thin(service, archives / "2")
    assert not {recalled["custody_id"], cased["custody_id"]} & custodies(service.engine)
    with service.engine.connect() as connection:
        assert connection.scalar(select(tables.case_custody.c.case_id)) is None


def test_what_a_young_chain_came_from_stays(cast: Cast, service: Service, archives: Path) -> None:
    spice = cast.farm.record("produce", outputs=[cast.output(cast.product("辣椒"), "10")])["outputs"][0]
    here, there = deliver(cast, spice, "5", cast.stall), deliver(cast, spice, "2", cast.other_stall)
    sauce = cast.stall.record(
        "transform", process="process", inputs=[cast.item(here, "1")],
        outputs=[cast.output(cast.product("酱", "prepared"), "1")],
    )["outputs"][0]  # fmt: skip
    salad = cast.other_stall.record(
        "transform", process="mix", inputs=[cast.item(there, "1")],
        outputs=[cast.output({"id": spice["product_id"]}, "1")],
    )["outputs"][0]  # fmt: skip
    scale = cast.scale(cast.other_stall)
    scale.sell(1, cast.item(there, "0.1"), cast.item(salad, "0.1"))
    scale.sell(2, cast.item(salad, "0.1"))
    before = everything(service)
    report = thin(service, archives)
    # The sauce is young; the peppers it came from stay, and what else their slips name; the salad of them goes.
    left = custodies(service.engine)
    assert {each["custody_id"] for each in (spice, here, there, sauce)} <= left
    assert salad["custody_id"] not in left
    assert report.rows["receipt"] == 1  # the other names peppers as well: its line forgets the salad
    assert verify(service.engine) == []
    restored(service, report.archive)  # type: ignore[arg-type]
    assert everything(service) == before


def test_sales_of_no_batch_go_after_the_longest_time(cast: Cast, service: Service, archives: Path) -> None:
    scale = cast.scale(cast.stall)
    loose = {"product_id": cast.product("葱")["id"], "quantity": quantity("1")}
    for number in (1, 2):
        scale.sell(number, loose)
    sale = scale.sale(2, loose) | {"event_time": ago(hours=2)}
    scale.post("/sales", {"sales": [sale]})
    assert thin(service, archives).archive is None
    before = everything(service)
    report = thin(service, archives, FAR)
    assert report.rows == {"alert": 1, "receipt": 2, "receipt_claim": 1, "receipt_line": 2}
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) == before


def test_who_complained_long_ago_is_a_hash(cast: Cast, service: Service, archives: Path) -> None:
    batch = old(cast)
    for number in range(2):
        said = {"text": "不新鲜", "contact": f"1390000000{number}"}
        assert cast.public.post(f"/c/{batch['code']}/reports", said).status_code == 201
    closed, open_ = cast.regulator.get("/reports").json()["items"]
    assert cast.regulator.patch(f"/reports/{closed['id']}", {"state": "closed"}).status_code == 200
    assert thin(service, archives).erased == 0
    assert thin(service, archives, FAR).erased == 1
    contacts = {one["id"]: one["contact"] for one in cast.regulator.get("/reports").json()["items"]}
    assert contacts[closed["id"]].startswith("hmac:")
    assert contacts[open_["id"]] == open_["contact"]
    assert thin(service, archives, FAR).erased == 0


def test_a_run_that_is_stopped_or_killed_goes_on(
    cast: Cast, service: Service, town: Trade, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "FAMILY", 1)
    monkeypatch.setattr("app.store.retention.PAGE", 5)
    before = everything(service)
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 3

    first = thin(service, archives, stop=stop)
    assert not first.whole
    assert first.archive is not None
    assert verify(service.engine) == []
    with pytest.raises(ArchiveUnusable, match="cut off"):
        restored(service, first.archive)
    told = cast.admin.get("/retention").json()
    assert (told["resumable"], told["state"], told["looked"]) == (True, "idle", first.looked)
    # Killed after the archive was written and before anything was deleted: that is written again.
    with first.archive.open("ab") as file:
        file.write(b"half a batch")
    # Told to stop by somebody else.
    second = thin(service, archives, told=lambda *_: service.writer.submit(cancel, retaining.NAME))
    assert not second.whole
    last = thin(service, archives)
    assert last.whole
    assert last.archive == first.archive
    assert verify(service.engine) == []
    told = cast.admin.get("/retention").json()
    assert (told["resumable"], told["rows"]["custody"]) == (False, last.custodies)
    restored(service, last.archive)
    assert everything(service) == before
    assert cast.regulator.get("/retention").status_code == 403


def test_what_a_kill_left_behind_is_taken_off_at_the_end(tmp_path: Path) -> None:
    path, now = tmp_path / "a.ndjson.gz", datetime.now(UTC)
    length = archive.header(path, now, "0001", ())
    whole = list(archive.read(path))
    with path.open("ab") as file:
        file.write(b"half a batch")
    archive.finish(path, length, {}, now, (), None)
    assert list(archive.read(path)) == whole


def test_what_changes_meanwhile_stays(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [old(cast) for _ in range(3)]
    planned = retaining.running.plan

    def planned_and_changed(*arguments: Any) -> Any:
        found = planned(*arguments)
        for change in changes:
            change()
        return found

    changes = iter(
        [
            lambda: cast.stall.record("sell", lines=[cast.item(batches[0], "1")]),
            lambda: cast.regulator.record("hold", custody_id=batches[1]["custody_id"], scope="lot", reason="x"),
            lambda: cast.regulator.record("hold", custody_id=batches[2]["custody_id"], scope="downstream", reason="x"),
        ]
    )
    monkeypatch.setattr("app.retaining.running.plan", planned_and_changed)
    monkeypatch.setattr(plans, "FAMILY", 1)
    report = thin(service, archives)
    assert report.changed == 3
    assert {batch["custody_id"] for batch in batches} <= custodies(service.engine)


@pytest.mark.parametrize("sold", [True, False])
def test_the_turn_is_lost_at_sales_of_no_batch(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch, sold: bool
) -> None:
    if sold:
        cast.scale(cast.stall).sell(1, {"product_id": cast.product("葱")["id"], "quantity": quantity("1")})
    loose = thinning.loose_receipts

    def stolen(*arguments: Any) -> Any:
        with service.engine.begin() as connection:
            connection.execute(update(tables.task).values(holder=UUID(int=1), lease_until=FAR))
        return loose(*arguments)

    monkeypatch.setattr("app.store.thinning.loose_receipts", stolen)
    before = everything(service)
    assert not thin(service, archives, FAR).whole
    assert everything(service) == before


def test_another_run_and_another_archive(cast: Cast, service: Service, archives: Path) -> None:
    old(cast)
    begun = thin(service, archives, stop=lambda: True)
    assert not begun.whole
    archives.mkdir(exist_ok=True)
    (archives / f"retention-{LATER:%Y%m%dT%H%M%SZ}.ndjson.gz").write_bytes(b"")
    with pytest.raises(ArchiveUnusable, match="there already"):
        thin(service, archives)
    with service.engine.begin() as connection:
        connection.execute(update(tables.task).values(holder=UUID(int=1), lease_until=FAR, state="running"))
    done = retaining.run(service.engine, service.writer, service.files, archives, b"", clock=lambda: LATER)
    assert done is None


@pytest.mark.parametrize("look", range(1, 10))
def test_a_run_loses_its_turn(cast: Cast, service: Service, archives: Path, look: int) -> None:
    old(cast)
    scale = cast.scale(cast.stall)
    scale.sell(1, {"product_id": cast.product("葱")["id"], "quantity": quantity("1")})
    looks = 0

    def steal(*_: Any) -> bool:
        nonlocal looks
        looks += 1
        if looks == look:
            with service.engine.begin() as connection:
                connection.execute(update(tables.task).values(holder=UUID(int=1), lease_until=FAR))
        return False

    report = thin(service, archives, FAR, stop=steal)
    assert report.whole is (looks < look)
    assert verify(service.engine) == []


@pytest.mark.parametrize("look", range(1, 10))
def test_a_run_stops_anywhere_and_goes_on(cast: Cast, service: Service, archives: Path, look: int) -> None:
    old(cast)
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks == look

    first = thin(service, archives, FAR, stop=stop)
    assert first.whole is (looks < look)
    if not first.whole:
        assert thin(service, archives, FAR).whole
    assert custodies(service.engine) == set()


def test_what_fails_is_done_again(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(cast)
    before = everything(service)
    with monkeypatch.context() as patch:
        patch.setattr("app.store.thinning.take", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            thin(service, archives)
    assert everything(service) == before
    done = thin(service, archives)
    assert done.whole
    assert done.rows["custody"] == 2
    assert done.archive is not None
    restored(service, done.archive)
    assert everything(service) == before


def test_what_is_named_meanwhile_stays(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = harvest(cast)
    item = {"product_id": source["product_id"], "quantity": quantity("5")}
    crate = cast.stall.record("receive", **{"from": {"name": "x"}}, items=[item])["outputs"][0]
    gap = cast.stall.trace("back", custody=crate["custody_id"])["gaps"][0]["node_id"]
    pepper = cast.farm.record("produce", outputs=[cast.output(cast.product("辣椒"), "10")])["outputs"][0]
    young = cast.product("酱", "prepared")
    for product in (young, {"id": pepper["product_id"]}):
        made = cast.farm.record(
            "transform", process="mix", inputs=[cast.item(pepper, "1")], outputs=[cast.output(product, "1")]
        )["outputs"][0]  # fmt: skip
    monkeypatch.setattr(plans, "FAMILY", 1)
    planned = retaining.running.plan
    changes = iter(
        [
            lambda: cast.stall.record("identify", gap_custody_id=gap, parent_custody_id=source["custody_id"]),
            lambda: cast.regulator.record("hold", custody_id=pepper["custody_id"], scope="downstream", reason="x"),
        ]
    )

    def planned_and_changed(*arguments: Any) -> Any:
        found = planned(*arguments)
        for change in changes:
            change()
        return found

    monkeypatch.setattr("app.retaining.running.plan", planned_and_changed)
    report = thin(service, archives)
    assert report.changed == 3
    assert {source["custody_id"], crate["custody_id"], gap, made["custody_id"]} <= custodies(service.engine)


def test_too_much_hangs_together(cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old(cast)
    monkeypatch.setattr(plans, "NODES", 1)
    report = thin(service, archives)
    assert (report.custodies, report.entangled) == (0, 2)
    dry = thin(service, archives, dry=True)
    assert dry.entangled == 2


def test_an_archive_that_is_damaged_or_of_other_tables(cast: Cast, service: Service, archives: Path) -> None:
    old(cast)
    file = thin(service, archives).archive
    assert file is not None
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    with pytest.raises(ArchiveUnusable, match="damaged"):
        restored(service, file)
    lines = gzip.decompress(whole).replace(b'"table":"custody"', b'"table":"unheard_of"')
    file.write_bytes(gzip.compress(lines))
    manifest = file.with_name(file.name.replace(".ndjson.gz", ".manifest.json"))
    about = json.loads(manifest.read_text()) | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(about))
    with pytest.raises(ArchiveUnusable, match="unheard_of"):
        restored(service, file)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_line(cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = old(cast)
    settings = service.settings
    monkeypatch.setenv("ONECODE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ONECODE_SECRET_FILE", str(settings.secret_file))
    monkeypatch.setenv("ONECODE_ARCHIVE_DIR", str(archives))
    rules = archives.with_name("rules.json")
    rules.write_text(
        json.dumps({"retention": [{"category": "vegetables", "months": 0, "after": "last", "source": "x"}]})
    )
    monkeypatch.setenv("ONECODE_RULES_FILE", str(rules))
    with service.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(days=3)
        connection.execute(update(tables.custody).values(arrived_at=past))

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli, ["retention", *arguments])

    before = everything(service)
    dry = run("run", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "could go: 2 custodies" in dry.output or "could go: 0 custodies" in dry.output
    done = run("run")
    assert done.exit_code == 0, done.output
    assert "nothing is running" in run("cancel").output
    for file in archives.glob("*.gz"):
        back = run("restore", str(file))
        assert back.exit_code == 0, back.output
    assert everything(service) == before
    missing = run("restore", str(archives / "none.ndjson.gz"))
    assert missing.exit_code == 1
    rules.write_text(json.dumps({"retention": [{"category": "x"}]}))
    assert run("run").exit_code == 1
    assert batch
