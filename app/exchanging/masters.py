"""Parties, sites and products that a document describes or names, as master data with history.

A record that says something new of what is there makes a new version, valid from the document's date; whoever did not
bring it first changes nothing of it. What no record describes is named by the last part of its URI until one does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.domain import codes, ids, masters
from app.domain.codes import CodeKind
from app.domain.epcis.attributes import Attributes, attributes_of
from app.domain.epcis.book import last_part
from app.domain.epcis.context import Context
from app.domain.epcis.documents import MasterData, MasterRecord
from app.domain.epcis.fields import MAX_KEY
from app.domain.epcis.identifiers import check_digit_ok, class_parts, gs1_key
from app.domain.epcis.values import printable
from app.domain.rights import Principal, Role
from app.domain.rows import Measure, Party, Product, Site
from app.enrolling.forms import Change, Desk, histories
from app.store import master
from app.store.links import products
from app.store.writer import Transaction

M = TypeVar("M", Party, Site, Product)

OTHER = "other"  # the kind of a party or site, the category of a product, of which a document says none
LONGEST_NAME = 200
_FISH = "speciesForFisheryStatisticsPurposes"


@dataclass(frozen=True, slots=True)
class Records:
    """What a document says of each URI: the columns of its row, as far as they are known. `children`: what lies below
    a place; `attributes`: everything, by element of a vocabulary."""

    parties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    products: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    children: Mapping[str, set[str]] = field(default_factory=dict)
    attributes: Mapping[str, Attributes] = field(default_factory=dict)


def records_of(data: MasterData, context: Context) -> Records:
    """Of several records of one URI the first that says something counts."""
    found = Records({}, {}, {})
    below: dict[str, set[str]] = defaultdict(set)
    for record in data.parties:
        _add(found.parties, record.uri, {"name": _name(record)})
    for record in data.sites:
        if record.children:
            below[record.uri].update(record.children)
        owner = record.owning_party
        # No other text: a bare credit code would make a firm of ours the owner.
        known = owner is not None and ":" in owner and len(owner.encode()) <= MAX_KEY
        _add(
            found.sites,
            record.uri,
            {"name": _name(record), "address": _address(record), "owner": owner if known else None},
        )
    for record in data.products:
        parts = class_parts(record.uri)
        fish = any(_FISH in name for name, _ in record.attributes)
        _add(
            found.products,
            record.uri if parts is None else parts.product,
            {"name": _name(record), "category": "aquatic" if fish else None},
        )
    return replace(found, children=below, attributes=attributes_of(data, context))


def _add(found: Any, uri: str, said: dict[str, Any]) -> None:
    known = found.setdefault(uri, {})
    known |= {name: value for name, value in said.items() if value is not None and known.get(name) is None}


def _name(record: MasterRecord) -> str | None:
    return _text(record.name) if record.name is not None else None


def _address(record: MasterRecord) -> str | None:
    parts = [part for part in (record.street, record.city, record.state, record.country) if part]
    return _text(", ".join(parts)) or None


def _text(said: str) -> str:
    return printable(" ".join(said.split()))[:LONGEST_NAME]


def title(uri: str) -> str:
    """What to call something that is known by its URI alone."""
    return _text(last_part(uri) or uri)


class Office:
    """Enrols and amends master data in one transaction; `write` once at the end."""

    def __init__(
        self, transaction: Transaction, principal: Principal, records: Records, dated: datetime | None
    ) -> None:
        """`dated`: the document's creation date."""
        self._transaction = transaction
        self._principal = principal
        self._records = records
        # A document that is dated ahead holds from now.
        self._dated = None if dated is None or dated > transaction.now else dated
        self._desk = Desk(transaction)
        self._known: dict[UUID, list[Any]] = {}
        self._ours: dict[str, Product] = {}
        self.moved: set[str] = set()  # places that others run than before, at some time

    def parties(self, uris: Iterable[str]) -> None:
        wanted = {ids.captured_party_id(uri): (uri, self._records.parties.get(uri, {})) for uri in uris}
        self._parties(wanted)

    def _parties(self, wanted: Mapping[UUID, tuple[str, Mapping[str, Any]]]) -> None:
        known = self._histories(Party, wanted)
        for key, (uri, said) in wanted.items():
            if key in known:
                party = known[key][-1]
                self._amend(known[key], uri, said, party.enrolled_by)
                continue
            self._enrol(
                Party(
                    id=key,
                    code=codes.mint(CodeKind.PARTY),
                    name=said.get("name") or title(uri),
                    kind=OTHER,
                    region=None,
                    credit_code=None,
                    licences=[],
                    contact=None,
                    external_codes=_named(uri),
                    status="pending",
                    status_reason=None,
                    warnings=[],
                    enrolled_by=self._principal.recorder_id,
                    version=1,
                    valid_from=self._since,
                    record_time=self._transaction.now,
                )
            )

    def sites(self, uris: Iterable[str]) -> None:
        """Sites with the parties that own them; a site whose owner nobody names has a party of its own name."""
        wanted = {ids.captured_site_id(uri): (uri, self._records.sites.get(uri, {})) for uri in uris}
        silent = [key for key, (_, said) in wanted.items() if not said]
        for key in master.there(self._transaction.connection, Site, silent):
            del wanted[key]
        known = self._histories(Site, wanted)
        owners: dict[UUID, tuple[str, Mapping[str, Any]]] = {}
        for key, (uri, said) in wanted.items():
            owner, name = said.get("owner"), said.get("name") or title(uri)
            if owner is not None:
                owners[ids.captured_party_id(owner)] = (owner, self._records.parties.get(owner, {}))
            elif key not in known:
                owners[ids.captured_party_id(uri)] = (uri, {"name": name})
        self._parties(owners)
        enrolled = self._histories(Party, [history[-1].party_id for history in known.values()])
        for key, (uri, said) in wanted.items():
            owner = said.get("owner")
            party_id = ids.captured_party_id(owner or uri)
            if key not in known:
                self._site(key, uri, said, party_id)
                continue
            now = known[key][-1]
            changes = {name: said[name] for name in ("name", "address") if name in said}
            if owner is not None:
                changes["party_id"] = party_id
            holder = enrolled.get(now.party_id)
            if self._amend(known[key], uri, changes, holder[-1].enrolled_by if holder else None) and owner is not None:
                self.moved.add(uri)

    def _site(self, key: UUID, uri: str, said: Mapping[str, Any], party_id: UUID) -> None:
        link = gs1_key(uri)
        gln = link is not None and link.key == "414" and not link.qualifiers and check_digit_ok(link)
        self._enrol(
            Site(
                id=key,
                code=codes.mint(CodeKind.SITE),
                party_id=party_id,
                name=said.get("name") or title(uri),
                kind=OTHER,
                parent_site_id=None,
                path=f"{key.hex}/",
                region=None,
                address=said.get("address"),
                gln=link.value if link is not None and gln else None,
                time_zone="UTC",
                external_codes=_named(uri),
                admission_rules=None,
                status="pending",
                status_reason=None,
                uri=uri,
                version=1,
                valid_from=self._since,
                record_time=self._transaction.now,
            )
        )

    def products(self, measures: Mapping[str, Measure | None]) -> None:
        """Products by class URI with how they are measured, None where no event says; weighed once, always weighed.
        What no document says of one is what the product of ours with its GTIN is called, and its category."""
        wanted = {ids.captured_product_id(uri): uri for uri in measures}
        known = self._histories(Product, wanted)
        self._ours = self._enrolled(wanted.values())
        for key, uri in wanted.items():
            said = self._records.products.get(uri, {})
            measure, one = measures[uri], self._ours.get(uri)
            if key in known:
                product = known[key][-1]
                self._amend(known[key], uri, said, product.enrolled_by)
                if measure == "weight" and known[key][-1].measure == "count":
                    self._change(known[key], {"measure": measure}, None)
                self._adopt(known[key], uri, one)
                continue
            parts = class_parts(uri)
            self._enrol(
                Product(
                    id=key,
                    name=said.get("name") or (one.name if one is not None else title(uri)),
                    category=said.get("category") or (one.category if one is not None else OTHER),
                    gtin=parts.gtin if parts is not None else None,
                    measure=measure or "weight",
                    grams_per_piece=None,
                    shelf_life_days=None,
                    external_codes=_named(uri),
                    enrolled_by=self._principal.recorder_id,
                    version=1,
                    valid_from=self._since,
                    record_time=self._transaction.now,
                )
            )

    def _adopt(self, history: list[Product], uri: str, one: Product | None) -> None:
        if one is None:
            return
        last, unsaid = history[-1], {"name": title(uri), "category": OTHER}
        changes = {name: getattr(one, name) for name, value in unsaid.items() if getattr(last, name) == value}
        if any(getattr(last, name) != value for name, value in changes.items()):
            self._change(history, changes, None)

    def conflicts(self) -> dict[str, str]:
        """By class URI: where documents and the product of ours with that GTIN do not agree, after `products`."""
        found = {}
        for uri, one in self._ours.items():
            row = self._known[ids.captured_product_id(uri)][-1]
            if (row.measure, row.category) != (one.measure, one.category):
                zh, en = (f"{each.category}/{each.measure}" for each in (row, one))
                found[uri] = (
                    f"条码 {row.gtin}：文档为 {zh}，在册的「{one.name}」为 {en} · "
                    f"GTIN {row.gtin}: {zh} in the document, {en} as {one.name} is enrolled"
                )
        return found

    def _enrolled(self, uris: Iterable[str]) -> dict[str, Product]:
        """By class, the product of ours that has its GTIN: the first that was enrolled, where there are several."""
        gtins = {uri: parts.gtin for uri in uris if (parts := class_parts(uri)) is not None and parts.gtin is not None}
        known = products(self._transaction.connection, gtins.values())
        found = {}
        for uri, gtin in gtins.items():
            own = [row for row in known.get(gtin, ()) if masters.gtin14(row) is not None and not masters.captured(row)]
            if own:
                found[uri] = own[0]
        return found

    def write(self) -> None:
        self._desk.write()

    @property
    def _since(self) -> datetime:
        return self._dated or self._transaction.now

    def _histories(self, kind: type[M], keys: Iterable[UUID]) -> dict[UUID, list[M]]:
        """Versions of those that are there, what this office has laid down included."""
        wanted = list(keys)
        self._known |= histories(self._transaction, kind, [key for key in wanted if key not in self._known])
        return {key: self._known[key] for key in wanted if key in self._known}

    def _enrol(self, row: Party | Site | Product) -> None:
        self._known[row.id] = [row]
        self._desk.enrol(row, self._principal.recorder_id)

    def _amend(self, history: list[M], uri: str, said: Mapping[str, Any], first: UUID | None) -> bool:
        """Whether the record says something new. `first`: who brought the row."""
        ours = self._principal.role is Role.ADMIN or first == self._principal.recorder_id
        if not ours and history[-1].name != title(uri):
            return False
        line = masters.timeline(history)
        base = ([row for row in line if self._dated is None or row.valid_from <= self._dated] or line[:1])[-1]
        changes = {name: value for name, value in said.items() if getattr(base, name) != value}
        if changes:
            first_of_all = line[0]
            self._change(history, changes, self._dated)
            if self._dated is not None and self._dated < first_of_all.valid_from:
                # What a newer document has said holds from its own date on.
                said_later = {name: getattr(first_of_all, name) for name in changes}
                stands = {name: value for name, value in said_later.items() if not _unsaid(name, value, uri)}
                self._change(history, stands, first_of_all.valid_from)
        return bool(changes)

    def _change(self, history: list[M], changes: Mapping[str, Any], since: datetime | None) -> None:
        self._desk.change(history, changes, Change(self._principal, history[-1].id, changes, since))


def _unsaid(name: str, value: Any, uri: str) -> bool:
    """Whether a column holds only what stands there until a document says something."""
    return value in {"name": (title(uri),), "category": (OTHER,), "party_id": (ids.captured_party_id(uri),)}.get(
        name, (None,)
    )


def _named(uri: str) -> list[dict[str, str]]:
    return [{"scheme": masters.CAPTURED, "value": uri}]
