"""The events of a trace: everything that touches one of its nodes."""

from collections.abc import Mapping
from datetime import timedelta

from app.store import chain
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.store.raw import Row
from app.tracing.answer import Event, Flag
from app.tracing.sight import PRIVATE, Sight
from app.tracing.texts import Epochs, Ids


def happenings(
    snapshot: Snapshot,
    rows: list[Row],
    touches: list[Row],
    generation: Mapping[bytes, int],
    direction: Direction,
    sight: Sight,
    ids: Ids,
) -> list[Event]:
    """From source to table: by the generation of what an event led to, then by event time, for clocks contradict the
    chain. `rows` as chain.EVENT, `touches` as chain.TOUCH."""
    outward = 1 if direction == "forward" else -1
    place: dict[bytes, int] = {}
    visible: set[bytes] = set()
    for custody, event in touches:
        level = outward * generation[custody]
        if level > place.get(event, -1_000_000):
            place[event] = level
        if custody in sight.full:
            visible.add(event)
    keys = [row[0] for row in rows]
    flags: dict[bytes, list[Flag]] = {}
    for event, _, slug, detail in chain.flags(snapshot, keys):
        flags.setdefault(event, []).append(Flag(slug, detail))
    corrected = {event: by for event, _, by in chain.corrections(snapshot, keys)}
    epochs = Epochs()
    found: list[Event] = []
    for key, epcis_id, kind, time, offset, recorded, site, _ in sorted(
        rows, key=lambda row: (place[row[0]], row[3], row[0])
    ):
        known = key in visible
        if kind in PRIVATE and not known:
            continue
        by = corrected.get(key)
        found.append(
            Event(
                id=ids[key],
                epcis_event_id=epcis_id,
                kind=kind,
                event_time=epochs[offset] + timedelta(microseconds=time),
                record_time=epochs[0] + timedelta(microseconds=recorded),
                site_id=ids[site] if site is not None else None,
                flags=flags.get(key, []) if known else None,
                corrected_by=ids[by] if by is not None else None,
            )
        )
    return found
