"""What a trace or an export starts from, as its query says it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.domain.errors import Invalid
from app.store.chain import Among
from app.tracing import Start
from app.tracing.starts import Kind
from app.web.schemas import Moment, Short

LONGEST = 1_000  # characters: a Digital Link with what a scanner adds to it


def start_of(
    code: Annotated[
        str | None, Query(max_length=LONGEST, description="S, P, B, G, T or R code, or its URL; or as epc")
    ] = None,
    custody: UUID | None = None,
    lot: Annotated[UUID | None, Query(description="all of its custodies")] = None,
    epc: Annotated[
        str | None,
        Query(max_length=LONGEST, description="EPC or EPC class: URN, GS1 Digital Link on any host, or (01)…(10)…"),
    ] = None,
    site: Annotated[UUID | None, Query(description="what came to it and to what lies below it")] = None,
    party: Annotated[UUID | None, Query(description="what was ever in its hands")] = None,
    document: Annotated[UUID | None, Query(description="the goods that it speaks for")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="of those that arrived from then on")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="before then")] = None,
    product: UUID | None = None,
    category: Annotated[Short | None, Query(description="of products: pork covers pork.belly")] = None,
    time: Annotated[Moment | None, Query(description="what was in the unit that epc names at that time; now")] = None,
) -> Start:
    """Raises Invalid for none and for several."""
    given: dict[Kind, object] = {
        "code": code, "custody": custody, "lot": lot, "epc": epc, "site": site, "party": party, "document": document,
    }  # fmt: skip
    among = Among(since, until, product, category)
    starts = [Start(kind, str(value), among, time) for kind, value in given.items() if value is not None]
    if not starts and (since is not None or until is not None):
        starts = [Start("window", "", among, time)]
    if len(starts) != 1:
        raise Invalid(
            "one-start",
            "code、custody、lot、epc、site、party、document 须只给出一个，或仅给出 from、to · "
            "give one of code, custody, lot, epc, site, party and document, or from and to alone",
            pointer="?code",
        )
    return starts[0]


StartDep = Annotated[Start, Depends(start_of)]
