"""A simulated day: its hours, and sales that follow from their scale and number alone."""

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest

from app.domain.quantities import parse_quantity
from app.simulator import Habits, Plan
from app.simulator.plan import OPEN_SECONDS, day_played, open_second
from app.simulator.sales import Book, Goods
from app.simulator.scale import fate

DAY = date(2026, 3, 1)
GOODS = [Goods("cabbage", "1", False, 180), Goods("eggs", "2", True, 80)]


def book(name: str = "1/0", skew: timedelta = timedelta()) -> Book:
    made = Book(name, 100, [DAY, DAY + timedelta(days=1)], skew)
    made.goods += [GOODS, GOODS[:1]]
    return made


def test_the_day_has_its_peaks() -> None:
    assert open_second(0) == 0
    assert open_second(1) == OPEN_SECONDS
    hours = Counter(5 + int(open_second(i / 10_000) // 3600) for i in range(10_000))
    assert set(hours) == set(range(5, 20))
    assert hours[7] > 2 * hours[10] > 2 * hours[13]
    assert hours[16] > 3 * hours[13]


def test_a_sale_is_the_same_whenever_it_is_asked_for_and_no_two_scales_alike() -> None:
    first, again, other = book(), book(), book("1/0/copy")
    assert [first.sale(n) for n in range(200)] == [again.sale(n) for n in reversed(range(200))][::-1]
    assert all(first.sale(n).body["lines"] != other.sale(n).body["lines"] for n in range(200))


def test_what_is_entered_is_what_is_compared() -> None:
    sales = [book().sale(n) for n in range(200)]
    units, sizes, batchless = Counter[str](), Counter[int](), 0
    for sale in sales:
        sizes[len(sale.lines)] += 1
        for said, (custody, product, grams, pieces, fen) in zip(sale.body["lines"], sale.lines, strict=True):
            entered = parse_quantity(said["quantity"]["value"], said["quantity"]["unit"])
            assert (entered.grams, entered.pieces) == (grams, pieces)
            assert (grams is None) == (product == "2")
            assert said["amount_fen"] == fen
            assert fen is not None
            assert fen == (round(180 * grams / 500) if grams is not None else 80 * (pieces or 0))
            assert said["custody_id"] == custody
            assert said["product_id"] == (None if custody else product)
            units[said["quantity"]["unit"]] += 1
            batchless += custody is None
    assert set(units) == {"斤", "公斤", "g", "个", "枚", "只"}
    assert set(sizes) == {1, 2, 3, 4}
    assert 0 < batchless < 40
    # The second day has no eggs.
    assert {line[1] for sale in sales[100:] for line in sale.lines} == {"1"}


def test_the_clock_of_the_scale_is_on_the_sale() -> None:
    times = [book().sale(n).event_time for n in range(200)]
    assert times == sorted(times)
    assert times[0].startswith("2026-03-01T05:")
    assert times[-1].startswith("2026-03-02T19:")
    assert book(skew=timedelta(hours=36)).sale(0).event_time.startswith("2026-03-02T17:")


def test_the_last_day_is_yesterday() -> None:
    plan = Plan(1, 1, 1, days=2)
    assert [day_played(DAY, plan, day) for day in range(2)] == [date(2026, 2, 27), date(2026, 2, 28)]


def test_fates() -> None:
    draw = Random(1)
    plan = Plan(1, 1, 1, habits=Habits(offline=1, power_cuts=1))
    fates = [fate(draw, plan) for _ in range(100)]
    assert all(0 <= start < end <= OPEN_SECONDS for lot in fates for start, end in lot.spells)
    assert {len(lot.spells) for lot in fates} == {1, 2}
    start, end = fates[0].spells[0]
    assert fates[0].back_at(start) == end
    assert fates[0].back_at(OPEN_SECONDS) is None
    assert all(lot.power_cut is not None for lot in fates)
    quiet = fate(draw, Plan(1, 1, 1, habits=Habits(offline=0, power_cuts=0)))
    assert (quiet.spells, quiet.power_cut) == ([], None)
    assert fate(draw, Plan(1, 1, 1, backlog=True)).back_at(OPEN_SECONDS - 1) == OPEN_SECONDS


def test_what_cannot_be_played() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Plan(1, 1, 0)
    with pytest.raises(ValueError, match="more copied scales"):
        Plan(1, 2, 1, habits=Habits(copied=3))
