"""What the desk shows and does goes through the API, in this process and in the name of the person: the same rights,
checks and log of looks, and nothing here that a program could not do."""

from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.store import master
from app.store.engine import reading
from app.web import service
from app.web.desk.rendering import page
from app.web.desk.visits import Visit
from app.web.forgery import HEADER

API = "/api/v1"


class Refused(Exception):
    """What the API answered instead: its problem."""

    def __init__(self, visit: Visit, status: int, problem: dict[str, Any], wait: str | None) -> None:
        super().__init__(problem.get("type"))
        self.visit = visit
        self.status = status
        self.problem = problem
        self.wait = wait


class Api:
    """The API as the person of a visit sees it."""

    def __init__(self, request: Request, visit: Visit) -> None:
        self._request = request
        self._visit = visit

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of `path` below /api/v1; what is None or empty is not asked for. Raises Refused."""
        given = {name.rstrip("_"): value for name, value in query.items() if value not in (None, "")}
        return await self._ask("GET", path, params=given)

    async def send(self, method: str, path: str, body: Any) -> Any:
        """Posts or patches. Raises Refused."""
        return await self._ask(method, path, json=body)

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        request = self._request
        client = (request.client.host, request.client.port) if request.client is not None else ("", 0)
        transport = httpx.ASGITransport(app=request.app, client=client)
        headers = {
            "Accept": "application/json",
            "Cookie": request.headers.get("cookie", ""),
            HEADER: self._visit.csrf,
        }
        base = service.of(request).settings.public_url
        async with httpx.AsyncClient(transport=transport, base_url=base, trust_env=False, headers=headers) as http:
            answer = await http.request(method, f"{base}{API}{path}", **options)
        if answer.status_code >= 400:
            raise Refused(self._visit, answer.status_code, answer.json(), answer.headers.get("retry-after"))
        return answer.json()


def install(app: FastAPI) -> None:
    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        response = page(
            request,
            "desk_refused.html",
            error.visit,
            status=error.status,
            problem=error.problem,
            faults=[fault["detail"] for fault in error.problem.get("errors", ())],
        )
        if error.wait is not None:
            response.headers["Retry-After"] = error.wait
        return response

    app.add_exception_handler(Refused, told)


async def named(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The sites, parties and products that rows speak of by `site_id`, `party_id` and `product_id`, by the text of
    their ids: for their names, where the reader has the row already."""

    def find() -> dict[str, Any]:
        ids = {
            name: {UUID(str(row[name])) for row in rows if row.get(name)}
            for name in ("site_id", "party_id", "product_id")
        }
        with reading(service.of(request).engine) as snapshot:
            found: dict[UUID, Any] = {
                **master.sites(snapshot, ids["site_id"]),
                **master.parties(snapshot, ids["party_id"]),
                **master.products(snapshot, ids["product_id"]),
            }
        return {str(key): value for key, value in found.items()}

    return await run_in_threadpool(find)
