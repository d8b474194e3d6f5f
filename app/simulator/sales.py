"""Sales as scales make them. A sale follows from its scale and its number alone: nothing of it need be remembered to
send it again, or to compare it with what the service holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from app.simulator.plan import CHINA, OPENS, open_second

# A line as it is compared: custody, product, grams, pieces, fen.
Line = tuple[str | None, str | None, int | None, int | None, int | None]

_BATCHLESS = 0.04  # of the lines name the product alone
_PAYMENTS = ("mobile", "mobile", "mobile", "cash", "card")


@dataclass(frozen=True, slots=True)
class Goods:
    """What a stall has on sale on a day; `price_fen` for a 斤, or for a piece where it is sold by `count`."""

    custody_id: str
    product_id: str
    counted: bool
    price_fen: int


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale's body without its counter, and its lines as they are compared."""

    event_time: str
    body: Mapping[str, Any]
    lines: tuple[Line, ...]


class Book:
    """All sales that one physical scale makes: number `counter` is made on day `counter // sales`.

    `skew` is how far its clock is ahead; `goods` are filled in day by day."""

    def __init__(self, name: str, sales: int, days: Sequence[date], skew: timedelta) -> None:
        self._name = name
        self._sales = sales
        self._days = days
        self._skew = skew
        self.goods: list[Sequence[Goods]] = []

    @cached_property
    def total(self) -> int:
        return self._sales * len(self._days)

    def open_second(self, counter: int) -> float:
        """When on its day the sale is made, in seconds after opening; later for a higher counter."""
        return open_second((counter % self._sales + 0.5) / self._sales)

    def sale(self, counter: int) -> Sale:
        draw = Random(f"{self._name}/{counter}")
        day = counter // self._sales
        at = timedelta(hours=OPENS, seconds=round(self.open_second(counter)))
        midnight = datetime(*self._days[day].timetuple()[:3], tzinfo=CHINA)
        event_time = (midnight + at + self._skew).isoformat()
        said, lines = [], []
        for _ in range(draw.choices((1, 2, 3, 4), (55, 25, 14, 6))[0]):
            told, line = _line(draw, draw.choice(self.goods[day]))
            said.append(told)
            lines.append(line)
        body = {
            "event_time": event_time,
            "lines": said,
            "operator": f"{draw.randrange(1, 4):02}",
            "payment": draw.choice(_PAYMENTS),
        }
        return Sale(event_time, body, tuple(lines))


def _line(draw: Random, goods: Goods) -> tuple[dict[str, Any], Line]:
    """A line as it is sent, and as it is compared."""
    named = None if draw.random() < _BATCHLESS else goods.custody_id
    grams = pieces = None
    if goods.counted:
        pieces = draw.choice((1, 1, 2, 3, 6, 10, 30))
        value, unit = str(pieces), draw.choice(("个", "枚", "只"))
        fen = goods.price_fen * pieces
    else:
        grams = 5 * max(10, min(1_000, round(draw.lognormvariate(5.0, 0.7))))  # 50 g to 5 kg, mostly 300 g to 1.5 kg
        value, unit = _entered(draw, grams)
        fen = round(goods.price_fen * grams / 500)
    told = {
        "custody_id": named,
        "product_id": None if named else goods.product_id,
        "quantity": {"value": value, "unit": unit},
        "amount_fen": fen,
    }
    return told, (named, goods.product_id, grams, pieces, fen)


_UNITS = (("斤", 500, 2), ("公斤", 1000, 3), ("g", 1, 0))


def _entered(draw: Random, grams: int) -> tuple[str, str]:
    """The grams, a multiple of 5, exactly, in one of the units that scales show."""
    unit, size, decimals = draw.choices(_UNITS, (70, 20, 10))[0]
    scaled = grams * 10**decimals // size
    if decimals == 0:
        return str(scaled), unit
    return f"{scaled // 10**decimals}.{scaled % 10**decimals:0{decimals}}", unit
