"""The events of some goods as one EPCIS 2.0 document, written piece by piece."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from app.domain.epcis.writing import Amount, Direction, Hop, event, head, vocabulary
from app.domain.rows import Product, Site
from app.store import chain, master
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.types import from_micros

PAGE = 500  # events

_encode = msgspec.json.Encoder(decimal_format="number").encode
_JUDGED = frozenset({"test", "admit", "hold", "release", "certify"})
_SIDE: dict[str, Direction] = {"in": "in", "touched": "touched"}


def chain_document(snapshot: Snapshot, custodies: Sequence[bytes], public_url: str, now: datetime) -> Iterator[bytes]:
    """JSON-LD; every event that touches one of the custodies, with the goods that are among them and no others. Events
    of ours in the words of CBV, captured ones as they came."""
    goods = _Goods.read(snapshot, custodies, public_url)
    start = _encode(head(now, goods.vocabularies()))
    yield start[:-1] + b',"epcisBody":{"eventList":['
    first = True
    for keys in goods.pages():
        for made in goods.events(snapshot, keys):
            yield (b"\n" if first else b",\n") + _encode(made)
            first = False
    yield b"]}}"


@dataclass(slots=True)
class _Goods:
    url: str
    nodes: dict[bytes, Row]  # as chain.NODE
    lots: dict[bytes, Row]  # as chain.MAKING
    products: dict[UUID, Product]
    sites: dict[UUID, Site]
    moved: dict[bytes, list[tuple[Direction, bytes, int | None]]]  # event → (side, custody, amount)
    times: dict[bytes, Row]  # event → chain.EVENT

    @classmethod
    def read(cls, snapshot: Snapshot, custodies: Sequence[bytes], url: str) -> "_Goods":
        nodes = {row[0]: row for row in chain.nodes(snapshot, custodies)}
        moved: dict[bytes, list[tuple[Direction, bytes, int | None]]] = defaultdict(list)
        for custody, key, entry, _, _, amount in sorted(chain.entries(snapshot, nodes)):
            moved[key].append((_SIDE.get(entry, "out"), custody, abs(amount)))
        for custody, key in sorted(set(chain.touches(snapshot, nodes))):
            if not any(one[1] == custody for one in moved[key]):
                moved[key].append(("touched", custody, None))
        times = {row[0]: row for row in chain.events(snapshot, moved)}
        sites = {UUID(bytes=row[5]) for row in nodes.values() if row[5]}
        sites |= {UUID(bytes=row[6]) for row in times.values() if row[6]}
        return cls(
            url, nodes, {row[0]: row for row in chain.makings(snapshot, {row[3] for row in nodes.values()})},
            master.products(snapshot, {UUID(bytes=row[4]) for row in nodes.values()}), master.sites(snapshot, sites),
            moved, times,
        )  # fmt: skip

    def pages(self) -> Iterator[list[bytes]]:
        keys = sorted(self.times, key=lambda key: (self.times[key][3], key))
        for start in range(0, len(keys), PAGE):
            yield keys[start : start + PAGE]

    def events(self, snapshot: Snapshot, keys: Sequence[bytes]) -> Iterator[dict[str, Any]]:
        told = {key: (_json(body), _json(outcome)) for key, body, outcome in chain.told(snapshot, keys)}
        wrong = {row[0]: row for row in chain.corrected(snapshot, keys)}
        named = {UUID(body["to_site_id"]) for body, _ in told.values() if body.get("to_site_id")} - self.sites.keys()
        self.sites |= master.sites(snapshot, named)
        for key in keys:
            body, outcome = told[key]
            row = self.times[key]
            made = body if row[2].startswith("epcis.") else event(self._hop(row, body, outcome, wrong.get(key)))
            if made is not None:
                yield made

    def _hop(self, row: Row, body: dict[str, Any], outcome: dict[str, Any], wrong: Row | None) -> Hop:
        key, _, kind, time, offset, recorded, site, _ = row
        to = self.sites.get(UUID(body["to_site_id"])) if body.get("to_site_id") else None
        if kind in _JUDGED:
            # Whoever judges goods may be elsewhere; the goods are where they are.
            site = self.nodes[self.moved[key][0][1]][5]
        place = self.sites.get(UUID(bytes=site)) if site else None
        papers = [body["document_id"]] if body.get("document_id") else []
        slip = outcome.get("slip_code") if kind in ("ship", "receive") else None
        return Hop(
            id=str(UUID(bytes=key)),
            kind=kind,
            time=from_micros(time).astimezone(timezone(timedelta(minutes=offset))),
            recorded=from_micros(recorded),
            place=self._place(place) if place else None,
            moved=[(side, self._amount(custody, amount)) for side, custody, amount in self.moved[key]],
            to=self._place(to) if to else None,
            slip=f"{self.url}/c/{slip}" if slip else None,
            papers=[f"{self.url}/api/v1/documents/{paper}" for paper in papers],
            verdict=outcome.get("decision"),
            corrected=(from_micros(wrong[1]), wrong[3], [str(UUID(bytes=wrong[4]))] if wrong[4] else [])
            if wrong is not None
            else None,
        )

    def _amount(self, custody: bytes, amount: int | None) -> Amount:
        node = self.nodes[custody]
        weight = node[7] == "weight"
        return Amount(self._class(node), None if amount is None else amount / 1000 if weight else amount, weight)

    def _class(self, node: Row) -> str:
        """The lot's own class, else GTIN and lot number, else our code of it."""
        lot = self.lots[node[3]]
        product = self.products.get(UUID(bytes=node[4]))
        if lot[3]:
            return str(lot[3])
        if product is not None and product.gtin and lot[2]:
            return f"https://id.gs1.org/01/{product.gtin.zfill(14)}/10/{quote(lot[2], safe='')}"
        return f"{self.url}/c/{lot[1]}" if lot[1] else f"urn:uuid:{UUID(bytes=lot[0])}"

    def _place(self, site: Site) -> str:
        if site.uri:
            return site.uri
        return f"https://id.gs1.org/414/{site.gln}" if site.gln else f"{self.url}/c/{site.code}"

    def vocabularies(self) -> list[dict[str, Any]]:
        """What places and lots are called."""
        places = {}
        for site in self.sites.values():
            said = {"name": site.name, "streetAddressOne": site.address or "", "state": site.region or ""}
            places[self._place(site)] = {name: value for name, value in said.items() if value}
        lots = {}
        for node in self.nodes.values():
            product = self.products.get(UUID(bytes=node[4]))
            if product is not None:
                lots[self._class(node)] = {"descriptionShort": product.name, "additionalTradeItemIdentification": ""}
        named = {uri: {name: value for name, value in said.items() if value} for uri, said in lots.items()}
        return [vocabulary("Location", sorted(places.items())), vocabulary("EPCClass", sorted(named.items()))]


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(text)
    return found
