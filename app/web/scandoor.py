"""`GET /c/{code}` at memory speed: the public answer to a code, in plain ASGI before everything else.

An answer is rendered once per code, representation and language and kept, compressed as well, until the change feed
names something that it was made from, or a day begins somewhere. A hit takes no statement and no thread; how often the
code was scanned is told as of up to a minute ago.
Receipts are the business of `ReceiptScans`. Whatever is not answered here (a key, a login, a mistyped or unknown code,
another query) falls through to the route.
"""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app import scanning
from app.domain import codes
from app.domain.codes import CodeKind, MistypedCode
from app.domain.errors import Malformed, NotFound, TooMany
from app.store.dependencies import depends_on
from app.store.engine import reading
from app.store.errors import QueueFull, StoreUnavailable
from app.web.cookies import SESSION
from app.web.counts import FRESH
from app.web.forms import Filled
from app.web.i18n import CATALOGUES, Language, choose
from app.web.kept import Kept
from app.web.limits import Limits
from app.web.memo import Made
from app.web.middleware import Edge
from app.web.negotiation import accepts_gzip, preferred, unchanged
from app.web.representations import HTML, KINDS, Key, next_quarter, own_headers, render
from app.web.service import Service
from app.web.together import Together

ROUTE = "/c/{code}"
_SESSION = SESSION.encode()
MEMO = 50_000  # spellings of codes, and header combinations, remembered


class Variant(NamedTuple):
    """What a request asks for, of one code."""

    kind: str
    language: Language
    gzip: bool


