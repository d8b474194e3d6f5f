"""/api/v1/keys, and what a key opens."""

import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest

from app.web import keycache
from app.web.service import Service
from tests.support.cast import Actor, Cast


def until(check: Any, seconds: float = 1.0) -> None:
    """A lock works within a second on every process."""
    ends = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_made_once_and_shown_once(cast: Cast) -> None:
    made = cast.admin.post("/keys", {"role": "vendor", "party_id": cast.stall.party["id"], "name": "店主手机"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    body = made.json()
    assert body["key"].startswith(f"ock_{body['id'].replace('-', '')}_")
    assert len(body["key"].rpartition("_")[2]) >= 32
    read = cast.admin.get(f"/keys/{body['id']}").json()
    assert read == {**body, "key": None}
    assert Actor(cast.client, body["key"]).get(f"/parties/{cast.stall.party['id']}").status_code == 200
    until(lambda: cast.admin.get(f"/keys/{body['id']}").json()["last_used"] is not None)


def test_what_a_role_needs(cast: Cast) -> None:
    party, device = cast.stall.party["id"], str(uuid4())
    for form, pointer in (
        ({"role": "vendor"}, "/party_id"),
        ({"role": "vendor", "party_id": party, "region": "33"}, "/region"),
        ({"role": "regulator"}, "/region"),
        ({"role": "regulator", "region": "99"}, "/region"),
        ({"role": "regulator", "region": "3"}, "/region"),
        ({"role": "device"}, "/device_id"),
        ({"role": "device", "device_id": device}, "/device_id"),
        ({"role": "admin", "party_id": party}, "/party_id"),
        ({"role": "lab", "party_id": str(uuid4())}, "/party_id"),
        ({"role": "emperor"}, "/role"),
    ):
        answer = cast.admin.post("/keys", form)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), form
    assert cast.admin.made("/keys", {"role": "regulator", "region": "330100"})["region"] == "3301"


def test_what_a_market_gives(cast: Cast) -> None:
    device = cast.market.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
    for form in (
        {"role": "vendor", "party_id": cast.stall.party["id"]},
        {"role": "producer", "party_id": cast.stall.party["id"]},
        {"role": "market", "party_id": cast.market.party["id"]},
        {"role": "device", "device_id": device["id"]},
    ):
        assert cast.market.post("/keys", form).status_code == 201
    elsewhere = cast.farm.made("/devices", {"site_id": cast.farm.site["id"], "name": "秤", "kind": "scale"})
    for form in (
        {"role": "admin"},
        {"role": "regulator", "region": "3301"},
        {"role": "market", "party_id": cast.stall.party["id"]},
        {"role": "lab", "party_id": cast.stall.party["id"]},
        {"role": "producer", "party_id": cast.farm.party["id"]},
        {"role": "device", "device_id": elsewhere["id"]},
    ):
        assert cast.market.post("/keys", form).status_code == 403, form
    for actor in (cast.stall, cast.farm, cast.lab, cast.regulator):
        assert actor.post("/keys", {"role": "vendor", "party_id": cast.stall.party["id"]}).status_code == 403
    assert cast.public.post("/keys", {"role": "admin"}).status_code == 401


def test_who_knows_of_which(cast: Cast) -> None:
    def known(actor: Actor) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = actor.get("/keys").json()["items"]
        for item in items:
            assert actor.get(f"/keys/{item['id']}").status_code == 200
            assert item["key"] is None
        return items

    everything = known(cast.admin)
    assert {item["role"] for item in everything} >= {"admin", "regulator", "lab"}
    assert {item["party_id"] for item in known(cast.market)} == {
        cast.market.party["id"], cast.stall.party["id"], cast.other_stall.party["id"],
    }  # fmt: skip
    assert {item["party_id"] for item in known(cast.stall)} == {cast.stall.party["id"]}
    assert len(known(cast.lab)) == len(known(cast.regulator)) == 1
    farms = next(item for item in everything if item["party_id"] == cast.farm.party["id"])
    assert cast.market.get(f"/keys/{farms['id']}").status_code == 404
    assert cast.market.post(f"/keys/{farms['id']}/revoke").status_code == 404
    assert cast.admin.get(f"/keys/{uuid4()}").status_code == 404


def test_renamed_and_revoked(cast: Cast) -> None:
    other = cast.key("vendor", party_id=cast.stall.party["id"])
    key_id = cast.stall.get("/keys").json()["items"][-1]["id"]
    assert cast.stall.patch(f"/keys/{key_id}", {"name": "旧手机"}).json()["name"] == "旧手机"
    assert other.get("/products").status_code == 200
    gone = cast.stall.post(f"/keys/{key_id}/revoke").json()
    assert (gone["status"], gone["name"]) == ("revoked", "旧手机")
    until(lambda: other.get("/products").status_code == 401)
    assert other.get("/products").json()["type"] == "/problems/key-revoked"
    assert cast.stall.post(f"/keys/{key_id}/revoke").json() == gone
    own = cast.regulator.get("/keys").json()["items"][0]["id"]
    assert cast.regulator.post(f"/keys/{own}/revoke").status_code == 403


def test_a_locked_party_is_told_why(cast: Cast) -> None:
    assert cast.stall.get("/products").status_code == 200
    path = f"/parties/{cast.stall.party['id']}"
    cast.market.patch(path, {"status": "locked", "status_reason": "无证经营"})
    until(lambda: cast.stall.get("/products").status_code == 403)
    problem = cast.stall.get("/products").json()
    assert problem["type"] == "/problems/party-locked"
    assert "无证经营" in problem["detail"]
    cast.market.patch(path, {"status": "active"})
    until(lambda: cast.stall.get("/products").status_code == 200)


def test_a_pending_party_reads(cast: Cast) -> None:
    cast.market.patch(f"/parties/{cast.stall.party['id']}", {"status": "pending"})
    time.sleep(0.2)
    assert cast.stall.get(f"/parties/{cast.stall.party['id']}").json()["status"] == "pending"


def test_a_locked_device_or_its_locked_party(cast: Cast) -> None:
    device = cast.market.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
    key = cast.key("device", device_id=device["id"])
    assert key.get("/products").status_code == 200
    cast.market.patch(f"/devices/{device['id']}", {"status": "locked"})
    until(lambda: key.get("/products").json().get("type") == "/problems/device-locked")
    cast.market.patch(f"/devices/{device['id']}", {"status": "active"})
    until(lambda: key.get("/products").status_code == 200)
    cast.market.patch(f"/parties/{cast.stall.party['id']}", {"status": "locked"})
    until(lambda: key.get("/products").json().get("type") == "/problems/party-locked")
    # The stall changes hands: the scale goes on for its new operator.
    cast.market.patch(f"/sites/{cast.stall.site['id']}", {"party_id": cast.other_stall.party["id"]})
    until(lambda: key.get("/products").status_code == 200)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic",
        "Basic eDp5",
        "Basic w6Y6w6Y=",
        "Basic eDp5=",
        "Bearer ock_1_2",
        f"Bearer ock_{'a' * 32}_{'b' * 48}",
        "Bearer ock__",
    ],
)
def test_what_is_no_key(cast: Cast, header: str) -> None:
    answer = cast.public.get("/products", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="onecode"'


def test_a_right_id_with_a_wrong_secret(cast: Cast) -> None:
    key = str(cast.stall.key)
    for wrong in (key[:-1] + ("0" if key[-1] != "0" else "1"), key.upper()):
        assert cast.public.get("/products", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    assert cast.public.get("/products", headers={"Authorization": f"bearer  {key}"}).status_code == 200


def test_a_key_as_the_password_of_http_basic(cast: Cast) -> None:
    key = str(cast.stall.key)
    for name, password, status in (("erp", key, 200), ("", key, 200), ("erp", key[:-1], 401), (key, "", 401)):
        basic = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
        assert cast.public.get("/products", headers={"Authorization": basic}).status_code == status, (name, status)


class TestCache:
    def test_a_known_key_costs_no_statement(self, cast: Cast, service: Service) -> None:
        until(lambda: service.tail.age < 1)
        cast.stall.get("/healthz")
        key_id, _ = service.keys.check(f"Bearer {cast.stall.key}")
        cast.stall.get("/products")
        assert service.keys.cached(key_id) is not None

    def test_nothing_old_is_believed_where_the_feed_is_lost(
        self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key_id, _ = service.keys.check(f"Bearer {cast.stall.key}")
        service.keys.load(key_id)
        monkeypatch.setattr(service.keys, "_feed_age", lambda: 1.5)
        assert service.keys.cached(key_id) is None
        assert cast.stall.get("/products").status_code == 200

    def test_a_change_during_a_load_is_not_missed(
        self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key_id, _ = service.keys.check(f"Bearer {cast.stall.key}")
        find = keycache.find_credential

        def slow(*arguments: Any) -> Any:
            found = find(*arguments)
            service.keys.forget([key_id.hex])
            return found

        monkeypatch.setattr(keycache, "find_credential", slow)
        service.keys.forget_all()
        assert service.keys.load(key_id) is not None
        assert key_id not in service.keys._entries

        def lost(*arguments: Any) -> Any:
            found = find(*arguments)
            service.keys.forget_all()
            return found

        monkeypatch.setattr(keycache, "find_credential", lost)
        assert service.keys.load(key_id) is not None
        assert key_id not in service.keys._entries

    def test_it_is_bounded(self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.web.believed.CAPACITY", 1)
        monkeypatch.setattr(service.keys, "_used", {})
        for actor in (cast.stall, cast.farm, cast.stall):
            service.keys.load(service.keys.check(f"Bearer {actor.key}")[0])
            service.keys.used(service.keys.check(f"Bearer {actor.key}")[0])
        assert len(service.keys._entries) == 1
        assert len(service.keys._used) == 1
