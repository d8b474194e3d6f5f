"""Goods on a paper, one line each: what slips and receipts share."""

from collections.abc import Iterable, Sequence

from app.scanning.answer import STATUSES, Gap, Line, Reason, Shown, Step
from app.scanning.audience import Audience, redact
from app.scanning.chain import incomplete


def line(
    audience: Audience,
    *,
    code: str | None,
    product: Shown | None,
    amount: Shown | None,
    steps: list[Step],
    gaps: list[Gap],
    lot_number: str | None,
    reasons: Iterable[Reason],
    claim: int = 1,
) -> Line:
    found = {reason.status for reason in reasons}
    status = next((status for status in STATUSES if status in found), "ok")
    fields = {"code": code, "product": product, "quantity": amount, "steps": steps}
    return Line(**redact("line", audience, fields), gaps=gaps, lot_number=lot_number, status=status, claim=claim)


def merged(ways: Iterable[list[Step]]) -> list[Step]:
    """The steps of several ways as one, each once, in their order."""
    found = {(step.event_id, step.custody_id): step for steps in ways for step in steps}
    return sorted(found.values(), key=lambda step: (-step.generation, step.event_time, str(step.event_id)))


def gaps_in(lines: Iterable[Line]) -> list[Gap]:
    return list({(gap.node_id, gap.reason): gap for each in lines for gap in each.gaps}.values())


def told_once(reasons: Iterable[Reason], lines: Iterable[Line]) -> list[Reason]:
    """The lines' reasons with their gaps counted together."""
    gaps = len(gaps_in(lines))
    rest = [reason for reason in reasons if reason.status != "incomplete"]
    return [*rest, incomplete(gaps)] if gaps else rest


def only(products: Sequence[Shown | None]) -> Shown | None:
    """The product of a paper that names one alone."""
    return products[0] if products and all(product == products[0] for product in products) else None


def once(documents: Iterable[Shown]) -> list[Shown]:
    found: list[Shown] = []
    for document in documents:
        if document not in found:
            found.append(document)
    return found
