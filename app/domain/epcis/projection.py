"""From captured events to the custody graph: a pure function of the set of events, whatever order they came in.

A custody is (EPC, site). Logistic units are no custodies: what happens to a unit happens to what was in it at the time.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from app.domain.epcis.asserted import NOBODY, Asserters, without_voided
from app.domain.epcis.captured import (
    CHILDREN,
    INPUTS,
    OBJECTS,
    OUTPUTS,
    UNKNOWN_SITE,
    Amount,
    CapturedEvent,
    Lists,
    Measure,
    mentioned,
)
from app.domain.epcis.departures import VOID_SHIPPING, Departures
from app.domain.epcis.identifiers import class_parts
from app.domain.epcis.loops import in_loops
from app.domain.epcis.named import SHIPPING_STEPS
from app.domain.epcis.packing import FOREVER, Packing, Packings
from app.domain.quantities import from_uom

MAX_TRANSFORMATION_LINKS = 250_000
"""Inputs times outputs of one transformation; a wider one is flagged and links nothing."""

RECEIVING_STEPS = ("receiving", "accepting", "arriving", "unloading")
"""Business steps by which goods arrive, the telling one first: of several at one site only the first in this list
counts, or one delivery would be counted by each of its steps."""

Role = Literal[
    "commissioned", "decommissioned", "observed", "shipped", "received", "packed", "unpacked", "input", "output",
    "transaction", "associated",
]  # fmt: skip
LinkKind = Literal["move", "transform"]


class CustodyKey(NamedTuple):
    """Canonical EPC (or EPC class) and canonical site URI; the site is UNKNOWN_SITE where no event ever names one."""

    epc: str
    site_uri: str


class Custody(NamedTuple):
    """Goods at a site. `arrived_at` is the time of `first_event`, the earliest that touches them there. The amount is
    what was made or received there; `is_origin`: commissioned, added or put out by a transformation there."""

    epc: str
    site_uri: str
    first_event: UUID
    arrived_at: datetime
    grams: int | None
    pieces: int | None
    is_origin: bool

    @property
    def key(self) -> CustodyKey:
        return CustodyKey(self.epc, self.site_uri)


class Link(NamedTuple):
    """`child` has (part of) its goods from `parent`. The amount is the input's of a transformation, or what arrived."""

    parent: CustodyKey
    child: CustodyKey
    event_id: UUID
    kind: LinkKind
    grams: int | None
    pieces: int | None


class TimelineEntry(NamedTuple):
    """An event that touched the goods, in the custody that they were in, with the amount that it names of them."""

    epc: str
    site_uri: str
    event_id: UUID
    role: Role
    grams: int | None = None
    pieces: int | None = None


@dataclass(frozen=True)
class ProjectionFlag:
    """`loop`: the EPC is among its own ancestors, or a unit inside itself. `class_without_lot`: goods named by product
    only. `transformation_too_wide`: inputs and outputs of this EPC's transformation are too many to link.
    `nothing_to_void`, `arrived_though_void`: the void_shipping `event_id` found no shipment to take back, or more of it
    has arrived than is left of it."""

    slug: Literal["loop", "class_without_lot", "transformation_too_wide", "nothing_to_void", "arrived_though_void"]
    epc: str
    event_id: UUID | None = None


@dataclass(frozen=True)
class Projection:
    """The graph, every part sorted, so that equal sets of events give equal projections. `voided` are the events that
    an error declaration has taken back, each beside that declaration in `declared`; neither touches anything, nor do
    the declarations `unheeded`, of what somebody else has reported."""

    custodies: tuple[Custody, ...]
    links: tuple[Link, ...]
    packings: tuple[Packing, ...]
    timeline: tuple[TimelineEntry, ...]
    flags: tuple[ProjectionFlag, ...]
    voided: tuple[UUID, ...]
    declared: tuple[tuple[UUID, UUID], ...]
    unheeded: tuple[UUID, ...] = ()


