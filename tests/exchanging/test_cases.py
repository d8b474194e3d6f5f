"""Case files: who may open one, what lies in it, what is handed over, and that the next region can read it."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import Engine

from app import tracing
from app.domain.epcis.validate import validate_document
from app.domain.epcis.writing import Amount, Hop, event
from app.enrolling.keys import OPERATOR
from app.exchanging import Order, Parsed, import_document, read_document
from app.store import cases as store
from app.store.engine import reading
from app.store.writer import Writer
from app.tracing import Start
from app.web.service import Service
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast, ago
from tests.support.story import PDF

Chain = dict[str, dict[str, Any]]


@pytest.fixture
def chain(cast: Cast) -> Chain:
    """A farm in Tonglu, a hall in Ningbo and one in Wenzhou beyond it, a stall in Xihu, which makes something of it."""
    hall = cast.enrol("vendor", "宁波批发行", "wholesaler", "wholesale", region="330203")
    far = cast.enrol("producer", "温州合作社", "producer", "farm", region="330302")
    cabbage = cast.product("小白菜")
    at = {"far": far.record("produce", event_time=ago(hours=9), outputs=[cast.output(cabbage, "90")])["outputs"][0]}
    at["hall"] = deliver(cast, at["far"], "60", hall, far)
    at["stall"] = deliver(cast, at["hall"], "40", cast.stall, hall)
    at["other"] = deliver(cast, at["stall"], "10", cast.other_stall, cast.stall)
    paper = ("c.pdf", PDF, "application/pdf")
    form = {"type": "conformity_certificate", "number": "浙A-1"}
    document = cast.stall.request("POST", "/documents", data=form, files={"file": paper}).json()
    cast.stall.record("certify", document_id=document["id"], custody_id=at["stall"]["custody_id"], site_id=None)
    cast.stall.record("sell", lines=[cast.item(at["stall"], "3")])
    cast.market.record(
        "test", custody_id=at["stall"]["custody_id"], stage="rapid", item="毒死蜱", verdict="pass", tester="王五",
    )  # fmt: skip
    return at | {"document": document}


def form(code: str, **changes: Any) -> dict[str, Any]:
    starts = [{"kind": "code", "value": code}]
    return {"ref": f"case-{code}", "starts": starts, "reason": "毒死蜱超标，请协查", "to_region": "3302"} | changes


def opened(reader: Actor, chain: Chain, name: str = "stall", to_region: str = "3302") -> dict[str, Any]:
    return reader.made("/cases", form(chain[name]["code"], to_region=to_region))


def file(reader: Actor, case: dict[str, Any]) -> zipfile.ZipFile:
    answer = reader.get(f"/cases/{case['id']}/file")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="case-{case["id"]}.zip"'
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_what_lies_in_a_case_ends_one_step_across_the_border(cast: Cast, chain: Chain) -> None:
    case = opened(cast.regulator, chain)
    assert (case["region"], case["to_region"], case["state"], case["custodies"]) == ("3301", "3302", "open", 3)
    assert case["manifest_sha256"] is None
    whole = opened(cast.admin, chain)
    assert (whole["custodies"], whole["region"]) == (4, None)
    told = json.loads(file(cast.regulator, case).read("epcis.jsonld"))
    seen = {quantity["epcClass"] for e in told["epcisBody"]["eventList"] for quantity in e.get("quantityList", [])}
    assert len(seen) == 1, "one lot in three hands"
    farms = {e.get("bizLocation", {}).get("id", "") for e in told["epcisBody"]["eventList"]}
    assert not any(place.endswith(chain["far"]["site_id"]) for place in farms)


def test_every_file_is_in_the_manifest_and_its_hash_is_kept(cast: Cast, chain: Chain) -> None:
    case = opened(cast.regulator, chain)
    archive = file(cast.regulator, case)
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    listed = {one["name"]: one for one in manifest["files"]}
    assert {*listed, "manifest.json"} == set(archive.namelist())
    for name, one in listed.items():
        content = archive.read(name)
        assert (one["bytes"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), name
    assert manifest["starts"] == [{"kind": "code", "value": chain["stall"]["code"]}]
    assert (manifest["to_region"], manifest["reason"]) == ("3302", "毒死蜱超标，请协查")
    kept = cast.regulator.get(f"/cases/{case['id']}").json()
    assert kept["manifest_sha256"] == hashlib.sha256(archive.read("manifest.json")).hexdigest()
    assert kept["handed_at"] is not None
    paper = f"documents/conformity_certificate-{chain['document']['id']}.pdf"
    assert archive.read(paper) == PDF
    assert "溯源图" in archive.read("chain-1-back.svg").decode()
    sheets = openpyxl.load_workbook(io.BytesIO(archive.read("trace/trace.xlsx")))
    assert len(sheets.sheetnames) == 8
    for table in ("nodes", "links", "documents", "tests"):
        rows = archive.read(f"trace/{table}.csv").decode().splitlines()
        assert len(rows) == len(set(rows)) > 1, table
    assert archive.read("trace/tests.csv").startswith(b"\xef\xbb\xbf")
    assert "毒死蜱" in archive.read("trace/tests.csv").decode()


def test_the_next_region_reads_it_into_a_ledger_of_its_own(
    cast: Cast, chain: Chain, other: Engine, other_writer: Writer
) -> None:
    """The document is valid EPCIS, and what comes of it is the same chain with the same amounts."""
    cast.stall.record("destroy", items=[cast.item(chain["stall"], "2")], reason="变质")
    document = read_document(file(cast.admin, opened(cast.admin, chain)).read("epcis.jsonld"))
    assert [fault for fault in validate_document(document) if fault.severity == "refusal"] == []
    report = import_document(other_writer, other, Parsed(document), Order(OPERATOR, issue=True))
    assert report.refused == 0
    lot = next(code for code in report.codes if code.kind == "lot")
    with reading(other) as snapshot:
        found = tracing.trace(
            snapshot, OPERATOR, Start("epc", lot.epc), "forward", now=datetime.now(UTC), secret=b"",
            limits=tracing.Limits(),
        )  # fmt: skip
    names = {node.site.name for node in found.nodes if node.site is not None}
    assert names == {"温州合作社", "宁波批发行", "一号摊经营户", "二号摊经营户"}
    assert len(found.links) == 3


def test_whose_it_is_and_whose_not(cast: Cast, chain: Chain, service: Service) -> None:
    case = opened(cast.regulator, chain)
    body = form(chain["stall"]["code"])
    for reader in (cast.stall, cast.market, cast.lab):
        assert reader.post("/cases", body).status_code == 403
        assert reader.get("/cases").status_code == 403
    elsewhere = cast.key("regulator", region="3304")
    answer = elsewhere.post("/cases", body)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/outside-region")
    for path in ("", "/file"):
        assert elsewhere.get(f"/cases/{case['id']}{path}").json()["type"] == "/problems/unknown-case"
    assert elsewhere.post(f"/cases/{case['id']}/close").status_code == 404
    assert elsewhere.get("/cases").json()["items"] == []
    province = cast.key("regulator", region="33")
    assert [one["id"] for one in province.get("/cases").json()["items"]] == [case["id"]]
    for wrong, pointer in (({"to_region": "3301"}, "/to_region"), ({"to_region": "99"}, "/to_region"),
                           ({"starts": []}, "/starts"), ({"reason": ""}, "/reason")):  # fmt: skip
        answer = cast.regulator.post("/cases", body | wrong)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_same_again_is_the_same_case(cast: Cast, chain: Chain) -> None:
    case = opened(cast.regulator, chain)
    again = cast.regulator.post("/cases", form(chain["stall"]["code"]))
    assert (again.status_code, again.json()) == (200, case)
    assert again.headers["location"] == f"/api/v1/cases/{case['id']}"
    other = cast.regulator.post("/cases", form(chain["stall"]["code"], reason="另案"))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/ref-reused")
    assert len(cast.regulator.get("/cases").json()["items"]) == 1


def test_nothing_of_an_open_case_may_be_thinned(cast: Cast, chain: Chain, service: Service) -> None:
    case = opened(cast.regulator, chain)
    goods = {UUID(chain[name]["custody_id"]) for name in ("far", "hall", "stall", "other")}

    def lying() -> set[UUID]:
        with reading(service.engine) as snapshot:
            return store.under_case(snapshot, goods)

    assert lying() == goods - {UUID(chain["far"]["custody_id"])}
    second = opened(cast.regulator, chain, "other")
    assert cast.regulator.post(f"/cases/{case['id']}/close").json()["state"] == "closed"
    assert lying() == goods - {UUID(chain["far"]["custody_id"])}, "another case still holds them"
    closed = cast.regulator.post(f"/cases/{second['id']}/close").json()
    assert lying() == set()
    again = cast.regulator.post(f"/cases/{second['id']}/close").json()
    assert again["closed_at"] == closed["closed_at"]
    listed = cast.regulator.get("/cases", params={"limit": "1"}).json()
    rest = cast.regulator.get("/cases", params={"limit": "1", "cursor": listed["next"]}).json()
    assert [one["id"] for one in listed["items"] + rest["items"]] == [second["id"], case["id"]]


def test_a_case_that_is_too_large_is_refused(cast: Cast, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.exchanging.cases.LARGEST", 2)
    body = form(chain["stall"]["code"])
    assert cast.regulator.post("/cases", body).status_code == 413


def test_corrections_and_processes_go_out_in_the_words_of_epcis(cast: Cast) -> None:
    made = harvest(cast, "50")
    here = deliver(cast, made, "50", cast.stall)
    [salad] = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(here, "20")],
        outputs=[cast.output(cast.product("沙拉", gtin="6901234567892"), "18", lot_number="S/1")],
    )["outputs"]  # fmt: skip
    cast.stall.record("ship", items=[cast.item(salad, "2")], to_site_id=cast.other_stall.site["id"])
    sale = cast.stall.record("sell", lines=[cast.item(salad, "1")])
    cast.stall.record("correct", event_id=sale["id"], reason="did_not_occur", site_id=None)
    case = cast.regulator.made("/cases", form(salad["code"], starts=[{"kind": "lot", "value": salad["lot_id"]}]))
    events = json.loads(file(cast.regulator, case).read("epcis.jsonld"))["epcisBody"]["eventList"]
    sent = next(e for e in events if "destinationList" in e)
    assert sent["destinationList"][0]["destination"].endswith(cast.other_stall.site["code"])
    by = {e["bizStep"]: e for e in events if e is not sent}
    mixed = next(e for e in events if e["type"] == "TransformationEvent")
    assert mixed["outputQuantityList"] == [
        {"epcClass": "https://id.gs1.org/01/06901234567892/10/S%2F1", "quantity": 18, "uom": "KGM"}
    ]
    assert mixed["inputQuantityList"][0]["quantity"] == 20
    assert by["retail_selling"]["errorDeclaration"]["reason"] == "did_not_occur"
    assert by["shipping"]["bizTransactionList"][0]["bizTransaction"].endswith(here["slip"])
    assert by["shipping"]["quantityList"][0]["quantity"] == 50


def test_what_epcis_has_no_word_for_is_left_out() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    some, piece = Amount("https://x/c/G1", 1.5, True), Amount("https://x/c/G1", 2.0, False)
    assert event(Hop("1", "identify", now, now, None, [("in", some)])) is None
    assert event(Hop("1", "sell", now, now, None, [])) is None
    assert event(Hop("1", "sell", now, now, None, [("touched", some)])) is None
    assert event(Hop("1", "transform", now, now, None, [("in", some)])) is None
    told = event(
        Hop("1", "sell", now, now, None, [("out", piece), ("out", piece)], corrected=(now, "incorrect_data", ["2"]))
    )
    assert told is not None
    assert told["quantityList"] == [{"epcClass": "https://x/c/G1", "quantity": 4}]
    assert told["errorDeclaration"]["correctiveEventIDs"] == ["urn:uuid:2"]
    unknown = Amount("https://x/c/G1", None, True)
    held = event(Hop("1", "hold", now, now, "https://x/c/S1", [("touched", unknown), ("touched", some)], papers=["p"]))
    assert held is not None
    assert held["quantityList"] == [{"epcClass": "https://x/c/G1", "quantity": 1.5, "uom": "KGM"}]
    assert held["certificationInfo"] == ["p"]
