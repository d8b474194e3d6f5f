import random
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.epcis import projection
from app.domain.epcis.captured import UNKNOWN_SITE, CapturedEvent, capture, related_epcs
from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.projection import CustodyKey, Projection, ProjectionFlag, project

from .cast import (
    CRATE,
    CRATE_LINK,
    FARM,
    MARKET,
    PALLET,
    PALLET_LINK,
    SHOP,
    STALL,
    START,
    happen,
    lot,
    make,
    pack,
    see,
    some,
    turn,
    unpack,
)
from .vectors import EXAMPLES, TUNA, load

LOT = "urn:gdst:example.org:product:lot:class:"
LOC = "urn:gdst:example.org:location:loc:"
SEA = "https://id.gs1.org/414/08600031303"
A, B, C = lot("A"), lot("B"), lot("C")


def of(*events: CapturedEvent) -> Projection:
    """The projection, after making sure that another order gives the same."""
    graph = project(events)
    assert project(reversed(events)) == graph
    return graph


def places(graph: Projection, epc: str = A) -> list[str]:
    return sorted(custody.site_uri for custody in graph.custodies if custody.epc == epc)


def moves(graph: Projection) -> set[tuple[str, str, str, str]]:
    return {(x.parent.epc, x.parent.site_uri, x.child.epc, x.child.site_uri) for x in graph.links}


def ancestors(graph: Projection, epc: str) -> set[CustodyKey]:
    found = {custody.key for custody in graph.custodies if custody.epc == epc}
    frontier = found
    while frontier:
        frontier = {link.parent for link in graph.links if link.child in frontier} - found
        found |= frontier
    return found


@pytest.fixture(scope="module")
def tuna(vectors: Path) -> list[CapturedEvent]:
    document = load(TUNA)
    context = context_of(document)
    return [capture(event, context) for _, event in events_of(document)]


class TestTunaChain:
    def test_21_records_under_16_event_ids_are_21_events(self, tuna: list[CapturedEvent]) -> None:
        assert len({event.event_id for event in tuna}) == 21
        assert len({event.epcis_event_id for event in tuna}) == 16

    def test_custodies(self, tuna: list[CapturedEvent]) -> None:
        graph = project(tuna)
        assert {custody.key for custody in graph.custodies} == {
            (LOT + "hatchery.1u.tf12012021", LOC + "hatchery.1u"),
            (LOT + "hatchery.1u.tf12012021", LOC + "fishfarm.1u"),
            (LOT + "feedmill.1u.ff11252021", LOC + "feedmill.1u"),
            (LOT + "feedmill.1u.ff11252021", LOC + "fishfarm.1u"),
            (LOT + "fishfarm.1u.farmed-tuna-01192022", LOC + "fishfarm.1u"),
            (LOT + "fishfarm.1u.farmed-tuna-01192022", LOC + "processor.plant1u"),
            (LOT + "fisherman01.tunau.v1-0122-2022", SEA + "15/254/1"),
            (LOT + "fisherman01.tunau.v1-0122-2022", SEA + "39/254/1"),
            (LOT + "fisherman01.tunau.v1-0122-2022", SEA + "22/254/1"),
            (LOT + "fisherman01.tunau.v1-0122-2022", LOC + "processor.plant1u"),
            (LOT + "processor.10u.commingle-01232022", LOC + "processor.plant1u"),
            (LOT + "processor.2u.v1-0122-2022", LOC + "processor.plant1u"),
            (LOT + "processor.2u.v1-0122-2022", LOC + "importer.123u"),
        }
        assert (graph.flags, graph.voided) == ((), ())

    def test_feed_shipped_after_it_was_eaten_still_comes_from_the_mill(self, tuna: list[CapturedEvent]) -> None:
        feed = LOT + "feedmill.1u.ff11252021"
        (link,) = (link for link in project(tuna).links if link.child.epc == feed)
        assert (link.parent.site_uri, link.child.site_uri) == (LOC + "feedmill.1u", LOC + "fishfarm.1u")
        assert link.grams == 10_000_000

    def test_cans_reach_the_importer_in_two_nested_units(self, tuna: list[CapturedEvent]) -> None:
        graph = project(tuna)
        cans = LOT + "processor.2u.v1-0122-2022"
        arrival = next(link for link in graph.links if link.child == (cans, LOC + "importer.123u"))
        assert (arrival.event_id, arrival.grams) == (tuna[10].event_id, 5_000_000)
        touched = {entry.event_id for entry in graph.timeline if entry.epc == cans}
        # Made, packed, packed again, shipped, received, and both unpackings of the same second.
        assert touched == {tuna[i].event_id for i in (16, 17, 18, 9, 10, 19, 20)}
        inner, outer = graph.packings
        assert (inner.content_epc, inner.grams, inner.to_event) == (cans, 5_000_000, tuna[20].event_id)
        assert (outer.content_epc, outer.to_event) == (inner.unit_epc, tuna[19].event_id)

    def test_the_published_traceback(self, tuna: list[CapturedEvent]) -> None:
        graph = project(tuna)
        way = ancestors(graph, LOT + "processor.2u.v1-0122-2022")
        assert way == {custody.key for custody in graph.custodies}
        touched = {entry.event_id for entry in graph.timeline if (entry.epc, entry.site_uri) in way}
        assert len(touched) == 21
        assert len({event.epcis_event_id for event in tuna if event.event_id in touched}) == 16

    def test_no_order_of_the_events_changes_anything(self, tuna: list[CapturedEvent]) -> None:
        graph = project(tuna)
        rng = random.Random(20)
        for _ in range(50):
            shuffled = [*tuna, *rng.sample(tuna, 3)]
            rng.shuffle(shuffled)
            assert project(shuffled) == graph


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_published_example_projects(path: Path) -> None:
    document = load(path)
    context = context_of(document)
    events = [capture(event, context) for _, event in events_of(document)]
    graph = project(events)
    assert project(events[::-1]) == graph
    known = {custody.key for custody in graph.custodies}
    assert {link.parent for link in graph.links} | {link.child for link in graph.links} <= known


