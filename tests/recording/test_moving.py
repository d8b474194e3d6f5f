"""Goods change hands: slips, purchases from outside, sales, returns, destruction, closing counts."""

from uuid import UUID, uuid4

from app.domain import codes, ids
from tests.recording.conftest import Books, harvest, paper, slugs, whole
from tests.support.cast import Cast, quantity
from tests.support.statements import Statements
from tests.support.story import day


def test_goods_travel_with_a_slip(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    body = cast.farm.event("ship", items=[cast.item(batch, "60", "斤")], to_site_id=cast.stall.site["id"])
    shipped = whole(cast.farm.post("/events", body).json())
    assert (shipped["flags"], shipped["outputs"]) == ([], [])
    assert codes.parse(shipped["slip_code"]).kind == "T"
    assert books.balance(batch) == {"amount_in": 100_000, "shipped": 30_000, "on_hand": 70_000}
    assert books.items(shipped["slip_code"]) == [(30_000, 0)]
    assert books.slip(shipped["slip_code"]).to_site_id == UUID(cast.stall.site["id"])

    got = whole(cast.stall.record("receive", slip_code=f"https://food.example.cn/c/{shipped['slip_code'].lower()}"))
    [output] = got["outputs"]
    assert got["slip_code"] == shipped["slip_code"]
    assert (output["lot_id"], output["lot_code"]) == (batch["lot_id"], batch["lot_code"])
    assert output["quantity"] == {"value": "30", "unit": "kg", "grams": 30_000, "pieces": None}
    assert books.balance(output) == {"amount_in": 30_000, "on_hand": 30_000}
    [link] = books.parents(output)
    assert (str(link.parent_id), link.kind, link.grams) == (batch["custody_id"], "move", 30_000)
    assert books.items(shipped["slip_code"]) == [(30_000, 30_000)]
    chain = cast.stall.trace("back", code=output["code"])
    assert [(node["site"]["name"], node["depth"]) for node in chain["nodes"]] == [
        (cast.stall.site["name"], 0),
        (cast.farm.site["name"], 1),
    ]


def test_a_slip_is_received_in_parts_and_what_is_more_is_flagged(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "10")])["slip_code"]
    part = cast.stall.record("receive", slip_code=slip, items=[cast.item(batch, "6")])
    assert part["outputs"][0]["quantity"] == {"value": "6", "unit": "公斤", "grams": 6_000, "pieces": None}
    rest = cast.other_stall.record("receive", slip_code=slip)
    assert rest["outputs"][0]["quantity"]["grams"] == 4_000
    assert rest["flags"] == []
    problem = cast.stall.refused("receive", 409, slip_code=slip)
    assert problem["type"] == "/problems/slip-used-up"
    more = cast.stall.record("receive", slip_code=slip, items=[cast.item(batch, "1")])
    assert slugs(more) == ["more_than_slip"]
    assert books.items(slip) == [(10_000, 11_000)]
    # The receiver's surplus says nothing of the sender's stock.
    assert books.balance(batch) == {"amount_in": 100_000, "shipped": 10_000, "on_hand": 90_000}
    other = harvest(cast)
    problem = cast.stall.refused("receive", 422, slip_code=slip, items=[cast.item(other, "1")])
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("/problems/not-on-slip", "/items/0/custody_id")


def test_a_slip_is_for_its_receiver_its_market_and_what_lies_below(cast: Cast) -> None:
    batch = harvest(cast)

    def slip(site: dict[str, object] | None) -> str:
        named = {"to_site_id": site["id"]} if site else {}
        return str(cast.farm.record("ship", items=[cast.item(batch, "1")], **named)["slip_code"])

    assert (
        cast.other_stall.refused("receive", 403, slip_code=slip(cast.stall.site))["type"] == "/problems/slip-not-yours"
    )
    cast.market.record("receive", slip_code=slip(cast.stall.site))
    cast.stall.record("receive", slip_code=slip(cast.market.site))
    cast.plant.record("receive", slip_code=slip(None))
    # An open slip may come back to where it was written.
    back = cast.farm.record("receive", slip_code=slip(None))
    assert back["outputs"][0]["custody_id"] != batch["custody_id"]


def test_a_slip_that_is_no_slip(cast: Cast) -> None:
    batch = harvest(cast)
    unknown = codes.mint(codes.CodeKind.SLIP)
    mistyped = unknown[:-1] + ("0" if unknown[-1] != "0" else "1")
    for code, status, slug in (
        (mistyped, 400, "mistyped-code"),
        (unknown, 404, "unknown-slip"),
        (batch["code"], 422, "not-a-slip"),
        ("", 400, "mistyped-code"),
    ):
        problem = cast.stall.refused("receive", status, slip_code=code)
        assert problem["type"] == f"/problems/{slug}"
    slip = cast.farm.record("ship", items=[cast.item(batch, "1")])["slip_code"]
    assert cast.farm.post(f"/codes/{slip}/revoke", {"reason": "丢失"}).status_code == 200
    assert cast.stall.refused("receive", 409, slip_code=slip)["type"] == "/problems/slip-voided"


