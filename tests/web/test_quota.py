"""Who may ask how often: counted by a key, forgotten with its period, bounded in memory."""

import pytest

from app.domain.errors import TooMany
from app.web.quota import A_CLIENT, A_CODE, CAPACITY, HOUR, Complaining, Quota


def test_an_address_and_a_code_have_their_measure() -> None:
    now = [0.0]
    complaining = Complaining(lambda: now[0])
    for _ in range(A_CLIENT):
        complaining.one("a", "code")
    with pytest.raises(TooMany, match="too-many-complaints") as refused:
        complaining.one("a", "other")
    assert refused.value.retry_after == HOUR
    for n in range(A_CODE - A_CLIENT):
        complaining.one(f"b{n}", "code")
    with pytest.raises(TooMany, match="too-many-complaints"):
        complaining.one("c", "code")
    complaining.one("c", "other")
    now[0] = HOUR
    complaining.one("a", "code")


def test_memory_of_a_quota_is_bounded() -> None:
    quota = Quota(1, 60.0, lambda: 0.0)
    assert [quota.take(n) for n in range(CAPACITY + 1)] == [0] * (CAPACITY + 1)
    assert quota.take(CAPACITY) == 60
    assert quota.take(0) == 0, "the one that began first was forgotten"
