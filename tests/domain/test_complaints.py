"""References that can be typed and not guessed; states and answers with their history."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.codes import ALPHABET, CodeKind
from app.domain.complaints import (
    STEPS,
    Complaint,
    changed,
    complaint_id,
    grouped_reference,
    mint_reference,
    parse_reference,
)
from app.domain.errors import Invalid, Malformed

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEY = UUID(int=7)


def complaint() -> Complaint:
    return Complaint(
        UUID(int=1), "B", "custody", None, None, "330106", [], [], "坏了", None, [], "zh", "open", None, NOW, NOW
    )


@given(st.binary(min_size=10, max_size=10))
def test_a_reference_carries_eighty_bits_and_survives_being_read_out(bits: bytes) -> None:
    reference = mint_reference(lambda n: bits[:n])
    assert len(reference) == 18
    number = 0
    for char in reference[1:-1]:
        number = number << 5 | ALPHABET.index(char)
    assert number.to_bytes(10, "big") == bits
    spoken = grouped_reference(reference)
    for typed in (
        spoken,
        spoken.lower(),
        reference.replace("1", "l").replace("0", "O"),
        f" {spoken.replace('-', ' ')} ",
    ):
        assert parse_reference(typed) == reference
    assert complaint_id(reference) == complaint_id(parse_reference(spoken))


def test_a_reference_is_no_code_and_two_differ() -> None:
    assert mint_reference()[0] not in set(CodeKind)
    assert len({complaint_id(mint_reference()) for _ in range(100)}) == 100


@pytest.mark.parametrize("typed", ["", "C", "B" + "0" * 17, "C" + "0" * 30, "受理编号", "C-UUUU-0000-0000-0000-0"])
def test_what_is_no_reference_is_mistyped(typed: str) -> None:
    with pytest.raises(Malformed, match="mistyped-reference"):
        parse_reference(typed)


@given(st.integers(1, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place: int, other: str) -> None:
    reference = mint_reference(lambda n: b"\x5a" * n)
    wrong = reference[:place] + other + reference[place + 1 :]
    if wrong != reference:
        with pytest.raises(Malformed):
            parse_reference(wrong)


def test_an_answer_answers_and_every_change_stays_on_record() -> None:
    taken = changed(complaint(), NOW + timedelta(hours=1), KEY, state="in_progress")
    assert (taken.state, taken.answer) == ("in_progress", None)
    answered = changed(taken, NOW + timedelta(hours=2), KEY, answer="已下架")
    assert (answered.state, answered.answer) == ("answered", "已下架")
    closed = changed(answered, NOW + timedelta(hours=3), KEY, state="closed")
    added = changed(closed, NOW + timedelta(hours=4), KEY, answer="已下架并销毁")
    assert (added.state, added.answer, added.changed_at) == ("closed", "已下架并销毁", NOW + timedelta(hours=4))
    assert [(each["state"], each["answer"]) for each in added.history] == [
        ("in_progress", None), ("answered", "已下架"), ("closed", "已下架"), ("closed", "已下架并销毁"),
    ]  # fmt: skip
    assert {each["by"] for each in added.history} == {str(KEY)}
    assert complaint().history == []


def test_nothing_counts_as_answered_without_an_answer() -> None:
    with pytest.raises(Invalid, match="no-answer"):
        changed(complaint(), NOW, KEY, state="answered")


def test_changes_are_bounded() -> None:
    row = complaint()
    for _ in range(STEPS):
        row = changed(row, NOW, KEY, state="in_progress")
    with pytest.raises(Invalid, match="too-many-changes"):
        changed(row, NOW, KEY, state="closed")
