"""At the gate: a locked sender, goods still on their slip, a paper's address; and what a stall's scale took back."""

from typing import Any

import pytest

from tests.recording.conftest import Books, deliver, harvest, paper, slugs
from tests.support.cast import Actor, Cast, quantity


def certified(cast: Cast) -> dict[str, Any]:
    """A lot at the farm with the paper that vegetables need."""
    batch = harvest(cast)
    certificate = paper(cast.farm)
    cast.farm.record("certify", document_id=certificate, custody_id=batch["custody_id"])
    return batch


def shipped(cast: Cast, batch: dict[str, Any], value: str, to: Actor | None, sender: Actor | None = None) -> str:
    target = {"to_site_id": to.site["id"]} if to else {}
    return str((sender or cast.farm).record("ship", items=[cast.item(batch, value)], **target)["slip_code"])


# --- a locked sender ---


@pytest.mark.parametrize("what", ["party", "site"])
def test_a_locked_sender_s_slip_is_refused_entry_and_received_with_a_flag(cast: Cast, what: str) -> None:
    slip = shipped(cast, certified(cast), "30", cast.stall)
    fine = cast.market.record("admit", slip_code=slip)
    assert (fine["decision"], fine["reasons"]) == ("admitted", [])
    thing = f"/parties/{cast.farm.party['id']}" if what == "party" else f"/sites/{cast.farm.site['id']}"
    assert cast.admin.patch(thing, {"status": "locked", "status_reason": "抽检不合格"}).status_code == 200
    refused = cast.market.record("admit", slip_code=slip)
    assert (refused["decision"], slugs(refused, "reasons")) == ("refused", ["sender-locked"])
    assert "河东蔬菜合作社" in refused["reasons"][0]["detail"]
    got = cast.stall.record("receive", slip_code=slip)
    assert slugs(got) == ["sender_locked", "refused_goods"]
    # What lies in the market already came from the same hands.
    goods = {"custody_ids": [got["outputs"][0]["custody_id"]]}
    assert slugs(cast.market.record("admit", **goods), "reasons") == ["sender-locked"]
    assert cast.admin.patch(thing, {"status": "active"}).status_code == 200
    assert cast.market.record("admit", **goods)["decision"] == "admitted"
    assert slugs(cast.stall.record("receive", slip_code=shipped(cast, certified(cast), "1", cast.stall))) == []


def test_only_the_last_sender_counts_and_a_gap_has_none(cast: Cast) -> None:
    got = deliver(cast, certified(cast), "30", cast.other_stall)
    cast.admin.patch(f"/parties/{cast.farm.party['id']}", {"status": "locked"})
    assert slugs(cast.stall.record("receive", slip_code=shipped(cast, got, "1", cast.stall, cast.other_stall))) == []
    source = {"name": "路边", "document_ids": [paper(cast.stall)]}
    item = {"product_id": cast.product("大葱")["id"], "quantity": quantity("1")}
    bought = cast.stall.record("receive", **{"from": source}, items=[item])["outputs"][0]
    assert cast.market.record("admit", custody_ids=[bought["custody_id"]])["decision"] == "admitted"


# --- goods that are on their way ---


def rapid(actor: Actor, batch: dict[str, Any], verdict: str, **fields: Any) -> dict[str, Any]:
    said = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "农药残留", "verdict": verdict}
    return actor.record("test", **said, **{"site_id": None, **fields})


def refused_test(actor: Actor, batch: dict[str, Any]) -> str:
    said = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "农药残留", "verdict": "fail", "site_id": None}
    return str(actor.refused("test", 403, **said)["type"])


@pytest.mark.parametrize("to", ["market", "stall"])
def test_a_market_tests_what_is_on_a_slip_to_it(cast: Cast, books: Books, to: str) -> None:
    batch = harvest(cast)
    assert refused_test(cast.market, batch) == "/problems/not-yours"
    slip = shipped(cast, batch, "30", getattr(cast, to))
    missing = cast.market.record("admit", slip_code=slip)
    assert (missing["decision"], slugs(missing, "reasons")) == ("refused", ["paper-missing"])
    # Produce without its paper enters on a passed test.
    passed = rapid(cast.market, batch, "pass", site_id=cast.market.site["id"])
    assert passed["decision"] == "pass"
    assert cast.market.record("admit", slip_code=slip)["decision"] == "admitted"
    failed = rapid(cast.market, batch, "fail")
    [hold] = books.holds(batch)
    assert (hold.scope, hold.automatic, hold.authority, str(hold.custody_id)) == (
        "lot",
        True,
        1,
        batch["custody_id"],
    )
    assert str(hold.placed_by) == cast.market.party["id"]
    assert slugs(cast.market.record("admit", slip_code=slip), "reasons") == ["failed-test"]
    # The sender sees what was found, and does not lift it; the market does, though the goods are not its own.
    assert failed["id"] in {event["id"] for event in cast.farm.get("/events?kind=test").json()["items"]}
    cast.regulator.record("hold", custody_id=batch["custody_id"], scope="lot", reason="x")
    cast.market.record("release", hold_event_id=failed["id"], reason="实验室检测合格")
    assert [hold.authority for hold in books.holds(batch)] == [2]


