"""/epcis/queries: named queries, each its owner's own."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Body, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.domain.epcis.exceptions import QueryValidationException
from app.domain.epcis.standing import NamedQuery
from app.exchanging import to_json
from app.exchanging.querying import Cursor
from app.exchanging.subscribing import (
    DeleteQuery,
    MakeQuery,
    delete_queries,
    find_query,
    list_queries,
    make_queries,
    read_query,
)
from app.store.engine import reading
from app.web.auth import PrincipalDep, principal
from app.web.bodies import require_json
from app.web.epcis import ground
from app.web.epcis.answering import PageToken, next_of
from app.web.epcis.tokens import Tokens
from app.web.service import ServiceDep

router = ground.router()

Definition = Annotated[
    dict[str, Any],
    Body(
        description="`name`, and `query` in the standard's query language (query-schema.json)",
        examples=[{"name": "received", "query": {"eventType": ["ObjectEvent"], "EQ_bizStep": ["receiving"]}}],
    ),
]
PerPage = Annotated[int, Query(alias="perPage", ge=1, le=1_000, description="items in one answer")]


def told(row: NamedQuery) -> dict[str, Any]:
    return {"name": row.name, "query": row.query}


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, media_type=ground.JSON)


@router.get("/queries", summary="The named queries of this key's owner", response_class=Response)
def get_queries(
    request: Request, service: ServiceDep, principal: PrincipalDep, per_page: PerPage = 30, token: PageToken = None
) -> Response:
    """In the order of their names; `Link` leads to the next page."""
    now = datetime.now(UTC)
    tokens = Tokens.of(service.master, principal, f"{ground.PREFIX}/queries", ())
    after = "" if token is None else str(tokens.read(token, now).place[0])
    rows = list_queries(service.engine, principal, after, per_page + 1)
    cursor = Cursor((rows[per_page - 1].name,)) if len(rows) > per_page else None
    return json_answer([told(row) for row in rows[:per_page]], headers=next_of(request, tokens, cursor, now))


@router.post(
    "/queries",
    status_code=201,
    summary="Name a query",
    response_class=Response,
    dependencies=[Depends(principal), Depends(require_json)],
)
async def post_query(body: Definition, service: ServiceDep, principal: PrincipalDep) -> Response:
    """A name is used once by each owner. The query is then at `…/queries/{query}/events`, and can be subscribed to."""
    unknown = next((key for key in body if key not in ("name", "query")), None)
    if unknown is not None:
        raise QueryValidationException(
            "只能有 name 和 query · There are `name` and `query` and nothing else", pointer=f"/{unknown[:40]}"
        )
    name, _ = await run_in_threadpool(read_query, body.get("name"), body.get("query"))
    row = await service.writer.write(make_queries, MakeQuery(principal, name, body["query"]))
    return json_answer(told(row), 201, {"Location": path_of(name)})


def path_of(name: str) -> str:
    return f"{ground.PREFIX}/queries/{quote(name, safe='')}"


@router.get("/queries/{query}", summary="A named query", response_class=Response)
def get_query(query: str, service: ServiceDep, principal: PrincipalDep) -> Response:
    with reading(service.engine) as snapshot:
        return json_answer(told(find_query(snapshot, principal, query)))


@router.delete("/queries/{query}", status_code=204, summary="Delete a named query, and end its subscriptions")
async def delete_query(query: str, service: ServiceDep, principal: PrincipalDep) -> None:
    await service.writer.write(delete_queries, DeleteQuery(principal, query))


ground.discover(router, "/queries")
ground.discover(router, "/queries/{query}")
