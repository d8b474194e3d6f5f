"""What a trace shows of natural persons."""

import msgspec

from app.enrolling.looks import Look, at_paper
from app.tracing.answer import Trace


def at_gaps(trace: Trace) -> list[Look]:
    """Looks at the contacts that papers give of whom goods came from, and of who outside the system got some."""
    named = {one.event_id: msgspec.structs.asdict(one) for one in trace.recipients}
    recipients = [look for key, said in named.items() for look in at_paper("event", key, said)]
    return recipients + [
        look
        for gap in trace.gaps
        for look in at_paper(
            "gap",
            gap.node_id,
            msgspec.structs.asdict(gap.from_),
            gap.from_.reported_by.region if gap.from_.reported_by else None,
        )
    ]
