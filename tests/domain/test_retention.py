"""How long records are kept, and what stays with what."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.domain.retention import RULES, Rule, earlier, families, keep_until, kept_with, later, own_rules, shortest

DAY = date(2026, 1, 31)


def test_the_longest_rule_of_the_category_wins() -> None:
    assert keep_until("vegetables", DAY, None) == date(2026, 7, 31)
    assert keep_until("vegetables.leaf", DAY, date(2026, 2, 10)) == date(2026, 8, 10)
    assert keep_until("prepackaged", DAY, None) == date(2028, 1, 31)
    assert keep_until("prepackaged", DAY, date(2027, 1, 31)) == date(2027, 7, 31)
    # Sold after its date: six months from then.
    assert keep_until("prepackaged", DAY, date(2025, 1, 31)) == date(2026, 7, 31)
    assert keep_until("x", DAY, None, ()) is None
    assert keep_until("x", DAY, None, [Rule("x", 6, "expiry", "")]) is None
    assert shortest() == 6
    assert shortest(()) == 0


def test_months_end_where_they_end() -> None:
    assert later(DAY, 1) == date(2026, 2, 28)
    assert later(DAY, 25) == date(2028, 2, 29)
    assert later(date(2026, 12, 31), 6) == date(2027, 6, 30)
    assert earlier(date(2026, 7, 31), 6) == DAY


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.integers(0, 60))
def test_earlier_is_never_too_late(day: date, months: int) -> None:
    assert later(earlier(day, months), months) <= day


def test_an_operators_rules_take_the_place_of_the_shipped_ones() -> None:
    mine = {"category": "vegetables", "months": 12, "after": "last", "source": "our contract"}
    rules = own_rules({"retention": [mine]})
    assert keep_until("vegetables", DAY, None, rules) == date(2027, 1, 31)
    assert keep_until("fruit", DAY, None, rules) == keep_until("fruit", DAY, None)
    assert own_rules({}) == RULES
    with pytest.raises(Invalid) as refusal:
        own_rules({"retention": [mine | {"after": "never"}]})
    assert refusal.value.pointer == "/retention/0/after"


def test_what_stays_with_what() -> None:
    links = [(b"a", b"b", "move"), (b"b", b"c", "transform"), (b"b", b"d", "move"), (b"x", b"c", "transform")]
    everything = {b"a", b"b", b"c", b"d", b"x"}
    assert kept_with([], links, everything) == set()
    assert kept_with([b"c"], links, everything) == everything
    assert kept_with([b"d"], links, everything) == {b"a", b"b", b"d"}
    assert kept_with([b"x"], links, everything) == {b"x"}
    assert kept_with([b"a", b"q"], links, everything) == {b"a", b"b", b"d"}
    assert families(everything, links) == [[b"a", b"b", b"c", b"d", b"x"]]
    assert families([b"a", b"c", b"x"], links) == [[b"a"], [b"c", b"x"]]
