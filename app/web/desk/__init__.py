"""`/desk`: the pages for persons with a login. Server-rendered, without a script; whatever they do can be done over the
API as well."""

from fastapi import APIRouter

from app.web.desk import (
    account,
    audit,
    cases,
    deliveries,
    findings,
    login,
    oidc,
    oversight,
    overview,
    persons,
    queues,
    recalls,
    tracing,
)

router = APIRouter(include_in_schema=False)
for part in (
    login,
    oidc,
    overview,
    deliveries,
    queues,
    recalls,
    tracing,
    cases,
    oversight,
    findings,
    audit,
    persons,
    account,
):
    router.include_router(part.router, prefix="/desk")
