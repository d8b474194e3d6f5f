"""What the books cannot mean, each kind with what shows it and with what is nearly it and is not."""

import base64
import json
from typing import Any

import pytest

from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Actor, Cast, ago, quantity
from tests.support.story import day


def found(actor: Actor, **params: Any) -> list[dict[str, Any]]:
    answer = actor.get("/findings", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def kinds(actor: Actor, **params: Any) -> list[str]:
    return [finding["kind"] for finding in found(actor, **params)]


def document(owner: Actor, type: str, number: str, covers: dict[str, str] | None = None) -> str:
    return paper(owner, type, number=number, **({"covers": json.dumps(covers)} if covers else {}))


def test_a_stall_sells_more_than_it_received(cast: Cast) -> None:
    batch = harvest(cast)
    sold = deliver(cast, batch, "10", cast.stall)
    scale = cast.scale(cast.stall)
    scale.sell(1, cast.item(sold, "10.1"))
    assert found(cast.regulator) == []
    scale.sell(2, cast.item(sold, "2"))
    [finding] = found(cast.regulator)
    assert (finding["kind"], finding["severity"]) == ("sold_more_than_received", "grave")
    assert (finding["site_id"], finding["excess_grams"]) == (cast.stall.site["id"], 2_100)
    [proof] = finding["evidence"]
    assert (proof["kind"], proof["id"], proof["grams"]) == ("custody", sold["custody_id"], 2_100)
    assert cast.regulator.get(proof["link"].removeprefix("/api/v1")).status_code == 200
    # What was sold of no batch came from nowhere as well; it makes no second finding.
    loose = {"product_id": batch["product_id"], "quantity": quantity("1")}
    answer = scale.post("/sales", {"sales": [scale.sale(3, loose)]})
    assert answer.json()["recorded"] == 1
    [finding] = found(cast.regulator)
    assert finding["excess_grams"] == 3_100
    assert [proof["kind"] for proof in finding["evidence"]] == ["custody", "receipt"]
    assert cast.regulator.get(finding["evidence"][1]["link"].removeprefix("/api/v1")).status_code == 200
    # Another delivery of the same: one batch was mistaken for the other, and nothing is too much.
    deliver(cast, batch, "20", cast.stall)
    assert found(cast.regulator) == []


def test_yields_that_cannot_be(cast: Cast) -> None:
    pig, meat = cast.product("毛猪", "pork"), cast.product("白条", "pork")
    piglet = cast.product("仔猪", "pork", "count")
    made = cast.plant.record("produce", outputs=[cast.output(pig, "1000"), cast.output(piglet, "5", "头")])["outputs"]

    def slaughter(value: str, batch: dict[str, Any] = made[0], unit: str = "公斤") -> dict[str, Any]:
        return cast.plant.record(
            "transform", process="slaughter", inputs=[cast.item(batch, "1" if unit == "头" else "100", unit)],
            outputs=[cast.output(meat, value)],
        )  # fmt: skip

    slaughter("75")
    slaughter("500", made[1], "头")  # nobody knows what a piglet weighs
    assert found(cast.admin) == []
    much, little = slaughter("95"), slaughter("20")
    listed = found(cast.admin)
    assert [(one["kind"], one["event_id"]) for one in listed] == [
        ("impossible_yield", little["id"]), ("impossible_yield", much["id"]),
    ]  # fmt: skip
    assert [one["excess_grams"] for one in listed] == [40_000, 7_000]
    assert [proof["kind"] for proof in listed[0]["evidence"]] == ["event", "custody", "custody"]
    cast.plant.record("correct", event_id=much["id"], reason="did_not_occur")
    assert [one["event_id"] for one in found(cast.admin)] == [little["id"]]


def test_a_document_used_for_more_than_it_covers(cast: Cast) -> None:
    certificate = document(cast.farm, "conformity_certificate", "A-1", quantity("100"))
    first, second = harvest(cast, "60"), harvest(cast, "60")
    cast.farm.record("certify", custody_id=first["custody_id"], document_id=certificate)
    assert found(cast.regulator) == []
    cast.farm.record("certify", custody_id=second["custody_id"], document_id=certificate)
    # What is packed of the first is the same goods.
    packed = cast.farm.record(
        "transform", process="pack", inputs=[cast.item(first, "30")],
        outputs=[cast.output({"id": first["product_id"]}, "30")],
    )["outputs"][0]  # fmt: skip
    cast.farm.record("certify", custody_id=packed["custody_id"], document_id=certificate)
    [finding] = found(cast.regulator)
    assert (finding["kind"], finding["excess_grams"], finding["evidence_count"]) == ("document_overused", 20_000, 3)
    assert "A-1" in finding["detail"]
    assert finding["evidence"][0]["link"] == f"/api/v1/documents/{certificate}"
    eggs = cast.product("鸡蛋", "eggs", "count")
    counted = document(cast.farm, "quarantine_certificate", "A-2", quantity("10", "个"))
    made = cast.farm.record("produce", outputs=[cast.output(eggs, "30", "个")])["outputs"][0]
    cast.farm.record("certify", custody_id=made["custody_id"], document_id=counted)
    counts = [one for one in found(cast.regulator) if "A-2" in one["detail"]]
    assert [one["excess_pieces"] for one in counts] == [20]
    unsaid = document(cast.farm, "quarantine_certificate", "A-3", quantity("1"))
    cast.farm.record("certify", custody_id=made["custody_id"], document_id=unsaid)
    assert not [one for one in found(cast.regulator) if "A-3" in one["detail"]]


def test_one_result_for_several_lots(cast: Cast) -> None:
    batches = [deliver(cast, harvest(cast), "10", cast.stall) for _ in range(3)]

    def test(batch: dict[str, Any], number: str, **fields: Any) -> dict[str, Any]:
        said = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "农残", "verdict": "pass"}
        return cast.market.record("test", **(said | {"sample_number": number} | fields))

    test(batches[0], "SD-2026-0001")
    test(batches[0], "SD-2026-0001", item="重金属")
    test(batches[1], "12")
    test(batches[2], "12", event_time=ago(hours=30))  # the instrument begins anew every day
    test(batches[2], "")
    assert found(cast.market) == []
    wrong = test(batches[1], "SD-2026-0001")
    [finding] = found(cast.market)
    assert (finding["kind"], finding["evidence_count"]) == ("test_reused", 2)
    assert "SD-2026-0001" in finding["detail"]
    cast.market.record("correct", event_id=wrong["id"], reason="did_not_occur")
    assert found(cast.market) == []
    # A report of raw goods speaks for what was made of them, and for nothing else.
    report = document(cast.stall, "test_report", "R-1")
    cooked = cast.stall.record(
        "transform", process="process", inputs=[cast.item(batches[0], "2")],
        outputs=[cast.output(cast.product("凉菜", "prepared"), "2")],
    )["outputs"][0]  # fmt: skip
    for batch in (batches[0], cooked):
        cast.stall.record("certify", custody_id=batch["custody_id"], document_id=report)
    assert found(cast.market) == []
    cast.stall.record("certify", custody_id=batches[2]["custody_id"], document_id=report)
    [finding] = found(cast.market, kind="test_reused")
    assert "R-1" in finding["detail"]
    assert len([proof for proof in finding["evidence"] if proof["kind"] == "custody"]) == 2


