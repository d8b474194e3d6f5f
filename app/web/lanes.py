"""A way from several sources as lines that join: a row to a place, the nearest at the foot, side lines to the right.

Boxes beside each other leave a telephone no room for a name; here a place has the width of the page, and a branch
takes a lane more only where it joins a longer one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from app.scanning import Place

# A line beside these stands in words.
LANES = 6

Level = Literal["head", "dot", "foot"]  # of a row


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line within one row."""

    from_lane: int
    from_level: Level
    to_lane: int
    to_level: Level


@dataclass(slots=True)
class Row:
    """A place, its dot in `lane`; names of the places that lines lead from it to, and of those that none does."""

    place: Place
    lane: int
    strokes: list[Stroke] = field(default_factory=list)
    into: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Where it is, or who or what."""
        shown = self.place.shown or {}
        return next((str(known["name"]) for key in ("site", "party", "product") if (known := shown.get(key))), "")

    @property
    def lanes(self) -> int:
        return 1 + max([self.lane, *(max(stroke.from_lane, stroke.to_lane) for stroke in self.strokes)])


def rows_of(places: Sequence[Place]) -> list[Row]:
    """From the farthest to the nearest, which `places` begins with; every source stands above what it went into."""
    known = {place.id: place for place in places}
    order, lane, joins = _placed(known, places[0].id)
    rows = {key: Row(known[key], lane[key]) for key in order}
    at = {key: i for i, key in enumerate(order)}  # from the foot
    for source, target in joins.items():
        rows[source].into.append(rows[target].name)
        if lane[source] == lane[target]:
            _line(rows, order[at[target] : at[source] + 1], lane[source])
        else:
            rows[source].strokes.append(Stroke(lane[source], "dot", lane[target], "foot"))
    taken = [(at[target], at[source], lane[source]) for source, target in joins.items()]
    for target in order:
        for source in known[target].sources:
            if joins[source] == target:
                continue
            span = order[at[target] : at[source] + 1]
            free = 1 + max(lane[key] for key in span)
            used = {line for foot, head, line in taken if foot < at[source] and at[target] < head}
            while free in used:
                free += 1
            if free >= LANES:
                rows[source].also.append(rows[target].name)
                continue
            rows[source].into.append(rows[target].name)
            taken.append((at[target], at[source], free))
            _line(rows, span, free)
    return [rows[key] for key in reversed(order)]


def _placed(known: Mapping[UUID, Place], root: UUID) -> tuple[list[UUID], Mapping[UUID, int], Mapping[UUID, UUID]]:
    """The rows from the foot up, the lane of each, and what each source is drawn beside: the farthest on its way."""
    waiting: dict[UUID, int] = defaultdict(int)
    for place in known.values():
        for source in place.sources:
            waiting[source] += 1
    order: list[UUID] = []
    lane: dict[UUID, int] = {}
    joins: dict[UUID, UUID] = {}
    behind = {key: _behind(known, key) for key in known}

    def put(key: UUID, at: int) -> None:
        order.append(key)
        lane[key] = at
        for source in known[key].sources:
            waiting[source] -= 1
        ready = sorted((s for s in known[key].sources if not waiting[s]), key=lambda source: len(behind[source]))
        for source in ready:
            joins[source] = key
        for source in ready:
            put(source, at if source == ready[-1] else at + 1)

    put(root, 0)
    return order, lane, joins


def _behind(known: Mapping[UUID, Place], key: UUID) -> set[UUID]:
    """Everything that it came from."""
    found: set[UUID] = set()
    ahead = [key]
    while ahead:
        new = set(known[ahead.pop()].sources) - found
        found |= new
        ahead += new
    return found


def _line(rows: Mapping[UUID, Row], span: Sequence[UUID], lane: int) -> None:
    """From the uppermost place of a span (the last) down to the lowest (the first), in a lane of its own or theirs."""
    target, *between, source = span
    rows[source].strokes.append(Stroke(rows[source].lane, "dot", lane, "foot"))
    for key in between:
        rows[key].strokes.append(Stroke(lane, "head", lane, "foot"))
    rows[target].strokes.append(Stroke(lane, "head", rows[target].lane, "dot"))