class ScanDoor:
    """Answers hot scans; everything else goes on to the application behind it."""

    def __init__(self, app: ASGIApp, service: Service, edge: Edge) -> None:
        self._app = app
        self._service = service
        self._edge = edge
        self._memo = service.scans
        self._counts = service.counts
        self._receipts = service.receipts
        self._limits = Limits(service.settings.address_scans_per_minute)
        self._most = service.settings.code_scans_per_second
        self._refusals = Edge(
            _refuse, service.metrics, service.settings.public_url, service.settings.body_timeout_seconds
        )
        self._codes: dict[str, str] = {}
        self._variants: dict[tuple[bytes, bytes, bytes, bytes], Variant | None] = {}
        self._together: Together[Key, Kept | None] = Together()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"][:3] in ("/c/", "/C/") and scope["method"] in ("GET", "HEAD"):
            started = time.perf_counter()
            client = scope["client"]
            wait = self._limits.wait(client[0], started) if client else 0
            code = self._code(scope["path"])
            if code is not None and not wait:
                text = code if isinstance(code, str) else code.text
                wait = int(self._counts.lately(text) >= self._most)  # of a second
            if wait:
                await self._refuse(scope, receive, send, _too_often(wait))
                return
            if code is not None:
                accept = language = encoding = given = b""
                known = None
                for name, value in scope["headers"]:
                    if name == b"accept":
                        accept = value
                    elif name == b"accept-language":
                        language = value
                    elif name == b"accept-encoding":
                        encoding = value
                    elif name == b"if-none-match":
                        known = value
                    elif name == b"x-request-id":
                        given = value
                    elif name == b"authorization" or (name == b"cookie" and _SESSION in value):
                        break
                else:
                    variant = self._variant(accept, language, encoding, scope["query_string"])
                    if variant is not None:
                        counts = scope["method"] == "GET"
                        found: Kept | Filled | None
                        try:
                            if isinstance(code, codes.Code):
                                receipt = code.kind is CodeKind.RECEIPT
                                found = await self._receipts.find(code, *variant) if receipt else None
                                if found is not None and counts:
                                    self._counts.count(code.text)
                            else:
                                found = await self._page(code, variant, started, counts)
                        except QueueFull as error:
                            await self._refuse(scope, receive, send, error)
                            return
                        if found is not None:
                            status = await self._send(scope, send, found, variant[2], known, given)
                            self._service.metrics.request(scope["method"], ROUTE, status, time.perf_counter() - started)
                            return
        await self._app(scope, receive, send)
        # The route says so of what it has answered.
        if (scanned := scope.get("onecode.scanned")) is not None:
            self._counts.note(scanned)
        elif (forged := scope.get("onecode.forged")) is not None:
            self._counts.forged(forged)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, why: Exception) -> None:
        scope["onecode.refusal"] = why
        await self._refusals(scope, receive, send)

    async def _page(self, code: str, variant: Variant, started: float, counts: bool) -> Kept | None:
        key = code, variant[0], variant[1]
        found = self._memo.get(key, datetime.now(UTC)) or await self._fill(key)
        if found is not None:
            if counts:
                self._counts.count(code)
            if started - found.counted_at >= FRESH:
                await self._count_again(found, code)
        return found

    async def _count_again(self, found: Kept, code: str) -> None:
        """Tells the count of now. Of what cannot be read the count of before is told."""
        try:
            scans = self._counts.heard(code) or await self._counts.read(code)
        except StoreUnavailable:
            return
        found.count(scans, time.perf_counter())

    async def _send(
        self, scope: Scope, send: Send, found: Kept | Filled, compressed: bool, known: bytes | None, given: bytes
    ) -> int:
        headers, body = (found.gzip_headers, found.gzip_body) if compressed else (found.headers, found.body)
        status = 200
        if known is not None:
            wanted = known.decode("latin-1")
            if unchanged(wanted, found.tag) or unchanged(wanted, found.gzip_tag):
                status, body = 304, b""
                headers = [header for header in headers if header[0] not in _OF_THE_BODY]
        if scope["method"] == "HEAD":
            body = b""
        await send({
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"x-request-id", self._edge.request_id(given))],
        })  # fmt: skip
        await send({"type": "http.response.body", "body": body})
        return status

    def _code(self, path: str) -> str | codes.Code | None:
        """The canonical code in a path, that of a receipt or unit parsed; None where it is none."""
        known = self._codes.get(path)
        if known is not None:
            return known
        try:
            parsed = codes.parse(path[3:])
        except MistypedCode:
            return None
        if parsed.kind in (CodeKind.RECEIPT, CodeKind.UNIT):
            return parsed
        if len(self._codes) >= MEMO:
            self._codes.clear()
        self._codes[path] = parsed.text
        return parsed.text

    def _variant(self, accept: bytes, language: bytes, encoding: bytes, query: bytes) -> Variant | None:
        key = accept, language, encoding, query
        try:
            return self._variants[key]
        except KeyError:
            pass
        # Whatever else a Digital Link passed on is nothing to the page.
        said = [part for part in query.decode("latin-1").split("&") if part.startswith("lang=")]
        asked = said[0].removeprefix("lang=") if said else ""
        variant = None
        if not said or (len(said) == 1 and asked in CATALOGUES):  # others are the route's to judge
            chosen = choose(asked or None, language.decode("latin-1"))
            kind = preferred(accept.decode("latin-1"), KINDS)
            variant = Variant(kind, chosen, accepts_gzip(encoding.decode("latin-1")))
        if len(self._variants) >= MEMO:
            self._variants.clear()
        if sum(map(len, key)) <= 2_000:
            self._variants[key] = variant
        return variant

    async def _fill(self, key: Key) -> Kept | None:
        """None where the answer is not to be kept. Raises QueueFull."""
        try:
            made = await self._together.get(key, lambda: self._memo.make(key, lambda: self._make(key)))
            if made is not None:
                self._counts.learn(key[0], made.written)
            return made
        except QueueFull:
            raise
        except (Malformed, NotFound, StoreUnavailable):
            return None  # the route says what is wrong

    def _make(self, key: Key) -> Made[Kept | None]:
        code, kind, language = key
        now = datetime.now(UTC)
        with reading(self._service.engine) as snapshot, depends_on(snapshot) as names:
            answer = scanning.scan(snapshot, code, now, None, self._service.master)
        if answer.status == "pending":  # it may arrive at any moment
            return Made(None, frozenset(), 0, now)
        rendering = render(answer, kind, language, now, self._service.settings.public_url)
        kept = Kept(rendering, own_headers(kind, language), self._edge.complete, answer.written, plain=kind != HTML)
        return Made(kept, frozenset(names), kept.size, next_quarter(now), now)


async def _refuse(scope: Scope, _receive: Receive, _send: Send) -> None:
    scope["onecode.route"] = ROUTE
    raise scope["onecode.refusal"]


def _too_often(wait: int) -> TooMany:
    told = "扫码过于频繁，请稍后再试 · Too many scans: wait as Retry-After says"
    return TooMany("too-many-scans", told, retry_after=wait)


_OF_THE_BODY = (b"content-length", b"content-type", b"content-encoding")
