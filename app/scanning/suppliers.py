"""Whom goods came from, one step back, for whoever has them: name, address and contact of the supplier belong to the
record of a purchase (Food Safety Law §50, §53)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.domain.rights import Principal, Role
from app.domain.rows import Custody, Party, Site
from app.scanning.answer import Shown
from app.scanning.audience import Audience, redact
from app.scanning.chain import Chain
from app.scanning.names import Names
from app.scanning.story import Facts


def suppliers_of(facts: Facts, root: Custody, reader: Principal, audience: Audience) -> list[Shown] | None:
    """Registered ones, and those whom a paper names; None for whoever has no part in the goods. A stall that changes
    hands takes no books along."""
    trader = reader.role in (Role.VENDOR, Role.PRODUCER)
    if audience < Audience.PARTY or (trader and root.party_id != reader.party_id):
        return None
    found = [
        _on_paper(parent.paper) if parent.kind == "gap" else _registered(facts.names, parent, root.arrived_at)
        for parent in _senders(facts.chain, root)
        if parent.kind == "gap" or parent.party_id is None or parent.party_id != root.party_id
    ]
    told = [redact("supplier", audience, fields) for fields in found if fields["name"]]
    return [fields for i, fields in enumerate(told) if fields not in told[:i]]


def _senders(chain: Chain, root: Custody) -> Iterator[Custody]:
    """What it was before it arrived here; where a gap is closed, what both sides say it was."""
    for link in chain.parents[root.id]:
        parent = chain.custodies.get(link.parent_id)
        if parent is None or link.kind not in ("move", "outside"):
            continue
        if parent.kind == "gap" and chain.closed(parent):
            confirmed = [each.parent_id for each in chain.parents[parent.id] if each.claimed_by is None]
            yield from (chain.custodies[key] for key in confirmed if key in chain.custodies)
        else:
            yield parent


def _registered(names: Names, sender: Custody, at: datetime) -> dict[str, Any]:
    """As they were then; what they had not said then, as they are."""
    parties = [party for when in (at, None) if (party := names.party(sender.party_id, when)) is not None]
    sites = [site for when in (at, None) if (site := names.site(sender.site_id, when)) is not None]
    known: list[Party | Site] = [*parties, *sites]
    contact: dict[str, Any] = next((party.contact for party in parties if party.contact), {})
    return {
        "code": known[0].code if known else None,
        "name": known[0].name if known else None,
        "address": next((site.address for site in sites if site.address), None),
        "contact": " ".join(filter(None, (contact.get("name"), contact.get("phone")))) or None,
    }


def _on_paper(paper: dict[str, Any] | None) -> dict[str, Any]:
    said = paper or {}
    return {"code": None, **{name: said.get(name) for name in ("name", "address", "contact")}}
