"""What the code of a slip (T, 溯源单, 电子一票通) answers: it travels with the goods and is shown on the way."""

from datetime import datetime

from app.domain.rights import Principal, Role
from app.domain.rows import Code, Site, Slip
from app.scanning.answer import Answer, Reason
from app.scanning.audience import Audience
from app.scanning.batches import judged, newest, revoked, tests_in, unknown
from app.scanning.lines import gaps_in, line, merged, once, only, told_once
from app.scanning.names import Names, goods, place
from app.scanning.own import own_view, quantity, slip_actions
from app.scanning.story import gaps_of, gather, lot_number, papers_of, refusal_of, steps_of
from app.store import master
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found


def slip(snapshot: Snapshot, row: Code, found: Found, now: datetime, reader: Principal | None) -> Answer:
    """A slip, `found` with its items: from whom, what, and its way so far. To whom it goes is not for the public."""
    paper = found.one(store.SLIPS)
    if paper is None:
        raise unknown(row.code)
    items = sorted(found.of(store.SLIP_ITEMS), key=lambda item: item.position)
    names = Names(snapshot, reader)
    roots, products = [item.custody_id for item in items], [item.product_id for item in items]
    facts = gather(snapshot, names, roots, slips=[paper], named=products)
    chain = facts.chain
    here = names.site(paper.site_id)
    audience = names.audience(paper.site_id)
    receivers, gates = _receivers(snapshot, paper, here, reader)
    if audience is Audience.PUBLIC and (receivers or gates):
        audience = Audience.PARTY
    ways = [chain.way(item.custody_id) for item in items]
    lines, reasons = [], revoked(row)
    for item, way in zip(items, ways, strict=True):
        custody = chain.custodies[item.custody_id]
        its = judged(facts, way, now)
        reasons += its
        product = names.product(item.product_id, paper.shipped_at)
        lines.append(
            line(
                audience,
                code=custody.code,
                product=goods(product),
                amount=quantity(item.amount, product),
                steps=steps_of(facts, way, paper),
                gaps=gaps_of(facts, way),
                lot_number=lot_number(facts, custody),
                reasons=its,
            )
        )
    reasons = told_once(reasons, lines)
    if paper.admission == "refused":
        reasons.append(Reason("refused", refusal_of(facts, [item.custody_id for item in items], [paper.code])))
    steps = merged(each.steps for each in lines)
    return Answer(
        row.code,
        "slip",
        reasons,
        product=only([each.product for each in lines]),
        site=place(names.site(paper.site_id, paper.shipped_at)),
        party=place(names.party(paper.party_id, paper.shipped_at)),
        steps=steps,
        gaps=gaps_in(lines),
        documents=once(document for way in ways for document in papers_of(facts, way)),
        tests=tests_in(steps),
        lines=lines,
        record_time=newest(facts, [row.revoked_at or row.minted_at], ways),
        replacement=row.replacement,
        own=None if reader is None else own_view(slip_actions(reader, paper, receivers, gates)),
    )


def _receivers(
    snapshot: Snapshot, paper: Slip, sender: Site | None, reader: Principal | None
) -> tuple[list[Site], list[Site]]:
    """The reader's sites that may take the goods in (the named one, its descendants, its market; any for an open slip),
    and the markets at whose gate it may judge them."""
    if reader is None or reader.party_id is None or reader.role is Role.DEVICE:
        return [], []
    own = [site for site in master.sites_of_party(snapshot, reader.party_id) if site.status == "active"]
    gates = [site for site in own if reader.role is Role.MARKET and site.parent_site_id is None]
    if paper.to_site_id is None:
        return [site for site in own if sender is None or site.id != sender.id], gates
    target = master.sites(snapshot, [paper.to_site_id]).get(paper.to_site_id)
    if target is None:
        return [], []
    receivers = [site for site in own if site.lies_in(target) or target.lies_in(site)]
    return receivers, [site for site in gates if target.lies_in(site)]