class TestMoves:
    def test_made_shipped_received(self) -> None:
        made, shipped = make(0, FARM, some("A", 30), some("A", 20.5)), see(1, FARM, "shipping", some("A", 40))
        received = see(2, MARKET, "receiving", some("A", 39.9))
        graph = of(made, shipped, received)
        farm, market = graph.custodies
        assert (farm.site_uri, farm.grams, farm.is_origin, farm.first_event) == (FARM, 50_500, True, made.event_id)
        assert (market.site_uri, market.grams, market.is_origin) == (MARKET, 39_900, False)
        assert market.arrived_at == START + timedelta(minutes=2)
        (link,) = graph.links
        assert (link.parent, link.child, link.event_id) == ((A, FARM), (A, MARKET), received.event_id)
        assert (link.kind, link.grams, link.pieces) == ("move", 39_900, None)
        assert {(entry.event_id, entry.role) for entry in graph.timeline} == {
            (made.event_id, "commissioned"),
            (shipped.event_id, "shipped"),
            (received.event_id, "received"),
        }

    def test_instances_are_one_piece(self) -> None:
        fish = "urn:epc:id:sgtin:4012345.011111.9876"
        graph = of(
            make(0, FARM, epcList=[fish], quantityList=[]),
            see(1, MARKET, "receiving", fish),
            see(2, None, "shipping", "https://shop.example/01/04012345111118/21/9876"),
        )
        link = "https://id.gs1.org/01/04012345111118/21/9876"
        assert [(custody.epc, custody.pieces, custody.grams) for custody in graph.custodies] == [(link, 1, None)] * 2
        # Without a place, the event is where the fish last was.
        assert [entry.role for entry in graph.timeline if entry.site_uri == MARKET].count("shipped") == 1

    def test_a_lot_listed_among_epcs_has_no_count(self) -> None:
        graph = of(see(0, FARM, None, A))
        assert [(custody.grams, custody.pieces) for custody in graph.custodies] == [(None, None)]

    def test_two_deliveries_of_one_lot_are_two_links_into_one_custody(self) -> None:
        first, second = see(2, STALL, "receiving", some("A", 3)), see(9, STALL, "receiving", some("A", 4))
        graph = of(
            make(0, FARM, some("A", 50)),
            see(1, FARM, "shipping", some("A", 3)),
            first,
            see(5, MARKET, "receiving", some("A", 10)),
            see(8, MARKET, "shipping", some("A", 4)),
            second,
        )
        into = {(x.parent.site_uri, x.event_id, x.grams) for x in graph.links if x.child.site_uri == STALL}
        # The market comes after the stall in time, so it cannot be the stall's parent.
        assert into == {(FARM, first.event_id, 3000), (FARM, second.event_id, 4000)}
        stall = next(custody for custody in graph.custodies if custody.site_uri == STALL)
        assert stall.grams == 7000

    def test_one_delivery_told_by_three_steps_counts_once(self) -> None:
        graph = of(
            make(0, FARM, some("A", 50)),
            see(1, MARKET, "arriving", some("A", 9)),
            see(2, MARKET, "receiving", some("A", 10)),
            see(3, MARKET, "accepting", some("A", 10)),
        )
        assert [link.grams for link in graph.links] == [10_000]
        assert [custody.grams for custody in graph.custodies] == [50_000, 10_000]
        assert graph.custodies[1].arrived_at == START + timedelta(minutes=1)

    def test_the_latest_shipment_before_counts_else_a_later_one_else_the_place_before(self) -> None:
        made = make(0, FARM, some("A", 50))
        stall = see(4, STALL, "receiving", some("A", 1))
        market = see(2, MARKET, None, some("A"))
        parent = {
            "before": moves(of(made, market, see(1, FARM, "shipping", some("A")), stall)),
            "latest": moves(
                of(made, market, see(1, FARM, "shipping", some("A")), see(3, MARKET, "departing", some("A")), stall)
            ),
            "after": moves(of(made, market, stall, see(9, FARM, "shipping", some("A")))),
            "none": moves(of(made, market, stall)),
        }
        assert {key: (A, FARM, A, STALL) in value for key, value in parent.items()} == {
            "before": True,
            "latest": False,
            "after": True,
            "none": False,
        }
        assert (A, MARKET, A, STALL) in parent["latest"] & parent["none"]

    def test_a_return_makes_no_circle(self) -> None:
        graph = of(
            make(0, FARM, some("A", 50)),
            see(1, FARM, "shipping", some("A")),
            see(2, MARKET, "receiving", some("A")),
            see(3, MARKET, "shipping", some("A")),
            see(4, FARM, "receiving", some("A")),
        )
        assert moves(graph) == {(A, FARM, A, MARKET)}
        assert graph.flags == ()

    def test_a_lot_made_at_two_places_begins_at_both(self) -> None:
        graph = of(make(3, FARM, some("A", 5)), make(5, SHOP, some("A", 5)), see(1, MARKET, None, some("A")))
        assert moves(graph) == {(A, SHOP, A, MARKET)}
        assert [custody.is_origin for custody in graph.custodies if custody.site_uri != MARKET] == [True, True]

    def test_the_end_and_an_unknown_place(self) -> None:
        graph = of(
            make(0, None, some("A", 5)),
            see(1, FARM, None, some("A")),
            happen(2, "ObjectEvent", action="DELETE", quantityList=[some("A")]),
        )
        assert places(graph) == [UNKNOWN_SITE, FARM]
        assert moves(graph) == {(A, UNKNOWN_SITE, A, FARM)}
        assert {(entry.site_uri, entry.role) for entry in graph.timeline} == {
            (UNKNOWN_SITE, "commissioned"),
            (FARM, "observed"),
            (FARM, "decommissioned"),
        }

    def test_a_read_point_is_a_site_but_a_position_is_none(self) -> None:
        graph = of(
            make(0, FARM, some("A", 5)),
            see(1, None, "transporting", some("A"), readPoint={"id": "geo:30.2,120.1"}),
            see(2, None, None, some("A"), readPoint={"id": "https://x.example/414/4012345000054"}),
        )
        assert places(graph) == ["https://id.gs1.org/414/4012345000054", FARM]

    def test_goods_without_a_lot_are_flagged(self) -> None:
        class_only = "urn:epc:idpat:sgtin:4012345.066666.*"
        graph = of(see(0, FARM, None, {"epcClass": class_only, "quantity": 220}))
        assert graph.flags == (ProjectionFlag("class_without_lot", "https://id.gs1.org/01/04012345666663"),)
        assert graph.custodies[0].pieces == 220


