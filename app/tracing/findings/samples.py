"""One sample, several lots: tests of one recorder under one sample number.

Instruments begin to number anew every day: a short number is one sample's of its day, a long one is for good. Numbers
are looked at in shares, so that a city's year of tests needs no more memory than a share.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2s
from typing import Final, NamedTuple
from uuid import UUID

from app.domain.findings import Finding, Proof
from app.store import balance, findings, windows
from app.tracing.findings.looking import Looking, proofs, text

SHARE: Final = 200_000  # tests
SHORT: Final = 6  # characters


class _Test(NamedTuple):
    event: UUID
    custody: bytes
    site: UUID
    at: datetime


def shares(looking: Looking) -> int:
    """In how many shares the tests of the time are looked at."""
    return 1 + sum(len(block) for block in _tests(looking, ())) // SHARE


def reused(looking: Looking, share: int, of: int) -> list[Finding]:
    """What one share of the sample numbers shows."""
    lots: dict[bytes, dict[bytes, _Test]] = defaultdict(dict)
    said: dict[bytes, str] = {}
    for block in _tests(looking, ("recorder_id", "body")):
        numbered = []
        for row in block:
            number = (row.body.get("sample_number") or "").strip()
            if not number:
                continue
            day = looking.day(row.event_time, row.site_id) if len(number) < SHORT else ""
            key = blake2s(f"{row.recorder_id}/{number}/{day}".encode(), digest_size=12).digest()
            if key[0] % of == share:
                numbered.append((key, number, row))
        custodies = {UUID(row.body["custody_id"]).bytes for _, _, row in numbered}
        lot_of = {row[0]: row[2] for row in balance.hands(looking.snapshot, custodies)}
        for key, number, row in numbered:
            custody = UUID(row.body["custody_id"]).bytes
            lots[key].setdefault(lot_of[custody], _Test(row.id, custody, row.site_id, row.event_time))
            said[key] = number
    several = {key: tests for key, tests in lots.items() if len(tests) > 1}
    void = findings.corrected(
        looking.snapshot, {test.event.bytes for tests in several.values() for test in tests.values()}
    )
    found = []
    for key, tests in several.items():
        standing = sorted(
            (test for test in tests.values() if test.event.bytes not in void), key=lambda test: (test.at, test.event)
        )
        if len(standing) < 2:
            continue
        first = standing[0]
        found.append(
            Finding(
                "test_reused", key.hex(), None,
                (f"样品 {said[key]} 用于 {len(standing)} 个批次", f"sample {said[key]} is of {len(standing)} lots"),
                first.site, looking.by_id[first.site].party_id, first.at,
                proofs(
                    [
                        Proof("event", str(test.event), (f"批次 {text(test.custody)}", f"batch {text(test.custody)}"))
                        for test in standing
                    ]
                ),
                len(standing), custody_id=UUID(bytes=first.custody), event_id=first.event,
                excess_pieces=len(standing) - 1,
            )
        )  # fmt: skip
    return found


def _tests(looking: Looking, names: tuple[str, ...]) -> Iterator[list[windows.Found]]:
    scope = looking.scope
    sites = [spot.id for spot in scope.spots]
    return windows.events(looking.snapshot, "test", names, sites, scope.since, scope.until)
