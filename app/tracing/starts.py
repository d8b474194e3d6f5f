"""Where a trace starts: the custodies that a code, an id or an EPC names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from app.domain import codes
from app.domain.codes import CodeKind, MistypedCode
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.spelling import Epc, read
from app.domain.errors import Forbidden, Invalid, Malformed, NotFound
from app.domain.ids import captured_party_id, captured_site_id
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Site
from app.enrolling.documents import find_document
from app.store import chain, deposits, documents, links, listing, master
from app.store.chain import ANYTHING, Among, Direction
from app.store.engine import Snapshot
from app.tracing import epcs
from app.tracing.answer import Begun

Kind = Literal["code", "custody", "lot", "epc", "site", "party", "document", "window"]


@dataclass(frozen=True, slots=True)
class Start:
    """value: of a `code` or `epc` alike a code as typed, scanned or pasted with its URL, or an EPC or EPC class in any
    spelling that `app.domain.epcis.spelling` reads; else the id of a custody, lot, site, party or document. A `window`
    has none: it is everything that lies at the reader's own sites. `among` narrows what the walk starts from; `time`:
    when what is in an EPC's unit is looked at, None for now."""

    kind: Kind
    value: str
    among: Among = ANYTHING
    time: datetime | None = None

    @property
    def question(self) -> str:
        """The same for every spelling of one start; what a cursor is bound to."""
        when = "" if self.time is None else f" {self.time.astimezone(UTC)}"
        kind = "code" if self.kind == "epc" else self.kind
        return f"{kind} {self._named()}{when}{'' if self.among == ANYTHING else f' {self.among}'}"

    def _named(self) -> str:
        match self.kind:
            case "code" | "epc":
                epc = read(self.value)
                return epc.question if epc is not None else _code_of(self) or canonical_uri(self.value)
            case "window":
                return ""
            case _:
                return str(_id(self))


@dataclass(frozen=True, slots=True)
class Roots:
    """Custodies to start from; `cut`: there are more, and these are the newest. `begun`: what an EPC was taken for."""

    keys: Sequence[bytes]
    cut: bool = False
    begun: Begun | None = None


def find(
    snapshot: Snapshot, reader: Principal, start: Start, secret: bytes, direction: Direction | None = None
) -> Roots:
    """Raises Malformed for a mistyped code and a malformed EPC, NotFound for what does not exist, Forbidden for the
    whole book of a site or party that is not the reader's, Invalid for a time without an EPC. `secret`: the master that
    receipts are signed with; `direction`: where the walk goes, None for both ways or none."""
    search = _Search(snapshot, reader, start.among)
    epc = read(start.value) if start.kind in ("code", "epc") else None
    if epc is None and start.time is not None:
        raise Invalid(
            "invalid",
            "time 只用于 EPC：看其中当时装着什么 · time goes with an EPC: what was in it then",
            pointer="?time",
        )
    match start.kind:
        case "code" | "epc" if epc is not None:
            return search.of_epc(epc, direction, start.time)
        case "code" | "epc":
            return search.of_text(start, secret)
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
        case _:  # the window
            return search.at_own_sites()


def _code_of(start: Start) -> str | None:
    """None for an address that only looks like one of our codes'."""
    try:
        return _parsed(start).text
    except Malformed:
        if ":" not in start.value:
            raise
        return None


def _parsed(start: Start) -> codes.Code:
    text = start.value.strip()
    if start.kind == "epc" and "/" not in text:
        raise Malformed(
            "malformed-epc",
            "EPC 须为 URN、GS1 Digital Link 或 (01)…(10)… · an EPC is a URN, a GS1 Digital Link or (01)…(10)…",
            pointer="?epc",
            identity=text[:200],
        )
    try:
        return codes.parse(text.rsplit("/", 1)[-1])
    except MistypedCode as error:
        raise Malformed(
            "mistyped-code", f"{error.reason_zh} · {error.reason}", pointer=f"?{start.kind}", identity=error.text
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

    def of_text(self, start: Start, secret: bytes) -> Roots:
        """A code of ours. The address of a code is what our events call a lot without a GTIN, and those of another
        service are told here: there it is an EPC."""
        uri = canonical_uri(start.value)
        told = chain.with_epcs(self.snapshot, [uri]) if ":" in uri and "\0" not in uri else []
        try:
            own = self.of_code(_parsed(start), secret)
        except (Malformed, NotFound):
            if not told:
                raise
            own = Roots([])
        if not told:
            return own
        keys = dict.fromkeys((*own.keys, *self.kept(told).keys))
        return replace(_bounded(list(keys)), begun=Begun(uri, [], None))

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

    def of_epc(self, epc: Epc, direction: Direction | None, time: datetime | None) -> Roots:
        """Goods and what is in units; the code of a place or party may be a GS1 Digital Link, too."""
        link = epc.link
        if link is not None and link.key == "414":
            places = [site.id for site in links.sites(self.snapshot, link.value, link.qualifier("254"))]
            named = master.sites(self.snapshot, [captured_site_id(epc.uri)]).keys() - places
            if places or named:
                return self._all(self.at_site(key) for key in (*places, *named))
        if link is not None and link.key == "417":
            parties = [party.id for party in links.parties(self.snapshot, link.value)]
            known = master.parties(self.snapshot, [captured_party_id(epc.uri)]).keys() - parties
            if parties or known:
                return self._all(self.of_party(key) for key in (*parties, *known))
        found = epcs.goods(self.snapshot, epc, direction, time)
        return replace(self.kept(found.keys, cut=found.cut), begun=found.begun)

    def _all(self, parts: Iterable[Roots]) -> Roots:
        listed = list(parts)
        keys = dict.fromkeys(key for roots in listed for key in roots.keys)
        return replace(_bounded(list(keys)), cut=any(roots.cut for roots in listed) or len(keys) > chain.STARTS)

    def of_lot(self, lot: UUID) -> Roots:
        if not chain.is_lot(self.snapshot, lot):
            raise _unknown("lot", "批次", str(lot))
        return _bounded(chain.of_lot(self.snapshot, lot, self.among))

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
