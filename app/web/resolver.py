"""`/.well-known/gs1resolver`: what the resolver at the root of the service says of itself."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.domain.application_identifiers import KEYS
from app.domain.links import GS1, SCHEMA
from app.web.resolver_answers import CONTEXT, HTML, JSON, JSON_LD, LINKSET, LINKSET_TEXT, options
from app.web.service import ServiceDep

router = APIRouter(tags=["public"])

PATH = "/.well-known/gs1resolver"
_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


_TEXT = {"schema": {"type": "string"}}
_LINKSET = {kind: {"schema": {"type": "object"}} for kind in (LINKSET, JSON, JSON_LD)}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _asked(name: str, what: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": what, "schema": {"type": "string"}}


# Answered before FastAPI's routing, and documented all the same; qualifiers follow in pairs.
PATHS: dict[str, Any] = {
    "/{ai}/{value}": {
        "get": {
            "tags": ["public"],
            "summary": "A GS1 Digital Link: leads to what is known of a GTIN, lot, serial number, GLN, SSCC …",
            "operationId": "resolve",
            "parameters": [
                {"name": "ai", "in": "path", "required": True, "schema": {"type": "string", "enum": list(KEYS)}},
                {
                    "name": "value",
                    "in": "path",
                    "required": True,
                    "description": "the key; its qualifiers follow as /ai/value, data attributes in the query",
                    "schema": {"type": "string", "minLength": 1},
                },
                _asked("linkType", "gs1:pip and the like, or its URI; linkset or all for the list of all links"),
                _asked("context", "of several links of one type those for this context"),
                _asked("lang", "of a page"),
            ],
            "responses": {
                "200": {"description": "The linkset", "content": {**_LINKSET, LINKSET_TEXT: _TEXT, HTML: _TEXT}},
                "300": {
                    "description": "Links that the request does not tell apart",
                    "content": {**_LINKSET, HTML: _TEXT},
                },
                "307": {"description": "The link; the query is passed on. `Link` names the linkset."},
                "4XX": {"description": "No Digital Link, nothing known, or no link of that type", "content": _PROBLEM},
                "5XX": {"description": "A problem of the service; Retry-After with 503", "content": _PROBLEM},
            },
        }
    }
}


def described(root: str) -> dict[str, Any]:
    """The resolver description file of GS1-Conformant resolver 1.2 §3."""
    return {
        "name": "OneCode 一码",
        "resolverRoot": root,
        "supportedPrimaryKeys": list(KEYS),
        "supportedLinkType": [{"namespace": GS1, "prefix": "gs1:"}, {"namespace": SCHEMA, "prefix": "schema:"}],
        "linkTypeDefaultCanBeLinkset": True,
        "jsonLdContextLocation": CONTEXT,
    }


def description(service: ServiceDep) -> Response:
    """The resolver description file."""
    return JSONResponse(described(service.settings.public_url.rstrip("/")), headers=_HEADERS)


def preflight(request: Request) -> Response:
    """What may be asked here, and from where."""
    told = options(request.headers.raw)
    return Response(status_code=told.status, headers={name.decode(): value.decode() for name, value in told.headers})


router.add_api_route(PATH, preflight, methods=["OPTIONS"], include_in_schema=False)
router.add_api_route(
    PATH,
    description,
    methods=["GET"],
    summary="What the Digital Link resolver says of itself",
    response_class=JSONResponse,
)
