"""What events show of natural persons."""

from collections.abc import Iterable

from app.enrolling.looks import Look, at_paper
from app.recording.events import Recorded

_PARTNERS = ("from", "to", "buyer")


def at_events(found: Iterable[Recorded]) -> list[Look]:
    """Looks at the contacts of those outside the system whom goods came from or went to."""
    return [
        look
        for recorded in found
        for name in _PARTNERS
        for said in (recorded.event.body.get(name), (recorded.event.body.get("replacement") or {}).get(name))
        if isinstance(said, dict)
        for look in at_paper("event", str(recorded.event.id), said)
    ]
