"""What is played: how many markets, stalls and sales, what may go wrong with a scale, and the shape of a market day."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from itertools import accumulate

CHINA = timezone(timedelta(hours=8))
OPENS, CLOSES = 5, 20  # o'clock
OPEN_SECONDS = (CLOSES - OPENS) * 3600
# How busy each hour is: the morning's shopping, and what is missing for dinner.
_HOURS = (4, 10, 14, 12, 8, 5, 4, 3, 2, 4, 9, 13, 8, 3, 1)
_UNTIL = [0, *accumulate(_HOURS)]


@dataclass(frozen=True, slots=True)
class Habits:
    """What goes wrong, and how often. Shares are of the scales, chances of the uploads; `copied` counts scales whose
    secret and numbers a second scale uses too."""

    offline: float = 0.3
    wrong_clocks: float = 0.1
    power_cuts: float = 0.1
    copied: int = 1
    lost_answers: float = 0.03
    resends: float = 0.05


QUIET = Habits(0, 0, 0, 0, 0, 0)
"""Nothing goes wrong but what the test itself does."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`stalls` a market, `sales` a stall and day, `batches` a stall and day; `seconds` that a day takes.

    `connections` at most at a time; without any answer for `patience` seconds it is given up. `backlog`: every scale
    is offline until the market closes. ValueError for what cannot be played.
    """

    markets: int
    stalls: int
    sales: int
    days: int = 1
    seconds: float = 60.0
    seed: int = 1
    batches: int = 8
    connections: int = 64
    patience: float = 120.0
    backlog: bool = False
    habits: Habits = field(default_factory=Habits)

    def __post_init__(self) -> None:
        if min(self.markets, self.stalls, self.sales, self.days, self.batches, self.connections) < 1:
            raise ValueError("市场、摊位、销售、天数至少为 1 · markets, stalls, sales and days are at least 1")
        if self.habits.copied > self.markets * self.stalls:
            raise ValueError("复制的秤多于秤 · more copied scales than scales")

    @property
    def scales(self) -> int:
        return self.markets * self.stalls

    @property
    def sales_of_a_scale(self) -> int:
        return self.sales * self.days

    @property
    def total(self) -> int:
        """Sales of all scales, the copies' included."""
        return (self.scales + self.habits.copied) * self.sales_of_a_scale


def open_second(share: float) -> float:
    """When, in seconds after opening, so much of a day's sales (0 to 1) has been made."""
    target = share * _UNTIL[-1]
    hour = min(bisect_right(_UNTIL, target), len(_HOURS)) - 1
    return 3600.0 * (hour + (target - _UNTIL[hour]) / _HOURS[hour])


def day_played(today: date, plan: Plan, day: int) -> date:
    """The calendar day that is played as the day of this number; the last is yesterday."""
    return today - timedelta(days=plan.days - day)
