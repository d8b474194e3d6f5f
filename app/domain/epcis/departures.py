"""Goods that are said to have left a place, less what was said later not to have left: void_shipping (CBV 2.0 §7.1.2)
declares that objects in an earlier outbound process, all or some, were not shipped."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.domain.epcis.asserted import Asserters, takes_back
from app.domain.epcis.captured import Amount, CapturedEvent, papers_of
from app.domain.epcis.named import sent_to_as

VOID_SHIPPING: Final = "void_shipping"

Stay = tuple[str, str]  # EPC, site


@dataclass(slots=True)
class Departure:
    """By `event`, from a site; `amount` is what is left of it, `left` whether anything is."""

    site_uri: str
    event: CapturedEvent
    amount: Amount
    left: bool = True

    def take(self, amount: Amount) -> Amount | None:
        """Takes so much back, all of it where that is not said. Returns what is over for an earlier departure; None
        where nothing is, and as it came where the two cannot be compared."""
        if amount == Amount():
            self.left, self.amount = False, Amount()
            return None
        pairs = [(own, other) for own, other in zip(self.amount, amount, strict=True) if None not in (own, other)]
        if not pairs:
            return amount
        rest = Amount(*map(_less, self.amount, amount))
        over = Amount(*map(_less, amount, self.amount))
        self.left = any(rest)
        self.amount = rest if self.left else Amount()
        return over if any(over) else None


def _less(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one - other, 0)


def _covers(left: Iterable[Amount], came: Amount) -> bool:
    """Whether so much may have left; an amount that nobody knows may be any."""
    listed = list(left)
    if Amount() in listed:
        return True
    grams, pieces = (sum(one[i] or 0 for one in listed) for i in (0, 1))
    return bool(listed) and (came.grams or 0) <= grams and (came.pieces or 0) <= pieces


class Departures:
    """Of all goods, by EPC."""

    def __init__(self, asserted: Asserters) -> None:
        self._asserted = asserted
        self._of: dict[str, list[Departure]] = defaultdict(list)
        self._voids: list[tuple[str, str, CapturedEvent, Amount]] = []
        self._voided: dict[Stay, list[UUID]] = defaultdict(list)
        self.in_vain: list[tuple[str, UUID]] = []

    def leave(self, epc: str, site_uri: str, event: CapturedEvent, amount: Amount) -> None:
        """Events come in their order."""
        self._of[epc].append(Departure(site_uri, event, amount))

    def void(self, epc: str, site_uri: str, event: CapturedEvent, amount: Amount) -> None:
        self._voids.append((epc, site_uri, event, amount))

    def settle(self) -> None:
        """Takes back what is void: the latest departure until then that the same party reported, from where the goods
        are said to be still, else from anywhere. `in_vain`: the EPCs of which that takes back nothing, with the event
        that wanted to."""
        for epc, site_uri, event, amount in self._voids:
            told = [one for one in self._of.get(epc, ()) if takes_back(event, one.event, self._asserted)]
            all_ = [one for one in told if one.left and _concerns(event, one.event)]
            listed = [one for one in all_ if one.site_uri == site_uri] or all_
            before = [(one.left, one.amount) for one in listed]
            # Several steps may tell of one departure.
            for step in {one.event.biz_step for one in listed}:
                over: Amount | None = amount
                for one in reversed(listed):
                    if over is not None and one.event.biz_step == step:
                        over = one.take(over)
            changed = [one for one, was in zip(listed, before, strict=True) if (one.left, one.amount) != was]
            for place in {one.site_uri for one in changed}:
                self._voided[epc, place].append(event.event_id)
            if not changed:
                self.in_vain.append((epc, event.event_id))

    def arrived(self, moved: Iterable[tuple[Stay, Amount]]) -> Iterator[tuple[str, UUID]]:
        """EPCs of which more has come from where it was than, after something was taken back, has left there; each with
        what took it back."""
        came: dict[Stay, Amount] = {}
        for stay, amount in moved if self._voided else ():
            if stay in self._voided:
                came[stay] = came[stay].plus(amount) if stay in came else amount
        for (epc, site_uri), amount in came.items():
            steps: dict[str, list[Amount]] = defaultdict(list)
            for one in self._of[epc]:
                if one.left and one.site_uri == site_uri:
                    steps[one.event.biz_step].append(one.amount)
            if not any(_covers(listed, amount) for listed in steps.values()):
                yield from ((epc, event) for event in self._voided[epc, site_uri])

    def all(self) -> Iterator[tuple[str, Departure]]:
        return ((epc, one) for epc, departures in self._of.items() for one in departures)

    def from_sites(self) -> Mapping[str, list[tuple[datetime, str]]]:
        """EPC → (when, from which site) of what has left, in order."""
        return {
            epc: [(one.event.event_time, one.site_uri) for one in departures if one.left]
            for epc, departures in self._of.items()
        }


def _concerns(void: CapturedEvent, shipping: CapturedEvent) -> bool:
    """Whether a shipment may be meant: it was before, and neither where it went nor, of any type that both name, its
    papers are others."""
    if shipping.event_time > void.event_time:
        return False
    to, meant = sent_to_as(shipping.body, "location"), sent_to_as(void.body, "location")
    if to is not None and meant is not None and to != meant:
        return False
    own, named = papers_of(shipping.body), papers_of(void.body)
    shared = {kind for kind, _ in own} & {kind for kind, _ in named}
    return not shared or any(paper in own for paper in named if paper[0] in shared)
