"""Every error is an `application/problem+json` (RFC 9457), or a small page for a browser."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.domain import errors
from app.domain.errors import Refusal
from app.logs import REQUEST_ID
from app.store.errors import QueueFull, StoreUnavailable
from app.web.negotiation import preferred, prefers_html
from app.web.problem_texts import KINDS, TEXTS
from app.web.validation import faults as validation_faults

STATUS: dict[type[Refusal], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.TooSlow: 408,
    errors.TooLarge: 413,
    errors.UriTooLong: 414,
    errors.UnsupportedType: 415,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.NotOffered: 501,
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal, by its class."""
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)


def title_of(slug: str, status: int) -> str:
    text = TEXTS.get(slug) or KINDS.get(status) or KINDS[500]
    return f"{text.zh} · {text.en}"


def problem(
    status: int,
    slug: str,
    detail: str,
    *,
    instance: str,
    faults: Sequence[tuple[str | None, str]] = (),
) -> dict[str, object]:
    """The members of RFC 9457 and `errors`, each {pointer, detail}; also the `problem` of an outcome in a list."""
    return {
        "type": f"/problems/{slug}",
        "title": title_of(slug, status),
        "status": status,
        "detail": detail,
        "instance": instance,
        "errors": [{"pointer": pointer, "detail": text} for pointer, text in faults],
    }


def problem_of(refusal: Refusal, *, instance: str) -> dict[str, object]:
    """As `problem`, for a refusal."""
    listed: Sequence[tuple[str | None, str]] = (
        refusal.errors
        if isinstance(refusal, errors.Invalid)
        else [(refusal.pointer, refusal.detail)]
        if refusal.pointer
        else []
    )
    body = problem(status_of(refusal), refusal.slug, refusal.detail, instance=instance, faults=listed)
    named = getattr(refusal, "exception", None)
    return body if named is None else body | {"type": f"epcisException:{named}"}


_EPCIS = "/epcis"
_UNQUOTED = "/:[]"
# On every answer below it.
EPCIS_HEADERS: Mapping[str, str] = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-Vendor-Version": "OneCode-0.1.0",
    "GS1-Extensions": "",
}
# What EPCIS 2.0 calls what it does not name itself.
_EXCEPTIONS = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchResourceException",
    406: "NotAcceptableException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    414: "URITooLongException",
    415: "UnsupportedMediaTypeException",
}


def epcis_problem(body: Mapping[str, object]) -> dict[str, object]:
    """A problem as the REST interface of EPCIS 2.0 has it: its type is an exception of the standard, and what cannot be
    taken is a 400."""
    status = 400 if body["status"] == 422 else int(str(body["status"]))
    kind = str(body["type"])
    if kind.startswith("/problems/"):
        kind = f"epcisException:{_EXCEPTIONS.get(status, 'ImplementationException')}"
    return {**body, "type": kind, "status": status}


def _is_epcis(path: str) -> bool:
    return (path + "/").startswith(_EPCIS + "/")


def instance_of(scope: Mapping[str, Any]) -> str:
    """What a problem of this request says of where it was: a path, and below /epcis, whose standard wants a whole URI
    (its RFC7807ProblemResponseBody), the address."""
    path: str = scope["path"]
    if "app" not in scope or not _is_epcis(path):
        return path
    return f"{scope['app'].state.service.settings.public_url}{path}"


