"""The collections of /epcis: event types, EPCs, business steps, places, dispositions; their values, and the events of
each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Path, Request, Response

from app.domain.epcis.context import Context
from app.domain.epcis.exceptions import NoSuchResourceException, QueryParameterException
from app.domain.epcis.formats import translated_uri
from app.domain.epcis.query import Query
from app.domain.epcis.query_parsing import of_epc, parse_parameters
from app.domain.epcis.vocabulary import EVENT_TYPES
from app.domain.epcis.xml_spelling import Spelling
from app.domain.rights import Principal
from app.exchanging.querying import search
from app.exchanging.values import values
from app.web.auth import PrincipalDep
from app.web.epcis import ground
from app.web.epcis.answering import (
    ANSWERS,
    PER_PAGE,
    Format,
    PageToken,
    PerPage,
    XmlFormat,
    asked,
    cbv_words,
    declared_in,
    epc_format,
    next_of,
    page_of,
)
from app.web.epcis.tokens import Tokens
from app.web.service import Service, ServiceDep

router = ground.router()

LONGEST: Final = 200  # values on a page


@dataclass(frozen=True, slots=True)
class _Resource:
    """`column`: of the repository, None for EPCs; `query`: what asks for the events of a value; `identifiers`: values
    are URIs that may be GS1 keys; `kind`: of words of CBV, see `bare_word`."""

    column: str | None
    query: Callable[[str], Query]
    identifiers: bool = False
    kind: str = ""


def _equal(parameter: str) -> Callable[[str], Query]:
    return lambda value: parse_parameters([(parameter, value)])


RESOURCES: Final[Mapping[str, _Resource]] = {
    "eventTypes": _Resource("type", _equal("eventType")),
    "epcs": _Resource(None, of_epc, True),
    "bizSteps": _Resource("biz_step", _equal("EQ_bizStep"), kind="BizStep"),
    "bizLocations": _Resource("biz_location", _equal("EQ_bizLocation"), True),
    "readPoints": _Resource("read_point", _equal("EQ_readPoint"), True),
    "dispositions": _Resource("disposition", _equal("EQ_disposition"), kind="Disp"),
}

Name = Annotated[
    str, Path(description="eventTypes, epcs, bizSteps, bizLocations, readPoints or dispositions", max_length=100)
]
Value = Annotated[str, Path(description="URL-encoded", max_length=2_048)]


def _resource(name: str) -> _Resource:
    found = RESOURCES.get(name)
    if found is None:
        raise NoSuchResourceException(
            f"没有这种资源，可用 {'、'.join(RESOURCES)} · No such resource: there are {', '.join(RESOURCES)}"
        )
    return found


def _query(request: Request, name: str, value: str) -> Query:
    resource = _resource(name)
    if not value.isprintable() or "|" in value:
        raise _nothing()
    try:
        return resource.query(declared_in(request).expand(value))
    except QueryParameterException:
        raise _nothing() from None


def _nothing() -> NoSuchResourceException:
    return NoSuchResourceException("没有这个值，或您无权查看其事件 · There is no such value in events of yours")


def _require(service: Service, reader: Principal, name: str, query: Query, value: str) -> None:
    """Raises NoSuchResourceException where no event that the reader may see has the value."""
    if RESOURCES[name].column == "type" and value in EVENT_TYPES:
        return
    page = search(service.engine, reader, query, limit=1)
    if not page.events and page.next is None:
        raise _nothing()


@router.get("/{resource}", summary="The values that events have", response_class=Response)
def list_values(
    resource: Name,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    per_page: PerPage = PER_PAGE,
    token: PageToken = None,
    format_: Format = "Always_GS1_Digital_Link",
    xml_format: XmlFormat = "No_Preference",
) -> Response:
    """Of events that you may read, in their order; of event types the standard's five in any case. In JSON with the
    prefixes that `GS1-Extensions` declares."""
    kind, now, to = _resource(resource), datetime.now(UTC), epc_format(request)
    tokens = Tokens.of(service.master, principal, request.url.path, asked(request))
    after = None if token is None else tokens.read(token, now)
    most = min(per_page, LONGEST)
    always = sorted(EVENT_TYPES) if kind.column == "type" else ()
    found, cursor = values(service.engine, principal, kind.column, after, most, always)
    if kind.identifiers:
        found = [translated_uri(value, to, service.prefixes) for value in found]
    headers = next_of(request, tokens, cursor, now)
    if ground.shape_of(request)[0] == "xml":
        spelled = Spelling(Context(), cbv_words(request), ("", ""))
        return ground.collection(
            request, [spelled.word(kind.kind, one) if kind.kind else one for one in found], headers
        )
    context = declared_in(request)
    used = {name: iri for name, iri in context.own.items() if any(one.startswith(iri) for one in found)}
    if used:
        headers |= {"GS1-Extensions": ",".join(f"{name}={iri}" for name, iri in used.items())}
    return ground.collection(request, [context.shortened(one) for one in found], headers, used)


@router.get("/{resource}/{member:path}/events", summary="The events that have a value", response_class=Response,
            responses=ANSWERS)  # fmt: skip
def list_events_of(
    resource: Name,
    member: Value,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    per_page: PerPage = PER_PAGE,
    token: PageToken = None,
    format_: Format = "Always_GS1_Digital_Link",
    xml_format: XmlFormat = "No_Preference",
) -> Response:
    """The query language of /epcis/events narrows them."""
    of_value = _query(request, resource, member)
    query = parse_parameters(asked(request), declared_in(request)).narrowed(of_value)
    events, answer = page_of(request, service, principal, query, per_page, token)
    if not events and token is None:
        _require(service, principal, resource, of_value, member)
    return answer


@router.get("/{resource}/{member:path}", summary="What there is of a value: its events", response_class=Response)
def get_value(
    resource: Name, member: Value, request: Request, service: ServiceDep, principal: PrincipalDep
) -> Response:
    _require(service, principal, resource, _query(request, resource, member), member)
    return ground.collection(request, ("events",))


for _path in ("/{resource}", "/{resource}/{member:path}/events", "/{resource}/{member:path}"):
    ground.discover(router, _path)
