"""/epcis itself: which resources there are."""

from fastapi import Request, Response

from app.domain.epcis.exceptions import ImplementationException
from app.web.auth import PrincipalDep
from app.web.epcis import ground

router = ground.router()

MEMBERS = (
    "queries", "capture", "events", "eventTypes", "epcs", "readPoints", "bizLocations", "dispositions", "bizSteps",
)  # fmt: skip


# The standard's own path of it is "/", below whatever the repository's address is.
@router.get("/", include_in_schema=False)
@router.get("", summary="The resources of the repository", response_class=Response)
async def get_root(request: Request, _: PrincipalDep) -> Response:
    """A collection of names; each is a path below this one."""
    return ground.collection(request, MEMBERS)


for path in ("", "/"):
    ground.discover(router, path, shown=not path)


@router.delete("/nextPageToken/{token}", status_code=501, summary="Page tokens cannot be taken back")
async def delete_page_token(token: str, _: PrincipalDep) -> Response:
    """A token holds its own place and expires by itself; nothing is kept of it here that could be deleted."""
    raise ImplementationException(
        "翻页令牌到期自动失效，不能提前作废 · A page token expires by itself and cannot be invalidated before"
    )
