"""`/.well-known/gs1resolver`: what the resolver at the root of the service says of itself."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app.domain.application_identifiers import KEYS
from app.domain.links import GS1, SCHEMA
from app.web.resolver_answers import CONTEXT
from app.web.service import ServiceDep

router = APIRouter(tags=["public"])

PATH = "/.well-known/gs1resolver"
_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


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


router.add_api_route(
    PATH,
    description,
    methods=["GET"],
    summary="What the Digital Link resolver says of itself",
    response_class=JSONResponse,
)
router.add_api_route(PATH, description, methods=["HEAD"], include_in_schema=False, response_class=JSONResponse)
