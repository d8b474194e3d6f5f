"""What a sweep looks through: devices that have called before, parties with licences, papers that ran out."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.domain.rows import Device, Document, Party
from app.store import documents, master, tables
from app.store.engine import Snapshot
from app.store.master import CHUNK, chunks

LICENCES = ("production_licence", "business_licence")


def last_seen(snapshot: Snapshot, since: datetime, until: datetime) -> Iterator[list[tuple[Device, datetime]]]:
    """Active scales whose last call lies between the two, in blocks."""
    report = tables.device_report.c
    query = select(report.device_id, report.seen_at).where(report.seen_at >= since, report.seen_at < until)
    query = query.order_by(report.device_id).limit(CHUNK)
    last: UUID | None = None
    while True:
        rows = snapshot.execute(query if last is None else query.where(report.device_id > last)).all()
        devices = master.devices(snapshot, [row.device_id for row in rows])
        pairs = [(devices[row.device_id], row.seen_at) for row in rows if row.device_id in devices]
        yield [(device, at) for device, at in pairs if device.kind == "scale" and device.status == "active"]
        if len(rows) < CHUNK:
            return
        last = rows[-1].device_id


def sold_on(snapshot: Snapshot, device: Device, begin: datetime) -> bool:
    """Whether the scale sold anything within a day from then on."""
    receipt = tables.receipt.c
    query = select(receipt.id).where(
        receipt.site_id == device.site_id, receipt.device_id == device.id, receipt.event_time >= begin,
        receipt.event_time < begin + timedelta(days=1),
    )  # fmt: skip
    return snapshot.execute(query.limit(1)).first() is not None


def parties(snapshot: Snapshot) -> Iterator[list[Party]]:
    """All of them, in blocks."""
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = master.page(snapshot, Party, (), after, CHUNK)
        yield rows
        if len(rows) < CHUNK:
            return
        after = (rows[-1].record_time, rows[-1].id)


def expired_papers(snapshot: Snapshot, since: date, today: date) -> Iterator[list[Document]]:
    """Documents whose last day lies between the two, in blocks."""
    c = tables.document.c
    query = select(tables.document).where(c.expires_on >= since, c.expires_on < today).order_by(c.id).limit(CHUNK)
    last: UUID | None = None
    while True:
        rows = [Document(*row) for row in snapshot.execute(query if last is None else query.where(c.id > last))]
        yield rows
        if len(rows) < CHUNK:
            return
        last = rows[-1].id


def speaks_for_sites(snapshot: Snapshot, papers: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """(site, document) of the papers that speak for sites."""
    c = tables.attachment.c
    rows = [
        (row.subject_id, row.document_id)
        for chunk in chunks(papers)
        for row in snapshot.execute(select(c.subject_id, c.document_id).where(c.document_id.in_(chunk)))
    ]
    sites = master.sites(snapshot, [subject for subject, _ in rows])
    return [(subject, paper) for subject, paper in rows if subject in sites]


def papers_of_sites(snapshot: Snapshot, sites: Collection[UUID]) -> dict[UUID, list[Document]]:
    """All that speaks for each site."""
    c = tables.attachment.c
    rows = [
        (row.subject_id, row.document_id)
        for chunk in chunks(sites)
        for row in snapshot.execute(select(c.subject_id, c.document_id).where(c.subject_id.in_(chunk)))
    ]
    known = documents.find(snapshot, [paper for _, paper in rows])
    found: dict[UUID, list[Document]] = {site: [] for site in sites}
    for site, paper in rows:
        found[site].append(known[paper])
    return found


def licences_of(snapshot: Snapshot, owners: Collection[UUID]) -> dict[UUID, list[Document]]:
    """The licences that each party has deposited."""
    c = tables.document.c
    found: dict[UUID, list[Document]] = {owner: [] for owner in owners}
    for chunk in chunks(owners):
        query = select(tables.document).where(c.owner_party_id.in_(chunk), c.type.in_(LICENCES))
        for row in snapshot.execute(query):
            paper = Document(*row)
            assert paper.owner_party_id is not None
            found[paper.owner_party_id].append(paper)
    return found
