"""Native events as EPCIS events: what is read of their goods and places, and put into the words of CBV."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote
from uuid import UUID

from app.domain.epcis.writing import Amount, Direction, Hop, Measured, vocabulary
from app.domain.quantities import parse_quantity
from app.domain.rows import Correction, Event, Product, Site
from app.exchanging.masterdata import place_uri
from app.store import chain, master
from app.store.engine import Snapshot
from app.store.raw import Row

Moved = tuple[Direction, bytes, int | None]
"""(side, custody, amount in grams or pieces, None where nothing moved)."""

_SIDE: dict[str, Direction] = {"in": "in", "touched": "touched"}
_JUDGED = frozenset({"test", "admit", "hold", "release", "certify"})
_MAKING = frozenset({"produce", "transform"})


def corrected(wrong: Correction) -> tuple[datetime, str, Sequence[str]]:
    """When and why an event was taken back, and what came instead."""
    instead = [str(wrong.replacement_event_id)] if wrong.replacement_event_id else []
    return wrong.record_time, wrong.reason, instead


def _recalled(body: Mapping[str, Any], moved: Sequence[Moved]) -> tuple[Sequence[Moved], bool]:
    """The goods that a recall holds from then on, or, where it holds none anew, those that it lets go of; and whether
    it does."""
    released = {UUID(key).bytes for key in body.get("released", ())}
    held = [] if body["what"] == "close" else [one for one in moved if one[1] not in released]
    return (held, False) if held else (moved, True)


def side_of(entry: str) -> Direction:
    """Of an entry of a timeline."""
    return _SIDE.get(entry, "out")


@dataclass(slots=True)
class Goods:
    """What events say of some custodies; `url`: what our own codes' addresses begin with."""

    url: str
    nodes: dict[bytes, Row]  # as chain.NODE
    lots: dict[bytes, Row]  # as chain.MAKING
    products: dict[UUID, Product]
    sites: dict[UUID, Site]

    @classmethod
    def read(cls, snapshot: Snapshot, custodies: Collection[bytes], url: str) -> "Goods":
        nodes = {row[0]: row for row in chain.nodes(snapshot, custodies)}
        lots = {row[0]: row for row in chain.makings(snapshot, {row[3] for row in nodes.values()})}
        products = master.products(snapshot, {UUID(bytes=row[4]) for row in nodes.values()})
        sites = master.sites(snapshot, {UUID(bytes=row[5]) for row in nodes.values() if row[5]})
        return cls(url, nodes, lots, products, sites)

    def also_at(self, snapshot: Snapshot, events: Collection[Event]) -> None:
        """Reads the places of events as well, and those that they send goods to."""
        named = {row.site_id for row in events if row.site_id}
        named |= {UUID(row.body["to_site_id"]) for row in events if row.body.get("to_site_id")}
        self.sites |= master.sites(snapshot, named - self.sites.keys())

    def hop(self, row: Event, moved: Sequence[Moved], wrong: Correction | None = None) -> Hop:
        """A native event of which `moved` are goods."""
        kind, body, outcome = row.kind, row.body, row.outcome
        lifted = False
        if kind == "recall":
            moved, lifted = _recalled(body, moved)
        to = self.sites.get(UUID(body["to_site_id"])) if kind == "ship" and body.get("to_site_id") else None
        at = self._at(row, moved)
        place = None if at is None else self.sites.get(at)
        papers = [body["document_id"]] if body.get("document_id") else []
        slip = outcome.get("slip_code") if kind in ("ship", "receive") else None
        return Hop(
            id=str(row.id),
            kind=kind,
            time=row.event_time.astimezone(timezone(timedelta(minutes=row.utc_offset))),
            recorded=row.record_time,
            place=self.place(place) if place else None,
            moved=self._counted(body) if kind == "count" else [(one[0], self._amount(one[1], one[2])) for one in moved],
            to=self.place(to) if to else None,
            slip=f"{self.url}/c/{slip}" if slip else None,
            papers=[f"{self.url}/api/v1/documents/{paper}" for paper in papers],
            verdict=outcome.get("decision"),
            made=self._made([custody for side, custody, _ in moved if side == "in"]) if kind in _MAKING else {},
            measured=self._measured(body) if kind == "observe" else (),
            corrected=None if wrong is None else corrected(wrong),
            lifted=lifted,
        )

    def _at(self, row: Event, moved: Sequence[Moved]) -> UUID | None:
        """Where an event is told to have been. Whoever judges goods may be elsewhere, and goods that go back arrive
        where they came from: the goods are where they are."""
        kind = row.kind
        if kind == "recall":
            return None  # the lot is recalled in all hands
        goods = [custody for side, custody, _ in moved if kind in _JUDGED or (kind == "return" and side == "in")]
        if not goods:
            return row.site_id
        site = self.nodes[goods[0]][5]
        return UUID(bytes=site) if site else None

    def _amount(self, custody: bytes, amount: int | None) -> Amount:
        node = self.nodes[custody]
        weight = node[7] == "weight"
        return Amount(self.class_of(node), None if amount is None else amount / 1000 if weight else amount, weight)

    def _counted(self, body: Mapping[str, Any]) -> list[tuple[Direction, Amount]]:
        """What was there, not what its timeline says: the difference."""
        found: list[tuple[Direction, Amount]] = []
        for item in body["items"]:
            custody = UUID(item["custody_id"]).bytes
            if custody in self.nodes:
                quantity = parse_quantity(item["quantity"]["value"], item["quantity"]["unit"], allow_zero=True)
                found.append(("touched", self._amount(custody, quantity.amount(self.nodes[custody][7]))))
        return found

    def _made(self, custodies: Iterable[bytes]) -> dict[str, str]:
        """What is the same of all lots that an event made: ILMD is said of them all."""
        said = []
        for custody in custodies:
            lot = self.lots[self.nodes[custody][3]]
            days = {"gs1:productionDate": lot[5], "cbvmda:itemExpirationDate": self.nodes[custody][9]}
            said.append({"cbvmda:lotNumber": lot[2]} | days)
        same = set.intersection(*(set(one.items()) for one in said)) if said else set()
        return {name: str(value) for name, value in sorted(same, key=lambda pair: pair[0]) if value}

    def _measured(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        own = f"{self.url}/measured/"
        return [
            Measured(reading["type"], reading["value"], reading["unit"], reading["time"]).report(own)
            for reading in body["readings"]
        ]

    def class_of(self, node: Row) -> str:
        """The lot's own class, else GTIN and lot number, else our code of it."""
        lot = self.lots[node[3]]
        product = self.products.get(UUID(bytes=node[4]))
        if lot[3]:
            return str(lot[3])
        if product is not None and product.gtin and lot[2]:
            return f"https://id.gs1.org/01/{product.gtin.zfill(14)}/10/{quote(lot[2], safe='')}"
        return f"{self.url}/c/{lot[1]}" if lot[1] else f"urn:uuid:{UUID(bytes=lot[0])}"

    def place(self, site: Site) -> str:
        return place_uri(site, self.url)

    def vocabularies(self) -> list[dict[str, Any]]:
        """What places and lots are called."""
        places = {}
        for site in self.sites.values():
            said = {"name": site.name, "streetAddressOne": site.address or "", "state": site.region or ""}
            places[self.place(site)] = {name: value for name, value in said.items() if value}
        lots = {}
        for node in self.nodes.values():
            product = self.products.get(UUID(bytes=node[4]))
            if product is not None:
                lots[self.class_of(node)] = {"descriptionShort": product.name}
        return [vocabulary("Location", sorted(places.items())), vocabulary("EPCClass", sorted(lots.items()))]