def test_returns_that_do_not_match(cast: Cast) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    cast.stall.record("return", items=[cast.item(batch, "2")], reason="x", to_site_id=cast.farm.site["id"])
    assert found(cast.admin) == []
    elsewhere = cast.stall.record("return", items=[cast.item(batch, "1")], reason="x", to_site_id=cast.plant.site["id"])
    [finding] = found(cast.admin)
    assert (finding["kind"], finding["event_id"]) == ("unmatched_return", elsewhere["id"])
    many = cast.stall.record("return", items=[cast.item(batch, "9")], reason="x", to_site_id=cast.farm.site["id"])
    listed = [one for one in found(cast.admin, kind="unmatched_return") if one["event_id"] == many["id"]]
    assert [one["excess_grams"] for one in listed] == [1_000]


def test_sold_before_the_withdrawal_period_was_over(cast: Cast) -> None:
    used = {"kind": "pesticide", "name": "吡虫啉", "used_on": day(-3), "withdrawal_until": day(2)}
    leaf = cast.product("菜心", "vegetables")
    made = cast.farm.record("produce", outputs=[cast.output(leaf, "50")], inputs_used=[used])["outputs"][0]
    batch = deliver(cast, made, "20", cast.stall)
    assert found(cast.regulator) == []
    scale = cast.scale(cast.stall)
    scale.sell(1, cast.item(batch, "1"))
    late = scale.sale(2, cast.item(batch, "5")) | {"event_time": ago(days=-3)}
    assert scale.post("/sales", {"sales": [late]}).status_code == 200
    cast.stall.record("sell", lines=[cast.item(batch, "2")])
    [finding] = found(cast.regulator, to=ago(days=-5))
    assert (finding["kind"], finding["excess_grams"]) == ("sold_in_withdrawal", 3_000)
    assert sorted(proof["kind"] for proof in finding["evidence"]) == ["custody", "event", "receipt"]


