from datetime import date
from typing import Any

import pytest

from app.domain import ids
from app.domain.epcis.book import Book, book_of, kind_of, last_part, note, product_uri
from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.projection import project
from app.domain.rows import TOUCHED, Custody

from .cast import CRATE, FARM, MARKET, STALL, happen, lot, make, pack, see, some, turn


def of(*events: CapturedEvent) -> Book:
    return book_of(project(events), events)


def goods(book: Book) -> list[Custody]:
    found = [row for row in book.custodies.values() if row.kind == "custody"]
    return sorted(found, key=lambda row: row.arrived_at)


def in_order(book: Book) -> list[tuple[int, int, int, int]]:
    """What came in, was shipped, was processed and is no more, by time of arrival."""
    return [(row.amount_in, row.shipped, row.processed, row.sold + row.destroyed) for row in goods(book)]


class TestAmounts:
    def test_what_was_made_and_shipped(self) -> None:
        book = of(
            make(0, FARM, some("A", 50)),
            see(1, FARM, "shipping", some("A", 30)),
            see(2, FARM, "departing", some("A", 30)),
            see(3, MARKET, "arriving", some("A", 29)),
            see(4, MARKET, "receiving", some("A", 28)),
        )
        # One departure and one arrival, each told by two steps.
        assert in_order(book) == [(50_000, 30_000, 0, 0), (28_000, 0, 0, 0)]

    def test_what_moves_on_without_a_word_has_left_with_the_last_event_before(self) -> None:
        landed, iced = see(1, FARM, None, some("A", 9)), see(2, FARM, "storing", some("A", 9))
        book = of(landed, iced, see(3, MARKET, None, some("A", 8)))
        assert in_order(book) == [(9_000, 8_000, 0, 0), (8_000, 0, 0, 0)]
        assert [entry[1:] for entry in book.entries[landed.event_id]] == [("in", 9_000), (TOUCHED, 0)]
        assert [entry[1:] for entry in book.entries[iced.event_id]] == [("shipped", 8_000)]

    def test_a_shipment_of_unknown_size_has_the_size_of_what_arrived(self) -> None:
        book = of(
            make(0, FARM, some("A", 50)),
            see(1, FARM, "shipping", some("A")),
            see(2, MARKET, "receiving", some("A", 20)),
        )
        assert in_order(book) == [(50_000, 20_000, 0, 0), (20_000, 0, 0, 0)]

    def test_what_is_received_where_it_was_made_is_not_made_twice(self) -> None:
        book = of(make(0, FARM, some("A", 50)), see(1, FARM, "receiving", some("A", 50)))
        assert in_order(book) == [(50_000, 0, 0, 0)]

    def test_what_went_into_something_else(self) -> None:
        book = of(make(0, FARM, some("A", 50)), turn(1, FARM, [some("A", 20)], [some("B", 15)]))
        assert {row.lot_id: (row.amount_in, row.processed) for row in book.custodies.values()} == {
            lot_.id: amount
            for lot_ in book.lots.values()
            for amount in [(50_000, 20_000) if lot_.lot_number == "A" else (15_000, 0)]
        }

    def test_packing_touches_and_changes_nothing(self) -> None:
        packing = pack(1, FARM, CRATE, some("A", 5))
        book = of(make(0, FARM, some("A", 50)), packing)
        assert in_order(book) == [(50_000, 0, 0, 0)]
        assert [entry[1:] for entry in book.entries[packing.event_id]] == [("touched", 0)]

    @pytest.mark.parametrize(("step", "column"), [("retail_selling", "sold"), ("destroying", "destroyed")])
    def test_the_end(self, step: str, column: str) -> None:
        end = happen(1, "ObjectEvent", STALL, step, action="DELETE", quantityList=[some("A", 3)])
        (custody,) = of(make(0, STALL, some("A", 5)), end).custodies.values()
        assert getattr(custody, column) == 3_000

    def test_counted_goods(self) -> None:
        fish = "urn:epc:id:sgtin:4012345.011111.9876"
        (custody,) = goods(of(see(0, FARM, None, fish)))
        assert (custody.measure, custody.amount_in) == ("count", 1)


