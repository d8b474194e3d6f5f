"""Guessing activation codes: after some wrong tries a client waits, whichever device it aims at."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request

from app.domain.errors import Forbidden, TooMany
from app.store.errors import StoreUnavailable
from app.web.service import Service
from app.web.tries import ALLOWED, CAPACITY, PERIOD, Tries, client_of
from tests.support.cast import Cast


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tries(clock: Clock) -> Tries:
    return Tries(clock)


def wrong(tries: Tries, client: str) -> None:
    with pytest.raises(Forbidden), tries.one(client):
        raise Forbidden("activation-refused", "x")


def waits(tries: Tries, client: str) -> int:
    """Seconds until the client may try again; 0 for now."""
    try:
        with tries.one(client):
            return 0
    except TooMany as error:
        return error.retry_after


def test_each_client_has_its_tries_and_its_period(tries: Tries, clock: Clock) -> None:
    for _ in range(ALLOWED):
        assert waits(tries, "a") == 0
        wrong(tries, "a")
    assert waits(tries, "a") == PERIOD
    assert waits(tries, "b") == 0
    clock.now += PERIOD - 0.5
    assert waits(tries, "a") == 1
    clock.now += 0.5
    assert waits(tries, "a") == 0


def test_what_is_under_way_counts(tries: Tries) -> None:
    under_way = [tries.one("a") for _ in range(ALLOWED)]
    for one in under_way:
        one.__enter__()
    assert waits(tries, "a") == PERIOD
    for one in under_way:
        one.__exit__(None, None, None)
    assert waits(tries, "a") == 0


def test_a_lost_database_is_nobody_s_guess(tries: Tries) -> None:
    for _ in range(2 * ALLOWED):
        with pytest.raises(StoreUnavailable), tries.one("a"):
            raise StoreUnavailable("gone")
    assert waits(tries, "a") == 0


def test_memory_is_bounded(tries: Tries) -> None:
    slow = tries.one("slow")
    slow.__enter__()
    for number in range(CAPACITY + 10):
        wrong(tries, str(number))
    assert len(tries._counts) == CAPACITY
    slow.__exit__(None, None, None)  # forgotten meanwhile
    assert len(tries._counts) == CAPACITY


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("testclient", "testclient", True),
    ],
)
def test_a_client_is_its_address_or_its_network(one: str, other: str, same: bool) -> None:
    first, second = (Request({"type": "http", "client": (host, 1)}) for host in (one, other))
    assert (client_of(first) == client_of(second)) is same
    assert one not in client_of(first), "no address is kept"
    assert client_of(Request({"type": "http", "client": None})) != client_of(first)


def try_out(cast: Cast, code: str) -> tuple[int, str | None]:
    """Status and, of a refusal, its slug."""
    answer = cast.public.post("/devices/activate", {"activation_code": code})
    if answer.status_code == 429:
        assert 0 < int(answer.headers["retry-after"]) <= PERIOD
    return answer.status_code, answer.json().get("type", "").removeprefix("/problems/") or None


def mistyped(code: str) -> str:
    return code[:-1] + ("0" if code[-1] != "0" else "1")


WRONG, WAIT, RIGHT = (403, "activation-refused"), (429, "too-many-tries"), (200, None)


def test_who_has_guessed_too_often_has_one_try_a_device(cast: Cast, service: Service) -> None:
    form = {"site_id": cast.stall.site["id"], "kind": "scale"}
    one, other, third = (cast.market.made("/devices", {**form, "name": f"秤 {n}"})["activation_code"] for n in range(3))
    assert try_out(cast, mistyped(third)) == WRONG
    for number in range(ALLOWED - 1):
        assert try_out(cast, f"{9_000 + number}-0000-0000") == WRONG
    # Whoever else is behind this address types the right code and is let in.
    assert try_out(cast, one) == RIGHT
    # A wrong one is told nothing but to wait, and is counted; after that, and for a device that was tried, all wait.
    assert try_out(cast, mistyped(other)) == WAIT
    assert try_out(cast, other) == WAIT
    assert try_out(cast, third) == WAIT
    for code in ("9000-0000-0000", "no code", one):
        assert try_out(cast, code) == WAIT
    object.__setattr__(service, "tries", Tries())  # a minute later, or at another address
    assert try_out(cast, third) == RIGHT
    # Five tries of a code it is, however they come: one was beyond.
    assert [try_out(cast, mistyped(other)) for _ in range(4)] == [WRONG] * 4
    assert try_out(cast, other) == WRONG
    # Nobody waits for having done it right.
    for number in range(2 * ALLOWED):
        cast.scale(cast.stall, f"更多 {number}")


def test_guessing_on_and_on_uses_up_one_try_a_device(cast: Cast, service: Service) -> None:
    form = {"site_id": cast.stall.site["id"], "kind": "scale", "name": "秤"}
    code = cast.market.made("/devices", form)["activation_code"]
    for number in range(ALLOWED):
        try_out(cast, f"{9_000 + number}-0000-0000")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: try_out(cast, mistyped(code)), range(40))) == {WAIT}
    object.__setattr__(service, "tries", Tries())
    assert try_out(cast, code) == RIGHT
