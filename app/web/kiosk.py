"""`/kiosk`: a screen in the market's hall where people hold a barcode before the scanner, or type what is printed."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator
from starlette.responses import RedirectResponse, Response

from app import issuing, scanning
from app.domain.errors import Malformed, Refusal, TooMany
from app.scanning import Answer, Tag
from app.store.engine import Snapshot, reading
from app.store.errors import StoreUnavailable
from app.web import kiosk_pages
from app.web.i18n import Language, choose, tag_of
from app.web.problems import status_of
from app.web.representations import HTML
from app.web.schemas import scannable
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(tags=["public"])

Lang = Annotated[str | None, Query(max_length=20, description="a language of the pages; else Accept-Language")]
_PAGE = {"description": "A page in large type that goes back to the start by itself", "content": {HTML: {}}}


@router.get(
    "/kiosk",
    summary="查询机 · the kiosk's start, and what it finds",
    response_class=Response,
    responses={200: _PAGE, 303: {"description": "One thing was found: its page"}},
)
def kiosk(
    request: Request,
    service: ServiceDep,
    q: Annotated[str, Query(max_length=500, description="as for /lookup"), AfterValidator(scannable)] = "",
    lang: Lang = None,
) -> Response:
    """Finds by barcode, code, receipt number, another system's code, credit code or pasted address."""
    language = choose(lang, request.headers.get("accept-language"))
    typed = q.strip()
    if not typed:
        return _told(kiosk_pages.start_page(language, lang), language)
    try:
        with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
            found = issuing.look_up(snapshot, typed, service.master)
            tags = scanning.tags(snapshot, [match.code for match in found], service.master)
    except (Refusal, StoreUnavailable) as error:
        return _unread(service, typed, error, language, lang)
    if len(found) == 1:
        kept = f"?lang={quote(lang)}" if lang else ""
        return RedirectResponse(f"/kiosk/{found[0].code}{kept}", 303, {"Cache-Control": "no-store"})
    known = {tag.code: tag for tag in tags if isinstance(tag, Tag)}
    matches = [(match, known.get(match.code)) for match in found]
    return _told(kiosk_pages.matches_page(typed, matches, language, lang), language, 200 if found else 404)


@router.get(
    "/kiosk/{code}",
    summary="查询机的回答 · a code's answer in large type",
    response_class=Response,
    responses={200: _PAGE},
)
def kiosk_answer(code: str, request: Request, service: ServiceDep, lang: Lang = None) -> Response:
    """The public answer: status, way here and tests; the licences of who sells it, and what authorities recorded."""
    language = choose(lang, request.headers.get("accept-language"))
    now = datetime.now(UTC)
    try:
        with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
            answer = scanning.scan(snapshot, code, now, None, service.master)
            trader = _trader(snapshot, answer, now, service.master)
    except (Refusal, StoreUnavailable) as error:
        return _unread(service, code, error, language, lang)
    page = kiosk_pages.answer_page(answer, trader, language, lang, now, service.settings.public_url)
    return _told(page, language)


def _trader(snapshot: Snapshot, answer: Answer, now: datetime, secret: bytes) -> Answer | None:
    """Who sells it, where the code is not the trader's own."""
    if answer.party is None or answer.kind in ("site", "party"):
        return None
    return scanning.scan(snapshot, answer.party["code"], now, None, secret)


def _unread(
    service: Service, typed: str, error: Refusal | StoreUnavailable, language: Language, lang: str | None
) -> Response:
    """A page that goes back to the start like every other: nobody stands by to load an error of the browser's again."""
    if isinstance(error, StoreUnavailable | TooMany):
        page = kiosk_pages.busy_page(typed[:120], language, lang)
        return _told(page, language, status_of(error) if isinstance(error, TooMany) else 503)
    tags: list[Tag] = []
    if isinstance(error, Malformed):
        with reading(service.engine) as snapshot:
            near = scanning.meant(snapshot, typed, service.master)
            tags = [tag for tag in scanning.tags(snapshot, near, service.master) if isinstance(tag, Tag)]
    page = kiosk_pages.unread_page(typed[:120], error.slug, error.detail, tags, language, lang)
    return _told(page, language, status_of(error))


def _told(page: str, language: Language, status: int = 200) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "Content-Language": tag_of(language),
        "Content-Security-Policy": kiosk_pages.POLICY,
    }
    return Response(page, status, headers, media_type=HTML)
