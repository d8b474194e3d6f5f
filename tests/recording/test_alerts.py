"""Alerts: raised with what causes them, once, and read by who answers for the place."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.domain.alerts import ALERTS, Severity
from app.store import tables
from app.web.service import Service
from tests.recording.conftest import deliver, harvest, until
from tests.support.cast import Actor, Cast, Scale, ago, quantity
from tests.support.story import day


@pytest.fixture
def batch(cast: Cast) -> dict[str, Any]:
    """Ten kilograms on the stall."""
    return deliver(cast, harvest(cast), "10", cast.stall)


def alerts(actor: Actor, **params: Any) -> list[dict[str, Any]]:
    """The first page of what the actor reads, the oldest first."""
    answer = actor.get("/alerts", params=params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    for alert in body["items"]:
        chinese, _, english = alert["detail"].partition(" · ")
        assert chinese
        assert english
        assert alert["severity"] == ALERTS[alert["slug"]].severity
    return list(reversed(body["items"]))


def slugs(actor: Actor, **params: Any) -> list[str]:
    return [alert["slug"] for alert in alerts(actor, **params)]


def post(scale: Scale, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    answer = scale.post("/sales", {"sales": list(sales)})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_a_sale_of_held_goods_is_one_alert_a_batch_and_day(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    other = deliver(cast, harvest(cast), "10", cast.stall)
    for each in (batch, other):
        cast.regulator.record("hold", custody_id=each["custody_id"], scope="custody", reason="x")
    line, second = cast.item(batch, "1"), cast.item(other, "1")
    first = scale.sale(0, line, second)
    outcomes = post(scale, first, scale.sale(1, line, second), scale.sale(2, second))
    post(scale, first, scale.sale(4, line))
    found = alerts(cast.regulator)
    assert [alert["slug"] for alert in found] == ["held_goods"] * 2
    assert {alert["custody_id"] for alert in found} == {batch["custody_id"], other["custody_id"]}
    for alert in found:
        assert alert["receipt_code"] == outcomes[0]["receipt_code"]
        assert (alert["site_id"], alert["party_id"]) == (cast.stall.site["id"], cast.stall.party["id"])
        assert (alert["device_id"], alert["event_id"]) == (scale.activation["device_id"], None)
        assert alert["severity"] == Severity.GRAVE
    post(scale, scale.sale(5, line) | {"event_time": ago(days=1, hours=1)})
    assert slugs(cast.regulator) == ["held_goods"] * 3


def test_what_should_not_have_been_sold(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    item = {"product_id": batch["product_id"], "quantity": quantity("5"), "expires_on": day(-1), "produced_on": day(-9)}
    [old] = cast.stall.record("receive", **{"from": {"name": "x"}}, items=[item])["outputs"]
    used = {"kind": "veterinary", "name": "土霉素", "used_on": day(-1), "withdrawal_until": day(2)}
    fresh = cast.farm.record("produce", outputs=[cast.output({"id": batch["product_id"]}, "9")], inputs_used=[used])
    early = deliver(cast, fresh["outputs"][0], "9", cast.stall)
    refused = deliver(cast, harvest(cast), "9", cast.stall)
    cast.market.record("admit", custody_ids=[refused["custody_id"]])
    each = [(old, "1"), (early, "1"), (refused, "1"), (batch, "99")]
    post(scale, *(scale.sale(counter, cast.item(*sold)) for counter, sold in enumerate(each)))
    expected = ["expired_goods", "withdrawal_period", "refused_goods", "more_than_there"]
    assert sorted(slugs(cast.stall)) == sorted(expected)
    # A trader that has no scale says the same by an event.
    cast.stall.record("sell", lines=[cast.item(old, "1")])
    found = [alert for alert in alerts(cast.stall) if alert["event_id"] is not None]
    assert [alert["slug"] for alert in found] == ["expired_goods"]
    assert found[0]["receipt_code"] is None


def test_a_counter_that_is_used_again(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    first, other = (scale.sale(1, cast.item(batch, value)) for value in ("1", "2"))
    for _ in range(2):
        post(scale, first, other, scale.sale(2, cast.item(batch, "1")), scale.sale(2, cast.item(batch, "2")))
    [alert] = alerts(cast.market)
    assert (alert["slug"], alert["device_id"]) == ("counter_reused", scale.activation["device_id"])


def test_a_clock_that_is_ahead(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    late = {"event_time": ago(minutes=-30)}
    post(scale, *(scale.sale(counter, cast.item(batch, "0.1")) | late for counter in range(3)))
    assert slugs(cast.admin) == ["clock_ahead"]
    # A person's own clock is nobody's alarm, a device's is.
    cast.stall.record("sell", lines=[cast.item(batch, "1")], **late)
    assert slugs(cast.admin) == ["clock_ahead"]
    scale.record("sell", lines=[cast.item(batch, "1")], **late)
    assert slugs(cast.admin) == ["clock_ahead"] * 2


def test_a_failed_test_and_its_replacement(cast: Cast, batch: dict[str, Any]) -> None:
    said = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "甲胺磷"}
    cast.lab.record("test", **said, verdict="pass")
    wrong = cast.lab.record("test", **said, verdict="pass")
    assert slugs(cast.regulator) == []
    failed = cast.lab.record("test", **said, verdict="fail")
    [alert] = alerts(cast.regulator)
    assert (alert["slug"], alert["event_id"]) == ("failed_test", failed["id"])
    assert (alert["custody_id"], alert["party_id"]) == (batch["custody_id"], cast.stall.party["id"])
    assert "甲胺磷" in alert["detail"]
    replacement = cast.lab.event("test", **said, verdict="fail")
    corrected = cast.lab.record("correct", event_id=wrong["id"], reason="incorrect_data", replacement=replacement)
    assert [each["event_id"] for each in alerts(cast.regulator)] == [failed["id"], corrected["id"]]


def test_a_refused_device_is_one_alert_a_day(cast: Cast, batch: dict[str, Any], service: Service) -> None:
    scale = cast.scale(cast.stall)
    device = scale.activation["device_id"]
    sale = {"sales": [scale.sale(1, cast.item(batch, "1"))]}
    assert scale.post("/sales", sale).status_code == 200
    answer = cast.market.patch(f"/devices/{device}", {"status": "locked"})
    assert answer.status_code == 200
    until(lambda: scale.post("/sales", sale).status_code == 403)
    until(lambda: len(alerts(cast.market)) == 1)
    service.keys._alarmed.clear()  # as after a restart
    for _ in range(5):
        assert scale.post("/sales", sale).status_code == 403
    wrong = scale.activation["key"][:-1] + ("0" if scale.activation["key"][-1] != "0" else "1")
    stranger = Actor(cast.client, wrong)
    assert stranger.post("/sales", sale).status_code == 401
    cast.market.record("hold", custody_id=batch["custody_id"], scope="custody", reason="x")  # after what has queued up
    [alert] = alerts(cast.market)
    assert (alert["slug"], alert["device_id"], alert["receipt_code"]) == ("refused_device", device, None)
    assert "设备已锁定" in alert["detail"]


def test_a_revoked_key_of_a_device(cast: Cast) -> None:
    scale = cast.scale(cast.stall)
    key = scale.key
    assert key is not None
    answer = cast.admin.post(f"/keys/{UUID(hex=key.split('_')[1])}/revoke")
    assert answer.status_code == 200
    until(lambda: scale.get("/products").status_code == 401)
    until(lambda: slugs(cast.stall) == ["refused_device"])
    # A person's revoked key is no device that is lost.
    spare = cast.admin.made("/keys", {"role": "vendor", "name": "x", "party_id": cast.stall.party["id"]})
    cast.admin.post(f"/keys/{spare['id']}/revoke")
    person = Actor(cast.client, spare["key"])
    until(lambda: person.get("/products").status_code == 401)
    assert slugs(cast.stall) == ["refused_device"]


def test_who_reads_which(cast: Cast, batch: dict[str, Any]) -> None:
    market = cast.enrol("market", "城东市场", "market", "market", region="330203")
    stall = cast.enrol("vendor", "城东一号摊", "vendor", "stall", parent=market, region="330203")
    elsewhere = deliver(cast, harvest(cast), "10", stall)
    for actor, goods in ((cast.stall, batch), (stall, elsewhere)):
        scale = cast.scale(actor)
        post(scale, scale.sale(1, cast.item(goods, "99")))
    here, there = cast.stall.site["id"], stall.site["id"]
    for actor, sites in (
        (cast.admin, [here, there]), (cast.regulator, [here]), (cast.other_regulator, [there]), (cast.market, [here]),
        (market, [there]), (cast.stall, [here]), (stall, [there]), (cast.other_stall, []), (cast.farm, []),
        (cast.lab, []), (cast.scale(cast.other_stall), []),
    ):  # fmt: skip
        assert [alert["site_id"] for alert in alerts(actor)] == sites
    assert [alert["site_id"] for alert in alerts(cast.admin, site=market.site["id"])] == [there]
    assert [alert["site_id"] for alert in alerts(cast.admin, site=here)] == [here]
    assert alerts(cast.regulator, site=there) == []


def test_pages_and_filters(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    others = [deliver(cast, harvest(cast), "10", cast.stall) for _ in range(4)]
    for counter, each in enumerate(others):
        post(scale, scale.sale(counter, cast.item(each, "99")))
    post(scale, scale.sale(0, cast.item(batch, "1")))
    assert slugs(cast.stall, slug="counter_reused") == ["counter_reused"]
    everything = alerts(cast.stall)
    assert len(everything) == 5
    since = everything[2]["record_time"]
    assert alerts(cast.stall, since=since) == everything[2:]
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        body = cast.stall.get("/alerts", params={"limit": 2, **cursor}).json()
        seen += body["items"]
        if body["next"] is None:
            break
        cursor = {"cursor": body["next"]}
    assert list(reversed(seen)) == everything
    for wrong in ({"slug": "unheard-of"}, {"site": "x"}, {"since": "yesterday"}):
        assert cast.stall.get("/alerts", params=wrong).status_code == 400


def test_an_alert_is_written_with_its_cause_or_not_at_all(cast: Cast, batch: dict[str, Any], service: Service) -> None:
    """What is refused gives no alarm: the alert belongs to what was recorded."""
    cast.stall.refused("sell", 403, lines=[cast.item(harvest(cast), "999")])
    with service.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.alert)) == 0


def test_a_clock_that_jumps_ahead_makes_no_alert_for_every_day_it_names(cast: Cast, batch: dict[str, Any]) -> None:
    scale = cast.scale(cast.stall)
    line = cast.item(batch, "99999")
    for counter in range(1, 21):
        ahead = scale.sale(counter, line) | {"event_time": ago(days=-counter)}
        again = ahead | {"lines": [cast.item(batch, "1")]}
        answer = scale.post("/sales", {"sales": [ahead, again]})
        assert [answer.json()[status] for status in ("recorded", "conflict")] == [1, 1], answer.text
    found = [alert["slug"] for alert in cast.market.get("/alerts").json()["items"]]
    assert sorted(found) == ["clock_ahead", "counter_reused", "more_than_there"]
