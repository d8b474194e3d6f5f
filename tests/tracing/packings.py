"""Random chains of captured goods that travel packed, in crates on pallets that are used again, with a book of their
own of what was where: it knows of packing only that what is in a crate goes where the crate goes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.exchanging.world import FARM, MARKET, PLANT, STALL, happened

SITES = (FARM, PLANT, MARKET, STALL)
ITEM = "https://id.gs1.org/01/04012345123456/21/{}"

Place = tuple[str, str]  # an item and a site


def sscc(number: int) -> str:
    """With its check digit."""
    digits = f"04012345{number:09}"
    weighted = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(digits))
    return f"https://id.gs1.org/00/{digits}{-weighted % 10}"


@dataclass(slots=True)
class Packings:
    """One world, an event at a time. Goods go on along SITES, never back: a custody is an item at a site."""

    luck: random.Random
    name: str
    at: dict[str, int] = field(default_factory=dict)  # item or unit → index of its site
    inside: dict[str, str] = field(default_factory=dict)  # item or unit → the unit it is in
    gone: set[str] = field(default_factory=set)  # items that something was made of
    links: set[tuple[Place, Place]] = field(default_factory=set)
    items: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    hour: int = 0

    def events(self, number: int) -> Iterator[dict[str, Any]]:
        ways = [self._make, self._make, self._pack, self._pack, self._pack, self._move, self._move, self._move,
                self._unpack, self._turn, self._see]  # fmt: skip
        while number:
            event = self.luck.choice(ways)()
            if event is not None:
                number -= 1
                self.hour += 1
                yield event

    # --- what the book says ---

    def places(self) -> set[Place]:
        return {place for link in self.links for place in link} | {(item, SITES[self.at[item]]) for item in self.items}

    def reached(self, item: str, *, back: bool) -> set[Place]:
        """From all places where the item was: what came of it, or what it came from."""
        found = {place for place in self.places() if place[0] == item}
        ahead = set(found)
        while ahead:
            ahead = {(link[0] if back else link[1]) for link in self.links if link[1 if back else 0] in ahead} - found
            found |= ahead
        return found

    # --- what happens ---

    def _event(self, kind: str, site: int, step: str, **fields: Any) -> dict[str, Any]:
        return happened(self.hour, kind, SITES[site], step, **fields)

    def _loose(self) -> list[str]:
        return [item for item in self.items if item not in self.inside and item not in self.gone]

    def _contents(self, unit: str) -> list[str]:
        return [one for one, where in self.inside.items() if where == unit]

    def _within(self, unit: str) -> Iterator[str]:
        """The unit and all that is in it, however deep."""
        yield unit
        for one in self._contents(unit):
            yield from self._within(one)

    def _make(self) -> dict[str, Any]:
        made = [ITEM.format(f"{self.name}{len(self.items) + i}") for i in range(self.luck.randint(1, 3))]
        site = self.luck.randint(0, 1)
        self.items += made
        self.at |= dict.fromkeys(made, site)
        return self._event("ObjectEvent", site, "commissioning", action="ADD", epcList=made)

    def _pack(self) -> dict[str, Any] | None:
        """Loose items, or loose units, into a unit: a new one, or one that is there or empty."""
        outer = [unit for unit in self.units if unit not in self.inside]
        full = [unit for unit in outer if self._contents(unit)]
        loose = full if full and self.luck.random() < 0.3 else self._loose()
        if not loose:
            return None
        site = self.at[self.luck.choice(loose)]
        here = [one for one in loose if self.at[one] == site]
        chosen = self.luck.sample(here, self.luck.randint(1, min(3, len(here))))
        fit = [unit for unit in outer if unit not in chosen and (not self._contents(unit) or self.at[unit] == site)]
        if fit and self.luck.random() < 0.6:
            unit = self.luck.choice(fit)
        else:
            unit = sscc(int(self.name, 36) * 100 + len(self.units))
            self.units.append(unit)
        self.at[unit] = site
        self.inside |= dict.fromkeys(chosen, unit)
        return self._event("AggregationEvent", site, "packing", action="ADD", parentID=unit, childEPCs=chosen)

    def _unpack(self) -> dict[str, Any] | None:
        units = [unit for unit in self.units if self._contents(unit) and unit not in self.inside]
        if not units:
            return None
        unit = self.luck.choice(units)
        there = self._contents(unit)
        out = there if self.luck.random() < 0.6 else self.luck.sample(there, self.luck.randint(1, len(there)))
        for one in out:
            del self.inside[one]
        said = {} if len(out) == len(there) and self.luck.random() < 0.5 else {"childEPCs": out}  # all of it, or these
        return self._event("AggregationEvent", self.at[unit], "unpacking", action="DELETE", parentID=unit, **said)

    def _move(self) -> dict[str, Any] | None:
        """Something loose arrives further on, with all that is in it."""
        loose = [one for one in [*self._loose(), *self.units] if one not in self.inside and self.at[one] < 3]
        if not loose:
            return None
        one = self.luck.choice(loose)
        before = self.at[one]
        there = self.luck.randint(before + 1, 3)
        for each in list(self._within(one)):
            if each in self.at and each in self.items:
                self.links.add(((each, SITES[self.at[each]]), (each, SITES[there])))
            self.at[each] = there
        return self._event("ObjectEvent", there, "receiving", action="OBSERVE", epcList=[one])

    def _see(self) -> dict[str, Any] | None:
        """Something is seen where it is."""
        if not self.items:
            return None
        one = self.luck.choice([item for item in self.items if item not in self.gone] or self.items)
        return self._event("ObjectEvent", self.at[one], "inspecting", action="OBSERVE", epcList=[one])

    def _turn(self) -> dict[str, Any] | None:
        loose = self._loose()
        if not loose:
            return None
        site = self.at[self.luck.choice(loose)]
        used = [item for item in loose if self.at[item] == site][: self.luck.randint(1, 3)]
        made = [ITEM.format(f"{self.name}{len(self.items) + i}") for i in range(self.luck.randint(1, 2))]
        self.items += made
        self.gone.update(used)
        self.at |= dict.fromkeys(made, site)
        self.links |= {((one, SITES[site]), (other, SITES[site])) for one in used for other in made}
        return self._event("TransformationEvent", site, "commissioning", inputEPCList=used, outputEPCList=made)
