"""What keeps goods off a scale."""

from datetime import date

import pytest

from app.domain.selling import Against, hold_reason, obstacles

DAY = date(2026, 3, 10)


def slugs(**said: object) -> list[str]:
    facts: dict[str, object] = {"refused": False, "expires_on": None, "withdrawal_until": None, "day": DAY, **said}
    holds = facts.pop("holds", ())
    return [obstacle.slug for obstacle in obstacles(holds, **facts)]  # type: ignore[arg-type]


def test_goods_that_nothing_stands_against() -> None:
    assert slugs() == []
    assert slugs(expires_on=DAY, withdrawal_until=DAY) == []  # its last day of life, its first day of sale


def test_everything_that_stands_against_them() -> None:
    found = slugs(
        holds=[Against("待复检 · to be tested again", False), Against("召回 · recalled", True)],
        refused=True,
        expires_on=date(2026, 3, 9),
        withdrawal_until=date(2026, 3, 11),
    )
    assert found == ["recalled_goods", "held_goods", "refused_goods", "expired_goods", "withdrawal_period"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("毒死蜱 0.15mg/kg (rapid)", "快检不合格：毒死蜱 0.15mg/kg · rapid test failed: 毒死蜱 0.15mg/kg"),
        ("毒死蜱 (laboratory)", "实验室检测不合格：毒死蜱 · laboratory test failed: 毒死蜱"),
        ("毒死蜱", "检测不合格：毒死蜱 · test failed: 毒死蜱"),
    ],
)
def test_a_test_that_holds_says_its_own_words(reason: str, said: str) -> None:
    assert hold_reason(reason, automatic=True) == said
    assert hold_reason(reason, automatic=False) == reason
