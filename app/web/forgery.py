"""Against requests that another site makes a browser send (CSRF): a token bound to the session in each form or header,
and the Origin that browsers say."""

import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request

from app.domain.errors import Forbidden
from app.web import service

HEADER = "x-csrf-token"


def token_of(session_token: str) -> str:
    """What the forms of a session carry; whoever has the one cookie can compute it, and nobody else."""
    return hmac.digest(session_token.encode(), b"onecode form", sha256).hex()


def require(request: Request, bound_to: str | None, given: str | None) -> None:
    """Raises Forbidden forged-form unless the request is of our own pages and carries what is bound to the session."""
    right = bound_to and given and hmac.compare_digest(given.encode(), token_of(bound_to).encode())
    if not right or not _ours(request):
        raise Forbidden(
            "forged-form",
            "页面已过期或请求来自其他网站，请刷新页面后重试 · "
            "The page is too old, or another site sent this: load the page again and try once more",
        )


def _ours(request: Request) -> bool:
    """False where the browser says that another site asks."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True  # no browser of today leaves it out of a POST; the token is what decides
    ours = {request.headers.get("host", ""), urlsplit(service.of(request).settings.public_url).netloc}
    return urlsplit(origin).netloc in ours