def test_one_lot_reaches_a_stall_by_two_ways(cast: Cast, books: Books) -> None:
    wholesaler = cast.enrol("vendor", "南门批发部", "wholesaler", "wholesale")
    batch = harvest(cast)
    first = cast.farm.record("ship", items=[cast.item(batch, "10")], to_site_id=wholesaler.site["id"])
    second = cast.farm.record("ship", items=[cast.item(batch, "20")], to_site_id=wholesaler.site["id"])
    [one] = wholesaler.record("receive", slip_code=first["slip_code"])["outputs"]
    [two] = wholesaler.record("receive", slip_code=second["slip_code"])["outputs"]
    slip = wholesaler.record("ship", items=[cast.item(one, "5"), cast.item(two, "7")])["slip_code"]
    direct = cast.farm.record("ship", items=[cast.item(batch, "3")])["slip_code"]
    # What comes in two ways with one delivery is one batch on the stall, with both for parents.
    [both] = cast.stall.record("receive", slip_code=slip)["outputs"]
    assert both["quantity"]["grams"] == 12_000
    assert {str(link.parent_id) for link in books.parents(both)} == {one["custody_id"], two["custody_id"]}
    # A second delivery is a second batch, of the same lot.
    [other] = cast.stall.record("receive", slip_code=direct)["outputs"]
    assert other["lot_id"] == both["lot_id"]
    chain = cast.stall.trace("back", lot=both["lot_id"])
    assert chain["totals"]["nodes"] == 5
    assert sorted(node["depth"] for node in chain["nodes"] if node["site"]["name"] == cast.stall.site["name"]) == [0, 0]


def test_a_purchase_from_outside_comes_out_of_a_gap(cast: Cast, books: Books) -> None:
    tofu = cast.product("豆腐", "bean products", shelf_life_days=2)
    source = {"name": "邻县豆腐坊", "contact": "0571-1234567", "address": "桐庐县某村", "document_ids": []}
    item = {"product_id": tofu["id"], "quantity": quantity("8"), "lot_number": "D3", "produced_on": day(-1)}
    outcome = whole(cast.stall.record("receive", **{"from": source}, items=[item]))
    [output] = outcome["outputs"]
    assert (output["lot_number"], outcome["slip_code"], outcome["flags"]) == ("D3", None, [])
    # An outside maker's number is not ours to know again: the same number elsewhere is another lot.
    assert output["lot_id"] == str(ids.unnumbered_lot_id(UUID(outcome["id"]), 0))
    gap = books.gap(output)
    assert (gap.gap_reason, gap.paper, str(gap.reported_by)) == ("outside", source, cast.stall.party["id"])
    assert books.lot(output).expires_on is not None
    chain = cast.stall.trace("back", custody=output["custody_id"])
    assert [(gap["reason"], gap["from"]["name"]) for gap in chain["gaps"]] == [("outside", "邻县豆腐坊")]
    assert cast.public.scan(output["code"])["status"] == "incomplete"


def test_shipping_more_than_there_is_is_recorded_and_flagged(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "10")
    shipped = cast.farm.record("ship", items=[cast.item(batch, "12")])
    assert slugs(shipped) == ["more_than_there"]
    assert "10 on hand" in shipped["flags"][0]["detail"]
    assert books.balance(batch)["on_hand"] == -2_000
    [found] = cast.regulator.get("/events?flag=more_than_there").json()["items"]
    assert found["id"] == shipped["id"]
    # The receiver is not told of it.
    assert cast.stall.record("receive", slip_code=shipped["slip_code"])["flags"] == []


def test_without_a_slip_is_recorded_and_flagged(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "10")
    shipped = cast.farm.record("ship", items=[cast.item(batch, "4")], slip=False, to={"name": "路边摊"})
    assert (slugs(shipped), shipped["slip_code"]) == (["no_slip"], None)
    assert books.balance(batch) == {"amount_in": 10_000, "shipped": 4_000, "on_hand": 6_000}
    paper = {"name": "某饭店", "contact": "张三", "address": None, "document_ids": []}
    slip = cast.farm.record("ship", items=[cast.item(batch, "1")], to=paper)["slip_code"]
    assert books.slip(slip).to_party == paper


