"""Where a trace starts: the custodies that a code, an id or an EPC names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.domain import codes
from app.domain.codes import CodeKind, MistypedCode
from app.domain.epcis.identifiers import canonical_uri, gs1_key
from app.domain.errors import Forbidden, Malformed, NotFound
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Site
from app.enrolling.documents import find_document
from app.store import chain, deposits, documents, links, listing, master
from app.store.chain import ANYTHING, Among
from app.store.engine import Snapshot
from app.store.types import micros

Kind = Literal["code", "custody", "lot", "epc", "site", "party", "document", "window"]


@dataclass(frozen=True, slots=True)
class Start:
    """value: a code as typed, scanned or pasted with its URL; the id of a custody, lot, site, party or document; or an
    EPC, EPC class or SSCC as URN or GS1 Digital Link. A `window` has none: it is everything that lies at the reader's
    own sites. `among` narrows what the walk starts from. `at`: of a logistic unit, what was in it then."""

    kind: Kind
    value: str
    among: Among = ANYTHING
    at: datetime | None = None

    @classmethod
    def read(cls, text: str, among: Among = ANYTHING, at: datetime | None = None) -> "Start":
        """A code or an EPC, whichever the text is."""
        link = gs1_key(text.strip())
        return cls("epc" if link or (":" in text and "/c/" not in text.lower()) else "code", text, among, at)

    @property
    def question(self) -> str:
        """The same for every spelling of one start; what a cursor is bound to."""
        narrowed = "" if self.among == ANYTHING else f" {self.among}"
        return f"{self.kind} {self._named()}{narrowed}{'' if self.at is None else f' {self.at}'}"

    def _named(self) -> str:
        match self.kind:
            case "code":
                return _parsed(self.value).text
            case "epc":
                return canonical_uri(self.value)
            case "window":
                return ""
            case _:
                return str(_id(self))


@dataclass(frozen=True, slots=True)
class Roots:
    """Custodies to start from; `cut`: there are more, and these are the newest."""

    keys: Sequence[bytes]
    cut: bool = False


def find(snapshot: Snapshot, reader: Principal, start: Start, secret: bytes) -> Roots:
    """Raises Malformed for a mistyped code, NotFound for what does not exist, Forbidden for the whole book of a site or
    party that is not the reader's. `secret`: the master that receipts are signed with."""
    search = _Search(snapshot, reader, start.among)
    match start.kind:
        case "code":
            return search.of_code(_parsed(start.value), secret)
        case "custody":
            key = _id(start)
            if not chain.is_custody(snapshot, key):
                raise _unknown("custody", "流转批次", start.value)
            return search.kept([key.bytes])
        case "lot":
            return search.of_lot(_id(start))
        case "site":
            return search.at_site(_id(start))
        case "party":
            return search.of_party(_id(start))
        case "document":
            return search.of_document(_id(start))
        case "window":
            return search.at_own_sites()
        case _:
            return search.of_epc(start.value.strip(), start.at)


def _parsed(text: str) -> codes.Code:
    try:
        return codes.parse(text.strip().rsplit("/", 1)[-1])
    except MistypedCode as error:
        raise Malformed(
            "mistyped-code", f"{error.reason_zh} · {error.reason}", pointer="?code", identity=error.text
        ) from None


def _id(start: Start) -> UUID:
    try:
        return UUID(start.value)
    except ValueError:
        raise Malformed(
            "bad-id", f"{start.kind} 须为 UUID · {start.kind} is an id: a UUID", pointer=f"?{start.kind}"
        ) from None


