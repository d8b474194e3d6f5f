"""Recalls: their clocks, their versions, and how far they have come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Conflict
from app.domain.recalls import (
    CHANGES,
    Answer,
    Notice,
    Recall,
    RecallPlace,
    after_working_days,
    changed,
    late,
    notice_id,
    overdue,
    recall_number,
)
from app.domain.recalls_advice import default_advice
from app.domain.recalls_progress import answering, effectiveness, latest, lowest, percent, shares
from app.domain.recalls_scope import Exclusion, Scope, Window, read_scope
from tests.support.ledger import named

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
RECALL = Recall(
    id=named("recall"), number="20260302-ABCDEF", ref="r", content_hash=b"", state="mock", grade="I", region="3301",
    recorder_id=named("office"), title="t", reason="r", hazard="h", advice={"zh": "", "en": ""}, persons=[], scope={},
    known_at=NOW, record_time=NOW, started_at=None, closed_at=None, outcome=None, conclusion=None, version=0,
    changed_at=NOW,
)  # fmt: skip


def notice(state: Any = "pending", party: str = "p", **fields: Any) -> Notice:
    row = Notice(
        notice_id(RECALL.id, named(party)), RECALL.id, named(party), "330106", state, NOW + 24 * HOUR, None, None,
        None, None, NOW + 300 * HOUR, NOW, NOW,
    )  # fmt: skip
    return replace(row, **fields)


def place(party: str = "p", product: str = "greens", **fields: Any) -> RecallPlace:
    amounts = dict.fromkeys(("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained"), 0)
    fixed: dict[str, Any] = {
        "id": named(f"{party}/{product}"), "recall_id": RECALL.id, "site_id": named("s"), "party_id": named(party),
        "product_id": named(product), "region": None, "beyond": False, "gone": False, "measure": "weight",
        "custodies": 1, "receipts": 0, "record_time": NOW, "changed_at": NOW, **amounts,
    }  # fmt: skip
    return RecallPlace(**fixed | fields)


def said(number: int, *lines: dict[str, Any], party: str = "p") -> Answer:
    whole = [
        {"custody_id": None, "measure": "weight", "withdrawn": 0, "returned": 0, "destroyed": 0} | x for x in lines
    ]
    return Answer(
        named(f"a{number}"), RECALL.id, named("n"), named(party), str(number), b"", named("x"), named("k"), whole,
        None, [], NOW + number * HOUR,
    )  # fmt: skip


GREENS = str(named("greens"))


# --- clocks ---


@pytest.mark.parametrize(("grade", "hours", "end"), [("I", 24, 16), ("II", 48, 30), ("III", 72, 44)])
def test_the_legal_clock(grade: Any, hours: int, end: int) -> None:
    recall = replace(RECALL, grade=grade)
    assert recall.start_due == NOW + hours * HOUR
    started = replace(recall, started_at=NOW + HOUR)
    assert started.notify_due == NOW + (hours + 1) * HOUR
    assert (recall.notify_due, recall.complete_due > recall.start_due) == (NOW + 2 * hours * HOUR, True)
    due = after_working_days(NOW, {"I": 10, "II": 20, "III": 30}[grade])
    assert due == datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(days=end - 1)
    assert started.complete_due == due + HOUR


@given(st.integers(0, 9000).map(lambda hours: NOW + hours * HOUR), st.integers(0, 60))
def test_working_days_are_no_weekends(start: datetime, days: int) -> None:
    end = after_working_days(start, days)
    passed = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(day.weekday() < 5 for day in passed) == days
    assert not days or end.weekday() < 5


def test_what_is_overdue() -> None:
    none = {"start": False, "notify": False, "complete": False, "parties": 0}
    assert overdue(RECALL, [], NOW) == none
    assert overdue(RECALL, [], NOW + 25 * HOUR) == none | {"start": True}
    live = replace(RECALL, state="live", started_at=NOW)
    assert overdue(live, [notice()], NOW + 23 * HOUR) == none
    assert overdue(live, [notice()], NOW + 25 * HOUR) == none | {"notify": True}
    assert overdue(live, [notice()], NOW + 49 * HOUR) == none | {"notify": True, "parties": 1}
    told = notice("notified", notified_at=NOW + HOUR)
    assert overdue(live, [told, notice("withdrawn")], NOW + 24 * HOUR) == none
    assert overdue(live, [told], NOW + 26 * HOUR) == none | {"parties": 1}
    assert overdue(live, [notice("answered")], NOW + 20 * 24 * HOUR)["complete"]
    assert not overdue(replace(live, closed_at=NOW + HOUR), [], NOW + 20 * 24 * HOUR)["complete"]


def test_when_a_party_is_late() -> None:
    assert not late(notice("answered"), NOW + 9999 * HOUR)
    assert not late(notice("acknowledged"), NOW + 299 * HOUR)
    assert late(notice("acknowledged"), NOW + 301 * HOUR)
    assert late(notice(notify_due=NOW + 900 * HOUR), NOW + 301 * HOUR), "the answer was due"


# --- versions ---


def test_every_change_is_a_line_of_history() -> None:
    key = named("key")
    first = changed(RECALL, NOW, key, "regulator", "create", None)
    second = changed(first, NOW + HOUR, key, "regulator", "change", "why", grade="II", title="x")
    assert (second.version, second.grade, second.changed_at) == (2, "II", NOW + HOUR)
    assert second.history[1] == {
        "version": 2, "time": (NOW + HOUR).isoformat(), "by": str(key), "role": "regulator", "what": "change",
        "why": "why", "changes": ["grade", "title"],
    }  # fmt: skip
    full = replace(RECALL, history=[{}] * CHANGES)
    with pytest.raises(Conflict, match="too-many-changes"):
        changed(full, NOW, key, "regulator", "change", "why")


def test_what_stays_off_sale() -> None:
    assert not RECALL.stops
    assert replace(RECALL, state="live").stops
    assert replace(RECALL, state="closed", outcome="completed").stops
    assert not replace(RECALL, state="closed", outcome="lifted").stops


def test_numbers_are_read_out_and_scopes_are_kept() -> None:
    assert recall_number(UUID(int=0), NOW) == "20260302-000000"
    assert len(recall_number(named("x"), NOW)) == 15
    window = Window(named("s"), None, NOW, None, (named("p"),), ("pork",))
    scope = Scope(
        (named("l"),), (named("c"),), (window, Window(party_id=named("q"))),
        (Exclusion("why", named("c")), Exclusion("why", None, named("s"))), ("G1",),
    )  # fmt: skip
    assert read_scope(scope.json()) == scope
    assert window.takes(named("p"), "beef")
    assert window.takes(named("z"), "pork.belly")
    assert not window.takes(named("z"), "porkish")
    assert Window().takes(named("z"), "beef")


def test_advice_fits_the_goods() -> None:
    assert default_advice([])["zh"].startswith("请不要食用")
    meat = default_advice(["pork.belly", "cooked"])
    assert meat["zh"].count("加热、煮沸不能消除风险") == 1
    assert "refrigerator" in meat["en"]


# --- progress ---


def test_the_latest_word_counts() -> None:
    custody = str(named("batch"))
    one = said(1, {"product_id": GREENS, "custody_id": custody, "withdrawn": 5})
    two = said(2, {"product_id": GREENS, "custody_id": custody, "destroyed": 5})
    key = (named("p"), named("greens"))
    assert latest([two, one]) == {key: {"withdrawn": 0, "returned": 0, "destroyed": 5}}
    other = said(3, {"product_id": GREENS, "custody_id": str(named("another")), "returned": 2})
    assert latest([one, two, other])[key] == {"withdrawn": 0, "returned": 2, "destroyed": 5}
    whole = said(4, {"product_id": GREENS, "withdrawn": 9})
    assert latest([one, two, other, whole])[key] == {"withdrawn": 9, "returned": 0, "destroyed": 0}


def test_what_is_accounted_for() -> None:
    sold = place(received=100, sold=20, shipped=30, returned=10, destroyed=5)
    [share] = shares([sold], {}).values()
    assert (share.answers_for, share.booked, share.recovered) == (70, 15, 15)
    told = latest([said(1, {"product_id": GREENS, "withdrawn": 40, "returned": 10})])
    [share] = shares([sold, place(gone=True), place(beyond=True), place(party_id=None)], told).values()
    assert (share.said, share.recovered) == (50, 50)
    [share] = shares([sold], latest([said(1, {"product_id": GREENS, "withdrawn": 4000})])).values()
    assert share.recovered == 70, "never more than it answers for"


def test_weight_and_count_are_apart() -> None:
    found = shares(
        [place(received=100, destroyed=50), place(product="pigs", measure="count", received=4, destroyed=1)], {}
    )
    parts = effectiveness(found.values())
    assert (parts["weight"].percent, parts["count"].percent, lowest(parts)) == (50.0, 25.0, 25.0)
    assert lowest(effectiveness([])) is None


def test_who_has_answered() -> None:
    listed = [notice("answered", notified_at=NOW, acknowledged_at=NOW), notice(), notice("withdrawn")]
    assert answering(listed) == {
        "parties": 2, "pending": 1, "notified": 1, "acknowledged": 1, "answered": 1, "percent": 50.0,
    }  # fmt: skip
    assert answering([])["percent"] is None


amounts = st.integers(0, 10**9)
places = st.builds(
    place, party=st.sampled_from("abc"), product=st.sampled_from(["greens", "pork"]), received=amounts, sold=amounts,
    shipped=amounts, processed=amounts, returned=amounts, destroyed=amounts, gone=st.booleans(), beyond=st.booleans(),
)  # fmt: skip
lines = st.builds(
    lambda product, custody, a, b, c: {
        "product_id": str(named(product)), "custody_id": str(named(custody)) if custody else None, "withdrawn": a,
        "returned": b, "destroyed": c,
    },
    st.sampled_from(["greens", "pork"]), st.none() | st.sampled_from("xyz"), amounts, amounts, amounts,
)  # fmt: skip
answers = st.lists(
    st.builds(lambda n, party, said_: said(n, *said_, party=party), st.integers(1, 99), st.sampled_from("abc"),
              st.lists(lines, max_size=3)),
    max_size=5, unique_by=lambda answer: answer.id,
)  # fmt: skip


@given(st.lists(places, max_size=6), answers)
def test_progress_is_a_share_and_more_said_is_never_less(listed: list[RecallPlace], given_: list[Answer]) -> None:
    without = effectiveness(shares(listed, {}).values())
    parts = effectiveness(shares(listed, latest(given_)).values())
    for measure, part in parts.items():
        assert 0 <= part.recovered <= part.answers_for
        assert part.percent is None or 0 <= part.percent <= 100
        assert part.answers_for == without[measure].answers_for, "what is said changes no quantity"
        assert part.recovered >= without[measure].recovered, "the books count whatever is said"
    assert shares(reversed(listed), latest(reversed(given_))) == shares(listed, latest(given_))


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_hundred_per_cent_is_all_of_it(part: int, whole: int) -> None:
    part = min(part, whole)
    assert (percent(part, whole) == 100.0) == (part == whole)
