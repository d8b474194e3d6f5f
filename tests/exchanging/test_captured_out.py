"""What others captured goes out again: in the sheet of FSMA 204, and as it came in the file of a case."""

import csv
import io
import json
import zipfile

import pytest

from tests.exchanging.world import FARM, MARKET, PLANT, STALL, document, lot, made, seen, some, turned
from tests.support.cast import Cast

EVENTS = (
    made(1, FARM, some("A", 100)),
    seen(2, FARM, "shipping", some("A", 60)),
    seen(3, PLANT, "receiving", some("A", 60)),
    turned(4, PLANT, [some("A", 50)], [some("B", 40)]),
    seen(5, PLANT, "shipping", some("B", 40)),
    seen(6, MARKET, "receiving", some("B", 40)),
    seen(7, STALL, "receiving", some("B", 10)),
    seen(9, STALL, "receiving", some("B", 5)),
)


@pytest.fixture
def captured(cast: Cast) -> None:
    answer = cast.admin.post("/captures", document(*EVENTS))
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == 0


def test_captured_events_are_critical_tracking_events(cast: Cast, captured: None) -> None:
    answer = cast.admin.get("/exports/fsma204", params={"epc": lot("B"), "direction": "both"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    ctes = [row["cte"] for row in rows]
    for cte in (
        "initial packing / harvest",
        "shipping",
        "receiving",
        "transformation: input",
        "transformation: output",
    ):
        assert cte in ctes, cte
    assert {row["traceability_lot_code"] for row in rows if row["cte"] == "transformation: output"} != {"unknown"}


def test_a_case_hands_on_what_was_captured_as_it_came(cast: Cast, captured: None) -> None:
    body = {"ref": "1", "starts": [{"kind": "epc", "value": lot("B")}], "reason": "协查", "to_region": "3302"}
    case = cast.admin.made("/cases", body)
    archive = zipfile.ZipFile(io.BytesIO(cast.admin.get(f"/cases/{case['id']}/file").content))
    told = json.loads(archive.read("epcis.jsonld"))["epcisBody"]["eventList"]
    assert [event for event in EVENTS if event not in told] == []


def test_captured_and_own_goods_in_one_document(cast: Cast, captured: None) -> None:
    """A hold of ours on goods that another captured: their class stays theirs."""
    batch = cast.admin.trace("forward", epc=lot("B"))["nodes"][-1]
    held = cast.admin.record("hold", custody_id=batch["id"], scope="custody", reason="待查")
    assert held["status"] == "recorded"
    body = {"ref": "1", "starts": [{"kind": "custody", "value": batch["id"]}], "reason": "协查", "to_region": "3302"}
    case = cast.admin.made("/cases", body)
    archive = zipfile.ZipFile(io.BytesIO(cast.admin.get(f"/cases/{case['id']}/file").content))
    told = json.loads(archive.read("epcis.jsonld"))["epcisBody"]["eventList"]
    (hold,) = [event for event in told if event.get("bizStep") == "holding"]
    assert "lgtin" in hold["quantityList"][0]["epcClass"] or "/10/B" in hold["quantityList"][0]["epcClass"]
