"""What is shown of recalls, and to whom.

The office that recalls, one above it and the operator see all of it. Another region's office sees what lies in its
region, a market its stalls, a party its own. Persons responsible are named to offices alone; a mock is shown to the
office that tries it out and to nobody else.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.quantities import shown
from app.domain.recalls import Notice, Recall, RecallPlace, State, late, overdue
from app.domain.recalls_progress import Part, Share, answering, effectiveness, latest, lowest, shares
from app.domain.recalls_scope import read_scope
from app.domain.rights import Principal, Role
from app.domain.rows import Product
from app.recalling.finding import Regions
from app.recalling.reaching import generations, subjects_of
from app.recalling.recalls import unknown
from app.store import chain, holds, master
from app.store import recalls as store
from app.store import recalls_reach as reach_store
from app.store.engine import Snapshot
from app.store.links import alike
from app.store.raw import Row
from app.store.types import from_micros

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a recall its reader sees: `whole`, or what lies in a `region`, or the goods of some `parties`."""

    whole: bool
    region: str | None
    parties: frozenset[UUID] | None

    def sees(self, party: UUID | None, region: str | None) -> bool:
        if self.whole:
            return True
        if self.region is not None:
            return (region or "").startswith(self.region)
        return self.parties is not None and party in self.parties


def find_recalls(
    snapshot: Snapshot,
    principal: Principal,
    *,
    state: State | None = None,
    number: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Recall]:
    """The latest first."""
    return store.search(snapshot, principal, state=state, number=number, after=after, limit=limit)


def find_recall(snapshot: Snapshot, principal: Principal, recall_id: UUID) -> Recall:
    """Raises NotFound where there is none that the principal may see."""
    recall = store.find(snapshot, recall_id)
    if recall is None:
        raise unknown(recall_id)
    if not _office(principal, recall) and (
        recall.state == "mock" or not store.concerned(snapshot, principal, recall_id)
    ):
        raise unknown(recall_id)
    return recall


def _office(principal: Principal, recall: Recall) -> bool:
    """Whether the reader is the office that recalls, one above it, or the operator."""
    if principal.role is Role.ADMIN:
        return True
    region = principal.region
    return principal.role is Role.REGULATOR and region is not None and (recall.region or "").startswith(region)


def sight(snapshot: Snapshot, principal: Principal, recall: Recall) -> Sight:
    if _office(principal, recall):
        return Sight(True, None, None)
    match principal.role:
        case Role.REGULATOR:
            return Sight(False, principal.region or "-", None)
        case Role.MARKET:
            return Sight(False, None, frozenset(store.parties_of_market(snapshot, principal, recall.id)))
        case _:
            return Sight(False, None, frozenset([principal.party_id] if principal.party_id else ()))


def names_persons(principal: Principal) -> bool:
    """Whether the reader learns who is responsible."""
    return principal.role in (Role.REGULATOR, Role.ADMIN)


def told(snapshot: Snapshot, principal: Principal, recall: Recall, now: datetime, *, persons: bool = False) -> Shown:
    """The recall with its progress, as far as the reader sees it; with `persons`, who is responsible, for a reader who
    learns that."""
    seen = sight(snapshot, principal, recall)
    fields: Shown = {name: getattr(recall, name) for name in _PUBLIC}
    fields["deadlines"] = {
        "start_due": recall.start_due,
        "notify_due": recall.notify_due,
        "complete_due": recall.complete_due,
    }
    fields["persons"] = recall.persons if persons and names_persons(principal) else None
    for name in ("scope", "history", "counts"):
        fields[name] = getattr(recall, name) if seen.whole else None
    if recall.counts is not None and seen.whole:
        fields["counts"] = _counts(snapshot, recall.counts)
    fields["overdue"] = fields["progress"] = None
    if recall.state != "mock":
        notices = [row for row in store.notices(snapshot, [recall.id]) if seen.sees(row.party_id, row.region)]
        fields["overdue"] = overdue(recall, notices, now)
        fields["progress"] = progress(snapshot, recall, seen, notices)
    return fields


_PUBLIC = (
    "id", "number", "state", "grade", "region", "title", "reason", "hazard", "advice", "known_at", "record_time",
    "started_at", "closed_at", "outcome", "conclusion", "version", "changed_at", "resolved_at",
)  # fmt: skip


