"""The sweep: raises what it finds once, goes on where it was cut off, takes turns with others."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from app.__main__ import cli
from app.overseeing import NAME, Sweep, Sweeper, Watch, sweep
from app.recording.tasks import Step, TakeTurn, cancel, give_back, note_step, take_turns
from app.store import tables, tasks
from app.store.writer import Transaction, Writer
from app.web.service import Service
from tests.recording.conftest import deliver, harvest, paper, until
from tests.support.cast import CHINA, Cast
from tests.support.story import day

NOON = datetime.now(CHINA).replace(hour=12, minute=0, second=0, microsecond=0)


def swept(service: Service, **options: Any) -> Sweep:
    now = options.pop("now", datetime.now(UTC))
    done = sweep(service.engine, service.writer, clock=lambda: now, **options)
    assert done is not None
    return done


def alerts(cast: Cast, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cast.admin.get("/alerts", params=params).json()["items"]
    return items


def test_findings_become_alerts_once_and_share_their_id(cast: Cast, service: Service) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    cast.stall.record("sell", lines=[cast.item(batch, "30")])
    [finding] = cast.regulator.get("/findings").json()["items"]
    assert swept(service) == Sweep({"sold_more_than_received": 1}, True)
    [alert] = alerts(cast, slug="sold_more_than_received")
    assert {name: alert[name] for name in ("id", "detail", "severity", "site_id", "party_id", "custody_id")} == {
        name: finding[name] for name in ("id", "detail", "severity", "site_id", "party_id", "custody_id")
    }
    # It is an office's: the market works on it and does not close it.
    assert cast.market.patch(f"/alerts/{alert['id']}", {"state": "resolved"}).status_code == 403
    assert cast.regulator.patch(f"/alerts/{alert['id']}", {"state": "resolved"}).status_code == 200
    assert swept(service) == Sweep({}, True)
    [alert] = alerts(cast, slug="sold_more_than_received")
    assert alert["state"] == "resolved"


def test_a_sweep_that_was_cut_off_goes_on(cast: Cast, service: Service) -> None:
    for stall in (cast.stall, cast.other_stall):
        batch = deliver(cast, harvest(cast), "10", stall)
        stall.record("sell", lines=[cast.item(batch, "30")])
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 4

    assert swept(service, stop=stop).whole is False
    with service.engine.connect() as connection:
        cut = tasks.read(connection, NAME)
    assert (cut.state, cut.holder, cut.finished_at) == ("idle", None, None)
    assert cut.place is not None
    assert cut.place["cursor"] is not None
    told: list[str] = []
    assert swept(service, told=lambda step, number: told.append(step)).whole is True
    assert set(told) >= {"devices", "licences", "papers"}
    assert len(alerts(cast, slug="sold_more_than_received")) == 2
    # The first of the day looks at everything, the next at what is recent.
    told.clear()
    assert swept(service, told=lambda step, number: told.append(step)).whole is True
    assert set(told) <= {"findings", "devices"}
    looks = 4
    assert swept(service, stop=stop, now=datetime.now(UTC) + timedelta(days=1)).whole is False


def test_a_stop_between_other_steps(cast: Cast, service: Service) -> None:
    steps: list[str] = []
    assert swept(service, told=lambda step, number: steps.append(step), stop=lambda: "devices" in steps).whole is False
    with service.engine.connect() as connection:
        cut = tasks.read(connection, NAME)
    assert cut.place is not None
    assert cut.place["step"] == "licences"


def test_scales_that_fall_silent(cast: Cast, service: Service) -> None:
    batch = deliver(cast, harvest(cast), "100", cast.stall)
    scale = cast.scale(cast.stall, "三号秤")
    new = cast.scale(cast.other_stall)
    locked = cast.scale(cast.other_stall, "锁定的秤")
    for number, days in enumerate((1, 2, 4)):
        sale = scale.sale(number, cast.item(batch, "1")) | {"event_time": (NOON - timedelta(days=days)).isoformat()}
        assert scale.post("/sales", {"sales": [sale]}).json()["recorded"] == 1
    for each in (scale, new, locked):
        assert each.get("/devices/me").status_code == 200
    devices = [UUID(each.activation["device_id"]) for each in (scale, new, locked)]
    report = tables.device_report.c

    def seen(at: datetime) -> None:
        with service.engine.begin() as connection:
            connection.execute(update(tables.device_report).values(seen_at=at))

    def reported() -> bool:
        with service.engine.connect() as connection:
            return set(connection.scalars(select(report.device_id))) >= set(devices)

    until(reported)
    assert cast.admin.patch(f"/devices/{devices[2]}", {"status": "locked"}).status_code == 200
    seen(NOON - timedelta(hours=3))
    assert swept(service, now=NOON).raised == {}
    seen(NOON - timedelta(hours=5))
    assert swept(service, now=NOON).raised == {"silent_device": 1}
    [alert] = alerts(cast, slug="silent_device")
    assert (alert["device_id"], alert["site_id"]) == (str(devices[0]), cast.stall.site["id"])
    assert "三号秤" in alert["detail"]
    assert swept(service, now=NOON + timedelta(hours=1)).raised == {}
    # At night nobody expects a call.
    seen(NOON.replace(hour=18))
    assert swept(service, now=NOON.replace(hour=23)).raised == {}
    assert swept(service, now=NOON, watch=Watch(silent=timedelta(hours=9))).raised == {}


def test_licences_and_papers_that_run_out(cast: Cast, service: Service) -> None:
    licence = {"scheme": "JY", "number": "JY13301060012345"}

    def licensed(name: str, last: str, **fields: Any) -> dict[str, Any]:
        body = {"name": name, "kind": "vendor", "region": "330106", "licences": [{**licence, "expires_on": last}]}
        return cast.admin.made("/parties", body | fields)

    old, soon = licensed("过期店", day(-1)), licensed("将到期店", day(20))
    licensed("长期店", day(200))
    gone = licensed("关门店", day(-1))
    assert cast.admin.patch(f"/parties/{gone['id']}", {"status": "locked", "status_reason": "x"}).status_code == 200
    expired = paper(cast.stall, "business_licence", number="B-1", expires_on=day(-2))
    replaced = paper(cast.other_stall, "business_licence", number="B-2", expires_on=day(-2))
    good = paper(cast.other_stall, "business_licence", number="B-3", expires_on=day(90))
    for actor, documents in ((cast.stall, [expired]), (cast.other_stall, [replaced, good])):
        for document in documents:
            actor.record("certify", site_id=actor.site["id"], document_id=document)
    deposited = paper(cast.farm, "production_licence", number="P-1", expires_on=day(-3))
    assert deposited
    raised = swept(service).raised
    assert raised == {"licence_expired": 1, "licence_expiring": 1, "paper_expired": 3}
    [one] = alerts(cast, slug="licence_expired")
    assert (one["party_id"], "过期店" in one["detail"]) == (old["id"], True)
    [one] = alerts(cast, slug="licence_expiring")
    assert (one["party_id"], one["severity"]) == (soon["id"], "notice")
    papers = alerts(cast, slug="paper_expired")
    assert {(one["site_id"], one["party_id"]) for one in papers} == {
        (cast.stall.site["id"], cast.stall.party["id"]), (cast.farm.site["id"], cast.farm.party["id"]),
    }  # fmt: skip
    assert alerts(cast, slug="paper_expired", region="330122")[0]["party_id"] == cast.farm.party["id"]


def test_who_has_no_site_and_who_has_several(cast: Cast, service: Service) -> None:
    cast.site(cast.stall, "外区分店", "shop", region="330109")
    number = {"licences": [{"scheme": "JY", "number": "JY13301060012345", "expires_on": day(-1)}]}
    assert cast.admin.patch(f"/parties/{cast.stall.party['id']}", number).status_code == 200
    assert swept(service).raised == {"licence_expired": 1}
    assert [one["site_id"] for one in alerts(cast)] == [cast.stall.site["id"]]


def test_processes_take_turns(engine: Engine, writer: Writer) -> None:
    first, second = uuid4(), uuid4()
    assert writer.submit(take_turns, TakeTurn("t", first)) is not None
    assert writer.submit(take_turns, TakeTurn("t", second)) is None
    assert writer.submit(take_turns, TakeTurn("t", first)) is not None
    with engine.begin() as connection:
        connection.execute(update(tables.task).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert writer.submit(take_turns, TakeTurn("t", second)) is not None

    def step(transaction: Transaction, steps: Any) -> Any:
        return [note_step(transaction, each) for each in steps]

    assert writer.submit(step, Step("t", first, {"n": 1}, {})) is False
    assert writer.submit(step, Step("t", second, {"n": 1}, {"done": 1})) is True
    assert writer.submit(cancel, "t") is True
    assert writer.submit(cancel, "u") is False
    assert writer.submit(step, Step("t", second, {"n": 2}, {"done": 2})) is True
    assert writer.submit(step, Step("t", second, {"n": 3}, {"done": 3})) is False
    with engine.connect() as connection:
        left = tasks.read(connection, "t")
    assert (left.holder, left.place, left.counts, left.state) == (None, {"n": 2}, {"done": 2}, "idle")
    # Cut off, it is due at once; ended, only after its time.
    hour = timedelta(hours=1)
    assert writer.submit(take_turns, TakeTurn("t", first, hour)) is not None
    writer.submit(give_back, Step("t", second, None, {}))
    assert writer.submit(step, Step("t", first, None, {}, done=True)) is True
    assert writer.submit(take_turns, TakeTurn("t", first, hour)) is None


def test_another_process_takes_the_turn_away(cast: Cast, service: Service) -> None:
    def steal(step: str, number: int) -> None:
        with service.engine.begin() as connection:
            connection.execute(update(tables.task).values(holder=uuid4()))

    assert swept(service, told=steal).whole is False
    assert sweep(service.engine, service.writer, clock=lambda: datetime.now(UTC)) is None


def test_the_thread_sweeps_and_counts(cast: Cast, service: Service) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    cast.stall.record("sell", lines=[cast.item(batch, "30")])
    counted: dict[str, int] = {}
    sweeper = Sweeper(
        service.engine, service.writer, timedelta(seconds=0.1), service.rules, Watch(),
        lambda name, number: counted.__setitem__(name, counted.get(name, 0) + number),
    )  # fmt: skip
    sweeper.start()
    until(lambda: counted.get("sweeps", 0) > 0)
    sweeper.close()
    assert counted["sweep_alerts"] == 1
    assert sweeper.age < 60
    assert "onecode_sweep_age_seconds" in cast.public.get("https://food.example.cn/metrics").text
    idle = Sweeper(service.engine, service.writer, timedelta(0), service.rules, Watch(), lambda name, number: None)
    idle.start()
    idle.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_sweep_is_put_off_while_the_database_is_away(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.writer.close()
    sweeper = Sweeper(
        service.engine, service.writer, timedelta(seconds=0.05), service.rules, Watch(), lambda name, number: None
    )
    sweeper.start()
    until(lambda: "put off" in caplog.text)
    sweeper.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_line(cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    cast.stall.record("sell", lines=[cast.item(batch, "30")])
    monkeypatch.setenv("ONECODE_DATABASE_URL", service.settings.database_url)
    monkeypatch.setenv("ONECODE_SECRET_FILE", str(service.settings.secret_file))
    done = CliRunner().invoke(cli, ["sweep"])
    assert done.exit_code == 0, done.output
    assert "sold_more_than_received 1" in done.output
    with service.engine.begin() as connection:
        lease = datetime.now(UTC) + timedelta(hours=1)
        connection.execute(update(tables.task).values(holder=uuid4(), lease_until=lease))
    assert CliRunner().invoke(cli, ["sweep"]).exit_code == 1
