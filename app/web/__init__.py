"""HTTP: routers, keys, problems, negotiation, bodies."""

import gc
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp

from app.web import (
    alerts,
    announcements,
    assets,
    audit,
    balance,
    boards,
    captures,
    cases,
    codejobs,
    codes,
    complaint_queue,
    complaints,
    coverage,
    deliveries,
    desk,
    devices,
    documents,
    epcis,
    events,
    events_openapi,
    exports,
    findings,
    inspections,
    keys,
    kiosk,
    labels,
    links,
    operations,
    parties,
    persons,
    prices,
    problems,
    products,
    recall_papers,
    recalls,
    recalls_parties,
    receipts,
    resolver,
    retention,
    sales,
    scan,
    sites,
    sold,
    statistics,
    stock,
    trace,
    webhooks,
)
from app.web.desk import asking, visits
from app.web.methods import Methods, Paths
from app.web.middleware import Edge
from app.web.resolverdoor import ResolverDoor
from app.web.scandoor import ScanDoor
from app.web.service import Service
from app.web.stopping import hearing_the_end

# Fewer than the store has connections (16): who reads never waits for one, and the writer and the feed find theirs.
THREADS = 10

_ROUTERS = (
    operations.router,
    parties.router,
    events.router,
    sales.router,
    receipts.router,
    sold.router,
    sites.router,
    prices.router,
    products.router,
    stock.router,  # before the devices by id: `me` is none
    devices.router,
    keys.router,
    scan.router,
    resolver.router,
    links.router,
    labels.router,
    boards.router,
    assets.router,
    kiosk.router,
    complaints.router,
    complaint_queue.router,
    inspections.router,
    codes.router,
    codejobs.router,
    documents.router,
    trace.router,
    recalls.router,
    recalls_parties.router,
    recall_papers.router,
    exports.router,
    cases.router,
    captures.router,
    *epcis.routers,
    alerts.router,
    announcements.router,
    audit.router,
    webhooks.router,
    balance.router,
    deliveries.router,
    findings.router,
    coverage.router,
    retention.router,
    statistics.router,
    persons.router,
    persons.colleagues,
    desk.router,
)

DESCRIPTION = (
    "一码：每个摊位、批次、运单、单品和小票一个码，记录食品从农场到餐桌的全过程。 · "
    "One code for every stall, batch, shipment, unit and receipt; what happens to food from farm to table. "
    "Errors are application/problem+json; times are RFC 3339 with an offset; lists are {items, next}."
)


class _Api(FastAPI):
    """FastAPI whose document knows our one form of error."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
        document["components"]["schemas"] |= events_openapi.COMPONENTS | sales.COMPONENTS | stock.COMPONENTS
        document["components"]["schemas"] |= trace.COMPONENTS
        document["paths"] |= resolver.PATHS
        return document


_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "instance", "errors"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/mistyped-code"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": ["string", "null"]}, "detail": {"type": "string"}},
            },
        },
    },
}
_ANSWER = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@cache
def _routes() -> APIRouter:
    """All routes, once a process: reading their signatures takes a tenth of a second. FastAPI would put
    each router together at its first request, while all others wait, so it is done here."""
    whole = APIRouter(
        responses={
            "4XX": {"description": "A problem of the request", "content": _ANSWER},
            "5XX": {"description": "A problem of the service; Retry-After with 503", "content": _ANSWER},
        }
    )
    for router in _ROUTERS:
        whole.include_router(router)
    deque(iter_route_contexts(whole.routes), maxlen=0)
    return whole


def create_app(service: Service, on_stop: Callable[[], None] = lambda: None) -> ASGIApp:
    """The whole HTTP side of one process, as one ASGI callable. `on_stop` runs when the server has stopped.

    Edge (request id, headers, metrics) → methods → hot paths in plain ASGI → FastAPI.
    """

    def ending() -> None:
        service.boards.close()
        service.sockets.close()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # What is there now stays for ever: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        with hearing_the_end(ending):
            yield
        on_stop()

    api = _Api(
        title="OneCode 一码",
        version="0.1.0",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        routes=_routes().routes,
        # No request may go to another host: FastAPI's OpenTelemetry looks for exporters in the environment.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    api.state.service = service
    api.state.paths = paths = Paths(iter_route_contexts(api.routes))
    problems.install(api)
    visits.install(api)
    asking.install(api)
    inner = Methods(_hot(api, service), paths)
    edge = Edge(inner, service.metrics, service.settings.public_url, service.settings.body_timeout_seconds)
    return ResolverDoor(ScanDoor(edge, service, edge), service, edge)


def _hot(api: ASGIApp, service: Service) -> ASGIApp:
    """Where paths that FastAPI's routing is too slow for are answered before it; each names itself in
    `scope["onecode.route"]` and falls through to `api` for everything that is not its own."""
    return sales.SalesDoor(api, service)
