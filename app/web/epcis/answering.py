"""A page of events as an answer: in JSON-LD or XML, with EPCs in the format that the client wants, and the way on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import Header, Query, Request, Response

from app.domain.epcis.context import Context
from app.domain.epcis.exceptions import NotAcceptableException
from app.domain.epcis.formats import EpcFormat
from app.domain.epcis.query import Query as EventQuery
from app.domain.epcis.query_parsing import declared
from app.domain.epcis.xml_spelling import CBV_FORMATS, CbvFormat, cbv_format
from app.domain.rights import Principal
from app.exchanging import to_json
from app.exchanging.answers import SIMPLE, Form, query_document
from app.exchanging.querying import Cursor, Found, search
from app.web.epcis import ground
from app.web.epcis.tokens import Tokens
from app.web.service import Service

PER_PAGE: Final = 30
MOST: Final = 1_000
PAGING: Final = ("perPage", "nextPageToken")

PerPage = Annotated[int, Query(alias="perPage", ge=1, description=f"events on a page, {MOST} at most")]
PageToken = Annotated[
    str | None, Query(alias="nextPageToken", max_length=4_000, description="of the page before, from its `Link`")
]
Format = Annotated[str, Header(alias="GS1-EPC-Format", max_length=40)]
XmlFormat = Annotated[str, Header(alias="GS1-CBV-XML-Format", max_length=40)]

DOCUMENT: Final = {"type": "object", "description": "EPCISQueryDocument of EPCIS 2.0"}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events",
        "content": {
            ground.JSON: {"schema": DOCUMENT},
            ground.LD_JSON: {"schema": DOCUMENT},
            ground.XML: {"schema": {"type": "string"}},
        },
    }
}


def form_of(request: Request) -> Form:
    """How a client wants its answer. Raises NotAcceptable, NotAcceptableException where it cannot be so."""
    _, media_type = ground.shape_of(request)
    return Form(media_type, epc_format(request), cbv_words(request), ground.edition(request.headers))


def epc_format(request: Request) -> EpcFormat:
    said = request.headers.get("GS1-EPC-Format", EpcFormat.DIGITAL_LINK)
    try:
        return EpcFormat(said.strip())
    except ValueError:
        raise _unknown("GS1-EPC-Format", [str(each) for each in EpcFormat]) from None


def cbv_words(request: Request) -> CbvFormat:
    said = request.headers.get("GS1-CBV-XML-Format", "No_Preference").strip()
    try:
        return cbv_format(said)
    except ValueError:
        raise _unknown("GS1-CBV-XML-Format", CBV_FORMATS) from None


def _unknown(header: str, known: Sequence[str]) -> NotAcceptableException:
    return NotAcceptableException(f"{header} 应为 {'、'.join(known)} · {header} is one of {', '.join(known)}")


def asked(request: Request) -> list[tuple[str, str]]:
    """The parameters of a query, without those of paging."""
    return [pair for pair in request.query_params.multi_items() if pair[0] not in PAGING]


def declared_in(request: Request) -> Context:
    """What the client says that prefixes mean."""
    return declared(request.headers.get("GS1-Extensions", ""))


def next_of(request: Request, tokens: Tokens, cursor: Cursor | None, now: datetime) -> dict[str, str]:
    """Headers that lead to the next page."""
    if cursor is None:
        return {}
    token, expires = tokens.write(cursor, now)
    per_page = request.query_params.get("perPage")
    items = [*asked(request), *([("perPage", per_page)] if per_page else []), ("nextPageToken", token)]
    link = f"{quote(request.url.path, safe='/:')}?{urlencode(items)}"
    return {"Link": f'<{link}>; rel="next"', "GS1-Next-Page-Token-Expires": expires.isoformat()}


def page_of(
    request: Request,
    service: Service,
    reader: Principal,
    query: EventQuery,
    per_page: int,
    token: str | None,
    *,
    name: str = SIMPLE,
    also: Sequence[str] = (),
) -> tuple[list[Found], Response]:
    """The events of a page, and the answer that tells them. `query`: the whole of what is asked for; `also`: what says
    which it is beside path and parameters."""
    form, now = form_of(request), datetime.now(UTC)
    items = [*asked(request), *(("", each) for each in also)]
    tokens = Tokens.of(service.master, reader, request.url.path, items)
    page = search(
        service.engine, reader, query,
        after=None if token is None else tokens.read(token, now), limit=min(per_page, MOST),
        url=service.settings.public_url, size_of=lambda body: len(to_json(body)),
    )  # fmt: skip
    document = query_document(page.events, now, form.epcs, service.prefixes, name)
    headers = {"Vary": "Accept, GS1-EPC-Format", **next_of(request, tokens, page.next, now)}
    return page.events, Response(form.written(document), 200, headers, form.media_type)
