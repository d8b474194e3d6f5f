"""The sortable spreadsheet of FSMA 204: every critical tracking event, every key data element, or "unknown"."""

import csv
import io
from typing import Any

import openpyxl
import pytest

from app.exchanging.fsma import COLUMNS
from tests.recording.conftest import deliver
from tests.support.cast import Actor, Cast, ago

Rows = list[dict[str, str]]


def asked(reader: Actor, **params: str) -> Rows:
    answer = reader.get("/exports/fsma204", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    *rows, last = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert last[COLUMNS[0]] == f"完 · end: {len(rows)}"
    assert all(tuple(row) == COLUMNS for row in rows)
    assert all(cell for row in rows for cell in row.values()), "nothing is left empty"
    return rows


@pytest.fixture
def goods(cast: Cast) -> dict[str, dict[str, Any]]:
    """A farm's cabbage and some from outside are mixed at the stall and go to the other stall, some of it back."""
    cabbage, salad = cast.product("小白菜"), cast.product("沙拉", "prepackaged", gtin="6901234567892")
    made = cast.farm.record("produce", event_time=ago(hours=9), outputs=[cast.output(cabbage, "100", lot_number="A1")])
    at = {"farm": made["outputs"][0]}
    at["stall"] = deliver(cast, at["farm"], "60", cast.stall)
    at["bought"] = cast.stall.record(
        "receive", **{"from": {"name": "外地合作社", "contact": "13900000000", "address": "外省某镇"}},
        items=[{"product_id": cabbage["id"], "quantity": {"value": "5", "unit": "kg"}}],
    )["outputs"][0]  # fmt: skip
    at["salad"] = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(at["stall"], "40"), cast.item(at["bought"], "5")],
        outputs=[cast.output(salad, "42", lot_number="S1")],
    )["outputs"][0]  # fmt: skip
    at["other"] = deliver(cast, at["salad"], "20", cast.other_stall, cast.stall)
    cast.other_stall.record(
        "return", items=[cast.item(at["other"], "2")], reason="破损", to_custody_id=at["salad"]["custody_id"]
    )
    return at


