"""The queues of alerts and complaints: states, owners, histories, and who may close what."""

from typing import Any

import pytest

from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast


@pytest.fixture
def batch(cast: Cast) -> dict[str, Any]:
    return deliver(cast, harvest(cast), "10", cast.stall)


@pytest.fixture
def grave(cast: Cast, batch: dict[str, Any]) -> str:
    """The id of an alert of a failed test."""
    cast.market.record("test", custody_id=batch["custody_id"], stage="rapid", item="农残", verdict="fail")
    [alert] = cast.market.get("/alerts").json()["items"]
    return str(alert["id"])


def change(actor: Actor, alert: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = actor.patch(f"/alerts/{alert}", body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def key_of(actor: Actor) -> str:
    """The id of its own key."""
    assert actor.key is not None
    hexed = actor.key.split("_")[1]
    return f"{hexed[:8]}-{hexed[8:12]}-{hexed[12:16]}-{hexed[16:20]}-{hexed[20:]}"


def test_an_alert_is_worked_on_to_its_end(cast: Cast, grave: str) -> None:
    told = cast.market.get(f"/alerts/{grave}").json()
    assert (told["state"], told["owner"], told["changed_at"], told["history"]) == ("open", None, None, [])
    taken = change(cast.market, grave, state="acknowledged", note="去看一下")
    assert (taken["state"], taken["owner"]) == ("acknowledged", key_of(cast.market))
    given = change(cast.market, grave, owner=key_of(cast.regulator))
    assert given["owner"] == key_of(cast.regulator)
    assert change(cast.market, grave, owner=None)["owner"] is None
    assert change(cast.market, grave, note="已通知摊主")["state"] == "acknowledged"
    assert change(cast.market, grave, state="in_progress")["owner"] == key_of(cast.market)
    done = change(cast.market, grave, state="resolved")
    assert done["owner"] == key_of(cast.market)
    assert [step["state"] for step in done["history"]] == ["acknowledged"] * 4 + ["in_progress", "resolved"]
    assert [step["note"] for step in done["history"]] == ["去看一下", None, None, "已通知摊主", None, None]
    assert {step["by"] for step in done["history"]} == {key_of(cast.market)}
    assert cast.regulator.get(f"/alerts/{grave}").json() == done


def test_nobody_closes_a_grave_alert_of_a_higher_authority(cast: Cast, batch: dict[str, Any], grave: str) -> None:
    change(cast.regulator, grave, state="in_progress")
    refused = change(cast.market, grave, 403, state="resolved")
    assert refused["type"] == "/problems/higher-authority"
    assert change(cast.market, grave, note="已下架")["state"] == "in_progress"
    change(cast.admin, grave, state="dismissed", note="误报")
    assert change(cast.regulator, grave, 403, state="open")["type"] == "/problems/higher-authority"
    change(cast.admin, grave, state="open")
    # What is a warning only is anybody's to close who works on it.
    cast.stall.record("sell", lines=[cast.item(batch, "99")])
    [warning] = cast.market.get("/alerts", params={"slug": "more_than_there"}).json()["items"]
    change(cast.regulator, warning["id"], state="in_progress")
    assert change(cast.market, warning["id"], state="resolved")["state"] == "resolved"


def test_a_market_does_not_close_what_is_said_of_itself(cast: Cast) -> None:
    own = cast.market.record("produce", outputs=[cast.output(cast.product("豆芽"), "5")])["outputs"][0]
    cast.regulator.record("test", custody_id=own["custody_id"], stage="rapid", item="6-BA", verdict="fail")
    [alert] = cast.market.get("/alerts").json()["items"]
    assert change(cast.market, alert["id"], 403, state="resolved")["type"] == "/problems/higher-authority"
    assert change(cast.regulator, alert["id"], state="resolved")["state"] == "resolved"


def test_what_makes_no_sense_is_refused(cast: Cast, grave: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert change(cast.market, grave, 422)["type"] == "/problems/invalid"
    assert change(cast.market, grave, 422, state="dismissed")["errors"][0]["pointer"] == "/note"
    assert change(cast.market, grave, 422, owner=nobody)["errors"][0]["pointer"] == "/owner"
    assert change(cast.market, grave, 422, owner=key_of(cast.stall))["errors"][0]["pointer"] == "/owner"
    assert change(cast.market, grave, 422, state="forgotten")["status"] == 422
    assert change(cast.market, nobody, 404, note="x")["type"] == "/problems/unknown-alert"
    assert change(cast.other_regulator, grave, 404, note="x")["type"] == "/problems/unknown-alert"
    assert change(cast.stall, grave, 403, note="x")["type"] == "/problems/forbidden"
    assert cast.other_regulator.get(f"/alerts/{grave}").status_code == 404
    for _ in range(100):
        last = cast.market.patch(f"/alerts/{grave}", {"note": "x"})
    assert last.status_code == 200
    assert change(cast.market, grave, 422, note="x")["type"] == "/problems/too-many-changes"


def test_the_queue_is_filtered_and_counted(cast: Cast, batch: dict[str, Any], grave: str) -> None:
    cast.stall.record("sell", lines=[cast.item(batch, "99")])
    change(cast.market, grave, state="in_progress")

    def slugs(actor: Actor, **params: Any) -> set[str]:
        answer = actor.get("/alerts", params=params)
        assert answer.status_code == 200, answer.text
        return {alert["slug"] for alert in answer.json()["items"]}

    everything = {"failed_test", "held_goods", "more_than_there"}
    assert slugs(cast.regulator) == everything
    assert slugs(cast.regulator, state="in_progress") == {"failed_test"}
    assert slugs(cast.regulator, owner=key_of(cast.market)) == {"failed_test"}
    assert slugs(cast.regulator, severity="warning") == {"more_than_there"}
    assert slugs(cast.regulator, region="330106") == everything
    assert slugs(cast.admin, region="330200") == set()
    counts = cast.regulator.get("/alerts/counts").json()
    assert counts["state"] == {"open": 2, "acknowledged": 0, "in_progress": 1, "resolved": 0, "dismissed": 0}
    assert counts["severity"] == {"grave": 2, "warning": 1, "notice": 0}
    assert counts["slug"] == dict.fromkeys(everything, 1)
    assert counts["open_grave"] == 2
    assert cast.market.get("/alerts/counts", params={"severity": "warning"}).json()["open_grave"] == 0
    assert cast.other_regulator.get("/alerts/counts").json()["slug"] == {}


def test_a_complaint_has_an_owner_and_leads_back_in_one_answer(cast: Cast, batch: dict[str, Any]) -> None:
    outside = cast.stall.record(
        "receive", **{"from": {"name": "老张批发", "contact": "13900000000"}},
        items=[{"product_id": batch["product_id"], "quantity": {"value": "5", "unit": "公斤"}}],
    )["outputs"][0]  # fmt: skip
    cast.market.record("test", custody_id=batch["custody_id"], stage="rapid", item="农残", verdict="pass")
    receipt = cast.scale(cast.stall).sell(1, cast.item(batch, "1"), cast.item(outside, "1"))["receipt_code"]
    filed = cast.public.post(f"/c/{receipt}/reports", {"text": "有异味"})
    assert filed.status_code == 201, filed.text
    [row] = cast.regulator.get("/reports").json()["items"]
    assert row["owner"] is None
    path = f"/reports/{row['id']}"
    taken = cast.market.patch(path, {"state": "in_progress"}).json()
    assert taken["owner"] == key_of(cast.market)
    given = cast.market.patch(path, {"owner": key_of(cast.regulator)}).json()
    assert given["owner"] == key_of(cast.regulator)
    assert [step["owner"] for step in given["history"]] == [key_of(cast.market), key_of(cast.regulator)]
    assert cast.market.patch(path, {"owner": key_of(cast.farm)}).status_code == 422
    for owner, expected in ((cast.regulator, [row["id"]]), (cast.market, [])):
        listed = cast.regulator.get("/reports", params={"owner": key_of(owner)}).json()["items"]
        assert [each["id"] for each in listed] == expected
    way = cast.regulator.get(path).json()["way"]
    assert {node["id"] for node in way["batches"]} == {batch["custody_id"], outside["custody_id"]}
    assert [node["site"]["name"] for node in way["suppliers"]] == ["河东蔬菜合作社"]
    assert {node["site"]["name"] for node in way["sources"]} == {"河东蔬菜合作社", "一号摊经营户"}
    assert [gap["from"]["name"] for gap in way["unknown"]] == ["老张批发"]
    assert [test["item"] for test in way["tests"]] == ["农残"]
    assert way["truncated"] is False
