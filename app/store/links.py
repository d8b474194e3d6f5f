"""Links that are published, and what GS1 keys name."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from app.domain.digital_link import DigitalLink
from app.domain.epcis.identifiers import gs1_key
from app.domain.links import PublishedLink
from app.domain.masters import captured, gtin14
from app.domain.rows import Custody, Lot, Party, Product, Site
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import by_id, changers, chunks, versions, where_in

_link = tables.link

Place = tuple[datetime, UUID]
PARTY_SCHEMES = ("gln", "pgln")
FOUND = 50  # batches of one lot number, or in one logistic unit, that are told


def of_anchors(snapshot: Snapshot, anchors: Iterable[str]) -> dict[str, list[PublishedLink]]:
    """The links of each anchor, in the order in which they came."""
    return _of_anchors(snapshot, anchors, lock=False)


def lock(connection: Snapshot, anchors: Iterable[str]) -> dict[str, list[PublishedLink]]:
    """As `of_anchors`; nobody else changes them until the transaction ends. Call it once, before anything else."""
    return _of_anchors(connection, sorted(set(anchors)), lock=True)


def _of_anchors(snapshot: Snapshot, anchors: Iterable[str], *, lock: bool) -> dict[str, list[PublishedLink]]:
    found: dict[str, list[PublishedLink]] = defaultdict(list)
    for chunk in chunks(anchors):
        statement = select(_link).where(_link.c.anchor.in_(chunk)).order_by(_link.c.anchor, _link.c.id)
        for row in snapshot.execute(statement.with_for_update() if lock else statement):
            found[row.anchor].append(PublishedLink(*row))
    for listed in found.values():
        listed.sort(key=lambda row: (row.record_time, row.id))
    return found


def by_ids(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, PublishedLink]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_link).where(_link.c.id.in_(chunk))):
            found[row.id] = PublishedLink(*row)
    return found


def page(
    snapshot: Snapshot, owner: UUID | None, anchor: str | None, after: Place | None, limit: int
) -> list[PublishedLink]:
    """Of an owner or of all, of an anchor or of all, in the order in which they came, after the place."""
    c = _link.c
    conditions = [] if owner is None else [c.owner_id == owner]
    if anchor is not None:
        conditions.append(c.anchor == anchor)
    if after is not None:
        conditions.append(and_(c.record_time >= after[0], or_(c.record_time > after[0], c.id > after[1])))
    statement = select(_link).where(*conditions).order_by(c.record_time, c.id).limit(limit)
    return [PublishedLink(*row) for row in snapshot.execute(statement)]


def save(connection: Snapshot, rows: Iterable[PublishedLink]) -> None:
    bulk.upsert(connection, _link, [_values(row) for row in rows])


def remove(connection: Snapshot, rows: Iterable[PublishedLink]) -> None:
    for row in rows:
        connection.execute(_link.delete().where(_link.c.anchor == row.anchor, _link.c.id == row.id))


def _values(row: PublishedLink) -> tuple[Any, ...]:
    return tuple(getattr(row, column.name) for column in _link.columns)


# --- what keys name ---


def spellings(gtin: str) -> list[str]:
    """A GTIN-14 as it may have been enrolled: with fewer zeros in front, as far as those are lengths of a GTIN."""
    return [gtin, *(gtin[14 - length :] for length in (13, 12, 8) if gtin.startswith("0" * (14 - length)))]


def products(snapshot: Snapshot, gtins: Iterable[str]) -> dict[str, list[Product]]:
    """The products of each GTIN-14, the one that was enrolled first in front."""
    wanted = list(dict.fromkeys(gtins))
    found: dict[str, list[Product]] = defaultdict(list)
    table = tables.product
    for row in where_in(snapshot, Product, table.c.gtin, [each for gtin in wanted for each in spellings(gtin)]):
        found[(row.gtin or "").zfill(14)].append(row)
    for listed in found.values():
        listed.sort(key=lambda row: (row.record_time, row.id))
    return found


def alike(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, list[Product]]:
    """Of each of the products all that are one with it, by GTIN, itself included: what was enrolled here before what
    documents named, the first in front."""
    asked = by_id(snapshot, Product, ids)
    known = products(snapshot, [gtin for row in asked.values() if (gtin := gtin14(row)) is not None])
    found = {}
    for key, row in asked.items():
        same = [other for other in known.get(gtin14(row) or "", ()) if gtin14(other) is not None]
        found[key] = sorted(same, key=captured) or [row]
    return found


def lots(snapshot: Snapshot, products: Sequence[UUID], number: str) -> list[Lot]:
    """The lots of that number, of any of the products, that have a code; the one that was made last in front."""
    table = tables.lot
    conditions = (table.c.product_id.in_(products), table.c.lot_number == number, table.c.code.is_not(None))
    rows = snapshot.execute(select(table).where(*conditions).limit(FOUND)) if products else ()
    return sorted((Lot(*row) for row in rows), key=lambda row: (str(row.produced_on or ""), row.id), reverse=True)


def custodies(snapshot: Snapshot, epcs: Iterable[str]) -> list[Custody]:
    """Captured batches in somebody's hands by their EPC, that have a code; the last that arrived in front."""
    table = tables.custody
    found: list[Custody] = []
    for chunk in chunks(epcs):
        statement = select(table).where(table.c.epc.in_(chunk), table.c.code.is_not(None)).limit(FOUND)
        found += [Custody(*row) for row in snapshot.execute(statement)]
    return sorted(found, key=lambda row: (row.arrived_at, row.id), reverse=True)