@pytest.fixture
def several(cast: Cast) -> list[str]:
    """Five findings of two kinds at two stalls, as they come."""
    for stall, amount in ((cast.stall, "30"), (cast.other_stall, "20")):
        batch = deliver(cast, harvest(cast), "10", stall)
        stall.record("sell", lines=[cast.item(batch, amount)])
    for amount in ("1", "2", "3"):
        batch = deliver(cast, harvest(cast), "10", cast.stall)
        cast.stall.record("return", items=[cast.item(batch, amount)], reason="x", to_site_id=cast.plant.site["id"])
    whole = found(cast.admin)
    assert [one["kind"] for one in whole] == ["sold_more_than_received"] * 2 + ["unmatched_return"] * 3
    assert [one["excess_grams"] for one in whole] == [20_000, 10_000, 3_000, 2_000, 1_000]
    return [one["id"] for one in whole]


def test_pages_streams_and_filters(cast: Cast, several: list[str]) -> None:
    for size in (1, 2, 3):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = cast.admin.get("/findings", params={"limit": size, **cursor}).json()
            seen += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == several
    lines = cast.admin.get("/findings", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(line)["id"] for line in lines[:-1]] == several
    assert json.loads(lines[-1]) == {"summary": {"findings": 5}}
    assert [one["id"] for one in found(cast.admin, kind="unmatched_return")] == several[2:]
    assert [one["id"] for one in found(cast.admin, site=cast.other_stall.site["id"])] == several[1:2]
    assert [one["id"] for one in found(cast.market)] == several
    assert [one["id"] for one in found(cast.admin, region="330100")] == several
    assert found(cast.admin, region="3302") == found(cast.other_regulator) == []
    assert found(cast.admin, **{"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}) == []


def test_who_may_ask_and_how(cast: Cast) -> None:
    for actor in (cast.stall, cast.farm, cast.lab):
        assert actor.get("/findings").status_code == 403
    for params, status in (
        ({"region": "3302"}, 403), ({"cursor": "x"}, 400), ({"cursor": "YSBiIGM"}, 400), ({"kind": "x"}, 400),
        ({"from": "2020-01-01T00:00:00Z"}, 422), ({"site": "00000000-0000-4000-8000-000000000000"}, 404),
    ):  # fmt: skip
        assert cast.regulator.get("/findings", params=params).status_code == status, params


def test_samples_are_looked_at_in_shares(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tracing.findings.samples.SHARE", 2)
    batches = [deliver(cast, harvest(cast), "10", cast.stall) for _ in range(2)]
    for number in range(6):
        for batch in batches:
            cast.market.record(
                "test", custody_id=batch["custody_id"], stage="rapid", item="x", verdict="pass",
                sample_number=f"NO-{number:06}",
            )  # fmt: skip
    whole = [one["id"] for one in found(cast.market)]
    assert len(set(whole)) == 6
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = cast.market.get("/findings", params={"limit": 1, **cursor}).json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == whole
    for part in ("x/y", "0/0", "1/999999", "papers"):
        text = base64.urlsafe_b64encode(f"test_reused {part} {'0' * 32}".encode()).decode().rstrip("=")
        answer = cast.market.get("/findings", params={"cursor": text})
        assert answer.status_code == (200 if part == "papers" else 400), part
