"""Our cookies. Over https each is `__Host-`: of this host alone, and of nobody who speaks for a part of its domain."""

import hmac
import secrets
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from app.settings import Settings
from app.web import service

SESSION: Final = "onecode-session"
FORM: Final = "onecode-form"  # what the form of the login is bound to
BROWSER: Final = "onecode-browser"  # a person has logged in from here before
OIDC: Final = "onecode-oidc"  # a login at the issuer that is under way
LANGUAGE: Final = "onecode-lang"
YEAR: Final = 365 * 86_400


def _secure(settings: Settings) -> bool:
    return urlsplit(settings.public_url).scheme == "https"


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _secure(service.of(request).settings) else name


def read(request: Request, name: str) -> str | None:
    """The cookie's value, or None."""
    return request.cookies.get(_name(request, name)) or None


def put(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Keeps a cookie: no script reads it, and no other site sends it but by a link. `seconds`: until the browser is
    closed where left out."""
    response.set_cookie(
        _name(request, name), value, max_age=seconds, path="/", secure=_secure(service.of(request).settings),
        httponly=True, samesite="lax",
    )  # fmt: skip


def drop(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _name(request, name), path="/", secure=_secure(service.of(request).settings), httponly=True, samesite="lax"
    )


def signed(master: bytes, purpose: str, value: str) -> str:
    """The value with a MAC that says what it was made for."""
    return f"{value}.{_mac(master, purpose, value)}"


def unsigned(master: bytes, purpose: str, text: str | None) -> str | None:
    """The value of what `signed` made for this purpose, or None."""
    value, _, mac = (text or "").rpartition(".")
    return value if value and hmac.compare_digest(mac.encode(), _mac(master, purpose, value).encode()) else None


def _mac(master: bytes, purpose: str, value: str) -> str:
    return hmac.digest(master, f"onecode {purpose}\0{value}".encode(), sha256).hex()


def fresh() -> str:
    """Something that nobody guesses."""
    return secrets.token_urlsafe(24)
