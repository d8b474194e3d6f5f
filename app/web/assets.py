"""`/static/{name}`: the scripts of the screens, kept by browsers until their content changes."""

from hashlib import blake2b
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.domain.errors import NotFound
from app.web.negotiation import unchanged

router = APIRouter(tags=["public"])

_PLACE = Path(__file__).parent / "static"
FILES = {path.name: path.read_bytes() for path in sorted(_PLACE.glob("*.js"))}


def version(*contents: bytes) -> str:
    """Names the contents together."""
    return blake2b(b"\0".join(contents), digest_size=8).hexdigest()


_VERSIONS = {name: version(content) for name, content in FILES.items()}


def address(name: str) -> str:
    """Where a page loads a file from; another content is at another address."""
    return f"/static/{name}?v={_VERSIONS[name]}"


@router.get(
    "/static/{name}",
    summary="看板与查询机的脚本 · the scripts of boards and kiosks",
    response_class=Response,
    responses={200: {"description": "The script", "content": {"text/javascript": {}}}},
)
async def asset(
    name: str, request: Request, v: Annotated[str | None, Query(description="its version", max_length=40)] = None
) -> Response:
    """Under its version it may be kept for ever; without, it is asked for each time."""
    content = FILES.get(name)
    if content is None:
        raise NotFound("not-found", "没有这个文件 · There is no such file")
    tag = f'"{_VERSIONS[name]}"'
    kept = "public, max-age=31536000, immutable" if v == _VERSIONS[name] else "public, no-cache"
    headers = {"ETag": tag, "Cache-Control": kept}
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/javascript")
