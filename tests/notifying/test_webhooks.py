"""/api/v1/webhooks as its owners use it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.settings import Settings
from app.web.service import Service
from tests.notifying.conftest import until
from tests.notifying.receiver import Receiver
from tests.support.cast import Cast

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    given = {"webhook_hosts": receiver.origin, "webhook_networks": "127.0.0.0/8"}
    checked = Settings.model_validate(given)
    return settings.model_copy(update={name: getattr(checked, name) for name in given})


def hook(receiver: Receiver, path: str = "/hook") -> dict[str, Any]:
    return {"url": receiver.origin + path, "events": ["recall"]}


def documented() -> Callable[[str, dict[str, str], bytes], bool]:
    """The example of the documentation."""
    text = (ROOT / "docs" / "webhooks.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    space: dict[str, Any] = {}
    exec(example, space)
    verify: Callable[[str, dict[str, str], bytes], bool] = space["verify"]
    return verify


def test_a_webhook_is_registered_tried_and_verified(cast: Cast, receiver: Receiver) -> None:
    answer = cast.stall.post("/webhooks", hook(receiver))
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert made["owner_id"] == cast.stall.party["id"]

    again = cast.stall.post("/webhooks", hook(receiver))
    assert (again.status_code, again.json()) == (200, made | {"secret": None})
    assert cast.stall.get(f"/webhooks/{made['id']}").json() == made | {"secret": None}
    assert cast.stall.get("/webhooks").json() == {"items": [made | {"secret": None}], "next": None}

    tried = cast.stall.post(f"/webhooks/{made['id']}/test")
    assert tried.status_code == 202
    assert cast.stall.post(f"/webhooks/{made['id']}/test").json()["id"] == tried.json()["id"]
    [got, *_] = receiver.wait(1)
    assert json.loads(got.body) == {
        "type": "webhook.test", "timestamp": json.loads(got.body)["timestamp"], "data": {"webhook_id": made["id"]}
    }  # fmt: skip
    verify = documented()
    assert verify(made["secret"], got.headers, got.body)
    assert not verify(made["secret"], got.headers, got.body + b" ")
    assert not verify("whsec_" + "A" * 44, got.headers, got.body)
    assert not verify(made["secret"], got.headers | {"webhook-timestamp": "1700000000"}, got.body)

    def state() -> Any:
        return cast.stall.get(f"/webhooks/{made['id']}/deliveries").json()["items"][0]

    until(lambda: state()["state"] == "sent", state)
    assert (state()["id"], state()["topic"], state()["last_status"]) == (got.id, "webhook.test", 204)
    metrics = cast.public.get("https://food.example.cn/metrics").text
    assert "onecode_deliveries_sent_total 1" in metrics
    assert "onecode_deliveries_waiting" in metrics


def test_a_new_secret_signs_beside_the_old_one(cast: Cast, receiver: Receiver) -> None:
    made = cast.farm.made("/webhooks", hook(receiver))
    turned = cast.farm.post(f"/webhooks/{made['id']}/secret").json()
    assert turned["secret"] not in (None, made["secret"])
    cast.farm.post(f"/webhooks/{made['id']}/test")
    [got] = receiver.wait(1)
    assert all(documented()(secret, got.headers, got.body) for secret in (made["secret"], turned["secret"]))


def test_each_owner_has_its_own(cast: Cast, receiver: Receiver) -> None:
    mine = cast.stall.made("/webhooks", hook(receiver))
    office = cast.regulator.made("/webhooks", hook(receiver))
    assert mine["id"] != office["id"]
    for actor in (cast.market, cast.regulator, cast.other_stall):
        for method, path in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test"), ("POST", "/secret"),
        ):  # fmt: skip
            body = {"json": {"status": "paused"}} if method == "PATCH" else {}
            assert actor.request(method, f"/webhooks/{mine['id']}{path}", **body).status_code == 404
    assert [each["id"] for each in cast.regulator.get("/webhooks").json()["items"]] == [office["id"]]
    assert len(cast.admin.get("/webhooks").json()["items"]) == 2
    assert cast.lab.get("/webhooks").json()["items"] == []
    assert cast.lab.post("/webhooks", hook(receiver)).json()["type"] == "/problems/forbidden"
    assert cast.lab.get(f"/webhooks/{mine['id']}").status_code == 404


def test_deleting_ends_it_and_registering_begins_anew(cast: Cast, receiver: Receiver) -> None:
    made = cast.stall.made("/webhooks", hook(receiver))
    assert cast.stall.request("DELETE", f"/webhooks/{made['id']}").status_code == 204
    assert cast.stall.get(f"/webhooks/{made['id']}").status_code == 404
    again = cast.stall.made("/webhooks", hook(receiver))
    assert again["id"] == made["id"]
    assert again["secret"] not in (None, made["secret"])


def test_a_paused_one_is_not_tried(cast: Cast, receiver: Receiver) -> None:
    made = cast.stall.made("/webhooks", hook(receiver))
    paused = cast.stall.patch(f"/webhooks/{made['id']}", {"status": "paused"}).json()
    assert (paused["status"], paused["secret"]) == ("paused", None)
    refused = cast.stall.post(f"/webhooks/{made['id']}/test")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-paused")
    cast.stall.patch(f"/webhooks/{made['id']}", {"status": "active", "events": ["recall"]})
    cast.stall.post(f"/webhooks/{made['id']}/test")
    receiver.wait(1)


def test_a_delivery_is_sent_again_by_hand(cast: Cast, receiver: Receiver) -> None:
    made = cast.stall.made("/webhooks", hook(receiver))
    tried = cast.stall.post(f"/webhooks/{made['id']}/test").json()
    receiver.wait(1)
    place = f"/webhooks/{made['id']}/deliveries"
    until(lambda: cast.stall.get(place).json()["items"][0]["state"] == "sent")
    assert cast.stall.post(f"{place}/{tried['id']}/retry").status_code == 202
    assert [each.id for each in receiver.wait(2)] == [tried["id"]] * 2
    assert cast.stall.post(f"{place}/{made['id']}/retry").status_code == 404


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"url": "https://elsewhere.example.cn/"}, "host-not-listed"),
        ({"url": "http://user@127.0.0.1:80/"}, "invalid"),
        ({"url": "http://127.0.0.1/"}, "host-not-listed"),
        ({"events": []}, "invalid"),
        ({"events": ["everything"]}, "invalid"),
    ],
)
def test_what_cannot_be_registered(cast: Cast, receiver: Receiver, body: dict[str, Any], slug: str) -> None:
    answer = cast.stall.post("/webhooks", hook(receiver) | body)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_so_many_and_no_more(cast: Cast, receiver: Receiver) -> None:
    for number in range(20):
        cast.stall.made("/webhooks", hook(receiver, f"/{number}"))
    refused = cast.stall.post("/webhooks", hook(receiver, "/21"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-webhooks")
    assert cast.stall.post("/webhooks", hook(receiver, "/3")).status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_secret_of_a_database_with_webhooks_is_not_made_anew(
    cast: Cast, client: TestClient, service: Service, receiver: Receiver
) -> None:
    from app.main import open_database
    from app.store.secret import SecretMissing

    cast.stall.made("/webhooks", hook(receiver))
    service.settings.secret_file.unlink()
    with pytest.raises(SecretMissing):
        open_database(service.settings)


@pytest.mark.parametrize("given", [{"webhook_hosts": "a b"}, {"webhook_networks": "10.0.0.1/8"}])
def test_nonsense_is_refused_at_the_start(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="webhook_"):
        Settings.model_validate(given)
