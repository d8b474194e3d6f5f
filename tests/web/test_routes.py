"""Routes are put together as the process starts, not while requests wait."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from app import web
from app.domain.digital_link_requests import could_be
from app.web.service import Service
from tests.support.enrolled import speaking

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_no_request_waits_for_routes_to_be_put_together(
    service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    handler = APIRoute.get_route_handler

    def noted(route: APIRoute) -> Callable[..., Any]:
        made.append(route.path)
        return handler(route)

    monkeypatch.setattr(APIRoute, "get_route_handler", noted)
    web._routes.cache_clear()
    with speaking(service) as client:
        assert {"/healthz", "/c/{code}", "/api/v1/parties", "/api/v1/trace"} <= set(made)
        assert [path for path in made if could_be(path)] == []  # none reads as a Digital Link
        made.clear()
        for path in ("/healthz", "/openapi.json", "/c", "/api/v1/parties", "/api/v1/trace", "/nothing"):
            client.get(path)
        assert made == []
