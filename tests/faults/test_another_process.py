"""What one process does to a scale, another that shares its database knows within a second."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.recording.conftest import deliver, harvest, until
from tests.support.cast import Actor, Cast, Scale
from tests.support.databases import Database
from tests.support.server import serving

SECOND = 1.0


@pytest.fixture
def elsewhere(cast: Cast, database: Database, tmp_path: Path) -> Iterator[Callable[[Scale], Scale]]:
    """The same scale as it calls at a process of its own, which shares the database and the secret with ours."""
    with serving(tmp_path, database.url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        yield lambda scale: replace(scale, client=client)


def within_a_second(check: Callable[[], bool]) -> None:
    """The clock runs from when the change was acknowledged."""
    until(check, SECOND)


def refusal(actor: Actor, path: str = "/devices/me/stock") -> str | None:
    answer = actor.get(path)
    return None if answer.status_code == 200 else str(answer.json()["type"])


def test_a_change_of_the_stock_shows_in_another_process(cast: Cast, elsewhere: Callable[[Scale], Scale]) -> None:
    scale = elsewhere(cast.scale(cast.stall))

    def stock() -> list[tuple[str, str, int | None]]:
        body = scale.get("/devices/me/stock").json()
        return [(item["custody_id"], item["quantity"]["value"], item["price_fen"]) for item in body["items"]]

    until(lambda: stock() == [])
    lot = harvest(cast)
    batch = deliver(cast, lot, "10", cast.stall)
    key = batch["custody_id"]
    within_a_second(lambda: stock() == [(key, "10", None)])
    items = [{"product_id": lot["product_id"], "plu": 1, "price_fen": 300, "unit": "斤"}]
    assert cast.market.request("PUT", f"/sites/{cast.market.site['id']}/prices", json={"items": items}).is_success
    within_a_second(lambda: stock() == [(key, "10", 300)])
    cast.scale(cast.stall, "another").sell(0, cast.item(batch, "4"))
    within_a_second(lambda: stock() == [(key, "6", 300)])
    hold = cast.regulator.record("hold", custody_id=lot["custody_id"], scope="lot", reason="待查")
    within_a_second(lambda: stock() == [])
    cast.regulator.record("release", hold_event_id=hold["id"], reason="查清")
    within_a_second(lambda: stock() == [(key, "6", 300)])
    # And what is sold there shows here.
    scale.sell(0, cast.item(batch, "6"))
    ours = replace(scale, client=cast.client)
    within_a_second(lambda: ours.get("/devices/me/stock").json()["items"] == [])


def test_a_lost_scale_is_locked_everywhere(cast: Cast, elsewhere: Callable[[Scale], Scale]) -> None:
    scale = elsewhere(cast.scale(cast.stall))
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    assert scale.sell(0, cast.item(batch, "1"))["status"] == "recorded"
    path = f"/devices/{scale.activation['device_id']}"
    assert cast.market.patch(path, {"status": "locked"}).status_code == 200
    within_a_second(lambda: refusal(scale) == "/problems/device-locked")
    answer = scale.post("/sales", {"sales": [scale.sale(1, cast.item(batch, "1"))]})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/device-locked")
    until(lambda: [alert["slug"] for alert in cast.market.get("/alerts").json()["items"]] == ["refused_device"])
    # Found again.
    cast.market.patch(path, {"status": "active"})
    within_a_second(lambda: refusal(scale) is None)
    assert scale.sell(1, cast.item(batch, "1"))["status"] == "recorded"


def test_a_reset_scale_s_old_key_ends_and_its_old_receipts_stay(
    cast: Cast, elsewhere: Callable[[Scale], Scale]
) -> None:
    scale = elsewhere(cast.scale(cast.stall))
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    receipt = scale.sell(0, cast.item(batch, "1"))["receipt_code"]
    device = scale.activation["device_id"]
    code = cast.market.post(f"/devices/{device}/activation").json()["activation_code"]
    told: dict[str, Any] = cast.public.post("/devices/activate", {"activation_code": code}).json()
    within_a_second(lambda: refusal(scale) == "/problems/key-revoked")
    assert scale.post("/sales", {"sales": [scale.sale(1, cast.item(batch, "1"))]}).status_code == 401
    anew = replace(scale, key=told["key"], activation=told)
    again = anew.sell(0, cast.item(batch, "1"))
    assert (again["status"], told["next_counter"]) == ("recorded", 0)
    assert again["receipt_code"] != receipt
    for code in (receipt, again["receipt_code"]):
        assert anew.scan(code)["status"] != "pending"


def test_a_revoked_key_ends_everywhere(cast: Cast, elsewhere: Callable[[Scale], Scale]) -> None:
    scale = elsewhere(cast.scale(cast.stall))
    assert refusal(scale) is None
    [key] = [key for key in cast.market.get("/keys").json()["items"] if key["device_id"]]
    assert cast.market.post(f"/keys/{key['id']}/revoke").status_code == 200
    within_a_second(lambda: refusal(scale) == "/problems/key-revoked")