def _counts(snapshot: Snapshot, counts: Shown) -> Shown:
    """With amounts as answers show them; what is one product by its GTIN is one line."""
    products = alike(snapshot, [UUID(each["product_id"]) for each in counts["products"]])
    sums: dict[tuple[str, str], Shown] = {}
    for each in counts["products"]:
        same = products.get(UUID(each["product_id"]))
        key = str(same[0].id) if same else each["product_id"]
        known = sums.get((key, each["measure"]))
        added = {name: each[name] + (known[name] if known else 0) for name in _AMOUNTS}
        sums[key, each["measure"]] = added | {"measure": each["measure"], "product": same[0] if same else None}
    told = []
    for (key, _), each in sums.items():
        product = each["product"]
        name = product.name if product else None
        told.append({"product_id": key, "name": name} | _amounts(each.get, _AMOUNTS, each, product))
    return counts | {"products": told}


_AMOUNTS = ("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained", "on_hand")


def _amounts(amount_of: Callable[[str], Any], names: Iterable[str], of: Any, product: Product | None) -> Shown:
    measure = of["measure"] if isinstance(of, dict) else of.measure
    each = product.grams_per_piece if product else None
    return {name: shown(amount_of(name), measure, each) for name in names}


# --- progress ---


def progress(snapshot: Snapshot, recall: Recall, seen: Sight, notices: Collection[Notice]) -> Shown:
    """How many have answered, and what share of the quantity is accounted for."""
    places = [row for row in store.places(snapshot, recall.id) if seen.sees(row.party_id, row.region)]
    found = shares(places, latest(store.answers(snapshot, recall.id)))
    parts = effectiveness(found.values())
    return {
        "parties": answering(notices),
        "weight": _part(parts["weight"]),
        "count": _part(parts["count"]),
        "percent": lowest(parts),
    }


def _part(part: Part) -> Shown:
    return {"answers_for": part.answers_for, "recovered": part.recovered, "percent": part.percent}


# --- notices ---


