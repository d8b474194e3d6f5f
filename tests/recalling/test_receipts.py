"""The receipts of what a recall reaches: each once, to whoever may know of them, as they are read."""

import csv
import io
import json
from typing import Any

import pytest

from app.recalling import sold
from app.store import recalls_reach
from tests.recalling.conftest import recalled
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast


@pytest.fixture
def codes(cast: Cast) -> dict[str, str]:
    """Receipts by name, of one lot: at a stall that has it twice, at another, and one without it."""
    lot, loose = harvest(cast), harvest(cast)
    first, again = deliver(cast, lot, "10", cast.stall), deliver(cast, lot, "10", cast.stall)
    there, other = deliver(cast, lot, "10", cast.other_stall), deliver(cast, loose, "10", cast.stall)
    salad = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(first, "1")],
        outputs=[cast.output({"id": loose["product_id"]}, "1")],
    )["outputs"][0]  # fmt: skip
    scale, next_door = cast.scale(cast.stall), cast.scale(cast.other_stall)
    sales = {
        "both": scale.sell(1, cast.item(first, "1.5"), cast.item(again, "0.5"), cast.item(other, "1")),
        "one": scale.sell(2, cast.item(again, "1"), cast.item(again, "0.2")),
        "made": scale.sell(3, cast.item(salad, "0.1"), cast.item(first, "0.1")),
        "none": scale.sell(4, cast.item(other, "1")),
        "there": next_door.sell(1, cast.item(there, "1")),
    }
    return {name: sale["receipt_code"] for name, sale in sales.items()} | {"lot": lot["lot_id"]}


def lines(reader: Actor, recall: dict[str, Any]) -> list[dict[str, Any]]:
    answer = reader.get(f"/recalls/{recall['id']}/receipts")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_receipt_with_two_of_the_batches_counts_once(
    cast: Cast, codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls_reach, "SELLING", 1)
    monkeypatch.setattr(sold, "AT_ONCE", 2)
    recall = recalled(cast.regulator, {"lots": [codes["lot"]]})
    assert recall["counts"]["receipts"] == 4
    *found, last = lines(cast.regulator, recall)
    assert last == {"summary": {"receipts": 4}}
    assert sorted(one["code"] for one in found) == sorted(codes[name] for name in ("both", "one", "made", "there"))
    both = next(one for one in found if one["code"] == codes["both"])
    assert [line["quantity"] for line in both["lines"]] == [
        {"value": "1.5", "unit": "公斤"}, {"value": "0.5", "unit": "公斤"},
    ]  # fmt: skip
    assert both["site"]["name"] == cast.stall.site["name"]
    assert both["time"].endswith("+08:00")
    answer = cast.regulator.get(f"/recalls/{recall['id']}/notices").json()
    counted = {
        notice["party"]["name"]: sorted(place["receipts"] for place in notice["goods"]) for notice in answer["items"]
    }
    # Of one product at the stall three, of the salad one: "made" is in both.
    assert counted[cast.stall.party["name"]] == [1, 3]
    assert counted[cast.other_stall.party["name"]] == [1]


def test_as_a_table(cast: Cast, codes: dict[str, str]) -> None:
    recall = recalled(cast.regulator, {"lots": [codes["lot"]]})
    answer = cast.regulator.get(f"/recalls/{recall['id']}/receipts?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows, last = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (head[0], len(rows), last) == ("小票 receipt", 4, ["完 · end: 4"])
    assert next(row for row in rows if row[0] == codes["both"])[5] == "1.5 公斤; 0.5 公斤"


def test_each_sees_the_own(cast: Cast, codes: dict[str, str]) -> None:
    recall = recalled(cast.regulator, {"lots": [codes["lot"]]})
    *own, last = lines(cast.other_stall, recall)
    assert ([one["code"] for one in own], last["summary"]["receipts"]) == ([codes["there"]], 1)
    assert lines(cast.farm, recall) == [{"summary": {"receipts": 0}}]
    assert lines(cast.market, recall)[-1]["summary"]["receipts"] == 4
    assert cast.other_regulator.get(f"/recalls/{recall['id']}/receipts").status_code == 404
    mock = recalled(cast.regulator, {"lots": [codes["lot"]]}, "mock")
    assert lines(cast.regulator, mock)[-1]["summary"]["receipts"] == 4