def project(
    events: Iterable[CapturedEvent],
    measure: Measure = from_uom,
    only: Collection[str] | None = None,
    asserted: Asserters = NOBODY,
) -> Projection:
    """The custody graph of `events`. With `only`, the rows of those EPCs: custodies and timeline entries of theirs,
    links whose child is theirs, packings with them as unit or content; complete if `events` is what `closure` collects
    for them. A loop that leads through other goods as well is not looked for then: it needs all links. Raises what
    `measure` raises.
    """
    effective, voided, unheeded = without_voided(events, asserted)
    graph = _Graph(effective, measure, asserted)
    graph.touch()
    links = graph.links()
    flags = graph.flags | graph.voids(links)
    if only is None:
        flags |= {ProjectionFlag("loop", key.epc) for key in in_loops((x.parent, x.child) for x in links)}
    custodies = graph.custodies()
    flags |= {ProjectionFlag("class_without_lot", custody.epc) for custody in custodies if _lotless(custody.epc)}
    packings = graph.packings.all
    timeline = graph.timeline
    if only is not None:
        wanted = frozenset(only)
        custodies = [custody for custody in custodies if custody.epc in wanted]
        links = [link for link in links if link.child.epc in wanted]
        packings = [packing for packing in packings if packing.unit_epc in wanted or packing.content_epc in wanted]
        timeline = [entry for entry in timeline if entry.epc in wanted]
        flags = {flag for flag in flags if flag.epc in wanted}
    return Projection(
        custodies=tuple(sorted(custodies)),
        links=tuple(sorted(links, key=lambda x: (x.child, x.parent, x.event_id.int, x.kind))),
        packings=tuple(sorted(packings, key=_packing_order)),
        timeline=tuple(sorted(timeline, key=lambda x: (x.epc, x.site_uri, x.event_id.int, x.role))),
        flags=tuple(sorted(flags, key=lambda x: (x.slug, x.epc, str(x.event_id)))),
        voided=tuple(sorted(voided)),
        declared=tuple(sorted((event, by) for event, declarations in voided.items() for by in declarations)),
        unheeded=tuple(sorted(unheeded)),
    )


def _lotless(epc: str) -> bool:
    parts = class_parts(epc)
    return parts is not None and parts.lot is None and parts.serial is None


def _packing_order(packing: Packing) -> tuple[object, ...]:
    amount = (packing.grams or 0, packing.pieces or 0)
    end = packing.to_time or FOREVER
    return packing.unit_epc, packing.content_epc, packing.kind, packing.from_time, packing.from_event, end, amount


@dataclass(slots=True)
class _Stay:
    """What is known of one custody while events are read in order."""

    first: CapturedEvent
    first_amount: Amount
    origin: CapturedEvent | None = None
    made: Amount = field(default_factory=Amount)
    receipts: dict[str, list[tuple[CapturedEvent, Amount]]] = field(default_factory=dict)

    def arrivals(self) -> list[tuple[CapturedEvent, Amount]]:
        step = next((step for step in RECEIVING_STEPS if step in self.receipts), None)
        return [] if step is None else self.receipts[step]

    def amount(self) -> Amount:
        if self.origin is not None:
            return self.made
        total, arrivals = Amount(), self.arrivals()
        for _, amount in arrivals:
            total = total.plus(amount)
        return total if arrivals else self.first_amount

    def order(self) -> tuple[bool, tuple[datetime, int]]:
        return (False, self.origin.order) if self.origin is not None else (True, self.first.order)


class _Transformation(NamedTuple):
    inputs: list[tuple[CustodyKey, CapturedEvent, Amount]]
    outputs: dict[CustodyKey, None]