class TestGaps:
    def gaps(self, book: Book) -> list[tuple[str, str, int | None]]:
        """(lot number, site of the goods, grams) of every gap."""
        rows = book.custodies
        return [
            (book.lots[rows[child].lot_id].lot_number, str(rows[child].site_id), link.grams)
            for (child, parent, _), link in book.links.items()
            if rows[parent].kind == "gap"
        ]

    def test_goods_that_were_made_have_none(self) -> None:
        made = make(0, FARM, some("A", 50))
        assert (
            self.gaps(of(made, see(1, FARM, "shipping", some("A", 5)), see(2, MARKET, "receiving", some("A", 5)))) == []
        )
        assert self.gaps(of(made, turn(1, FARM, [some("A", 20)], [some("B", 15)]))) == []

    def test_where_goods_are_first_seen_the_records_begin(self) -> None:
        first = see(1, MARKET, "receiving", some("A", 5))
        book = of(first, see(2, MARKET, "shipping", some("A", 5)), see(3, STALL, "receiving", some("A", 5)))
        assert self.gaps(book) == [("A", str(ids.captured_site_id(MARKET)), 5_000)]
        (gap,) = (row for row in book.custodies.values() if row.kind == "gap")
        assert (gap.gap_reason, gap.site_id, gap.code, gap.amount_in, gap.on_hand) == ("unrecorded", None, None, 0, 0)
        assert (gap.id, TOUCHED, 0) in book.entries[first.event_id]
        assert book.lines[gap.id, first.event_id, TOUCHED].amount == 0

    def test_it_keeps_its_name_while_the_beginning_moves(self) -> None:
        came, earlier = see(2, MARKET, "receiving", some("A", 5)), see(1, FARM, "shipping", some("A", 5))
        alone, both = of(came), of(came, earlier)
        assert [row.id for row in alone.custodies.values() if row.kind == "gap"] == [
            row.id for row in both.custodies.values() if row.kind == "gap"
        ]
        assert self.gaps(both) == [("A", str(ids.captured_site_id(FARM)), 5_000)]

    def test_what_went_into_something_else_may_have_come_from_nowhere(self) -> None:
        book = of(turn(1, FARM, [some("A", 20), some("B", 5)], [some("C", 15)]))
        assert {lot_number for lot_number, _, _ in self.gaps(book)} == {"A", "B"}


class TestLots:
    def made(self, ilmd: Any, name: str = "a-1") -> Any:
        book = of(make(0, FARM, some(name, 5), ilmd=ilmd), see(1, MARKET, None, some(name)))
        (made,) = book.lots.values()
        assert {row.expires_on for row in book.custodies.values()} == {made.expires_on}
        return made

    def test_what_the_making_says(self) -> None:
        made = self.made(
            {
                "cbvmda:lotNumber": "A-1",
                "cbvmda:productionDate": "2024-04-30T23:30:00-05:00",
                "urn:epcglobal:cbv:mda#itemExpirationDate": "2024-05-09",
            }
        )
        assert (made.lot_number, made.produced_on, made.expires_on) == ("A-1", date(2024, 4, 30), date(2024, 5, 9))

    def test_what_says_nothing(self) -> None:
        for ilmd in (
            {"cbvmda:productionDate": "last week", "cbvmda:lotNumber": 7},
            {"ex:productionDate": "2024-05-01"},
        ):
            made = self.made(ilmd)
            assert (made.lot_number, made.produced_on, made.expires_on) == ("a-1", None, None)

    def test_another_lots_number_is_not_taken(self) -> None:
        assert self.made({"cbvmda:lotNumber": "B-2", "cbvmda:bestBeforeDate": "2024-06-01"}).lot_number == "a-1"

    def test_where_it_was_made_counts_whatever_was_seen_first(self) -> None:
        made = make(5, FARM, some("A", 5))
        book = of(see(1, MARKET, None, some("A")), made)
        (only,) = book.lots.values()
        assert only.made_event_id == made.event_id
        assert book.custodies[book.made_at[only.id]].arrived_event_id == made.event_id

    def test_names_of_goods_without_a_lot(self) -> None:
        serial = of(see(0, FARM, None, "urn:epc:id:sgtin:4012345.011111.9876"))
        asset = of(see(0, FARM, None, "urn:x:asset:7"))
        assert [only.lot_number for book in (serial, asset) for only in book.lots.values()] == ["9876", "7"]


def test_flags_stand_with_the_earliest_event_that_names_the_goods() -> None:
    goods = {"epcClass": "urn:epc:idpat:sgtin:4012345.066666.*", "quantity": 2}
    first, second = see(1, FARM, None, goods), see(2, FARM, None, goods)
    book = of(second, first)
    epc = "https://id.gs1.org/01/04012345666663"
    assert dict(book.notes) == {first.event_id: {("class_without_lot", note("class_without_lot", epc))}}
    assert " · " in note("loop", epc)


def test_kinds() -> None:
    steps = {
        "shipping": "epcis.shipping",
        "urn:gdst:bizStep:farmHarvest": "epcis.farmHarvest",
        None: "epcis.ObjectEvent",
    }
    assert {step: kind_of(see(0, FARM, step, some("A"))) for step in steps} == steps
    assert len(kind_of(see(0, FARM, f"urn:x:{'y' * 500}", some("A")))) == 70


def test_last_parts_and_products() -> None:
    uris = ("https://x.cn/a/b/", "urn:x:site:farm.7", "urn:x:a#b", "plain", "https://id.gs1.org/414/4012345000016")
    assert [last_part(uri) for uri in uris] == ["b", "farm.7", "b", "plain", "4012345000016"]
    assert product_uri(lot("A")) == "https://id.gs1.org/01/04012345123456"
    assert product_uri("urn:x:1") == "urn:x:1"
