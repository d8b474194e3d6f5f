"""S28 区域追溯协作 · 杭州上城

杭州的监管部门查一批不合格的小白菜：往上追到宁波的批发行，再往上就出了辖区，只看得到名称，看不到数量和联系方式。
于是建立案卷，把看得到的一段（本辖区和跨出一步）连同凭证、图、表，打成一个带清单的压缩包，移交宁波；谁建的、移交了什么、清单的校验值
都留痕。宁波导入案卷里的 EPCIS 文件，接着往上查。

A regulator of Hangzhou follows a bad batch one step across its border, to a hall in Ningbo; beyond it only names are
told, no amounts and no contacts. It opens a case file: what it may know, as EPCIS, tables, pictures and papers in one
zip with a manifest, whose hash is kept. Ningbo reads the EPCIS in and goes on from there.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.main import close_service, open_service
from tests.support.cast import ago, first_key
from tests.support.databases import fresh
from tests.support.enrolled import settings_of, speaking
from tests.support.epcis import captured, told
from tests.support.story import Story

SHANGCHENG, HAISHU, OTHER = "330102", "330203", "330302"


def test_a_regulator_follows_a_chain_one_step_and_hands_the_case_over(story: Story) -> None:
    farm = story.enrol("producer", "温州某蔬菜基地", "producer", "farm", region=OTHER)
    hall = story.enrol("vendor", "海曙蔬菜批发行", "wholesaler", "wholesale", region=HAISHU)
    market = story.enrol("market", "近江农贸市场", "market", "market", region=SHANGCHENG)
    stall = story.enrol("vendor", "近江 3 号菜摊", "vendor", "stall", parent=market, region=SHANGCHENG)
    hangzhou, ningbo = story.key("regulator", region="3301"), story.key("regulator", region="3302")
    greens = story.product("小白菜")
    [lot] = farm.record("produce", event_time=ago(hours=40), outputs=[story.output(greens, "500.5")])["outputs"]
    slip = farm.record("ship", event_time=ago(hours=30), items=[story.item(lot, "300.5")])["slip_code"]
    [there] = hall.record("receive", event_time=ago(hours=28), slip_code=slip)["outputs"]
    story.certify(hall, there, "purchase_slip", hours=27, number="HS-0301")
    slip = hall.record("ship", event_time=ago(hours=20), items=[story.item(there, "80.5")])["slip_code"]
    [here] = stall.record("receive", event_time=ago(hours=18), slip_code=slip)["outputs"]
    market.record(
        "test", event_time=ago(hours=10), custody_id=here["custody_id"], stage="rapid", item="毒死蜱", verdict="fail"
    )

    # 跨出一步看得到数量，再往上只有名称。 One step across the border with amounts; beyond it names alone.
    seen = hangzhou.trace("back", code=here["code"])
    assert [(node["site"]["name"], node["in"] is not None) for node in seen["nodes"]] == [
        ("近江 3 号菜摊", True), ("海曙蔬菜批发行", True), ("温州某蔬菜基地", False),
    ]  # fmt: skip
    assert [link["quantity"]["value"] if link["quantity"] else None for link in seen["links"]] == ["80.5", None]

    # 建立案卷，移交宁波。 The case file, for Ningbo.
    case = hangzhou.made("/cases", {
        "ref": "2026-1", "starts": [{"kind": "code", "value": here["code"]}], "reason": "毒死蜱超标，请协查上游",
        "to_region": "330200",
    })  # fmt: skip
    assert (case["region"], case["to_region"], case["custodies"], case["state"]) == ("3301", "3302", 2, "open")
    answer = hangzhou.get(f"/cases/{case['id']}/file")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["reason"] == "毒死蜱超标，请协查上游"
    for one in manifest["files"]:
        assert hashlib.sha256(archive.read(one["name"])).hexdigest() == one["sha256"]
    names = archive.namelist()
    assert any(name.startswith("documents/purchase_slip-") for name in names), "the hall's paper goes along"
    assert {"epcis.jsonld", "trace/trace.xlsx", "chain-1-back.svg", "chain-1-forward.svg"} <= set(names)
    epcis = archive.read("epcis.jsonld").decode()
    assert "non_conformant" in epcis
    assert "500.5" not in epcis, "what the farm harvested is not Hangzhou's to tell"
    kept = hangzhou.get(f"/cases/{case['id']}").json()
    assert kept["manifest_sha256"] == hashlib.sha256(archive.read("manifest.json")).hexdigest()
    # 案卷是杭州的；宁波拿到的是文件。 The case is Hangzhou's; what Ningbo has is the file.
    assert ningbo.get(f"/cases/{case['id']}").status_code == 404
    assert (
        stall.post("/cases", {"ref": "1", "starts": case["starts"], "reason": "x", "to_region": "3302"}).status_code
        == 403
    )

    # 查过个人信息、凭证文件的，都有记录。 Who looked at papers is in the log.
    looks = story.admin.get("/audit", params={"kind": "document"}).json()["items"]
    assert any(f"/cases/{case['id']}/file" in look["request"] for look in looks)

    # 宁波接着往上查：自己辖区的批发行往上一步，数量看得到。 Ningbo goes on: the farm's amounts, one step from its hall.
    on = ningbo.trace("back", code=there["code"])
    assert [node["in"]["value"] for node in on["nodes"]] == ["300.5", "500.5"]
    # 案卷里的事件就是 EPCIS 接口里的事件：宁波按案卷里的编号查自己辖区的原件，也能看到案卷之外的。
    # What the case tells are the events of the repository: by the eventIDs in it Ningbo finds its own in full.
    told = {event["eventID"]: event for event in json.loads(epcis)["epcisBody"]["eventList"]}
    lot = story.epcis(hangzhou, 1, EQ_bizStep="inspecting", EQ_disposition="non_conformant")[0]["quantityList"][0][
        "epcClass"
    ]
    ours = story.epcis(hangzhou, 2, MATCH_anyEPCClass=lot)
    assert {event["eventID"] for event in ours} <= told.keys()
    theirs = story.epcis(ningbo, 3, MATCH_anyEPCClass=lot, orderBy="eventTime", orderDirection="ASC")
    assert [event["bizStep"] for event in theirs] == ["receiving", "inspecting", "shipping"]
    for event in theirs:
        same = ningbo.get(f"/epcis/events/{event['eventID']}").json()
        [found] = same["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert found["eventID"] in told
        assert {**told[found["eventID"]], "recordTime": ""} == {**found, "recordTime": ""}
    assert hangzhou.get(f"/epcis/events/{theirs[0]['eventID']}").status_code == 404, "beyond the border it has the case"
    closed = hangzhou.request("POST", f"/cases/{case['id']}/close").json()
    assert closed["state"] == "closed"


@pytest.fixture
def next_region(tmp_path: Path, templates: dict[str, Path | str]) -> Iterator[Story]:
    """宁波自己的 OneCode，什么都还没有。 Ningbo's own service, empty."""
    place = tmp_path / "ningbo"
    place.mkdir()
    with fresh("sqlite", place, templates["sqlite"]) as database:
        settings = settings_of(database, place).model_copy(update={"public_url": "https://ningbo.example.cn"})
        service = open_service(settings)
        with speaking(service) as client:
            yield Story(client, first_key(service))
        close_service(service)


