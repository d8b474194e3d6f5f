"""GET /api/v1/trace: what it takes, what it answers, and what each reader sees of the same chain."""

from typing import Any

import msgspec
import pytest

from app import tracing
from app.domain.codes import CodeKind, mint
from app.web.trace import COMPONENTS, EXAMPLE
from tests.support.cast import Actor, Cast

FIELDS = [
    "nodes",
    "links",
    "events",
    "gaps",
    "totals",
    "truncated",
    "next",
    "documents",
    "tests",
    "recipients",
    "shares",
    "start",
    "parties",
]


def market_day(cast: Cast) -> dict[str, Any]:
    """The farm's cabbage comes to the stall; the outcomes of making and of receiving."""
    cabbage = cast.product("小白菜")
    made = cast.farm.record("produce", outputs=[cast.output(cabbage, "100")])
    shipped = cast.farm.record("ship", items=[cast.item(made["outputs"][0], "60")], to_site_id=cast.stall.site["id"])
    received = cast.stall.record("receive", slip_code=shipped["slip_code"])
    return {"made": made["outputs"][0], "slip": shipped["slip_code"], "received": received["outputs"][0]}


def test_the_chain_of_a_stalls_batch(cast: Cast) -> None:
    goods = market_day(cast)
    found = cast.stall.trace("back", code=goods["received"]["code"])
    assert list(found) == FIELDS
    stall, farm = found["nodes"]
    assert (stall["id"], farm["id"]) == (goods["received"]["custody_id"], goods["made"]["custody_id"])
    assert stall["site"]["name"] == cast.stall.site["name"]
    assert (farm["in"]["value"], farm["out"]["value"], farm["on_hand"]["value"]) == ("100", "60", "40")
    assert found["links"][0]["quantity"] == {"value": "60", "unit": "kg", "grams": 60_000, "pieces": None}
    assert [e["kind"] for e in found["events"]] == ["produce", "ship", "receive"]
    assert found["totals"]["nodes"] == 2
    forward = cast.farm.trace("forward", lot=goods["made"]["lot_id"])
    assert {n["id"] for n in forward["nodes"]} == {stall["id"], farm["id"]}
    for start in ({"custody": goods["received"]["custody_id"]}, {"code": goods["slip"]}):
        assert cast.admin.trace("back", **start)["nodes"][-1]["id"] == farm["id"]


def test_what_the_document_promises_is_what_comes(cast: Cast) -> None:
    market_day(cast)
    document = cast.client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/trace"]["get"]
    answer = operation["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == {"$ref": "#/components/schemas/Trace.Trace"}
    assert document["components"]["schemas"].keys() >= COMPONENTS.keys()
    assert tracing.to_json(msgspec.convert(EXAMPLE, tracing.Trace)) == msgspec.json.encode(EXAMPLE)
    assert operation["responses"].keys() >= {"200", "4XX", "5XX"}


BAD: list[tuple[dict[str, str], int, str]] = [
    ({}, 422, "one-start"),
    ({"code": "B1", "epc": "urn:x:y"}, 422, "one-start"),
    ({"code": "B0123456789ABCDEFG"}, 400, "mistyped-code"),
    ({"code": mint(CodeKind.CUSTODY)}, 404, "unknown-code"),
    ({"custody": "018f3a4e-0000-5000-8000-000000000001"}, 404, "unknown-custody"),
    ({"lot": "018f3a4e-0000-5000-8000-000000000001"}, 404, "unknown-lot"),
    ({"epc": "urn:epc:id:sgtin:0614141.107346.2017"}, 404, "unknown-epc"),
    ({"custody": "no-uuid"}, 400, "malformed"),
    ({"epc": "urn:x:y", "direction": "sideways"}, 400, "malformed"),
    ({"epc": "urn:x:y", "depth": "0"}, 400, "malformed"),
    ({"epc": "urn:x:y", "limit": "0"}, 400, "malformed"),
    ({"epc": "urn:x:y", "cursor": "xyz"}, 400, "bad-cursor"),
    ({"epc": "\x00"}, 400, "malformed-epc"),
]


def test_a_question_that_cannot_be_answered(cast: Cast) -> None:
    for params, status, slug in BAD:
        answer = cast.admin.get("/trace", params=params)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), params
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_public_traces_nothing(cast: Cast) -> None:
    assert cast.public.get("/trace", params={"epc": "urn:x:y"}).status_code == 401


def test_an_answer_is_kept_by_nobody_and_cut_where_asked(cast: Cast) -> None:
    goods = market_day(cast)
    params = {"code": goods["received"]["code"], "limit": "1"}
    answer = cast.stall.get("/trace", params=params)
    assert answer.headers["cache-control"] == "private, no-store"
    first = answer.json()
    assert (len(first["nodes"]), first["truncated"]) == (1, True)
    rest = cast.stall.get("/trace", params={**params, "cursor": first["next"]}).json()
    assert [n["id"] for n in rest["nodes"]] == [goods["made"]["custody_id"]]
    assert (rest["truncated"], rest["next"]) == (False, None)
    assert len(first["links"]) + len(rest["links"]) == 1


# --- who sees what: farm → wholesaler → stall → a second stall ---