def labelled(snapshot: Snapshot, link: DigitalLink) -> list[Lot]:
    """The lots that a GTIN with a lot number stands for on a label."""
    number = link.qualifier("10") if link.key == "01" else None
    if number is None:
        return []
    known = products(snapshot, [link.value]).get(link.value, [])
    return lots(snapshot, [row.id for row in known], number)


def sites(snapshot: Snapshot, gln: str, extension: str | None) -> list[Site]:
    """Sites with a GLN, the highest in front: those that have that extension of their own; without one, those that have
    none, if there are any. Where one is ours, what documents have told of is not looked at."""
    table = tables.site
    listed = where_in(snapshot, Site, table.c.gln, [gln])
    listed = [row for row in listed if row.uri is None] or listed
    listed.sort(key=lambda row: (len(row.path), row.record_time, row.id))
    if extension is not None:
        return [row for row in listed if extension in extensions(row)]
    return [row for row in listed if not extensions(row)] or listed


def extensions(site: Site) -> list[str]:
    """The GLN extension components (254) that a site is called by."""
    return [code["value"] for code in site.external_codes if code["scheme"].lower() in ("254", "glnx")]


def numbered(snapshot: Snapshot, products: Iterable[UUID], numbers: Iterable[str]) -> list[tuple[UUID, str]]:
    """Product and number of each lot with a code that has one of the products and one of the numbers."""
    c = tables.lot.c
    listed = list(products)
    found: list[tuple[UUID, str]] = []
    for chunk in chunks(numbers):
        for some in chunks(listed):
            statement = select(c.product_id, c.lot_number).where(
                c.product_id.in_(some), c.lot_number.in_(chunk), c.code.is_not(None)
            )
            found += [(row.product_id, row.lot_number) for row in snapshot.execute(statement)]
    return found


def parties(snapshot: Snapshot, gln: str) -> list[Party]:
    """Parties whose own number in a scheme of the name gln it is."""
    c = tables.external_code.c
    named = select(c.subject_id, c.scheme).where(c.value == gln, c.kind == "party")
    ids = [row.subject_id for row in snapshot.execute(named) if row.scheme.lower() in PARTY_SCHEMES]
    found: list[Party] = where_in(snapshot, Party, tables.party.c.id, ids)
    return sorted(found, key=lambda row: (row.record_time, row.id))


def enrolled_parties(snapshot: Snapshot, uris: Iterable[str]) -> dict[str, Party]:
    """By the canonical URI of a GLN of party (417): the one party of ours with that number, where somebody else than
    itself has written it."""
    numbers = {uri: link.value for uri in uris if (link := gs1_key(uri)) is not None and link.key == "417"}
    c = tables.external_code.c
    called: dict[str, set[UUID]] = defaultdict(set)
    for chunk in chunks(set(numbers.values())):
        named = select(c.value, c.subject_id, c.scheme).where(c.value.in_(chunk), c.kind == "party")
        for row in snapshot.execute(named):
            if row.scheme.lower() in PARTY_SCHEMES:
                called[row.value].add(row.subject_id)
    single = {value: next(iter(ids)) for value, ids in called.items() if len(ids) == 1}
    parties_ = by_id(snapshot, Party, single.values())
    histories, writers = versions(snapshot, parties_), changers(snapshot, parties_)
    found = {}
    for uri, value in numbers.items():
        key = single.get(value)
        if key in parties_ and _vouched(value, histories[key], writers[key]):
            found[uri] = parties_[key]
    return found


def _vouched(value: str, history: Sequence[Any], writers: Sequence[tuple[UUID | None, datetime]]) -> bool:
    """Whether another than the party has written its number, last."""
    had, vouched = False, False
    for row, (writer, _) in zip(history, writers, strict=True):
        has = any(code["value"] == value and code["scheme"].lower() in PARTY_SCHEMES for code in row.external_codes)
        if has and not had:
            vouched = writer not in (None, row.id)
        had = has
    return had and vouched


def papers_of(snapshot: Snapshot, lot_ids: Sequence[UUID]) -> set[UUID]:
    """Of the lots those that a document speaks for, where they were made or went."""
    custody, attached = tables.custody.c, tables.attachment.c
    hands = {row.id: row.lot_id for row in snapshot.execute(
        select(custody.id, custody.lot_id).where(custody.lot_id.in_(lot_ids)).limit(500)
    )} if lot_ids else {}  # fmt: skip
    found: set[UUID] = set()
    for chunk in chunks(hands):
        rows = snapshot.execute(select(attached.subject_id).where(attached.subject_id.in_(chunk)))
        found |= {hands[row.subject_id] for row in rows}
    return found
