"""What a code names, its revocation and replacement, and finding a code from whatever a person has at hand."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote
from uuid import UUID

from app.domain import codes, ids
from app.domain.codes import CodeKind, MistypedCode
from app.domain.epcis.spelling import Epc, read
from app.domain.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, Refusal
from app.domain.identifiers import check_gtin
from app.domain.rights import Principal, Role, manages_party, owns_site
from app.domain.rows import Code, Lot, Party, Product, Site
from app.issuing import units
from app.issuing.units import ChangeUnits
from app.store import codes as store
from app.store import links, master, packings
from app.store import units as unit_store
from app.store.engine import Snapshot
from app.store.units import CodeJob
from app.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Issued:
    """A code that is ours. A receipt's is signed by its scale, not minted: it has no subject and no minting time. A
    unit is `inactive` until it is put in use; its subject is the lot."""

    code: str
    kind: str
    subject_id: UUID | None
    status: str
    reason: str | None
    replacement: str | None
    minted_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Match:
    """Something that was looked for: where to read of it, and what to call it."""

    code: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revokes a code for good; `replaced`: a new one is minted for the same subject, and the old one leads there."""

    principal: Principal
    code: str
    reason: str
    replaced: bool


def read_code(text: str) -> codes.Code:
    """A typed or scanned code. Raises Malformed, with what it may have been."""
    try:
        return codes.parse(text)
    except MistypedCode as error:
        meant = codes.suggestions(text)[:3]
        zh = f"；是否为 {'、'.join(meant)}？" if meant else "，请对照印刷的编码重新输入"
        en = f"; did you mean {', '.join(meant)}?" if meant else ": compare it with the printed code"
        raise Malformed("mistyped-code", f"{error.reason_zh}{zh} · {error.reason}{en}") from None


def find_code(snapshot: Snapshot, text: str, secret: bytes) -> Issued:
    """What a code names. Raises Malformed for a mistyped one, NotFound for an unknown one and for a forged receipt or
    unit."""
    code = read_code(text)
    if code.kind is CodeKind.RECEIPT:
        if not _authentic(snapshot, code, secret):
            raise NotFound(
                "not-authentic",
                "不是本系统签发的小票，请向摊位核实 · No scale of this service printed it: ask at the stall",
            )
        return Issued(code.text, "receipt", None, "active", None, None, None, None)
    if code.kind is CodeKind.UNIT:
        return _unit(snapshot, code, _genuine(snapshot, code, secret))
    row = store.find(snapshot, [code.text]).get(code.text)
    if row is None:
        raise _unknown()
    return _issued(row)


def _genuine(snapshot: Snapshot, code: codes.Code, secret: bytes) -> CodeJob:
    """The job of a unit. Raises NotFound."""
    if not codes.unit_mac_ok(codes.unit_secret(secret, codes.unit_name(code).job), code):
        raise NotFound(
            "not-authentic", "不是本系统签发的单品码，可能是仿造 · We did not issue this unit's code: it may be forged"
        )
    job = units.unit_job(snapshot, code)
    if job is None:
        raise _unknown()
    return job


def _unit(snapshot: Snapshot, code: codes.Code, job: CodeJob) -> Issued:
    number = codes.unit_name(code).counter
    revoked = unit_store.holding(snapshot, job.id, "revoked", number)
    active = unit_store.holding(snapshot, job.id, "active", number)
    status = "revoked" if revoked else "active" if active else "inactive"
    reason, revoked_at = (revoked.reason, revoked.record_time) if revoked else (None, None)
    return Issued(code.text, "unit", job.lot_id, status, reason, None, job.record_time, revoked_at)


def revoking_unit(snapshot: Snapshot, command: Revoke, secret: bytes) -> ChangeUnits:
    """The command for `change_units` that revokes a single unit. Raises NotFound, Invalid where it should be replaced:
    a unit's code is signed, and another is another unit."""
    code = read_code(command.code)
    job = _genuine(snapshot, code, secret)
    if command.replaced:
        raise _no_replacement()
    number = codes.unit_name(code).counter
    return ChangeUnits(command.principal, job.id, "revoked", number, number, reason=command.reason)


