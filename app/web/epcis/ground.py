"""What every answer under /epcis shares: the standard's headers, versions, OPTIONS and the media types of answers.

EPCIS 2.0 §12 and its OpenAPI document. Errors are problems whose `type` is the standard's exception: see
`app.web.problems`.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection

from app.domain.epcis.exceptions import EpcisException, QueryTooComplexException, URITooLongException
from app.domain.epcis.writing import CONTEXT
from app.domain.epcis.xml_shape import Version
from app.domain.errors import NotAcceptable, TooLarge
from app.domain.rights import Principal
from app.exchanging import to_json
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.negotiation import acceptable
from app.web.problems import EPCIS_HEADERS
from app.web.service import Service, ServiceDep

PREFIX: Final = "/epcis"
LD_JSON: Final = "application/ld+json"
JSON: Final = "application/json"
XML: Final = "application/xml"
MEDIA: Final = (JSON, LD_JSON, XML, "text/xml")
TAG: Final = "EPCIS 2.0"

LONGEST_QUERY: Final = 60_000
"""Bytes in the query string of a URL; servers and proxies take little more."""

VERSION: Final = "2.0.0"
# What documents may be of that are captured, and answers that are asked for.
EARLIEST: Final = "1.2"

# On the answer to OPTIONS, beside them.
_ABILITIES: Final[Mapping[str, str]] = {
    "GS1-EPCIS-Min": EARLIEST,
    "GS1-EPCIS-Max": VERSION,
    "GS1-CBV-Min": EARLIEST,
    "GS1-CBV-Max": VERSION,
    "GS1-EPC-Format": "Always_GS1_Digital_Link, Always_EPC_URN, Never_Translates, No_Preference",
    "GS1-CBV-XML-Format": "Always_Web_URI, Always_URN, Never_Translates, No_Preference",
}


class EpcisRoute(JsonRoute):
    """Answers bear the standard's headers, and nobody is answered in a version or media type that it does not take."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def with_headers(request: Request) -> Response:
            if len(request.scope["query_string"]) > LONGEST_QUERY:
                raise URITooLongException(
                    f"网址中的查询超过 {LONGEST_QUERY} 字节，请用 POST /epcis/queries 命名该查询 · "
                    f"The query in the address is longer than {LONGEST_QUERY} bytes: name it by POST /epcis/queries"
                )
            _versions(request.headers)
            shape_of(request)
            try:
                response = await handler(request)
            except TooLarge as error:
                if isinstance(error, EpcisException) or not request.url.path.startswith(f"{PREFIX}/queries"):
                    raise
                raise QueryTooComplexException(error.detail) from error
            for name, value in EPCIS_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return with_headers


def router() -> APIRouter:
    return APIRouter(prefix=PREFIX, tags=[TAG], route_class=EpcisRoute)


def _versions(headers: Mapping[str, str]) -> None:
    """Raises NotAcceptable where `GS1-EPCIS-Min`/`-Max` or `GS1-CBV-Min`/`-Max` leave out all versions of ours."""
    for name in ("EPCIS", "CBV"):
        least, most = (_version(headers.get(f"GS1-{name}-{end}", "")) for end in ("Min", "Max"))
        if (least is not None and least > _OURS) or (most is not None and most < _FIRST):
            raise NotAcceptable(
                "version",
                f"这里提供 {name} {EARLIEST} 至 {VERSION}，请调整 GS1-{name}-Min/Max · "
                f"{name} {EARLIEST} to {VERSION} is served: change GS1-{name}-Min and -Max",
            )


def _version(text: str) -> tuple[int, ...] | None:
    """Up to three numbers; None for what is no version."""
    parts = text.strip().split(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    return tuple(map(int, parts[:3]))


_OURS = (2, 0, 0)
_FIRST = (1, 2)

Shape = Literal["json", "xml"]


def edition(headers: Mapping[str, str]) -> Version:
    """Of EPCIS in XML: the highest that the client takes."""
    return "1.2" if headers.get("GS1-EPCIS-Max", VERSION).strip().startswith("1.") else "2.0"


def shape_of(request: HTTPConnection) -> tuple[Shape, str]:
    """What the client wants the answer in, and the media type to say so: JSON where it does not say. Raises
    NotAcceptable."""
    chosen = acceptable(request.headers.get("accept"), MEDIA)
    if chosen is None:
        raise NotAcceptable(
            "not-acceptable",
            f"可用 Accept: {JSON}、{LD_JSON} 或 {XML} · Accept {JSON}, {LD_JSON} or {XML}",
        )
    return ("xml" if chosen.endswith("/xml") else "json"), chosen


def collection(
    request: Request,
    members: Sequence[str],
    headers: Mapping[str, str] | None = None,
    prefixes: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """A list of names in the shape that the client wants, as the standard's `Collection`; `prefixes` that they use."""
    shape, media_type = shape_of(request)
    if shape == "xml":
        root = Element("Collection")
        for member in members:
            SubElement(root, "member").text = member
        return Response(tostring(root, encoding="UTF-8", xml_declaration=True), 200, headers, media_type)
    context = [CONTEXT, dict(prefixes)] if prefixes else CONTEXT
    body = {"@context": context, "type": "Collection", "member": list(members)}
    return Response(to_json(body), 200, headers, media_type)


def discover(
    routes: APIRouter,
    path: str,
    *,
    abilities: Callable[[Request, Service, Principal], Mapping[str, str]] = lambda request, service, principal: {},
    shown: bool = True,
) -> None:
    """Adds OPTIONS to a path; `abilities`: further headers; `shown`: in the list of doors."""

    def options(request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
        said = abilities(request, service, principal)
        headers = {"Allow": request.app.state.paths.allow(request.url.path), **_ABILITIES, **said}
        return Response(status_code=204, headers=headers)

    routes.add_api_route(
        path, options, methods=["OPTIONS"], status_code=204, summary="What this endpoint can do, in the headers",
        name=f"options {path}", include_in_schema=shown,
    )  # fmt: skip
