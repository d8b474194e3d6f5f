"""Lots come into being: harvest and production, transformation."""

from typing import Any

from app.domain.deciding.draft import Draft, own_site
from app.domain.deciding.goods import (
    amount_of,
    arrive,
    as_entered,
    grams_and_pieces,
    make_lot,
    of_lot,
    take,
    withdrawal_until,
)
from app.domain.events import Produce, Transform
from app.domain.forms import Output
from app.domain.rows import Custody, Link, Lot, Site


def produce(draft: Draft, event: Produce) -> None:
    """A harvest or production: each output is a lot, in the hands of its maker."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    used = _inputs_used(event)
    for i, output in enumerate(event.outputs):
        custody = _make(draft, site, output, i)
        if used or draft.kept is not None:
            _note_used(draft, draft.ledger.lot(custody.lot_id), used)
    day = max(output.produced_on for output in event.outputs)
    for each in event.inputs_used:
        if each.withdrawal_until and each.withdrawal_until > day:
            draft.flag(
                "withdrawal_period",
                f"采收早于 {each.name} 安全间隔期结束（{each.withdrawal_until}）",
                f"harvested before the withdrawal period of {each.name} ends on {each.withdrawal_until}",
            )


def _note_used(draft: Draft, lot: Lot, used: list[dict[str, Any]]) -> None:
    """What was used on the lot; a second harvest under its number adds to it, a correction takes its place."""
    before = [] if draft.kept is not None else lot.inputs_used or []
    together = before + [each for each in used if each not in before]
    draft.ledger.edit(lot, inputs_used=together or None)
    for custody in of_lot(draft.ledger, lot):
        draft.ledger.edit(custody, withdrawal_until=withdrawal_until(together))


def _inputs_used(event: Produce) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "code": each.code,
            "name": each.name,
            "used_on": each.used_on.isoformat(),
            "withdrawal_until": each.withdrawal_until.isoformat() if each.withdrawal_until else None,
        }
        for each in event.inputs_used
    ]


def transform(draft: Draft, event: Transform) -> None:
    """Slaughter, processing, packing, mixing, splitting: every input is a parent of every output."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    taken = [take(draft, site, item, "processed", f"/inputs/{i}/quantity") for i, item in enumerate(event.inputs)]
    sources = {custody.lot_id for custody, _, _ in taken}
    for i, output in enumerate(event.outputs):
        child = _make(draft, site, output, i)
        if child.lot_id in sources:
            draft.flag("lot_loop", "产出批次与投入批次相同", "an output is the same lot as an input")
        for custody, product, amount in taken:
            grams, pieces = grams_and_pieces(product, amount)
            draft.ledger.add(Link(child.id, custody.id, draft.event.id, "transform", grams, pieces))


def _make(draft: Draft, site: Site, output: Output, index: int) -> Custody:
    product = draft.ledger.product(output.product_id)
    amount = amount_of(product, output.quantity, f"/outputs/{index}/quantity")
    lot = make_lot(draft, site, output, index)
    return arrive(draft, site, lot, product, amount, as_entered(product, output.quantity, amount))
