"""`/boards/{code}`: the screen of a market or stall as a page and as JSON, and the events that keep it up to date."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain import codes
from app.domain.rights import Principal
from app.issuing import read_code
from app.scanning.answer import Shown
from app.scanning.expiring import expiring
from app.store.engine import reading
from app.web import board_pages
from app.web.auth import OptionalPrincipalDep
from app.web.i18n import Language, choose, tag_of
from app.web.negotiation import accepts_gzip, preferred, unchanged
from app.web.problems import problem, respond
from app.web.representations import HTML, JSON, VARY
from app.web.screens import BEAT, Boards, Packed, Ready, TooManyScreens
from app.web.service import Service, ServiceDep

router = APIRouter(tags=["public"])

Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]
_BOARD = {
    "description": "The board: as a page, or as JSON with `kind` (market or stall), `status`, `date` (the site's day), "
    "`site`, `party`, `totals`, `stalls` (each with `status`, `empty` where nothing is on sale), `batches` (on sale or "
    "arrived today, each with `sources`, latest `tests` and, where it was made there, `ingredients`), and today's "
    "`tests`, `slips` and `refused`, and `notices`; with a key `expiring` too",
    "content": {HTML: {}, JSON: {}},
}
_EVENTS = {
    "description": "`board` with the tag of the board, when it has changed; `beat` every 15 seconds",
    "content": {"text/event-stream": {}},
}


@router.get(
    "/boards/{code}.json",
    summary="看板数据 · a market's or stall's board as JSON",
    response_class=Response,
    responses={200: _BOARD},
)
async def board_json(code: str, request: Request, service: ServiceDep, reader: OptionalPrincipalDep) -> Response:
    """What is on sale, what arrived, was tested, delivered and refused today: one market's data in one feed."""
    return await _answer(request, service, read_code(code), reader, JSON, "zh")


@router.get(
    "/boards/{code}",
    summary="追溯看板 · the screen of a market or stall, as page or JSON",
    response_class=Response,
    responses={200: _BOARD},
)
async def board(
    code: str, request: Request, service: ServiceDep, reader: OptionalPrincipalDep, lang: Lang = None
) -> Response:
    """The page keeps itself up to date; without JavaScript it is loaded again twice a minute."""
    kind = preferred(request.headers.get("accept"), (HTML, JSON))
    language = choose(lang, request.headers.get("accept-language"))
    return await _answer(request, service, read_code(code), reader, kind, language)


@router.get(
    "/boards/{code}/events",
    summary="看板更新 · tells when a board has changed (server-sent events)",
    response_class=Response,
    responses={200: _EVENTS},
)
async def board_events(
    code: str,
    request: Request,
    service: ServiceDep,
    once: Annotated[bool, Query(description="tell the present tag and end")] = False,
) -> Response:
    """A stream for each screen; 503 beyond `ONECODE_BOARD_SCREENS`, then load the board every half minute."""
    found = read_code(code)
    ready = await service.boards.ready(found)
    if once:
        return Response(_event("board", ready.tag), headers=_STREAM, media_type="text/event-stream")
    if service.boards.screens >= service.boards.limit:
        return _too_many(request)
    return _Stream(service.boards, found, request)


async def _answer(
    request: Request, service: Service, code: codes.Code, reader: Principal | None, kind: str, language: Language
) -> Response:
    ready = await service.boards.ready(code)
    if reader is not None:
        return await run_in_threadpool(_own, service, ready, reader, kind, language)
    headers = _headers(kind, language) | {"Cache-Control": "public, no-cache"}
    tag = f'"{ready.tag}"' if kind == JSON else f'"{ready.tag}-{board_pages.VERSION}-{language}"'
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers | {"ETag": f"W/{tag}"})
    content = ready.json if kind == JSON else ready.pages.get(language)
    if content is None:
        content = await run_in_threadpool(_page, service, ready, language)
    packed = accepts_gzip(request.headers.get("accept-encoding"))
    headers |= {"ETag": f"W/{tag}"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(content.packed if packed else content.body, headers=headers, media_type=kind)


def _page(service: Service, ready: Ready, language: Language) -> Packed:
    page = board_pages.board_page(ready.board, ready.tag, language, service.settings.public_url, None)
    return ready.pages.setdefault(language, Packed(page.encode()))


def _own(service: Service, ready: Ready, reader: Principal, kind: str, language: Language) -> Response:
    """With what is about to lapse, for who has a say in the place."""
    now = datetime.now(UTC)
    with reading(service.engine) as snapshot:
        found: list[Shown] | None = expiring(snapshot, ready.plan.sites, now, reader)
    headers = _headers(kind, language) | {"Cache-Control": "private, no-store"}
    if kind == JSON:
        body = msgspec.json.encode({**ready.board.json(), "expiring": found})
        return Response(body, headers=headers, media_type=kind)
    page = board_pages.board_page(ready.board, ready.tag, language, service.settings.public_url, found)
    return Response(page, headers=headers, media_type=kind)


def _headers(kind: str, language: Language) -> dict[str, str]:
    if kind == JSON:
        return {"Vary": VARY}
    spoken = tag_of(language)
    return {"Vary": VARY, "Content-Language": spoken, "Content-Security-Policy": board_pages.POLICY}


# --- events ---

_STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy that collects them tells them too late
_AGAIN = b"retry: 3000\n\n"


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()


def _too_many(request: Request) -> Response:
    detail = (
        "打开的看板已达上限，页面会改为定时刷新 · "
        "As many boards are open as this service serves: load the page every half minute instead"
    )
    body = problem(503, "too-many-screens", detail, instance=quote(request.url.path))
    return respond(body, request.headers.get("accept"), {"Retry-After": "30"})


class _Stream(Response):
    """Tells one screen of every change until it goes or the service stops. It holds one tag, however fast they come and
    however slowly the screen listens."""

    def __init__(self, boards: Boards, code: codes.Code, request: Request) -> None:
        super().__init__(headers=_STREAM, media_type="text/event-stream")
        del self.headers["content-length"]
        self._boards = boards
        self._code = code
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            watch = self._boards.watch(self._code)
        except TooManyScreens:
            await _too_many(self._request)(scope, receive, send)
            return
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _say(send, _AGAIN)
            said: str | None = None
            while not gone.done() and not self._boards.closed:
                if watch.tag is not None and watch.tag != said:
                    said = watch.tag
                    await _say(send, _event("board", said))
                    continue
                told = asyncio.create_task(watch.told.wait())
                done, _ = await asyncio.wait((gone, told), timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
                if not done:
                    await _say(send, _event("beat", ""))
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._boards.leave(self._code, watch)


async def _say(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
