"""GET /epcis/events: what the repository shows, by any query of the standard, and one event by its eventID."""

from typing import Annotated

from fastapi import Path, Request, Response

from app.domain.epcis.event_names import written
from app.domain.epcis.exceptions import NoSuchResourceException, QueryParameterException, SubscriptionControlsException
from app.domain.epcis.query import Query
from app.domain.epcis.query_parsing import parse_body, parse_parameters
from app.exchanging.answers import SIMPLE
from app.exchanging.subscribing import find_query
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.epcis import ground
from app.web.epcis.answering import (
    ANSWERS,
    MOST,
    PER_PAGE,
    Format,
    PageToken,
    PerPage,
    XmlFormat,
    asked,
    declared_in,
    page_of,
)
from app.web.epcis.controls import STANDING
from app.web.service import ServiceDep

router = ground.router()

_OWN = ("orderBy", "orderDirection", "eventCountLimit", "maxEventCount")  # of a query that has a name


@router.get(
    "/events",
    summary="Events, ours and captured, by the query language of EPCIS 2.0",
    response_class=Response,
    responses=ANSWERS,
)
def list_events(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    per_page: PerPage = PER_PAGE,
    token: PageToken = None,
    epc_format: Format = "Always_GS1_Digital_Link",
    xml_format: XmlFormat = "No_Preference",
) -> Response:
    """Every other parameter is one of EPCIS 2.0 §8.2.7.1, such as MATCH_epc, EQ_bizStep, GE_eventTime and orderBy; they
    are ANDed, and the values of one (`a|b`) ORed. Without orderBy the order is ours. A page may be short, even empty:
    there is more as long as there is a `Link` with rel="next". Events that are not yours to read are not there."""
    query = parse_parameters(asked(request), declared_in(request))
    return page_of(request, service, principal, query, per_page, token)[1]


@router.get(
    "/events/{eventID:path}",
    summary="An event by its eventID, with its error declarations",
    response_class=Response,
    responses=ANSWERS,
)
def get_event(
    event_id: Annotated[str, Path(alias="eventID", max_length=2_048)],
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    epc_format: Format = "Always_GS1_Digital_Link",
    xml_format: XmlFormat = "No_Preference",
) -> Response:
    """URL-encoded. An event that was captured without an eventID goes by the hash of its content (`ni:///sha-256;…`)."""
    query = Query(columns={"event_id": written(event_id.strip())})
    readable = event_id.isprintable()  # PostgreSQL takes no NUL, and no eventID has one
    events, answer = page_of(request, service, principal, query, MOST, None) if readable else ([], None)
    if answer is None or not events:
        raise NoSuchResourceException("没有这个事件，或您无权查看 · There is no such event for you")
    return answer


@router.get(
    "/queries/{query}/events", summary="The events that a named query finds", response_class=Response,
    responses=ANSWERS,
)  # fmt: skip
def list_events_of_query(
    query: str,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    per_page: PerPage = PER_PAGE,
    token: PageToken = None,
    epc_format: Format = "Always_GS1_Digital_Link",
    xml_format: XmlFormat = "No_Preference",
) -> Response:
    """Narrowed by the criteria of the query language, if any; order and limits are those of the named query.
    SimpleEventQuery is everybody's, and asks for all that `GET /epcis/events` does. With
    `Upgrade: websocket`, and `stream` or a schedule, told of what comes."""
    if query != SIMPLE and (own := next((name for name in _OWN if name in request.query_params), None)):
        raise QueryParameterException(
            f"{own} 由命名的查询规定，不能在此给出 · {own} is for the named query itself to say", parameter=own
        )
    if standing := next((name for name in STANDING if name in request.query_params), None):
        raise SubscriptionControlsException(
            f"{standing} 是订阅的参数：请用 WebSocket（Upgrade: websocket），或 POST …/subscriptions 订阅 · "
            f"{standing} is of a subscription: ask by WebSocket (Upgrade: websocket), or POST to …/subscriptions"
        )
    with reading(service.engine) as snapshot:
        found = find_query(snapshot, principal, query)
    narrower = parse_parameters(asked(request), declared_in(request))
    whole = narrower if query == SIMPLE else parse_body(found.query).narrowed(narrower)
    return page_of(request, service, principal, whole, per_page, token, name=found.name, also=(str(found.id),))[1]


ground.discover(router, "/events")
ground.discover(router, "/queries/{query}/events")
ground.discover(router, "/events/{eventID:path}")