class TestUnits:
    def test_goods_move_with_the_crate_that_holds_them(self) -> None:
        received = see(3, MARKET, "receiving", CRATE)
        graph = of(
            make(0, FARM, some("A", 50)),
            pack(1, FARM, CRATE, some("A", 12)),
            see(2, FARM, "shipping", CRATE),
            received,
            unpack(4, MARKET, CRATE),
            see(9, SHOP, "receiving", CRATE),
        )
        assert places(graph) == [FARM, MARKET]
        assert [(link.event_id, link.grams) for link in graph.links] == [(received.event_id, 12_000)]
        assert places(graph, CRATE_LINK) == []
        assert CRATE_LINK in related_epcs(received)

    def test_mondays_crate_does_not_carry_tuesdays_lot(self) -> None:
        graph = of(
            make(0, FARM, some("A", 50), some("B", 50)),
            pack(1, FARM, CRATE, some("A", 12)),
            see(2, MARKET, "receiving", CRATE),
            unpack(3, MARKET, CRATE),
            pack(4, FARM, CRATE, some("B", 11)),
            see(5, STALL, "receiving", CRATE),
            unpack(6, STALL, CRATE),
            see(7, SHOP, "receiving", CRATE),
        )
        assert (places(graph, A), places(graph, B)) == ([FARM, MARKET], [FARM, STALL])
        assert [(packing.content_epc, packing.grams) for packing in graph.packings] == [(A, 12_000), (B, 11_000)]

    def test_what_left_the_crate_stays_behind_what_remained_goes_on(self) -> None:
        graph = of(
            pack(1, FARM, CRATE, some("A", 12)),
            pack(2, FARM, CRATE, some("B", 11)),
            unpack(3, MARKET, CRATE, some("B", 11)),
            see(5, STALL, "receiving", CRATE),
        )
        assert (places(graph, A), places(graph, B)) == ([FARM, MARKET, STALL], [FARM, MARKET])

    def test_unpacking_and_packing_in_the_same_second(self) -> None:
        events = (
            make(0, FARM, some("A", 50), some("B", 50)),
            pack(1, FARM, CRATE, some("A", 12)),
            unpack(3, MARKET, CRATE),
            pack(3, MARKET, CRATE, some("B", 11)),
            see(5, STALL, "receiving", CRATE),
        )
        graph = of(*events)
        assert (places(graph, A), places(graph, B)) == ([FARM, MARKET], [FARM, MARKET, STALL])

    def test_packed_and_unpacked_in_the_same_second(self) -> None:
        graph = of(
            make(0, FARM, some("A", 50)),
            pack(1, FARM, CRATE, some("A", 12)),
            unpack(1, FARM, CRATE),
            see(5, STALL, "receiving", CRATE),
        )
        assert places(graph) == [FARM]
        assert graph.packings[0].from_time == graph.packings[0].to_time

    def test_a_part_taken_out_leaves_the_rest(self) -> None:
        taken = unpack(2, FARM, CRATE, some("A", 5))
        graph = of(
            make(0, FARM, some("A", 50)),
            pack(1, FARM, CRATE, some("A", 12)),
            taken,
            see(3, MARKET, "receiving", CRATE),
            unpack(4, MARKET, CRATE, some("A", 7)),
            see(5, SHOP, "receiving", CRATE),
        )
        whole, rest = graph.packings
        assert (whole.grams, whole.to_event) == (12_000, taken.event_id)
        assert (rest.grams, rest.from_event) == (7000, taken.event_id)
        assert rest.to_event is not None
        assert [link.grams for link in graph.links] == [7000]
        assert places(graph) == [FARM, MARKET]

    def test_taking_out_over_two_packings_takes_the_older_first(self) -> None:
        graph = of(
            pack(1, FARM, CRATE, some("A", 5)),
            pack(2, FARM, CRATE, some("A", 5)),
            unpack(3, FARM, CRATE, some("A", 7)),
            see(4, MARKET, None, CRATE),
        )
        assert [(packing.grams, packing.to_event is None) for packing in graph.packings] == [
            (5000, False),
            (5000, False),
            (3000, True),
        ]
        assert next(custody for custody in graph.custodies if custody.site_uri == MARKET).grams == 3000

    def test_taking_out_an_unknown_amount_or_all_there_is_empties_it(self) -> None:
        for out in (some("A"), some("A", 5), some("A", 9), {**some("A"), "quantity": 3}):
            graph = of(
                pack(1, FARM, CRATE, some("A", 5)), unpack(3, FARM, CRATE, out), see(4, MARKET, "receiving", CRATE)
            )
            assert places(graph) == [FARM]

    def test_taking_out_what_was_never_packed_touches_it_all_the_same(self) -> None:
        graph = of(unpack(3, FARM, CRATE, some("A", 5)), see(1, MARKET, None, CRATE))
        assert (places(graph), graph.packings) == ([FARM], ())

    def test_an_observed_content_is_in_from_then_on(self) -> None:
        graph = of(
            pack(1, FARM, CRATE, some("A", 5), action="OBSERVE"),
            pack(2, FARM, CRATE, some("A", 5), action="OBSERVE"),
            see(3, MARKET, "receiving", CRATE),
        )
        assert len(graph.packings) == 1
        assert places(graph) == [FARM, MARKET]
        assert {entry.role for entry in graph.timeline} == {"observed", "received"}

    def test_units_in_units(self) -> None:
        graph = of(
            pack(1, FARM, CRATE, some("A", 5), some("B", 6)),
            pack(2, FARM, PALLET, CRATE, some("A", 1)),
            see(3, MARKET, "receiving", PALLET),
            unpack(4, MARKET, PALLET),
            see(5, STALL, "receiving", CRATE),
            see(6, SHOP, "receiving", PALLET),
        )
        assert (places(graph, A), places(graph, B)) == ([FARM, MARKET, STALL], [FARM, MARKET, STALL])
        at_market = {(custody.epc, custody.grams) for custody in graph.custodies if custody.site_uri == MARKET}
        assert at_market == {(A, 6000), (B, 6000)}
        assert {packing.unit_epc for packing in graph.packings} == {CRATE_LINK, PALLET_LINK}

    def test_goods_named_beside_their_crate_keep_the_amount_named(self) -> None:
        graph = of(pack(1, FARM, CRATE, some("A", 5)), see(3, MARKET, "receiving", CRATE, some("A", 4)))
        assert graph.links[0].grams == 4000

    def test_a_crate_in_itself_is_flagged_and_does_not_hang(self) -> None:
        graph = of(
            pack(1, FARM, CRATE, PALLET, some("A", 1)), pack(1, FARM, PALLET, CRATE), see(2, MARKET, None, CRATE)
        )
        assert ProjectionFlag("loop", CRATE_LINK) in graph.flags
        assert places(graph) == [FARM, MARKET]
        inner = "urn:epc:id:sscc:4012345.1112223335"
        diamond = of(
            pack(1, FARM, inner, some("A", 1)),
            pack(1, FARM, CRATE, inner),
            pack(1, FARM, PALLET, CRATE, inner),
            see(2, MARKET, "receiving", PALLET),
        )
        assert (diamond.flags, diamond.links[0].grams) == ((), 1000)

    def test_a_unit_with_nothing_known_in_it_is_no_custody(self) -> None:
        odd = "urn:epc:id:sscc:08600031303.0004"
        graph = of(see(1, FARM, "shipping", PALLET, odd), happen(2, "AggregationEvent", FARM, action="ADD"))
        assert (graph.custodies, graph.timeline, graph.packings) == ((), (), ())

    def test_children_without_a_parent_are_touched(self) -> None:
        graph = of(happen(2, "AggregationEvent", FARM, action="OBSERVE", childQuantityList=[some("A", 1)]))
        assert places(graph) == [FARM]


