"""Keys: `Authorization: Bearer ock_<id>_<secret>`. SHA-256 is stored; what a key may do is cached in the process and
forgotten through the change feed, so that a lock works within a second on every process."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.domain.rights import Principal
from app.web import service
from app.web.keycache import KeyCache, unknown_key

bearer = HTTPBearer(auto_error=False, description="`ock_<id>_<secret>`, shown once when the key is made")


async def optional_principal(request: Request, _: Annotated[object, Depends(bearer)] = None) -> Principal | None:
    """Who asks, or None without a key. A key that is wrong, revoked or locked is refused all the same."""
    header = request.headers.get("authorization")
    return None if header is None else await authenticate(service.of(request).keys, header)


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
