"""Who may take back what was captured: error declarations, and what they leave of a set of events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.event_names import as_uri

Asserters = Mapping[UUID, UUID | None]
"""Event → the party that brought it; None, or nothing, for the operator."""
NOBODY: Final[Asserters] = MappingProxyType({})


def takes_back(later: CapturedEvent, event: CapturedEvent, asserted: Asserters) -> bool:
    """Whether it is for who says `later` that `event` is not so: the party that has reported it, or the operator."""
    who = asserted.get(later.event_id)
    return who is None or who == asserted.get(event.event_id)


def without_voided(
    events: Iterable[CapturedEvent], asserted: Asserters
) -> tuple[list[CapturedEvent], dict[UUID, set[UUID]], set[UUID]]:
    """The events that count, in order; those that are taken back with the error declarations that do so; declarations
    of what somebody else has reported, which take nothing back unless they are the operator's.

    A declaration repeats the event it declares wrong (EPCIS 2.0 §7.4.1.4), so it is matched by content; failing that,
    by eventID among the events of exactly the same EPCs, because eventIDs are reused.
    """
    given = list(events)
    ordered = sorted(set(given), key=lambda event: event.order)
    plain = [event for event in ordered if not event.is_error_declaration]
    by_content = {event.content_hash: event for event in plain}
    by_own_id: dict[str, list[CapturedEvent]] = defaultdict(list)
    # One event may have been given under several eventIDs.
    for event in given:
        if event.epcis_event_id is not None and not event.is_error_declaration:
            by_own_id[as_uri(event.epcis_event_id)].append(event)
    voided: dict[UUID, set[UUID]] = defaultdict(set)
    unheeded: set[UUID] = set()
    for declaration in ordered:
        if not declaration.is_error_declaration:
            continue
        if declaration.content_hash in by_content:
            meant = [by_content[declaration.content_hash]]
        else:
            named, epcs = by_own_id.get(as_uri(declaration.epcis_event_id or ""), []), related_epcs(declaration)
            meant = [event for event in named if epcs == related_epcs(event)]
        for event in meant:
            if takes_back(declaration, event, asserted):
                voided[event.event_id].add(declaration.event_id)
            else:
                unheeded.add(declaration.event_id)
    return [event for event in plain if event.event_id not in voided], voided, unheeded