class TestTransformations:
    def test_every_input_links_to_every_output(self) -> None:
        event = turn(5, SHOP, [some("A", 3), some("B", 2)], [some("C", 4), "urn:epc:id:sgtin:4012345.011111.1"])
        graph = of(event)
        assert {(link.parent.epc, link.grams, link.kind) for link in graph.links} == {
            (A, 3000, "transform"),
            (B, 2000, "transform"),
        }
        assert len(graph.links) == 4
        assert {(custody.epc, custody.is_origin) for custody in graph.custodies if custody.epc in (A, C)} == {
            (A, False),
            (C, True),
        }

    def test_what_is_in_a_crate_goes_in_and_comes_out(self) -> None:
        graph = of(pack(1, SHOP, CRATE, some("A", 3)), turn(5, SHOP, [CRATE, some("A", 1)], [some("C", 4)]))
        assert [(link.parent.epc, link.grams) for link in graph.links] == [(A, 1000)]

    def test_one_transformation_told_by_several_events(self) -> None:
        first = turn(5, SHOP, [some("A", 3)], [], transformationID="urn:x:t:1")
        again = turn(6, SHOP, [some("A", 2)], [], transformationID="urn:x:t:1")
        last = turn(9, MARKET, [some("B", 1)], [some("C", 5)], transformationID="urn:x:t:1")
        graph = of(first, again, last)
        assert {(x.parent, x.child, x.event_id, x.grams) for x in graph.links if x.kind == "transform"} == {
            ((A, SHOP), (C, MARKET), first.event_id, 3000),
            ((A, SHOP), (C, MARKET), again.event_id, 2000),
            ((B, MARKET), (C, MARKET), last.event_id, 1000),
        }
        assert "urn:x:t:1" in related_epcs(first)

    def test_inputs_without_a_place_come_from_where_they_were(self) -> None:
        graph = of(make(0, FARM, some("A", 3)), turn(5, None, [some("A", 3)], [some("C", 4)]))
        assert moves(graph) == {(A, FARM, C, UNKNOWN_SITE)}

    def test_loops_are_flagged(self) -> None:
        graph = of(
            turn(1, SHOP, [some("A")], [some("B")]),
            turn(2, SHOP, [some("B")], [some("A")]),
            turn(3, SHOP, [some("B")], [some("C")]),
        )
        assert graph.flags == (ProjectionFlag("loop", A), ProjectionFlag("loop", B))
        own = of(turn(1, SHOP, [some("A"), some("B")], [some("A")]))
        assert own.flags == (ProjectionFlag("loop", A),)
        assert moves(own) == {(B, SHOP, A, SHOP)}

    def test_a_transformation_too_wide_is_flagged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(projection, "MAX_TRANSFORMATION_LINKS", 3)
        graph = of(turn(1, SHOP, [some("A"), some("B")], [some("C"), some("D")]))
        assert graph.links == ()
        assert [flag.epc for flag in graph.flags if flag.slug == "transformation_too_wide"] == [C, lot("D")]


