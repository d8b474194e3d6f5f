"""Captured goods whose making nobody has recorded: shown as a beginning that is not known, until one side names it."""

import json
from typing import Any

from sqlalchemy import Engine

from app.store.check import verify
from app.store.rebuild import rebuild
from tests.support.cast import Actor, ago
from tests.support.story import Story

JAR = "https://id.gs1.org/01/06901234567892/10/LJJ0302"
DEPOT = "https://id.gs1.org/414/6901234500028"


def told(time: str, action: str, step: str) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventTime": time,
        "eventTimeZoneOffset": "+08:00",
        "action": action,
        "bizStep": step,
        "readPoint": {"id": DEPOT},
        "bizLocation": {"id": DEPOT},
        "quantityList": [{"epcClass": JAR, "quantity": 80, "uom": "KGM"}],
    }


def bring(actor: Actor, *events: dict[str, Any]) -> dict[str, Any]:
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": ago(hours=1),
        "epcisBody": {"eventList": list(events)},
    }
    sent = {"content": json.dumps(document).encode(), "headers": {"Content-Type": "application/ld+json"}}
    answer = actor.request("POST", "/captures?issue=true", **sent)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_goods_that_begin_with_their_receipt_have_a_gap_until_both_sides_agree(story: Story, engine: Engine) -> None:
    maker = story.enrol("producer", "中宁辣椒酱厂", "processor", "plant", region="640521")
    paste = story.product("辣椒酱", "sauce")
    [made] = maker.record("produce", outputs=[story.output(paste, "100", lot_number="LJJ0302")])["outputs"]

    came, moved = told(ago(hours=20), "OBSERVE", "receiving"), told(ago(hours=10), "OBSERVE", "storing")
    report = bring(story.admin, came)
    of_lot, at_depot = report["codes"]
    assert [code["kind"] for code in report["codes"]] == ["lot", "custody"], "what is not known has no code"
    for code in (of_lot["code"], at_depot["code"]):
        page = story.public.scan(code)
        assert (page["status"], [gap["reason"] for gap in page["gaps"]]) == ("incomplete", ["unrecorded"])
        assert "记录从这里开始" in story.read(code)
    trace = story.admin.trace("back", code=at_depot["code"])
    [gap] = trace["gaps"]
    assert (gap["reason"], trace["totals"]["gaps"]) == ("unrecorded", 1)
    [depot] = [node["id"] for node in trace["nodes"] if node["kind"] == "custody"]

    # 厂方认货，收货方确认；晚到的记录不再打开缺口。 The maker claims, the receiver agrees; late records leave it so.
    source = {"gap_custody_id": gap["node_id"], "parent_custody_id": made["custody_id"]}
    assert maker.record("identify", **source)["decision"] == "claimed"
    [site] = [
        each
        for each in story.admin.get("/sites", params={"limit": 100}).json()["items"]
        if {"scheme": "epcis", "value": DEPOT} in each["external_codes"]
    ]
    story.admin.patch(f"/parties/{site['party_id']}", {"status": "active"})
    receiver = story.key("vendor", party_id=site["party_id"])
    assert receiver.record("identify", **source)["decision"] == "confirmed"
    assert bring(story.admin, came, moved)["recorded"] == 1
    page = story.public.scan(at_depot["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert page["steps"][0]["party"]["name"] == "中宁辣椒酱厂"
    balance = maker.scan(made["code"])["balance"]
    assert (balance["received"], balance["shipped"], balance["on_hand"]) == (100_000, 80_000, 20_000)
    assert verify(engine) == []

    # 更正认货：缺口又打开。 Taken back, the gap is open again.
    [named] = maker.get("/events", params={"kind": "identify"}).json()["items"][:1]
    maker.record("correct", event_id=named["id"], reason="did_not_occur")
    assert story.public.scan(at_depot["code"])["status"] == "incomplete"
    assert maker.scan(made["code"])["balance"]["shipped"] == 0

    # 晚到的生产记录：来源就在这里，缺口不再存在。 The making itself, reported late: nothing is missing any more.
    bring(story.admin, told(ago(hours=30), "ADD", "commissioning"))
    page = story.public.scan(at_depot["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert story.admin.trace("back", custody=depot)["totals"]["gaps"] == 0
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_what_stands_at_a_gap_that_a_late_record_removes(story: Story, engine: Engine) -> None:
    """A confirmed source and the record of a making contradict each other: the making counts, the ledger is whole."""
    maker = story.enrol("producer", "盐池辣椒酱厂", "processor", "plant", region="640323")
    paste = story.product("辣椒酱", "sauce")
    [made] = maker.record("produce", outputs=[story.output(paste, "100", lot_number="LJJ0302")])["outputs"]
    report = bring(story.admin, told(ago(hours=20), "OBSERVE", "receiving"))
    code = report["codes"][1]["code"]
    [gap] = story.admin.trace("back", code=code)["gaps"]
    source = {"gap_custody_id": gap["node_id"], "parent_custody_id": made["custody_id"]}
    assert maker.record("identify", **source)["decision"] == "claimed"
    named = story.admin.record("identify", **source)
    assert named["decision"] == "confirmed"
    bring(story.admin, told(ago(hours=30), "ADD", "commissioning"))
    page = story.public.scan(code)
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert verify(engine) == []
    story.admin.record("correct", event_id=named["id"], reason="did_not_occur")
    assert story.public.scan(code)["gaps"] == []
    assert maker.scan(made["code"])["balance"]["shipped"] == 0
    assert verify(engine) == []


def test_a_pasted_identifier_leads_to_the_goods_in_whichever_spelling(story: Story) -> None:
    report = bring(story.admin, told(ago(hours=20), "OBSERVE", "receiving"))
    [lot] = [code["code"] for code in report["codes"] if code["kind"] == "lot"]
    spelt = (JAR, "urn:epc:class:lgtin:6901234.056789.LJJ0302", JAR.replace("id.gs1.org", "example.cn/shop"), DEPOT)
    for text in spelt:
        answer = story.public.get("https://food.example.cn/lookup", params={"q": f" {text} "})
        assert answer.status_code == 200, answer.text
        found = {(match["kind"], match["code"]) for match in answer.json()["matches"]}
        assert ({kind for kind, _ in found} == {"site"}) if text == DEPOT else (found == {("lot", lot)}), text
