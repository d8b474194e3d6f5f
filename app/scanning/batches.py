"""What a batch's code answers: the goods in somebody's hands (B), or the lot as it was made (G)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.errors import NotFound
from app.domain.rights import Principal
from app.domain.rows import Code, Custody, Hold, Lot
from app.domain.selling import hold_reason
from app.scanning.answer import Answer, Reason, Shown, Step
from app.scanning.audience import Audience, redact
from app.scanning.chain import Way
from app.scanning.names import Names, goods, place
from app.scanning.own import balance, goods_actions, own_view
from app.scanning.picture import picture_of
from app.scanning.rows import slip_of
from app.scanning.story import Facts, gaps_of, gather, lot_number, papers_of, recalled, refusal_of, steps_of
from app.scanning.suppliers import suppliers_of
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found, Source, look_up


def unknown(code: str) -> NotFound:
    return NotFound(
        "unknown-code",
        "没有签发过这个编码，请核对后重新扫描或输入 · This code was never issued: compare it and scan or type it again",
        identity=code,
    )


def revoked(row: Code) -> list[Reason]:
    if row.status != "revoked":
        return []
    zh, en = _REVOKED.get(row.reason or "", (row.reason or "此码已停用", row.reason or "this code is out of use"))
    if row.replacement:
        zh, en = f"{zh}，请看 {row.replacement}", f"{en}; see {row.replacement}"
    return [Reason("revoked", f"{zh} · {en}")]


_REVOKED = {
    "voided": ("记录有误，已作废", "recorded by mistake and voided"),
    "replaced": ("记录已更正，由新码代替", "the record was corrected and a new code took its place"),
}


def custody(snapshot: Snapshot, row: Code, _: Found, now: datetime, reader: Principal | None) -> Answer:
    """A batch at a site, with its way there."""
    names = Names(snapshot, reader)
    facts = gather(snapshot, names, [row.subject_id])
    if row.subject_id not in facts.chain.custodies:
        raise unknown(row.code)
    return _answer(row, now, reader, facts, row.subject_id, "custody")


def lot(snapshot: Snapshot, row: Code, _: Found, now: datetime, reader: Principal | None) -> Answer:
    """A lot by its own code; see `of_lot`."""
    found = look_up(snapshot, dict.fromkeys(LOT, (row.subject_id,)))
    return of_lot(snapshot, Names(snapshot, reader), row, found, now, reader)


def of_lot(
    snapshot: Snapshot,
    names: Names,
    row: Code,
    found: Found,
    now: datetime,
    reader: Principal | None,
    named: Iterable[UUID | None] = (),
) -> Answer:
    """A lot where it was made; a stall's own code tells the way to that stall. A captured lot, whose code may be the
    only one that is printed, is followed on as long as it stayed whole. `named` are named as well."""
    goods_made = found.one(store.LOTS)
    if goods_made is None:
        raise unknown(row.code)
    hands = sorted(found.of(store.OF_LOT), key=lambda custody: (custody.arrived_at, custody.id))
    made = next((custody for custody in hands if custody.arrived_event_id == goods_made.made_event_id), None)
    if made is None and len(hands) == store.HANDS:
        made = store.made_custody(snapshot, goods_made)
    if not hands:
        names.load([goods_made.product_id, goods_made.maker_id, *named])
        return Answer(
            row.code,
            "lot",
            revoked(row),
            product=goods(names.product(goods_made.product_id)),
            lot=lot_shown(goods_made),
            party=place(names.party(goods_made.maker_id)),
            record_time=row.revoked_at or row.minted_at,
            replacement=row.replacement,
        )
    first = made or hands[0]  # the earliest of a lot that was made elsewhere
    root = first.id if goods_made.epc is None else _whole(snapshot, hands, first.id)
    known = [custody for custody in (*hands, first) if custody.id == root]
    return _answer(row, now, reader, gather(snapshot, names, [root], custodies=known, named=named), root, "lot")


# What a lot's answer begins with, by the lot's id.
LOT: tuple[Source[Any], ...] = (store.LOTS, store.OF_LOT)


def _whole(snapshot: Snapshot, custodies: Iterable[Custody], made: UUID) -> UUID:
    """Where a captured lot is followed to: on from its maker as long as all of it went to one place. Whose hands it was
    divided among is told by their own codes."""
    hands = {custody.id for custody in custodies}
    onward: dict[UUID, set[UUID]] = defaultdict(set)
    for link in look_up(snapshot, {store.LINKS: sorted(hands)}).of(store.LINKS):
        if link.parent_id in hands:
            onward[link.parent_id].add(link.child_id)
    here, been = made, {made}
    while len(onward[here]) == 1 and not onward[here] & been:
        (here,) = onward[here]
        been.add(here)
    return here


def _answer(row: Code, now: datetime, reader: Principal | None, facts: Facts, key: UUID, kind: str) -> Answer:
    chain, names = facts.chain, facts.names
    root = chain.custodies[key]
    way = chain.way(root.id)
    steps = steps_of(facts, way)
    gaps = gaps_of(facts, way)
    audience = names.audience(root.site_id)
    own: Shown | None = None
    if reader is not None:
        own = own_view(
            goods_actions(reader, row.code, root, audience, chain.holds[root.lot_id]),
            balance(root, audience),
            suppliers_of(facts, root, reader, audience),
        )
    return Answer(
        row.code,
        kind,
        revoked(row) + judged(facts, way, now),
        product=goods(names.product(root.product_id, root.arrived_at)),
        lot=lot_shown(chain.lots.get(root.lot_id)),
        site=place(names.site(root.site_id, root.arrived_at)),
        party=place(names.party(root.party_id, root.arrived_at)),
        steps=steps,
        gaps=gaps,
        documents=papers_of(facts, way),
        tests=tests_in(steps),
        held_sources=[_held_source(facts, source, hold) for source, hold in chain.held_sources(way)],
        record_time=newest(facts, [row.revoked_at or row.minted_at], [way]),
        replacement=row.replacement,
        picture=picture_of(facts, way, gaps),
        own=own,
    )


def judged(facts: Facts, way: Way, now: datetime) -> list[Reason]:
    """Every status of a batch that is not its code's own."""
    root = facts.chain.custodies[way.root]
    reasons = facts.chain.obstacles(way, facts.names.today(root.site_id, now))
    if (since := recalled(facts, way)) is not None:
        reasons.append(Reason("recalled", f"自 {since:%Y-%m-%d} 起召回 · recalled since {since:%Y-%m-%d}"))
    if root.admission != "refused":
        return reasons
    came_with = {slip_of(event) for event in facts.told.get(root.id, ()) if event.kind == "receive"}
    why = refusal_of(facts, way.generation, came_with | {None})
    return [Reason("refused", why) if reason.status == "refused" else reason for reason in reasons]