class TestBeside:
    def test_transactions_touch_and_move_nothing(self) -> None:
        order = {"action": "ADD", "bizTransactionList": [{"bizTransaction": "urn:x:po:1"}], "quantityList": [some("A")]}
        here = happen(2, "TransactionEvent", FARM, **order)
        elsewhere = happen(3, "TransactionEvent", SHOP, **order)
        nowhere = happen(4, "TransactionEvent", **{**order, "quantityList": [some("B")]})
        graph = of(make(0, FARM, some("A", 5)), here, elsewhere, nowhere, see(9, MARKET, None, some("A")))
        assert places(graph) == [FARM, MARKET]
        assert [entry.site_uri for entry in graph.timeline if entry.role == "transaction"] == [FARM, FARM]

    def test_a_transaction_about_a_unit_touches_its_content(self) -> None:
        event = happen(2, "TransactionEvent", FARM, action="ADD", parentID=CRATE)
        graph = of(pack(1, FARM, CRATE, some("A", 5)), event)
        assert (A, FARM, event.event_id, "transaction") in {
            (entry.epc, entry.site_uri, entry.event_id, entry.role) for entry in graph.timeline
        }

    def test_an_association_is_kept_and_moves_nothing(self) -> None:
        sensor = "urn:epc:id:giai:4000001.111"
        graph = of(
            see(0, FARM, None, sensor),
            happen(1, "AssociationEvent", FARM, action="ADD", parentID=CRATE, childEPCs=[sensor]),
            see(2, MARKET, "receiving", CRATE),
            happen(3, "AssociationEvent", MARKET, action="DELETE", parentID=CRATE, childEPCs=[sensor]),
        )
        (packing,) = graph.packings
        assert (packing.kind, packing.content_epc) == ("association", "https://id.gs1.org/8004/4000001111")
        assert packing.to_event is not None
        assert {custody.key for custody in graph.custodies} == {("https://id.gs1.org/8004/4000001111", FARM)}

    def test_goods_with_a_tag_on_them_are_still_goods(self) -> None:
        tag = "urn:epc:id:giai:4000001.112"
        graph = of(
            make(0, FARM, some("A", 5)),
            happen(1, "AssociationEvent", FARM, action="ADD", parentID=A, childEPCs=[tag]),
        )
        assert places(graph) == [FARM]
        assert {entry.role for entry in graph.timeline} == {"commissioned", "associated"}

    def test_events_of_a_strangers_kind_touch_nothing(self) -> None:
        assert of(happen(0, "urn:x:SpaceEvent", FARM, epcList=[A])).custodies == ()


