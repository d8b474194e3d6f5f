"""When a standing query is run (QuerySchedule, EPCIS 2.0 §8.2.5.3; its REST binding's `schedule`).

The standard says nothing of time zones: times are UTC, or of the zone that a member of ours names, `timeZone`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.epcis.exceptions import SubscriptionControlsException

# Field → its least and greatest value, the finest first. dayOfWeek: 1 is Monday.
FIELDS: Final = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (1, 7),
}
ZONE: Final = "timeZone"
_TIMES: Final = ("second", "minute", "hour")
_ELEMENT = re.compile(r"(\d{1,2})(?:/(\d{1,2}))?|\[(\d{1,2})-(\d{1,2})\]", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)
_LONGEST = 300  # characters of one field
# A 29th of February on a given weekday comes back after 40 years at the most: 1900, 2100, 2200 have none.
_HORIZON = timedelta(days=366 * 41)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Values of each field, ascending; a run is at every second at which all of them match, by the clocks of `zone`. A
    field that was not given has all values, or where only coarser ones were given its first: `hour: 1, minute: 5` is
    01:05:00 alone."""

    zone: tzinfo
    second: tuple[int, ...]
    minute: tuple[int, ...]
    hour: tuple[int, ...]
    day_of_month: tuple[int, ...]
    month: tuple[int, ...]
    day_of_week: tuple[int, ...]

    def has(self, day: date) -> bool:
        """Whether there are runs on the day."""
        return day.month in self.month and day.day in self.day_of_month and day.isoweekday() in self.day_of_week


def parse_schedule(given: Mapping[str, object]) -> Schedule:
    """From texts as the standard writes them: numbers and `[from-to]` between commas; a bare number is taken as well,
    and `from/step`, which its own example has; `timeZone`. Raises SubscriptionControlsException for anything else,
    and for a schedule by which no run would ever be."""
    zone = _zone(given[ZONE]) if ZONE in given else UTC
    given = {name: value for name, value in given.items() if name != ZONE}
    unknown = next((name for name in given if name not in FIELDS), None)
    if unknown is not None:
        raise _refused(
            unknown[:40],
            f"没有这一项，可用 {'、'.join(FIELDS)} 和 {ZONE} · there is no such field; there are "
            f"{', '.join(FIELDS)} and {ZONE}",
        )
    if not given:
        raise _refused("", "请至少给出一项 · give one field at least")
    coarser = min(list(FIELDS).index(name) for name in given)
    values: list[tuple[int, ...]] = []
    for place, (name, (least, most)) in enumerate(FIELDS.items()):
        if name in given:
            values.append(_values(name, given[name]))
        elif place < coarser and name in _TIMES:
            values.append((least,))
        else:
            values.append(tuple(range(least, most + 1)))
    schedule = Schedule(zone, *values)
    if not any(schedule.has(date(2000, 1, 1) + timedelta(days=n)) for n in range(_HORIZON.days)):
        raise _refused("", "没有这样的日期 · there is no such day")
    return schedule


def next_after(schedule: Schedule, moment: datetime) -> datetime | None:
    """The first run later than the moment (aware), in UTC; None where there is none in 41 years.

    Where clocks are put back, times that come twice are runs twice; where they are put forward, those that are left out
    are one run at the moment when they would be."""
    at = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    end = at + _HORIZON
    while at < end:
        until = at + _DAY
        if not any(schedule.has(at.date() + timedelta(days=n)) for n in (-1, 0, 1, 2)):  # whatever the offset
            at = until
            continue
        offset, later = _offset(schedule.zone, at), _offset(schedule.zone, until)
        if offset != later:
            until = _change(schedule.zone, at, until)
        found = _between(schedule, _local(at, offset), _local(until, max(offset, later)))
        if found is not None:
            return min((found - offset).replace(tzinfo=UTC), until)
        at = until
    return None


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None, "a zone has one"
    return offset


def _local(at: datetime, offset: timedelta) -> datetime:
    return at.replace(tzinfo=None) + offset


def _change(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """The first second between the two (UTC) that has not the offset of the lower."""
    offset = _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _between(schedule: Schedule, low: datetime, high: datetime) -> datetime | None:
    """The first match from `low` on and before `high`, by the clocks of the zone."""
    for n in range((high.date() - low.date()).days + 1):
        day = low.date() + timedelta(days=n)
        if schedule.has(day):
            found = _first(schedule, low.time() if n == 0 else time())
            if found is not None:
                run = datetime.combine(day, found)
                return run if run < high else None
    return None


def _first(schedule: Schedule, earliest: time) -> time | None:
    """The first time of a day from `earliest` on."""
    for hour in schedule.hour:
        for minute in schedule.minute:
            if (hour, minute) < (earliest.hour, earliest.minute):
                continue
            least = earliest.second if (hour, minute) == (earliest.hour, earliest.minute) else 0
            second = next((each for each in schedule.second if each >= least), None)
            if second is not None:
                return time(hour, minute, second)
    return None


def _zone(name: object) -> tzinfo:
    """Of the database of time zones (IANA)."""
    try:
        if isinstance(name, str) and _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise _no_zone() from error
    raise _no_zone()


def _no_zone() -> SubscriptionControlsException:
    return _refused(ZONE, "须为时区名，如 Asia/Shanghai · a time zone such as Asia/Shanghai is needed")


def _values(name: str, text: object) -> tuple[int, ...]:
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _refused(name, "须为文本，如 0,[10-15] · a text is needed such as 0,[10-15]")
    least, most = FIELDS[name]
    found: set[int] = set()
    for element in text.split(","):
        match = _ELEMENT.fullmatch(element.strip())
        if match is None:
            raise _refused(name, "须为数字或 [起-止]，以逗号分隔 · numbers or [from-to] between commas are needed")
        one, step, low, high = (None if part is None else int(part) for part in match.groups())
        if one is not None:
            low, high = one, one if step is None else most
        assert low is not None
        assert high is not None
        if not least <= low <= high <= most or step == 0:
            raise _refused(name, f"须在 {least} 与 {most} 之间 · it lies between {least} and {most}")
        found.update(range(low, high + 1, step or 1))
    return tuple(sorted(found))


def _refused(name: str, why: str) -> SubscriptionControlsException:
    zh, en = why.split(" · ")
    place = f"schedule/{name}" if name else "schedule"
    return SubscriptionControlsException(f"{place} {zh} · {place}: {en}", pointer=f"/{place}")
