"""Opening hours: read from a setting, counted between two moments."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.opening import Opening, open_between, read_opening

CHINA = ZoneInfo("Asia/Shanghai")
HOURS = Opening(6 * 60, 19 * 60)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=CHINA)


def test_hours_are_read() -> None:
    assert read_opening("06:00-19:00") == HOURS
    assert read_opening("00:00-24:00") == Opening(0, 1440)


@pytest.mark.parametrize("text", ["", "6-19", "19:00-06:00", "06:00-24:30", "06:00-25:00", "06:00-06:00"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="opening hours"):
        read_opening(text)


def test_only_what_is_open_counts() -> None:
    assert open_between(at(1, 8), at(1, 12), CHINA, HOURS) == timedelta(hours=4)
    assert open_between(at(1, 20), at(2, 5), CHINA, HOURS) == timedelta(0)
    assert open_between(at(1, 18), at(2, 7), CHINA, HOURS) == timedelta(hours=2)
    assert open_between(at(1, 0), at(4, 0), CHINA, HOURS) == timedelta(hours=39)
    assert open_between(at(1, 12), at(1, 8), CHINA, HOURS) == timedelta(0)
    assert open_between(at(1, 18).astimezone(UTC), at(1, 19).astimezone(UTC), CHINA, HOURS) == timedelta(hours=1)