def find_notices(
    snapshot: Snapshot,
    principal: Principal,
    recall: Recall,
    now: datetime,
    *,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[tuple[Notice, Shown]]:
    """Notices that the reader sees, the first written first, each with its goods and answers."""
    seen = sight(snapshot, principal, recall)
    rows = store.page_of_notices(
        snapshot, recall.id, parties=seen.parties, region=seen.region, state=state, after=after, limit=limit
    )
    return list(zip(rows, notices_told(snapshot, recall.id, rows, now), strict=True))


def notices_told(snapshot: Snapshot, recall_id: UUID, rows: Collection[Notice], now: datetime) -> list[Shown]:
    """Each notice with what its party has, or had, of the goods, what it has said, and what it owes."""
    parties = {row.party_id for row in rows}
    places = [row for row in store.places_of(snapshot, recall_id, parties) if not row.gone]
    answers = store.answers_of(snapshot, recall_id, parties)
    found = shares(places, latest(answers))
    products = master.products(snapshot, {place.product_id for place in places})
    sites = master.sites(snapshot, {place.site_id for place in places if place.site_id is not None})
    named = master.parties(snapshot, parties)
    listed = []
    for row in rows:
        own = {product: share for (party, product), share in found.items() if party == row.party_id}
        parts = effectiveness(own.values())
        party = named[row.party_id]
        fields = {name: getattr(row, name) for name in _NOTICE}
        listed.append(
            fields
            | {
                "acknowledge_due": row.acknowledge_due,
                "overdue": late(row, now),
                "party": {"code": party.code, "name": party.name, "kind": party.kind, "region": party.region},
                "goods": [_place(place, sites, products) for place in places if place.party_id == row.party_id],
                "answers_for": [_share(products[key], share) for key, share in own.items()],
                "percent": lowest(parts),
                "answers": [
                    {"id": a.id, "record_time": a.record_time, "lines": _lines(a.lines, products), "note": a.note,
                     "evidence": a.evidence}
                    for a in answers
                    if a.party_id == row.party_id
                ],
            }
        )  # fmt: skip
    return listed


_NOTICE = (
    "id", "recall_id", "party_id", "region", "state", "notify_due", "notified_at", "channel", "acknowledged_at",
    "answered_at", "answer_due", "record_time", "changed_at", "history",
)  # fmt: skip


def _place(place: RecallPlace, sites: dict[UUID, Any], products: dict[UUID, Product]) -> Shown:
    site = sites.get(place.site_id) if place.site_id is not None else None
    product = products[place.product_id]
    return {
        "site_id": place.site_id,
        "site": {"code": site.code, "name": site.name, "kind": site.kind, "region": site.region} if site else None,
        "product_id": place.product_id,
        "product": product.name,
        "batches": place.custodies,
        "receipts": place.receipts,
    } | _amounts(lambda name: getattr(place, name), _AMOUNTS, place, product)


def _share(product: Product, share: Share) -> Shown:
    names = ("answers_for", "booked", "said", "recovered")
    fields = _amounts(lambda name: getattr(share, name), names, share, product)
    return {"product_id": product.id, "product": product.name} | fields


def _lines(lines: Iterable[Shown], products: dict[UUID, Product]) -> list[Shown]:
    return [
        {"custody_id": line["custody_id"], "product_id": line["product_id"]}
        | _amounts(line.get, ("withdrawn", "returned", "destroyed"), line, products.get(UUID(line["product_id"])))
        for line in lines
    ]


# --- what is affected ---

Place = tuple[int, bytes]  # where a page ends: after this key of this generation


def affected(
    snapshot: Snapshot, principal: Principal, recall: Recall, after: Place | None = None
) -> Iterator[tuple[Place, Shown]]:
    """Everything that the scope reaches now, generation by generation, as far as the reader sees it. Amounts of goods
    that are to be handed over to other regions are not told."""
    subjects = subjects_of(snapshot, read_scope(recall.scope), over=recall.state == "closed")
    seen = sight(snapshot, principal, recall)
    regions = Regions(snapshot, recall.region)
    for generation, keys in generations(snapshot, subjects):
        if after is not None:
            keys = [key for key in keys if (generation, key) > after]
        rows = [row for row in reach_store.hands(snapshot, keys) if row[1] == "custody"]
        beyond = regions.beyond(rows)
        rows = [row for row in rows if seen.sees(_id(row[6]), regions.of(row[5]))]
        names = Names(snapshot, rows)
        for row in sorted(rows, key=lambda row: row[0]):
            yield (generation, row[0]), names.told(row, generation, regions.of(row[5]), row[0] in beyond)


def _id(key: bytes | None) -> UUID | None:
    return None if key is None else UUID(bytes=key)


class Names:
    """What the goods of some rows are called."""

    def __init__(self, snapshot: Snapshot, rows: Collection[Row]) -> None:
        self._lots = {row[0]: row[1] for row in chain.lots(snapshot, {row[3] for row in rows})}
        self._products = {row[0]: row for row in chain.products(snapshot, {row[4] for row in rows})}
        self._sites = {row[0]: row for row in chain.sites(snapshot, {row[5] for row in rows if row[5]})}
        self._parties = {row[0]: row for row in chain.parties(snapshot, {row[6] for row in rows if row[6]})}

    def told(self, row: Row, generation: int, region: str, beyond: bool) -> Shown:
        product = self._products[row[4]]
        sums = dict(zip(_HANDS, row[9:16], strict=True))
        sums["on_hand"] = sums["received"] - sum(sums[name] for name in _HANDS[1:])
        each = product[5]
        amounts = {
            name: None if beyond else shown(sums[name], row[7], each) for name in ("received", "sold", "on_hand")
        }
        return {
            "custody_id": _id(row[0]),
            "code": row[2],
            "lot_id": _id(row[3]),
            "lot_number": self._lots.get(row[3]),
            "product": {"code": product[1], "name": product[2], "kind": product[3], "region": None},
            "site": _named(self._sites.get(row[5])),
            "party": _named(self._parties.get(row[6])),
            "region": region or None,
            "beyond": beyond,
            "generation": generation,
            "arrived_at": from_micros(row[8]),
            "receipts": None if beyond else row[16],
        } | amounts


_HANDS = ("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained")


def _named(row: Row | None) -> Shown | None:
    return None if row is None else {"code": row[1], "name": row[2], "kind": row[3], "region": row[4]}


def batches_of(snapshot: Snapshot, recall: Recall, party_id: UUID) -> list[Shown]:
    """What one party has, or had, of what the recall holds."""
    products = {place.product_id.bytes for place in store.places_of_party(snapshot, recall.id, party_id)}
    came = reach_store.that_came(snapshot, "party_id", [party_id.bytes], None, None)
    goods = {row[0]: (row[1], row[2]) for row in came if row[3] in products}
    held = holds.on(snapshot, goods, back=True).holds
    keys = [key for key, found in held.items() if any(hold[4] == recall.id.bytes for hold in found)]
    rows = reach_store.hands(snapshot, keys)
    names = Names(snapshot, rows)
    return [names.told(row, 0, "", False) for row in sorted(rows, key=lambda row: (row[8], row[0]))]
