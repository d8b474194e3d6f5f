"""Schedules of standing queries: when the next run is."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.epcis.exceptions import SubscriptionControlsException
from app.domain.epcis.schedule import FIELDS, Schedule, next_after, parse_schedule

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday


def nexts(moment: datetime, number: int, **fields: object) -> list[str]:
    schedule = parse_schedule(fields)
    found = []
    for _ in range(number):
        following = next_after(schedule, moment)
        assert following is not None
        found.append(f"{following:%m-%d %H:%M:%S}")
        moment = following
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"hour": "1", "minute": "5"}, ["11-23 01:05:00", "11-24 01:05:00"]),
        ({"hour": 1}, ["11-23 01:00:00", "11-24 01:00:00"]),
        ({"minute": "5"}, ["11-22 12:05:00", "11-22 13:05:00"]),
        ({"second": "0,[30-31]"}, ["11-22 12:00:30", "11-22 12:00:31", "11-22 12:01:00"]),
        ({"second": "0/30"}, ["11-22 12:00:30", "11-22 12:01:00"]),
        ({"second": "59", "hour": "23"}, ["11-22 23:00:59", "11-22 23:01:59"]),
        ({"dayOfWeek": "1"}, ["11-23 00:00:00", "11-30 00:00:00"]),
        ({"dayOfMonth": "31"}, ["12-31 00:00:00", "01-31 00:00:00", "03-31 00:00:00"]),
        ({"month": "2", "dayOfMonth": "29"}, ["02-29 00:00:00"]),
        ({"hour": "1", "minute": "5", "timeZone": "Asia/Shanghai"}, ["11-22 17:05:00", "11-23 17:05:00"]),
        ({"dayOfWeek": "1", "timeZone": "America/New_York"}, ["11-23 05:00:00", "11-30 05:00:00"]),
        ({"dayOfMonth": "13", "dayOfWeek": "5", "hour": "[22-23]"}, ["08-13 22:00:00", "08-13 23:00:00"]),
    ],
)
def test_the_next_runs(fields: dict[str, object], expected: list[str]) -> None:
    moment = NOON if expected[0] != "08-13 22:00:00" else datetime(2027, 6, 1, tzinfo=UTC)
    assert nexts(moment, len(expected), **fields) == expected


def test_clocks_that_are_put_forward_and_back() -> None:
    """In Berlin 02:00 to 03:00 is left out on 29 March 2026, and comes twice on 25 October."""
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert nexts(spring, 2, hour="2", minute="30", timeZone="Europe/Berlin") == ["03-29 01:00:00", "03-30 00:30:00"]
    assert nexts(spring, 3, minute="0/30", timeZone="Europe/Berlin") == [
        "03-29 00:30:00", "03-29 01:00:00", "03-29 01:30:00"
    ]  # fmt: skip
    assert nexts(autumn, 3, hour="2", minute="30", timeZone="Europe/Berlin") == [
        "10-25 00:30:00", "10-25 01:30:00", "10-26 01:30:00"
    ]  # fmt: skip


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
    st.sets(st.integers(0, 23), min_size=1, max_size=3),
    st.integers(0, 59),
    st.integers(0, 16 * 365 * 24 * 60),
)
def test_every_run_is_told_by_the_clocks_of_the_zone(name: str, hours: set[int], minute: int, after: int) -> None:
    """As looking at every minute has it: at those that match, or at the first after such as were left out."""
    zone, start = ZoneInfo(name), datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=after)
    given_fields = {"hour": ",".join(map(str, hours)), "minute": str(minute), "timeZone": name}
    found = next_after(parse_schedule(given_fields), start)
    before = start.astimezone(zone)
    for n in range(1, 3 * 24 * 60):
        at = start + timedelta(minutes=n)
        local = at.astimezone(zone)
        naive, ahead = local.replace(tzinfo=None), before.replace(tzinfo=None) + timedelta(minutes=1)
        left_out = [ahead + timedelta(minutes=k) for k in range(int((naive - ahead).total_seconds()) // 60)]
        if any(each.hour in hours and each.minute == minute for each in (naive, *left_out)):
            break
        before = local
    assert found == at


def test_on_a_day_without_the_hour_that_is_left_out_all_else_is_as_ever() -> None:
    spring = datetime(2026, 3, 29, tzinfo=UTC)  # the clocks of Berlin are put forward at one
    assert nexts(spring, 2, hour="12", timeZone="Europe/Berlin") == ["03-29 10:00:00", "03-30 10:00:00"]


def test_a_day_that_never_comes_is_looked_for_in_vain() -> None:
    week = tuple(range(1, 8))
    assert next_after(Schedule(UTC, (0,), (0,), (0,), (30,), (2,), week), NOON) is None


def test_a_run_is_later_than_the_moment_whatever_its_zone() -> None:
    schedule = parse_schedule({"hour": "12"})
    assert next_after(schedule, NOON) == NOON + timedelta(days=1)
    assert next_after(schedule, NOON - timedelta(microseconds=1)) == NOON
    china = timezone(timedelta(hours=8))
    assert next_after(schedule, datetime(2026, 11, 22, 19, 59, tzinfo=china)) == NOON


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"hours": "1"},
        {"hour": "24"},
        {"hour": "-1"},
        {"hour": ""},
        {"hour": "1,"},
        {"hour": "[5-1]"},
        {"hour": "5-6"},
        {"hour": "0/0"},
        {"hour": "１"},
        {"hour": True},
        {"hour": 1.5},
        {"hour": None},
        {"hour": ["1"]},
        {"second": "60"},
        {"dayOfWeek": "0"},
        {"dayOfWeek": "8"},
        {"month": "2", "dayOfMonth": "30"},
        {"month": "[4-4],6", "dayOfMonth": "31"},
        {"minute": ",".join(["1"] * 200)},
        {"timeZone": "Asia/Shanghai"},
        {"hour": "1", "timeZone": None},
        {"hour": "1", "timeZone": "+08:00"},
        {"hour": "1", "timeZone": "Asia"},
        {"hour": "1", "timeZone": "Asia/Atlantis"},
        {"hour": "1", "timeZone": "../../etc/passwd"},
        {"hour": "1", "timezone": "Asia/Shanghai"},
    ],
)
def test_what_is_no_schedule_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SubscriptionControlsException):
        parse_schedule(fields)


def values(name: str) -> st.SearchStrategy[str]:
    least, most = FIELDS[name]
    one = st.integers(least, most)
    span = st.tuples(one, one).map(sorted).map(lambda pair: f"[{pair[0]}-{pair[1]}]")
    return st.lists(one.map(str) | span, min_size=1, max_size=3).map(",".join)


# Every month has these days, so that there is always a next run.
times = st.fixed_dictionaries(
    {}, optional={name: values(name) for name in FIELDS if name != "dayOfMonth"} | {"dayOfMonth": st.just("[1-28]")}
).filter(bool)
moments = st.integers(0, 631_152_000_000).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n))


def hits(schedule: Schedule, moment: datetime) -> bool:
    time = (moment.hour in schedule.hour, moment.minute in schedule.minute, moment.second in schedule.second)
    return all(time) and schedule.has(moment.date())


@given(times, moments)
def test_the_next_run_hits_and_none_lies_before_it(fields: dict[str, str], moment: datetime) -> None:
    schedule = parse_schedule(fields)
    following = next_after(schedule, moment)
    assert following is not None
    assert following > moment
    assert following.microsecond == 0
    assert hits(schedule, following)
    first = moment.replace(microsecond=0) + timedelta(seconds=1)
    step = timedelta(seconds=1) if following - first < timedelta(minutes=3) else (following - first) / 97
    between = first
    while between < following:
        assert not hits(schedule, between.replace(microsecond=0)) or between.replace(microsecond=0) < first
        between += step


@given(times, moments, moments)
def test_a_later_moment_has_no_earlier_run(fields: dict[str, str], one: datetime, other: datetime) -> None:
    schedule = parse_schedule(fields)
    early, late = sorted((one, other))
    first, second = next_after(schedule, early), next_after(schedule, late)
    assert first is not None
    assert second is not None
    assert first <= second
    assert first > late or next_after(schedule, first) == next_after(schedule, first + timedelta(microseconds=1))
