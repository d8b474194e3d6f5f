"""`/desk`: the pages for persons with a login. Server-rendered, without a script; whatever they do can be done over the
API as well."""

from fastapi import APIRouter

from app.web.desk import account, login, oidc

router = APIRouter(prefix="/desk", include_in_schema=False)
for part in (login, oidc, account):
    router.include_router(part.router)
