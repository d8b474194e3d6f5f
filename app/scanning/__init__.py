"""The public answer to a code, and the only place that redacts: what a reader gets depends on who reads, never on which
code was printed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.domain import codes
from app.domain.codes import CodeKind, MistypedCode
from app.domain.errors import Malformed, NotFound, Refusal
from app.domain.rights import Principal
from app.scanning import batches, places, printing, receipts, slips, units
from app.scanning import tags as tagging
from app.scanning.answer import STATUSES, Answer, Gap, Line, Place, Reason, Shown, Step, Stock
from app.scanning.audience import AUDIENCE, Audience, redact
from app.scanning.counting import Scans
from app.scanning.printing import Paper, PaperLine
from app.scanning.tags import Tag
from app.store import codes as store_codes
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Asked, look_up

__all__ = [
    "AUDIENCE",
    "STATUSES",
    "Answer",
    "Audience",
    "Gap",
    "Line",
    "Paper",
    "PaperLine",
    "Place",
    "Reason",
    "Shown",
    "Step",
    "Stock",
    "Tag",
    "exists",
    "meant",
    "paper",
    "redact",
    "scan",
    "tags",
]

_KINDS = {
    CodeKind.SITE: places.site,
    CodeKind.PARTY: places.party,
    CodeKind.CUSTODY: batches.custody,
    CodeKind.LOT: batches.lot,
    CodeKind.SLIP: slips.slip,
}


def scan(
    snapshot: Snapshot,
    text: str,
    now: datetime,
    reader: Principal | None,
    secret: bytes,
    place: str | None = None,
) -> Answer:
    """What the code says to this reader at this time; `secret` is the master that receipts and units are signed with,
    `place` (GB/T 2260) where it is scanned, if that is known.

    Raises Malformed mistyped-code, NotFound unknown-code and not-authentic."""
    code = read(snapshot, text, secret)
    own: Asked
    match code.kind:
        case CodeKind.RECEIPT:
            own = dict.fromkeys(receipts.OWN, (codes.receipt_id_of(code),))
        case CodeKind.UNIT:
            own = {store.JOBS: (codes.unit_name(code).job,)}
        case CodeKind.SLIP:
            own = dict.fromkeys((store.CODES, store.SLIPS, store.SLIP_ITEMS), (code.text,))
        case CodeKind.SITE:
            own = dict.fromkeys((store.CODES, *store.PLACE), (code.text,))
        case _:
            own = {store.CODES: (code.text,)}
    found = look_up(snapshot, {**own, store.COUNTS: (code.text,)})
    if code.kind is CodeKind.RECEIPT:
        answer = receipts.receipt(snapshot, code, found, now, reader)
    elif code.kind is CodeKind.UNIT:
        answer = units.unit(snapshot, code, found, now, reader, place)
    else:
        row = found.one(store.CODES)
        if row is None:
            raise batches.unknown(code.text)
        answer = _KINDS[code.kind](snapshot, row, found, now, reader)
    count = found.one(store.COUNTS)
    return answer if count is None else replace(answer, written=Scans(count.count, count.first_time))


def paper(snapshot: Snapshot, text: str, reader: Principal, secret: bytes) -> Paper:
    """What stands on the printed receipt of a sale, prices included.

    Raises as `scan`, Invalid not-a-receipt, NotFound sale-pending and sale-archived, Forbidden not-your-site."""
    return printing.paper(snapshot, read(snapshot, text, secret), reader)


def tags(snapshot: Snapshot, texts: Sequence[str], secret: bytes) -> list[Tag | Refusal]:
    """What stands on the label of each code, or why there is none: as `exists` refuses."""
    parsed: list[codes.Code | Refusal] = []
    for text in texts:
        try:
            parsed.append(read(snapshot, text, secret))
        except (Malformed, NotFound) as refusal:
            parsed.append(refusal)
    rows = store_codes.find(snapshot, {code.text for code in parsed if isinstance(code, codes.Code)})
    there = [
        code for code in parsed if isinstance(code, codes.Code) and (code.kind is CodeKind.RECEIPT or code.text in rows)
    ]
    told = {tag.code: tag for tag in tagging.tags(snapshot, there, rows)}
    return [code if isinstance(code, Refusal) else told.get(code.text) or batches.unknown(code.text) for code in parsed]


def exists(snapshot: Snapshot, text: str, secret: bytes) -> codes.Code:
    """The code, where it was issued; as `scan` raises, otherwise."""
    code = read(snapshot, text, secret)
    if code.kind is CodeKind.UNIT:
        there = units.exists(snapshot, code)
    else:
        there = code.kind is CodeKind.RECEIPT or bool(store_codes.find(snapshot, [code.text]))
    if not there:
        raise batches.unknown(code.text)
    return code


def read(snapshot: Snapshot, text: str, secret: bytes) -> codes.Code:
    """The code as typed or scanned. Raises Malformed with what may have been meant, NotFound for a forged one."""
    try:
        code = codes.parse(text)
    except MistypedCode as error:
        near = [codes.grouped(known) for known in meant(snapshot, text, secret)]
        zh = f"；是不是 {'、'.join(near)}？" if near else "，请对照印刷的编码重新输入"
        en = f"; did you mean {', '.join(near)}?" if near else "; compare it with the printed code and type it again"
        raise Malformed("mistyped-code", f"{error.reason_zh}{zh} · {error.reason}{en}", identity=text[:80]) from None
    if not _authentic(code, secret):
        zh, en = _FORGED[code.kind]
        raise NotFound("not-authentic", f"{zh} · {en}", identity=code.text)
    return code


_FORGED = {
    CodeKind.RECEIPT: (
        "这张小票不是由登记的秤打印的，可能是仿造",
        "No registered scale printed this receipt: it may be forged",
    ),
    CodeKind.UNIT: ("这个编码不是我们签发的，可能是仿造", "We did not issue this code: it may be forged"),
}


def meant(snapshot: Snapshot, text: str, secret: bytes) -> list[str]:
    """Codes that were issued and that a mistyped text is one slip of the hand away from; at most three."""
    near = [codes.parse(found) for found in codes.suggestions(text)]
    signed = (CodeKind.RECEIPT, CodeKind.UNIT)
    known = set(store_codes.find(snapshot, [code.text for code in near if code.kind not in signed]))
    known |= {code.text for code in near if code.kind in signed and _authentic(code, secret)}
    return [code.text for code in near if code.text in known][:3]


def _authentic(code: codes.Code, secret: bytes) -> bool:
    """False for a receipt or unit that was not signed with our secret."""
    if code.kind is CodeKind.RECEIPT:
        name = codes.receipt_name(codes.receipt_id_of(code))
        return codes.receipt_mac_ok(codes.receipt_secret(secret, name.device_number, name.epoch), code)
    if code.kind is CodeKind.UNIT:
        return codes.unit_mac_ok(codes.unit_secret(secret, codes.unit_name(code).job), code)
    return True
