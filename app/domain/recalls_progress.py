"""How far a recall has come: which share of the quantity is accounted for, and which share of the parties has answered.

A party answers for what it has, or had, of the recalled goods and did not pass on to others: received − shipped −
processed. Of that is recovered what it says it has withdrawn (taken off sale and locked away), returned and destroyed,
or what the books show of returns and destruction, whichever is more, and never more than it answers for. What a stall
has returned to its supplier, both answer for: the stall for giving it back, the supplier for what becomes of it.

Effectiveness is the sum of what is recovered by the sum of what is answered for, by weight and by count apart; as one
figure, the lower of the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from app.domain.recalls import Answer, Notice, RecallPlace

WITHDRAWN = ("withdrawn", "returned", "destroyed")
Subject = tuple[UUID, UUID]  # party and product


@dataclass(frozen=True, slots=True)
class Share:
    """Of one party's goods of one product, in its measure: what it answers for, what the books show as returned or
    destroyed, what it says itself."""

    measure: str
    answers_for: int
    booked: int
    said: int

    @property
    def recovered(self) -> int:
        return max(0, min(max(self.booked, self.said), self.answers_for))


def shares(places: Iterable[RecallPlace], said: Mapping[Subject, Mapping[str, int]]) -> dict[Subject, Share]:
    """By party and product; places that nobody runs, that are no longer in the scope or handed over are left out."""
    found: dict[Subject, Share] = {}
    for place in places:
        if place.party_id is None or place.gone or place.beyond:
            continue
        key = (place.party_id, place.product_id)
        before = found.get(key, Share(place.measure, 0, 0, sum(said.get(key, {}).get(name, 0) for name in WITHDRAWN)))
        answers_for = max(0, place.received - place.shipped - place.processed)
        booked = place.returned + place.destroyed
        found[key] = Share(place.measure, before.answers_for + answers_for, before.booked + booked, before.said)
    return found


def latest(answers: Iterable[Answer]) -> dict[Subject, dict[str, int]]:
    """What each party says of each product as it stands: of every custody, and of a product as a whole, its latest line
    counts; one of the whole product takes the place of all lines before it."""
    known: dict[Subject, dict[str | None, Mapping[str, Any]]] = {}
    for answer in sorted(answers, key=lambda answer: (answer.record_time, str(answer.id))):
        for line in answer.lines:
            custody = line["custody_id"]
            lines = known.setdefault((answer.party_id, UUID(line["product_id"])), {})
            if custody is None:
                lines.clear()
            lines[custody] = line
    return {
        key: {name: sum(line[name] for line in lines.values()) for name in WITHDRAWN} for key, lines in known.items()
    }


@dataclass(frozen=True, slots=True)
class Part:
    """Of what is weighed, or of what is counted: grams or pieces."""

    answers_for: int
    recovered: int

    @property
    def percent(self) -> float | None:
        """To a tenth, rounded down: a hundred is all of it."""
        return percent(self.recovered, self.answers_for)


def percent(part: int, whole: int) -> float | None:
    return None if whole <= 0 else int(Fraction(part * 1000, whole)) / 10


def effectiveness(found: Iterable[Share]) -> dict[str, Part]:
    """{"weight": …, "count": …}."""
    listed = list(found)
    return {
        measure: Part(
            sum(share.answers_for for share in listed if share.measure == measure),
            sum(share.recovered for share in listed if share.measure == measure),
        )
        for measure in ("weight", "count")
    }


def lowest(parts: Mapping[str, Part]) -> float | None:
    """As one figure."""
    known = [part.percent for part in parts.values() if part.percent is not None]
    return min(known, default=None)


def answering(notices: Iterable[Notice]) -> dict[str, Any]:
    """How many parties are told, have heard and have answered: {"parties",…,"percent"}."""
    listed = [notice for notice in notices if notice.state != "withdrawn"]
    answered = sum(notice.state == "answered" for notice in listed)
    return {
        "parties": len(listed),
        "pending": sum(notice.state == "pending" for notice in listed),
        "notified": sum(notice.notified_at is not None for notice in listed),
        "acknowledged": sum(notice.acknowledged_at is not None for notice in listed),
        "answered": answered,
        "percent": percent(answered, len(listed)),
    }