def _held_source(facts: Facts, source: Custody, hold: Hold) -> Shown:
    fields = {
        "code": source.code,
        "product": goods(facts.names.product(source.product_id, source.arrived_at)),
        "lot_number": lot_number(facts, source),
        "status_reason": hold_reason(hold.reason, automatic=hold.automatic),
    }
    return redact("held_source", Audience.PUBLIC, fields)


def lot_shown(row: Lot | None) -> Shown | None:
    if row is None:
        return None
    fields = {
        "code": row.code,
        "lot_number": row.lot_number,
        "produced_on": row.produced_on,
        "expires_on": row.expires_on,
        "unit_number": None,
    }
    return redact("lot", Audience.PUBLIC, fields)


def tests_in(steps: Iterable[Step]) -> list[Shown]:
    return [test for step in steps for test in step.tests]


def newest(facts: Facts, others: Iterable[datetime], ways: Iterable[Way]) -> datetime:
    """When the latest of what an answer tells was recorded."""
    keys = {key for way in ways for key in way.generation.keys() | way.shadow}
    times = [event.record_time for key in keys for event in facts.told.get(key, ())]
    lots = {facts.chain.custodies[key].lot_id for key in keys if key in facts.chain.custodies}
    times += [hold.placed_at for lot in lots for hold in facts.chain.holds[lot]]
    return max([*others, *times])
