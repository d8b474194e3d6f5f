"""The sortable spreadsheet of FSMA 204 (21 CFR 1.1455(c)): every critical tracking event of goods with its key data
elements (1.1325 to 1.1350), `unknown` where one is not known. See docs/fsma204.md."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from app.domain.rights import Principal, owns_site
from app.domain.rows import Party, Product, Site
from app.enrolling.looks import Look, at_paper, at_parties
from app.exchanging.sheets import Cell
from app.store import chain, master
from app.store.engine import Database, Snapshot, reading
from app.store.raw import Row
from app.store.types import from_micros

UNKNOWN = "unknown"

_PLACE = ("name", "code", "gln", "address", "region", "phone")
COLUMNS = (
    "cte", "traceability_lot_code", "lot_number", "quantity", "unit", "product_description", "product_category", "gtin",
    "event_date", "event_time", *(f"location_{part}" for part in _PLACE),
    *(f"previous_source_{part}" for part in _PLACE), *(f"next_recipient_{part}" for part in _PLACE),
    *(f"tlc_source_{part}" for part in _PLACE), "tlc_source_reference",
    "harvest_or_packing_date", "reference_document_type", "reference_document_number", "transformation_id",
    "custody_code", "event_id", "recorded_at",
)  # fmt: skip

# What a change of a balance is, by what brought it: (kind of event, entry) → critical tracking event.
_EVENTS = {
    ("produce", "in"): "initial packing / harvest",
    ("transform", "processed"): "transformation: input",
    ("transform", "in"): "transformation: output",
    ("ship", "shipped"): "shipping",
    ("receive", "in"): "receiving",
    ("return", "returned"): "shipping",
    ("return", "in"): "receiving",
}
_CAPTURED = {
    "in": "receiving",
    "shipped": "shipping",
    "processed": "transformation: input",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One location's description; None where nothing is known of it, and where the reader may not know it."""

    name: str | None = None
    code: str | None = None
    gln: str | None = None
    address: str | None = None
    region: str | None = None
    phone: str | None = None

    def cells(self) -> list[Cell]:
        return [self.name, self.code, self.gln, self.address, self.region, self.phone]


NOWHERE = Place()


def sortable(
    database: Database,
    reader: Principal,
    pages: Iterable[list[Row]],
    public_url: str,
    looked: Callable[[list[Look]], None],
    since: datetime | None,
    until: datetime | None,
) -> Iterator[list[Cell]]:
    """Rows in the order of the goods, those of each by time. `pages`: custodies as chain.NODE; `since` and `until`
    (exclusive) are of the events; `looked` is called before a page that shows telephones is told."""
    for page in pages:
        with reading(database) as snapshot:
            sheet = _Sheet.read(snapshot, reader, page, public_url)
        looked([*at_parties(reader, sheet.phones()), *sheet.papers()])
        for entry in sheet.entries:
            at = from_micros(entry[4])
            if (since is None or at >= since) and (until is None or at < until):
                row = sheet.row(entry)
                if row is not None:
                    yield [UNKNOWN if cell is None or cell == "" else cell for cell in row]


