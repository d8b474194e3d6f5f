"""`/recalls`: what everybody is told of recalls (召回公告), as pages and as JSON. Kept until the feed names something
of it, and asked for again each time: a recall shows within a second."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app import recalling
from app.domain import codes
from app.domain.recalls import RECALLS
from app.store.engine import Snapshot, reading
from app.web.i18n import Language, Words, choose, tag_of
from app.web.lists import LARGEST
from app.web.memo import Made
from app.web.negotiation import accepts_gzip, preferred, unchanged
from app.web.pages import HOME, POLICY, STYLE, environment
from app.web.paging import Cursor, decode_cursor, encode_cursor
from app.web.representations import HTML, JSON, VARY
from app.web.screens import Packed
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(tags=["public"])

Shown = dict[str, Any]
_KEPT = timedelta(days=1)
_LISTED = 50

Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]
_PUBLIC: dict[str, Any] = {"content": {HTML: {}, JSON: {}}}

_encode = msgspec.json.Encoder().encode


@router.get(
    "/recalls",
    summary="召回公告 · what is recalled, the latest first",
    response_class=Response,
    responses={200: {"description": "`items` and `next`; as a page for a browser", **_PUBLIC}},
)
async def announcements(
    request: Request,
    service: ServiceDep,
    code: Annotated[
        str | None, Query(max_length=200, description="only those that reach the goods of this code")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the answer before")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST, description="items in one answer")] = _LISTED,
    lang: Lang = None,
) -> Response:
    """Live recalls and closed ones. Mocks are nobody's business."""
    kind = preferred(request.headers.get("accept"), (HTML, JSON))
    language = choose(lang, request.headers.get("accept-language"))

    def make() -> Made[Packed]:
        with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
            rows, more = _rows(snapshot, service, code, cursor, limit)
        if kind == JSON:
            body = _encode({"items": rows, "next": more})
        else:
            typed = codes.parse(code).text if code else None
            body = _render("recalls.html", language, rows=rows, next=more, code=typed, grouped=codes.grouped)
        return _made(body, {RECALLS})

    first = code is None and cursor is None and limit == _LISTED
    return await _answer(request, service, ("", kind, language), make, keep=first)


@router.get(
    "/recalls/{number}",
    summary="一则召回公告 · one recall: which food, why, what to do, where it was sold",
    response_class=Response,
    responses={200: {"description": "The notice; as a page for a browser", **_PUBLIC}},
)
async def announcement(number: str, request: Request, service: ServiceDep, lang: Lang = None) -> Response:
    """For everybody: no party's goods, no buyer, nobody who is responsible."""
    kind = preferred(request.headers.get("accept"), (HTML, JSON))
    language = choose(lang, request.headers.get("accept-language"))

    def make() -> Made[Packed]:
        with reading(service.engine) as snapshot:
            found = recalling.announcement(snapshot, number)
        body = _encode(found.shown) if kind == JSON else _render("recall.html", language, row=found.shown)
        return _made(body, found.names)

    return await _answer(request, service, (number.upper(), kind, language), make)


def _rows(
    snapshot: Snapshot, service: Service, code: str | None, cursor: str | None, limit: int
) -> tuple[list[Shown], str | None]:
    if code is not None:
        found = recalling.concerning(snapshot, code, service.master)
        return [recalling.summary(recall) for recall in found[:limit]], None
    place = None if cursor is None else decode_cursor(cursor)
    found = recalling.announced(snapshot, (place.time, place.id) if place else None, limit + 1)
    more = encode_cursor(Cursor(found[limit - 1].record_time, found[limit - 1].id)) if len(found) > limit else None
    return [recalling.summary(recall) for recall in found[:limit]], more


def _made(body: bytes, names: frozenset[str] | set[str]) -> Made[Packed]:
    packed = Packed(body)
    now = datetime.now(UTC)
    return Made(packed, names, len(body) + len(packed.packed), now + _KEPT)


async def _answer(
    request: Request,
    service: Service,
    key: tuple[str, str, Language],
    make: Callable[[], Made[Packed]],
    *,
    keep: bool = True,
) -> Response:
    _, kind, language = key
    found = service.announcements.get(key, datetime.now(UTC)) if keep else None
    if found is None:
        found = (
            await run_in_threadpool(service.announcements.make, key, make)
            if keep
            else (await run_in_threadpool(make)).value
        )
    tag = f'"{blake2b(found.body, digest_size=12).hexdigest()}"'
    headers = {"Vary": VARY, "Cache-Control": "public, no-cache", "ETag": f"W/{tag}"}
    if kind == HTML:
        headers |= {"Content-Language": tag_of(language), "Content-Security-Policy": POLICY}
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request.headers.get("accept-encoding")):
        return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)
    return Response(found.body, headers=headers, media_type=kind)


def _render(template: str, language: Language, **values: Any) -> bytes:
    words = Words(language)

    def office(row: Shown) -> str:
        return office_of(words, row["region"])

    rendered = environment.get_template(template).render(
        words=words, t=words.t, style=Markup(STYLE.decode()), zone=HOME, office=office, **values
    )
    return rendered.encode()


def office_of(words: Words, region: str | None) -> str:
    """Who recalls, as people know it."""
    if region is None:
        return words.t("announced.office.operator")
    return words.t("announced.office.region", region=words.region(region))


def address(public_url: str, number: str) -> str:
    """Where the public notice of a recall is."""
    return f"{public_url}/recalls/{quote(number)}"
