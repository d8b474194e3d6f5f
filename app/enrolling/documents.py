"""Documents: a certificate, licence or slip with its file; who may read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.domain import masters
from app.domain.rights import Principal, Role, owns_party, owns_site
from app.domain.rows import Document
from app.enrolling.forms import require_enrols, unknown
from app.store import codes as custody_store
from app.store import documents as store
from app.store import master
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided


@dataclass(frozen=True, slots=True)
class Deposit:
    """A document whose file is on disk already; `form` holds the columns that the depositor fills in."""

    principal: Principal
    form: Mapping[str, Any]
    file_hash: bytes
    file_name: str | None
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Deposited:
    """`created` is False where the same form with the same file was sent before."""

    row: Document
    created: bool


def deposit_documents(transaction: Transaction, commands: Sequence[Deposit]) -> Sequence[Deposited | Exception]:
    """Job: enrols documents; the same form with the same file from the same office is the same document."""
    keys = {id(command): _key(command) for command in commands}
    known = store.find(transaction.connection, keys.values())
    new: list[Document] = []

    def decide(command: Deposit) -> Deposited:
        require_enrols(command.principal, "document")
        key = keys[id(command)]
        there = known.get(key)
        if there is not None:
            return Deposited(there, created=False)
        row = Document(
            id=key,
            **command.form,
            owner_party_id=command.principal.party_id,
            file_hash=command.file_hash,
            file_name=command.file_name,
            media_type=command.media_type,
            size=command.size,
            record_time=transaction.now,
        )
        new.append(row)
        known[key] = row
        return Deposited(row, created=True)

    results = decided(commands, decide)
    store.add(transaction.connection, new)
    return results


def _key(command: Deposit) -> UUID:
    form = {**command.form, "file": command.file_hash.hex()}
    return masters.form_id("document", command.principal.recorder_id, form)


_FORM = ("type", "number", "issuer", "issued_on", "expires_on", "class_", "covers")


def _deposited_by(principal: Principal, document: Document) -> bool:
    """The id says who deposited it: an office of no party, too."""
    form = {name: getattr(document, name) for name in _FORM} | {"file": document.file_hash.hex()}
    return masters.form_id("document", principal.recorder_id, form) == document.id


def find_document(snapshot: Snapshot, principal: Principal, document_id: UUID) -> Document:
    """A document that the reader may have: its owner, the owner's market, the regulator of the owner's region, whoever
    reads a site or custody in full for which it speaks, and one step up and down from such a custody.

    Raises NotFound for one that is not the reader's to know of.
    """
    document = store.find(snapshot, [document_id]).get(document_id)
    if document is None or not _readable(snapshot, principal, document):
        raise unknown("凭证", "document")
    return document


def _readable(snapshot: Snapshot, principal: Principal, document: Document) -> bool:
    if principal.role is Role.ADMIN or _deposited_by(principal, document):
        return True
    owner_id = document.owner_party_id
    if owner_id is not None:
        owner = master.parties(snapshot, [owner_id])[owner_id]
        if owns_party(principal, owner, master.markets_of_parties(snapshot, [owner_id]).get(owner_id, set())):
            return True
    subjects = store.subjects(snapshot, document.id)
    custodies = custody_store.custodies(snapshot, subjects)
    near = custody_store.custodies(snapshot, store.neighbours(snapshot, custodies))
    places = [custody.site_id for custody in (*custodies.values(), *near.values()) if custody.site_id is not None]
    sites = master.sites(snapshot, [*subjects, *places])
    roots = master.markets(snapshot, sites.values())
    return any(owns_site(principal, site, roots[site.id]) for site in sites.values())
