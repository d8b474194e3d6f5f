"""Sums of flows, tolerances, yields, and the operator's own rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.balance import FLOWS, INFLOWS, Goods, Rules, Sums, Tolerance, own_rules, tolerance_for, yield_for
from app.domain.errors import Invalid

LEAF = Goods("vegetables", False, None, Tolerance("vegetables", 100, 20, ""))
EGG = Goods("eggs", True, 60, Tolerance("eggs", 30, 10, ""))
UNKNOWN = Goods("x", True, None, Tolerance("*", 0, 0, ""))

flows = st.lists(
    st.tuples(st.integers(0, len(FLOWS) - 1), st.integers(0, 10**9), st.sampled_from([LEAF, EGG, UNKNOWN]))
)


@given(flows, st.integers(0, 10**6))
def test_every_balance_closes(listed: list[tuple[int, int, Goods]], before: int) -> None:
    sums = Sums()
    sums.open(before, EGG)
    for flow, amount, goods in listed:
        sums.add(flow, amount, goods)
    grams, pieces = sums.on_hand
    inflows = len(INFLOWS)
    assert sums.opening_grams + sum(sums.grams[:inflows]) == sum(sums.grams[inflows:]) + grams
    assert sums.opening_pieces + sum(sums.pieces[:inflows]) == sum(sums.pieces[inflows:]) + pieces
    assert sums.opening_grams == before * 60
    assert sums.weighed == all(amount == 0 or goods is not UNKNOWN for _, amount, goods in listed)


def state(goods: Goods, received: int, opening: int = 0, **gone: int) -> str:
    sums = Sums()
    sums.open(opening, goods)
    sums.add(FLOWS.index("received"), received, goods)
    for name, amount in gone.items():
        sums.add(FLOWS.index(name), amount, goods)
    return sums.state


def test_leaves_may_dry_and_no_more() -> None:
    assert state(LEAF, 1000, unexplained=100) == "ok"
    assert state(LEAF, 1000, unexplained=101) == "loss"
    assert state(LEAF, 500, opening=500, unexplained=100) == "ok"
    assert state(LEAF, 1000, sold=1020) == "ok"
    assert state(LEAF, 1000, sold=1021) == "excess"
    assert state(LEAF, 1000, unexplained=-21) == "excess"
    assert state(EGG, 100, unexplained=3) == "ok"
    assert state(EGG, 100, unexplained=4) == "loss"
    assert state(UNKNOWN, 100, sold=100) == "ok"
    assert state(UNKNOWN, 100, opening=3, sold=104) == "excess"


def test_the_most_specific_rule_holds() -> None:
    assert tolerance_for("vegetables.leaf").category == "vegetables"
    assert tolerance_for("porcelain").category == "*"
    assert tolerance_for("x", ()) == Tolerance("*", 0, 0, "")
    found = yield_for("slaughter", "pork.whole")
    assert found is not None
    assert found.category == "pork"
    assert yield_for("grow", "pork") is None


def test_an_operators_rules_come_before_the_shipped_ones() -> None:
    mine = {"category": "vegetables", "loss": 200, "excess": 0, "source": "our own weighing"}
    cooked = {"process": "process", "category": "pork", "least": 500, "most": 900, "source": "our own kitchen"}
    rules = own_rules({"tolerances": [mine], "yields": [cooked]})
    assert tolerance_for("vegetables", rules.tolerances).loss == 200
    assert tolerance_for("fruit", rules.tolerances) == tolerance_for("fruit")
    found = yield_for("process", "pork", rules.yields)
    assert found is not None
    assert (found.least, found.most) == (500, 900)
    assert own_rules({}) == Rules()


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"tolerances": {}}, "/tolerances"),
        ({"tolerances": [{"category": "x"}]}, "/tolerances/0"),
        ({"tolerances": [{"category": 3, "loss": 1, "excess": 1, "source": ""}]}, "/tolerances/0/category"),
        ({"tolerances": [{"category": "x", "loss": -1, "excess": 1, "source": ""}]}, "/tolerances/0/loss"),
        ({"yields": ["x"]}, "/yields/0"),
    ],
)
def test_a_wrong_rule_is_named(data: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        own_rules(data)
    assert refusal.value.pointer == pointer
