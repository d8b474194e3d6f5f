"""The EPCIS of a case file, held against the standard's schema and our own checks, whatever its chain went through."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.domain.epcis.validate import validate_document
from tests.epcis.shown import faults
from tests.exchanging.world import FARM, document, made, seen, some
from tests.recalling.conftest import recalled
from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Actor, Cast, quantity


def opened(by: Actor, code: str) -> list[dict[str, Any]]:
    """The events of a case that begins with a code; the document is valid."""
    start = {"kind": "code", "value": code}
    case = by.made("/cases", {"ref": code, "starts": [start], "reason": "x", "to_region": "3302"})
    answer = by.get(f"/cases/{case['id']}/file")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = json.loads(archive.read("epcis.jsonld"))
    assert [fault for fault in validate_document(told) if fault.severity == "refusal"] == []
    opened_.append(told)
    events: list[dict[str, Any]] = told["epcisBody"]["eventList"]
    return events


opened_: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _valid(vectors: Path) -> Any:
    opened_.clear()
    yield
    assert [faults(vectors, told) for told in opened_] == [[]] * len(opened_)


def test_a_chain_with_everything_that_happens_to_goods(cast: Cast) -> None:
    lot = harvest(cast, "100", lot_number="L-1")
    here, there = deliver(cast, lot, "60", cast.stall), deliver(cast, lot, "30", cast.other_stall)
    cast.stall.record("certify", custody_id=here["custody_id"], document_id=paper(cast.stall))
    failed = cast.market.record(
        "test", custody_id=here["custody_id"], stage="rapid", item="农药残留", verdict="fail",
        site_id=cast.market.site["id"],
    )  # fmt: skip
    cast.market.record("release", hold_event_id=failed["id"], reason="x")
    reading = {"type": "温度", "value": "4.5", "unit": "℃", "time": "2026-03-01T00:00:00Z"}
    cast.admin.record("observe", custody_id=here["custody_id"], readings=[reading])
    cast.stall.record("sell", lines=[cast.item(here, "1")])
    cast.stall.record("destroy", items=[cast.item(here, "2")], reason="damaged")
    cast.stall.record("count", items=[{"custody_id": here["custody_id"], "quantity": quantity("50")}])
    mixed = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(here, "5")],
        outputs=[cast.output(cast.product("酱", "prepared"), "4")],
    )["outputs"][0]  # fmt: skip
    bought = cast.stall.record(
        "receive", **{"from": {"name": "外地", "contact": "1"}},
        items=[{"product_id": lot["product_id"], "quantity": quantity("5")}],
    )  # fmt: skip
    again = cast.stall.event("sell", lines=[cast.item(here, "2")])
    wrong = cast.stall.record("sell", lines=[cast.item(here, "3")])
    cast.stall.record("correct", event_id=wrong["id"], reason="incorrect_data", replacement=again)
    held = cast.regulator.record("hold", custody_id=there["custody_id"], scope="custody", reason="x")
    cast.regulator.record("release", hold_event_id=held["id"], reason="x")
    events = opened(cast.regulator, lot["code"])
    steps = {event["bizStep"] for event in events}
    assert steps >= {
        "commissioning", "shipping", "receiving", "inspecting", "holding", "stocking", "sensor_reporting",
        "retail_selling", "destroying", "stock_taking",
    }  # fmt: skip
    assert any("errorDeclaration" in event for event in events)
    assert mixed["lot_code"]
    assert bought["outputs"]


def test_a_recall_goes_with_the_goods_until_it_is_lifted(cast: Cast) -> None:
    lot, other = harvest(cast, "100"), harvest(cast, "100")
    deliver(cast, lot, "60", cast.stall)
    recall = recalled(cast.regulator, {"lots": [lot["lot_id"], other["lot_id"]]})
    narrowed = {"scope": {"lots": [other["lot_id"]]}, "why": "另一批 · another lot"}
    answer = cast.regulator.patch(f"/recalls/{recall['id']}", narrowed)
    assert answer.status_code == 200, answer.text
    told = [event for event in opened(cast.regulator, lot["code"]) if "persistentDisposition" in event]
    assert [(event["bizStep"], event["disposition"], event["persistentDisposition"]) for event in told] == [
        ("holding", "recalled", {"set": ["recalled"]}),
        ("stocking", "sellable_accessible", {"unset": ["recalled"]}),
    ]
    assert {event["action"] for event in told} == {"OBSERVE"}
    assert not any("bizLocation" in event for event in told), "the lot is recalled in all hands"
    closed = {"outcome": "lifted", "conclusion": "复检合格 · retest passed"}
    assert cast.regulator.post(f"/recalls/{recall['id']}/close", closed).status_code == 200
    told = [event for event in opened(cast.regulator, other["code"]) if "persistentDisposition" in event]
    assert [event["persistentDisposition"] for event in told] == [{"set": ["recalled"]}, {"unset": ["recalled"]}]


def test_captured_goods_go_out_as_they_came(cast: Cast) -> None:
    lot = some("CASE", 10)
    held = seen(30, FARM, "holding", lot, persistentDisposition={"set": ["recalled"]})
    answer = cast.farm.post("/captures?issue=true", document(made(6, FARM, lot), held))
    assert answer.status_code == 200, answer.text
    code = next(one["code"] for one in answer.json()["codes"] if one["kind"] == "lot")
    events = opened(cast.admin, code)
    assert [event["bizStep"] for event in events] == ["commissioning", "holding"]