def _no_replacement() -> Invalid:
    return Invalid(
        "no-replacement",
        "随货单和单品不能换码，请更正发货记录 · A slip or unit is not replaced: correct the shipment instead",
        pointer="/replace",
    )


def _unknown() -> NotFound:
    return NotFound("unknown-code", "没有签发过这个编码 · This code was never issued here")


def _issued(row: Code) -> Issued:
    kind = codes.KINDS[codes.parse(row.code).kind]
    return Issued(
        row.code, kind, row.subject_id, row.status, row.reason, row.replacement, row.minted_at, row.revoked_at
    )


def _authentic(snapshot: Snapshot, code: codes.Code, secret: bytes) -> bool:
    name = codes.receipt_name(codes.receipt_id_of(code))
    device = master.device_numbers(snapshot, [name.device_number]).get(name.device_number)
    if device is None or not 0 < name.epoch <= device.epoch:
        return False
    return codes.receipt_mac_ok(codes.receipt_secret(secret, name.device_number, name.epoch), code)


# --- revoking ---

# A slip's code is the slip: it can be called nothing else.
_REPLACEABLE = (CodeKind.SITE, CodeKind.PARTY, CodeKind.CUSTODY, CodeKind.LOT)


def revoke_codes(transaction: Transaction, commands: Sequence[Revoke]) -> Sequence[Issued | Exception]:
    """Job: revokes codes of sites, parties, custodies, lots and slips for their owners; again changes nothing."""
    connection = transaction.connection
    # Locked: of two that replace one code in two processes, the second finds what the first has put in its place.
    rows = store.lock(connection, [command.code for command in commands])
    subjects = _Subjects(connection, rows.values())
    changed: dict[str, Code] = {}
    renamed: list[Callable[[], None]] = []

    def decide(command: Revoke) -> Issued:
        row = rows.get(command.code)
        if row is None:
            raise _unknown()
        kind = codes.parse(row.code).kind
        if not subjects.owned(command.principal, kind, row):
            raise Forbidden(
                "forbidden", "只有编码所属方可以作废 · A code is revoked by those whose it is: ask its party or market"
            )
        if command.replaced and kind not in _REPLACEABLE:
            raise _no_replacement()
        if row.status == "revoked" and (row.replacement is not None or not command.replaced):
            return _issued(row)
        if command.replaced and subjects.voided(row):
            raise Conflict(
                "voided-custody",
                "该批次已作废，不再有编码 · This batch was voided: nothing takes its code's place",
                identity=str(row.subject_id),
            )
        new = codes.mint(kind) if command.replaced else None
        done = replace(row, status="revoked", reason=command.reason, replacement=new, revoked_at=transaction.now)
        rows[row.code] = changed[row.code] = done
        transaction.touched |= {row.code, row.subject_id.hex}
        if new is not None:
            changed[new] = Code(new, row.kind, row.subject_id, "active", None, None, transaction.now)
            renamed.append(subjects.renaming(transaction, command.principal, kind, row, new))
        return _issued(done)

    results: list[Issued | Exception] = []
    for command in commands:
        try:
            results.append(decide(command))
        except Refusal as refusal:
            results.append(refusal)
    store.save(connection, changed.values())
    for rename in renamed:
        rename()
    return results


