"""Who sees what: one code, many readers."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.scanning import AUDIENCE, Audience, redact
from tests.scanning.chains import Market, open_market
from tests.support.cast import Actor, ago
from tests.support.story import Story, private_fields

SECRETS = ["13900000000", "某村12号", "检测员甲", "S-17", "37.125"]


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def test_every_field_has_an_audience_and_rising_ones_see_no_less() -> None:
    for shape, fields in AUDIENCE.items():
        full = dict.fromkeys(fields, "told")
        seen: set[str] = set()
        for audience in Audience:
            shown = redact(shape, audience, full)
            assert shown.keys() == full.keys(), "a field is always there, null where it is not for the reader"
            now = {name for name, value in shown.items() if value is not None}
            assert seen <= now
            seen = now
        assert seen == full.keys()


def test_what_is_not_in_the_table_cannot_be_shown() -> None:
    with pytest.raises(KeyError):
        redact("place", Audience.ADMIN, {"name": "一号摊", "phone": "13900000000"})


def test_the_public_sees_no_secret_and_its_keepers_do(town: Market) -> None:
    story, bought = town.story, town.from_outside(town.stall)
    town.market.record(
        "test", custody_id=bought["custody_id"], stage="rapid", item="毒死蜱", value="阴性", tester="检测员甲",
        sample_number="S-17",
    )  # fmt: skip
    code = bought["code"]
    story.hides(code, SECRETS)
    office = story.key("regulator", region="3301")
    stranger = story.key("regulator", region="3302")
    seen = {
        name: set(private_fields(actor.scan(code)))
        for name, actor in {
            "stall": town.stall,
            "other": town.other,
            "market": town.market,
            "office": office,
            "stranger": stranger,
            "admin": story.admin,
        }.items()
    }
    own = {"contact", "address", "sample_number", "balance", "actions", "suppliers"}
    assert seen == {
        "stall": own,
        "other": {"actions"},
        "market": own | {"tester"},
        "office": own | {"tester"},
        "stranger": {"actions"},
        "admin": own | {"tester"},
    }


def kinds(actor: Actor, code: str) -> list[str]:
    return [action["kind"] for action in actor.scan(code)["actions"]]


def test_each_reader_gets_what_it_may_do_next(town: Market) -> None:
    story, made = town.story, town.harvest()
    here = town.move(town.farm, town.stall, made, "37.125")
    traces = ["trace_back", "trace_forward"]
    code = here["code"]
    assert kinds(town.stall, code) == ["ship", "transform", "sell", "return", "destroy", "count", "certify", *traces]
    assert kinds(town.other, code) == traces
    assert kinds(town.farm, code) == traces
    market = kinds(town.market, code)
    assert {"admit", "test", "hold"} <= set(market)
    assert kinds(story.key("regulator", region="3301"), code) == ["test", "hold", *traces]
    assert kinds(story.key("regulator", region="3302"), code) == traces
    assert kinds(story.enrol("lab", "市检测中心", "laboratory", None), code) == ["test", *traces]
    assert kinds(story.scale(town.stall), code) == ["sell", "return", *traces]
    hold = story.admin.record("hold", custody_id=here["custody_id"], scope="lot", reason="抽检")
    released = [each for each in story.admin.scan(code)["actions"] if each["kind"] == "release"]
    assert [each["body"]["hold_event_id"] for each in released] == [hold["id"]]
    # A lot shows the same at its maker's.
    assert "ship" in kinds(town.farm, made["lot_code"])


def test_an_action_is_a_request_to_complete_and_post(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    action: Mapping[str, Any] = next(
        each for each in town.market.scan(here["code"])["actions"] if each["kind"] == "test"
    )
    assert (action["method"], action["href"]) == ("POST", "/api/v1/events")
    completed = {"event_time": ago(minutes=1), "ref": "t-1", "stage": "rapid", "item": "x", "value": "阴性"}
    body = {**action["body"], **completed}
    answer = town.market.post(action["href"], body)
    assert answer.status_code == 201, answer.text
    trace = town.stall.scan(here["code"])["actions"][-1]
    assert town.stall.get(trace["href"]).status_code == 200


def test_the_balance_is_its_holders(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest(), "37.125")
    town.stall.record("sell", lines=[town.story.item(here, "2")])
    assert town.stall.scan(here["code"])["balance"] == {
        "measure": "weight", "received": 37125, "sold": 2000, "shipped": 0, "processed": 0, "returned": 0,
        "destroyed": 0, "unexplained": 0, "on_hand": 35125, "receipts": 0,
    }  # fmt: skip
    assert town.other.scan(here["code"])["balance"] is None
    page = town.story.markup(here["code"], reader=town.stall)
    assert "35125 克" in page
    assert "登记检测" not in page


def test_with_a_key_nothing_is_kept_by_anybody(town: Market) -> None:
    code = town.stall.site["code"]
    answer = town.stall.get(f"/c/{code}")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers
    assert "Authorization" in answer.headers["vary"]
    wrong = town.story.public.get(f"/c/{code}", headers={"Authorization": "Bearer ock_x"})
    assert wrong.status_code == 401
