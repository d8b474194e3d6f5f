"""How much of a custody's goods came from where: ranges that hold whatever really lay in the crates."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.graph import Balance
from app.domain.shares import Made, Part, Range, amounts, closure, shares


def pure(parent: str, taken: float | None = 1.0, weight: float | None = 10.0) -> Part[str]:
    return Part(parent, taken, weight)


def test_a_mixture_of_two_leaves_a_range_to_each_that_takes_some() -> None:
    """60 of one and 40 of another are mixed; of 70 that are taken, 30 to 60 are of the first."""
    made = {
        "mix": Made([pure("a", 1.0, 60), pure("b", 1.0, 40)], None),
        "taken": Made([pure("mix", 0.7, 70)], 70),
        "all": Made([pure("mix", 1.0, 100)], 100),
    }
    found = shares(["a", "b", "mix", "taken", "all"], made, {"a": "a", "b": "b"}, 100)
    assert found is not None
    assert amounts(found["taken"]["a"], 70) == (30, 60)
    assert amounts(found["taken"]["b"], 70) == (10, 40)
    assert amounts(found["all"]["a"], 100) == (60, 60)


def test_of_what_several_outputs_are_made_is_a_range_unless_the_input_is_pure() -> None:
    made = {
        "mix": Made([pure("a", 1.0, 50), pure("b", 1.0, 50)], None),
        "ham": Made([pure("mix", 1.0, 100)], None, 0.25),
        "loin": Made([pure("mix", 1.0, 100)], None, None),
        "pure": Made([pure("a", 1.0, 50)], None, None),
    }
    found = shares(["a", "b", "mix", "ham", "loin", "pure"], made, {"a": "a", "b": "b"}, 100)
    assert found is not None
    assert found["ham"]["a"] == found["loin"]["a"] == Range(0, 1)
    assert found["pure"]["a"] == Range(1, 1)


def test_what_is_not_known_may_be_anything() -> None:
    made = {
        "unweighed": Made([pure("a", None, None), pure("b", None, None)], 100),
        "more": Made([pure("a", 1.0, 80)], 100),
        "less": Made([pure("a", 1.0, 80)], 60),
    }
    found = shares(["a", "b", "unweighed", "more", "less", "alone"], made, {"a": "a", "b": "b"}, 100)
    assert found is not None
    assert found["unweighed"] == {"a": Range(0, 1), "b": Range(0, 1)}
    assert amounts(found["more"]["a"], 100) == (80, 100), "who brought the other 20 nobody wrote down"
    assert amounts(found["less"]["a"], 60) == (60, 60)
    assert found["alone"] == {}


def test_a_circle_may_hold_anything_and_too_much_is_said_to_be() -> None:
    made = {"x": Made([pure("y")], 10), "y": Made([pure("x"), pure("a")], 20.0)}
    assert shares(["a", "x", "y"], made, {"a": "a"}, 100) == {
        "a": {"a": Range(1, 1)}, "x": {"a": Range(0, 1)}, "y": {"a": Range(0.5, 1)},
    }  # fmt: skip
    assert shares(["a", "x", "y"], made, {"a": "a"}, 2) is None


@given(st.integers(0, 2**32))
def test_what_is_really_in_a_crate_lies_within_its_range(seed: int) -> None:
    """Goods are carried about gram by gram, as it happens; a process of several outputs deals out of one tub."""
    luck = random.Random(seed)
    crates: dict[str, list[str]] = {}
    left: dict[str, list[str]] = {}
    made: dict[str, Made[str]] = {}
    sources = [f"source {i}" for i in range(luck.randint(1, 4))]
    for name in sources:
        crates[name] = [name] * luck.randint(1, 30)
        left[name] = list(crates[name])
    for step in range(luck.randint(1, 10)):
        givers = [name for name in luck.sample(sorted(left), min(len(left), luck.randint(1, 3))) if left[name]]
        if not givers:
            continue
        taken = {name: _grab(luck, left[name]) for name in givers}
        parts = [Part(name, len(grams) / len(crates[name]), len(grams)) for name, grams in taken.items()]
        tub = [gram for grams in taken.values() for gram in grams]
        names = [f"made {step}.{i}" for i in range(min(len(tub), luck.randint(1, 3)))]
        cuts = sorted(luck.sample(range(1, len(tub)), len(names) - 1))
        luck.shuffle(tub)
        for name, since, until in zip(names, [0, *cuts], [*cuts, len(tub)], strict=True):
            crates[name] = tub[since:until]
            left[name] = list(crates[name])
            whole = len(tub) if len(names) == 1 else None
            made[name] = Made(parts, whole, (until - since) / len(tub))
    found = shares(list(crates), made, {name: name for name in sources}, 10_000)
    assert found is not None
    for name, grams in crates.items():
        truth = Counter(grams)
        for source in sources:
            least, most = amounts(found[name].get(source, Range(0, 0)), len(grams))
            assert least <= truth[source] <= most, (name, source)
        assert sum(amounts(range_, len(grams))[0] for range_ in found[name].values()) <= len(grams)


def _grab(luck: random.Random, crate: list[str]) -> list[str]:
    number = luck.randint(1, len(crate))
    luck.shuffle(crate)
    grabbed, crate[:] = crate[:number], crate[number:]
    return grabbed


@pytest.mark.parametrize(
    ("balance", "arrived", "claimed", "expected"),
    [
        (Balance(100, 40, 60, 0, 0, 0, 0), 100, 0, ("closed", 0)),
        (Balance(100, 40, 0, 0, 0, 0, 0), None, 0, ("closed", 0)),
        (Balance(100, 40, 60, 0, 0, 0, 0), 100, 30, ("claimed", 0)),
        (Balance(100, 70, 60, 0, 0, 0, 0), 100, 30, ("unexplained", 30)),
        (Balance(90, 40, 0, 0, 0, 0, 0), 100, 0, ("unexplained", 10)),
        (Balance(100, 40, 0, 0, 0, 0, -5), 100, 0, ("unexplained", 5)),
    ],
)
def test_whether_quantities_close(
    balance: Balance, arrived: int | None, claimed: int, expected: tuple[str, int]
) -> None:
    assert closure(balance, arrived, claimed) == expected
