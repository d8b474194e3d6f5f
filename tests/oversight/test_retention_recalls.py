"""Goods that were recalled go when the recall is long over, with its holds; the record of the recall stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.store import tables
from app.store.check import verify
from app.web.service import Service
from tests.oversight.test_retention import FAR, LATER, custodies, everything, restored, thin
from tests.oversight.test_retention_papers import live
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast, quantity

CLOSED = datetime.now(UTC) + timedelta(days=1_500)


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def closed(cast: Cast, recall: dict[str, Any], outcome: str) -> None:
    answer = cast.regulator.post(f"/recalls/{recall['id']}/close", {"outcome": outcome, "conclusion": "x"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("outcome", ["completed", "lifted"])
def test_goods_of_a_recall_go_when_it_is_long_over(cast: Cast, service: Service, archives: Path, outcome: str) -> None:
    source = harvest(cast)
    first, second = deliver(cast, source, "10", cast.stall), deliver(cast, source, "10", cast.other_stall)
    salad = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(first, "1")],
        outputs=[cast.output({"id": source["product_id"]}, "1")],
    )["outputs"][0]  # fmt: skip
    scale = cast.scale(cast.stall)
    sold = scale.sell(1, cast.item(salad, "0.1"))["receipt_code"]
    spared = {"exclusions": [{"custody_id": second["custody_id"], "reason": "x"}]}
    recall = cast.regulator.made("/recalls", live(source, **spared))
    answer = {"ref": "1", "lines": [{"custody_id": first["custody_id"], "withdrawn": quantity("9")}]}
    assert cast.stall.post(f"/recalls/{recall['id']}/acknowledgements", answer).status_code == 201
    every = {each["custody_id"] for each in (source, first, second, salad)}
    thin(service, archives / "live", CLOSED)
    assert every <= custodies(service.engine)

    closed(cast, recall, outcome)
    thin(service, archives / "closed", LATER)
    assert every <= custodies(service.engine)
    told = cast.regulator.get(f"/recalls/{recall['id']}").json()
    before = everything(service)
    report = thin(service, archives, FAR)
    assert not every & custodies(service.engine)
    assert report.rows["hold"] >= 1
    assert verify(service.engine) == []
    with service.engine.connect() as connection:
        assert connection.execute(select(tables.hold)).all() == []
    assert cast.public.scan(sold)["status"] == "incomplete"

    # What was decided, answered and reached by then is still told.
    for path in ("/notices", "/affected", "/report?format=pdf", "/report?format=xlsx"):
        assert cast.regulator.get(f"/recalls/{recall['id']}{path}").status_code == 200, path
    again = cast.regulator.get(f"/recalls/{recall['id']}").json()
    assert again == told
    assert cast.public.get("http://test/recalls").status_code == 200
    assert report.archive is not None
    restored(service, report.archive)
    assert everything(service) | {"scan_count": before["scan_count"]} == before
    assert cast.public.scan(sold)["status"] == ("recalled" if outcome == "completed" else "ok")


def test_goods_of_one_recalled_lot_go_together(cast: Cast, service: Service, archives: Path) -> None:
    """A lot that was harvested on two days, with no link between its parts."""
    product = cast.product("青椒")
    here, there = (
        cast.farm.record("produce", outputs=[cast.output(product, "5", lot_number="L1")])["outputs"][0]
        for _ in range(2)
    )
    recall = cast.regulator.made("/recalls", live(here))
    closed(cast, recall, "completed")
    assert here["lot_id"] == there["lot_id"]
    hold = cast.regulator.record("hold", custody_id=there["custody_id"], scope="custody", reason="x")
    thin(service, archives, FAR)
    assert {here["custody_id"], there["custody_id"]} <= custodies(service.engine)
    cast.regulator.record("release", hold_event_id=hold["id"], reason="x")
    thin(service, archives / "2", FAR)
    assert custodies(service.engine) == set()
    assert verify(service.engine) == []


def test_goods_of_another_recall_stay(cast: Cast, service: Service, archives: Path) -> None:
    goods = harvest(cast)
    over, on = (cast.regulator.made("/recalls", live(goods) | {"ref": ref}) for ref in ("1", "2"))
    closed(cast, over, "completed")
    thin(service, archives, FAR)
    assert goods["custody_id"] in custodies(service.engine)
    closed(cast, on, "lifted")
    thin(service, archives / "2", FAR)
    assert goods["custody_id"] not in custodies(service.engine)