@pytest.fixture
def long_way(cast: Cast) -> tuple[Actor, dict[str, dict[str, Any]]]:
    """Cabbage goes farm, hall (in Ningbo), stall, other stall; the hall has bought some from outside as well."""
    hall = cast.enrol("vendor", "宁波批发行", "wholesaler", "wholesale", region="330203")
    cabbage = cast.product("小白菜")
    at = {"farm": cast.farm.record("produce", outputs=[cast.output(cabbage, "100")])["outputs"][0]}
    way = [(cast.farm, hall, "farm", "hall", "60"), (hall, cast.stall, "hall", "stall", "40"),
           (cast.stall, cast.other_stall, "stall", "other", "10")]  # fmt: skip
    for giver, taker, here, there, kilograms in way:
        slip = giver.record("ship", items=[cast.item(at[here], kilograms)], to_site_id=taker.site["id"])["slip_code"]
        at[there] = taker.record("receive", slip_code=slip)["outputs"][0]
    bought = hall.record(
        "receive",
        **{"from": {"name": "外地合作社", "contact": "13900000000", "address": "外省", "document_ids": []}},
        items=[{"product_id": cabbage["id"], "quantity": {"value": "5", "unit": "kg"}}],
    )["outputs"][0]
    at["mixed"] = bought
    return hall, at


def amounts(found: dict[str, Any], at: dict[str, dict[str, Any]]) -> set[str]:
    """The names of the nodes that are shown with their amounts."""
    shown = {n["id"] for n in found["nodes"] if n["in"] is not None}
    return {name for name, output in at.items() if output["custody_id"] in shown}


def test_own_and_one_step_around(cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]) -> None:
    hall, at = long_way
    start = {"code": at["other"]["code"]}
    seen = {
        "other stall": (cast.other_stall, {"other", "stall"}),
        "stall": (cast.stall, {"other", "stall", "hall"}),
        "hall": (hall, {"stall", "hall", "farm"}),
        "farm": (cast.farm, {"hall", "farm"}),
        # The market's stalls, and one step beyond them.
        "market": (cast.market, {"other", "stall", "hall"}),
        # Hangzhou's region, and the hall in Ningbo as one step beyond it.
        "Hangzhou": (cast.regulator, {"other", "stall", "hall", "farm"}),
        "Ningbo": (cast.other_regulator, {"stall", "hall", "farm"}),
        "plant": (cast.plant, set()),
        "lab": (cast.lab, set()),
        "admin": (cast.admin, {"other", "stall", "hall", "farm"}),
    }
    for who, (reader, expected) in seen.items():
        found = reader.trace("back", **start)
        assert len(found["nodes"]) == 4, who
        assert amounts(found, at) == expected, who
        # Everybody sees product, place and state.
        assert all(n["product"] and n["site"] and n["status"] == "ok" for n in found["nodes"]), who
        assert (found["totals"]["grams"] is None) is (len(expected) < 4), who
        assert (found["totals"]["receipts"] is None) is (len(expected) < 4), who


def test_an_amount_on_a_link_is_for_its_two_ends(cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]) -> None:
    hall, at = long_way
    for reader, expected in (
        (cast.farm, {"60"}),
        (hall, {"60", "40"}),
        (cast.other_stall, {"10"}),
        (cast.plant, set()),
    ):
        found = reader.trace("back", code=at["other"]["code"])
        assert {link["quantity"]["value"] for link in found["links"] if link["quantity"]} == expected


def test_one_step_counts_though_the_own_end_is_not_in_the_answer(
    cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]
) -> None:
    _, at = long_way
    found = cast.other_stall.trace("back", code=at["stall"]["code"])
    assert amounts(found, at) == {"stall"}


def test_the_paper_of_a_gap_is_its_receivers(cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]) -> None:
    hall, at = long_way
    for reader, contact in ((hall, "13900000000"), (cast.other_regulator, "13900000000"), (cast.stall, None)):
        (gap,) = reader.trace("back", code=at["mixed"]["code"])["gaps"]
        assert gap["reason"] == "outside"
        assert gap["from"]["name"] == "外地合作社"
        assert gap["from"]["reported_by"]["name"] == "宁波批发行"
        assert gap["from"]["contact"] == contact


def test_sales_and_flags_are_the_custodians_business(
    cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]
) -> None:
    _, at = long_way
    line = {"custody_id": at["stall"]["custody_id"], "quantity": {"value": "99", "unit": "kg"}}
    cast.stall.record("sell", lines=[line])
    for reader, sees in ((cast.stall, True), (cast.market, True), (cast.farm, False), (cast.plant, False)):
        found = reader.trace("back", code=at["stall"]["code"])
        assert ("sell" in {e["kind"] for e in found["events"]}) is sees
        assert found["totals"]["events"] == len(found["events"])
    flagged = [e for e in cast.stall.trace("back", code=at["stall"]["code"])["events"] if e["flags"]]
    assert flagged
    hidden = cast.plant.trace("back", code=at["stall"]["code"])["events"]
    assert all(e["flags"] is None for e in hidden)


def test_a_laboratory_sees_what_it_tested(cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]) -> None:
    _, at = long_way
    cast.lab.record(
        "test", custody_id=at["hall"]["custody_id"], stage="laboratory", method="GB 23200.113", item="毒死蜱",
        verdict="pass", site_id=None,
    )  # fmt: skip
    assert amounts(cast.lab.trace("back", code=at["other"]["code"]), at) == {"hall", "stall", "farm"}


def test_the_book_of_a_site_or_party_is_its_own(cast: Cast, long_way: tuple[Actor, dict[str, dict[str, Any]]]) -> None:
    hall, at = long_way
    for code in (cast.stall.site["code"], cast.stall.party["code"]):
        for reader, status in (
            (cast.stall, 200), (cast.market, 200), (cast.regulator, 200), (cast.admin, 200),
            (hall, 403), (cast.other_stall, 403), (cast.other_regulator, 403), (cast.lab, 403),
        ):  # fmt: skip
            answer = reader.get("/trace", params={"code": code})
            assert answer.status_code == status, (code, answer.text)
            if status == 200:
                assert amounts(answer.json(), at) >= {"stall", "hall"}
