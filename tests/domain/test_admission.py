"""Admission rules as data: what each category needs, what may stand for it, and what a market may ask beyond."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.admission import DEFAULTS, DOCUMENT_TYPES, Goods, Paper, Reason, Rule, parse_rules, refusals
from app.domain.errors import Invalid

TODAY = date(2026, 3, 1)
CABBAGE = Goods(
    name="大白菜", category="vegetables", papers=(), passed_test=False, failed_test=False, held=False, expired=False,
    chain_complete=True, has_slip=True, outside_province=False, locked_sender=None,
)  # fmt: skip


def papers(*types: str, **fields: Any) -> tuple[Paper, ...]:
    said = {"class_": None, "expires_on": None} | fields
    return tuple(Paper(type, said["class_"], said["expires_on"]) for type in types)


def missing(goods: Goods, *own: Rule) -> list[tuple[str, ...]]:
    return [reason.missing for reason in refusals(goods, own, TODAY) if reason.missing]


def slugs(goods: Goods, *own: Rule) -> list[str]:
    return [reason.slug for reason in refusals(goods, own, TODAY)]


@pytest.mark.parametrize(
    ("category", "needed"),
    [
        ("vegetables", [["conformity_certificate", "origin_proof", "purchase_slip"]]),
        ("fruit.apple", [["conformity_certificate", "origin_proof", "purchase_slip"]]),
        ("pork.belly", [["quarantine_certificate"], ["meat_quality_certificate"]]),
        ("beef", [["quarantine_certificate"]]),
        ("imported", [["import_inspection"]]),
        ("prepackaged", [["production_licence"], ["test_report"]]),
        ("porkish", [["conformity_certificate", "origin_proof", "purchase_slip", "test_report", "production_licence"]]),
    ],
)
def test_each_category_needs_its_papers_and_one_of_a_group_is_enough(category: str, needed: list[list[str]]) -> None:
    goods = replace(CABBAGE, category=category)
    assert missing(goods) == [tuple(group) for group in needed]
    for choice in range(len(needed[0])):
        brought = [group[min(choice, len(group) - 1)] for group in needed]
        assert missing(replace(goods, papers=papers(*brought))) == []


def test_a_passed_test_stands_for_the_paper_of_produce_but_not_of_meat() -> None:
    tested = replace(CABBAGE, passed_test=True)
    assert refusals(tested, (), TODAY) == []
    assert len(missing(replace(tested, category="pork"))) == 2


def test_a_paper_counts_until_its_last_day() -> None:
    for days, ok in ((0, True), (1, True), (-1, False)):
        certificate = papers("origin_proof", expires_on=TODAY + timedelta(days=days))
        assert (missing(replace(CABBAGE, papers=certificate)) == []) is ok


def test_what_is_wrong_with_the_goods_themselves() -> None:
    bad = replace(
        CABBAGE, held=True, expired=True, failed_test=True, locked_sender="河东", papers=papers("origin_proof")
    )
    assert slugs(bad) == ["goods-on-hold", "sender-locked", "expired-goods", "failed-test"]
    for reason in refusals(bad, (), TODAY):
        chinese, english = reason.detail.split(" · ")
        assert chinese.startswith("大白菜：")
        assert english.startswith("大白菜: ")


def test_a_markets_own_rule_takes_the_place_of_the_default() -> None:
    strict = Rule("vegetables", (("test_report",),), test="always", chain="complete", slip=True)
    bare = replace(CABBAGE, chain_complete=False, has_slip=False)
    assert missing(bare, strict) == [("test_report",), ("test",), ("chain",), ("slip",)]
    assert slugs(bare, strict) == ["paper-missing", "test-missing", "chain-incomplete", "slip-missing"]
    assert missing(replace(bare, category="fruit"), strict) == [
        ("conformity_certificate", "origin_proof", "purchase_slip")
    ]  # fmt: skip
    # The most specific rule counts; a rule for everything counts least.
    loose = Rule("vegetables.leaf")
    assert missing(replace(bare, category="vegetables.leaf"), strict, loose, Rule("*", (("other",),))) == []
    assert missing(replace(bare, category="eggs"), strict, Rule("*", (("other",),))) == [("other",)]


def test_goods_from_another_province_need_more_on_top() -> None:
    far = Rule("*", (("test_report",), ("origin_proof",)), origin="outside_province", slip=True)
    goods = replace(CABBAGE, papers=papers("conformity_certificate"), has_slip=False)
    assert missing(goods, far) == []
    assert missing(replace(goods, outside_province=True), far) == [("test_report",), ("origin_proof",), ("slip",)]
    # Named once, whichever rule asks for it.
    assert missing(replace(goods, outside_province=True), far, Rule("vegetables", (("test_report",),))) == [
        ("test_report",), ("origin_proof",), ("slip",)
    ]  # fmt: skip


def test_classes_of_certificates() -> None:
    rule = Rule("vegetables", (("conformity_certificate", "origin_proof"),), classes=("A", "B"))
    for class_, ok in (("A", True), ("C", False), (None, False)):
        goods = replace(CABBAGE, papers=papers("conformity_certificate", class_=class_))
        assert (missing(goods, rule) == []) is ok
    assert missing(replace(CABBAGE, papers=papers("origin_proof")), rule) == []


def test_rules_come_as_json() -> None:
    data: list[dict[str, Any]] = [
        {"category": "pork"},
        {
            "category": "*", "requires": [["origin_proof", "other"], ["test_report"]], "origin": "outside_province",
            "test": "always", "chain": "complete", "slip": True, "classes": ["A"],
        },
    ]  # fmt: skip
    assert parse_rules(data) == [
        Rule("pork"),
        Rule(
            "*", (("origin_proof", "other"), ("test_report",)), "outside_province", "always", "complete", True, ("A",)
        ),
    ]


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"category": "x", "colour": "red"}, "/0/colour"),
        ({}, "/0/category"),
        ({"category": ""}, "/0/category"),
        ({"category": "x" * 101}, "/0/category"),
        ({"category": 5}, "/0/category"),
        ({"category": "x", "origin": "moon"}, "/0/origin"),
        ({"category": "x", "test": True}, "/0/test"),
        ({"category": "x", "chain": None}, "/0/chain"),
        ({"category": "x", "slip": "yes"}, "/0/slip"),
        ({"category": "x", "slip": []}, "/0/slip"),
        ({"category": "x", "requires": "other"}, "/0/requires"),
        ({"category": "x", "requires": [[]] * 21}, "/0/requires"),
        ({"category": "x", "requires": ["other"]}, "/0/requires/0"),
        ({"category": "x", "requires": [["blank_cheque"]]}, "/0/requires/0"),
        ({"category": "x", "requires": [[5]]}, "/0/requires/0"),
        ({"category": "x", "requires": [[]]}, "/0/requires/0"),
        ({"category": "x", "classes": ["A"] * 21}, "/0/classes"),
        ({"category": "x", "classes": {"A": 1}}, "/0/classes"),
    ],
)
def test_a_rule_that_is_none_is_named_by_its_place(rule: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_rules([rule])
    assert (refused.value.slug, refused.value.pointer) == ("invalid-rule", pointer)


GROUPS = st.lists(st.lists(st.sampled_from(sorted(DOCUMENT_TYPES)), min_size=1, max_size=3).map(tuple), max_size=3)
RULES = st.builds(
    Rule,
    st.sampled_from(["*", "vegetables", "vegetables.leaf", "pork"]),
    GROUPS.map(tuple),
    st.sampled_from(["any", "outside_province"]),
    st.sampled_from(["never", "without_paper", "always"]),
    st.sampled_from(["any", "complete"]),
    st.booleans(),
)
GOODS = st.builds(
    Goods,
    name=st.just("货"),
    category=st.sampled_from(["vegetables", "vegetables.leaf", "pork.belly", "eggs", "x"]),
    papers=st.lists(st.sampled_from(sorted(DOCUMENT_TYPES)), max_size=4).map(lambda types: papers(*types)),
    passed_test=st.booleans(), failed_test=st.booleans(), held=st.booleans(), expired=st.booleans(),
    chain_complete=st.booleans(), has_slip=st.booleans(), outside_province=st.booleans(),
)  # fmt: skip


@given(GOODS, st.lists(RULES, max_size=4))
def test_who_brings_everything_that_is_missing_gets_in(goods: Goods, own: list[Rule]) -> None:
    """A refusal names every thing that is missing, so that the second time is the last."""
    reasons = refusals(goods, own, TODAY)
    assert len(set(reasons)) == len(reasons)
    brought = [reason.missing[0] for reason in reasons if reason.slug == "paper-missing"]
    needs = {name for reason in reasons for name in reason.missing}
    better = replace(
        goods, papers=(*goods.papers, *papers(*brought)), held=False, expired=False, failed_test=False,
        locked_sender=None, passed_test=goods.passed_test or "test" in needs,
        chain_complete=goods.chain_complete or "chain" in needs,
        has_slip=goods.has_slip or "slip" in needs,
    )  # fmt: skip
    assert refusals(better, own, TODAY) == []


@given(GOODS, st.lists(RULES, max_size=4), st.sampled_from(sorted(DOCUMENT_TYPES)))
def test_another_paper_never_makes_it_worse(goods: Goods, own: list[Rule], paper: str) -> None:
    def asked(reasons: list[Reason]) -> set[str]:
        return {reason.detail for reason in reasons}

    more = replace(goods, papers=(*goods.papers, *papers(paper)))
    assert asked(refusals(more, own, TODAY)) <= asked(refusals(goods, own, TODAY))


def test_the_defaults_are_rules_like_others() -> None:
    said = [{"category": r.category, "requires": [list(g) for g in r.requires], "test": r.test} for r in DEFAULTS]
    assert tuple(parse_rules(said)) == DEFAULTS
