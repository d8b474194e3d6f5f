"""`/c/{code}` and its symbol: what a printed code leads to."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from app import resolving, scanning
from app.domain import codes
from app.domain.copies import Seen
from app.domain.epcis.spelling import read
from app.domain.errors import Malformed, NotFound
from app.scanning.copies import Forged
from app.scanning.looks import at_answer
from app.scanning.units import at_once
from app.store.engine import reading
from app.web import pages, representations, symbols
from app.web.auth import OptionalPrincipalDep
from app.web.i18n import Language, choose, tag_of
from app.web.looking import note
from app.web.negotiation import preferred, unchanged
from app.web.problems import status_of
from app.web.representations import HTML, VARY
from app.web.scan_openapi import SCAN, SYMBOL
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(tags=["public"])

Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]


def scan(code: str, request: Request, service: ServiceDep, reader: OptionalPrincipalDep, lang: Lang = None) -> Response:
    """What a code says: HTML for a browser, JSON, or a short text for SMS and hotline.

    With a key the same address shows what its holder may see and do next.
    """
    language = choose(lang, request.headers.get("accept-language"))
    kind = preferred(request.headers.get("accept"), representations.KINDS)
    now = datetime.now(UTC)
    place = service.places.of(request.client.host if request.client else None)
    try:
        with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
            answer = scanning.scan(snapshot, code, now, reader, service.master, place)
    except (Malformed, NotFound) as refusal:
        if refusal.slug == "not-authentic":
            request.scope["onecode.forged"] = Forged(codes.parse(code).text, now, place)
        if kind != HTML:
            raise
        return _error_page(service, code, refusal, language)
    if reader is not None:
        note(request, reader, at_answer(answer))
    scans = answer.written
    if reader is None and request.method == "GET":
        scans = service.counts.with_one_more(answer.code, scans, now)
        request.scope["onecode.scanned"] = Seen(answer.code, now, place, at_once(answer))
    rendering = representations.render(answer, kind, language, now, service.settings.public_url)
    body, headers = rendering.body(scans), rendering.headers
    if reader is not None:
        return _answer(request, body, kind, headers | {"Cache-Control": "private, no-store"})
    if answer.status == "pending":  # it may arrive at any moment
        return _answer(request, body, kind, headers | {"Cache-Control": "no-store"})
    # Kept by whoever likes, believed by nobody without asking: a recall shows at once.
    headers |= {"Cache-Control": "public, no-cache", "ETag": f'"{blake2b(body, digest_size=12).hexdigest()}"'}
    return _answer(request, body, kind, headers)


def _answer(request: Request, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    tag = headers.get("ETag")
    if tag is not None and unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=dict(headers))
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(body))}, media_type=media_type)
    return Response(body, headers=dict(headers), media_type=media_type)


def _error_page(service: Service, typed: str, refusal: Malformed | NotFound, language: Language) -> Response:
    with reading(service.engine) as snapshot:
        near = scanning.meant(snapshot, typed, service.master) if isinstance(refusal, Malformed) else []
        known = scanning.tags(snapshot, near, service.master)
    # Units that nobody has scanned yet have nothing to tell.
    meant = [
        tag if isinstance(tag, scanning.Tag) else scanning.Tag(code, pages.LETTERS[code[0]])
        for code, tag in zip(near, known, strict=True)
    ]
    status = status_of(refusal)
    body = pages.error_page(status, refusal.slug, refusal.detail, typed[:120], meant, language)
    headers = {
        "Cache-Control": "no-store",
        "Vary": VARY,
        "Content-Language": tag_of(language),
        "Content-Security-Policy": pages.POLICY,
    }
    return Response(body, status, headers, media_type=HTML)


def look_up(code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Where the form of an error page leads: to the code that was typed, or the one in a pasted address; of a GS1 key
    in whichever spelling to where its Digital Link does."""
    with suppress(Malformed):
        if (epc := read(code)) is not None and epc.link is not None:
            return RedirectResponse("".join(f"/{ai}/{quote(value, safe='')}" for ai, value in epc.link.pairs), 303)
    typed = code.strip().rstrip("/").partition("?")[0].rsplit("/", 1)[-1]
    return RedirectResponse(f"/c/{quote(typed or '?', safe='')}", 303)


def symbol_svg(code: str, request: Request, service: ServiceDep) -> Response:
    """The QR symbol of a code, one unit a module."""
    url = _url(request, service, code)
    return Response(symbols.svg(url, url), headers=_PRINTED, media_type="image/svg+xml")


def symbol_png(
    code: str, request: Request, service: ServiceDep, scale: Annotated[int, Query(ge=1, le=40)] = 8
) -> Response:
    """The QR symbol of a code, `scale` pixels a module."""
    return Response(symbols.png(_url(request, service, code), scale), headers=_PRINTED, media_type="image/png")


# A symbol is the same for ever; whether the code still holds is the page's to say.
_PRINTED = {"Cache-Control": "public, max-age=86400"}


def _url(request: Request, service: Service, code: str) -> str:
    with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
        found = scanning.exists(snapshot, code, service.master)
        return resolving.symbols(snapshot, [found.text], service.settings.public_url)[found.text]


def _route(path: str, endpoint: Any, described: dict[str, Any] | None) -> None:
    """GET, in the document where it is described."""
    responses: dict[int | str, dict[str, Any]] | None = {200: described} if described else None
    router.add_api_route(
        path, endpoint, methods=["GET"], include_in_schema=described is not None, response_class=Response,
        responses=responses,
    )  # fmt: skip


_route("/c/{code}", scan, SCAN)
# A symbol may carry the whole address in capitals.
_route("/C/{code}", scan, None)
for _path in ("/c/{code}", "/C/{code}"):
    # Asked for by HEAD, nobody has scanned it.
    router.add_api_route(_path, scan, methods=["HEAD"], include_in_schema=False, response_class=Response)
_route("/c", look_up, None)
_route("/qr/{code}.svg", symbol_svg, SYMBOL["svg"])
_route("/qr/{code}.png", symbol_png, SYMBOL["png"])