WRONG = {"errorDeclaration": {"declarationTime": "2024-06-01T00:00:00Z", "reason": "incorrect_data"}}


class TestErrorDeclarations:
    def test_the_same_content_is_taken_back_and_nothing_else_of_its_id(self) -> None:
        reused = {"eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"}
        wrong = see(2, SHOP, "receiving", some("A"), **reused)
        right = see(3, MARKET, "receiving", some("A"), **reused)
        graph = of(make(0, FARM, some("A", 5)), wrong, right, see(2, SHOP, "receiving", some("A"), **reused, **WRONG))
        assert places(graph) == [FARM, MARKET]
        assert graph.voided == (wrong.event_id,)

    def test_otherwise_the_event_id_decides_among_events_of_the_same_goods(self) -> None:
        reused = {"eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"}
        wrong, other = see(2, SHOP, None, some("A"), **reused), see(3, SHOP, None, some("B"), **reused)
        graph = of(wrong, other, see(2, SHOP, "storing", some("A"), **reused, **WRONG))
        assert graph.voided == (wrong.event_id,)
        assert places(graph, B) == [SHOP]
        assert of(see(2, SHOP, "storing", some("A"), **WRONG)).voided == ()

    def test_one_event_under_two_ids_is_taken_back_by_either(self) -> None:
        ids = [{"eventID": f"urn:x:{i}"} for i in range(2)]
        events = [see(2, SHOP, None, some("A"), **own) for own in ids]
        assert events[0] == events[1]
        for own in ids:
            assert of(*events, see(2, SHOP, "storing", some("A"), **own, **WRONG)).custodies == ()

    def test_declarations_of_different_times_are_different_events(self) -> None:
        event = see(2, SHOP, None, some("A"))
        later = {"errorDeclaration": {"declarationTime": "2024-06-01T08:00:00+08:00"}}
        latest = {"errorDeclaration": {"declarationTime": "2024-06-02T08:00:00+08:00"}}
        first, second, third = (see(2, SHOP, None, some("A"), **more) for more in (WRONG, later, latest))
        assert first == second
        assert len({event, first, third}) == 3


