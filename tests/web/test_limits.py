"""How often may be scanned: enough for a market behind one address, not for whoever guesses or floods."""

import time
from typing import Any

import pytest
from httpx2 import Client

from app.domain import codes
from app.settings import Settings
from app.web import limits
from app.web.limits import CAPACITY, PERIOD, Limits
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.story import Story

JSON = {"Accept": "application/json"}


def test_each_address_has_its_minute() -> None:
    kept = Limits(3)
    assert [kept.wait("10.0.0.1", 100.0 + n) for n in range(5)] == [0, 0, 0, 57, 56]
    assert kept.wait("10.0.0.2", 105.0) == 0
    assert kept.wait("10.0.0.1", 100.0 + PERIOD) == 0


def test_a_client_is_its_network_of_ipv6() -> None:
    kept = Limits(2)
    hosts = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:0:9::1", "2001:db8:0:1::1", "fe80::1%eth0", "a:b"]
    assert [kept.wait(host, 1.0) > 0 for host in hosts] == [False, False, True, False, False, False]


def test_nothing_but_hashes_is_kept_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CAPACITY", 50)
    kept = Limits(2)
    for n in range(200):
        kept.wait(f"10.0.0.{n}", 1.0)
        assert len(kept._counts) <= 51
    assert all(type(key) is int for key in kept._counts)
    kept.wait("2001:db8::1", 2.0)
    kept.wait("10.0.0.1", 120.0)
    assert limits._network.cache_info().currsize == 0, "addresses of IPv6 are forgotten with their minute"
    assert CAPACITY > 50


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"address_scans_per_minute": 60, "wrong_codes_per_minute": 6, "code_scans_per_second": 12}
    )


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def statuses(client: Client, path: str, times: int, **headers: str) -> list[int]:
    return [client.get(path, headers={**JSON, **headers}).status_code for _ in range(times)]


def test_one_address_scans_so_much_in_a_minute(town: Market, client: Client, service: Service) -> None:
    path = f"/c/{town.stall.site['code']}"
    for _ in range(5):
        assert set(statuses(client, path, 12)) == {200}
        time.sleep(1.05)  # of one code not too many in a second
    refused = client.get(path, headers=JSON)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/too-many-scans"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-content-type-options"] == "nosniff"
    page = client.get(path, headers={"Accept": "text/html", "X-Request-Id": "r-1"})
    assert (page.status_code, page.headers["x-request-id"]) == (429, "r-1")
    assert "扫码过于频繁" in page.text
    # Everything else goes on: a scale behind the same address, and the API.
    assert town.stall.get(f"/sites/{town.stall.site['id']}").status_code == 200
    assert 'route="/c/{code}",status="429"} 2' in client.get("/metrics").text


def test_one_code_is_scanned_so_often_in_a_second(
    town: Market, client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.counts.PERIOD", 60.0)  # a long second
    job = town.farm.made("/code-jobs", {"ref": "1", "lot_id": town.harvest()["lot_id"], "count": 1})
    unit = codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], 1)
    batch = town.move(town.farm, town.stall, town.harvest())
    receipt = town.story.scale(town.stall).sell(0, town.story.item(batch, "1"))["receipt_code"]
    time.sleep(0.3)
    for code in (batch["code"], receipt, unit):
        assert statuses(client, f"/c/{code}", 14) == [200] * 12 + [429] * 2
        assert client.get(f"/c/{code}", headers=JSON).headers["retry-after"] == "1"
    assert client.get(f"/c/{town.stall.site['code']}", headers=JSON).status_code == 200


def test_who_guesses_waits_and_who_scans_does_not(town: Market, client: Client, service: Service) -> None:
    guesses = [codes.mint(codes.CodeKind.CUSTODY) for _ in range(4)] + ["NOT-A-CODE", "B"]
    found = [client.get(f"/c/{guess}", headers=JSON).status_code for guess in guesses]
    assert found == [404] * 4 + [400] * 2
    refused = client.get(f"/c/{codes.mint(codes.CodeKind.CUSTODY)}", headers=JSON)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-tries")
    page: Any = client.get("/c/B", headers={"Accept": "text/html"})
    assert page.status_code == 429
    # A page that is known is answered all the same, to everybody behind that address.
    assert client.get(f"/c/{town.stall.site['code']}", headers=JSON).status_code == 200


DOORS = ("/lookup?q={}", "/kiosk?q={}", "/kiosk/{}", "/qr/{}.svg", "/qr/{}.png", "/labels/{}", "/c/{}/reports")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_other_door_is_for_guessing(door: str, town: Market, client: Client) -> None:
    stall = town.stall.site["code"]
    assert set(statuses(client, door.format(stall), 10)) <= {200, 303}, "who is right has no limit"
    guesses = [codes.receipt_code(b"x" * 32, codes.receipt_id(1, 1, n)) for n in range(3)]
    guesses += [codes.mint(codes.CodeKind.SLIP) for _ in range(2)] + [stall[:-1] + ("0" if stall[-1] != "0" else "1")]
    found = [client.get(door.format(guess), headers=JSON).status_code for guess in guesses]
    assert found == [200 if "lookup" in door else 404] * 5 + [400]
    waits = client.get(door.format(codes.mint(codes.CodeKind.SLIP)), headers={"Accept": "text/html"})
    assert waits.status_code == 429
    if "kiosk" in door:  # on a page of the kiosk, that leads back by itself
        assert "请稍后再试" in waits.text
        assert 'data-home="/kiosk"' in waits.text
