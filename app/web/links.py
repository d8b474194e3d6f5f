"""/api/v1/links: what a producer publishes for its GTINs and GLNs, for the Digital Link resolver to lead to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, Strict, StringConstraints

from app import resolving
from app.domain.digital_link_requests import Addresses
from app.domain.links import PublishedLink
from app.domain.rights import Principal
from app.resolving import Published, PublishLink
from app.store.engine import reading
from app.web import batches
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Name, Told, given, optional
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/links", tags=["links"], route_class=JsonRoute)

Address = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Language = Annotated[str, StringConstraints(min_length=2, max_length=5)]
Context = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Flag = Annotated[bool, Strict()]
MediaType = Annotated[str, StringConstraints(min_length=3, max_length=150)]

_TYPE = Field(
    examples=["gs1:pip"], description="of the GS1 Web Vocabulary, as gs1:pip or its URI; or the URI of another type"
)


class LinkForm(Given):
    """What publishes a link. `href` is https. Of several links of one type, languages, media type and contexts say
    which one a request means; `default`: where a request leads that asks for nothing."""

    anchor: Address = Field(examples=["/01/09520123456788/10/ABC"], description="a key with its qualifiers")
    link_type: Address = _TYPE
    href: Address = Field(examples=["https://brand.example.cn/rice"])
    title: Name = Field(examples=["商品说明"])
    hreflang: list[Language] = Field([], max_length=20)
    type: MediaType | None = Field(None, description="an IANA media type", examples=["text/html"])
    context: list[Context] = Field([], max_length=20)
    fwqs: Flag = Field(True, description="the query of a request is passed on")
    public: Flag = Field(True, description="false: kept here, and told to nobody")
    default: Flag = Field(False, description="one of an anchor; a new one takes the place of the one before")


class LinkChange(Given):
    """The fields to change; the rest stays."""

    link_type: Address = optional()
    href: Address = optional()
    title: Name = optional()
    hreflang: list[Language] = optional(max_length=20)
    type: MediaType | None = optional()
    context: list[Context] = optional(max_length=20)
    fwqs: Flag = optional()
    public: Flag = optional()
    default: Flag = optional()


class LinkTold(Told):
    """A link in full."""

    id: UUID
    anchor: str
    link_type: str = Field(description="as URI")
    href: str
    title: str
    hreflang: list[str]
    type: str | None
    context: list[str]
    fwqs: bool
    public: bool
    default: bool
    record_time: datetime


def _addresses(request: Request, service: ServiceDep) -> Addresses:
    return Addresses(service.settings.public_url, request.headers.get("host", ""))


AddressesDep = Annotated[Addresses, Depends(_addresses)]


def _publish(form: LinkForm, principal: Principal, addresses: Addresses) -> PublishLink:
    return PublishLink(principal, form.model_dump(), addresses)


@router.post(
    "",
    status_code=201,
    summary="Publish a link; the same form again answers 200",
    responses={200: {"model": LinkTold, "description": "it was there already"}},
)
async def publish(
    form: LinkForm, service: ServiceDep, principal: PrincipalDep, addresses: AddressesDep, response: Response
) -> LinkTold:
    made = await service.writer.write(resolving.publish_links, _publish(form, principal, addresses))
    response.status_code = 201 if made.created else 200
    response.headers["Location"] = f"{router.prefix}/{made.row.id}"
    return LinkTold.model_validate(made.row)


@router.post(
    "/batch",
    summary="Publish links in bulk (NDJSON)",
    openapi_extra=batches.OPENAPI,
    responses=batches.RESPONSES,
    response_class=Response,
)
async def publish_many(
    request: Request, service: ServiceDep, principal: PrincipalDep, addresses: AddressesDep
) -> Response:
    return await batches.take_lines(
        request, service, LinkForm, lambda form: _publish(form, principal, addresses), resolving.publish_links, _outcome
    )


def _outcome(made: Published) -> dict[str, Any]:
    return {"status": "recorded" if made.created else "duplicate", "id": str(made.row.id)}


@router.get("", summary="The links that this key's owner has published")
def list_links(
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    anchor: Annotated[str | None, Query(max_length=2_000, description="only those of this key")] = None,
) -> Page[LinkTold]:
    rows: Iterable[PublishedLink] = resolving.list_links(
        service.engine, principal, anchor, paging.after, paging.limit + 1
    )
    return answer(list(rows), paging, LinkTold)


@router.get("/{link_id}", summary="A link")
def get_link(link_id: UUID, service: ServiceDep, principal: PrincipalDep) -> LinkTold:
    with reading(service.engine) as snapshot:
        return LinkTold.model_validate(resolving.find_link(snapshot, principal, link_id))


@router.patch("/{link_id}", summary="Change a link; it shows within a second")
async def change(
    link_id: UUID, body: LinkChange, service: ServiceDep, principal: PrincipalDep, addresses: AddressesDep
) -> LinkTold:
    command = resolving.ChangeLink(principal, link_id, given(body), addresses)
    return LinkTold.model_validate(await service.writer.write(resolving.change_links, command))


@router.delete("/{link_id}", status_code=204, summary="Take a link away")
async def delete(link_id: UUID, service: ServiceDep, principal: PrincipalDep) -> None:
    await service.writer.write(resolving.remove_links, resolving.RemoveLink(principal, link_id))
