"""Gaps are closed from either side: claimed until the other side says the same."""

from typing import Any

import pytest

from tests.recording.conftest import Books, deliver, harvest, slugs, whole
from tests.recording.test_correcting import replaced, voided
from tests.support.cast import Cast, quantity


@pytest.fixture
def bought(cast: Cast) -> dict[str, Any]:
    """Four kilograms at the stall that came without a slip; `product_id` and `event_id` beside the output."""
    item = {"product_id": cast.product("春笋")["id"], "quantity": quantity("4")}
    outcome = cast.stall.record("receive", **{"from": {"name": "河东"}}, items=[item])
    output: dict[str, Any] = outcome["outputs"][0]
    return output | {"event_id": outcome["id"]}


@pytest.fixture
def grown(cast: Cast, bought: dict[str, Any]) -> dict[str, Any]:
    """Ten kilograms of the same at the farm."""
    output: dict[str, Any] = cast.farm.record("produce", outputs=[cast.output({"id": bought["product_id"]}, "10")])[
        "outputs"
    ][0]
    return output


def pair(books: Books, bought: dict[str, Any], grown: dict[str, Any]) -> dict[str, str]:
    return {"gap_custody_id": str(books.gap(bought).id), "parent_custody_id": grown["custody_id"]}


def test_a_claim_counts_as_claimed_until_the_other_side_confirms(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    named = pair(books, bought, grown)
    gap = {"custody_id": named["gap_custody_id"]}
    assert cast.other_stall.refused("identify", 403, **named)["type"] == "/problems/not-yours"
    claimed = whole(cast.stall.record("identify", **named))
    assert (claimed["decision"], claimed["outputs"]) == ("claimed", [])
    [link] = books.parents(gap)
    assert (link.kind, link.grams, str(link.claimed_by)) == ("identify", 4_000, cast.stall.party["id"])
    assert cast.stall.trace("back", custody=bought["custody_id"])["gaps"][0]["reason"] == "claimed"
    assert books.balance(grown) == {"amount_in": 10_000, "on_hand": 10_000}
    assert cast.stall.refused("identify", 409, **named)["type"] == "/problems/already-claimed"
    # The market speaks for the same side.
    assert cast.market.refused("identify", 409, **named)["type"] == "/problems/already-claimed"

    confirmed = cast.farm.record("identify", **named)
    assert confirmed["decision"] == "confirmed"
    assert [link.claimed_by for link in books.parents(gap)] == [None]
    assert books.balance(grown) == {"amount_in": 10_000, "shipped": 4_000, "on_hand": 6_000}
    chain = cast.stall.trace("back", custody=bought["custody_id"])
    assert (chain["gaps"], chain["totals"]["nodes"]) == ([], 3)
    assert cast.public.scan(bought["code"])["status"] == "ok"
    assert cast.stall.refused("identify", 409, **named)["type"] == "/problems/already-identified"


def test_the_source_may_speak_first_and_the_receiver_has_the_last_word(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    stranger = harvest(cast)
    named = pair(books, bought, grown)
    gap = {"custody_id": named["gap_custody_id"]}
    other = cast.enrol("producer", "河西合作社", "producer", "farm")
    wrong = other.record("produce", outputs=[cast.output({"id": bought["product_id"]}, "1")])["outputs"][0]
    assert other.record("identify", **pair(books, bought, wrong))["decision"] == "claimed"
    assert cast.farm.refused("identify", 409, **named)["type"] == "/problems/already-claimed"
    # The receiver says otherwise: a stranger's claim gives way.
    assert cast.stall.record("identify", **named)["decision"] == "claimed"
    assert [str(link.parent_id) for link in books.parents(gap)] == [grown["custody_id"]]
    wrong_again = pair(books, bought, stranger)
    assert cast.stall.refused("identify", 409, **wrong_again)["type"] == "/problems/already-claimed"
    assert cast.farm.record("identify", **named)["decision"] == "confirmed"
    assert cast.farm.refused("identify", 409, **wrong_again)["type"] == "/problems/already-identified"


def test_who_answers_for_both_sides_confirms_at_once(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    event = cast.admin.record("identify", **pair(books, bought, grown))
    assert event["decision"] == "confirmed"
    assert books.balance(grown)["shipped"] == 4_000
    voided(cast.admin, event["id"])
    assert books.parents({"custody_id": str(books.gap(bought).id)}) == []
    assert books.balance(grown) == {"amount_in": 10_000, "on_hand": 10_000}


def test_what_the_source_booked_as_gone_without_a_slip_is_taken_once(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    item = {"product_id": bought["product_id"], "quantity": quantity("3")}
    [more] = cast.other_stall.record("receive", **{"from": {"name": "河东"}}, items=[item])["outputs"]
    sent = cast.farm.record("ship", items=[cast.item(grown, "5")], to={"name": "城西"}, slip=False)
    for output, shipped in ((bought, 5_000), (more, 7_000)):  # of the second three kilograms one had been booked
        named = pair(books, output, grown)
        cast.farm.record("identify", **named)
        assert cast.market.record("identify", **named)["decision"] == "confirmed"
        assert books.balance(grown) == {"amount_in": 10_000, "shipped": shipped, "on_hand": 10_000 - shipped}
    # With a slip they went to somebody else, and count beside it.
    cast.farm.record("ship", items=[cast.item(grown, "1")])
    assert books.balance(grown)["on_hand"] == 2_000
    cast.farm.record("correct", event_id=sent["id"], reason="did_not_occur")
    assert books.balance(grown)["shipped"] == 3_000


def test_other_goods_and_too_much_are_flagged(cast: Cast, books: Books, bought: dict[str, Any]) -> None:
    little = harvest(cast, "3")
    outcome = cast.admin.record("identify", **pair(books, bought, little))
    assert slugs(outcome) == ["product_differs", "more_than_there"]
    assert books.balance(little) == {"amount_in": 3_000, "shipped": 4_000, "on_hand": -1_000}


def test_one_gtin_is_no_other_product(cast: Cast, books: Books) -> None:
    ours, theirs = (cast.product(name, gtin="6901234567892") for name in ("牛奶", "鲜牛奶"))
    [drawn] = cast.farm.record("produce", outputs=[cast.output(ours, "9")])["outputs"]
    came = {"product_id": theirs["id"], "quantity": quantity("4")}
    [bought] = cast.stall.record("receive", **{"from": {"name": "城西"}}, items=[came])["outputs"]
    assert slugs(cast.admin.record("identify", **pair(books, bought, drawn))) == []


def test_pieces_do_not_leave_a_weight(cast: Cast, books: Books, bought: dict[str, Any]) -> None:
    eggs = cast.product("鸡蛋", "eggs", "count", grams_per_piece=60)
    [box] = cast.farm.record("produce", outputs=[cast.output(eggs, "30", "个")])["outputs"]
    assert slugs(cast.admin.record("identify", **pair(books, bought, box))) == ["product_differs"]
    assert books.balance(box) == {"amount_in": 30, "on_hand": 30}


def test_what_is_no_gap_and_what_would_be_a_loop(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    named = pair(books, bought, grown)
    gap = named["gap_custody_id"]
    for fields, status, slug in (
        ({"gap_custody_id": grown["custody_id"]}, 409, "not-a-gap"),
        ({"parent_custody_id": gap}, 409, "is-a-gap"),
        ({"parent_custody_id": bought["custody_id"]}, 409, "would-loop"),
        ({"site_id": cast.farm.site["id"]}, 403, "not-your-site"),
        ({"site_id": bought["custody_id"]}, 404, "unknown-site"),
    ):
        assert cast.stall.refused("identify", status, **named | fields)["type"] == f"/problems/{slug}"
    # Two gaps, each of whose goods would come from the other's.
    onward = deliver(cast, bought, "2", cast.other_stall, cast.stall)
    item = {"product_id": bought["product_id"], "quantity": quantity("1")}
    [second] = cast.other_stall.record("receive", **{"from": {"name": "x"}}, items=[item])["outputs"]
    both = [
        cast.admin.event("identify", **pair(books, second, onward)),
        cast.admin.event("identify", **pair(books, bought, second)),
    ]
    answer = cast.admin.post("/events", {"events": both}).json()
    assert [outcome["status"] for outcome in answer["results"]] == ["recorded", "rejected"]
    assert answer["results"][1]["problem"]["type"] == "/problems/would-loop"


def test_identifications_are_taken_back(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    named = pair(books, bought, grown)
    gap = {"custody_id": named["gap_custody_id"]}
    first = cast.farm.record("identify", **named)
    second = cast.stall.record("identify", **named)
    assert (first["decision"], second["decision"]) == ("claimed", "confirmed")
    # The confirmation falls: the claim of the farm stands alone again.
    voided(cast.stall, second["id"])
    assert [str(link.claimed_by) for link in books.parents(gap)] == [cast.farm.party["id"]]
    assert books.balance(grown) == {"amount_in": 10_000, "on_hand": 10_000}
    assert cast.farm.refused("identify", 409, **named)["type"] == "/problems/already-claimed"
    third = cast.stall.record("identify", **named)
    assert third["decision"] == "confirmed"
    # The claim falls: who agreed with it has agreed with nothing.
    voided(cast.farm, first["id"])
    assert books.parents(gap) == []
    assert books.balance(grown) == {"amount_in": 10_000, "on_hand": 10_000}
    problem = cast.stall.refused("correct", 409, event_id=third["id"], reason="did_not_occur")
    assert problem["type"] == "/problems/already-corrected"
    # Claimed by the receiver, confirmed by the source, taken back by the source.
    cast.market.record("identify", **named)
    fourth = cast.farm.record("identify", **named)
    voided(cast.farm, fourth["id"])
    assert [str(link.claimed_by) for link in books.parents(gap)] == [cast.stall.party["id"]]
    # Said of another batch after all.
    other = cast.farm.record("produce", outputs=[cast.output({"id": bought["product_id"]}, "20")])["outputs"][0]
    [claim] = [e for e in cast.market.get("/events?kind=identify").json()["items"] if e["role"] == "market"]
    again = replaced(cast.market, claim["id"], "identify", **pair(books, bought, other))
    assert again["decision"] == "claimed"
    assert [str(link.parent_id) for link in books.parents(gap)] == [other["custody_id"]]


def test_a_purchase_that_is_corrected_keeps_or_loses_what_was_said_of_its_source(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    named = pair(books, bought, grown)
    cast.stall.record("identify", **named)
    confirmed = cast.farm.record("identify", **named)
    item = {"product_id": bought["product_id"], "quantity": quantity("5")}
    second = replaced(cast.stall, bought["event_id"], "receive", **{"from": {"name": "河东"}}, items=[item])
    assert str(books.gap(bought).id) == named["gap_custody_id"]
    assert books.balance(grown)["shipped"] == 4_000
    # What never came was never sent.
    voided(cast.stall, second["id"])
    assert books.balance(grown) == {"amount_in": 10_000, "on_hand": 10_000}
    assert books.children(grown) == []
    problem = cast.farm.refused("correct", 409, event_id=confirmed["id"], reason="did_not_occur")
    assert problem["type"] == "/problems/already-corrected"
    assert cast.farm.refused("identify", 409, **named)["type"] == "/problems/not-a-gap"


def test_a_source_that_is_corrected_hands_its_gap_on(
    cast: Cast, books: Books, bought: dict[str, Any], grown: dict[str, Any]
) -> None:
    named = pair(books, bought, grown)
    cast.stall.record("identify", **named)
    confirmed = cast.farm.record("identify", **named)
    [event] = cast.farm.get("/events?kind=produce").json()["items"]
    chives = cast.product("小葱")
    [heir] = replaced(cast.farm, event["id"], "produce", outputs=[cast.output(chives, "9")])["outputs"]
    assert books.balance(heir) == {"amount_in": 9_000, "shipped": 4_000, "on_hand": 5_000}
    gap = {"custody_id": named["gap_custody_id"]}
    assert [str(link.parent_id) for link in books.parents(gap)] == [heir["custody_id"]]
    voided(cast.farm, confirmed["id"])
    assert books.balance(heir) == {"amount_in": 9_000, "on_hand": 9_000}
    assert [str(link.claimed_by) for link in books.parents(gap)] == [cast.stall.party["id"]]


def test_a_voided_source_may_be_named_anew(cast: Cast, books: Books, grown: dict[str, Any]) -> None:
    """The farm's record fell away; whoever received of it names another."""
    batch = harvest(cast)
    got = deliver(cast, batch, "5", cast.stall)
    voided(cast.farm, batch["event_id"])
    named = {"gap_custody_id": batch["custody_id"], "parent_custody_id": grown["custody_id"]}
    assert cast.stall.record("identify", **named)["decision"] == "claimed"
    assert cast.farm.record("identify", **named)["decision"] == "confirmed"
    assert books.balance(grown)["shipped"] == 5_000
    assert cast.admin.trace("back", custody=got["custody_id"])["gaps"] == []
