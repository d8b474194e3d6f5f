"""Looks at personal data: who saw whose contact, paper or photo, when, and by what request (个人信息保护法 §51, §54:
records of processing, and their audit). A look is on disk before what it looks at is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.domain.errors import Forbidden
from app.domain.rights import Principal, Role
from app.domain.rows import Document, Party
from app.store import looks as store
from app.store import master
from app.store.engine import Snapshot
from app.store.looks import Noted
from app.store.writer import Transaction

REQUEST = 300  # characters that are kept of a request
# What such papers show of a natural person: a proprietor, a farmer, an identity card.
PERSONAL_PAPERS = frozenset({"origin_proof", "purchase_slip", "production_licence", "business_licence", "other"})


@dataclass(frozen=True, slots=True)
class Look:
    """Fields of one subject that a reader is about to see. `id`: a UUID or a code; `region` (GB/T 2260) where the
    subject is, None where that is not known."""

    kind: str
    id: str
    fields: tuple[str, ...]
    region: str | None = None


@dataclass(frozen=True, slots=True)
class NoteLooks:
    """What one request shows its reader."""

    principal: Principal
    looks: Sequence[Look]
    request: str
    request_id: str | None


def note_looks(transaction: Transaction, commands: Sequence[NoteLooks]) -> Sequence[None]:
    """Job: a row for each look; under the region of the reader, its party's or its device's stall's."""
    connection = transaction.connection
    readers = [command.principal for command in commands]
    parties = master.parties(connection, [reader.party_id for reader in readers if reader.party_id is not None])
    sites = master.sites(connection, [reader.site_id for reader in readers if reader.site_id is not None])

    def region(reader: Principal) -> str | None:
        if reader.party_id is not None:
            return parties[reader.party_id].region
        return reader.region if reader.site_id is None else sites[reader.site_id].region

    store.add(
        connection,
        [
            Noted(
                id=uuid4(),
                record_time=transaction.now,
                reader_id=command.principal.key_id,
                person=command.principal.person,
                role=command.principal.role,
                party_id=command.principal.party_id,
                region=region(command.principal),
                subject_kind=look.kind,
                subject_id=look.id,
                subject_region=look.region,
                fields=list(look.fields),
                request=command.request[:REQUEST],
                request_id=command.request_id,
            )
            for command in commands
            for look in command.looks
        ],
    )
    return [None] * len(commands)


def find_looks(
    snapshot: Snapshot,
    principal: Principal,
    *,
    reader_id: UUID | None = None,
    subject_id: str | None = None,
    kind: str | None = None,
    role: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Noted]:
    """The latest first. Raises Forbidden for whoever is no auditor."""
    if principal.role not in (Role.AUDITOR, Role.ADMIN):
        raise Forbidden(
            "forbidden", "查阅记录由审计人员查看 · Who has looked at personal data is for the auditor to read"
        )
    return store.search(
        snapshot, principal, reader_id=reader_id, subject_id=subject_id, kind=kind, role=role, since=since,
        until=until, after=after, limit=limit,
    )  # fmt: skip


def at_parties(principal: Principal, rows: Iterable[Party]) -> list[Look]:
    """At others' contacts."""
    return [
        Look("party", str(row.id), ("contact",), row.region)
        for row in rows
        if row.contact is not None and row.id != principal.party_id
    ]


def at_file(principal: Principal, document: Document) -> list[Look]:
    """At the file of another's paper that may name a natural person."""
    own = document.owner_party_id is not None and document.owner_party_id == principal.party_id
    return [] if own or document.type not in PERSONAL_PAPERS else [Look("document", str(document.id), ("file",))]


def at_paper(kind: str, key: str, said: dict[str, Any], region: str | None = None) -> list[Look]:
    """At whom a paper names: nothing where it gives no contact."""
    seen = tuple(name for name in ("contact", "address") if said.get(name))
    return [Look(kind, key, seen, region)] if "contact" in seen else []