class _Graph:
    """The work of one projection: events are read once in order, then links are drawn."""

    def __init__(self, ordered: list[CapturedEvent], measure: Measure, asserted: Asserters) -> None:
        self._events = ordered
        self._measure = measure
        self.packings = Packings(ordered, measure)
        self.timeline: list[TimelineEntry] = []  # no event touches the same goods twice in one role
        self.flags: set[ProjectionFlag] = set()
        self._stays: dict[str, dict[str, _Stay]] = defaultdict(dict)
        self._last_site: dict[str, str] = {}
        self._departures = Departures(asserted)
        self._shipments: Mapping[str, list[tuple[datetime, str]]] = {}
        self._transformations: dict[str | UUID, _Transformation] = {}
        self._beside: list[tuple[str, CapturedEvent, Role, str]] = []

    def touch(self) -> None:
        """Read every event: custodies, timeline, shipments, transformations."""
        for event in self._events:
            if event.kind == "ObjectEvent":
                role = _object_role(event)
                for epc, amount in self._goods(event, mentioned(event, OBJECTS, self._measure)).items():
                    self._stay(epc, event, role, amount)
            elif event.kind == "AggregationEvent":
                for epc, amount in self._goods(event, self._aggregated(event)).items():
                    self._stay(epc, event, _AGGREGATION_ROLES.get(event.action, "observed"), amount)
            elif event.kind == "TransformationEvent":
                self._transform(event)
            elif event.kind in _BESIDE:
                lists, role = _BESIDE[event.kind]
                parent = {} if event.parent is None else {event.parent: Amount()}
                for epc in self._goods(event, {**mentioned(event, lists, self._measure), **parent}):
                    self._beside.append((epc, event, role, self._last_site.get(epc, UNKNOWN_SITE)))
        self._depart()
        for epc, event, role, last in self._beside:
            stays = self._stays.get(epc, {})
            site = next((site for site in (event.site, last) if site in stays), None)
            if site is not None:
                self.timeline.append(TimelineEntry(epc, site, event.event_id, role))

    def _depart(self) -> None:
        """What was shipped; what turned out not to have been was seen there."""
        self._departures.settle()
        self._shipments = self._departures.from_sites()
        for epc, one in self._departures.all():
            role: Role = "shipped" if one.left else "observed"
            self.timeline.append(TimelineEntry(epc, one.site_uri, one.event.event_id, role, *one.amount))

    def voids(self, links: Iterable[Link]) -> set[ProjectionFlag]:
        """What is odd about void_shipping."""
        moved = ((link.parent, Amount(link.grams, link.pieces)) for link in links if link.kind == "move")
        found = {ProjectionFlag("nothing_to_void", *one) for one in self._departures.in_vain}
        return found | {ProjectionFlag("arrived_though_void", *one) for one in self._departures.arrived(moved)}

    def custodies(self) -> list[Custody]:
        return [
            Custody(epc, site, stay.first.event_id, stay.first.event_time, *stay.amount(), stay.origin is not None)
            for epc, stays in self._stays.items()
            for site, stay in stays.items()
        ]

    def links(self) -> list[Link]:
        links = [link for epc, stays in self._stays.items() for link in self._moves(epc, stays)]
        for inputs, outputs in self._transformations.values():
            if len(inputs) * len(outputs) > MAX_TRANSFORMATION_LINKS:
                self.flags |= {ProjectionFlag("transformation_too_wide", key.epc) for key in outputs}
                continue
            merged: dict[tuple[CustodyKey, UUID], Amount] = {}
            for key, event, amount in inputs:
                place = key, event.event_id
                merged[place] = merged[place].plus(amount) if place in merged else amount
            for (parent, event_id), amount in merged.items():
                for child in outputs:
                    if child == parent:
                        self.flags.add(ProjectionFlag("loop", child.epc))
                    else:
                        links.append(Link(parent, child, event_id, "transform", *amount))
        return links

    def _goods(self, event: CapturedEvent, named: dict[str, Amount]) -> dict[str, Amount]:
        """`named` with every unit replaced by what was in it; goods named themselves keep their own amount."""
        units = {epc for epc in named if self.packings.is_unit(epc)}
        if not units:
            return named
        goods: dict[str, Amount] = {}
        for unit in named:
            if unit in units:
                inside, loop = self.packings.contents(unit, event.event_time)
                if loop:
                    self.flags.add(ProjectionFlag("loop", unit))
                for epc, amount in inside.items():
                    goods[epc] = goods[epc].plus(amount) if epc in goods else amount
        goods.update((epc, amount) for epc, amount in named.items() if epc not in units)
        return goods

    def _aggregated(self, event: CapturedEvent) -> dict[str, Amount]:
        named = mentioned(event, CHILDREN, self._measure)
        parent = event.parent
        return named if parent is None else {parent: Amount(), **named}

    def _stay(self, epc: str, event: CapturedEvent, role: Role, amount: Amount) -> CustodyKey:
        site = event.site
        if site is None:
            site = self._last_site.get(epc, UNKNOWN_SITE)
        self._last_site[epc] = site
        stays = self._stays[epc]
        if site not in stays:
            stays[site] = _Stay(event, amount)
        stay = stays[site]
        if role in ("commissioned", "output"):
            stay.made = stay.made.plus(amount)
            stay.origin = stay.origin or event
        elif role == "received":
            stay.receipts.setdefault(event.biz_step, []).append((event, amount))
        if role == "shipped":
            self._departures.leave(epc, site, event, amount)
            return CustodyKey(epc, site)
        if event.kind == "ObjectEvent" and event.biz_step == VOID_SHIPPING:
            self._departures.void(epc, site, event, amount)
        self.timeline.append(TimelineEntry(epc, site, event.event_id, role, *amount))
        return CustodyKey(epc, site)

    def _transform(self, event: CapturedEvent) -> None:
        together = self._transformations.setdefault(event.transformation or event.event_id, _Transformation([], {}))
        for epc, amount in self._goods(event, mentioned(event, INPUTS, self._measure)).items():
            together.inputs.append((self._stay(epc, event, "input", amount), event, amount))
        for epc, amount in self._goods(event, mentioned(event, OUTPUTS, self._measure)).items():
            together.outputs[self._stay(epc, event, "output", amount)] = None

    def _moves(self, epc: str, stays: dict[str, _Stay]) -> Iterable[Link]:
        """The way of one EPC from site to site. A parent is always earlier in `sites`, so there is no way round."""
        sites = sorted(stays, key=lambda site: (stays[site].order(), site))
        rank = {site: place for place, site in enumerate(sites)}
        for place, site in enumerate(sites[1:], 1):
            stay, child = stays[site], CustodyKey(epc, site)
            arrivals = stay.arrivals()
            if not arrivals and stay.origin is None:
                parent = CustodyKey(epc, sites[place - 1])
                yield Link(parent, child, stay.first.event_id, "move", *stay.first_amount)
            for event, amount in arrivals:
                parent = CustodyKey(epc, self._shipped_from(epc, event.event_time, rank, place) or sites[place - 1])
                yield Link(parent, child, event.event_id, "move", *amount)

    def _shipped_from(self, epc: str, time: datetime, rank: dict[str, int], place: int) -> str | None:
        """The site of the latest shipment until `time`, else of the first one after it, from a site before `place`."""
        shipments = self._shipments.get(epc, [])
        split = bisect_right(shipments, time, key=lambda shipment: shipment[0])
        candidates = (*range(split - 1, -1, -1), *range(split, len(shipments)))
        return next((shipments[i][1] for i in candidates if rank[shipments[i][1]] < place), None)


_AGGREGATION_ROLES: dict[str, Role] = {"ADD": "packed", "DELETE": "unpacked"}
_BESIDE: dict[str, tuple[Lists, Role]] = {
    "TransactionEvent": (OBJECTS, "transaction"),
    "AssociationEvent": (CHILDREN, "associated"),
}


def _object_role(event: CapturedEvent) -> Role:
    if event.action == "ADD":
        return "commissioned"
    if event.action == "DELETE":
        return "decommissioned"
    if event.biz_step in SHIPPING_STEPS:
        return "shipped"
    return "received" if event.biz_step in RECEIVING_STEPS else "observed"