def test_goods_are_named_where_they_are(cast: Cast) -> None:
    batch = harvest(cast)
    field = cast.site(cast.farm, "南坡地", "farm", parent=cast.farm)
    store = cast.site(cast.farm, "冷库", "warehouse")
    elsewhere = {"items": [cast.item(batch, "1")], "site_id": store["id"]}
    for kind in ("ship", "destroy", "count", "return"):
        problem = cast.farm.refused(
            kind, 409, **elsewhere, **({"reason": "x"} if kind in ("destroy", "return") else {})
        )
        assert problem["type"] == "/problems/custody-elsewhere"
    [below] = cast.farm.record("produce", site_id=field["id"], outputs=[cast.output(cast.product("萝卜"), "5")])[
        "outputs"
    ]
    # A site speaks for what lies below it.
    cast.farm.record("ship", items=[cast.item(below, "5")])
    sold = cast.farm.record("sell", site_id=store["id"], lines=[cast.item(batch, "1")])
    assert slugs(sold) == ["batch_elsewhere"]
    assert cast.stall.refused("ship", 403, items=[cast.item(batch, "1")])["type"] == "/problems/not-yours"
    assert cast.farm.refused("ship", 404, items=[cast.item({"custody_id": str(uuid4())}, "1")])["type"] == (
        "/problems/unknown-custody"
    )


def test_sales_without_a_scale(cast: Cast, books: Books) -> None:
    cabbage, radish = cast.product("大白菜"), cast.product("萝卜")
    [batch] = cast.farm.record("produce", outputs=[cast.output(cabbage, "3")])["outputs"]
    lines = [
        cast.item(batch, "2", "斤") | {"amount_fen": 400, "product_id": cabbage["id"]},
        cast.item(batch, "5", "斤") | {"product_id": radish["id"]},
        {"product_id": radish["id"], "quantity": quantity("1")},
    ]
    sold = whole(cast.farm.record("sell", lines=lines, buyer={"name": "实验小学食堂"}))
    assert slugs(sold) == ["product_differs", "more_than_there", "sold_without_batch"]
    ours, theirs = (cast.product(name, gtin="6901234567892") for name in ("牛奶", "鲜牛奶"))
    [milk] = cast.farm.record("produce", outputs=[cast.output(ours, "3")])["outputs"]
    assert slugs(cast.farm.record("sell", lines=[cast.item(milk, "1") | {"product_id": theirs["id"]}])) == []
    assert books.balance(batch) == {"amount_in": 3_000, "sold": 3_500, "on_hand": -500}
    # A buyer brings some of it back.
    back = cast.farm.record("return", items=[cast.item(batch, "1")], reason="不新鲜")
    assert (back["outputs"], back["flags"]) == ([], [])
    assert books.balance(batch) == {"amount_in": 3_000, "sold": 2_500, "on_hand": 500}
    back = cast.farm.record("return", items=[cast.item(batch, "4")], reason="不新鲜")
    assert slugs(back) == ["returned_more_than_sold"]
    problem = cast.farm.refused("sell", 422, lines=[{"product_id": radish["id"], "quantity": quantity("1", "个")}])
    assert problem["errors"][0]["pointer"] == "/lines/0/quantity"
    problem = cast.farm.refused("sell", 404, lines=[{"product_id": str(uuid4()), "quantity": quantity("1")}])
    assert problem["type"] == "/problems/unknown-product"


def test_goods_go_back_to_where_they_came_from(cast: Cast, books: Books) -> None:
    batch = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "10")])["slip_code"]
    [got] = cast.stall.record("receive", slip_code=slip)["outputs"]
    back = whole(
        cast.stall.record("return", items=[cast.item(got, "3")], to_custody_id=batch["custody_id"], reason="有黄叶")
    )
    [again] = back["outputs"]
    assert back["flags"] == []
    assert again["site_id"] == cast.farm.site["id"]
    assert again["custody_id"] not in (batch["custody_id"], got["custody_id"])
    assert books.balance(got) == {"amount_in": 10_000, "returned": 3_000, "on_hand": 7_000}
    assert books.balance(again) == {"amount_in": 3_000, "on_hand": 3_000}
    assert [link.kind for link in books.parents(again)] == ["return"]
    # It can be sent out again, and the way shows every turn.
    slip = cast.farm.record("ship", items=[cast.item(again, "3")])["slip_code"]
    [second] = cast.stall.record("receive", slip_code=slip)["outputs"]
    chain = cast.stall.trace("back", custody=second["custody_id"])
    assert [node["depth"] for node in chain["nodes"]] == [0, 1, 2, 3]
    # To a site that it never came from is recorded, and flagged.
    astray = cast.stall.record("return", items=[cast.item(got, "1")], to_site_id=cast.plant.site["id"], reason="x")
    assert slugs(astray) == ["returned_elsewhere"]
    home = cast.stall.record("return", items=[cast.item(got, "1")], to_site_id=cast.farm.site["id"], reason="x")
    assert home["flags"] == []


