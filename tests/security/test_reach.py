"""What changes hands and what does not: books, regions, papers."""

from tests.support.cast import Actor, Cast


def test_nobody_leaves_its_regulator_by_a_form(cast: Cast) -> None:
    stall = cast.stall
    for owner in (stall, cast.market):
        assert owner.patch(f"/parties/{stall.party['id']}", {"region": "110101"}).status_code == 403
        assert owner.patch(f"/sites/{stall.site['id']}", {"region": "110101"}).status_code == 403
    assert cast.admin.patch(f"/sites/{stall.site['id']}", {"region": "330105"}).status_code == 200


def test_a_stall_changes_hands_and_its_books_do_not(cast: Cast) -> None:
    cabbage = cast.product("大白菜")
    source = {"name": "路边菜农", "contact": "13900000000"}
    item = {"product_id": cabbage["id"], "quantity": {"value": "5", "unit": "斤"}}
    bought = cast.stall.record("receive", **{"from": source, "items": [item]})
    tested = cast.market.record(
        "test",
        custody_id=bought["outputs"][0]["custody_id"],
        site_id=cast.stall.site["id"],
        stage="rapid",
        item="农药残留",
        verdict="pass",
    )
    taken = cast.admin.patch(f"/sites/{cast.stall.site['id']}", {"party_id": cast.other_stall.party["id"]})
    assert taken.status_code == 200, taken.text
    seen = {event["id"] for event in cast.other_stall.get("/events").json()["items"]}
    assert bought["id"] not in seen
    assert tested["id"] in seen, "what the market found there is the new operator's to know"
    assert bought["id"] in {event["id"] for event in cast.stall.get("/events").json()["items"]}
    assert cast.other_stall.get(f"/events/{bought['id']}").status_code == 404


def test_a_market_attaches_its_sellers_papers_and_nobody_elses(cast: Cast) -> None:
    def paper(actor: Actor) -> str:
        answer = actor.post(
            "/documents",
            data={"type": "conformity_certificate", "number": "1"},
            files={"file": ("a.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    foreign, own = paper(cast.farm), paper(cast.stall)
    cast.market.refused("certify", 403, document_id=foreign, site_id=cast.market.site["id"])
    cast.market.refused("certify", 403, document_id=foreign, site_id=cast.stall.site["id"])
    cast.market.record("certify", document_id=own, site_id=cast.stall.site["id"])
