"""/api/v1/receipts: a sale's receipt as a thing to print."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app import scanning
from app.domain import codes
from app.domain.errors import Invalid
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.i18n import Words, choose
from app.web.paper.escpos import DOTS, escpos
from app.web.paper.picture import png
from app.web.paper.text import text
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/receipts", tags=["sales"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORMS = {"text": "text/plain", "escpos": "application/octet-stream", "png": "image/png"}


@router.get(
    "/{receipt_code}",
    summary="A receipt to print: text, ESC/POS bytes or a picture, for 58 or 80 mm",
    response_class=Response,
    responses={
        200: {
            "description": "The receipt, prices included; for its scale, stall, market and regulator",
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "application/octet-stream": _BINARY,
                "image/png": _BINARY,
            },
        }
    },
)
def print_receipt(
    receipt_code: str,
    service: ServiceDep,
    principal: PrincipalDep,
    format: Annotated[str, Query(max_length=10, description="text, escpos (GB 18030, native QR, cut) or png")] = "text",
    width: Annotated[int, Query(description="millimetres of paper: 58 or 80")] = 58,
    lang: Annotated[str | None, Query(max_length=20, description="zh (default) or en")] = None,
) -> Response:
    """一张可以打印的小票 · One receipt, as it is printed on a scale.

    32 columns or 384 dots on 58 mm, 48 or 576 on 80 mm, at 203 dpi."""
    if format not in _FORMS:
        raise Invalid(
            "format-not-available",
            f"小票有 {'、'.join(_FORMS)} 几种格式 · Receipts come as {', '.join(_FORMS)}",
            pointer="?format",
        )
    if width not in DOTS:
        raise Invalid(
            "size-not-available", "纸宽为 58 或 80 毫米 · Paper is 58 or 80 millimetres wide", pointer="?width"
        )
    with reading(service.engine) as snapshot:
        paper = scanning.paper(snapshot, receipt_code, principal, service.master)
    words = Words(choose(lang, None))
    url = codes.qr_url(service.settings.public_url, paper.code)
    headers = {"Cache-Control": "private, no-store", "Content-Language": words.tag}
    if format == "text":
        body: str | bytes = text(paper, words, url, width)
    elif format == "png":
        body = png(paper, words, url, width)
    else:
        body = escpos(paper, words, url, width)
        headers["Content-Disposition"] = f'attachment; filename="{paper.code}.bin"'
    return Response(body, headers=headers, media_type=_FORMS[format])
