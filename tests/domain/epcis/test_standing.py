"""What is kept of a subscriber's secret, and what a delivery is known by."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.epcis.standing import delivery_of, query_id, veiled

MASTER = b"m" * 32
ONE, OTHER = UUID(int=1), UUID(int=2)


@given(st.binary(max_size=1_100))
def test_a_secret_comes_back_from_under_its_veil(token: bytes) -> None:
    kept = veiled(MASTER, ONE, token)
    assert len(kept) == len(token)
    assert veiled(MASTER, ONE, kept) == token


def test_a_veil_is_one_masters_and_one_subscriptions() -> None:
    token = bytes(100)
    veils = {veiled(MASTER, ONE, token), veiled(MASTER, OTHER, token), veiled(b"n" * 32, ONE, token), token}
    assert len(veils) == 4
    # No block of it is used twice.
    stream = veiled(MASTER, ONE, bytes(96))
    assert len({stream[i : i + 32] for i in (0, 32, 64)}) == 3


def test_the_same_events_are_the_same_delivery() -> None:
    events = [UUID(int=5), UUID(int=6)]
    assert delivery_of(ONE, events, 6) == delivery_of(ONE, list(events), 9)
    several = [delivery_of(ONE, events, 6), delivery_of(ONE, events[:1], 6), delivery_of(OTHER, events, 6)]
    empty = [delivery_of(ONE, [], 6), delivery_of(ONE, [], 7)]
    assert len({*several, *empty}) == 5


def test_a_name_is_its_owners() -> None:
    assert len({query_id(ONE, "a"), query_id(OTHER, "a"), query_id(ONE, "b")}) == 3
