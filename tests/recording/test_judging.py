"""Goods are judged: tests and their verdicts, holds and their release, papers, admission to a market."""

from typing import Any
from uuid import uuid4

from tests.recording.conftest import Books, deliver, harvest, paper, slugs, whole
from tests.recording.test_correcting import replaced, voided
from tests.support.cast import Actor, Cast, ago, quantity
from tests.support.story import day


def rapid(actor: Actor, batch: dict[str, Any], value: str | None, **fields: Any) -> dict[str, Any]:
    said = {"stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199", "unit": "%", "value": value}
    return actor.record("test", custody_id=batch["custody_id"], **said | fields)


def test_a_failed_test_holds_the_lot_everywhere(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    passed = whole(rapid(cast.market, got, "12.5"))
    assert (passed["decision"], passed["flags"]) == ("pass", [])
    failed = whole(rapid(cast.lab, batch, "50", site_id=None))
    assert (failed["decision"], slugs(failed)) == ("fail", ["failed_test"])
    [hold] = books.holds(batch)
    assert (hold.scope, hold.automatic, hold.authority, str(hold.id)) == ("lot", True, 1, failed["id"])
    assert cast.public.scan(got["code"])["status"] == "held"
    # No slip for goods on hold, wherever they are; what has left all the same is recorded.
    problem = cast.stall.refused("ship", 409, items=[cast.item(got, "1")])
    assert problem["type"] == "/problems/goods-on-hold"
    left = cast.stall.record("ship", items=[cast.item(got, "1")], slip=False)
    assert slugs(left) == ["held_goods", "no_slip"]
    assert slugs(cast.stall.record("sell", lines=[cast.item(got, "1")])) == ["held_goods"]
    # Destroying what failed is what is wanted; it is flagged as everything done with held goods.
    cast.farm.record("destroy", items=[cast.item(batch, "90")], reason="农残", evidence=[paper(cast.farm, "other")])
    assert books.balance(batch)["on_hand"] == 0


def test_verdicts_are_computed_or_said(cast: Cast) -> None:
    batch = harvest(cast)
    assert rapid(cast.lab, batch, None, method=None, unit=None, verdict="pass", site_id=None)["decision"] == "pass"
    problem = cast.lab.refused("test", 422, custody_id=batch["custody_id"], stage="laboratory", item="铅", value="0.1")
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("/problems/no-verdict", "/verdict")
    over = cast.lab.record(
        "test", custody_id=batch["custody_id"], stage="laboratory", item="铅", value="0.11", unit="mg/kg", limit="≤0.1"
    )
    assert over["decision"] == "fail"


def test_holds_and_who_lifts_them(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    held = {"custody_id": got["custody_id"], "scope": "custody", "reason": "待查"}
    assert (
        cast.market.refused("hold", 403, **held | {"custody_id": batch["custody_id"]})["type"] == "/problems/not-yours"
    )
    assert cast.other_regulator.refused("hold", 403, **held)["type"] == "/problems/outside-region"
    own = whole(cast.market.record("hold", **held))
    higher = cast.regulator.record("hold", **held | {"scope": "lot"})
    by_lab = rapid(cast.lab, got, "80")
    assert len(books.holds(batch)) == 3

    def release(actor: Actor, event: dict[str, Any], status: int = 201) -> str:
        body = actor.event("release", hold_event_id=event["id"], reason="复检合格")
        answer = actor.post("/events", body)
        assert answer.status_code == status, answer.text
        return str(answer.json().get("type", ""))

    assert release(cast.market, higher, 403) == "/problems/higher-authority"
    # Equal authority, but another's: a market lifts its own alone.
    assert release(cast.market, by_lab, 403) == "/problems/higher-authority"
    assert release(cast.other_regulator, higher, 403) == "/problems/outside-region"
    release(cast.market, own)
    assert release(cast.market, own, 409) == "/problems/already-released"
    assert release(cast.market, {"id": str(uuid4())}, 404) == "/problems/unknown-hold"
    release(cast.regulator, by_lab)
    release(cast.admin, higher)
    assert books.holds(batch) == []
    assert cast.public.scan(got["code"])["status"] == "ok"


def test_a_hold_reaches_as_far_as_it_says(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "40", cast.stall)
    onward = deliver(cast, got, "10", cast.other_stall, cast.stall)
    side = deliver(cast, batch, "10", cast.other_stall)

    def on_hold(scope: str) -> list[bool]:
        event = cast.regulator.record("hold", custody_id=got["custody_id"], scope=scope, reason="x")
        goods = [(cast.farm, batch), (cast.stall, got), (cast.other_stall, onward), (cast.other_stall, side)]
        bodies = [(actor, actor.event("destroy", items=[cast.item(each, "1")], reason="x")) for actor, each in goods]
        flagged = [slugs(actor.post("/events", body).json()) == ["held_goods"] for actor, body in bodies]
        cast.regulator.record("release", hold_event_id=event["id"], reason="x")
        return flagged

    assert on_hold("custody") == [False, True, False, False]
    assert on_hold("downstream") == [False, True, True, False]
    assert on_hold("lot") == [True, True, True, True]
    # A hold that stands before a shipment in one list keeps the slip back.
    stop = cast.admin.event("hold", custody_id=got["custody_id"], scope="downstream", reason="x")
    ship = cast.admin.event("ship", site_id=cast.other_stall.site["id"], items=[cast.item(onward, "1")])
    answer = cast.admin.post("/events", {"events": [stop, ship]}).json()
    assert answer["results"][1]["problem"]["type"] == "/problems/goods-on-hold"


def test_events_without_a_site_stand_where_the_goods_are(cast: Cast) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    event = rapid(cast.lab, got, "80")
    [seen] = cast.stall.get("/events?kind=test").json()["items"]
    assert (seen["id"], seen["site_id"]) == (event["id"], cast.stall.site["id"])
    assert [e["id"] for e in cast.regulator.get(f"/events?site={cast.stall.site['id']}&kind=test").json()["items"]] == [
        event["id"]
    ]
    assert cast.lab.refused("test", 404, custody_id=got["custody_id"], stage="rapid", item="x", verdict="pass",
                            site_id=str(uuid4()))["type"] == "/problems/unknown-site"  # fmt: skip
    for kind, fields in (
        ("test", {"custody_id": got["custody_id"], "stage": "rapid", "item": "x", "verdict": "pass"}),
        ("hold", {"custody_id": got["custody_id"], "scope": "lot", "reason": "x"}),
    ):
        problem = cast.market.refused(kind, 403, site_id=cast.farm.site["id"], **fields)
        assert problem["type"] == "/problems/not-your-site"


# --- papers ---


def test_papers_speak_for_goods_and_sites(cast: Cast) -> None:
    batch = harvest(cast)
    mine, old = paper(cast.farm), paper(cast.farm, expires_on=day(-1))
    outcome = whole(cast.farm.record("certify", document_id=mine, custody_id=batch["custody_id"], site_id=None))
    assert outcome["flags"] == []
    assert slugs(cast.farm.record("certify", document_id=old)) == ["document_expired"]
    assert [each["type"] for each in cast.public.scan(batch["code"])["documents"]] == ["conformity_certificate"]
    # Nobody shows another's paper as his own, whichever way.
    got = deliver(cast, batch, "10", cast.stall)
    problem = cast.stall.refused("certify", 403, document_id=mine, custody_id=got["custody_id"])
    assert problem["type"] == "/problems/not-your-document"
    item = {"product_id": batch["product_id"], "quantity": quantity("4")}
    bought = {"from": {"name": "x", "document_ids": [mine]}, "items": [item]}
    assert cast.stall.refused("receive", 403, **bought)["type"] == "/problems/not-your-document"
    # A market puts up what its sellers brought.
    cast.market.record("certify", document_id=paper(cast.stall), custody_id=got["custody_id"])
    assert cast.farm.refused("certify", 422, document_id=mine, site_id=None)["type"] == "/problems/invalid"


# --- admission ---


def test_everything_that_is_missing_is_named_at_once(cast: Cast, books: Books) -> None:
    pork = cast.product("猪白条", "pork")
    made = cast.output(pork, "100", expires_on=day(-1))
    [batch] = cast.plant.record("produce", outputs=[made])["outputs"]
    cast.plant.record("certify", document_id=paper(cast.plant, "quarantine_certificate", expires_on=day(-1)),
                      custody_id=batch["custody_id"])  # fmt: skip
    rapid(cast.lab, batch, "90")
    cast.regulator.record("hold", custody_id=batch["custody_id"], scope="lot", reason="x")
    rule = {"category": "pork", "requires": [["quarantine_certificate"], ["meat_quality_certificate"]]}
    strict = rule | {"test": "always", "chain": "complete", "slip": True}
    rules = f"/sites/{cast.market.site['id']}/admission-rules"
    assert cast.market.request("PUT", rules, json=[strict]).status_code == 200
    shipped = cast.plant.record("ship", items=[cast.item(batch, "50")], slip=False)
    assert "no_slip" in slugs(shipped)
    item = {"product_id": pork["id"], "quantity": quantity("4"), "expires_on": day(-2)}
    [outside] = cast.stall.record("receive", **{"from": {"name": "x"}}, items=[item])["outputs"]
    refused = whole(cast.market.record("admit", custody_ids=[outside["custody_id"]]))
    assert refused["decision"] == "refused"
    assert slugs(refused, "reasons") == [
        "expired-goods", "paper-missing", "paper-missing", "test-missing", "chain-incomplete", "slip-missing"
    ]  # fmt: skip
    assert [reason["missing"] for reason in refused["reasons"]] == [
        [], ["quarantine_certificate"], ["meat_quality_certificate"], ["test"], ["chain"], ["slip"]
    ]  # fmt: skip
    assert books.custody(outside).admission == "refused"
    assert slugs(cast.stall.record("sell", lines=[cast.item(outside, "1")])) == ["refused_goods", "expired_goods"]
    own = cast.admin.record("admit", site_id=cast.market.site["id"], custody_ids=[batch["custody_id"]])
    assert slugs(own, "reasons") == [
        "goods-on-hold", "expired-goods", "failed-test", "paper-missing", "paper-missing", "test-missing",
        "slip-missing",
    ]  # fmt: skip


def test_a_slip_is_judged_at_the_gate_with_everything_that_comes_off_it(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "50")], to_site_id=cast.market.site["id"])["slip_code"]
    [early] = cast.stall.record("receive", slip_code=slip, items=[cast.item(batch, "10")])["outputs"]
    refused = whole(cast.market.record("admit", slip_code=slip))
    assert (refused["decision"], refused["slip_code"], slugs(refused, "reasons")) == (
        "refused", slip, ["paper-missing"]
    )  # fmt: skip
    assert refused["reasons"][0]["missing"] == ["conformity_certificate", "origin_proof", "purchase_slip"]
    got = cast.other_stall.record("receive", slip_code=slip, items=[cast.item(batch, "10")])
    assert slugs(got) == ["refused_goods"]
    [late] = got["outputs"]
    assert [books.custody(each).admission for each in (early, late)] == ["refused", "refused"]
    assert cast.public.scan(late["code"])["status"] == "refused"
    # The certificate turns up: admitted, on every stall.
    cast.farm.record("certify", document_id=paper(cast.farm), custody_id=batch["custody_id"])
    admitted = cast.market.record("admit", slip_code=slip)
    assert (admitted["decision"], admitted["reasons"]) == ("admitted", [])
    assert [books.custody(each).admission for each in (early, late)] == ["admitted", "admitted"]
    # The second decision was wrong: the first counts again.
    voided(cast.market, admitted["id"])
    assert (books.slip(slip).admission, books.custody(late).admission) == ("refused", "refused")
    voided(cast.market, refused["id"])
    assert (books.slip(slip).admission, books.custody(early).admission) == (None, None)
    # Another's gate has no say.
    other = cast.enrol("market", "城东市场", "market", "market")
    assert other.refused("admit", 403, slip_code=slip)["type"] == "/problems/slip-not-yours"
    assert other.refused("admit", 403, custody_ids=[late["custody_id"]])["type"] == "/problems/not-yours"
    replaced(cast.farm, books_ship(cast, slip), "ship", items=[cast.item(batch, "50")])
    assert cast.market.refused("admit", 409, slip_code=slip)["type"] == "/problems/slip-voided"


