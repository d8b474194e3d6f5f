"""Rapid-test instruments (快检仪): devices that test in the name of the market that they stand in, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.recording.conftest import Books, deliver, harvest, slugs, until
from tests.support.cast import Actor, Cast, Scale, ago


def set_up(cast: Cast, keeper: Actor, **fields: Any) -> Any:
    return keeper.post(
        "/devices", {"name": "快检仪", "kind": "instrument", "site_id": cast.market.site["id"], **fields}
    )


@pytest.fixture
def instrument(cast: Cast) -> Scale:
    """An instrument of the market, activated; its site is the market's."""
    code = set_up(cast, cast.market).json()["activation_code"]
    told = cast.public.post("/devices/activate", {"activation_code": code}).json()
    return Scale(cast.client, told["key"], cast.market.party, {}, activation=told)


def rapid(batch: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "custody_id": batch["custody_id"],
        "stage": "rapid",
        "item": "农药残留",
        "method": "GB/T 5009.199",
        **fields,
    }


def test_it_tests_for_its_market(cast: Cast, instrument: Scale, books: Books) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    passed = instrument.record("test", **rapid(batch, value="12.5", unit="%"))
    assert passed["decision"] == "pass"
    [test] = cast.public.scan(batch["code"])["tests"]
    assert (test["verdict"], test["party"]["name"], test["contest_until"]) == ("pass", "城西农贸市场", None)
    # The event is the market's to read, under the instrument's own name.
    [event] = [event for event in cast.market.get("/events").json()["items"] if event["kind"] == "test"]
    assert (event["id"], event["role"], event["party_id"]) == (passed["id"], "device", cast.market.party["id"])
    assert instrument.get("/events").json()["items"] == [event]


def test_a_fail_holds_and_the_market_releases(cast: Cast, instrument: Scale, books: Books) -> None:
    lot = harvest(cast)
    here, there = (deliver(cast, lot, "10", stall) for stall in (cast.stall, cast.other_stall))
    failed = instrument.record("test", **rapid(here, value="71.5", unit="%", event_time=ago(minutes=1)))
    assert (failed["decision"], slugs(failed)) == ("fail", ["failed_test"])
    [hold] = books.holds(here)
    assert (hold.scope, hold.authority, str(hold.placed_by)) == ("lot", 1, cast.market.party["id"])
    assert cast.public.scan(there["code"])["status"] == "held"
    [test] = cast.public.scan(here["code"])["tests"]
    until_then = datetime.fromisoformat(test["contest_until"])
    assert until_then == datetime.fromisoformat(failed["record_time"]) + timedelta(hours=4)
    until(lambda: [alert["slug"] for alert in cast.market.get("/alerts").json()["items"]] == ["failed_test"])
    # Neither the stall nor the instrument lifts it.
    for actor in (cast.stall, instrument):
        assert actor.refused("release", 403, hold_event_id=failed["id"], reason="x")["type"].endswith("not-record")
    cast.lab.record("test", custody_id=here["custody_id"], stage="laboratory", item="农药残留", verdict="pass")
    cast.market.record("release", hold_event_id=failed["id"], reason="复检合格 · retest passed")
    assert cast.public.scan(there["code"])["status"] == "ok"
    assert cast.public.scan(here["code"])["tests"][0]["contest_until"] is None


def test_it_tests_what_is_on_its_way(cast: Cast, instrument: Scale) -> None:
    lot = harvest(cast)
    elsewhere = instrument.refused("test", 403, **rapid(lot, verdict="pass"))
    assert elsewhere["type"] == "/problems/not-yours"
    cast.farm.record("ship", items=[cast.item(lot, "10")], to_site_id=cast.stall.site["id"])
    tested = instrument.record("test", **rapid(lot, verdict="fail"))
    # It is the market's hold all the same.
    assert cast.market.record("release", hold_event_id=tested["id"], reason="复检合格")["status"] == "recorded"


def test_it_corrects_its_own(cast: Cast, instrument: Scale, books: Books) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    wrong = instrument.record("test", **rapid(batch, value="71.5", unit="%"))
    replacement = instrument.event("test", **rapid(batch, value="7.15", unit="%"))
    instrument.record("correct", event_id=wrong["id"], reason="incorrect_data", replacement=replacement)
    assert books.holds(batch) == []
    assert [test["verdict"] for test in cast.public.scan(batch["code"])["tests"]] == ["pass"]


def test_it_does_nothing_else(cast: Cast, instrument: Scale) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    sale = {"lines": [cast.item(batch, "1")], "site_id": cast.market.site["id"]}
    for kind, fields in (("sell", sale), ("hold", {"custody_id": batch["custody_id"], "scope": "lot", "reason": "x"})):
        problem = instrument.refused(kind, 403, **fields)
        assert problem["type"] == "/problems/role-may-not-record"
    answer = instrument.post("/sales", {"sales": [instrument.sale(0, cast.item(batch, "1"))]})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/role-may-not-record")
    scale = cast.scale(cast.stall)
    assert scale.refused("test", 403, **rapid(batch, verdict="pass"))["type"] == "/problems/role-may-not-record"
    actions = [action["kind"] for action in instrument.scan(batch["code"])["actions"]]
    assert actions == ["test", "trace_back", "trace_forward"]


def test_nobody_speaks_for_a_market_but_itself(cast: Cast, instrument: Scale) -> None:
    """An instrument's passed test opens the gate: a stall that could set one up would test its own goods."""
    at_stall = {"site_id": cast.stall.site["id"]}
    assert set_up(cast, cast.stall, **at_stall).status_code == 403
    at_farm = {"site_id": cast.farm.site["id"]}
    assert set_up(cast, cast.farm, **at_farm).status_code == 403
    assert set_up(cast, cast.admin, **at_farm).status_code == 201
    device = set_up(cast, cast.market, **at_stall, name="摊上的快检仪").json()
    scale = cast.stall.made("/devices", {"name": "秤", "kind": "scale", **at_stall})
    for path, change in (
        (f"/devices/{scale['id']}", {"kind": "instrument"}),
        (f"/devices/{device['id']}", {"kind": "scale"}),
        (f"/devices/{device['id']}", {"name": "我的"}),
    ):
        assert cast.stall.patch(path, change).json()["type"] == "/problems/forbidden"
    assert cast.stall.post(f"/devices/{device['id']}/activation").status_code == 403
    assert cast.market.post(f"/devices/{device['id']}/activation").status_code == 200
    # A lost one is locked by whoever sees that it is.
    assert cast.stall.patch(f"/devices/{device['id']}", {"status": "locked"}).json()["status"] == "locked"
    # A market that has a stall in another market does not speak for that one.
    stranger = cast.enrol("market", "城东市场", "market", "market")
    stranger.site = cast.site(stranger, "城东市场直营摊", "stall", parent=cast.market)
    assert set_up(cast, stranger, site_id=stranger.site["id"]).status_code == 403
