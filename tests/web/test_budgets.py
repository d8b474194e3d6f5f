"""How often a scan waits for the database: never where the answer is kept, once for a receipt, else five times."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import update

from app.domain import codes
from app.store import tables
from app.store.engine import writing
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.scanning.hall import open_hall
from tests.support.cast import Actor
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.support.story import Story, line

JSON = {"Accept": "application/json"}


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def statements_of(
    client: Client, service: Service, noted: Statements, code: str, reader: Actor | None = None
) -> tuple[int, Any]:
    """How many a scan takes in a process that keeps nothing, and what it answers; a key was shown before."""
    headers = JSON | ({"Authorization": f"Bearer {reader.key}"} if reader else {})
    settled(service)
    service.scans.forget_all()
    service.receipts.forget_all()
    noted.clear()
    answer = client.get(f"/c/{code}", headers=headers)
    assert answer.status_code == 200, answer.text
    return len(noted.read), answer.json() | {"scans": None}


def everything(town: Market, service: Service) -> dict[str, str]:
    """A code of each kind, of goods that went through six hands after the farm's."""
    goods = handed_on(town, 6)
    last = town.ship(town.other, goods, "5", hours=2)
    scale = town.story.handheld(town.other, "1 号秤", "scale")
    receipt = scale.prints(line(goods, "1", "斤"), line(town.from_outside(town.other), "1", "斤"))
    scale.upload()
    job = town.farm.made("/code-jobs", {"ref": "1", "lot_id": goods["lot_id"], "count": 5})
    return {
        "custody": goods["code"],
        "lot": goods["lot_code"],
        "slip": last,
        "receipt": receipt,
        "unit": codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], 3),
        "stall": town.other.site["code"],
        "market": town.market.site["code"],
        "party": town.farm.party["code"],
    }


def handed_on(town: Market, hands: int) -> dict[str, Any]:
    """Tested greens with a paper that went through so many hands after the farm's."""
    goods = town.harvest(hours=40, lot_number="YS-1")
    town.story.certify(town.farm, goods, "conformity_certificate")
    sender = town.farm
    for hand in range(hands):
        receiver = (town.stall, town.other)[hand % 2]
        goods = town.move(sender, receiver, goods, "40", hours=38 - 3 * hand)
        town.market.record("test", custody_id=goods["custody_id"], stage="rapid", item="毒死蜱", value="阴性")
        sender = receiver
    return goods


def test_a_cold_scan_of_any_code_takes_five_statements_at_most(
    town: Market, client: Client, service: Service, service_statements: Statements
) -> None:
    texts = everything(town, service)
    told = {name: statements_of(client, service, service_statements, code) for name, code in texts.items()}
    assert {name: count for name, (count, _) in told.items()} == {
        "custody": 5, "lot": 4, "slip": 5, "receipt": 5, "unit": 4, "stall": 5, "market": 5, "party": 3
    }  # fmt: skip
    assert len(told["custody"][1]["steps"]) == 20  # of each hand dispatch, arrival and test; harvest and paper


@pytest.mark.parametrize("role", ["stall", "market", "regulator"])
def test_a_reader_with_a_key_costs_two_more_at_most(
    town: Market, client: Client, service: Service, service_statements: Statements, role: str
) -> None:
    texts = everything(town, service)
    reader = {"stall": town.other, "market": town.market}.get(role) or town.story.key("regulator", region="33")
    reader.scan(texts["stall"])  # its key is known from now on
    more = {
        name: statements_of(client, service, service_statements, code, reader)[0]
        - statements_of(client, service, service_statements, code)[0]
        for name, code in texts.items()
    }
    # What the reader is to the markets of all sites named, told in each round that learns of some.
    assert more == {
        "custody": 1, "lot": 1, "slip": 1 if role == "regulator" else 2, "receipt": 1, "unit": 1, "stall": 2,
        "market": 2, "party": 2,
    }  # fmt: skip


def test_a_board_reads_what_has_changed_and_nothing_where_nothing_has(
    story: Story, client: Client, service: Service, service_statements: Statements
) -> None:
    """Three for which places it is of, and six to nine a place."""
    hall = open_hall(story, 2)
    stall, other = hall.stalls
    goods = [hall.deliver(hall.harvest(name, f"HD-{name}"), other) for name in ("番茄", "菠菜")]
    hall.test(goods[0], "12")
    peas = hall.harvest("豌豆", "HD-9")

    def read(actor: Actor) -> int:
        settled(service)
        service_statements.clear()
        answer = client.get(f"/boards/{actor.site['code']}.json")
        assert answer.status_code == 200, answer.text
        return len(service_statements.read)

    def changed(change: Callable[[], Any]) -> list[int]:
        """What the market's board takes then, the stall's, and the market's again."""
        change()
        return [read(actor) for actor in (hall.market, other, hall.market)]

    assert changed(service.boards.forget_all) == [3 + 8 + 6 + 8, 3, 0], "nothing is kept; then only which places"
    assert changed(lambda: hall.test(goods[1], "13")) == [8 + 9, 0, 0], "the stall, and the gate that tested"
    assert changed(lambda: hall.ship(peas, stall)) == [8, 0, 0], "the stall that the slip names"


def test_what_was_made_of_other_goods_takes_no_more(
    town: Market, client: Client, service: Service, service_statements: Statements
) -> None:
    goods, outside = handed_on(town, 4), town.from_outside(town.other)
    mixed = town.other.record(
        "transform",
        process="mix",
        inputs=[town.story.item(goods, "5"), town.story.item(outside, "5")],
        outputs=[town.story.output(town.greens, "10", lot_number="MIX")],
    )["outputs"][0]
    job = town.other.made("/code-jobs", {"ref": "1", "lot_id": mixed["lot_id"], "count": 5})
    unit = codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], 3)
    told = [
        statements_of(client, service, service_statements, code)
        for code in (mixed["lot_code"], mixed["code"], unit, town.other.site["code"])
    ]
    assert [count for count, _ in told] == [5, 5, 5, 5]
    assert len({len(answer["steps"]) for _, answer in told[:3]}) == 1


def test_what_was_handed_on_before_it_was_noted_takes_one_a_generation(
    town: Market, client: Client, service: Service, service_statements: Statements
) -> None:
    """Goods of before an upgrade, captured goods, and a source that was identified later."""
    goods = handed_on(town, 3)
    known, before = statements_of(client, service, service_statements, goods["code"])
    with writing(service.engine) as connection:
        connection.execute(update(tables.custody).values(lineage=None))
    unknown, after = statements_of(client, service, service_statements, goods["code"])
    assert (known, unknown) == (5, 6)
    assert after == before


def test_what_goods_did_not_come_from_after_all_is_not_told(
    town: Market, client: Client, service: Service, service_statements: Statements
) -> None:
    """What was noted when they arrived is read ahead; links say what counts."""
    goods, other = handed_on(town, 2), town.harvest(lot_number="YS-2")
    _, before = statements_of(client, service, service_statements, goods["code"])
    stranger = town.move(town.farm, town.stall, other)
    town.story.admin.record("hold", custody_id=stranger["custody_id"], scope="downstream", reason="抽检")
    with writing(service.engine) as connection:
        row = tables.custody
        ahead = bytes.fromhex(stranger["custody_id"].replace("-", ""))
        connection.execute(update(row).where(row.c.code == goods["code"]).values(lineage=ahead))
    _, after = statements_of(client, service, service_statements, goods["code"])
    assert after == before
