"""Health, metrics, the documentation of the interface, and what each problem means."""

import html
import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from app.domain.errors import NotFound
from app.store.engine import reading
from app.store.errors import StoreUnavailable
from app.store.schema import answering
from app.web.negotiation import prefers_html
from app.web.problem_texts import KINDS, TEXTS
from app.web.problems import page
from app.web.service import ServiceDep

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="The process can answer: its database is there and its queue is not full")
def readyz(service: ServiceDep) -> dict[str, str]:
    with reading(service.engine) as snapshot:
        answering(snapshot)
    if service.writer.waiting >= service.settings.queue_limit:
        raise StoreUnavailable("the queue of writes is full")
    return {"status": "ready"}


@router.get("/metrics", summary="Counters, for Prometheus", response_class=PlainTextResponse)
async def metrics(service: ServiceDep) -> Response:
    return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/problems/{slug}", summary="What a problem means and what to do about it")
async def problem_page(
    request: Request, slug: Annotated[str, Path(max_length=80, examples=["mistyped-code"])]
) -> Response:
    text = TEXTS.get(slug)
    if text is None:
        raise NotFound("not-found", "没有这种问题 · There is no such problem")
    headers = {"Vary": "Accept", "Cache-Control": "public, max-age=3600"}
    if prefers_html(request.headers.get("accept")):
        body = f"<p>{html.escape(text.advice_zh)}</p><p lang=en>{html.escape(text.advice_en)}</p>"
        return HTMLResponse(page(f"{text.zh} · {text.en}", body), headers=headers)
    advice = f"{text.advice_zh} · {text.advice_en}"
    return JSONResponse(
        {"type": f"/problems/{slug}", "title": f"{text.zh} · {text.en}", "advice": advice}, headers=headers
    )


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(_docs(request.app.openapi()))


def _docs(document: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault((operation.get("tags") or ["…"])[0], []).append(
                _operation(path, method, operation, document)
            )
    inner = "".join(f"<h2>{html.escape(tag)}</h2>{''.join(listed)}" for tag, listed in groups.items())
    statuses = "".join(f"<li>{status} {text.zh} · {text.en}</li>" for status, text in KINDS.items())
    return page(
        document["info"]["title"],
        f"<p>{html.escape(document['info'].get('description', ''))}</p>"
        f'<p><a href="/openapi.json">/openapi.json</a></p>{inner}<h2>problems</h2><ul>{statuses}</ul>',
    )


def _operation(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{html.escape(parameter['name'])}</code> ({parameter['in']}"
        f"{', required' if parameter.get('required') else ''}) {html.escape(parameter.get('description', ''))}</li>"
        for parameter in operation.get("parameters", [])
    )
    bodies = "".join(
        f"<li>body <code>{html.escape(media_type)}</code> {_shape(content.get('schema', {}), document)}</li>"
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = ", ".join(operation.get("responses", {}))
    return (
        f"<details><summary><code>{method.upper()} {html.escape(path)}</code> "
        f"{html.escape(operation.get('summary', ''))}</summary><p>{html.escape(operation.get('description', ''))}</p>"
        f"<ul>{parameters}{bodies}<li>answers {html.escape(answers)}</li></ul></details>"
    )


def _shape(schema: dict[str, Any], document: dict[str, Any]) -> str:
    match = re.fullmatch(r"#/components/schemas/(.+)", schema.get("$ref", ""))
    if match is None:
        return html.escape(str(schema.get("type", "")))
    found = document["components"]["schemas"][match[1]]
    required = set(found.get("required", []))
    fields = ", ".join(
        f"{'<b>' if name in required else ''}{html.escape(name)}{'</b>' if name in required else ''}"
        for name in found.get("properties", {})
    )
    return f"{html.escape(match[1])} {{{fields}}}"
