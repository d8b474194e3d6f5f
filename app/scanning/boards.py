"""The screen of a market and of a stall (追溯看板): what is on sale, whence, how it was tested, what was refused.

`plan` says which places a board is of, `app.scanning.stands.stand` tells of each, and `compose` puts them together:
three steps, so that whoever keeps the stands reads again only the one that has changed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from uuid import UUID

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.errors import NotFound
from app.domain.rows import Site
from app.scanning.answer import STATUSES, Answer, Reason, Shown
from app.scanning.audience import Audience, redact
from app.scanning.batches import revoked, unknown
from app.scanning.names import in_zone
from app.scanning.stands import GRAVE, Stand, midnight
from app.store import codes as store_codes
from app.store import master
from app.store.engine import Snapshot

EMPTY = "empty"  # the status of a stall that has nothing on sale


@dataclass(frozen=True, slots=True)
class Plan:
    """Which places a board is of: `sites`, itself first, the stalls in the order of their numbers. `reasons` are those
    of its code; `until`: when its day is over."""

    code: str
    market: bool
    sites: list[UUID]
    reasons: list[Reason]
    zone: str
    day: date
    until: datetime


@dataclass(frozen=True, slots=True)
class Board:
    """What `GET /boards/{code}` shows; `market` is False for a board of one stall."""

    code: str
    market: bool
    status: str
    status_reason: str | None
    day: date
    zone: str
    site: Shown
    party: Shown | None
    totals: dict[str, int]
    stalls: list[Shown]
    batches: list[Shown]
    tests: list[Shown]
    slips: list[Shown]
    refused: list[Shown]
    notices: list[Shown]
    record_time: datetime

    def json(self) -> Shown:
        """Plain values, dates and aware datetimes; every field present."""
        return {
            "code": self.code,
            "kind": "market" if self.market else "stall",
            "status": self.status,
            "status_reason": self.status_reason,
            "date": self.day,
            "site": self.site,
            "party": self.party,
            "totals": self.totals,
            "stalls": self.stalls,
            "batches": self.batches,
            "tests": self.tests,
            "slips": self.slips,
            "refused": self.refused,
            "notices": self.notices,
            "record_time": self.record_time,
        }


def plan(snapshot: Snapshot, code: codes.Code, now: datetime) -> Plan:
    """Raises NotFound for a code that was never issued (unknown-code) or names no place (no-board)."""
    if code.kind is not CodeKind.SITE:
        raise NotFound(
            "no-board",
            "只有场所有看板，请用市场或摊位的编码（S 开头） · "
            "only places have boards: use the code of a market or stall, which begins with S",
            identity=code.text,
        )
    row = store_codes.find(snapshot, [code.text]).get(code.text)
    here = master.sites(snapshot, [row.subject_id]).get(row.subject_id) if row is not None else None
    if row is None or here is None:
        raise unknown(code.text)
    within = sorted(master.sites_below(snapshot, [here.path]), key=_in_order)
    stalls = [site.id for site in within if site.id != here.id]
    return Plan(
        here.code,
        bool(stalls) or here.kind == "market",
        [here.id, *stalls],
        revoked(row),
        here.time_zone,
        in_zone(now, here).date(),
        midnight(now, here, 1),
    )


def compose(plan: Plan, stands: Sequence[Stand]) -> Board:
    """The board of the stands, which are those of the plan's sites in their order."""
    own, stalls = stands[0], stands[1:]
    verdict = Answer(plan.code, "site", plan.reasons + own.reasons)
    batches = _newest((batch for stand in stands for batch in stand.batches), "since")
    tests = _newest({test["event_id"]: test for stand in stands for test in stand.tests}.values(), "event_time")
    papers = {(slip["number"], slip["shipped_at"]): slip for stand in stands for slip in stand.slips}
    slips = _newest(papers.values(), "shipped_at")
    refused = _newest((refusal for stand in stands for refusal in stand.refused), "event_time")
    notices = _together(notice for stand in stands for notice in stand.notices)
    # A hall within a market is a place as well, and no stall.
    shown = [_stall(stand) for stand in stalls if stand.batches or stand.shown["kind"] != "market"]
    return Board(
        plan.code,
        plan.market,
        verdict.status,
        verdict.status_reason,
        plan.day,
        plan.zone,
        own.shown,
        own.trader,
        {
            "stalls": len(shown),
            "on_sale": sum(batch["on_sale"] for batch in batches),
            "arrived": sum(batch["since"].date() >= plan.day for batch in batches),
            "passed": sum(test["verdict"] == "pass" for test in tests),
            "failed": sum(test["verdict"] == "fail" for test in tests),
            "slips": len(slips),
            "refused": len(refused),
            "notices": len(notices),
        },
        shown,
        batches,
        tests,
        slips,
        refused,
        notices,
        max(stand.record_time for stand in stands),
    )


def _stall(stand: Stand) -> Shown:
    """A tile of the map: the gravest that there is about the place and what it has on sale."""
    on_sale = [batch for batch in stand.batches if batch["on_sale"]]
    found = {batch["status"] for batch in on_sale} | {notice["status"] for notice in stand.notices}
    found |= {reason.status for reason in stand.reasons}
    status = next((status for status in STATUSES if status in found), EMPTY)
    products = dict.fromkeys(str((batch["product"] or {}).get("name") or "") for batch in on_sale)
    fields = {
        **stand.shown,
        "party": stand.trader,
        "status": status,
        "batches": len(on_sale),
        "products": [name for name in products if name],
    }
    return redact("board_stall", Audience.PUBLIC, fields)


def _newest(listed: Iterable[Shown], time: str) -> list[Shown]:
    return sorted(listed, key=itemgetter(time), reverse=True)


def _together(notices: Iterable[Shown]) -> list[Shown]:
    """One notice of a lot, however many stalls have it; the gravest first."""
    found: dict[tuple[object, ...], Shown] = {}
    for notice in notices:
        what = (notice["product"] or {}).get("name"), notice["lot_number"], notice["status"], notice["status_reason"]
        one = found.setdefault(what, {name: value for name, value in notice.items() if name not in ("code", "site")})
        one.setdefault("places", []).append({"code": notice["code"], "site": notice["site"]})
    return sorted(found.values(), key=lambda notice: GRAVE.index(notice["status"]))


# --- the order of stalls ---

_DIGITS = dict(zip("〇零一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_NUMBER = re.compile("([0-9]+|[〇零一二两三四五六七八九十百]+)")


def _in_order(site: Site) -> tuple[list[tuple[bool, int, str]], datetime, UUID]:
    """By name with its numbers as numbers, Arabic or Chinese, then as they were enrolled."""
    parts = [part for part in _NUMBER.split(site.name) if part]
    return [(not _NUMBER.fullmatch(part), _number(part), part) for part in parts], site.record_time, site.id


def _number(text: str) -> int:
    """A numeral below a thousand, Arabic or Chinese; 0 for what is none."""
    if text.isdecimal() and text.isascii():
        return int(text)
    total, digit = 0, 0
    for character in text:
        if character in _DIGITS:
            digit = digit * 10 + _DIGITS[character]
        elif character in "十百":
            total, digit = total + (digit or 1) * (10 if character == "十" else 100), 0
    return total + digit
