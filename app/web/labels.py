"""Labels, shelf signs and posters: one by its address, up to a thousand in one go."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from app import resolving, scanning
from app.domain.errors import Invalid, Refusal, TooMany
from app.store.engine import reading
from app.web import pages
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.i18n import Language, Words, choose, tag_of
from app.web.paper import labels, prints
from app.web.paper.labels import SIZES, Layout
from app.web.representations import HTML
from app.web.schemas import Given
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(tags=["public"], route_class=JsonRoute)

LARGEST = 1_000  # labels in one answer
WAITING = 20  # drawings that may wait for their turn

# A drawing takes a core and some tens of megabytes: one at a time in a process, and beside the event loop.
_turn = CapacityLimiter(1)

Format = Literal["html", "png", "pdf"]
SizeName = Literal["50x30", "60x40", "70x37", "105x74", "148x105", "a4", "a3"]
assert set(get_args(SizeName)) == set(SIZES)

_SIZES = (
    "millimetres: 50x30, 60x40 (rolls), 70x37 (self-adhesive A4, 24 labels), 105x74 and 148x105 (shelf signs), "
    "a4, a3 (posters)"
)
Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]


def _binary(*kinds: str) -> dict[str, Any]:
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}


_TEXT = {HTML: {"schema": {"type": "string"}}}


class LabelSheet(Given):
    """`layout`: roll has each label on a page of its own, a4 as many as a sheet has room for."""

    codes: list[Annotated[str, Field(max_length=80)]] = Field(min_length=1, max_length=LARGEST)
    format: Format = "pdf"
    size: SizeName = Field("50x30", description=_SIZES)
    layout: Layout = "roll"


@router.get(
    "/labels/{code}",
    response_class=Response,
    responses={200: {"description": "One label", "content": {**_TEXT, **_binary("image/png", "application/pdf")}}},
)
async def label(
    code: str,
    request: Request,
    service: ServiceDep,
    format: Annotated[str, Query(max_length=10, description="html, png or pdf")] = "html",
    size: Annotated[str, Query(max_length=10, description=_SIZES)] = "50x30",
    lang: Lang = None,
) -> Response:
    """One label, shelf sign or poster: symbol, names and the code to read aloud. png and pdf bring their own letters;
    html is set in those of whoever opens it."""
    if format not in get_args(Format):
        raise Invalid(
            "format-not-available",
            "标签有 html、png 和 pdf 三种格式 · Labels come as html, png or pdf",
            pointer="?format",
        )
    if size not in SIZES:
        raise Invalid(
            "size-not-available",
            f"标签尺寸有 {'、'.join(SIZES)} · Labels come in sizes {', '.join(SIZES)}",
            pointer="?size",
        )
    language = choose(lang, request.headers.get("accept-language"))

    def draw() -> Response:
        with service.wrong_codes.one(client_of(request)):
            return _printed(service, [code], format, size, "roll", language)

    return await _drawn(draw)


@router.post(
    "/api/v1/labels",
    tags=["codes"],
    summary="Labels, shelf signs or posters of up to 1,000 codes; png is a ZIP of pictures",
    response_class=Response,
    responses={
        200: {"description": "Pages to print", "content": {**_TEXT, **_binary("application/zip", "application/pdf")}}
    },
)
async def label_sheet(
    sheet: LabelSheet, request: Request, service: ServiceDep, principal: PrincipalDep, lang: Lang = None
) -> Response:
    """In the order of the codes. One that is not there refuses them all, and every such one is named."""
    language = choose(lang, request.headers.get("accept-language"))
    return await _drawn(lambda: _printed(service, sheet.codes, sheet.format, sheet.size, sheet.layout, language, True))


async def _drawn(draw: Callable[[], Response]) -> Response:
    if _turn.statistics().tasks_waiting >= WAITING:
        raise TooMany(
            "too-many-drawings",
            "排队打印的过多，请稍后重试 · Too many are waiting to be drawn: try again in a moment",
            retry_after=5,
        )
    return await to_thread.run_sync(draw, limiter=_turn)


def _printed(
    service: Service,
    texts: list[str],
    format: str,
    size_name: str,
    layout: Layout,
    language: Language,
    many: bool = False,
) -> Response:
    with reading(service.engine) as snapshot:
        found = scanning.tags(snapshot, texts, service.master)
        root = service.settings.public_url
        urls = resolving.symbols(snapshot, [tag.code for tag in found if not isinstance(tag, Refusal)], root)
    tags = [tag for tag in found if not isinstance(tag, Refusal)]
    if len(tags) < len(found):
        refusals = [(f"/codes/{i}", each.detail) for i, each in enumerate(found) if isinstance(each, Refusal)]
        if not many:
            raise next(each for each in found if isinstance(each, Refusal))
        raise Invalid(
            "unknown-codes",
            f"有 {len(refusals)} 个编码不能打印，见 errors · {len(refusals)} codes cannot be printed: see errors",
            errors=refusals[:100],
        )
    size, words = SIZES[size_name], Words(language)
    drawings = [labels.draw(tag, urls[tag.code], size, words) for tag in tags]
    laid = list(labels.pages(drawings, size, layout))
    headers = {"Content-Language": tag_of(language), "Vary": "Accept-Language"}
    if format == "html":
        millimetres = laid[0].width / labels.DOTS, laid[0].height / labels.DOTS
        body, policy = pages.labels_page(map(prints.svg, laid), millimetres, language)
        return Response(body, headers=headers | {"Content-Security-Policy": policy}, media_type=HTML)
    name = "labels" if many else tags[0].code
    if format == "pdf":
        headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
        return Response(
            prints.pdf(laid, words.t("labels.title"), headers["Content-Language"]),
            headers=headers,
            media_type="application/pdf",
        )
    if not many:
        return Response(prints.png(laid[0]), headers=headers, media_type="image/png")
    headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return Response(prints.pngs(laid), headers=headers, media_type="application/zip")
