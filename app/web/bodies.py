"""Reading bodies: bounded in size, depth and memory, and only what can be stored."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, NamedTuple

import msgspec
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.domain.errors import Invalid, Malformed, TooLarge, UnsupportedType
from app.web import service
from app.web.unpacking import unpacked

MAX_LINE = 1_000_000
SLICE_BYTES = 500_000
MAX_DEPTH = 32
NDJSON = "application/x-ndjson"


def media_type_of(request: Request) -> str:
    """The media type of the body, without parameters, in lower case; empty where none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def stream_of(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces, behind its content encoding: see `unpacked` for what it raises; and ClientDisconnect."""
    encoding = _encoding_of(request)
    return request.stream() if encoding == "identity" else unpacked(request.stream(), encoding)


def _encoding_of(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower()


def refuse_encoding(request: Request) -> None:
    """For bodies that are files: those that shrink are compressed already."""
    encoding = _encoding_of(request)
    if encoding != "identity":
        raise UnsupportedType(
            "unsupported-type",
            f"不接受 Content-Encoding: {encoding[:40]}，请发送未压缩的内容 · "
            f"Content-Encoding {encoding[:40]} is not taken: send it uncompressed",
        )


def is_ndjson(request: Request) -> bool:
    return media_type_of(request) == NDJSON


def require_ndjson(request: Request) -> None:
    if not is_ndjson(request):
        raise UnsupportedType("unsupported-type", f"请以 Content-Type: {NDJSON} 发送 · Send it as {NDJSON}")


def require_json(request: Request) -> None:
    media_type = media_type_of(request)
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedType(
            "unsupported-type", "请以 Content-Type: application/json 发送 · Send it as application/json"
        )


def too_large(limit: int) -> TooLarge:
    return TooLarge(
        "too-large",
        f"内容超过 {limit} 字节，请分成几份发送，或使用 NDJSON · "
        f"More than {limit} bytes: send it in several pieces, or as NDJSON",
    )


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body of at most `limit` bytes, unpacked. Raises TooLarge, ClientDisconnect, and as `stream_of`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream_of(request):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def parse_json(raw: bytes) -> Any:
    """A JSON value that can be stored. Raises Malformed for broken JSON; Invalid for NULs, lone surrogates and for more
    than MAX_DEPTH levels."""
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if "surrogate" in str(error) or _has_lone_surrogate(raw):
            raise Invalid("bad-text", _BAD_TEXT, pointer="") from None
        raise Malformed("bad-json", f"JSON 有误：{error} · Broken JSON: {error}") from None
    if b"\\u0000" in raw or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _inspect(value)
    return value


_BAD_TEXT = "文本含空字符或不成对的代理项，请去掉 · The text has a NUL or a lone surrogate: remove it"


def _too_deep() -> Invalid:
    return Invalid("too-deep", f"嵌套超过 {MAX_DEPTH} 层 · Nested more than {MAX_DEPTH} levels deep", pointer="")


def _has_lone_surrogate(raw: bytes) -> bool:
    """Whether that is all that is wrong: at the end of a text msgspec calls it cut off."""
    if not re.search(rb"\\u[dD][89abAB]", raw):
        return False
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def _inspect(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and "\0" in item:
                raise Invalid("bad-text", _BAD_TEXT, pointer="")
        if not below:
            return
        level = below
    raise _too_deep()


class JsonRequest(Request):
    """A request whose body is read within bounds and parsed strictly, once."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self, service.of(self).settings.max_body_bytes)
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class JsonRoute(APIRoute):
    """A route whose JSON body is read by JsonRequest; use it as `route_class` of every router that takes JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.body_field is None or "json" not in str(getattr(self.body_field.field_info, "media_type", "")):
            return handler

        async def bounded(request: Request) -> Response:
            reading = JsonRequest(request.scope, request.receive)
            # Here and not in FastAPI's own reading, which turns every exception into one and the same 400.
            if await reading.body():
                require_json(reading)
                await reading.json()
            return await handler(reading)

        return bounded


class Line(NamedTuple):
    """One line of NDJSON; `raw` is None for one that is longer than MAX_LINE, whose bytes are not kept."""

    number: int  # from 1
    raw: bytes | None


async def ndjson_lines(request: Request) -> AsyncIterator[Line]:
    """The lines of the body, blank ones left out, at most one of them in memory.

    Raises as `stream_of`; where the body is cut off or broken, after the last whole line.
    """
    cutter = _Cutter()
    async for chunk in stream_of(request):
        for line in cutter.feed(chunk):
            yield line
    for line in cutter.feed(b"\n"):
        yield line


class _Cutter:
    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        # Split at once: a chunk may be nothing but line ends, tens of thousands of them.
        *pieces, rest = chunk.split(b"\n")
        for piece in pieces:
            self._keep(piece)
            self._number += 1
            raw = None if self._size > MAX_LINE else b"".join(self._rest).strip()
            self._rest, self._size = [], 0
            if raw != b"":
                yield Line(self._number, raw)
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_LINE:
            self._rest.clear()
        elif piece:
            self._rest.append(piece)


async def in_slices(lines: AsyncIterator[Line], size: int) -> AsyncIterator[list[Line]]:
    """The lines in lists of at most `size` of them and about SLICE_BYTES; others are served between two lists."""
    batch: list[Line] = []
    kept = 0
    async for line in lines:
        batch.append(line)
        kept += len(line.raw or b"")
        if len(batch) == size or kept >= SLICE_BYTES:
            yield batch
            batch, kept = [], 0
            await asyncio.sleep(0)
    if batch:
        yield batch
