"""Complaints: what the public says of a code, with the way back to batch and place; who reads it, and what is answered.

What the reporter wrote, and how to reach them, leaves here through the audience table alone: to the market and the
regulator of the place. By the reference anybody sees the state and the answer, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.complaints import Complaint, State, changed, complaint_id, mint_reference, parse_reference
from app.domain.errors import Forbidden, Invalid, NotFound, Refusal
from app.domain.rights import Principal, Role
from app.scanning.answer import Shown
from app.scanning.audience import Audience, redact
from app.scanning.names import Names, place
from app.store import chain, scan
from app.store import codes as store_codes
from app.store import complaints as store
from app.store.alerts import may_own
from app.store.engine import Snapshot
from app.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Subject:
    """What a complaint is about, as of now."""

    code: str
    kind: str
    site_id: UUID | None
    party_id: UUID | None
    region: str | None
    custody_ids: list[str]
    lot_ids: list[str]


@dataclass(frozen=True, slots=True)
class FileComplaint:
    """`photos`: {"hash","size"} of files that are on disk already."""

    subject: Subject
    text: str
    contact: str | None
    photos: list[dict[str, Any]]
    language: str


@dataclass(frozen=True, slots=True)
class ChangeComplaint:
    principal: Principal
    id: UUID
    state: State | None
    answer: str | None
    owner: UUID | None = None
    assigned: bool = False


def subject_of(snapshot: Snapshot, code: codes.Code) -> Subject:
    """The place and goods behind a code that exists."""
    row = store_codes.find(snapshot, [code.text]).get(code.text)
    custodies: list[UUID] = []
    lots: list[UUID] = []
    site_id = party_id = None
    at: datetime | None = None
    match code.kind:
        case CodeKind.RECEIPT:
            number = codes.receipt_id_of(code)
            sale = scan.receipt(snapshot, number)
            device = scan.device_numbered(snapshot, codes.receipt_name(number).device_number) if sale is None else None
            site_id = sale.site_id if sale else device.site_id if device else None
            at = sale.event_time if sale else None
            custodies = [UUID(bytes=key) for key in chain.on_receipt(snapshot, number) or ()]
        case CodeKind.SITE:
            site_id = row.subject_id if row else None
        case CodeKind.PARTY:
            party_id = row.subject_id if row else None
        case CodeKind.SLIP:
            slip = store_codes.slips(snapshot, [code.text]).get(code.text)
            site_id, party_id = (slip.site_id, slip.party_id) if slip else (None, None)
            custodies = [UUID(bytes=key) for key in chain.on_slip(snapshot, code.text)]
        case CodeKind.CUSTODY:
            custodies = [row.subject_id] if row else []
        case _:  # a lot, or one numbered unit of it
            lots = [row.subject_id] if row else []
    held = store_codes.custodies(snapshot, custodies)
    if code.kind is CodeKind.CUSTODY:
        site_id, party_id = next(((each.site_id, each.party_id) for each in held.values()), (None, None))
    lots += [each.lot_id for each in held.values()]
    if code.kind in (CodeKind.LOT, CodeKind.UNIT):
        site_id = store_codes.makers(snapshot, lots).get(lots[0]) if lots else None
        party_id = next((lot.maker_id for lot in store_codes.lots(snapshot, lots).values()), None)
    names = Names(snapshot, None).load([site_id, party_id])
    site = names.site(site_id, at)
    party_id = party_id or (site.party_id if site else None)
    party = names.load([party_id]).party(party_id)
    region = (site.region if site else None) or (party.region if party else None)
    return Subject(
        code.text, codes.KINDS[code.kind], site.id if site else None, party.id if party else None, region,
        [str(key) for key in custodies], [str(key) for key in dict.fromkeys(lots)],
    )  # fmt: skip


def file_complaints(transaction: Transaction, commands: Sequence[FileComplaint]) -> Sequence[str]:
    """Job: keeps complaints; the reference of each, which is told this once."""
    references = [mint_reference() for _ in commands]
    store.add(
        transaction.connection,
        [
            Complaint(
                id=complaint_id(reference),
                code=command.subject.code,
                kind=command.subject.kind,
                site_id=command.subject.site_id,
                party_id=command.subject.party_id,
                region=command.subject.region,
                custody_ids=command.subject.custody_ids,
                lot_ids=command.subject.lot_ids,
                text=command.text,
                contact=command.contact,
                photos=command.photos,
                language=command.language,
                state="open",
                answer=None,
                record_time=transaction.now,
                changed_at=transaction.now,
            )
            for command, reference in zip(commands, references, strict=True)
        ],
    )
    return references


def followed(snapshot: Snapshot, typed: str) -> tuple[str, Shown]:
    """The reference, and what its holder sees. Raises Malformed mistyped-reference, NotFound unknown-complaint."""
    reference = parse_reference(typed)
    row = store.find(snapshot, complaint_id(reference))
    if row is None:
        raise _unknown()
    return reference, redact("complaint", Audience.PUBLIC, _fields(row))


def find_complaints(
    snapshot: Snapshot,
    principal: Principal,
    *,
    state: State | None = None,
    owner: UUID | None = None,
    code: str | None = None,
    site_id: UUID | None = None,
    since: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Shown]:
    """The latest first, at most `limit`, of what the principal answers for. Forbidden for who works no queue."""
    audience = _audience(principal)
    rows = store.search(
        snapshot, principal, state=state, owner=owner, code=code, site_id=site_id, since=since, after=after, limit=limit
    )
    return _told(snapshot, rows, audience)


def find_complaint(snapshot: Snapshot, principal: Principal, key: UUID) -> Shown:
    """Raises Forbidden, NotFound unknown-complaint."""
    audience = _audience(principal)
    rows = store.search(snapshot, principal, complaint_id=key)
    if not rows:
        raise _unknown()
    return _told(snapshot, rows, audience)[0]


def change_complaints(transaction: Transaction, commands: Sequence[ChangeComplaint]) -> Sequence[Shown | Exception]:
    """Job: new states and answers, one after another; as find_complaint and `changed` refuse."""
    connection = transaction.connection
    rows = store.lock(connection, {command.id for command in commands})
    results: list[Shown | Exception] = []
    for command in commands:
        try:
            audience = _audience(command.principal)
            if not store.search(connection, command.principal, complaint_id=command.id):
                raise _unknown()
            if command.owner not in (None, command.principal.key_id) and not may_own(connection, command.owner):
                raise Invalid(
                    "invalid", "owner 应为处理投诉的密钥或人员 · owner is a key or person that works on complaints",
                    pointer="/owner",
                )  # fmt: skip
            rows[command.id] = changed(
                rows[command.id], transaction.now, command.principal.key_id, state=command.state,
                answer=command.answer, owner=command.owner, assigned=command.assigned,
            )  # fmt: skip
            results += _told(connection, [rows[command.id]], audience)
        except Refusal as refusal:
            results.append(refusal)
    store.save(connection, rows.values())
    return results


_AUDIENCES = {Role.MARKET: Audience.MARKET, Role.REGULATOR: Audience.REGULATOR, Role.ADMIN: Audience.ADMIN}


def _audience(principal: Principal) -> Audience:
    try:
        return _AUDIENCES[principal.role]
    except KeyError:
        raise Forbidden(
            "forbidden",
            "投诉由市场和监管部门处理 · Complaints are for the market and the regulator to work on",
        ) from None


def _unknown() -> NotFound:
    return NotFound(
        "unknown-complaint",
        "没有这件投诉，请核对受理编号 · There is no such complaint: compare its reference",
    )


def _told(snapshot: Snapshot, rows: Sequence[Complaint], audience: Audience) -> list[Shown]:
    names = Names(snapshot, None).load([key for row in rows for key in (row.site_id, row.party_id)])
    return [
        redact(
            "complaint",
            audience,
            _fields(row)
            | {
                "site": place(names.site(row.site_id, row.record_time)),
                "party": place(names.party(row.party_id, row.record_time)),
            },
        )
        for row in rows
    ]


def _fields(row: Complaint) -> dict[str, Any]:
    return {
        "id": row.id,
        "code": row.code,
        "kind": row.kind,
        "state": row.state,
        "answer": row.answer,
        "text": row.text,
        "contact": row.contact,
        "photos": row.photos,
        "language": row.language,
        "site_id": row.site_id,
        "party_id": row.party_id,
        "region": row.region,
        "custody_ids": row.custody_ids,
        "lot_ids": row.lot_ids,
        "history": row.history,
        "owner": row.owner,
        "record_time": row.record_time,
        "changed_at": row.changed_at,
    }
