"""What a reader with a key sees and may do next: quantities, the balance, and bodies to post."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from app.domain.quantities import shown
from app.domain.rights import Principal, Role, records
from app.domain.rows import Custody, Hold, Party, Product, Site, Slip
from app.scanning.answer import Shown
from app.scanning.audience import Audience, redact

_HELD_BY = ("ship", "transform", "sell", "return", "destroy", "count")
_OF_GOODS = ("certify", "admit", "test", "hold")


def quantity(amount: int, product: Product | None, value: str | None = None, unit: str | None = None) -> Shown:
    """An amount in the product's measure, as the contract's quantities are: entered form, grams, pieces."""
    told = shown(amount, product.measure if product else "weight", product.grams_per_piece if product else None)
    return told | {"value": value or told["value"], "unit": unit or told["unit"]}


def own_view(
    actions: list[Shown], balance: Shown | None = None, suppliers: list[Shown] | None = None
) -> dict[str, Any]:
    """What only a reader with a key gets, every field of it."""
    return {"actions": actions, "balance": balance, "suppliers": suppliers}


def balance(custody: Custody, audience: Audience) -> Shown | None:
    """Where the goods went, in grams or pieces; None for whoever has no part in them."""
    if audience < Audience.PARTY:
        return None
    return redact(
        "balance",
        audience,
        {
            "measure": custody.measure,
            "received": custody.amount_in,
            "sold": custody.sold,
            "shipped": custody.shipped,
            "processed": custody.processed,
            "returned": custody.returned,
            "destroyed": custody.destroyed,
            "unexplained": custody.unexplained,
            "on_hand": custody.on_hand,
            "receipts": custody.receipts,
        },
    )


def goods_actions(
    reader: Principal, code: str, custody: Custody, audience: Audience, holds: Iterable[Hold]
) -> list[Shown]:
    """What the reader may record of a custody, each as a request to complete and post, and its trace."""
    may = records(reader)
    kinds: list[str] = []
    if audience >= Audience.PARTY and custody.kind == "custody":
        if reader.role not in (Role.REGULATOR, Role.LAB):
            kinds += [kind for kind in _HELD_BY if kind in may]
        kinds += [kind for kind in _OF_GOODS if kind in may]
    elif reader.role is Role.LAB:
        kinds.append("test")
    key = str(custody.id)
    actions = [_post(kind, custody.site_id, _names_goods(kind, key)) for kind in kinds]
    if audience >= Audience.PARTY and "release" in may:
        actions += [_post("release", custody.site_id, {"hold_event_id": str(hold.id)}) for hold in holds]
    return actions + [_trace(code, direction) for direction in ("back", "forward")]


def _names_goods(kind: str, key: str) -> Shown:
    if kind in ("test", "hold", "certify"):
        return {"custody_id": key}
    if kind == "admit":
        return {"custody_ids": [key]}
    return {{"transform": "inputs", "sell": "lines"}.get(kind, "items"): [{"custody_id": key}]}


def slip_actions(reader: Principal, slip: Slip, receivers: Iterable[Site], gates: Iterable[Site]) -> list[Shown]:
    """Receiving what is on the slip, at each site of the reader that it may come to, and the decision at the gate."""
    actions = []
    if "receive" in records(reader) and slip.status == "open":
        actions += [_post("receive", site.id, {"slip_code": slip.code}) for site in receivers]
    if "admit" in records(reader) and slip.status == "open":
        actions += [_post("admit", site.id, {"slip_code": slip.code}) for site in gates]
    return [*actions, _trace(slip.code, "back")]


def site_actions(reader: Principal, site: Site, audience: Audience) -> list[Shown]:
    kinds = [kind for kind in ("produce", "receive", "count", "certify") if kind in records(reader)]
    found = [_post(kind, site.id, {}) for kind in kinds] if audience >= Audience.PARTY else []
    return [*found, _inspect({"site_id": str(site.id)})] if audience >= Audience.REGULATOR else found


def party_actions(party: Party, audience: Audience) -> list[Shown]:
    return [_inspect({"party_id": str(party.id)})] if audience >= Audience.REGULATOR else []


def _inspect(body: Shown) -> Shown:
    return {"kind": "inspect", "method": "POST", "href": "/api/v1/inspections", "body": body}


def _post(kind: str, site_id: UUID | None, fields: dict[str, Any]) -> Shown:
    body = {"kind": kind, "site_id": str(site_id) if site_id else None, **fields}
    return {"kind": kind, "method": "POST", "href": "/api/v1/events", "body": body}


def _trace(code: str, direction: str) -> Shown:
    href = f"/api/v1/trace?code={code}&direction={direction}"
    return {"kind": f"trace_{direction}", "method": "GET", "href": href, "body": None}
