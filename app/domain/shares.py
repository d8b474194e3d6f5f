"""How sure a trace can be of its quantities: what of a custody's goods came from where, at least and at most.

A custody's goods are a mixture of which nobody knows how it lies in the crate: what is taken out of it may hold all of
one source or nothing of it, as far as the amounts allow. So every share is a range. Two things are taken for granted: a
process loses of all of its inputs alike, and what a custody gave away beyond what came in was of unknown origin.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Generic, Literal, NamedTuple, TypeVar

from app.domain.graph import Balance

KeyT = TypeVar("KeyT", bound=Hashable)
State = Literal["closed", "claimed", "unexplained"]

_EXACT = 1e-9
_WHOLE = 1e-6  # of a gram or piece, lost in floats


class Range(NamedTuple):
    """Of a custody's goods, as parts of one: at least, and at most."""

    least: float
    most: float


NOTHING, ALL = Range(0.0, 0.0), Range(1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Part(Generic[KeyT]):
    """What came from one parent. `taken`: the part of the parent's goods that it is; `weight`: its amount, in one unit
    for all parts of a custody. None where unknown."""

    parent: KeyT
    taken: float | None
    weight: float | None


@dataclass(frozen=True, slots=True)
class Made(Generic[KeyT]):
    """A custody by what came into it. `whole`: its amount in the unit of the weights, None after a process, which
    changes it; `output`: what part of all that the process made it is, None where unknown, 1 where nothing else was
    made."""

    parts: Sequence[Part[KeyT]]
    whole: float | None
    output: float | None = 1.0


def shares(
    order: Iterable[KeyT], made: Mapping[KeyT, Made[KeyT]], origins: Mapping[KeyT, Hashable], bound: int
) -> dict[KeyT, dict[Hashable, Range]] | None:
    """Of each custody: origin → what part of its goods came from there, origins without any left out.

    `order`: parents before children; a link from what comes later (captured events can run in circles) may have
    brought anything that is on the way. `origins`: custodies all of whose goods count as this origin's. None where
    there would be more than `bound` ranges.
    """
    found: dict[KeyT, dict[Hashable, Range]] = {}
    due = made.keys() | origins.keys()
    names = list(dict.fromkeys(origins.values()))
    size = 0
    for key in order:
        if key in origins:
            found[key] = {origins[key]: ALL}
        elif key in made:
            here = made[key]
            if any(part.parent in due and part.parent not in found for part in here.parts):
                found[key] = {name: Range(0.0, 1.0) for name in names}
            else:
                held = dict.fromkeys(name for part in here.parts for name in found.get(part.parent, ()))
                mixed = {name: _mixed(here, [found.get(p.parent, {}).get(name, NOTHING) for p in here.parts])
                         for name in held}  # fmt: skip
                found[key] = {name: range_ for name, range_ in mixed.items() if range_.most > _EXACT}
        else:
            found[key] = {}
        size += len(found[key])
        if size > bound:
            return None
    return found


def _mixed(made: Made[KeyT], held: Sequence[Range]) -> Range:
    taken = [_taken(part.taken, range_) for part, range_ in zip(made.parts, held, strict=True)]
    weights = [part.weight for part in made.parts]
    total = sum(weight for weight in weights if weight is not None)
    if None in weights or total <= 0:
        mixed = Range(min(range_.least for range_ in taken), max(range_.most for range_ in taken))
    else:
        # What arrived beyond what was sent may have come from anywhere, here too.
        whole = max(total, made.whole or 0.0)
        parts = [(weight or 0.0, range_) for weight, range_ in zip(weights, taken, strict=True)]
        least = sum(weight * range_.least for weight, range_ in parts) / whole
        most = sum(weight * range_.most for weight, range_ in parts) / whole
        mixed = Range(least, min(1.0, most + (whole - total) / whole if most > _EXACT else most))
    return _taken(made.output, mixed)


def _taken(part: float | None, whole: Range) -> Range:
    """Of a part that was taken out of a mixture, by what is known of the mixture."""
    if part is None or part <= 0:
        return Range(1.0 if whole.least > 1 - _EXACT else 0.0, 1.0 if whole.most > _EXACT else 0.0)
    part = min(part, 1.0)
    return Range(max(0.0, whole.least - (1 - part)) / part, min(1.0, whole.most / part))


def amounts(share: Range, whole: int) -> tuple[int, int]:
    """(at least, at most) of so many grams or pieces, neither more exact than the other."""
    return max(0, floor(share.least * whole + _WHOLE)), min(whole, ceil(share.most * whole - _WHOLE))


def closure(balance: Balance, arrived: int | None, claimed: int) -> tuple[State, int]:
    """Whether a custody's amounts close, and how much of them is unexplained.

    `arrived`: the sum of what was sent to it, None where that cannot be compared (a process changes it); `claimed`:
    what of it only its receiver says. Unexplained is what went out beyond what came in, what came in beyond or short
    of what was sent, and what a stock-taking missed or found.
    """
    over = max(0, balance.left - balance.received)
    sent = 0 if arrived is None else abs(balance.received - arrived)
    unexplained = over + sent + abs(balance.unexplained)
    return ("unexplained" if unexplained else "claimed" if claimed else "closed"), unexplained
