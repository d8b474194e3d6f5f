"""From what an office names, by ids and by codes of every kind, to the scope that is kept and what it holds."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.domain import codes
from app.domain.codes import CodeKind, MistypedCode
from app.domain.errors import Invalid, Malformed, NotFound
from app.domain.recalls import SELECTORS
from app.domain.recalls_advice import default_advice
from app.domain.recalls_scope import Scope, Window
from app.domain.rights import Principal
from app.recalling.naming import epc_of, with_epc
from app.recalling.reaching import Subjects, require_few, subjects_of
from app.recalling.recalls import in_reach, may_recall
from app.store import chain
from app.store.engine import Snapshot
from app.store.units import numbered
from app.tracing import Start
from app.tracing.starts import find as find_start


def draft(snapshot: Snapshot, principal: Principal, scope: Scope, secret: bytes) -> tuple[Scope, Subjects]:
    """The scope with what its codes name, and what it holds. `secret`: the master that receipts are signed with.

    Raises Forbidden (no office; goods of another region), Malformed, NotFound, Invalid empty-scope, too-many-selectors,
    Conflict scope-too-wide."""
    may_recall(principal)
    named = sum(map(len, (scope.codes, scope.lots, scope.custodies, scope.windows, scope.exclusions)))
    if not (scope.codes or scope.lots or scope.custodies or scope.windows):
        raise Invalid(
            "empty-scope",
            "请至少给出一个编码、批次、流转批次或场所 · name at least one code, lot, custody or site",
            pointer="/scope",
        )
    if named > SELECTORS:
        raise Invalid(
            "too-many-selectors",
            f"范围最多 {SELECTORS} 项，更多请分成几次召回 · at most {SELECTORS} selectors: divide the recall",
            pointer="/scope",
        )
    for i, text in enumerate(scope.codes):
        scope = with_code(snapshot, principal, scope, text, secret, f"/scope/codes/{i}")
        require_few(len(set(scope.lots)))  # hundreds of codes may be products of thousands of lots
    scope = replace(
        scope,
        lots=tuple(dict.fromkeys(scope.lots)),
        custodies=tuple(dict.fromkeys(scope.custodies)),
        windows=tuple(dict.fromkeys(scope.windows)),
    )
    subjects = subjects_of(snapshot, scope)
    in_reach(snapshot, principal, scope, subjects)
    return scope, subjects


def with_code(snapshot: Snapshot, principal: Principal, scope: Scope, text: str, secret: bytes, pointer: str) -> Scope:
    """The scope with what a code of any kind names, or a GS1 key. Raises Conflict scope-too-wide, Forbidden,
    Malformed, NotFound."""
    epc = epc_of(text, pointer)
    if epc is not None:
        return with_epc(snapshot, principal, scope, epc)
    try:
        code = codes.parse(text.strip().rsplit("/", 1)[-1])
    except MistypedCode as error:
        raise Malformed("mistyped-code", f"{error.reason_zh} · {error.reason}", pointer=pointer) from None
    if code.kind is CodeKind.UNIT:
        number = codes.unit_name(code).job
        job = numbered(snapshot, [number]).get(number)
        if job is None or not codes.unit_mac_ok(codes.unit_secret(secret, number), code):
            raise _unknown(code.text)
        return replace(scope, lots=(*scope.lots, job.lot_id))
    if code.kind is CodeKind.RECEIPT:
        return _with(scope, find_start(snapshot, principal, Start("code", code.text), secret).keys)
    issued = chain.code_of(snapshot, code.text)
    if issued is None:
        raise _unknown(code.text)
    subject = issued[1]
    match code.kind:
        case CodeKind.SITE:
            return replace(scope, windows=(*scope.windows, Window(site_id=subject)))
        case CodeKind.PARTY:
            return replace(scope, windows=(*scope.windows, Window(party_id=subject)))
        case CodeKind.LOT:
            return replace(scope, lots=(*scope.lots, subject))
        case CodeKind.SLIP:
            return _with(scope, chain.on_slip(snapshot, code.text))
        case _:
            return _with(scope, [subject.bytes])


def _with(scope: Scope, custodies: Sequence[bytes]) -> Scope:
    return replace(scope, custodies=(*scope.custodies, *(UUID(bytes=key) for key in custodies)))


def _unknown(text: str) -> NotFound:
    return NotFound(
        "unknown-code",
        f"没有签发过这个编码：{text} · the code {text} was never issued: compare it and type it again",
        identity=text,
    )


def advice_for(snapshot: Snapshot, subjects: Subjects) -> dict[str, str]:
    """What consumers are told to do where the office says nothing else: by the categories of the goods named."""
    products = {product for _, _, product in subjects.goods.values()}
    return default_advice(row[3] for row in chain.products(snapshot, products))
