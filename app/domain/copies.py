"""Whether a numbered unit is a copy: what scans say that cannot all be of one thing.

A place is a GB/T 2260 region, as fine as it is known: a province of two digits, a city of four, a district of six.
Nothing here proves a copy: a person travels, and telephones come out of their operator's network far from where they
are. So whoever scans is told what to look at, and somebody looks into it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.regions import REGION_NAMES
from app.domain.rights import region_prefix

# Nobody carries a thing from one city to another, or from one province to another, in less.
CITIES = timedelta(minutes=30)
PROVINCES = timedelta(hours=1)
# More scans than this of one thing in an hour by the clock are not its buyer's.
BURST = 30
# For how long a doubt about a unit is shown to whoever scans it.
SHOWN = timedelta(days=90)

# The gravest first; each is an alert, too.
DOUBTS = ("revoked_code", "inactive_code", "copied_code", "sold_elsewhere", "scan_burst")

_MUNICIPALITIES = ("11", "12", "31", "50")


@dataclass(frozen=True, slots=True)
class Seen:
    """One scan of a code that names a single thing: where from, if that is known, and what was doubtful at once."""

    code: str
    time: datetime
    place: str | None
    doubts: tuple[str, ...] = ()


def way_apart(one: str, other: str) -> timedelta | None:
    """The least time from one place to the other; None where they may be one and the same."""
    one, other = _city(one), _city(other)
    if one[:2] != other[:2]:
        return PROVINCES
    return CITIES if len(one) == len(other) == 4 and one != other else None


def too_far(place: str, time: datetime, before: str | None, then: datetime | None) -> bool:
    """Whether a thing cannot have been at both places at these times."""
    if before is None or then is None:
        return False
    least = way_apart(place, before)
    return least is not None and abs(time - then) < least


def elsewhere(place: str, sold: str | None) -> bool:
    """Whether a place is in another city than where a thing was put on sale."""
    return bool(sold) and way_apart(place, sold or "") is not None


def burst(before: int, now: int) -> bool:
    """Whether this many scans in an hour, so many a moment ago, have just become too many."""
    return before < BURST <= now


def place_name(place: str | None) -> tuple[str, str]:
    """City and province as far as they have a name, Chinese and English; empty where nothing is known."""
    names = [REGION_NAMES[part] for part in (_city(place or "")[:size] for size in (2, 4)) if part in REGION_NAMES]
    names = list(dict.fromkeys(names))
    return "".join(zh for zh, _ in names), ", ".join(en for _, en in reversed(names))


def _city(place: str) -> str:
    """A municipality (直辖市) is one city."""
    return place[:2] if place[:2] in _MUNICIPALITIES else region_prefix(place)[:4]
