"""One step back: whoever has the goods knows how to reach whom they came from, and nobody else does."""

from typing import Any

from tests.scanning.chains import Market, open_market
from tests.support.cast import Actor
from tests.support.story import Story

PHONE, ADDRESS = "13900000007", "桐庐县横村镇 7 号"


def reachable(town: Market) -> dict[str, Any]:
    """The farm's telephone and address; what a receiver is to see of them."""
    contact = {"name": "场长", "phone": PHONE}
    assert town.farm.patch(f"/parties/{town.farm.party['id']}", {"contact": contact}).status_code == 200
    assert town.farm.patch(f"/sites/{town.farm.site['id']}", {"address": ADDRESS}).status_code == 200
    return {
        "code": town.farm.party["code"], "name": "河东蔬菜合作社", "address": ADDRESS, "contact": f"场长 {PHONE}",
    }  # fmt: skip


def suppliers(reader: Actor, goods: dict[str, Any]) -> Any:
    return reader.scan(goods["code"])["suppliers"]


def test_a_registered_supplier_is_shown_to_whoever_has_the_goods(story: Story) -> None:
    town = open_market(story)
    farm = reachable(town)
    here = town.move(town.farm, town.stall, town.harvest())
    regulator = story.key("regulator", region="3301")
    for reader in (town.stall, town.market, regulator, story.admin):
        assert suppliers(reader, here) == [farm]
    for stranger in (town.other, town.farm, story.key("regulator", region="3302")):
        assert suppliers(stranger, here) is None
    assert "suppliers" not in story.public.scan(here["code"])
    story.hides(here["code"], [PHONE, "横村"])
    own = story.read(here["code"], reader=town.stall)
    assert PHONE in own
    assert ADDRESS in own
    assert PHONE not in story.read(here["code"], reader=town.other)
    # One step, and not two.
    onward = town.move(town.stall, town.other, here, "10", hours=4)
    assert [each["name"] for each in suppliers(town.other, onward)] == ["一号摊"]
    assert PHONE not in story.read(onward["code"], reader=town.other)


def test_as_they_were_when_the_goods_came(story: Story) -> None:
    town = open_market(story)
    farm = reachable(town)
    # Since long before the goods came.
    path = f"/sites/{town.farm.site['id']}"
    assert town.farm.patch(path, {"address": "旧址", "valid_from": "2020-01-01T00:00:00+08:00"}).status_code == 200
    here = town.move(town.farm, town.stall, town.harvest())
    # What they had not said by then, the telephone, is as they say it now.
    assert suppliers(town.stall, here) == [farm | {"address": "旧址"}]


def test_a_supplier_outside_the_system_stands_beside_them(story: Story) -> None:
    town = open_market(story)
    bought = town.from_outside(town.stall)
    paper = {"code": None, "name": "路边菜农", "address": "某村12号", "contact": "13900000000"}
    assert suppliers(town.stall, bought) == [paper]
    assert "13900000000" in story.read(bought["code"], reader=town.stall)
    assert suppliers(town.other, bought) is None
    story.hides(bought["code"], ["13900000000", "某村"])
    # Where both sides say who it was, he is registered.
    farm = reachable(town)
    [gap] = [node["id"] for node in town.stall.trace("back", code=bought["code"])["nodes"] if node["kind"] == "gap"]
    source = town.harvest(hours=20)
    for side in (town.stall, town.farm):
        side.record("identify", gap_custody_id=gap, parent_custody_id=source["custody_id"])
    [told] = suppliers(town.stall, bought)
    assert (told["code"], told["name"]) == (farm["code"], farm["name"])


def test_what_one_has_made_or_moved_oneself_has_none(story: Story) -> None:
    town = open_market(story)
    made = town.harvest()
    assert suppliers(town.farm, made) == []
    inputs = [story.item(made, "10")]
    packed = town.farm.record("transform", process="pack", inputs=inputs, outputs=[story.output(town.greens, "10")])
    assert suppliers(town.farm, packed["outputs"][0]) == []
    store = story.enrol("producer", "冷库", "producer", "warehouse")
    own = story.site(town.farm, "自家冷库", "warehouse")
    mine = Actor(town.farm.client, town.farm.key, town.farm.party, own)
    assert suppliers(mine, town.move(town.farm, mine, made)) == []
    assert len(suppliers(store, town.move(town.farm, store, made, "10"))) == 1
    for code in (town.stall.site["code"], town.stall.party["code"], town.ship(town.farm, made, "1")):
        assert town.stall.scan(code)["suppliers"] is None


def test_a_stall_s_new_hands_take_no_books_along(story: Story) -> None:
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    handed = town.market.patch(f"/sites/{town.stall.site['id']}", {"party_id": town.other.party["id"]})
    assert handed.status_code == 200
    assert suppliers(town.other, here) is None
