"""What a standing query finds from a position on, in the order of positions, and the document that tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.formats import CompanyPrefixes, EpcFormat, translated
from app.domain.epcis.query import Query
from app.domain.epcis.query_fields import Candidate
from app.domain.epcis.writing import CONTEXT
from app.domain.rights import Principal
from app.exchanging.documents import to_json
from app.store import standing as store
from app.store.engine import Snapshot
from app.store.published import last_position
from app.store.standing import Following

WINDOW: Final = 2_000  # positions that one statement looks at
LOOKED: Final = 20_000  # positions in one go: what reads must not read for ever
READ: Final = 200  # events read at a time
BYTES: Final = 1_000_000  # of one document, unless a single event is larger

_PLAIN = Context()


@dataclass(frozen=True, slots=True)
class Found:
    """Events of one `@context` beside the standard's. All up to `position` was looked at; `ended`: that is the end."""

    events: list[Following]
    context: Any
    position: int
    ended: bool


def find_next(
    snapshot: Snapshot, principal: Principal, query: Query, after: int, since: datetime | None, most: int
) -> Found:
    """The first events behind a position that the principal may read and the query asks for: at most so many, of BYTES
    together, out of LOOKED positions."""
    last = last_position(snapshot)
    upto = min(last, after + LOOKED)
    columns = {_COLUMNS.get(name, name): wanted for name, wanted in query.columns.items()}
    found: list[Following] = []
    context: Any = None
    size = 0
    while after < upto:
        window = min(after + WINDOW, upto)
        read, reached = store.following(snapshot, principal, after, window, since, columns, READ)
        for event in read:
            if _matches(query, event):
                size += len(to_json(event.body))
                if found and (size > BYTES or event.context != context):
                    return Found(found, context, event.position - 1, False)
                context = event.context
                found.append(event)
                if len(found) == most:
                    return Found(found, context, event.position, event.position == last)
        after = reached
    return Found(found, context, max(after, upto), upto == last)


_COLUMNS = {"event_id": "epcis_event_id"}


def _matches(query: Query, event: Following) -> bool:
    context = _PLAIN if event.context is None else context_of({"@context": event.context})
    return query.matches(Candidate(event.body, event.record_time, event.event_id, context))


def query_document(
    found: Found,
    name: str,
    subscription: UUID | None,
    now: datetime,
    to: EpcFormat,
    prefixes: CompanyPrefixes,
) -> bytes:
    """An EPCISQueryDocument (EPCIS 2.0 §12.7) in JSON-LD; `subscription`: whose it is."""
    results: dict[str, Any] = {
        "queryName": name,
        "resultsBody": {"eventList": [_told(e, to, prefixes) for e in found.events]},
    }
    if subscription is not None:
        results["subscriptionID"] = str(subscription)
    return to_json({
        "@context": [CONTEXT, *(found.context or ())],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": now.isoformat(timespec="milliseconds"),
        "epcisBody": {"queryResults": results},
    })  # fmt: skip


def _told(event: Following, to: EpcFormat, prefixes: CompanyPrefixes) -> dict[str, Any]:
    """The event with the eventID that it goes by, and when we recorded it."""
    own = {"eventID": event.event_id, "recordTime": event.record_time.isoformat(timespec="microseconds")}
    return translated({**event.body, **own}, to, prefixes)