def test_a_test_on_the_way_is_corrected_with_what_it_held(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    shipped(cast, batch, "30", cast.stall)
    failed = rapid(cast.market, batch, "fail")
    other = cast.market.event("test", custody_id=batch["custody_id"], stage="rapid", item="农残", verdict="pass")
    other["site_id"] = cast.market.site["id"]
    cast.market.record("correct", event_id=failed["id"], reason="incorrect_data", replacement=other)
    assert books.holds(batch) == []


def test_what_is_not_on_an_open_slip_to_it_a_market_does_not_test(cast: Cast) -> None:
    rival = cast.enrol("market", "城东农贸市场", "market", "market", region="330105")
    batch = harvest(cast)
    shipped(cast, batch, "10", None)  # to whoever comes with the slip
    assert refused_test(cast.market, batch) == "/problems/not-yours"
    slip = shipped(cast, batch, "30", cast.stall)
    for actor in (rival, cast.stall):
        assert refused_test(actor, batch) in ("/problems/not-yours", "/problems/role-may-not-record")
    # To judge is not to hold or to sell: that is for who has the goods.
    held = cast.market.refused("hold", 403, custody_id=batch["custody_id"], scope="lot", reason="x")
    assert held["type"] == "/problems/not-yours"
    got = cast.stall.record("receive", slip_code=slip, items=[cast.item(batch, "20")])["outputs"][0]
    assert rapid(cast.market, batch, "pass")["decision"] == "pass"
    cast.stall.record("receive", slip_code=slip)
    assert refused_test(cast.market, batch) == "/problems/not-yours"
    assert rapid(cast.market, got, "pass")["decision"] == "pass"
    voided = cast.farm.record("ship", items=[cast.item(batch, "1")], to_site_id=cast.stall.site["id"])
    revoked = shipped(cast, batch, "1", cast.stall)
    cast.farm.record("correct", event_id=voided["id"], reason="did_not_occur")
    assert cast.farm.post(f"/codes/{revoked}/revoke", {"reason": "遗失"}).status_code == 200
    assert refused_test(cast.market, batch) == "/problems/not-yours"


# --- where goods from outside the system come from ---


FIVE = {"category": "*", "origin": "outside_province", "requires": [["business_licence"]]}


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("浙江省杭州市桐庐县", False),
        ("浙江桐庐", False),
        ("中国浙江省", False),
        ("杭州市余杭区良渚", False),
        ("330122 桐庐县", True),
        ("山东省寿光市", True),
        ("山东寿光", True),
        ("南通市如东县", True),
        ("浙江中路 12 号", True),  # a street of Shanghai
        ("某地", True),
        ("", True),
        (None, True),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_paper_says_from_which_province(cast: Cast, address: str | None, outside: bool) -> None:
    rules = f"/sites/{cast.market.site['id']}/admission-rules"
    assert cast.market.request("PUT", rules, json=[FIVE]).status_code == 200
    source = {"name": "路边菜农", "address": address, "document_ids": [paper(cast.stall)]}
    item = {"product_id": cast.product("大葱")["id"], "quantity": quantity("1")}
    bought = cast.stall.record("receive", **{"from": source}, items=[item])["outputs"][0]
    decided = cast.market.record("admit", custody_ids=[bought["custody_id"]])
    assert slugs(decided, "reasons") == (["paper-missing"] if outside else [])


# --- what a scale records is its stall's ---


def test_a_stall_corrects_what_its_scale_took_back(cast: Cast, books: Books) -> None:
    got = deliver(cast, harvest(cast), "10", cast.stall)
    cast.stall.record("sell", lines=[cast.item(got, "3")])
    scale = cast.scale(cast.stall)
    back = scale.record("return", items=[cast.item(got, "2")], reason="x")
    assert books.balance(got)["sold"] == 1_000
    assert cast.stall.get(f"/events/{back['id']}").json()["party_id"] == cast.stall.party["id"]
    for stranger in (cast.other_stall, cast.market, cast.regulator, cast.scale(cast.other_stall)):
        problem = stranger.refused("correct", 403, event_id=back["id"], reason="did_not_occur")
        assert problem["type"] == "/problems/not-your-event"
    cast.stall.record("correct", event_id=back["id"], reason="did_not_occur")
    assert books.balance(got)["sold"] == 3_000
    again = scale.record("return", items=[cast.item(got, "1")], reason="x")
    done = scale.record("correct", event_id=again["id"], reason="did_not_occur")
    assert cast.stall.get(f"/events/{done['id']}").json()["party_id"] == cast.stall.party["id"]
    # A scale of the market's own, at work at a stall, works for the stall.
    lent = cast.scale(cast.market, "公平秤")
    lents = lent.record("return", items=[cast.item(got, "1")], reason="x", site_id=cast.stall.site["id"])
    assert cast.market.refused("correct", 403, event_id=lents["id"], reason="did_not_occur")
    cast.stall.record("correct", event_id=lents["id"], reason="did_not_occur")


def test_a_stall_s_new_hands_do_not_correct_its_old_scale(cast: Cast) -> None:
    got = deliver(cast, harvest(cast), "10", cast.stall)
    back = cast.scale(cast.stall).record("return", items=[cast.item(got, "2")], reason="x")
    heir = {"party_id": cast.other_stall.party["id"]}
    assert cast.market.patch(f"/sites/{cast.stall.site['id']}", heir).status_code == 200
    assert cast.other_stall.refused("correct", 403, event_id=back["id"], reason="did_not_occur")
    assert cast.other_stall.get(f"/events/{back['id']}").status_code == 404
    assert cast.stall.get(f"/events/{back['id']}").status_code == 200
