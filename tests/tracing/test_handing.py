"""A chain handed out: as CSV, as a workbook, as a stream that tells its progress and goes on where it broke off."""

import csv
import io
import json
from collections import Counter
from typing import Any

import openpyxl
import pytest

from app.exchanging import tables
from app.tracing import streaming
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast
from tests.tracing.test_starts import ids


@pytest.fixture
def sold(cast: Cast) -> dict[str, Any]:
    """A harvest that goes to two stalls, of which one's scale sells three times; a gap whose name is a formula."""
    made = harvest(cast, "100")
    here, there = deliver(cast, made, "60", cast.stall), deliver(cast, made, "30", cast.other_stall)
    scale = cast.scale(cast.stall)
    codes = [scale.sell(i, cast.item(here, "1.5", "斤"))["receipt_code"] for i in range(3)]
    [bought] = cast.stall.record(
        "receive", **{"from": {"name": "=HYPERLINK(\"http://evil\")", "contact": "13900000000"}},
        items=[{"product_id": made["product_id"], "quantity": {"value": "10", "unit": "kg"}}],
    )["outputs"]  # fmt: skip
    return {"made": made, "here": here, "there": there, "codes": codes, "bought": bought}


def streamed(cast: Cast, **params: str) -> list[dict[str, Any]]:
    answer = cast.admin.get("/trace", params={**params, "format": "ndjson"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_stream_is_the_whole_answer_and_the_sales(cast: Cast, sold: dict[str, Any]) -> None:
    start = {"code": sold["made"]["code"], "direction": "forward"}
    lines = streamed(cast, **start)
    whole = cast.admin.get("/trace", params=start).json()
    sorts = Counter(next(iter(line)) for line in lines)
    assert sorts["summary"] == 1
    for name in ("node", "link", "test", "gap", "document"):
        assert [line[name] for line in lines if name in line] == whole[f"{name}s"], name
    told = {line["event"]["id"]: line["event"] for line in lines if "event" in line}
    assert told == {event["id"]: event for event in whole["events"]}
    assert len(told) == sorts["event"], "each is told once"
    receipts = [line["receipt"] for line in lines if "receipt" in line]
    assert sorted(one["receipt_code"] for one in receipts) == sorted(sold["codes"])
    assert {(one["node_id"], one["quantity"]["grams"], one["value"], one["unit"]) for one in receipts} == {
        (sold["here"]["custody_id"], 750, "1.5", "斤")
    }
    assert lines[-1]["summary"] == {
        "nodes": 3, "links": 2, "events": len(whole["events"]), "gaps": 0, "documents": 0, "tests": 0, "recipients": 0,
        "receipts": 3,
        "truncated": False,
    }  # fmt: skip
    cut = streamed(cast, **start, depth="1")[-1]["summary"]
    assert cut["truncated"] is False, "there is nothing deeper"
    stall = cast.other_stall.get("/trace", params={**start, "format": "ndjson"}).text
    assert "receipt" not in [next(iter(json.loads(line))) for line in stall.splitlines()]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_long_part_is_sent_in_several(cast: Cast, sold: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    start = {"code": sold["made"]["code"], "direction": "forward"}
    whole = streamed(cast, **start)
    monkeypatch.setattr(tables, "LINES", 2)
    assert streamed(cast, **start) == whole


def test_a_stream_goes_on_where_it_broke_off(cast: Cast, sold: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAGE", 1)
    monkeypatch.setattr(streaming.stream, "__kwdefaults__", {**streaming.stream.__kwdefaults__, "size": 1})
    start = {"site": cast.market.site["id"], "direction": "back"}
    lines = streamed(cast, **start)
    assert sum("progress" in line for line in lines) == len(ids(cast.admin.trace("back", site=start["site"]), 99))
    first = next(i for i, line in enumerate(lines) if "progress" in line)
    rest = streamed(cast, **start, cursor=lines[first]["progress"]["next"])
    assert [line for line in rest if "node" in line] == [line for line in lines[first:] if "node" in line]
    assert [line for line in rest if "link" in line] == [line for line in lines[first:] if "link" in line]
    shallow = streamed(cast, **start, depth="1")
    assert shallow[-1]["summary"]["truncated"] is False
    other = cast.admin.get("/trace", params={"code": sold["made"]["code"], "cursor": lines[first]["progress"]["next"],
                                             "format": "ndjson"})  # fmt: skip
    assert other.json()["type"] == "/problems/bad-cursor"


def test_a_stream_that_depth_cuts_says_so(cast: Cast, sold: dict[str, Any]) -> None:
    on = deliver(cast, sold["here"], "5", cast.other_stall, cast.stall)
    lines = streamed(cast, code=sold["made"]["code"], direction="forward", depth="1")
    assert lines[-1]["summary"]["truncated"] is True
    assert lines[-1]["summary"]["nodes"] == 3
    rest = streamed(
        cast, code=sold["made"]["code"], direction="forward", depth="1", cursor=lines[-2]["progress"]["next"]
    )
    assert [line["node"]["id"] for line in rest if "node" in line] == [on["custody_id"]]


def test_csv_opens_in_excel_and_runs_nothing(cast: Cast, sold: dict[str, Any]) -> None:
    query = {"code": sold["bought"]["code"], "format": "csv"}
    answer = cast.market.get("/trace", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="trace-nodes.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    *rows, last = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert last["节点 id"] == f"完 · end: {len(rows)}", "a table that was cut off has no such row"
    assert rows[0]["节点 id"] == sold["bought"]["custody_id"]
    assert (rows[0]["进 in"], rows[0]["进单位 in_unit"], rows[0]["账目 confidence"]) == ("10", "kg", "claimed")
    gaps = cast.market.get("/trace", params={**query, "sheet": "gaps"}).content.decode("utf-8-sig")
    (gap, _) = csv.DictReader(io.StringIO(gaps))
    assert gap["名称 name"] == '\'=HYPERLINK("http://evil")'
    looks = cast.admin.get("/trace", params={**query, "sheet": "nothing"})
    assert looks.status_code == 400


def test_a_workbook_is_read_back(cast: Cast, sold: dict[str, Any]) -> None:
    query = {"site": cast.stall.site["id"], "direction": "back", "format": "xlsx"}
    answer = cast.market.get("/trace", params=query)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert [title.split()[-1] for title in book.sheetnames] == [
        "nodes", "links", "events", "gaps", "documents", "tests", "recipients", "receipts",
    ]  # fmt: skip
    found = {sheet.title.split()[-1]: list(sheet.iter_rows(values_only=True)) for sheet in book}
    assert len(found["nodes"]) == 1 + len(cast.market.trace("back", site=cast.stall.site["id"])["nodes"])
    assert len(found["receipts"]) == 1 + 3
    assert found["gaps"][1][2] == '=HYPERLINK("http://evil")'
    cell = book["来源不明 gaps"]["C2"]
    assert cell.data_type in ("s", "inlineStr"), "a text, no formula"
    amounts = {row[17] for row in found["nodes"][1:]}
    assert amounts >= {60, 10, None}


def test_a_sheet_that_is_full_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS", 3)
    parts = tables.workbook_bytes({"a": ["x"], "b": ["y"]}, [("a", [i]) for i in range(7)] + [("b", ["z" * 40_000])])
    book = openpyxl.load_workbook(io.BytesIO(b"".join(parts)))
    assert sorted(book.sheetnames) == ["a", "a 2", "a 3", "b"]
    assert [row[0].value for row in book["a 3"]] == ["x", 6]
    assert len(book["b"]["A2"].value) == tables.TEXT


def test_a_long_table_comes_in_parts() -> None:
    parts = list(tables.csv_bytes(["a"], ([f"+{i}"] for i in range(20_000))))
    assert len(parts) > 1
    rows = list(csv.reader(io.StringIO(b"".join(parts).decode("utf-8-sig"))))
    assert rows[1] == ["'+0"]
    assert (len(rows), rows[-1]) == (20_002, ["完 · end: 20000"])


def test_a_start_that_is_none_is_refused_before_anything_is_sent(cast: Cast) -> None:
    for kind in ("ndjson", "csv", "xlsx"):
        answer = cast.admin.get("/trace", params={"code": "B0123456789ABCDEFG", "format": kind})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/mistyped-code")
