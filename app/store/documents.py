"""Documents: certificates and licences, and what they speak for. Their files are in `files`."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from app.domain.rows import Document
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values


def find(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Document]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(tables.document).where(tables.document.c.id.in_(chunk))):
            found[row.id] = Document(*row)
    return found


def add(connection: Snapshot, rows: Iterable[Document]) -> None:
    """A document that another process has just added is left as it is: the same id is the same content."""
    bulk.insert_new(connection, tables.document, [values(row) for row in rows])


def subjects(snapshot: Snapshot, document_id: UUID) -> list[UUID]:
    """The custodies and sites that the document speaks for."""
    statement = select(tables.attachment.c.subject_id).where(tables.attachment.c.document_id == document_id)
    return list(snapshot.execute(statement).scalars())


def neighbours(snapshot: Snapshot, custody_ids: Iterable[UUID]) -> set[UUID]:
    """The custodies one step up and one step down."""
    link = tables.custody_link
    found: set[UUID] = set()
    for chunk in chunks(custody_ids):
        found |= set(snapshot.execute(select(link.c.parent_id).where(link.c.child_id.in_(chunk))).scalars())
        found |= set(snapshot.execute(select(link.c.child_id).where(link.c.parent_id.in_(chunk))).scalars())
    return found
