"""GS1 Digital Links at the root of the service, `/01/…`, `/414/…` and their like, in plain ASGI before everything else.

An answer is kept by path, query, host and what the client likes, until the change feed names something that it was
made from. A lot that was never asked for costs one read, which it shares with all that are asked for in the same tick:
its product is known, and where nobody has published links for it, all that is left to find is its code, which goes into
a form. Everything else is resolved in a thread. What is unknown is not kept: it may come.
"""

import time
from datetime import UTC, datetime

from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.digital_link_requests import STEPS, Addresses, could_be
from app.domain.errors import NotFound, Refusal, TooMany
from app.domain.links import WHOLE
from app.store.errors import StoreUnavailable
from app.web.limits import Limits
from app.web.memo import Made
from app.web.middleware import Edge
from app.web.resolver_answers import Answered, Question, answer, asked_of, options, refusal
from app.web.resolver_forms import printed
from app.web.resolver_known import BELIEVED, ENTRY, Key
from app.web.service import Service

ROUTE = "/{ai}/{value}"
ONCE = 100_000  # questions that are remembered to have been asked


class ResolverDoor:
    """Answers Digital Links; everything else goes on to the application behind it."""

    def __init__(self, app: ASGIApp, service: Service, edge: Edge) -> None:
        self._app = app
        self._service = service
        self._resolver = service.resolver
        self._edge = edge
        self._limits = Limits(service.settings.address_scans_per_minute)
        self._asked: set[int] = set()
        settings = service.settings
        self._guarded = Edge(self._answer, service.metrics, settings.public_url, settings.body_timeout_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not could_be(scope["path"]):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        client = scope["client"]
        scope["onecode.wait"] = self._limits.wait(client[0], started) if client else 0
        if scope["method"] in ("GET", "HEAD") and not scope["onecode.wait"]:
            accept = language = given = host = b""
            for name, value in scope["headers"]:
                if name == b"accept":
                    accept = accept + b"," + value if accept else value  # lines of one header are one list
                elif name == b"accept-language":
                    language = language + b"," + value if language else value
                elif name == b"host":
                    host = value
                elif name == b"x-request-id":
                    given = value
            key = scope["raw_path"], scope["query_string"], accept, language, host
            scope["onecode.key"] = key
            found = self._resolver.answers.get(key, datetime.now(UTC))
            if found is None:
                again = scope["onecode.again"] = self._again(key)
                if not again and (lot := printed(*key[:3])) is not None:
                    found = await self._resolver.redirect(*lot)
            if found is not None:
                headers = [*found.headers, (b"x-request-id", self._edge.request_id(given))]
                await _send(scope, send, found, headers)
                self._service.metrics.request(scope["method"], ROUTE, found.status, time.perf_counter() - started)
                return
        await self._guarded(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is not kept."""
        _, _, accept, language, _ = scope.setdefault("onecode.key", (b"", b"", b"", b"", b""))
        scope["onecode.route"] = ROUTE
        try:
            if scope["method"] == "OPTIONS":
                told = options(scope["headers"])  # whatever is asked: a browser shows no refusal without
            else:
                question = asked_of(scope["raw_path"], scope["query_string"], accept, language)
                if scope["onecode.wait"]:
                    raise _too_often(scope["onecode.wait"])
                told = await self._found(question, scope)
        except (Refusal, StoreUnavailable) as error:
            told = refusal(error, scope["path"], accept)
        await _tell(scope, send, told)

    async def _found(self, question: Question, scope: Scope) -> Answered:
        if not scope.get("onecode.again"):
            return (await self._told(question, scope))[0]
        key: Key = scope["onecode.key"]
        with self._resolver.answers.making() as made:
            now = datetime.now(UTC)
            told, names = await self._told(question, scope)
            if names is not None and told.status in (200, 300, 307):
                kept = told._replace(headers=self._edge.complete(told.headers))
                size = ENTRY + sum(map(len, key)) + len(told.body) + sum(len(n) + len(v) for n, v in told.headers)
                made[key] = Made(kept, names, size, now + BELIEVED, now)
        return told

    async def _told(self, question: Question, scope: Scope) -> tuple[Answered, frozenset[str] | None]:
        """And what the feed calls all that it was made from; None where it is not to be kept."""
        found = await self._resolver.find(question)
        told = answer(question, found.resolution, self._resolver.root, scope["method"], found.lots)
        return told, None if await self._goes_on(question, told, scope) else found.names

    async def _goes_on(self, question: Question, told: Answered, scope: Scope) -> bool:
        """Whether a redirect leads to another Digital Link of ours, and so on to an end. Raises NotFound where there is
        none."""
        *_, accept, language, host = scope["onecode.key"]
        addresses = Addresses(self._resolver.root, host.decode("latin-1"))
        met = {question.step}
        while (target := addresses.target(told.location)) is not None:
            try:
                question = asked_of(target[0].encode(), target[1].encode(), accept, language)
                if question.link_type in WHOLE:
                    break
                found = await self._resolver.find(question)
                told = answer(question, found.resolution, self._resolver.root, scope["method"], found.lots)
            except Refusal:
                return True
            if question.step in met or len(met) >= STEPS:
                raise NotFound(
                    "circular-link",
                    "此链接又回到自身，可用 linkType=all 查看全部 · The link leads back to itself: linkType=all lists "
                    "all that there are",
                )
            met.add(question.step)
        return len(met) > 1

    def _again(self, key: Key) -> bool:
        """Whether the same was asked for lately: what is asked for once is not worth keeping."""
        mark = hash(key)
        if mark in self._asked:
            return True
        if len(self._asked) >= ONCE:
            self._asked.clear()
        self._asked.add(mark)
        return False


async def _tell(scope: Scope, send: Send, told: Answered) -> None:
    await _send(scope, send, told, list(told.headers))


async def _send(scope: Scope, send: Send, told: Answered, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else told.body})


def _too_often(wait: int) -> TooMany:
    told = "查询过于频繁，请稍后再试 · Too many look-ups: wait as Retry-After says"
    return TooMany("too-many-scans", told, retry_after=wait)
