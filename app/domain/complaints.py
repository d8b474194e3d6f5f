"""Complaints (投诉举报): what somebody found wrong with what a code names, and what became of it.

A reference is how the reporter follows it: C, 80 random bits and a check character in the alphabet of codes, to be
copied off a screen or read out to a hotline. It is not kept anywhere: the complaint's id is computed from it, so that
whoever reads the database, or works the queue, cannot pose as the reporter.
"""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID, uuid5

from app.domain.codes import ALPHABET, check_character
from app.domain.errors import Invalid, Malformed

# Fixed for ever: changing it would lose every reference.
_COMPLAINT = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a08")

TEXT: Final = 2_000  # characters
PHOTOS: Final = 3
STEPS: Final = 100  # changes that one complaint may see

State = Literal["open", "in_progress", "answered", "closed"]
STATES: Final[tuple[State, ...]] = get_args(State)

_LENGTH: Final = 18
_LETTER: Final = "C"  # no code begins with it
_SAME: Final = str.maketrans("ILO", "110", " -\t\r\n")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint. Of what its code named as it was filed: the place (None for goods of no place here), whose it was,
    the batches and lots. `owner`: the key or person that works on it. `photos`: {"hash","size"} of JPEG files;
    `history`: {"time","state","answer","owner","by"} of every change, the first the first, `by` who made it."""

    id: UUID
    code: str
    kind: str
    site_id: UUID | None
    party_id: UUID | None
    region: str | None
    custody_ids: list[str]
    lot_ids: list[str]
    text: str
    contact: str | None
    photos: list[dict[str, Any]]
    language: str
    state: State
    answer: str | None
    record_time: datetime
    changed_at: datetime
    history: list[dict[str, Any]] = field(default_factory=list)
    owner: UUID | None = None


def mint_reference(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new reference of 80 random bits."""
    number = int.from_bytes(random(10), "big")
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return f"{_LETTER}{body}{check_character(_LETTER + body)}"


def parse_reference(text: str) -> str:
    """The reference as typed: case, dashes and blanks do not matter, I and L count as 1, O as 0.

    Raises Malformed mistyped-reference; one that parses may still be nobody's."""
    raw = unicodedata.normalize("NFKC", text[:100]).upper().translate(_SAME)
    if (
        len(raw) != _LENGTH
        or raw[0] != _LETTER
        or not set(raw) <= set(ALPHABET)
        or check_character(raw[:-1]) != raw[-1]
    ):
        raise Malformed(
            "mistyped-reference",
            "受理编号以 C 开头，共 18 个字符，请对照原文重新输入 · "
            "A reference begins with C and has 18 characters: compare it and type it again",
            identity=text[:40],
        )
    return raw


def grouped_reference(reference: str) -> str:
    """In groups that a person can read aloud: C-XXXX-XXXX-XXXX-XXXX-X."""
    body = reference[1:-1]
    return "-".join([reference[0], *(body[i : i + 4] for i in range(0, len(body), 4)), reference[-1]])


def complaint_id(reference: str) -> UUID:
    return uuid5(_COMPLAINT, reference)


def changed(
    complaint: Complaint,
    now: datetime,
    by: UUID,
    *,
    state: State | None = None,
    answer: str | None = None,
    owner: UUID | None = None,
    assigned: bool = False,
) -> Complaint:
    """With a new state, a new answer, a new owner where `assigned` (None for nobody); an answer alone to one that had
    none answers it, and whoever takes up what nobody owns owns it.

    Raises Invalid no-answer where it is to count as answered without one, too-many-changes after STEPS of them."""
    if len(complaint.history) >= STEPS:
        raise Invalid(
            "too-many-changes",
            f"这件投诉已改动 {STEPS} 次，不能再改 · This complaint has been changed {STEPS} times: no more",
        )
    if not assigned:
        owner = by if complaint.owner is None and state == "in_progress" else complaint.owner
    if state is None:
        state = "answered" if answer is not None and complaint.state != "closed" else complaint.state
    answer = complaint.answer if answer is None else answer
    if state == "answered" and answer is None:
        raise Invalid("no-answer", "请填写答复内容 · Write the answer first", pointer="/answer")
    said = {
        "time": now.isoformat(), "state": state, "answer": answer, "by": str(by),
        "owner": str(owner) if owner else None,
    }  # fmt: skip
    return replace(
        complaint, state=state, answer=answer, owner=owner, changed_at=now, history=[*complaint.history, said]
    )