def test_the_case_goes_on_in_the_next_regions_own_service(story: Story, next_region: Story) -> None:
    hall = story.enrol("vendor", "海曙蔬菜批发行", "wholesaler", "wholesale", region=HAISHU)
    market = story.enrol("market", "近江农贸市场", "market", "market", region=SHANGCHENG)
    stall = story.enrol("vendor", "近江 3 号菜摊", "vendor", "stall", parent=market, region=SHANGCHENG)
    hangzhou = story.key("regulator", region="3301")
    plain, labelled = story.product("小白菜"), story.product("土鸡蛋", "eggs", gtin="6901234567892")
    bought = hall.record(
        "receive", event_time=ago(hours=30), **{"from": {"name": "温州某基地"}},
        items=[
            {"product_id": plain["id"], "quantity": {"value": "80.5", "unit": "公斤"}},
            {"product_id": labelled["id"], "quantity": {"value": "40", "unit": "公斤"}, "lot_number": "JD-0301"},
        ],
    )["outputs"]  # fmt: skip
    slip = hall.record(
        "ship", event_time=ago(hours=20), items=[story.item(bought[0], "80.5"), story.item(bought[1], "20")],
        to_site_id=stall.site["id"],
    )["slip_code"]  # fmt: skip
    here = stall.record("receive", event_time=ago(hours=18), slip_code=slip)["outputs"]
    market.record(
        "test", event_time=ago(hours=10), custody_id=here[0]["custody_id"], stage="rapid", item="毒死蜱", verdict="fail"
    )
    case = hangzhou.made("/cases", {
        "ref": "2026-2", "starts": [{"kind": "code", "value": batch["code"]} for batch in here],
        "reason": "毒死蜱超标，请协查上游", "to_region": "330200",
    })  # fmt: skip
    archive = zipfile.ZipFile(io.BytesIO(hangzhou.get(f"/cases/{case['id']}/file").content))
    document = json.loads(archive.read("epcis.jsonld"))

    # 宁波收下文件；再收一次，一条不多。 Ningbo captures the file; once more changes nothing.
    admin = next_region.admin
    job = captured(admin, document)
    count = len(document["epcisBody"]["eventList"])
    assert job["onecode:outcome"]["recorded"] == count
    assert captured(admin, document)["onecode:outcome"]["duplicate"] == count

    # 批发行到摊位，凭条码批号或杭州的码都追得到。 By GTIN and lot, or by the code that Hangzhou gave it.
    lots = {
        element["epcClass"] for event in document["epcisBody"]["eventList"] for element in event.get("quantityList", ())
    }
    assert lots == {
        "https://id.gs1.org/01/06901234567892/10/JD-0301", f"https://food.example.cn/c/{bought[0]['lot_code']}",
    }  # fmt: skip
    for lot in (*lots, "urn:epc:class:lgtin:6901234.056789.JD-0301"):
        back = admin.trace("back", epc=lot)
        places = [node["site"]["name"] for node in back["nodes"] if node["kind"] == "custody"]
        assert set(places) == {"海曙蔬菜批发行", "近江 3 号菜摊"}, lot
        assert len(back["links"]) == 2, "from the hall to the stall, and from nobody knows where to the hall"
        assert told(admin, MATCH_anyEPCClass=lot)
    [test] = told(admin, EQ_disposition="non_conformant")
    assert test["quantityList"][0]["epcClass"].endswith(bought[0]["lot_code"])