def test_only_the_rows_asked_for() -> None:
    events = [
        pack(1, FARM, CRATE, some("A", 5)),
        turn(5, FARM, [some("A", 3)], [some("C", 4)]),
        turn(6, FARM, [some("A", 3)], [some("A", 4)]),
        see(7, MARKET, None, some("C")),
    ]
    graph = project(events, only={C})
    assert {custody.epc for custody in graph.custodies} == {link.child.epc for link in graph.links} == {C}
    assert {entry.epc for entry in graph.timeline} == {C}
    assert (graph.packings, graph.flags) == ((), ())
    assert len(project(events, only={CRATE_LINK}).packings) == len(project(events, only={A}).packings) == 1


def test_an_event_without_a_time_cannot_be_captured() -> None:
    with pytest.raises(ValueError, match="eventTime"):
        capture({"type": "ObjectEvent", "eventTime": "yesterday"}, Context())


def test_odd_fields_do_not_break_the_projection() -> None:
    graph = of(
        happen(
            0,
            "ObjectEvent",
            None,
            action="ADD",
            bizLocation="here",
            readPoint={"id": 5},
            epcList=[4, "urn:x:1", "urn:x:1"],
            quantityList=[4, {"quantity": 3}],
            errorless=True,
        ),
        happen(1, "ObjectEvent", None, action="ADD", epcList="urn:x:2", bizLocation={"id": " "}),
    )
    assert [(custody.epc, custody.site_uri, custody.pieces) for custody in graph.custodies] == [
        ("urn:x:1", UNKNOWN_SITE, 1)
    ]


