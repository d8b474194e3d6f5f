"""When markets are open: how long a device could have called and has not."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Opening(NamedTuple):
    """Minutes after midnight."""

    begin: int
    end: int


def read_opening(text: str) -> Opening:
    """Such as 06:00-19:00. Raises ValueError."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError("opening hours read like 06:00-19:00")
    begin, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    if not begin < end <= 24 * 60:
        raise ValueError("opening hours begin before they end, on one day")
    return Opening(begin, end)


def open_between(since: datetime, until: datetime, zone: ZoneInfo, opening: Opening) -> timedelta:
    """For how long a market of the zone was open between the two."""
    total = timedelta(0)
    day = since.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        midnight = datetime.combine(day, time(), zone)
        begin = max(since, midnight + timedelta(minutes=opening.begin))
        end = min(until, midnight + timedelta(minutes=opening.end))
        total += max(end.astimezone(UTC) - begin.astimezone(UTC), timedelta(0))
        day += timedelta(days=1)
    return total
