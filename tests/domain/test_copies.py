"""What scans of one thing cannot both be true."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.copies import BURST, CITIES, PROVINCES, burst, elsewhere, place_name, too_far, way_apart

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("330106", "330106", None),
        ("330106", "330122", None),
        ("330106", "330203", CITIES),
        ("330100", "3302", CITIES),
        ("330106", "33", None),
        ("330000", "3302", None),
        ("330106", "130703", PROVINCES),
        ("33", "13", PROVINCES),
        ("110101", "110228", None),
        ("110101", "13", PROVINCES),
        ("1101", "11", None),
    ],
)
def test_how_far_two_places_are_apart(one: str, other: str, least: timedelta | None) -> None:
    assert way_apart(one, other) == way_apart(other, one) == least


def test_nobody_is_in_two_cities_within_minutes() -> None:
    assert too_far("3302", NOON, "3301", NOON - timedelta(minutes=10))
    assert too_far("3302", NOON, "3301", NOON + timedelta(minutes=10)), "clocks of two processes"
    assert not too_far("3302", NOON, "3301", NOON - CITIES)
    assert too_far("1307", NOON, "3301", NOON - timedelta(minutes=59))
    assert not too_far("1307", NOON, "3301", NOON - PROVINCES)
    assert not too_far("3302", NOON, None, None)
    assert not too_far("3302", NOON, "3301", None)


def test_elsewhere_is_another_city() -> None:
    assert elsewhere("3302", "330106")
    assert not elsewhere("330122", "330106")
    assert not elsewhere("33", "330106")
    assert not elsewhere("3302", None)


def test_a_burst_is_told_once() -> None:
    assert burst(BURST - 1, BURST)
    assert burst(0, BURST + 5)
    assert not burst(BURST, BURST + 1)
    assert not burst(0, BURST - 1)


def test_places_have_names() -> None:
    assert place_name("330106") == ("浙江省杭州市", "Hangzhou, Zhejiang")
    assert place_name("110101") == ("北京市", "Beijing")
    assert place_name("33") == ("浙江省", "Zhejiang")
    assert place_name("990000") == place_name(None) == ("", "")
