"""/api/v1/documents: certificates and licences, with their files."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from typing import Any, Literal, get_args
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app.domain.admission import DOCUMENT_TYPES
from app.domain.errors import Invalid, Malformed, TooLarge, UnsupportedType
from app.domain.quantities import QuantityError, parse_quantity
from app.domain.rights import Principal
from app.domain.rows import Document
from app.enrolling import documents as enrolling
from app.enrolling.documents import Deposit, Deposited
from app.enrolling.files import sniff
from app.enrolling.looks import at_file
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import media_type_of, parse_json, refuse_encoding
from app.web.looking import note
from app.web.schemas import Day, Given, Name, Short, Told
from app.web.service import Service, ServiceDep
from app.web.validation import invalid

router = APIRouter(prefix="/api/v1/documents", tags=["documents"])

FIELDS = 100_000  # bytes of everything in the form that is not the file

DocumentType = Literal[
    "conformity_certificate",
    "quarantine_certificate",
    "meat_quality_certificate",
    "import_inspection",
    "origin_proof",
    "purchase_slip",
    "test_report",
    "production_licence",
    "business_licence",
    "other",
]
assert set(get_args(DocumentType)) == set(DOCUMENT_TYPES)


class Covers(Given):
    """How much of the goods the document speaks for."""

    value: str = Field(max_length=40, examples=["300"])
    unit: str = Field(max_length=10, examples=["公斤"])


class DocumentForm(Given):
    """The fields beside the file; `covers` is JSON text."""

    type: DocumentType
    number: Short | None = None
    issuer: Name | None = None
    issued_on: Day | None = None
    expires_on: Day | None = None
    class_: Short | None = Field(None, alias="class", description="grade of a certificate, such as A")
    covers: Covers | None = None


class ToldCovers(Told):
    value: str
    unit: str
    grams: int | None
    pieces: int | None


class DocumentTold(Told):
    """A document without its file, which is at `/documents/{id}/file`."""

    id: UUID
    type: str
    number: str | None
    issuer: str | None
    issued_on: date | None
    expires_on: date | None
    class_: str | None = Field(serialization_alias="class")
    covers: ToldCovers | None
    owner_party_id: UUID | None
    file_name: str | None
    media_type: str
    size: int
    record_time: datetime


_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "type"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "PDF, JPEG or PNG"},
                        "type": {"type": "string", "enum": list(DOCUMENT_TYPES)},
                        "number": {"type": "string", "maxLength": 64},
                        "issuer": {"type": "string", "maxLength": 200},
                        "issued_on": {"type": "string", "format": "date"},
                        "expires_on": {"type": "string", "format": "date"},
                        "class": {"type": "string", "maxLength": 64},
                        "covers": {"type": "string", "examples": ['{"value":"300","unit":"公斤"}']},
                    },
                }
            }
        },
    }
}


def _file_too_large(limit: int) -> TooLarge:
    return TooLarge(
        "too-large",
        f"文件超过 {limit} 字节，请压缩或分次上传 · The file has more than {limit} bytes: make it smaller",
        pointer="/file",
    )


class _UploadRequest(Request):
    """A request whose multipart body is cut off at what a file and its fields may take."""

    limit: int

    async def stream(self) -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > self.limit:
                raise _file_too_large(self.limit - FIELDS)
            yield chunk


@router.post(
    "",
    status_code=201,
    summary="Deposit a document; the same again answers 200",
    openapi_extra=_UPLOAD,
    responses={200: {"model": DocumentTold, "description": "it was there already"}},
)
async def deposit_document(
    request: Request, service: ServiceDep, principal: PrincipalDep, response: Response
) -> DocumentTold:
    deposited = await _deposit(request, service, principal)
    response.status_code = 201 if deposited.created else 200
    response.headers["Location"] = f"{router.prefix}/{deposited.row.id}"
    return DocumentTold.model_validate(deposited.row)


async def _deposit(request: Request, service: Service, principal: Principal) -> Deposited:
    refuse_encoding(request)
    if media_type_of(request) != "multipart/form-data":
        raise UnsupportedType(
            "unsupported-type", "请以 multipart/form-data 发送文件 · Send the file as multipart/form-data"
        )
    largest = service.settings.max_file_bytes
    upload = _UploadRequest(request.scope, request.receive)
    upload.limit = largest + FIELDS
    try:
        form = await upload.form(max_files=1, max_fields=20, max_part_size=10_000)
    except ValueError as error:  # the charset that it names is none, or not the one it is in
        raise Malformed("malformed", "表单文本应为 UTF-8 · The text of the form must be UTF-8") from error
    try:
        fields = dict(form.multi_items())
        file = fields.pop("file", None)
        if not isinstance(file, UploadFile):
            raise Invalid("invalid", "缺少文件 · The file is missing", pointer="/file")
        command_form = _read(fields)
        content = await file.read(largest + 1)
    finally:
        await form.close()
    if len(content) > largest:
        raise _file_too_large(largest)

    def keep() -> tuple[str, bytes]:
        media_type = sniff(content, file.content_type or "")
        return media_type, service.files.put(content)

    media_type, digest = await run_in_threadpool(keep)
    command = Deposit(principal, command_form, digest, _file_name(file.filename), media_type, len(content))
    return await service.writer.write(enrolling.deposit_documents, command)


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if not isinstance(value, str):
            raise Invalid("invalid", f"{name} 应为文本 · {name} is text", pointer=f"/{name}")
    given = {name: value for name, value in fields.items() if value != ""}
    if "covers" in given:
        given["covers"] = parse_json(given["covers"].encode())
    try:
        form = DocumentForm.model_validate(given)
    except ValidationError as error:
        raise invalid([(fault, fault["loc"]) for fault in error.errors(include_url=False)]) from None
    if form.issued_on is not None and form.expires_on is not None and form.expires_on < form.issued_on:
        raise Invalid("invalid", "到期日早于签发日 · It expires before it was issued", pointer="/expires_on")
    return {**{name: getattr(form, name) for name in DocumentForm.model_fields}, "covers": _covered(form.covers)}


def _covered(covers: Covers | None) -> dict[str, Any] | None:
    if covers is None:
        return None
    try:
        quantity = parse_quantity(covers.value, covers.unit)
    except QuantityError as error:
        raise Invalid(error.slug, f"{error.detail_zh} · {error.detail}", pointer="/covers") from None
    return {"value": quantity.value, "unit": quantity.unit, "grams": quantity.grams, "pieces": quantity.pieces}


def _file_name(given: str | None) -> str | None:
    """The last part of what the client calls it, without what a file system or a header would choke on."""
    name = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in name if character.isprintable())[:120] or None


@router.get("/{document_id}", summary="A document that this key may read")
def get_document(document_id: UUID, service: ServiceDep, principal: PrincipalDep) -> DocumentTold:
    with reading(service.engine) as snapshot:
        return DocumentTold.model_validate(enrolling.find_document(snapshot, principal, document_id))


_FILE: dict[str, Any] = {"content": {media_type: {} for media_type in ("application/pdf", "image/jpeg", "image/png")}}


@router.get(
    "/{document_id}/file", summary="Its file, as an attachment", response_class=Response, responses={200: _FILE}
)
def get_file(document_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    with reading(service.engine) as snapshot:
        document = enrolling.find_document(snapshot, principal, document_id)
    note(request, principal, at_file(principal, document))
    return Response(
        service.files.get(document.file_hash),
        media_type=document.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_download_name(document), safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )


def _download_name(document: Document) -> str:
    return document.file_name or f"{document.type}.{document.media_type.rpartition('/')[2]}"
