"""Captured shipments to sites of ours: what an event of shipping sends there, as the slip that its receiver takes it
off (docs/decisions/0072)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.domain import ids
from app.domain.epcis.book import Book
from app.domain.epcis.captured import CapturedEvent


@dataclass(frozen=True, slots=True)
class Shipment:
    """An event of shipping, from one site to another; `items`: custody → amount of it, 0 where the event says none."""

    event: CapturedEvent
    site_id: UUID
    to_site_id: UUID
    items: Mapping[UUID, int]


def shipments_of(
    events: Iterable[CapturedEvent], book: Book, voided: Collection[UUID], ours: Mapping[str, UUID]
) -> dict[UUID, Shipment]:
    """By event id. `ours`: the canonical URIs of places that are sites of ours. Of several steps that tell of one
    departure only the one that counts has items."""
    found = {}
    for event in events:
        to = ours.get(event.destination) if event.destination is not None else None
        site = (ours.get(event.site) or ids.captured_site_id(event.site)) if event.site is not None else None
        if to is None or site is None or site == to or event.event_id in voided:
            continue
        items = {key: amount for key, name, amount in book.entries.get(event.event_id, ()) if name == "shipped"}
        found[event.event_id] = Shipment(event, site, to, items)
    return found


def remaining(items: Iterable[tuple[str, int]], arrived: int) -> dict[str, int]:
    """What is still to come of each of several shipments of the same goods, the earliest first: (name, amount that was
    not received off it), where `arrived` came without saying off which."""
    left = {}
    for name, amount in items:
        came = min(max(amount, 0), arrived)
        left[name], arrived = amount - came, arrived - came
    return left
