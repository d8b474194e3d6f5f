"""Whom a recall concerns is told by itself: when it starts, when it comes to them later, when it changes and ends."""

import json
from typing import Any

import pytest

from app.settings import Settings
from tests.notifying.conftest import until
from tests.notifying.receiver import Receiver, in_turn
from tests.recalling.conftest import notices, recalled
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    given = {"webhook_hosts": receiver.origin, "webhook_networks": "127.0.0.0/8"}
    checked = Settings.model_validate(given)
    return settings.model_copy(update={name: getattr(checked, name) for name in given})


def listen(actor: Actor, receiver: Receiver, name: str) -> None:
    actor.made("/webhooks", {"url": f"{receiver.origin}/{name}", "events": ["recall"]})


def told(receiver: Receiver, name: str) -> list[tuple[str, dict[str, Any]]]:
    """What has come for this one: topic and data."""
    bodies = [json.loads(each.body) for each in receiver.got if each.path == f"/{name}"]
    return [(body["type"], body["data"]) for body in bodies]


def topics(receiver: Receiver, name: str) -> list[str]:
    return [topic for topic, _ in told(receiver, name)]


def test_a_recall_tells_whom_it_concerns_from_its_start_to_its_end(cast: Cast, receiver: Receiver) -> None:
    for actor, name in ((cast.farm, "farm"), (cast.stall, "stall"), (cast.other_stall, "other"), (cast.plant, "plant")):
        listen(actor, receiver, name)
    listen(cast.regulator, receiver, "office")
    listen(cast.other_regulator, receiver, "elsewhere")
    lot = harvest(cast, "100")
    deliver(cast, lot, "40", cast.stall)
    under_way = [cast.farm.record("ship", items=[cast.item(lot, value)])["slip_code"] for value in ("10", "5")]

    recall = recalled(cast.regulator, {"lots": [lot["lot_id"]]})
    until(lambda: all(topics(receiver, name) == ["recall.notice"] for name in ("farm", "stall", "office")))
    [(_, said)] = told(receiver, "stall")
    assert (said["recall_id"], said["number"], said["grade"]) == (recall["id"], recall["number"], "I")
    assert said["party_id"] == cast.stall.party["id"]
    [goods] = said["goods"]
    assert (goods["site"], goods["received"]["value"], goods["batches"]) == ("一号摊经营户", "40", 1)
    assert "persons" not in json.dumps(said)
    [(_, office)] = told(receiver, "office")
    assert (office["notice_id"], office["party_id"]) == (None, None)

    def state(name: str) -> tuple[Any, ...]:
        notice = notices(cast.regulator, recall)[name]
        return notice["state"], notice["channel"], notice["notified_at"] is not None

    until(lambda: state("一号摊经营户") == ("notified", "webhook", True))

    # Later some of it comes to somebody else, and more to the first.
    cast.other_stall.record("receive", slip_code=under_way[0])
    until(lambda: topics(receiver, "other") == ["recall.notice"])
    cast.stall.record("receive", slip_code=under_way[1])
    until(lambda: topics(receiver, "stall") == ["recall.notice", "recall.changed"])
    assert told(receiver, "stall")[1][1]["goods"][0]["received"]["value"] == "45"

    cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "复检", "grade": "II"})
    until(lambda: topics(receiver, "other") == ["recall.notice", "recall.changed"])
    assert told(receiver, "other")[-1][1]["grade"] == "II"

    closed = {"outcome": "completed", "conclusion": "全部收回"}
    assert cast.regulator.post(f"/recalls/{recall['id']}/close", closed).status_code == 200
    for name in ("farm", "stall", "other", "office"):
        until(lambda name=name: topics(receiver, name)[-1] == "recall.closed")  # type: ignore[misc]
    assert topics(receiver, "plant") == topics(receiver, "elsewhere") == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_narrowing_tells_whom_it_concerns_no_more(cast: Cast, receiver: Receiver) -> None:
    listen(cast.stall, receiver, "stall")
    lot = harvest(cast, "100")
    deliver(cast, lot, "40", cast.stall)
    recall = recalled(cast.regulator, {"lots": [lot["lot_id"]]})
    until(lambda: topics(receiver, "stall") == ["recall.notice"])
    spared = {"lots": [lot["lot_id"]], "exclusions": [{"site_id": cast.stall.site["id"], "reason": "复检合格"}]}
    changed = cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "复检合格", "scope": spared})
    assert changed.status_code == 200, changed.text
    until(lambda: "withdrawn" in [data["notice_state"] for _, data in told(receiver, "stall")])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mock_tells_nobody(cast: Cast, receiver: Receiver) -> None:
    listen(cast.stall, receiver, "stall")
    listen(cast.regulator, receiver, "office")
    lot = harvest(cast, "100")
    deliver(cast, lot, "40", cast.stall)
    mock = recalled(cast.regulator, {"lots": [lot["lot_id"]]}, "mock")
    cast.regulator.post(f"/recalls/{mock['id']}/start", {})
    until(lambda: topics(receiver, "stall") == topics(receiver, "office") == ["recall.notice"])
    assert {data["state"] for _, data in told(receiver, "stall")} == {"live"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_who_could_not_be_told_stands_as_such_on_the_notice(cast: Cast, receiver: Receiver) -> None:
    receiver.behave = in_turn(410)
    listen(cast.stall, receiver, "stall")
    lot = harvest(cast, "100")
    deliver(cast, lot, "40", cast.stall)
    recall = recalled(cast.regulator, {"lots": [lot["lot_id"]]})

    def steps() -> list[tuple[str, Any]]:
        notice = notices(cast.regulator, recall)["一号摊经营户"]
        assert notice["notified_at"] is None
        return [(step["what"], step.get("detail")) for step in notice["history"]]

    until(lambda: steps() == [("concerned", None), ("failed", "HTTP 410")])
