"""Keys: `Authorization: Bearer ock_<id>_<secret>`; and persons, by the cookie of their session. SHA-256 is stored of
either; what they may do is cached in the process and forgotten through the change feed, so that a lock works within a
second on every process."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.domain.rights import Principal
from app.enrolling.sessions import Known
from app.web import cookies, forgery, service
from app.web.keycache import KeyCache, unknown_key

SAFE = ("GET", "HEAD", "OPTIONS")

bearer = HTTPBearer(auto_error=False, description="`ock_<id>_<secret>`, shown once when the key is made")


async def optional_principal(request: Request, _: Annotated[object, Depends(bearer)] = None) -> Principal | None:
    """Who asks, or None without a key and without a session. A key that is wrong, revoked or locked is refused all the
    same; a session that has ended is none. Raises Forbidden forged-form for a write by cookie without its token."""
    header = request.headers.get("authorization")
    if header is not None:
        return await authenticate(service.of(request).keys, header)
    token, known = await session_of(request)
    if known is None or known.session.stage != "full":
        return None
    if request.method not in SAFE:
        forgery.require(request, token, request.headers.get(forgery.HEADER))
    return known.principal


async def session_of(request: Request) -> tuple[str, Known | None]:
    """The token of the cookie ("" without one), and the session that it opens."""
    token = cookies.read(request, cookies.SESSION)
    return (token, await service.of(request).sessions.admit(token)) if token else ("", None)


async def authenticate(keys: KeyCache, header: str) -> Principal:
    """The principal of an Authorization header; the way for paths outside of FastAPI.

    Raises Unauthenticated, Forbidden, StoreUnavailable."""
    key_id, digest = keys.check(header)
    credential = keys.cached(key_id)
    if credential is None:
        credential = await run_in_threadpool(keys.load, key_id)
    return keys.admit(credential, digest)


async def principal(found: Annotated[Principal | None, Depends(optional_principal)]) -> Principal:
    """Who asks. Raises Unauthenticated without a key."""
    if found is None:
        raise unknown_key()
    return found


PrincipalDep = Annotated[Principal, Depends(principal)]
OptionalPrincipalDep = Annotated[Principal | None, Depends(optional_principal)]
