"""Findings: what the books of a region, market or stall cannot mean, the gravest kind first, with what shows it.

A kind is looked for part by part: a part is a few hundred sites (of tests: a share of the sample numbers), so that what
is held in memory is of one part, and a cursor names a part and the last finding of it that was told.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.domain.balance import Rules
from app.domain.errors import Malformed
from app.domain.findings import KINDS, Finding
from app.store.engine import Snapshot
from app.tracing.findings import goods, papers, processes, samples
from app.tracing.findings.looking import Looking
from app.tracing.scope import Scope

PART: Final = 200  # sites
_SHARE: Final = re.compile(r"papers|\d{1,6}/[1-9]\d{0,5}")
_NOTHING: Final = UUID(int=0)  # no finding has this id

_BY_SITES: Final[dict[str, Callable[[Looking], list[Finding]]]] = {
    "sold_in_withdrawal": goods.sold_in_withdrawal,
    "sold_more_than_received": goods.sold_more_than_received,
    "document_overused": papers.overused,
    "impossible_yield": processes.impossible_yields,
    "unmatched_return": processes.unmatched_returns,
}


@dataclass(frozen=True, slots=True)
class Place:
    """After a finding of a part of a kind."""

    kind: str
    part: str
    id: UUID

    def encode(self) -> str:
        return base64.urlsafe_b64encode(f"{self.kind} {self.part} {self.id.hex}".encode()).decode().rstrip("=")

    @staticmethod
    def decode(text: str) -> "Place":
        """Raises Malformed for anything that `encode` never made."""
        try:
            kind, part, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
            if kind not in KINDS or (kind == "test_reused" and not _SHARE.fullmatch(part)):
                raise ValueError("no such kind or part")
            return Place(kind, part, UUID(hex=key))
        except (ValueError, binascii.Error):
            raise _no_cursor() from None


def _no_cursor() -> Malformed:
    return Malformed(
        "bad-cursor",
        "cursor 无效，请从第一页重新开始 · not a cursor of ours: begin with the first page",
        pointer="?cursor",
    )


def findings(
    snapshot: Snapshot,
    scope: Scope,
    *,
    kinds: Sequence[str] = KINDS,
    rules: Rules = Rules(),
    after: Place | None = None,
    passed: Callable[[Place], None] = lambda at: None,
) -> Iterator[tuple[Place, Finding]]:
    """All of them from a place on, each with its own: kinds in the order of KINDS, within a part by how much it is that
    cannot be. `passed` hears of every part before it is looked at."""
    looking = Looking(snapshot, scope, rules)
    for kind in KINDS[KINDS.index(after.kind) if after else 0 :]:
        if kind not in kinds:
            continue
        begin = after.part if after is not None and after.kind == kind else None
        for token, find in _parts(kind, looking, begin):
            passed(Place(kind, token, _NOTHING))
            found = find()
            found.sort(key=lambda one: (-max(one.excess_grams or 0, one.excess_pieces or 0), one.id))
            skip = after is not None and (after.kind, after.part) == (kind, token)
            last = next((i for i, one in enumerate(found) if after and one.id == after.id), -1) if skip else -1
            for one in found[last + 1 :]:
                yield Place(kind, token, one.id), one


def _parts(kind: str, looking: Looking, begin: str | None) -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    """The parts from one on, each with its name and what finds its findings."""
    if kind == "test_reused":
        number = samples.shares(looking)
        first = 0
        if begin is not None and begin != "papers":
            share, _, of = begin.partition("/")
            if int(of) > 2 * number + 8:  # more than there have ever been
                raise _no_cursor()
            first, number = int(share), int(of)
        if begin != "papers":
            for share_ in range(first, number):
                yield f"{share_}/{number}", lambda share=share_: samples.reused(looking, share, number)  # type: ignore[misc]
        yield "papers", lambda: papers.reused(looking)
        return
    spots = looking.scope.spots
    start = 0 if begin is None else next((i for i, spot in enumerate(spots) if spot.path >= begin), len(spots))
    for at in range(start, len(spots), PART):
        part = looking.part(spots[at : at + PART])
        yield spots[at].path, lambda part=part: _BY_SITES[kind](part)  # type: ignore[misc]
