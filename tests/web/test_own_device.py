"""GET /api/v1/devices/me, and what a device says of itself as it calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.store.errors import QueueFull
from app.web import reports
from app.web.service import Service
from tests.recording.conftest import deliver, harvest, until
from tests.support.cast import Cast, Scale

ME = "/devices/me"


@pytest.fixture
def scale(cast: Cast) -> Scale:
    return cast.scale(cast.stall, "一号秤")


def reactivated(cast: Cast, scale: Scale) -> Scale:
    """The same scale after a reset."""
    device = scale.activation["device_id"]
    code = cast.market.post(f"/devices/{device}/activation").json()["activation_code"]
    told = cast.public.post("/devices/activate", {"activation_code": code}).json()
    return Scale(scale.client, told["key"], scale.party, scale.site, activation=told)


def test_all_that_a_receipt_s_header_needs(cast: Cast, scale: Scale) -> None:
    answer = scale.get(ME)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    told = answer.json()
    assert abs(datetime.fromisoformat(told.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
    stall, market = told.pop("site"), told.pop("market")
    assert told == {
        "id": scale.activation["device_id"], "number": scale.activation["device_number"], "name": "一号秤",
        "kind": "scale", "serial": None, "status": "active", "epoch": 1, "next_counter": 0,
        "party_name": "一号摊经营户", "party_code": cast.stall.party["code"],
        "receipt_url": "HTTPS://FOOD.EXAMPLE.CN/C/",
    }  # fmt: skip
    assert (stall["code"], stall["name"]) == (cast.stall.site["code"], "一号摊经营户")
    assert (market["code"], market["name"]) == (cast.market.site["code"], "城西农贸市场")
    for actor in (cast.stall, cast.admin):
        assert actor.get(ME).status_code == 403


def test_a_shop_that_stands_alone_is_its_own_market(cast: Cast) -> None:
    shop = cast.enrol("vendor", "街角小店", "vendor", "shop")
    told = cast.scale(shop).get(ME).json()
    assert told["market"] == told["site"]


def test_where_the_numbering_goes_on(cast: Cast, scale: Scale) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    other = cast.scale(cast.stall, "二号秤")
    other.sell(900, cast.item(batch, "1"))
    for counter in (0, 7, 3):
        scale.sell(counter, cast.item(batch, "1"))
    assert scale.get(ME).json()["next_counter"] == 8
    # After a reset it counts from the start, under a new epoch, and late sales of the old one change nothing of it.
    anew = reactivated(cast, scale)
    assert (anew.activation["epoch"], anew.activation["next_counter"]) == (2, 0)
    told = anew.get(ME).json()
    assert (told["epoch"], told["next_counter"]) == (2, 0)
    anew.sell(0, cast.item(batch, "1"))
    assert anew.get(ME).json()["next_counter"] == 1


class TestReports:
    def seen(self, cast: Cast, scale: Scale) -> dict[str, Any]:
        answer = cast.stall.get(f"/devices/{scale.activation['device_id']}").json()
        [listed] = [each for each in cast.market.get("/devices").json()["items"] if each["id"] == answer["id"]]
        said = ("last_seen", "firmware", "clock_skew_seconds")  # which may have come in between
        assert {**answer, **{name: listed[name] for name in said}} == listed
        return {name: listed[name] for name in said}

    def test_firmware_and_clock_are_kept(self, cast: Cast, scale: Scale) -> None:
        assert self.seen(cast, scale) == {"last_seen": None, "firmware": None, "clock_skew_seconds": None}
        begun = datetime.now(UTC)
        slow = (begun - timedelta(minutes=2)).isoformat()
        scale.get(f"{ME}/stock", headers={"X-Device-Firmware": "ACS-30 2.4.1", "X-Device-Time": slow})
        until(lambda: self.seen(cast, scale)["firmware"] == "ACS-30 2.4.1")
        said = self.seen(cast, scale)
        assert -180 < said["clock_skew_seconds"] <= -119
        assert datetime.fromisoformat(said["last_seen"]) >= begun
        # Two minutes are within what is tolerated.
        assert cast.market.get("/alerts").json()["items"] == []
        # A change of the device keeps them, and they are no history of it.
        changed = cast.stall.patch(f"/devices/{scale.activation['device_id']}", {"name": "老秤"}).json()
        assert (changed["firmware"], changed["version"]) == ("ACS-30 2.4.1", 3)

    def test_any_call_is_a_sign_of_life(self, cast: Cast, scale: Scale) -> None:
        assert scale.get("/products").status_code == 200
        until(lambda: self.seen(cast, scale)["last_seen"] is not None)
        assert self.seen(cast, scale)["firmware"] is None

    @pytest.mark.parametrize(("minutes", "slug"), [(9, "clock_ahead"), (-9, "clock_behind")])
    def test_a_clock_that_is_wrong_is_an_alert_a_day(
        self, cast: Cast, scale: Scale, service: Service, minutes: int, slug: str
    ) -> None:
        for _ in range(2):
            wrong = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
            scale.get(ME, headers={"X-Device-Time": wrong})
            service.reports._noted.clear()
        until(lambda: cast.market.get("/alerts").json()["items"] != [])
        until(lambda: not service.writer.waiting)
        [alert] = cast.stall.get("/alerts").json()["items"]
        assert (alert["slug"], alert["device_id"], alert["site_id"]) == (
            slug, scale.activation["device_id"], cast.stall.site["id"]
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("said", "slug"),
        [
            ("1970-01-01T00:00:08Z", "clock_behind"), ("0001-01-01T00:00:00+23:59", "clock_behind"),
            ("2099-12-31T23:59:59+08:00", "clock_ahead"), ("9999-12-31T23:59:59-23:59", "clock_ahead"),
        ],
    )  # fmt: skip
    def test_a_scale_whose_battery_is_dead_asks_for_the_time(
        self, cast: Cast, scale: Scale, caplog: pytest.LogCaptureFixture, said: str, slug: str
    ) -> None:
        for path in (ME, f"{ME}/stock"):
            answer = scale.get(path, headers={"X-Device-Time": said})
            assert answer.status_code == 200, answer.text
        until(lambda: cast.market.get("/alerts").json()["items"] != [])
        [alert] = cast.stall.get("/alerts").json()["items"]
        assert alert["slug"] == slug
        skew = self.seen(cast, scale)["clock_skew_seconds"]
        assert (skew < -800_000_000) if slug == "clock_behind" else (skew > 2_000_000_000)
        assert "failed" not in caplog.text

    def test_once_a_minute_and_never_in_the_way(
        self, cast: Cast, scale: Scale, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        offered: list[Any] = []
        clock = [0.0]
        monkeypatch.setattr(service.reports, "_clock", lambda: clock[0])
        monkeypatch.setattr(service.reports._writer, "offer", lambda job, said, done: offered.append((job, said)))
        for seconds in (0.0, 59.0, 60.0, 61.0):
            clock[0] = seconds
            assert scale.get(f"{ME}/stock").status_code == 200
        assert len([job for job, _ in offered if job is reports.note_reports]) == 2

        def full(*_: Any) -> None:
            raise QueueFull("20000 writes are waiting")

        monkeypatch.setattr(service.reports._writer, "offer", full)
        clock[0] = 200.0
        assert scale.get(f"{ME}/stock").status_code == 200

    def test_what_a_device_says_wrongly(self, cast: Cast, scale: Scale) -> None:
        for name, value in (
            ("X-Device-Time", "yesterday"), ("X-Device-Time", "2026-03-01T09:15:00"), ("X-Device-Time", "1772330100"),
            ("X-Device-Firmware", "x" * 65),
        ):  # fmt: skip
            answer = scale.get(ME, headers={name: value})
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed"), answer.text

    def test_it_is_bounded(self, cast: Cast, scale: Scale, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reports, "CAPACITY", 1)
        scale.get(ME)
        cast.scale(cast.stall, "二号秤").get(ME)
        assert len(service.reports._noted) == 1
