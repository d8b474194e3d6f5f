"""/api/v1/sites/{site_id}/prices: 价目, the PLUs and prices that a stall's scales work with."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.enrolling import prices as enrolling
from app.enrolling.prices import PriceList, SetPrices
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.schemas import Given, Short, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/sites", tags=["sites"], route_class=JsonRoute)

ITEMS = 2_000
_Plu = Annotated[int, Field(ge=1, le=999_999, description="what a person types on the scale; one product's at a site")]
_Fen = Annotated[int, Field(ge=0, le=10**9, description="fen for one `unit`")]


class PriceItem(Given):
    """A product on the list. What is null here is as the lists above say."""

    product_id: UUID
    plu: _Plu | None = None
    price_fen: _Fen | None = None
    unit: Short | None = Field(None, examples=["斤"])


class PriceListForm(Given):
    """The whole list; it takes the place of the one before."""

    items: list[PriceItem] = Field(max_length=ITEMS)


class PriceTold(Told):
    """An item of a site's own list."""

    product_id: UUID
    plu: int | None
    price_fen: int | None
    unit: str | None


class InheritedTold(PriceTold):
    """An item as it holds here; `site_id` is whose list its price comes from."""

    site_id: UUID


class PricesTold(Told):
    """`items` is the site's own list, as PUT takes it; `inherited` what the lists above it add."""

    site_id: UUID
    items: list[PriceTold]
    inherited: list[InheritedTold]


def _told(found: PriceList) -> PricesTold:
    told: dict[str, Any] = {"site_id": found.site_id, "items": found.own, "inherited": found.inherited}
    return PricesTold.model_validate(told)


@router.get("/{site_id}/prices", summary="A site's price list (价目): PLU, price and unit, and what it inherits")
def get_prices(site_id: UUID, service: ServiceDep, principal: PrincipalDep) -> PricesTold:
    with reading(service.engine) as snapshot:
        return _told(enrolling.find_prices(snapshot, principal, site_id))


@router.put("/{site_id}/prices", summary="Set a site's price list; it holds for the sites below it, too")
async def set_prices(site_id: UUID, form: PriceListForm, service: ServiceDep, principal: PrincipalDep) -> PricesTold:
    items = [dict(item) for item in form.items]
    return _told(await service.writer.write(enrolling.set_prices, SetPrices(principal, site_id, items)))