@dataclass(slots=True)
class _Sheet:
    """Everything that one page of custodies needs."""

    url: str
    nodes: dict[bytes, Row]
    entries: list[Row]
    events: dict[bytes, Row]  # as chain.EVENT
    told: dict[bytes, tuple[dict[str, Any], dict[str, Any]]]
    parents: dict[bytes, list[Row]]  # child → links
    children: dict[bytes, list[Row]]
    ends: dict[bytes, Row]  # the other ends of links, as chain.NODE
    lots: dict[bytes, Row]
    products: dict[UUID, Product]
    sites: dict[UUID, Site]
    parties: dict[UUID, Party]
    own: set[UUID] = field(default_factory=set)

    @classmethod
    def read(cls, snapshot: Snapshot, reader: Principal, page: list[Row], url: str) -> "_Sheet":
        nodes = {row[0]: row for row in page}
        place = {key: i for i, key in enumerate(nodes)}
        entries = sorted(chain.entries(snapshot, nodes), key=lambda row: (place[row[0]], row[4], row[1], row[2]))
        into, out = chain.into(snapshot, nodes), chain.out_of(snapshot, nodes)
        ends = {row[0]: row for row in chain.nodes(snapshot, {li[0] for li in into} | {li[1] for li in out})}
        lots = {row[0]: row for row in chain.makings(snapshot, {row[3] for row in page})}
        named = {row[1] for row in entries} | {li[2] for li in out} | {row[4] for row in lots.values()}
        events = {row[0]: row for row in chain.events(snapshot, named)}
        told = {key: (_json(body), _json(outcome)) for key, body, outcome in chain.told(snapshot, named)}
        wanted = {row[5] for row in (*nodes.values(), *ends.values()) if row[5]}
        wanted |= {row[6] for row in events.values() if row[6]}
        places = {UUID(bytes=key) for key in wanted}
        places |= {UUID(body["to_site_id"]) for body, _ in told.values() if body.get("to_site_id")}
        sites = master.sites(snapshot, places)
        markets = master.markets(snapshot, sites.values())
        sheet = cls(
            url, nodes, entries, events, told, _by(into, 1), _by(out, 0), ends, lots,
            master.products(snapshot, {UUID(bytes=row[4]) for row in page}), sites,
            master.parties(snapshot, {site.party_id for site in sites.values()}),
        )  # fmt: skip
        sheet.own = {key for key, site in sites.items() if owns_site(reader, site, markets[key])}
        return sheet

    def phones(self) -> list[Party]:
        """Whose telephones are shown."""
        return [self.parties[key] for key in {self.sites[own].party_id for own in self.own}]

    def papers(self) -> list[Look]:
        """Whose contacts are shown that only a paper names."""
        found = []
        for row in self.ends.values():
            if row[1] == "gap" and row[20] is not None and row[0] in self.shown:
                found += at_paper("gap", str(UUID(bytes=row[0])), _json(row[20]))
        for custody, key, _, kind, *_ in self.entries:
            said = self.told.get(key, ({}, {}))[0].get("to")
            if kind == "ship" and said and self._is_own(custody):
                found += at_paper("event", str(UUID(bytes=key)), said)
        return found

    @property
    def shown(self) -> set[bytes]:
        """Gaps next to the reader's own goods."""
        return {li[0] for child, links in self.parents.items() if self._is_own(child) for li in links}

    def _is_own(self, custody: bytes) -> bool:
        site = self.nodes[custody][5]
        return site is not None and UUID(bytes=site) in self.own

    def row(self, entry: Row) -> list[Cell] | None:
        custody, key, kind, brought, _, amount = entry
        cte = self._cte(brought, kind, custody)
        event = self.events.get(key)
        if cte is None or event is None:
            return None
        node = self.nodes[custody]
        body, outcome = self.told.get(key, ({}, {}))
        product = self.products.get(UUID(bytes=node[4]))
        lot = self.lots.get(node[3])
        at = from_micros(event[3]).astimezone(timezone(timedelta(minutes=event[4])))
        quantity: list[Cell] = [Decimal(amount) / 1000, "kg"] if node[7] == "weight" else [amount, "pcs"]
        paper = self._paper(cte, body, outcome)
        moved = cte in ("shipping", "receiving")
        return [
            cte, self._tlc(lot), lot[2] if lot else None, *quantity, product.name if product else None,
            product.category if product else None, product.gtin if product else None, at.date().isoformat(),
            at.isoformat(), *self._site(node[5]).cells(),
            *(self._source(custody, key) if cte == "receiving" else NOWHERE).cells(),
            *(self._recipient(custody, key, brought, body, outcome) if cte == "shipping" else NOWHERE).cells(),
            *self._maker(lot).cells(), f"{self.url}/c/{lot[1]}" if lot and lot[1] else None,
            lot[5] if lot else None, *(paper if moved or paper[1] else (None, None)),
            str(UUID(bytes=key)) if cte.startswith("transformation") else None, node[2], str(UUID(bytes=key)),
            from_micros(event[5]).isoformat(),
        ]  # fmt: skip

    def _cte(self, kind: str, entry: str, custody: bytes) -> str | None:
        if not kind.startswith("epcis."):
            return _EVENTS.get((kind, entry))
        if entry == "in" and not self.parents.get(custody):
            return "initial packing / harvest"
        if entry == "in" and any(link[3] == "transform" for link in self.parents[custody]):
            return "transformation: output"
        return _CAPTURED.get(entry)

    def _tlc(self, lot: Row | None) -> str | None:
        """Our lot code; a captured lot's own class where it has none of ours."""
        return (lot[1] or lot[3]) if lot is not None else None

    def _site(self, key: bytes | None) -> Place:
        site = self.sites.get(UUID(bytes=key)) if key is not None else None
        return self._described(site) if site is not None else NOWHERE

    def _described(self, site: Site) -> Place:
        party = self.parties.get(site.party_id)
        phone = (party.contact or {}).get("phone") if party is not None and site.id in self.own else None
        name = site.name if party is None or party.name == site.name else f"{party.name}, {site.name}"
        return Place(name, site.code, site.gln, site.address, site.region, phone)

    def _source(self, custody: bytes, event: bytes) -> Place:
        """The immediate previous source: another place in the system, or what the paper says."""
        ends = [
            self.ends[link[0]] for link in self.parents.get(custody, ()) if link[2] == event and link[0] in self.ends
        ]
        return self._end(ends[0], custody) if ends else NOWHERE

    def _end(self, end: Row, custody: bytes) -> Place:
        if end[1] != "gap":
            return self._site(end[5])
        paper = _json(end[20]) if end[20] is not None else {}
        contact = paper.get("contact") if self._is_own(custody) else None
        return Place(paper.get("name"), None, None, paper.get("address"), None, contact)

    def _recipient(
        self, custody: bytes, event: bytes, kind: str, body: dict[str, Any], outcome: dict[str, Any]
    ) -> Place:
        """The immediate subsequent recipient: who is named, else who has taken the goods off the slip."""
        if body.get("to_site_id"):
            return self._site(UUID(body["to_site_id"]).bytes)
        if body.get("to"):
            said = body["to"]
            contact = said.get("contact") if self._is_own(custody) else None
            return Place(said.get("name"), None, None, said.get("address"), None, contact)
        for link in self.children.get(custody, ()):
            same = link[2] == event if kind != "ship" else self._slip(link[2]) == outcome.get("slip_code")
            end = self.ends.get(link[1])
            if same and link[3] in ("move", "return") and end is not None:
                return self._site(end[5])
        return NOWHERE

    def _slip(self, event: bytes) -> object:
        return self.told.get(event, ({}, {}))[1].get("slip_code", "")

    def _maker(self, lot: Row | None) -> Place:
        """The traceability lot code source: where the code was assigned."""
        made = self.events.get(lot[4]) if lot is not None else None
        return self._site(made[6]) if made is not None else NOWHERE

    def _paper(self, cte: str, body: dict[str, Any], outcome: dict[str, Any]) -> tuple[Cell, Cell]:
        if outcome.get("slip_code"):
            return "accompanying slip 溯源单", outcome["slip_code"]
        papers = (body.get("from") or {}).get("document_ids") or body.get("evidence") or []
        return ("document", "; ".join(papers)) if papers else (None, None)


def _by(links: Collection[Row], end: int) -> dict[bytes, list[Row]]:
    found: dict[bytes, list[Row]] = defaultdict(list)
    for link in sorted(links, key=lambda link: (link[0], link[1], link[2])):
        found[link[end]].append(link)
    return found


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(text)
    return found
