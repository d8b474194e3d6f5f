"""/epcis itself: which resources there are."""

from fastapi import Request, Response

from app.web.auth import PrincipalDep
from app.web.epcis import ground

router = ground.router()

MEMBERS = (
    "queries", "capture", "events", "eventTypes", "epcs", "readPoints", "bizLocations", "dispositions", "bizSteps",
)  # fmt: skip


@router.get("", summary="The resources of the repository", response_class=Response)
async def get_root(request: Request, _: PrincipalDep) -> Response:
    """A collection of names; each is a path below this one."""
    return ground.collection(request, MEMBERS)


ground.discover(router, "", "GET")