def test_what_came_from_outside_does_not_go_back_within(cast: Cast, books: Books) -> None:
    tofu = cast.product("豆腐", "bean products")
    item = {"product_id": tofu["id"], "quantity": quantity("8")}
    [got] = cast.stall.record("receive", **{"from": {"name": "豆腐坊"}}, items=[item])["outputs"]
    gap = str(books.gap(got).id)
    problem = cast.stall.refused("return", 409, items=[cast.item(got, "1")], to_custody_id=gap, reason="酸了")
    assert problem["type"] == "/problems/is-a-gap"
    for kind, fields in (
        ("ship", {"items": [{"custody_id": gap, "quantity": quantity("1")}]}),
        ("test", {"custody_id": gap, "stage": "rapid", "item": "农残", "verdict": "pass"}),
    ):
        assert cast.admin.refused(kind, 409, site_id=cast.stall.site["id"], **fields)["type"] == "/problems/is-a-gap"


def test_destroyed_and_counted(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "20")
    gone = cast.farm.record("destroy", items=[cast.item(batch, "5")], reason="台风")
    assert gone["flags"] == []
    short = cast.farm.record("count", items=[cast.item(batch, "14.5")])
    assert (short["flags"], short["outputs"]) == ([], [])
    assert books.balance(batch) == {"amount_in": 20_000, "destroyed": 5_000, "unexplained": 500, "on_hand": 14_500}
    more = cast.farm.record("count", items=[cast.item(batch, "16")])
    assert slugs(more) == ["more_than_there"]
    assert books.balance(batch) == {"amount_in": 20_000, "destroyed": 5_000, "unexplained": -1_000, "on_hand": 16_000}
    cast.farm.record("count", items=[cast.item(batch, "0")])
    assert books.balance(batch)["on_hand"] == 0
    assert cast.farm.refused("count", 422, items=[cast.item(batch, "-1")])["type"] == "/problems/invalid"


def test_papers_that_are_named_must_be_there(cast: Cast) -> None:
    batch = harvest(cast)
    nowhere = str(uuid4())
    outside = {"name": "外地合作社", "document_ids": [nowhere]}
    item = {"product_id": cast.product("土豆")["id"], "quantity": quantity("1")}
    for kind, fields in (
        ("receive", {"from": outside, "items": [item]}),
        ("ship", {"items": [cast.item(batch, "1")], "to": outside}),
        ("sell", {"lines": [cast.item(batch, "1")], "buyer": outside}),
        ("destroy", {"items": [cast.item(batch, "1")], "reason": "x", "evidence": [nowhere]}),
        ("return", {"items": [cast.item(batch, "1")], "reason": "x", "evidence": [nowhere]}),
        ("certify", {"custody_id": batch["custody_id"], "document_id": nowhere}),
    ):
        assert cast.farm.refused(kind, 404, **fields)["type"] == "/problems/unknown-document"


def test_a_late_upload_upstream_joins_the_chain(cast: Cast, books: Books) -> None:
    """The wholesaler's morning arrives hours after the stall has sold: nothing is lost, clocks do not matter."""
    batch = harvest(cast)
    slip = cast.farm.record("ship", items=[cast.item(batch, "10")], event_time="2026-03-01T09:00:00+08:00")["slip_code"]
    got = cast.stall.record("receive", slip_code=slip, event_time="2026-03-01T07:00:00+08:00")
    [output] = got["outputs"]
    late = cast.farm.record(
        "certify", document_id=paper(cast.farm), custody_id=batch["custody_id"],
        event_time="2026-03-01T06:00:00+08:00",
    )  # fmt: skip
    chain = cast.stall.trace("back", custody=output["custody_id"])
    assert late["id"] in {event["id"] for event in chain["events"]}
    assert [node["depth"] for node in chain["nodes"]] == [0, 1]


def test_a_batch_of_events_costs_a_handful_of_statements(cast: Cast, service_statements: Statements) -> None:
    batch = harvest(cast)
    slips = [cast.farm.record("ship", items=[cast.item(batch, "1")])["slip_code"] for _ in range(20)]

    def cost(number: int) -> int:
        events = [cast.stall.event("receive", slip_code=slips.pop()) for _ in range(number)]
        service_statements.clear()
        assert cast.stall.post("/events", {"events": events}).json()["recorded"] == number
        # What reads the change feed runs beside it.
        return sum(not ("feed" in text and "SELECT" in text) for text in service_statements.texts)

    cost(1)  # the key is cached, its use noted
    few = cost(2)
    assert cost(15) == few <= 25, str(service_statements)