class TestVoidShipping:
    """CBV 2.0 §7.1.2: objects of an earlier outbound process, all or some, were not shipped."""

    @staticmethod
    def shipped(graph: Projection, epc: str = A) -> list[tuple[str, int | None]]:
        entries = [entry for entry in graph.timeline if entry.epc == epc and entry.role == "shipped"]
        return sorted((entry.site_uri, entry.grams) for entry in entries)

    def test_all_or_some_of_what_a_unit_took_along(self) -> None:
        story = [
            make(0, FARM, some("A", 50), some("B", 50)),
            pack(1, FARM, PALLET, some("A", 12), some("B", 8)),
            see(2, FARM, "loading", PALLET),
            see(3, FARM, "shipping", PALLET),
        ]
        part = of(*story, see(4, FARM, "void_shipping", some("A", 5)))
        assert self.shipped(part) == [(FARM, 7_000), (FARM, 7_000)]
        assert self.shipped(part, B) == [(FARM, 8_000), (FARM, 8_000)]
        whole = of(*story, see(4, FARM, "void_shipping", PALLET))
        assert self.shipped(whole) == self.shipped(whole, B) == []
        assert (part.flags, whole.flags) == ((), ())

    def test_the_latest_shipment_that_it_may_mean(self) -> None:
        to = [[{"type": "location", "destination": place}] for place in (MARKET, STALL)]
        papers = [[{"type": "desadv", "bizTransaction": f"urn:x:{n}"}] for n in "12"]
        sent = [
            see(1, FARM, "shipping", some("A", 5), destinationList=to[0], bizTransactionList=papers[0]),
            see(2, FARM, "shipping", some("A", 6), destinationList=to[1], bizTransactionList=papers[1]),
            see(9, FARM, "shipping", some("A", 9)),
        ]
        first, second, later = ((FARM, grams) for grams in (5_000, 6_000, 9_000))
        for said, left in (
            ({}, [first, later]),
            ({"bizTransactionList": papers[0]}, [second, later]),
            ({"destinationList": to[0]}, [second, later]),
        ):
            graph = of(make(0, FARM, some("A", 50)), *sent, see(3, FARM, "void_shipping", some("A"), **said))
            assert self.shipped(graph) == left, said
        more = of(make(0, FARM, some("A", 50)), *sent, see(3, FARM, "void_shipping", some("A", 8)))
        assert self.shipped(more) == [(FARM, 3_000), later]
        elsewhere = of(make(0, FARM, some("A", 50)), *sent, see(3, None, "void_shipping", some("A")))
        assert self.shipped(elsewhere) == [first, later]

    def test_what_is_odd_is_flagged_where_it_is_said(self) -> None:
        for before in ([], [see(1, FARM, "shipping", {**some("A"), "quantity": 4})]):
            void = see(3, FARM, "void_shipping", some("A", 5))
            graph = of(make(0, FARM, some("A", 50)), *before, void, see(4, FARM, "shipping", some("A", 5)))
            assert graph.flags == (ProjectionFlag("nothing_to_void", A, void.event_id),)
        void = see(3, FARM, "void_shipping", some("A", 5))
        sent = see(1, FARM, "shipping", some("A", 20))
        for came, flagged in ((20, True), (15, False)):
            graph = of(make(0, FARM, some("A", 50)), sent, see(2, SHOP, "receiving", some("A", came)), void)
            assert graph.flags == ((ProjectionFlag("arrived_though_void", A, void.event_id),) if flagged else ())
        unknown = see(0.5, FARM, "shipping", some("A"))
        graph = of(make(0, FARM, some("A", 50)), unknown, sent, see(2, SHOP, "receiving", some("A", 20)), void)
        assert graph.flags == ()
