"""Personal data that nothing needs any more: of who complained, of who answered for a recall, of parties that have been
out of business for long. What they were becomes a hash; nothing of it is archived."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Row, Table, select

from app.domain.alerts import CLOSED
from app.store import tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.thinning import PAGE, Taken, whole

Hash = Callable[[str], str]
_HASHED: Final = "hmac:"
_ERASED: Final = f"已抹去 · erased {_HASHED}"


@dataclass(frozen=True, slots=True)
class Page:
    """What is erased of the next rows, and where to go on; None at the end."""

    taken: Taken
    after: UUID | None


def _page(snapshot: Snapshot, table: Table, after: UUID | None, *conditions: Any) -> tuple[list[Row[Any]], UUID | None]:
    query = whole(table).where(*conditions).order_by(table.c.id).limit(PAGE)
    rows = list(snapshot.execute(query if after is None else query.where(table.c.id > after)))
    return rows, rows[-1].id if len(rows) == PAGE else None


def _now(taken: Taken, table: Table, row: Row[Any], **values: Any) -> None:
    taken.was[table].append(row)
    taken.now[table].append(tuple(values.get(c.name, row._mapping[c.name]) for c in table.columns))


def complaints(snapshot: Snapshot, before: datetime, hashed: Hash, after: UUID | None) -> Page:
    """The contacts of complaints that were closed before then."""
    c, taken = tables.complaint.c, Taken()
    conditions = c.state == "closed", c.changed_at < before, c.contact.is_not(None), c.contact.not_like(f"{_HASHED}%")
    rows, more = _page(snapshot, tables.complaint, after, *conditions)
    for row in rows:
        _now(taken, tables.complaint, row, contact=hashed(row.contact))
    return Page(taken, more)


def recalls(snapshot: Snapshot, before: datetime, hashed: Hash, after: UUID | None) -> Page:
    """Who was responsible for goods of recalls that were closed before then."""
    c, taken = tables.recall.c, Taken()
    rows, more = _page(snapshot, tables.recall, after, c.state == "closed", c.closed_at < before)
    for row in rows:
        if any(not person["name"].startswith(_HASHED) for person in row.persons):
            persons = [person | {"name": hashed(person["name"]), "phone": None} for person in row.persons]
            _now(taken, tables.recall, row, persons=persons)
    return Page(taken, more)


def parties(snapshot: Snapshot, before: datetime, hashed: Hash, after: UUID | None) -> Page:
    """Parties that were locked before then and that no record needs: whom to call, and of those without a credit code,
    who are persons and no firms, their name, licences, what others call them and what they said of themselves and
    others. Their history is erased as well."""
    c, taken = tables.party.c, Taken()
    conditions = c.status == "locked", c.valid_from < before, c.record_time < before, c.name.not_like(f"{_ERASED}%")
    rows, more = _page(snapshot, tables.party, after, *conditions)
    rows = [row for row in rows if row.credit_code is None or row.contact is not None]
    needed = _needed(snapshot, [row.id for row in rows], before)
    going = {row.id: row for row in rows if row.id not in needed}
    erased: dict[UUID, dict[str, Any]] = {}
    for row in going.values():
        values: dict[str, Any] = {"contact": None}
        if row.credit_code is None:
            digest = hashed(f"{row.name}\n{(row.contact or {}).get('phone') or ''}").removeprefix(_HASHED)
            values |= {"name": f"{_ERASED}{digest}", "licences": [], "external_codes": [], "warnings": []}
        erased[row.id] = values
        _now(taken, tables.party, row, **values)
    version, code, said = tables.master_version, tables.external_code, tables.vocabulary_attribute
    for chunk in chunks(going):
        for row in snapshot.execute(whole(version).where(version.c.subject_id.in_(chunk))):
            _now(taken, version, row, body=row.body | erased[row.subject_id])
    persons = [key for key, values in erased.items() if "name" in values]
    for chunk in chunks(persons):
        taken.gone[code] += snapshot.execute(whole(code).where(code.c.subject_id.in_(chunk))).all()
        taken.gone[said] += snapshot.execute(whole(said).where(said.c.said_by.in_(chunk))).all()
    return Page(taken, more)


def _needed(snapshot: Snapshot, parties: Collection[UUID], before: datetime) -> set[UUID]:
    """Those of the parties that something which is kept is of."""
    t = tables
    by: tuple[tuple[Column[Any], tuple[Any, ...]], ...] = (
        (t.custody.c.party_id, ()),
        (t.event.c.party_id, ()),
        (t.slip.c.party_id, ()),
        (t.document.c.owner_party_id, ()),
        (t.api_key.c.party_id, (t.api_key.c.status == "active",)),
        (t.person.c.party_id, (t.person.c.status == "active",)),
        (t.inspection.c.party_id, (t.inspection.c.record_time >= before,)),
        (t.complaint.c.party_id, (t.complaint.c.state != "closed",)),
        (t.alert.c.party_id, (t.alert.c.state.not_in(CLOSED),)),
        (t.code_job.c.party_id, ()),
    )
    found: set[UUID] = set()
    for column, conditions in by:
        for chunk in chunks(parties):
            found.update(snapshot.scalars(select(column).where(column.in_(chunk), *conditions).distinct()))
    return found | _told(snapshot, parties, before) | _selling(snapshot, parties)


def _told(snapshot: Snapshot, parties: Iterable[UUID], before: datetime) -> set[UUID]:
    """Those that a recall concerns which is on, or was until lately."""
    notice, recall = tables.recall_notice.c, tables.recall.c
    by_recall: dict[UUID, set[UUID]] = {}
    for chunk in chunks(parties):
        for key, party in snapshot.execute(select(notice.recall_id, notice.party_id).where(notice.party_id.in_(chunk))):
            by_recall.setdefault(key, set()).add(party)
    over: set[UUID] = set()
    for chunk in chunks(by_recall):
        query = select(recall.id).where(recall.id.in_(chunk), recall.state == "closed", recall.closed_at < before)
        over.update(snapshot.scalars(query))
    return {party for key, listed in by_recall.items() if key not in over for party in listed}


def _selling(snapshot: Snapshot, parties: Iterable[UUID]) -> set[UUID]:
    """Those at whose sites sales, or goods of others, are still on record."""
    site, found = tables.site.c, set[UUID]()
    for chunk in chunks(parties):
        rows = snapshot.execute(select(site.id, site.party_id).where(site.party_id.in_(chunk)))
        sites: dict[UUID, UUID] = {row.id: row.party_id for row in rows}
        for some in chunks(sites):
            for column in (tables.receipt.c.site_id, tables.custody.c.site_id, tables.event.c.site_id):
                there = snapshot.scalars(select(column).where(column.in_(some)).distinct())
                found.update(sites[key] for key in there)
    return found
