"""`/c/{code}/reports` and `/reports/{ref}`: a complaint about what a code names, and how its reporter follows it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import scanning
from app.domain import codes
from app.domain.complaints import PHOTOS, TEXT, State, parse_reference
from app.domain.errors import Invalid, Malformed, NotFound, Refusal, TooLarge, TooMany
from app.scanning import Tag
from app.scanning import complaints as verb
from app.scanning.photos import redrawn
from app.store.engine import reading
from app.store.errors import StoreUnavailable
from app.web import complaint_pages as pages
from app.web.bodies import media_type_of, parse_json, read_body, refuse_encoding, require_json
from app.web.i18n import CATALOGUES, Language, choose, tag_of
from app.web.negotiation import preferred, prefers_html
from app.web.problems import status_of
from app.web.representations import HTML, JSON, VARY
from app.web.schemas import Given, Told, printable
from app.web.service import Service, ServiceDep
from app.web.tries import client_of
from app.web.validation import invalid

router = APIRouter(tags=["public"])

FIELDS = 100_000  # bytes of everything in the form that is no photo

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

# One photo at a time is taken apart in a process: it may fill a hundred megabytes.
_darkroom = CapacityLimiter(1)

Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]


class ComplaintGiven(Given):
    """What somebody found wrong; how to reach them is for the market and the regulator alone."""

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT), AfterValidator(printable)
    ]
    contact: Annotated[
        str | None,
        StringConstraints(strip_whitespace=True, max_length=100),
        AfterValidator(lambda v: v and printable(v)),
    ] = Field(None, description="telephone, e-mail or whatever; may be left out")


class ComplaintFiled(Told):
    ref: str = Field(description="with it the complaint can be followed; it is told this once")


class ComplaintState(Told):
    """What became of a complaint."""

    ref: str
    code: str
    kind: Literal["site", "party", "custody", "lot", "unit", "slip", "receipt"]
    state: State
    answer: str | None
    record_time: datetime
    changed_at: datetime


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {
                        "text": {"type": "string", "maxLength": TEXT},
                        "contact": {"type": "string", "maxLength": 100},
                        "photos": {
                            "type": "array",
                            "maxItems": PHOTOS,
                            "items": {"type": "string", "format": "binary"},
                            "description": "JPEG or PNG; drawn anew, so that no metadata is kept",
                        },
                    },
                }
            },
            "application/json": {"schema": ComplaintGiven.model_json_schema()},
        },
    }
}


class _Upload(Request):
    """A request whose multipart body is cut off at what the photos and their form may take."""

    limit: int

    async def stream(self) -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > self.limit:
                raise _too_large((self.limit - FIELDS) // PHOTOS)
            yield chunk


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "too-large",
        f"每张照片不超过 {limit // 1_000_000} MB，请缩小后上传 · "
        f"A photo may have up to {limit // 1_000_000} MB: make it smaller",
        pointer="/photos",
    )


@router.get(
    "/c/{code}/reports",
    summary="投诉表单 · the form of a complaint",
    response_class=Response,
    responses={200: {"description": "The form", "content": {HTML: {"schema": {"type": "string"}}}}},
)
def complaint_form(code: str, request: Request, service: ServiceDep, lang: Lang = None) -> Response:
    tag = _tag(request, service, code)
    language = choose(lang, request.headers.get("accept-language"))
    return _html(pages.form_page(tag, language, _megabytes(service)), language)


@router.post(
    "/c/{code}/reports",
    status_code=201,
    summary="投诉 · complain about what a code names; a browser is led to the page of the complaint (303)",
    response_class=Response,
    responses={
        201: {"model": ComplaintFiled, "description": "kept"},
        303: {"description": "kept, for a browser"},
    },
    openapi_extra=_FORM,
)
async def complain(code: str, request: Request, service: ServiceDep, lang: Lang = None) -> Response:
    """Text, up to three photos and, if wanted, how to reach the reporter."""
    browser = prefers_html(request.headers.get("accept"))
    language = choose(lang, request.headers.get("accept-language"))
    tag = await run_in_threadpool(_tag, request, service, code)
    said: dict[str, str] = {}
    try:
        reference = await _file(request, service, tag, language, said)
    except (Refusal, StoreUnavailable) as error:
        if not browser:
            raise
        # What was written is not lost.
        wait = error.retry_after if isinstance(error, TooMany) else 5 if isinstance(error, StoreUnavailable) else None
        page = pages.form_page(
            tag,
            language,
            _megabytes(service),
            text=said.get("text", "")[:TEXT],
            contact=said.get("contact", "")[:100],
            error=_said_of(error),
        )
        status = status_of(error) if isinstance(error, Refusal) else 503
        return _html(page, language, status, {"Retry-After": str(wait)} if wait else {})
    place = f"/reports/{reference}"
    if browser:
        return RedirectResponse(f"{place}?lang={language}", 303, {"Cache-Control": "no-store"})
    return JSONResponse({"ref": reference}, 201, {"Location": place, "Cache-Control": "no-store"})


def _said_of(error: Refusal | StoreUnavailable) -> str:
    if isinstance(error, StoreUnavailable):
        return "暂时无法提交，请稍后再试 · It cannot be sent now: try again in a moment"
    return error.errors[0][1] if isinstance(error, Invalid) and error.errors else error.detail


async def _file(request: Request, service: Service, tag: Tag, language: Language, said: dict[str, str]) -> str:
    """Keeps the complaint; fills in what was written as soon as it is read."""
    refuse_encoding(request)
    service.complaining.one(client_of(request), tag.code)
    photos: list[UploadFile] = []
    media_type = media_type_of(request)
    if media_type in _FORMS:
        form = await _read(request, service.settings.max_file_bytes * PHOTOS if media_type == _FORMS[0] else 0)
        try:
            photos = [part for part in form.getlist("photos") if isinstance(part, UploadFile) and part.size]
            said |= {name: value for name, value in form.items() if isinstance(value, str) and value}
            given = _checked(dict(said), len(photos))
            kept = [await _kept(photo, service) for photo in photos]
        finally:
            await form.close()
    else:
        require_json(request)
        given, kept = _checked(parse_json(await read_body(request, FIELDS)), 0), []

    def subject() -> verb.Subject:
        with reading(service.engine) as snapshot:
            return verb.subject_of(snapshot, codes.parse(tag.code))

    command = verb.FileComplaint(await run_in_threadpool(subject), given.text, given.contact or None, kept, language)
    return await service.writer.write(verb.file_complaints, command)


async def _read(request: Request, photos: int) -> FormData:
    """The form, of at most so many bytes of photos."""
    upload = _Upload(request.scope, request.receive)
    upload.limit = photos + FIELDS
    try:
        return await upload.form(max_files=20, max_fields=20, max_part_size=20_000)
    except ValueError as error:  # the charset that it names is none, or not the one it is in
        raise Malformed("malformed", "表单文本应为 UTF-8 · The text of the form must be UTF-8") from error


def _checked(fields: Any, photos: int) -> ComplaintGiven:
    if photos > PHOTOS:
        raise Invalid("invalid", f"照片最多 {PHOTOS} 张 · At most {PHOTOS} photos", pointer="/photos")
    if isinstance(fields, dict):
        fields.pop("photos", None)
        # A field that nobody sees, so only programs fill it in.
        if fields.pop("extra", ""):
            raise Invalid(
                "invalid", "请将隐藏栏留空后重新提交 · Leave the hidden field empty and send again", pointer="/extra"
            )
        if isinstance(fields.get("text"), str):
            fields["text"] = fields["text"].replace("\r\n", "\n")
    try:
        return ComplaintGiven.model_validate(fields)
    except ValidationError as error:
        raise invalid([(fault, fault["loc"]) for fault in error.errors(include_url=False)]) from None


async def _kept(photo: UploadFile, service: Service) -> dict[str, Any]:
    largest = service.settings.max_file_bytes
    content = await photo.read(largest + 1)
    if len(content) > largest:
        raise _too_large(largest)

    def keep() -> dict[str, Any]:
        picture = redrawn(content, photo.content_type or "")
        return {"hash": service.files.put(picture).hex(), "size": len(picture)}

    return await to_thread.run_sync(keep, limiter=_darkroom)


@router.get("/reports", include_in_schema=False)
def look_up(ref: Annotated[str, Query(max_length=100)] = "", lang: Lang = None) -> Response:
    """Where the field for a reference leads to."""
    try:
        known = parse_reference(ref)
    except Malformed:
        known = "".join(filter(str.isalnum, ref))[:40] or "-"
    return RedirectResponse(f"/reports/{known}" + (f"?lang={lang}" if lang in CATALOGUES else ""), 303)


@router.get(
    "/reports/{ref}",
    summary="投诉进度 · what became of a complaint",
    response_class=Response,
    responses={
        200: {"model": ComplaintState, "description": "its state", "content": {HTML: {"schema": {"type": "string"}}}}
    },
)
def follow(ref: str, request: Request, service: ServiceDep, lang: Lang = None) -> Response:
    """For whoever has the reference: the state and the answer, never what was written or by whom."""
    language = choose(lang, request.headers.get("accept-language"))
    browser = preferred(request.headers.get("accept"), (HTML, JSON)) == HTML
    try:
        with reading(service.engine) as snapshot:
            reference, shown = verb.followed(snapshot, ref)
    except (Malformed, NotFound) as refusal:
        if not browser:
            raise
        status = status_of(refusal)
        return _html(pages.unknown_page(ref[:60], status, refusal.detail, language), language, status)
    if browser:
        return _html(pages.state_page(reference, shown, language), language)
    told = ComplaintState.model_validate({"ref": reference} | shown)
    return Response(told.model_dump_json(), headers={"Cache-Control": "no-store", "Vary": VARY}, media_type=JSON)


def _tag(request: Request, service: Service, code: str) -> Tag:
    with service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
        [tag] = scanning.tags(snapshot, [code], service.master)
        if isinstance(tag, Refusal):
            raise tag
    return tag


def _megabytes(service: Service) -> int:
    return service.settings.max_file_bytes // 1_000_000


def _html(body: str, language: Language, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    told = {
        "Cache-Control": "no-store",
        "Vary": VARY,
        "Content-Language": tag_of(language),
        "Content-Security-Policy": pages.POLICY,
    }
    return Response(body, status, told | (headers or {}), media_type=HTML)
