"""Captured goods that are past their retention: all that hangs together by its events goes in one piece, or stays."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Text, cast, select, update

from app.retaining import running
from app.store import entwined, tables
from app.store.check import verify
from app.store.engine import reading, writing
from app.web.service import Service
from tests.exchanging.world import (
    FARM,
    MARKET,
    PLANT,
    STALL,
    bring,
    declared,
    document,
    happened,
    made,
    packed,
    seen,
    some,
    turned,
)
from tests.oversight.test_retention import FAR, everything, restored, thin
from tests.support.cast import Cast

ORDER = {"bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000016:1"}]}
CRATE = "urn:epc:id:sscc:4012345.0000000{}"


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def chain(name: str, crate: int, hour: int = 0) -> list[dict[str, Any]]:
    """A lot that is made, packed, shipped in its crate, unpacked and turned into another."""
    unit = CRATE.format(crate)
    return [
        made(hour, FARM, some(name, 12.345678901234567890123)),
        packed(hour + 1, FARM, unit, some(name, 5)),
        {**seen(hour + 2, None, "shipping"), "readPoint": {"id": FARM}, "epcList": [unit]},
        {**seen(hour + 3, PLANT, "receiving"), "epcList": [unit]},
        packed(hour + 4, PLANT, unit, some(name, 5), action="DELETE"),
        turned(hour + 5, PLANT, [some(name, 5)], [some(f"{name}-made", 4)]),
        seen(hour + 6, MARKET, "receiving", some(f"{name}-made", 4)),
    ]


def goods(service: Service) -> set[str]:
    with service.engine.connect() as connection:
        return set(connection.scalars(select(tables.custody.c.epc).where(tables.custody.c.epc.is_not(None))))


def texts(service: Service) -> dict[str, str]:
    """Bodies as the database has them, with every digit."""
    with service.engine.connect() as connection:
        rows = connection.execute(select(tables.event.c.id, cast(tables.event.c.body, Text)))
        return {str(key): body for key, body in rows}


def test_captured_goods_go_and_come_back_row_by_row(cast: Cast, service: Service, archives: Path) -> None:
    wrong = made(1, FARM, some("X", 9))
    events = [*chain("A", 1), *chain("B", 2, 10), wrong]
    bring(service.writer, service.engine, document(*events, **{"ex:note": "kept"}), issue=True)
    bring(service.writer, service.engine, document(*chain("C", 3, 20), *chain("A", 1), declared(wrong)), issue=True)
    before, digits = everything(service), texts(service)
    assert verify(service.engine) == []
    assert thin(service, archives).archive is None  # two years from when they were captured

    report = thin(service, archives, FAR)
    assert report.rows["event"] == len(events) + 8
    assert verify(service.engine) == []
    after = everything(service)
    gone = "event", "epc_event", "epcis_event", "packing", "capture", "custody", "lot", "timeline", "correction"
    assert [after[name] for name in gone] == [set()] * len(gone)
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) == before
    assert texts(service) == digits
    assert verify(service.engine) == []
    # What is brought again is known.
    again = bring(service.writer, service.engine, document(*chain("A", 1)))
    assert {one.status for one in again.events} == {"duplicate"}


def test_what_shares_an_event_with_what_stays_stays(cast: Cast, service: Service, archives: Path) -> None:
    both = CRATE.format(9)
    events = [
        *chain("A", 1), *chain("B", 2), *chain("C", 3),
        packed(40, MARKET, both, some("A-made", 1), some("B-made", 1)),
        {**seen(41, STALL, "receiving"), "epcList": [both]},
    ]  # fmt: skip
    bring(service.writer, service.engine, document(*events), issue=True)
    with reading(service.engine) as snapshot:
        kept = snapshot.execute(
            select(tables.custody.c.id).where(tables.custody.c.epc.like("%A-made"), tables.custody.c.code.is_not(None))
        ).first()
    assert kept is not None
    hold = cast.admin.record("hold", custody_id=str(kept.id), scope="custody", reason="x")
    before = everything(service)
    dry = thin(service, archives, FAR, dry=True)
    report = thin(service, archives, FAR)
    left = goods(service)
    assert {epc.rpartition("/")[2] for epc in left} == {"A", "B", "A-made", "B-made"}
    assert (report.rows["custody"], report.entangled) == (dry.rows["custody"], 0)
    assert verify(service.engine) == []
    assert report.rows["event"] == 7
    # The document says of itself what is left of it.
    [named] = _captures(service)
    assert len(named) == len(events) - 7
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) == before
    assert verify(service.engine) == []
    cast.admin.record("release", hold_event_id=hold["id"], reason="x")
    thin(service, archives / "2", FAR)
    assert goods(service) == set()
    assert verify(service.engine) == []


def _captures(service: Service) -> list[list[Any]]:
    with service.engine.connect() as connection:
        return list(connection.scalars(select(tables.capture.c.event_ids)))


def test_what_comes_late_keeps_all_it_hangs_on(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(service.writer, service.engine, document(*chain("A", 1)), issue=True)
    planned = running.plan

    def and_more(*arguments: Any) -> Any:
        found = planned(*arguments)
        more = seen(60, STALL, "receiving", some("A-made", 1))
        bring(service.writer, service.engine, document(more), issue=True)
        return found

    monkeypatch.setattr("app.retaining.running.plan", and_more)
    report = thin(service, archives, FAR)
    assert report.changed == 1
    assert len(goods(service)) == 2
    assert verify(service.engine) == []


def test_too_much_hangs_together(cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(service.writer, service.engine, document(*chain("A", 1)), issue=True)
    monkeypatch.setattr(entwined, "EVENTS", 3)
    report = thin(service, archives, FAR)
    assert (report.custodies, report.entangled > 0) == (0, True)
    monkeypatch.undo()
    planned = running.plan

    def and_less(*arguments: Any) -> Any:
        found = planned(*arguments)
        monkeypatch.setattr(entwined, "EVENTS", 3)
        return found

    monkeypatch.setattr("app.retaining.running.plan", and_less)
    assert thin(service, archives, FAR).changed == 1


def later(event: dict[str, Any], days: int) -> dict[str, Any]:
    return {**event, "eventTime": (datetime.fromisoformat(event["eventTime"]) + timedelta(days=days)).isoformat()}


def test_a_crate_in_use_for_years_keeps_only_what_it_holds(cast: Cast, service: Service, archives: Path) -> None:
    """Its first use is past its retention, its second is not: what was in it then goes, with its events."""
    young = [later(event, 800) for event in chain("B", 1)]
    washed = later({**seen(12, PLANT, "storing"), "epcList": [CRATE.format(1)]}, 300)
    bring(service.writer, service.engine, document(*chain("A", 1), washed, *young), issue=True)
    before = everything(service)
    report = thin(service, archives, FAR)
    assert {epc.rpartition("/")[2] for epc in goods(service)} == {"B", "B-made"}
    assert report.rows["event"] == len(young) + 1
    assert verify(service.engine) == []
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) == before
    # A crate that lies in another one goes where that goes, emptied or not.
    outer = CRATE.format(7)
    nested = [
        {**later(packed(0, FARM, outer), -1), "childEPCs": [CRATE.format(1)]},
        later({**seen(14, STALL, "receiving"), "epcList": [outer]}, 800),
    ]
    bring(service.writer, service.engine, document(*nested), issue=True)
    again = thin(service, archives / "2", FAR)
    assert again.rows.get("event", 0) == 0
    assert len(goods(service)) == 4
    assert verify(service.engine) == []


@pytest.mark.parametrize("page", [200, 1])
def test_events_without_goods_are_thinned_as_well(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    sensed = {
        **seen(1, FARM, "sensor_reporting"),
        "readPoint": {"id": FARM},
        "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 4, "uom": "CEL"}]}],
    }
    unknown = {
        **happened(2, "TransactionEvent", FARM, "shipping", action="ADD"), **ORDER,
        "epcList": ["urn:epc:id:sgtin:4012345.012345.1"],
    }  # fmt: skip
    fresh = later({**sensed, "eventTime": "2026-02-02T08:00:00+08:00"}, 900)
    again = {**unknown, "eventTime": "2026-02-02T08:00:00+08:00"}
    brought = bring(service.writer, service.engine, document(sensed, unknown, again, fresh, *chain("A", 1)), issue=True)
    assert brought.refusals == []
    before = everything(service)
    monkeypatch.setattr(entwined, "PAGE", page)  # what hangs together is met on several pages, and goes once
    dry = thin(service, archives, FAR, dry=True)
    report = thin(service, archives, FAR)
    with service.engine.connect() as connection:
        left = connection.scalars(select(tables.event.c.event_time)).all()
    assert [time.year for time in left] == [2028]
    assert dry.rows == {name: number for name, number in report.rows.items() if number}
    assert verify(service.engine) == []
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) == before
    assert verify(service.engine) == []


def test_what_comes_to_loose_events_meanwhile_keeps_them(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = {
        **happened(2, "TransactionEvent", FARM, "shipping", action="ADD"),
        **ORDER,
        "quantityList": [some("A")],
    }
    bring(service.writer, service.engine, document(unknown))
    found = entwined.loose

    def and_goods(*arguments: Any) -> Any:
        pieces = found(*arguments)
        bring(service.writer, service.engine, document(made(3, FARM, some("A", 5))))
        return pieces

    monkeypatch.setattr(running.entwined, "loose", and_goods)
    assert thin(service, archives, FAR).changed == 1
    assert len(goods(service)) == 1
    monkeypatch.setattr(entwined, "EVENTS", 0)
    monkeypatch.setattr(running.entwined, "loose", found)
    assert thin(service, archives, FAR).entangled > 0
    assert verify(service.engine) == []


def test_the_turn_is_lost_at_loose_events(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {**happened(2, "TransactionEvent", FARM, "shipping", action="ADD"), **ORDER, "epcList": [CRATE.format(5)]}
    bring(service.writer, service.engine, document(alone))
    found = entwined.loose

    def and_lost(*arguments: Any) -> Any:
        with writing(service.engine) as connection:
            connection.execute(update(tables.task).values(holder=UUID(int=1), lease_until=FAR))
        return found(*arguments)

    monkeypatch.setattr(running.entwined, "loose", and_lost)
    assert not thin(service, archives, FAR).whole
    with service.engine.connect() as connection:
        assert len(connection.scalars(select(tables.event.c.id)).all()) == 1