def test_the_events_of_a_chain_with_their_key_data(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    rows = asked(cast.admin, code=goods["other"]["code"], direction="both")
    found = [(row["cte"], row["lot_number"], row["quantity"], row["unit"]) for row in rows]
    number = goods["bought"]["lot_number"]
    for expected in (
        ("initial packing / harvest", "A1", "100", "kg"),
        ("shipping", "A1", "60", "kg"),
        ("receiving", "A1", "60", "kg"),
        ("receiving", number, "5", "kg"),
        ("transformation: input", "A1", "40", "kg"),
        ("transformation: input", number, "5", "kg"),
        ("transformation: output", "S1", "42", "kg"),
        ("shipping", "S1", "20", "kg"),
        ("receiving", "S1", "20", "kg"),
        ("shipping", "S1", "2", "kg"),
        ("receiving", "S1", "2", "kg"),
    ):
        assert expected in found, expected
    assert len(found) == 11
    by = {(row["cte"], row["lot_number"], row["quantity"]): row for row in rows}
    harvest = by["initial packing / harvest", "A1", "100"]
    assert harvest["traceability_lot_code"] == goods["farm"]["lot_code"]
    assert harvest["tlc_source_reference"] == f"https://food.example.cn/c/{goods['farm']['lot_code']}"
    assert harvest["tlc_source_name"] == harvest["location_name"] == "河东蔬菜合作社"
    assert harvest["location_region"] == "330122"
    shipped, got = by["shipping", "A1", "60"], by["receiving", "A1", "60"]
    slip = goods["stall"]["slip"]
    assert (shipped["reference_document_type"], shipped["reference_document_number"]) == (
        "accompanying slip 溯源单",
        slip,
    )
    assert got["reference_document_number"] == slip
    # An open slip names nobody: whoever took the goods off it is the recipient.
    assert shipped["next_recipient_name"] == got["location_name"] == "一号摊经营户"
    assert got["previous_source_name"] == "河东蔬菜合作社"
    assert got["tlc_source_code"] == cast.farm.site["code"], "the code is the farm's, wherever the goods are"
    bought = by["receiving", number, "5"]
    assert (bought["previous_source_name"], bought["previous_source_address"]) == ("外地合作社", "外省某镇")
    assert bought["previous_source_phone"] == "13900000000"
    assert bought["tlc_source_name"] == "一号摊经营户"
    assert bought["previous_source_code"] == "unknown"
    ways = {row["transformation_id"] for row in rows if row["cte"].startswith("transformation")}
    assert len(ways) == 1
    assert by["transformation: output", "S1", "42"]["gtin"] == "6901234567892"
    assert by["shipping", "S1", "2"]["next_recipient_name"] == "一号摊经营户"
    assert by["receiving", "S1", "2"]["previous_source_name"] == "二号摊经营户"


def test_of_a_site_a_time_and_a_lot(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    stall = asked(cast.stall, site=cast.stall.site["id"])
    assert {row["location_name"] for row in stall} == {"一号摊经营户"}
    assert len(stall) == 7
    lot = asked(cast.regulator, lot=goods["farm"]["lot_id"])
    assert {row["traceability_lot_code"] for row in lot} == {goods["farm"]["lot_code"]}
    assert asked(cast.regulator, lot=goods["farm"]["lot_id"], to=ago(hours=5)) == [
        row for row in lot if row["cte"] == "initial packing / harvest"
    ]
    assert asked(cast.market, **{"from": ago(hours=2)})
    assert asked(cast.market, **{"from": ago(hours=2), "to": ago(hours=1.5)}) == []


def test_what_the_reader_may_not_know_is_not_in_it(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    assert asked(cast.plant, code=goods["other"]["code"], direction="both") == []
    near = asked(cast.other_stall, code=goods["other"]["code"], direction="both")
    assert near
    assert "13900000000" not in str(near)
    assert {row["location_name"] for row in near} <= {"一号摊经营户", "二号摊经营户"}
    market = asked(cast.market, code=goods["other"]["code"], direction="both")
    assert "13900000000" in str(market)


def test_recipients_that_a_slip_names(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    cast.stall.record("ship", items=[cast.item(goods["salad"], "1")], to_site_id=cast.other_stall.site["id"])
    outside = {"name": "外地超市", "contact": "13900000001", "address": "外省某市"}
    cast.stall.record("ship", items=[cast.item(goods["salad"], "3")], to=outside)
    cast.stall.record("sell", lines=[cast.item(goods["salad"], "1")])
    rows = {row["quantity"]: row for row in asked(cast.market, custody=goods["salad"]["custody_id"])}
    assert rows["1"]["next_recipient_code"] == cast.other_stall.site["code"]
    said = [rows["3"][f"next_recipient_{part}"] for part in ("name", "address", "phone")]
    assert said == ["外地超市", "外省某市", "13900000001"]
    assert "retail" not in str(rows), "a sale to a consumer is no critical tracking event"
    hidden = asked(cast.other_stall, code=goods["other"]["code"], direction="back")
    assert "13900000001" not in str(hidden)


def test_telephones_that_are_shown_are_noted(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    cast.admin.patch(f"/parties/{cast.stall.party['id']}", {"contact": {"name": "张三", "phone": "13800000001"}})
    rows = asked(cast.market, site=cast.stall.site["id"])
    assert {row["location_phone"] for row in rows} == {"13800000001"}
    looks = cast.admin.get("/audit").json()["items"]
    seen = {(look["subject_kind"], look["subject_id"]) for look in looks if "fsma204" in look["request"]}
    assert ("party", cast.stall.party["id"]) in seen
    assert any(kind == "gap" for kind, _ in seen)
    own = asked(cast.stall, site=cast.stall.site["id"])
    assert {row["location_phone"] for row in own} == {"13800000001"}


def test_as_a_workbook(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    query = {"site": cast.stall.site["id"], "format": "xlsx"}
    answer = cast.stall.get("/exports/fsma204", params=query)
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["FSMA 204"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == COLUMNS
    told = asked(cast.stall, site=cast.stall.site["id"])
    assert [[str(cell) for cell in row] for row in rows[1:]] == [list(row.values()) for row in told]
    assert {type(row[3]) for row in rows[1:]} <= {int, float}, "quantities are numbers, to be sorted"