@dataclass(frozen=True, slots=True)
class _Search:
    snapshot: Snapshot
    reader: Principal
    among: Among

    def kept(self, keys: list[bytes], *, cut: bool = False) -> Roots:
        """What of the keys is among what is asked for."""
        return Roots(keys if self.among == ANYTHING else chain.kept(self.snapshot, keys, self.among), cut)

    def of_code(self, code: codes.Code, secret: bytes) -> Roots:
        if code.kind is CodeKind.RECEIPT:
            return self.of_receipt(code, secret)
        issued = chain.code_of(self.snapshot, code.text)
        if issued is None:
            raise NotFound(
                "unknown-code",
                "没有签发过这个编码，请核对后重新扫描或输入 · "
                "This code was never issued: compare it and scan or type it again",
                identity=code.text,
            )
        kind, subject = issued
        match kind:
            case CodeKind.CUSTODY:
                return self.kept([subject.bytes])
            case CodeKind.SLIP:
                return self.kept(chain.on_slip(self.snapshot, code.text))
            case CodeKind.SITE:
                return self.at_site(subject)
            case CodeKind.PARTY:
                return self.of_party(subject)
            case _:  # a lot, or one numbered unit of it
                return self.of_lot(subject)

    def of_lot(self, lot: UUID) -> Roots:
        if not chain.is_lot(self.snapshot, lot):
            raise _unknown("lot", "批次", str(lot))
        return _bounded(chain.of_lot(self.snapshot, lot, self.among))

    def of_epc(self, text: str, at: datetime | None) -> Roots:
        """Captured goods that go by it, or by what is packed in it; else the lot of a GTIN and lot number, or the place
        of a GLN, that are enrolled here."""
        # PostgreSQL takes no NUL, and no identifier has one.
        readable = "\0" not in text
        found = chain.with_epcs(self.snapshot, _contents(self.snapshot, canonical_uri(text), at)) if readable else []
        link = gs1_key(text) if readable else None
        if link is not None:
            lots = [] if found else links.labelled(self.snapshot, link)
            found += [key for lot in lots for key in self.of_lot(lot.id).keys]
            places = links.sites(self.snapshot, link.value, link.qualifier("254")) if link.key == "414" else []
            if places and not found:
                return self.at_site(places[0].id)
        if not found:
            raise _unknown("epc", "EPC", text)
        return self.kept(found)

    def of_receipt(self, code: codes.Code, secret: bytes) -> Roots:
        number = codes.receipt_id_of(code)
        name = codes.receipt_name(number)
        if not codes.receipt_mac_ok(codes.receipt_secret(secret, name.device_number, name.epoch), code):
            raise NotFound(
                "not-authentic",
                "这张小票不是由登记的秤打印的，可能是仿造 · No registered scale printed this receipt: it may be forged",
                identity=code.text,
            )
        sold = chain.on_receipt(self.snapshot, number)
        if sold is None and deposits.archived_until(self.snapshot, number) is not None:
            raise NotFound(
                "sale-archived",
                "小票真实，但已过保存期，销售记录已归档 · "
                "The receipt is authentic; its sale is past its retention and archived",
                identity=code.text,
            )
        if sold is None:
            raise NotFound(
                "sale-pending",
                "小票真实，但秤尚未上传这笔销售，请稍后再查 · "
                "The receipt is authentic, its sale has not come in yet: ask again later",
                identity=code.text,
            )
        return self.kept(sold)

    def at_site(self, site_id: UUID) -> Roots:
        """What came to the site, and to what lies below it."""
        site = master.sites(self.snapshot, [site_id]).get(site_id)
        if site is None:
            raise _unknown("site", "场所", str(site_id))
        if not owns_site(self.reader, site, master.markets(self.snapshot, [site])[site.id]):
            raise _not_yours(str(site_id))
        below = master.sites_below(self.snapshot, [site.path])
        markets = master.markets(self.snapshot, below)
        return self.at_sites(place for place in below if owns_site(self.reader, place, markets[place.id]))

    def at_own_sites(self) -> Roots:
        return self.at_sites(listing.own(self.snapshot, self.reader))

    def at_sites(self, sites: Iterable[Site]) -> Roots:
        return _bounded(chain.at_sites(self.snapshot, [site.id for site in sites], self.among))

    def of_party(self, party_id: UUID) -> Roots:
        """All of a party's own book; of another's, what lies at the reader's sites."""
        if self.reader.role is Role.ADMIN or self.reader.party_id == party_id:
            if party_id not in master.parties(self.snapshot, [party_id]):
                raise _unknown("party", "主体", str(party_id))
            return _bounded(chain.of_party(self.snapshot, party_id, self.among))
        sites = master.sites_of_party(self.snapshot, party_id)
        markets = master.markets(self.snapshot, sites)
        own = [site for site in sites if owns_site(self.reader, site, markets[site.id])]
        if not own:
            raise _not_yours(str(party_id))
        return self.at_sites(own)

    def of_document(self, document_id: UUID) -> Roots:
        """The goods that the document speaks for, at the reader's own sites also all that is there where it speaks for
        the site."""
        find_document(self.snapshot, self.reader, document_id)
        subjects = documents.subjects(self.snapshot, document_id)
        sites = master.sites(self.snapshot, subjects)
        markets = master.markets(self.snapshot, sites.values())
        own = [site for site in sites.values() if owns_site(self.reader, site, markets[site.id])]
        there = self.at_sites(own) if own else Roots([])
        goods = self.kept(sorted(subject.bytes for subject in subjects if subject not in sites))
        return Roots([*goods.keys, *there.keys], there.cut)


def _bounded(keys: list[bytes]) -> Roots:
    return Roots(keys[: chain.STARTS], len(keys) > chain.STARTS)


def _contents(snapshot: Snapshot, epc: str, at: datetime | None) -> list[str]:
    """The EPC itself, and for a logistic unit what was in it at a time, else what is in it, or was last: a crate that
    is used again does not join Monday's goods with Tuesday's."""
    found = {epc: None}
    packed = chain.packed_in(snapshot, [epc])
    if not packed:
        return [epc]
    # None: still in it. Otherwise the moment when it was last emptied, both ends of a packing included.
    ends = [row[3] for row in packed]
    moment = micros(at) if at is not None else None if None in ends else max(ends)
    while packed:
        inside = [row[0] for row in packed if _covers(row[2], row[3], moment)]
        fresh = [content for content in dict.fromkeys(inside) if content not in found]
        found |= dict.fromkeys(fresh)
        packed = chain.packed_in(snapshot, fresh)
    return list(found)


def _covers(begun: int, ended: int | None, moment: int | None) -> bool:
    if moment is None:
        return ended is None
    return begun <= moment and (ended is None or moment <= ended)


def _unknown(name: str, name_zh: str, value: str) -> NotFound:
    return NotFound(
        f"unknown-{name}", f"没有这个{name_zh}：{value[:200]} · no {name} {value[:200]}; check it", identity=value[:200]
    )


def _not_yours(identity: str) -> Forbidden:
    return Forbidden(
        "not-yours",
        "只能查询自己名下场所的全部流转，请改查单个批次的编码 · "
        "The whole book of a site or party is its own: trace the code of one batch instead",
        identity=identity,
    )