def books_ship(cast: Cast, slip: str) -> str:
    """The event that a slip was issued by."""
    [event] = [e for e in cast.farm.get("/events?kind=ship").json()["items"] if e["outcome"]["slip_code"] == slip]
    return str(event["id"])


def test_a_shipment_said_again_stays_admitted(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    cast.farm.record("certify", document_id=paper(cast.farm), custody_id=batch["custody_id"])
    shipped = cast.farm.record("ship", items=[cast.item(batch, "50")])
    admitted = cast.market.record("admit", slip_code=shipped["slip_code"])
    second = replaced(cast.farm, shipped["id"], "ship", items=[cast.item(batch, "40")])
    assert books.slip(second["slip_code"]).admission == "admitted"
    # The decision on the old paper is one on the new.
    voided(cast.market, admitted["id"])
    assert books.slip(second["slip_code"]).admission is None
    cast.market.record("admit", slip_code=second["slip_code"])
    third = replaced(cast.farm, second["id"], "ship", items=[cast.item(harvest(cast), "40")])
    assert books.slip(third["slip_code"]).admission is None


def test_batches_are_judged_where_they_stand(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    first = cast.market.record("admit", custody_ids=[got["custody_id"]])
    assert first["decision"] == "refused"
    # A passed test stands for the paper, the latest as the earliest; a test that is taken back does not.
    test = rapid(cast.market, got, "3")
    second = cast.market.record("admit", custody_ids=[got["custody_id"], got["custody_id"]])
    assert (second["decision"], books.custody(got).admission) == ("admitted", "admitted")
    voided(cast.market, test["id"])
    third = cast.market.record("admit", custody_ids=[got["custody_id"]])
    assert third["decision"] == "refused"
    assert replaced(cast.market, third["id"], "admit", custody_ids=[got["custody_id"]])["decision"] == "refused"
    voided(cast.market, first["id"])
    assert books.custody(got).admission == "refused"
    # A paper on the stall speaks for all that it sells.
    cast.stall.record("certify", document_id=paper(cast.stall, "purchase_slip"))
    assert cast.market.record("admit", custody_ids=[got["custody_id"]])["decision"] == "admitted"
    for fields in ({}, {"custody_ids": []}, {"custody_ids": [got["custody_id"]], "slip_code": "T"}):
        assert cast.market.refused("admit", 422, **fields)["type"] == "/problems/invalid"


def test_goods_from_another_province_need_more(cast: Cast) -> None:
    far = cast.enrol("producer", "外省基地", "producer", "farm", region="410108")
    rules = f"/sites/{cast.market.site['id']}/admission-rules"
    extra = {"category": "*", "origin": "outside_province", "requires": [["test_report"]]}
    assert cast.market.request("PUT", rules, json=[extra]).status_code == 200
    product = cast.product("苹果", "fruit")
    [apple] = far.record("produce", outputs=[cast.output(product, "100")])["outputs"]
    [near] = cast.farm.record("produce", outputs=[cast.output(product, "100")])["outputs"]
    for actor, batch in ((far, apple), (cast.farm, near)):
        actor.record("certify", document_id=paper(actor), custody_id=batch["custody_id"])
    slip = far.record("ship", items=[cast.item(apple, "10")])["slip_code"]
    refused = cast.market.record("admit", slip_code=slip)
    assert [reason["missing"] for reason in refused["reasons"]] == [["test_report"]]
    here = deliver(cast, apple, "10", cast.stall, far)
    refused = cast.market.record("admit", custody_ids=[here["custody_id"]])
    assert [reason["missing"] for reason in refused["reasons"]] == [["test_report"]]
    own = deliver(cast, near, "10", cast.stall)
    assert cast.market.record("admit", custody_ids=[own["custody_id"]])["decision"] == "admitted"
    # Nobody knows whence: as from far away.
    item = {"product_id": product["id"], "quantity": quantity("4")}
    [bought] = cast.stall.record("receive", **{"from": {"name": "x", "document_ids": [paper(cast.stall)]}},
                                 items=[item])["outputs"]  # fmt: skip
    refused = cast.market.record("admit", custody_ids=[bought["custody_id"]])
    assert [reason["missing"] for reason in refused["reasons"]] == [["test_report"]]


# --- corrections of judgements ---


def test_judgements_are_put_right(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    failed = rapid(cast.lab, batch, "80")
    body = {"custody_id": batch["custody_id"], "stage": "rapid", "item": "农药残留", "method": "GB/T 5009.199"}
    passed = replaced(cast.lab, failed["id"], "test", **body, value="8.0")
    assert (passed["decision"], books.holds(batch)) == ("pass", [])
    again = replaced(cast.lab, passed["id"], "test", **body, value="88")
    assert [str(hold.id) for hold in books.holds(batch)] == [again["id"]]
    # Released, then the release taken back: held again; then the test: nothing to hold.
    freed = cast.regulator.record("release", hold_event_id=again["id"], reason="x")
    voided(cast.regulator, freed["id"])
    assert len(books.holds(batch)) == 1
    freed = cast.regulator.record("release", hold_event_id=again["id"], reason="x")
    voided(cast.lab, again["id"])
    voided(cast.regulator, freed["id"])
    assert books.holds(batch) == []
    # A hold of another scope, and a release of another hold.
    stop = {"custody_id": batch["custody_id"], "reason": "x"}
    one = cast.regulator.record("hold", scope="lot", **stop)
    two = replaced(cast.regulator, one["id"], "hold", scope="custody", **stop)
    assert [hold.scope for hold in books.holds(batch)] == ["custody"]
    three = cast.regulator.record("hold", scope="downstream", **stop)
    freed = cast.regulator.record("release", hold_event_id=two["id"], reason="x")
    replaced(cast.regulator, freed["id"], "release", hold_event_id=three["id"], reason="x")
    assert [str(hold.id) for hold in books.holds(batch)] == [two["id"]]


def test_papers_are_taken_back(cast: Cast) -> None:
    batch = harvest(cast)
    wrong, right, site = paper(cast.farm), paper(cast.farm, "origin_proof"), paper(cast.farm, "business_licence")
    event = cast.farm.record("certify", document_id=wrong, custody_id=batch["custody_id"], site_id=None)
    second = replaced(
        cast.farm, event["id"], "certify", document_id=right, custody_id=batch["custody_id"], site_id=None
    )
    assert [each["type"] for each in cast.public.scan(batch["code"])["documents"]] == ["origin_proof"]
    voided(cast.farm, second["id"])
    assert cast.public.scan(batch["code"])["documents"] == []
    on_site = cast.farm.record("certify", document_id=site)
    voided(cast.farm, on_site["id"])
    # Said twice and taken back once, it still speaks; whichever was said first.
    for first_falls in (True, False):
        twice = [
            cast.farm.record("certify", document_id=right, custody_id=batch["custody_id"], site_id=None)
            for _ in range(2)
        ]
        one, two = twice if first_falls else reversed(twice)
        voided(cast.farm, one["id"])
        assert [each["type"] for each in cast.public.scan(batch["code"])["documents"]] == ["origin_proof"]
        voided(cast.farm, two["id"])
        assert cast.public.scan(batch["code"])["documents"] == []


def test_goods_on_hold_are_not_corrected_away(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    stop = cast.regulator.record("hold", custody_id=batch["custody_id"], scope="lot", reason="x")
    other = cast.farm.event("produce", outputs=[cast.output(cast.product("芥菜"), "100")])
    for fields in ({"reason": "did_not_occur"}, {"reason": "incorrect_data", "replacement": other}):
        problem = cast.farm.refused("correct", 403, event_id=batch["event_id"], **fields)
        assert problem["type"] == "/problems/higher-authority"
    # Its quantity may be put right: it stays what it is, and held.
    replaced(cast.farm, batch["event_id"], "produce", outputs=[cast.output({"id": batch["product_id"]}, "90")])
    assert books.balance(batch)["amount_in"] == 90_000
    [standing] = [e for e in cast.farm.get("/events?kind=produce").json()["items"] if e["corrected_by"] is None]
    voided(cast.admin, standing["id"])
    # A hold on what is no longer there can still be lifted.
    cast.regulator.record("release", hold_event_id=stop["id"], reason="x", event_time=ago(minutes=1))
    assert books.holds(batch) == []
