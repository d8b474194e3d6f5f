"""/api/v1/products: 商品."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, Strict
from starlette.concurrency import run_in_threadpool

from app import exchanging
from app.domain.rights import Principal
from app.enrolling import products as enrolling
from app.enrolling.forms import Change, Enrol
from app.store.engine import reading
from app.web import batches
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Moment, Name, Short, Told, given, optional, plain
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/products", tags=["products"], route_class=JsonRoute)

Grams = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]
Days = Annotated[int, Strict(), Field(ge=1, le=36_500)]
Measure = Literal["weight", "count"]


class ProductForm(Given):
    """What enrols a product. One that is sold by count needs grams per piece for balances to close."""

    name: Name = Field(examples=["小青菜"])
    category: Short = Field(examples=["vegetables"], description="admission rules go by it; pork covers pork.belly")
    gtin: str | None = Field(None, max_length=20, description="GTIN-8, -12, -13 or -14")
    measure: Measure
    grams_per_piece: Grams | None = None
    shelf_life_days: Days | None = None


class ProductChange(Given):
    """The fields to change; the rest stays."""

    name: Name = optional()
    category: Short = optional()
    gtin: str | None = optional(max_length=20)
    measure: Measure = optional()
    grams_per_piece: Grams | None = optional()
    shelf_life_days: Days | None = optional()
    valid_from: Moment | None = Field(None, description="since when it is so; now where left out")


class ProductTold(Told):
    """A product in full."""

    id: UUID
    name: str
    category: str
    gtin: str | None
    measure: str
    grams_per_piece: int | None
    shelf_life_days: int | None
    version: int
    valid_from: datetime


def _enrol(form: ProductForm, principal: Principal) -> Enrol:
    return Enrol(principal, plain(form))


@router.post(
    "",
    status_code=201,
    summary="Enrol a product; the same form again answers 200",
    responses={200: {"model": ProductTold, "description": "it was there already"}},
)
async def enrol_product(
    form: ProductForm, service: ServiceDep, principal: PrincipalDep, response: Response
) -> ProductTold:
    enrolled = await service.writer.write(enrolling.enrol_products, _enrol(form, principal))
    await run_in_threadpool(exchanging.name_captured, service.writer, service.engine, enrolled.row)
    response.status_code = 201 if enrolled.created else 200
    response.headers["Location"] = f"{router.prefix}/{enrolled.row.id}"
    return ProductTold.model_validate(enrolled.row)


@router.post(
    "/batch",
    summary="Enrol products in bulk (NDJSON)",
    openapi_extra=batches.OPENAPI,
    responses=batches.RESPONSES,
    response_class=Response,
)
async def enrol_products(request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    return await batches.enrol_lines(
        request, service, ProductForm, lambda form: _enrol(form, principal), enrolling.enrol_products
    )


@router.get("", summary="All products")
def list_products(service: ServiceDep, _: PrincipalDep, paging: PagingDep) -> Page[ProductTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_products(snapshot, paging.after, paging.limit + 1)
    return answer(rows, paging, ProductTold)


@router.get("/{product_id}", summary="A product, as it is or was")
def get_product(
    product_id: UUID,
    service: ServiceDep,
    _: PrincipalDep,
    at: Annotated[Moment | None, Query(description="what it was at this time")] = None,
) -> ProductTold:
    with reading(service.engine) as snapshot:
        return ProductTold.model_validate(enrolling.find_product(snapshot, product_id, at))


@router.patch("/{product_id}", summary="Change a product: a new version of it")
async def change_product(
    product_id: UUID, body: ProductChange, service: ServiceDep, principal: PrincipalDep
) -> ProductTold:
    changes = given(body)
    changes.pop("valid_from", None)
    command = Change(principal, product_id, changes, body.valid_from)
    changed = await service.writer.write(enrolling.change_products, command)
    await run_in_threadpool(exchanging.name_captured, service.writer, service.engine, changed)
    return ProductTold.model_validate(changed)
