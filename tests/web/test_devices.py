"""/api/v1/devices: enrolment, activation, locks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain import codes
from app.store import master
from app.store.engine import writing
from app.web.service import Service
from tests.support.cast import Actor, Cast, ago


def form(actor: Actor, **fields: Any) -> dict[str, Any]:
    return {"site_id": actor.site["id"], "name": "一号秤", "kind": "scale", **fields}


def activate(cast: Cast, code: str) -> Any:
    return cast.public.post("/devices/activate", {"activation_code": code})


@pytest.fixture
def scale(cast: Cast) -> dict[str, Any]:
    return cast.market.made("/devices", form(cast.stall))


def test_enrolled_with_a_code_that_is_shown_once(cast: Cast, scale: dict[str, Any]) -> None:
    assert scale["status"] == "enrolled"
    assert scale["activation_code"].startswith(f"{scale['number']}-")
    again = cast.market.post("/devices", form(cast.stall))
    assert again.status_code == 200
    assert again.json() == {**scale, "activation_code": None}
    assert cast.market.get(f"/devices/{scale['id']}").json()["activation_code"] is None
    other = cast.stall.made("/devices", form(cast.stall, serial="A1"))
    assert other["number"] == scale["number"] + 1


def test_whose_devices(cast: Cast, scale: dict[str, Any]) -> None:
    for actor, status in ((cast.other_stall, 422), (cast.lab, 403), (cast.regulator, 403), (cast.public, 401)):
        assert actor.post("/devices", form(cast.stall, name="x")).status_code == status

    def seen(actor: Actor) -> list[str]:
        return [device["id"] for device in actor.get("/devices").json()["items"]]

    for actor in (cast.admin, cast.market, cast.stall, cast.regulator):
        assert seen(actor) == [scale["id"]]
        assert actor.get(f"/devices/{scale['id']}").status_code == 200
    for actor in (cast.other_stall, cast.farm, cast.other_regulator, cast.lab):
        assert seen(actor) == []
        assert actor.get(f"/devices/{scale['id']}").status_code == 404
        assert actor.patch(f"/devices/{scale['id']}", {"name": "x"}).status_code == 404
        assert actor.post(f"/devices/{scale['id']}/activation").status_code == 404


def test_activation_gives_all_that_a_scale_needs(cast: Cast, scale: dict[str, Any], service: Service) -> None:
    number, _, secret = scale["activation_code"].partition("-")
    done = activate(cast, f" {number}-{secret.lower().replace('0', 'o').replace('1', 'l')} ")
    assert done.status_code == 200
    assert done.headers["cache-control"] == "no-store"
    body = done.json()
    assert body.keys() == {"device_id", "device_number", "key", "receipt_secret", "epoch", "next_counter"}
    assert (body["device_id"], body["device_number"], body["epoch"]) == (scale["id"], scale["number"], 1)
    # A receipt that the scale signs offline is authentic here, one under another epoch is not.
    signing = bytes.fromhex(body["receipt_secret"])
    receipt = codes.receipt_code(signing, codes.receipt_id(scale["number"], 1, body["next_counter"]))
    assert cast.stall.get(f"/codes/{receipt}").json()["kind"] == "receipt"
    ahead = codes.receipt_code(signing, codes.receipt_id(scale["number"], 2, 0))
    assert cast.stall.get(f"/codes/{ahead}").json()["type"] == "/problems/not-authentic"
    device = Actor(cast.client, body["key"])
    assert device.get(f"/devices/{scale['id']}").json()["status"] == "active"
    assert [one["id"] for one in device.get("/devices").json()["items"]] == [scale["id"]]
    assert device.patch(f"/devices/{scale['id']}", {"name": "x"}).status_code == 403
    assert device.get("/parties").json()["items"] == []
    assert device.get(f"/parties/{cast.stall.party['id']}").status_code == 404


def test_a_code_works_once(cast: Cast, scale: dict[str, Any]) -> None:
    assert activate(cast, scale["activation_code"]).status_code == 200
    again = activate(cast, scale["activation_code"])
    assert (again.status_code, again.json()["type"]) == (403, "/problems/activation-refused")


def test_five_tries(cast: Cast, scale: dict[str, Any]) -> None:
    wrong = f"{scale['number']}-0000-0000"
    for _ in range(5):
        assert activate(cast, wrong).status_code == 403
    assert activate(cast, scale["activation_code"]).status_code == 403
    renewed = cast.market.post(f"/devices/{scale['id']}/activation").json()
    assert activate(cast, renewed["activation_code"]).status_code == 200


@pytest.mark.parametrize("code", ["", "x", "99999-0000-0000", "²-0000-0000", "9999999999999-A", "-", "1"])
def test_what_is_no_code(cast: Cast, scale: dict[str, Any], code: str) -> None:
    assert activate(cast, code).status_code == 403


def test_a_code_lapses(cast: Cast, scale: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.writer, "_clock", lambda: datetime.now(UTC) + timedelta(minutes=16))
    assert activate(cast, scale["activation_code"]).status_code == 403


def test_a_reset_scale_gets_a_new_epoch_and_its_old_key_ends(cast: Cast, scale: dict[str, Any]) -> None:
    first = activate(cast, scale["activation_code"]).json()
    renewed = cast.stall.post(f"/devices/{scale['id']}/activation")
    assert renewed.status_code == 200
    second = activate(cast, renewed.json()["activation_code"]).json()
    assert second["epoch"] == first["epoch"] + 1
    assert second["receipt_secret"] != first["receipt_secret"]
    keys = cast.market.get("/keys").json()["items"]
    assert [key["status"] for key in keys if key["device_id"] == scale["id"]] == ["revoked", "active"]
    # Receipts of before stay good.
    secret = bytes.fromhex(first["receipt_secret"])
    receipt = codes.receipt_code(secret, codes.receipt_id(scale["number"], 1, 7))
    assert cast.stall.get(f"/codes/{receipt}").status_code == 200


def test_epochs_end(cast: Cast, scale: dict[str, Any], service: Service) -> None:
    with writing(service.engine) as connection:
        row = master.devices(connection, [UUID(scale["id"])])[UUID(scale["id"])]
        master.save(connection, [replace(row, epoch=255)])
    answer = cast.market.post(f"/devices/{scale['id']}/activation")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/epochs-used-up")


def test_locked_and_unlocked(cast: Cast, scale: dict[str, Any]) -> None:
    path = f"/devices/{scale['id']}"
    assert cast.stall.patch(path, {"status": "locked"}).json()["status"] == "locked"
    refused = activate(cast, scale["activation_code"])
    assert refused.json()["type"] == "/problems/device-locked"
    # Nothing was activated yet, so unlocking makes nothing active, and the code still works.
    assert cast.regulator.patch(path, {"status": "active"}).json()["status"] == "enrolled"
    assert activate(cast, scale["activation_code"]).status_code == 200
    assert cast.regulator.patch(path, {"name": "x"}).status_code == 403
    cast.market.patch(path, {"status": "locked"})
    assert cast.market.patch(path, {"status": "active"}).json()["status"] == "active"


def test_the_scale_of_a_locked_party_is_not_activated(cast: Cast, scale: dict[str, Any]) -> None:
    cast.market.patch(f"/parties/{cast.stall.party['id']}", {"status": "locked"})
    assert activate(cast, scale["activation_code"]).status_code == 403


def test_moved_and_remembered(cast: Cast, scale: dict[str, Any]) -> None:
    path = f"/devices/{scale['id']}"
    assert cast.stall.patch(path, {"site_id": cast.other_stall.site["id"]}).status_code == 422
    moved = cast.market.patch(path, {"site_id": cast.other_stall.site["id"], "valid_from": ago(days=2)}).json()
    assert moved["site_id"] == cast.other_stall.site["id"]
    assert cast.market.get(path, params={"at": ago(days=3)}).json()["site_id"] == cast.stall.site["id"]
    assert cast.market.patch(path, {}).json() == moved
    # A change leaves the activation code as it is.
    assert activate(cast, scale["activation_code"]).status_code == 200
    assert cast.market.patch(path, {"kind": "teleporter"}).status_code == 422
