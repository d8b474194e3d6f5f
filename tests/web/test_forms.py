"""Receipts put together from what is told of their lines, which receipts of other sets of the same goods share."""

import re
from typing import Any

import pytest
from httpx2 import Client

from app.web.receiptdoor import APART
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.support.story import Handheld, Story, line

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html", "Accept-Language": "zh-CN"}


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


@pytest.fixture
def scale(town: Market) -> Handheld:
    return town.story.handheld(town.stall, "1 号秤", "scale")


def sold(scale: Handheld, service: Service, *sets: list[dict[str, Any]]) -> list[str]:
    """The codes of a receipt of each set of goods."""
    printed = [scale.prints(*(line(batch, "1", "斤") for batch in batches)) for batches in sets]
    scale.upload()
    settled(service)
    return printed


def uncounted(text: str) -> str:
    """Without how often it was scanned, and since when."""
    return re.sub(r'"scans":{[^}]*}|第 \d+ 次扫码[^<]*|Scanned \d+[^<]*', "", text)


@pytest.mark.parametrize("headers", [JSON, HTML, HTML | {"Accept-Language": "en"}])
def test_another_set_of_the_same_goods_costs_its_own_row_alone(
    town: Market, scale: Handheld, client: Client, service: Service, service_statements: Statements, headers: Any
) -> None:
    goods = [town.move(town.farm, town.stall, town.harvest(lot_number=f"YS-{n}")) for n in range(3)]
    first, second, both, turned = sold(
        scale, service, goods[:2], goods[1:], [goods[0], goods[2]], [goods[2], goods[0], goods[2]]
    )
    for code in (first, second):
        client.get(f"/c/{code}", headers=headers)
    settled(service)
    for code in (first, second):  # whoever came while the feed told of something is made anew, and kept
        client.get(f"/c/{code}", headers=headers)
    service_statements.clear()
    for code in (both, turned):
        told = client.get(f"/c/{code}", headers=headers)
        assert told.status_code == 200
        routed = client.get(f"/c/{code}?anew", headers=headers)
        assert uncounted(told.text) == uncounted(routed.text)
    # Of the route 5 each.
    assert len(service_statements.read) <= 2 * (1 + 5)


def test_what_befalls_one_of_them_shows_on_every_set(
    town: Market, scale: Handheld, client: Client, service: Service
) -> None:
    one, other = (town.move(town.farm, town.stall, town.harvest(lot_number=f"YS-{n}")) for n in range(2))
    with_it, without, both = sold(scale, service, [one], [other], [one, other])
    for code in (with_it, without, both):
        assert client.get(f"/c/{code}", headers=JSON).json()["status"] == "ok"
    town.story.admin.record("hold", custody_id=one["custody_id"], scope="lot", reason="抽检")
    told = {code: client.get(f"/c/{code}", headers=JSON).json()["status"] for code in (with_it, without, both)}
    assert told == {with_it: "held", without: "ok", both: "held"}
    assert "抽检" in client.get(f"/c/{both}", headers=HTML).text


def test_a_long_receipt_is_told_of_at_once(
    town: Market, scale: Handheld, client: Client, service: Service, service_statements: Statements
) -> None:
    goods = [dict(town.from_outside(town.stall)) for _ in range(APART + 1)]
    code, again = sold(scale, service, goods, goods)
    service_statements.clear()
    told = client.get(f"/c/{code}", headers=JSON).json()
    assert [each["code"] for each in told["lines"]] == [batch["code"] for batch in goods]
    assert len(service_statements.read) <= 5, "however many lines"
    assert len(client.get(f"/c/{again}", headers=JSON).json()["lines"]) == APART + 1
    assert service.receipts.lines_usage.size == 0, "each would depend on all that any of them does"
