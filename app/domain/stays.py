"""Where a scale stood when it sold: a scale that moves leaves its receipts behind, however late they arrive.

Receipts of a device are numbered in the order in which it sold, so a move is a counter: below it is the site before,
from it on the new one. Who moves the scale may read the counter off it; else the move is after the highest that had
come in and, of what comes later, after what was sold before the time of the move, by the scale's own clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.masters import timeline
from app.domain.rows import Device


@dataclass(frozen=True, slots=True)
class Stay:
    """A device at a site since its counter stood at `first_counter` and, where that was not read off it, since
    `first_time`."""

    site_id: UUID
    first_counter: int
    first_time: datetime | None


def stays(history: Sequence[Device]) -> tuple[Stay, ...]:
    """Where the device has stood under its present epoch, the earliest first; of its versions in the order in which
    they were written."""
    found: list[Stay] = []
    for version in timeline(history):
        if version.epoch != history[-1].epoch:
            continue
        if found and found[-1].site_id == version.site_id:
            found.pop()
        found.append(Stay(version.site_id, version.first_counter, version.first_time))
    return tuple(found)


def site_of(stays: Sequence[Stay], counter: int, event_time: datetime | None) -> UUID:
    """The site that a sale belongs to. Without a time (of a receipt that was shown before its sale came) the counter
    decides alone. `stays` has at least one."""
    for stay in reversed(stays[1:]):
        if counter >= stay.first_counter and (
            stay.first_time is None or event_time is None or event_time >= stay.first_time
        ):
            return stay.site_id
    return stays[0].site_id