class _Subjects:
    """What the codes of a batch name, and whose it is."""

    def __init__(self, connection: Snapshot, rows: Iterable[Code]) -> None:
        named: dict[CodeKind, list[Code]] = {kind: [] for kind in CodeKind}
        for row in rows:
            named[codes.parse(row.code).kind].append(row)

        def ids(kind: CodeKind) -> list[UUID]:
            return [row.subject_id for row in named[kind]]

        self._parties = master.parties(connection, ids(CodeKind.PARTY))
        self._markets = master.markets_of_parties(connection, self._parties)
        self._custodies = store.custodies(connection, ids(CodeKind.CUSTODY))
        self._makers = store.makers(connection, ids(CodeKind.LOT))
        self._slips = store.slips(connection, [row.code for row in named[CodeKind.SLIP]])
        places = [custody.site_id for custody in self._custodies.values()]
        places += [*self._makers.values(), *(slip.site_id for slip in self._slips.values()), *ids(CodeKind.SITE)]
        self._sites = master.sites(connection, [site_id for site_id in places if site_id is not None])
        self._roots = master.markets(connection, self._sites.values())

    def owned(self, principal: Principal, kind: CodeKind, row: Code) -> bool:
        """Whether the subject is the principal's own. Devices and laboratories revoke nothing."""
        if principal.role in (Role.DEVICE, Role.LAB):
            return False
        place: UUID | None = None
        match kind:
            case CodeKind.PARTY:
                party = self._parties.get(row.subject_id)
                return party is not None and manages_party(principal, party, self._markets.get(party.id, set()))
            case CodeKind.SITE:
                place = row.subject_id
            case CodeKind.CUSTODY:
                custody = self._custodies.get(row.subject_id)
                place = custody.site_id if custody else None
            case CodeKind.LOT:
                place = self._makers.get(row.subject_id)
            case CodeKind.SLIP:
                slip = self._slips.get(row.code)
                place = slip.site_id if slip else None
        site = self._sites.get(place) if place is not None else None
        if site is None:
            return principal.role is Role.ADMIN
        return owns_site(principal, site, self._roots[site.id])

    def voided(self, row: Code) -> bool:
        """Whether it names goods that a correction has taken away."""
        custody = self._custodies.get(row.subject_id)
        return custody is not None and custody.voided_by is not None

    def renaming(
        self, transaction: Transaction, principal: Principal, kind: CodeKind, row: Code, new: str
    ) -> Callable[[], None]:
        """Puts the new code on the subject; a party or site keeps in its history what it was called."""
        connection = transaction.connection
        if kind is CodeKind.CUSTODY:
            return lambda: store.rename_custody(connection, row.subject_id, new)
        if kind is CodeKind.LOT:
            return lambda: store.rename_lot(connection, row.subject_id, new)
        known: Party | Site = (self._parties if kind is CodeKind.PARTY else self._sites)[row.subject_id]
        called = replace(known, code=new, version=known.version + 1, valid_from=transaction.now)

        def rename() -> None:
            master.save(connection, [called])
            master.add_versions(connection, [called], principal.recorder_id, transaction.now)

        return rename


# --- looking up ---

LISTED = 20
# Up to where a message around it goes on: a blank, Chinese.
_IN_URL = re.compile(r"/c/([!-~]+?)(?:[/?#]|[^!-~]|$)", re.IGNORECASE)
_GTIN_IN_URL = re.compile(r"/01/(\d{8,14})(?:[/?#]|$)")
_LIKE_A_CODE = re.compile(r"[0-9A-Za-z]{16,30}")


def look_up(snapshot: Snapshot, query: str, secret: bytes) -> list[Match]:
    """What a person may mean by a code, a pasted URL, a barcode or another system's code; at most LISTED.

    Only what everybody may know is named. Raises Malformed where it looks like a code of ours that is mistyped,
    NotFound for a code that was never issued or that is forged.
    """
    text = query.strip()
    in_url = _IN_URL.search(text)
    if in_url is not None:
        text = unquote(in_url[1]).replace("\0", "")  # PostgreSQL takes no NUL
    elif exact := _by_uri(snapshot, text):
        return exact[:LISTED]
    barcode = _GTIN_IN_URL.search(text)
    if barcode is not None:
        text = barcode[1]
    try:
        codes.parse(text)
    except MistypedCode:
        found = _by_barcode(snapshot, text) + _by_other_name(snapshot, text)
        # A code is 18 characters at least: a barcode or a word is none that went wrong.
        bare = re.sub(r"[-\s]", "", text)
        if not found and (in_url is not None or (_LIKE_A_CODE.fullmatch(bare) and bare[0].upper() in _LETTERS)):
            read_code(text)
        return found[:LISTED]
    return _titled(snapshot, [find_code(snapshot, text, secret)])


_LETTERS = frozenset(CodeKind)


def _by_uri(snapshot: Snapshot, text: str) -> list[Match]:
    """What an EPC URN, a GS1 Digital Link of whatever domain or another URI names, in whichever spelling; of a logistic
    unit the batches in it."""
    with suppress(Malformed):
        if (epc := read(text)) is not None:
            return _by_epc(snapshot, epc)
    return []


