"""Records of an authority (监管记录) about a place or a party: inspections, samplings, penalties, credit ratings.

Append-only: what was wrong is replaced by a later record, and both stay for whoever answers for the place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID, uuid5

from app.domain.errors import Invalid

Kind = Literal["inspection", "sampling", "penalty", "credit"]  # 监督检查、监督抽检、行政处罚、信用评级
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Result = Literal["pass", "improve", "fail"]  # 符合（合格）、限期整改、不符合（不合格）
RESULTS: Final[tuple[Result, ...]] = get_args(Result)

# What a kind of record says of its result, and which kinds grade.
RESULTS_OF: Final[Mapping[str, tuple[str, ...]]] = {"inspection": RESULTS, "sampling": ("pass", "fail")}
GRADED: Final = ("inspection", "credit")


@dataclass(frozen=True, slots=True)
class Inspection:
    """One record. Of a place, `party_id` is who ran it when it was recorded; of a party as a whole `site_id` is None.
    `score` 0 to 100; `text` as "中文 · English", or in one language; `number` of the official document; `note` for
    the authority alone."""

    id: UUID
    site_id: UUID | None
    party_id: UUID
    region: str | None
    kind: Kind
    inspected_on: date
    result: Result | None
    grade: str | None
    score: int | None
    text: str
    number: str | None
    authority: str
    public: bool
    note: str | None
    replaces: UUID | None
    recorder_id: UUID
    record_time: datetime


def inspection_id(recorder: UUID, ref: str) -> UUID:
    return uuid5(recorder, f"inspection/{ref}")


def check(form: Mapping[str, Any], today: date) -> None:
    """Raises Invalid for a form that does not say what its kind says; `today` is the latest day anywhere."""
    faults: list[tuple[str, str]] = []
    if (form["site_id"] is None) == (form["party_id"] is None):
        faults.append(("/site_id", "请给出 site_id 或 party_id 之一 · give one of site_id and party_id"))
    may = RESULTS_OF.get(form["kind"], ())
    if form["result"] not in (may or (None,)):
        zh, en = (f"结论应为 {'、'.join(may)}", f"the result is one of {', '.join(may)}")
        faults.append(("/result", f"{zh} · {en}" if may else "此类记录没有结论 · a record of this kind has no result"))
    if form["kind"] not in GRADED:
        none = "此类记录没有等级 · a record of this kind has no grade"
        faults += [(f"/{name}", none) for name in ("grade", "score") if form[name] is not None]
    elif form["kind"] == "credit" and form["grade"] is None:
        faults.append(("/grade", "请给出信用等级 · give the grade"))
    if form["inspected_on"] > today:
        faults.append(("/inspected_on", "日期在将来，请检查 · the day lies ahead: check it"))
    if faults:
        raise Invalid(
            "invalid", "记录内容不合要求，见 errors · The record is not as its kind is: see errors", errors=faults
        )