def respond(body: Mapping[str, object], accept: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """The problem in the representation that the client asked for."""
    if _is_epcis(urlsplit(str(body["instance"])).path):
        body = epcis_problem(body)
        headers = {**EPCIS_HEADERS, **(headers or {})}
    status = int(str(body["status"]))
    sent = {"Cache-Control": "no-store", "Vary": "Accept", **(headers or {})}
    if status == 401:
        sent["WWW-Authenticate"] = 'Bearer realm="onecode"'
    if prefers_html(accept):
        return Response(_page(body), status, sent, media_type="text/html")
    if accept is not None and preferred(accept, _PROBLEMS).endswith("xml"):
        return Response(_xml(body), status, sent, media_type="application/problem+xml")
    return Response(json.dumps(body, ensure_ascii=False), status, sent, media_type="application/problem+json")


_PROBLEMS = ("application/problem+json", "application/json", "application/problem+xml", "application/xml", "text/xml")


def _xml(body: Mapping[str, object]) -> bytes:
    """RFC 7807 appendix A; a client that takes XML alone gets its errors in it, too."""
    root = Element("problem", xmlns="urn:ietf:rfc:7807")
    for name in ("type", "title", "status", "detail", "instance"):
        SubElement(root, name).text = str(body[name])
    listed = body["errors"]
    assert isinstance(listed, list)
    if listed:
        items = SubElement(root, "errors")
        for fault in listed:
            item = SubElement(items, "i")
            SubElement(item, "pointer").text = str(fault["pointer"] or "")
            SubElement(item, "detail").text = str(fault["detail"])
    document: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def refusal_response(refusal: Refusal, path: str, accept: str | None) -> Response:
    headers: dict[str, str] = {}
    if isinstance(refusal, errors.TooMany):
        headers["Retry-After"] = str(refusal.retry_after)
    elif isinstance(refusal, errors.TooSlow):
        headers["Connection"] = "close"  # the rest of its body would be read for ever
    return respond(problem_of(refusal, instance=quote(path, safe=_UNQUOTED)), accept, headers)


def unavailable_response(error: StoreUnavailable, path: str, accept: str | None) -> Response:
    full = isinstance(error, QueueFull)
    detail = (
        "等待处理的请求过多，请稍后重发同一请求 · "
        "Too many requests are waiting: send the same request again in a moment"
        if full
        else "数据库暂时不可用，未写入任何内容，请稍后重发同一请求 · "
        "The database cannot be used now and nothing was written: send the same request again in a moment"
    )
    body = problem(503, "busy" if full else "unavailable", detail, instance=quote(path, safe=_UNQUOTED))
    return respond(body, accept, {"Retry-After": "1" if full else "5"})


def failure_response(request_id: str, path: str, accept: str | None) -> Response:
    """An error of ours: said so, with the id under which the log has it."""
    detail = (
        f"服务内部出错，请告知运维方请求编号 {request_id} · "
        f"The service failed: tell its operator the request id {request_id}"
    )
    return respond(problem(500, "internal", detail, instance=quote(path, safe=_UNQUOTED)), accept)


_HTTP = {
    404: ("not-found", "没有这个地址，请查看 /docs · There is nothing at this address: see /docs"),
    405: ("method-not-allowed", "此地址不接受该方法，见 Allow 头 · This address does not take that method: see Allow"),
    400: ("malformed", "请求无法读取 · The request cannot be read"),
    413: ("too-large", "请求过大 · The request is too large"),
}


def install(app: FastAPI) -> None:
    """Registers the handlers. An error of ours is answered here, and raised on to the middleware, which logs it."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        response = refusal_response(error, instance_of(request.scope), request.headers.get("accept"))
        if response.status_code == 413 and request.method == "POST" and _is_epcis(request.url.path):
            limits = request.app.state.service.settings
            together = request.url.path.endswith("/capture")
            response.headers["GS1-EPCIS-Capture-Limit"] = str(limits.capture_events if together else 1)
            size = limits.capture_bytes if together else limits.max_body_bytes
            response.headers["GS1-EPCIS-Capture-File-Size-Limit"] = str(size)
        return response

    async def unavailable(request: Request, error: Exception) -> Response:
        assert isinstance(error, StoreUnavailable)
        return unavailable_response(error, instance_of(request.scope), request.headers.get("accept"))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        slug, detail = _HTTP.get(error.status_code, ("malformed", str(error.detail)))
        body = problem(error.status_code, slug, detail, instance=quote(instance_of(request.scope), safe=_UNQUOTED))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # A route knows its own methods, not those of the others at its path.
            headers["Allow"] = request.app.state.paths.allow(request.url.path)
        return respond(body, request.headers.get("accept"), headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refusal_response(
            validation_faults(error.errors()), instance_of(request.scope), request.headers.get("accept")
        )

    async def failed(request: Request, _error: Exception) -> Response:
        request_id = REQUEST_ID.get() or ""
        return failure_response(request_id, instance_of(request.scope), request.headers.get("accept"))

    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(StoreUnavailable, unavailable)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


def page(title: str, inner: str) -> str:
    """A small page of ours; `inner` is HTML."""
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
        f"<header><b>一码</b> OneCode</header><main><h1>{_both(title)}</h1>{inner}</main></html>"
    )


_STYLE = (
    ":root{color-scheme:light dark}body{margin:0;font:1rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}"
    "header{background:#3a3f45;color:#fff;padding:.8rem max(1rem,50% - 21rem)}main{max-width:42rem;margin:0 auto;"
    "padding:1rem}h1{font-size:1.7rem;line-height:1.3}h1 span{font-size:1.1rem}main span{display:block;opacity:.8}"
    "code{font-size:.95em}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;"
    "vertical-align:top}"
)


def _both(text: str) -> str:
    """Chinese, and English below it, of a text in both."""
    chinese, _, english = text.partition(" · ")
    told = f'<span lang="en">{html.escape(english)}</span>' if english else ""
    return html.escape(chinese) + told


def _page(body: Mapping[str, object]) -> str:
    listed = body["errors"]
    assert isinstance(listed, list)
    items = "".join(
        f"<li><code>{html.escape(str(fault['pointer'] or ''))}</code> {html.escape(str(fault['detail']))}</li>"
        for fault in listed
    )
    return page(
        str(body["title"]),
        f"<p>{_both(str(body['detail']))}</p>{f'<ul>{items}</ul>' if items else ''}"
        f'<p><a href="{html.escape(str(body["type"]))}">{body["status"]} {html.escape(str(body["type"]))}</a></p>',
    )