def _by_epc(snapshot: Snapshot, epc: Epc) -> list[Match]:
    lots = list(store.lots(snapshot, [ids.captured_lot_id(epc.uri)]).values())
    link = epc.link
    if link is not None and not lots:
        lots = links.labelled(snapshot, link)
    if link is not None and link.key == "414":
        sites = links.sites(snapshot, link.value, link.qualifier("254"))
        if sites:
            return [Match(site.code, "site", site.name) for site in sites]
    found = _of_lots(snapshot, [(lot, lot.code, "lot") for lot in lots])
    if not found and (unit := packings.open_unit(snapshot, epc.uri, None, LISTED)) is not None:
        inside = links.custodies(snapshot, unit.contents)
        found = _of_custodies(snapshot, [custody.id for custody in inside])
    if not found and link is not None and link.key == "01":
        found = _by_barcode(snapshot, link.value)
    return found or _by_other_name(snapshot, epc.uri)


def _by_barcode(snapshot: Snapshot, text: str) -> list[Match]:
    if not text.isascii() or not text.isdigit() or any(f.severity == "error" for f in check_gtin(text)):
        return []
    bare = text.lstrip("0")
    products = master.products_by_gtin(snapshot, [bare.zfill(length) for length in (8, 12, 13, 14)] + [text])
    return _lots(snapshot, products)


def _by_other_name(snapshot: Snapshot, text: str) -> list[Match]:
    named = master.external_codes(snapshot, [text])
    found = [code.subject_id for code in named]
    sites = master.sites(snapshot, found).values()
    parties = master.parties(snapshot, found).values()
    lots = store.lots(snapshot, found).values()
    custodies = store.custodies(snapshot, found).values()
    return [
        *(Match(site.code, "site", site.name) for site in sites),
        *(Match(party.code, "party", party.name) for party in parties),
        *_lots(snapshot, master.products(snapshot, found).values()),
        *_of_lots(snapshot, [(lot, lot.code, "lot") for lot in lots]),
        *_of_custodies(snapshot, [custody.id for custody in custodies]),
    ]


def _lots(snapshot: Snapshot, products: Iterable[Product]) -> list[Match]:
    names = {product.id: product for product in products}
    return _of_lots(snapshot, [(lot, lot.code, "lot") for lot in store.lots_of_products(snapshot, names, LISTED)])


def _of_custodies(snapshot: Snapshot, ids: Sequence[UUID]) -> list[Match]:
    custodies = store.custodies(snapshot, ids).values()
    lots = store.lots(snapshot, [custody.lot_id for custody in custodies])
    return _of_lots(snapshot, [(lots[custody.lot_id], custody.code, "custody") for custody in custodies])


def _of_lots(snapshot: Snapshot, named: Sequence[tuple[Lot, str | None, str]]) -> list[Match]:
    products = master.products(snapshot, [lot.product_id for lot, _, _ in named])
    return [
        Match(code, kind, f"{products[lot.product_id].name} {lot.lot_number}")
        for lot, code, kind in named
        if code is not None
    ]


def _titled(snapshot: Snapshot, issued: Sequence[Issued]) -> list[Match]:
    found: list[Match] = []
    for code in issued:
        if code.subject_id is None or code.kind in ("slip", "unit"):
            found.append(Match(code.code, code.kind, _TITLES[code.kind]))
        elif code.kind == "custody":
            found += [replace(match, code=code.code) for match in _of_custodies(snapshot, [code.subject_id])]
        elif code.kind == "lot":
            lots = store.lots(snapshot, [code.subject_id]).values()
            found += _of_lots(snapshot, [(lot, code.code, "lot") for lot in lots])
        else:
            row = (master.sites if code.kind == "site" else master.parties)(snapshot, [code.subject_id])
            found += [Match(code.code, code.kind, named.name) for named in row.values()]
    return found


_TITLES = {"slip": "随货溯源单 · Shipment slip", "receipt": "追溯小票 · Sale receipt", "unit": "单品 · Numbered unit"}
