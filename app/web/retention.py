"""GET /api/v1/retention: by which rules records are kept, and how far thinning has come."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from app import retaining
from app.domain.errors import Forbidden
from app.domain.rights import Role
from app.web.auth import PrincipalDep
from app.web.schemas import Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/retention", tags=["oversight"])


class RuleTold(Told):
    category: str
    months: int
    after: str = Field(description="last | expiry | no_expiry")
    source: str


class RetentionTold(Told):
    """Of the run that is on, or was last: `looked` of `all` custodies, rows taken away by table, the archive."""

    rules: list[RuleTold]
    state: str = Field(description="idle | running | cancelled")
    resumable: bool = Field(description="a run was cut off: the next goes on with it")
    started_at: datetime | None
    finished_at: datetime | None
    looked: int
    all: int
    rows: dict[str, int]
    entangled: int
    files: int = Field(description="of papers, taken away")
    erased: int
    archive: str | None


@router.get("", summary="By which rules records are kept, and how far thinning has come")
def get_retention(service: ServiceDep, principal: PrincipalDep) -> RetentionTold:
    """留存 · `onecode retention run` archives and thins; this is the operator's to read."""
    if principal.role is not Role.ADMIN:
        raise Forbidden("forbidden", "由运营方查看 · This is for the operator to read")
    task = retaining.state(service.engine)
    counts: dict[str, Any] = dict.fromkeys(("looked", "all", "entangled", "files", "erased"), 0)
    counts |= {"rows": {}, "archive": None}
    return RetentionTold(
        rules=[RuleTold(**asdict(rule)) for rule in service.keeping],
        state=task.state,
        resumable=task.place is not None and task.state != "running",
        started_at=task.started_at,
        finished_at=task.finished_at,
        **{name: task.counts.get(name, none) for name, none in counts.items()},
    )
