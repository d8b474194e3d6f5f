"""What a standing query finds from a position on, in the order of positions, and the document that tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.domain.epcis.formats import CompanyPrefixes
from app.domain.epcis.query import Query
from app.domain.rights import Principal
from app.exchanging.answers import Form, query_document
from app.exchanging.documents import to_json
from app.exchanging.querying import Found, follow
from app.store.engine import Snapshot
from app.store.published import last_position

BYTES: Final = 1_000_000  # of one document, unless a single event is larger


@dataclass(frozen=True, slots=True)
class News:
    """Events in their order. All up to `position` was looked at; `ended`: that is the end."""

    events: Sequence[Found]
    position: int
    ended: bool


def find_next(
    snapshot: Snapshot, principal: Principal, query: Query, after: int, since: datetime | None, most: int, url: str
) -> News:
    """The first events behind a position that the principal may read and the query asks for: at most so many, of BYTES
    together. What was recorded before `since` is left out; `url`: what our own codes' addresses begin with."""
    last = last_position(snapshot)
    if since is not None:
        query = query.narrowed(Query(record_time=(since, None)))
    found: list[Found] = []
    size = 0
    for position, event in follow(snapshot, principal, query, after, most, url):
        if event is None:
            return News(found, position, False)
        size += len(to_json(event.body))
        if found and size > BYTES:
            return News(found, found[-1].line.position, False)
        found.append(event)
        if len(found) == most:
            return News(found, position, position == last)
    return News(found, max(after, last), True)


def report(
    news: News, name: str, subscription: UUID | None, now: datetime, form: Form, prefixes: CompanyPrefixes
) -> bytes:
    """The EPCISQueryDocument of a named query, as the query itself would be answered; `subscription`: whose it is."""
    document = query_document(news.events, now, form.epcs, prefixes, name)
    if subscription is not None:
        document["epcisBody"]["queryResults"]["subscriptionID"] = str(subscription)
    return form.written(document)
