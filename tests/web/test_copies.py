"""Copies of numbered units: found by their scans, told to the shopper and raised as alerts."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import web
from app.domain import codes
from app.domain.copies import BURST, Seen
from app.main import close_service, open_service
from app.scanning.copies import Forged, note_forged
from app.scanning.counting import NoteScans, note_scans
from app.settings import Settings
from app.store import tables
from app.store.engine import reading
from app.store.errors import StoreUnavailable
from app.web import counts as counting
from app.web.places import Places
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.story import Story

JSON = {"Accept": "application/json"}
HANGZHOU, NINGBO, ZHANGJIAKOU, NOWHERE = "203.0.113.7", "203.0.113.200", "198.51.100.9", "192.0.2.1"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    table = tmp_path / "places.csv"
    table.write_text("network,region\n203.0.113.0/25,3301\n203.0.113.128/25,3302\n198.51.100.0/24,130703\n")
    return settings.model_copy(update={"places_file": table, "trusted_proxies": ("testclient",)})


@pytest.fixture
def client(service: Service, unfrozen: None) -> Iterator[TestClient]:
    """The application behind the proxy headers of its server, as `onecode serve` has it."""
    app: Any = ProxyHeadersMiddleware(web.create_app(service), list(service.settings.trusted_proxies))  # type: ignore[arg-type]
    with TestClient(app, base_url=service.settings.public_url, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


@pytest.fixture
def units(town: Market, service: Service) -> list[str]:
    """Codes of units 1..9; 1..7 are in use, 1..3 of them at the stall in Hangzhou, and 7 was withdrawn."""
    lot = town.harvest(lot_number="YS-1")
    job = town.farm.made("/code-jobs", {"ref": "1", "lot_id": lot["lot_id"], "count": 9})
    for verb, body in (
        ("activate", {"from": 1, "to": 3, "site_id": town.stall.site["id"]}),
        ("activate", {"from": 4, "to": 7}),
        ("revoke", {"from": 7, "to": 7, "reason": "标签被盗"}),
    ):
        assert town.farm.post(f"/code-jobs/{job['id']}/{verb}", body).status_code == 200
    secret = codes.unit_secret(service.master, job["number"])
    return ["", *codes.unit_codes(secret, job["number"], 1, 9)]


def scan(client: Client, code: str, address: str, accept: str = "application/json") -> Any:
    answer = client.get(f"/c/{code}", headers={"Accept": accept, "X-Forwarded-For": address})
    assert answer.status_code == 200, answer.text
    return answer.json() if accept == "application/json" else answer.text


def written(service: Service, code: str, count: int) -> None:
    """Waits until the scans are written."""
    deadline = time.monotonic() + 10
    while True:
        with reading(service.engine) as snapshot:
            row = snapshot.execute(tables.scan_count.select().where(tables.scan_count.c.code == code)).one_or_none()
        if row is not None and row._mapping["count"] >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alerts(town: Market) -> list[tuple[str, str]]:
    found = town.farm.get("/alerts").json()["items"]
    return sorted((alert["slug"], alert["severity"]) for alert in found)


def test_a_code_in_two_cities_within_minutes_is_a_copy(
    town: Market, units: list[str], client: Client, service: Service
) -> None:
    code = units[5]
    first = scan(client, code, HANGZHOU)
    assert (first["status"], first["scans"]["count"]) == ("ok", 1)
    written(service, code, 1)
    second = scan(client, code, ZHANGJIAKOU)
    assert (second["status"], second["scans"]["count"]) == ("incomplete", 2)
    assert "相距很远的两地" in second["status_reason"]
    written(service, code, 2)
    assert alerts(town) == [("copied_code", "grave")]
    (alert,) = town.farm.get("/alerts").json()["items"]
    assert code in alert["detail"]
    assert "河北省张家口市" in alert["detail"]
    assert alert["site_id"] == town.farm.site["id"]
    # Whoever comes later is told as well, where first and last it was, and what to do.
    page = scan(client, code, ZHANGJIAKOU, "text/html")
    for told in ("当心：可能是仿冒", "浙江省杭州市", "河北省张家口市", "怎么办", "12315", "第 3 次扫码"):
        assert told in page, told
    text = client.get(f"/c/{code}?lang=en", headers={"Accept": "text/plain"}).text
    assert "Careful: it may be a copy" in text
    assert town.story.public.scan(units[4])["status"] == "ok"
    with_key = town.farm.scan(code)
    assert with_key["status"] == "incomplete"


def test_two_scans_in_one_batch_are_held_against_each_other(town: Market, units: list[str], service: Service) -> None:
    now = datetime.now(UTC)
    seen = [
        Seen(units[4], now, "1307"),
        Seen(units[4], now - timedelta(minutes=5), "3301"),
        Seen(units[5], now, "3301"),
    ]
    gone = Seen(units[6], now, "3301")  # there was no room for its count
    command = NoteScans({units[4]: 2, units[5]: 1}, now, now, [*seen, gone])
    service.writer.submit(note_scans, command)
    assert alerts(town) == [("copied_code", "grave")]
    service.writer.submit(note_scans, NoteScans({units[4]: 1}, now, now, [Seen(units[4], now, "1307")]))
    service.writer.submit(note_scans, NoteScans({units[4]: 1}, now, now, [Seen(units[4], now, None)]))
    assert alerts(town) == [("copied_code", "grave")]


def test_a_unit_that_travels_is_none(town: Market, units: list[str], client: Client, service: Service) -> None:
    now = datetime.now(UTC)
    earlier = Seen(units[5], now - timedelta(hours=3), "3301")
    service.writer.submit(note_scans, NoteScans({units[5]: 1}, earlier.time, earlier.time, [earlier]))
    assert scan(client, units[5], ZHANGJIAKOU)["status"] == "ok"
    assert scan(client, units[5], NOWHERE)["status"] == "ok"
    written(service, units[5], 3)
    assert alerts(town) == []


def test_a_first_scan_in_another_city_than_that_of_the_sale(
    town: Market, units: list[str], client: Client, service: Service
) -> None:
    assert scan(client, units[1], HANGZHOU)["status"] == "ok"
    diverted = scan(client, units[2], NINGBO)
    assert diverted["status"] == "incomplete"
    assert "在另一个城市上架" in scan(client, units[2], NINGBO, "text/html")
    assert scan(client, units[4], NINGBO)["status"] == "ok", "where it is sold was not said"
    written(service, units[2], 2)
    assert alerts(town) == [("sold_elsewhere", "warning")]
    assert scan(client, units[2], NINGBO)["status"] == "incomplete"


def test_a_burst_on_one_code(town: Market, units: list[str], client: Client, service: Service) -> None:
    batch = town.move(town.farm, town.stall, town.harvest())
    receipt = town.story.scale(town.stall).sell(0, town.story.item(batch, "1"))["receipt_code"]
    now = datetime.now(UTC)
    for code in (units[5], receipt, batch["code"]):
        service.writer.submit(note_scans, NoteScans({code: BURST - 1}, now, now))
    assert alerts(town) == []
    for code in (units[5], receipt, batch["code"]):
        service.writer.submit(note_scans, NoteScans({code: 1}, now, now))
        service.writer.submit(note_scans, NoteScans({code: 1}, now, now))
    found = town.story.admin.get("/alerts").json()["items"]
    assert sorted((alert["slug"], alert["site_id"]) for alert in found) == sorted(
        [("scan_burst", town.farm.site["id"]), ("scan_burst", town.stall.site["id"])]
    )
    page = scan(client, units[5], NOWHERE)
    assert page["status"] == "incomplete"
    assert "一小时内被扫了很多次" in page["status_reason"]


def test_codes_that_should_be_on_nothing(town: Market, units: list[str], client: Client, service: Service) -> None:
    assert scan(client, units[8], NOWHERE)["status"] == "pending"
    assert scan(client, units[7], NOWHERE)["status"] == "revoked"
    for code, told in ((units[8], "还没有启用"), (units[7], "已经停用")):
        page = scan(client, code, NOWHERE, "text/html")
        assert told in page
        assert "不要购买" in page
        written(service, code, 2)
    assert alerts(town) == [("inactive_code", "grave"), ("revoked_code", "grave")]


def test_forged_codes_do_not_flood(town: Market, units: list[str], client: Client, service: Service) -> None:
    job = codes.unit_name(codes.parse(units[1])).job
    scale = town.story.scale(town.stall)
    device = scale.activation["device_number"]
    forged = [codes.unit_code(b"x" * 32, job, n) for n in range(1, 4)]
    forged += [codes.unit_code(b"x" * 32, 99, 1), codes.receipt_code(b"x" * 32, codes.receipt_id(device, 1, 5))]
    more = [codes.receipt_code(b"x" * 32, codes.receipt_id(999 + n, 1, 5)) for n in range(20)]
    for code in forged + more:
        answer = client.get(f"/c/{code}", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "这不是我们签发的码" in answer.text
        assert "12315" in answer.text
    deadline = time.monotonic() + 10
    while len(found := town.story.admin.get("/alerts").json()["items"]) < 3:
        assert time.monotonic() < deadline
    assert {alert["slug"] for alert in found} == {"forged_code"}
    assert len(found) == 3, "one for the job, one for no job, one for the scale; the rest of that minute is not told"
    assert {alert["site_id"] for alert in found} == {town.farm.site["id"], town.stall.site["id"], None}


def test_whoever_has_a_list_of_codes_does_not_flood(
    town: Market, units: list[str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.scanning.copies.ALERTS", 2)
    now = datetime.now(UTC)
    seen = [Seen(code, now, None, ("inactive_code",)) for code in units[1:]]
    service.writer.submit(note_scans, NoteScans(dict.fromkeys(units[1:], 1), now, now, seen))
    assert len(alerts(town)) == 2


def test_a_forged_code_is_told_of_when_there_is_room(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StoreUnavailable("full")

    monkeypatch.setattr(service.writer, "offer", full)
    shown = Forged(codes.unit_code(b"x" * 32, 1, 1), datetime.now(UTC), None)
    service.counts.forged(shown)
    counting._told(StoreUnavailable("gone"))
    assert service.writer.submit(note_forged, shown) is None


def test_whoever_is_no_named_proxy_says_nothing_of_places(town: Market, units: list[str], service: Service) -> None:
    app: Any = ProxyHeadersMiddleware(web.create_app(service), ["10.0.0.1"])
    with TestClient(app, base_url=service.settings.public_url) as shopper:
        for n, address in enumerate((HANGZHOU, ZHANGJIAKOU), 1):
            assert scan(shopper, units[5], address)["status"] == "ok"
            written(service, units[5], n)
    assert alerts(town) == []


def test_a_table_without_a_named_proxy_is_not_used(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everybody would be at the proxy, or wherever a forged header says."""
    opened = open_service(settings.model_copy(update={"trusted_proxies": ()}))
    try:
        assert opened.places.of(HANGZHOU) is None
    finally:
        close_service(opened)
    assert "name the reverse proxy in ONECODE_TRUSTED_PROXIES" in caplog.text


def test_every_doubt_says_what_to_do(town: Market, units: list[str], client: Client, service: Service) -> None:
    now = datetime.now(UTC)
    service.writer.submit(note_scans, NoteScans({units[6]: BURST}, now, now))
    for code, address in ((units[2], NINGBO), (units[6], NOWHERE), (units[7], NOWHERE), (units[8], NOWHERE)):
        page = scan(client, code, address, "text/html")
        assert "怎么办" in page
        assert "12315" in page


def test_without_a_table_time_alone_decides(town: Market, units: list[str], client: Client, service: Service) -> None:
    object.__setattr__(service, "places", Places())
    for address in (HANGZHOU, ZHANGJIAKOU):
        assert scan(client, units[5], address)["status"] == "ok"
        written(service, units[5], 1)
    assert alerts(town) == []
