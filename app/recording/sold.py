"""The ledger of sales (销售台账): what scales have sold, read back as far as its reader may see it.

A stall changes hands, its books do not: a vendor reads the sales of its own time there, whoever stands there now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from app.domain import codes
from app.domain.ids import event_id
from app.domain.quantities import parse_quantity
from app.domain.rights import Principal, Role
from app.domain.rows import Product, Site
from app.store import master
from app.store import sold as store
from app.store.engine import Database, Snapshot, reading
from app.store.sold import Claimed, Sold, SoldLine, Span


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the ledger ends: after this sale of this site."""

    site_id: UUID
    event_time: datetime
    receipt_id: int


@dataclass(frozen=True, slots=True)
class SalesAsked:
    """Which sales: of a site and what lies below, of a device, by the scale's clock from `since` until before
    `until`."""

    site_id: UUID | None = None
    device_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


SITES: Final = 300  # looked at for one page
CLAIMS: Final = 10  # other sales under one number that are shown in full
_SEEN: Final = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)  # beyond every sale of a site


def find_sales(
    database: Database,
    principal: Principal,
    master_secret: bytes,
    asked: SalesAsked,
    *,
    limit: int,
    after: Place | None,
) -> tuple[list[dict[str, Any]], Place | None]:
    """At most `limit` sales, by site and then by the scale's clock, and the place to go on from, None at the end.

    Looks at no more than some hundred sites: a page may be short, even empty, and not the last."""
    with reading(database) as snapshot:
        spans, more = _spans(snapshot, principal, asked, after)
        device_id = principal.device_id if principal.role is Role.DEVICE else asked.device_id
        found: list[Sold] = []
        for span in spans:
            place = (after.event_time, after.receipt_id) if after and after.site_id == span.site_id else None
            left = limit + 1 - len(found)
            found += store.sales(snapshot, span, device_id=device_id, after=place, limit=left)
            if len(found) > limit:
                break
        kept = found[:limit]
        shown = list(_shown(snapshot, master_secret, kept))
    if len(found) > limit:
        return shown, Place(kept[-1].site_id, kept[-1].event_time, kept[-1].id)
    return shown, Place(spans[-1].site_id, *_SEEN) if more else None


def _spans(snapshot: Snapshot, principal: Principal, asked: SalesAsked, after: Place | None) -> tuple[list[Span], bool]:
    """What to look at next, by site and time, and whether there is more behind it."""
    start = after.site_id if after else None
    among = None if asked.device_id is None else store.stood_at(snapshot, asked.device_id)
    below: Site | None = None
    if asked.site_id is not None:
        below = master.sites(snapshot, [asked.site_id]).get(asked.site_id)
        if below is None:
            return [], False
    match principal.role:
        case Role.LAB | Role.AUDITOR:
            return [], False
        case Role.VENDOR | Role.PRODUCER:
            assert principal.party_id is not None
            places = store.traded_at(snapshot, principal.party_id)
        case Role.DEVICE:
            assert principal.device_id is not None
            places = list(master.sites(snapshot, store.stood_at(snapshot, principal.device_id)).values())
        case _:
            found = store.sites(
                snapshot, principal, below=below.path if below else None, among=among, start=start, limit=SITES
            )
            return [Span(key, asked.since, asked.until) for key in found], len(found) == SITES
    kept = [
        site
        for site in sorted(places, key=lambda site: site.id)
        if (start is None or site.id >= start)
        and (among is None or site.id in among)
        and (below is None or site.lies_in(below))
    ]
    if principal.role is Role.DEVICE:
        return [Span(site.id, asked.since, asked.until) for site in kept], False
    histories = master.versions(snapshot, [site.id for site in kept])
    return [
        Span(site.id, *bounds)
        for site in kept
        for tenure in tenures([v for v in histories.get(site.id, [site]) if isinstance(v, Site)], principal.party_id)
        if (bounds := _within(tenure, asked)) is not None
    ], False


_Bounds = tuple[datetime | None, datetime | None]


def tenures(versions: Sequence[Site], party_id: UUID | None) -> list[_Bounds]:
    """When the site was the party's: from each first instant until before the second, None without a bound.

    At an instant the last written of the versions valid from then or earlier holds; before all of them the first."""
    starts = sorted({version.valid_from for version in versions})
    found: list[_Bounds] = []
    for since, until in pairwise([None, *starts, None]):
        valid = [version for version in versions if since is not None and version.valid_from <= since]
        holder = (valid or versions[:1])[-1].party_id
        if holder != party_id:
            continue
        if found and found[-1][1] is not None and found[-1][1] == since:
            since = found.pop()[0]
        found.append((since, until))
    return found


def _within(tenure: _Bounds, asked: SalesAsked) -> _Bounds | None:
    """What of the tenure was asked for."""
    since = max((bound for bound in (tenure[0], asked.since) if bound is not None), default=None)
    until = min((bound for bound in (tenure[1], asked.until) if bound is not None), default=None)
    return None if since is not None and until is not None and since >= until else (since, until)


# --- as the contract's ledger shows it ---


def _shown(snapshot: Snapshot, master_secret: bytes, sales: Sequence[Sold]) -> Iterator[dict[str, Any]]:
    keys = [sale.id for sale in sales]
    lines, claims = store.lines(snapshot, keys), store.claims(snapshot, keys, CLAIMS)
    named = {line.product_id for listed in lines.values() for line in listed if line.product_id}
    products = master.products(snapshot, named)
    secrets: dict[tuple[int, int], bytes] = {}
    for sale in sales:
        name = codes.receipt_name(sale.id)
        epoch = (name.device_number, name.epoch)
        if epoch not in secrets:
            secrets[epoch] = codes.receipt_secret(master_secret, *epoch)
        number, claimed = claims.get(sale.id, (0, []))
        yield {
            "id": event_id(sale.device_id, f"{name.epoch}/{name.counter}"),
            "receipt_code": codes.receipt_code(secrets[epoch], sale.id),
            "site_id": sale.site_id,
            "device_id": sale.device_id,
            "epoch": name.epoch,
            "counter": name.counter,
            "event_time": sale.event_time.astimezone(timezone(timedelta(minutes=sale.utc_offset))),
            "record_time": sale.record_time,
            "operator": sale.operator,
            "payment": sale.payment,
            "flags": sale.flags,
            "lines": [_line(line, products) for line in lines[sale.id]],
            "claim_count": number,
            "claims": [_claim(claim) for claim in claimed],
        }


def _line(line: SoldLine, products: Mapping[UUID, Product]) -> dict[str, Any]:
    product = products.get(line.product_id) if line.product_id else None
    measure = product.measure if product else _entered_as(line)
    grams, pieces = (line.amount, None) if measure == "weight" else (None, line.amount)
    return {
        "custody_id": line.custody_id,
        "product_id": line.product_id,
        "quantity": {"value": line.value, "unit": line.unit, "grams": grams, "pieces": pieces},
        "amount_fen": line.amount_fen,
    }


def _entered_as(line: SoldLine) -> str:
    """The measure of goods that nobody enrolled: as the scale's unit has it."""
    return "count" if parse_quantity(line.value, line.unit).grams is None else "weight"


def _claim(claim: Claimed) -> dict[str, Any]:
    """Another sale under the same number, as its scale sent it."""
    body = claim.body
    return {
        "event_time": body["event_time"],
        "record_time": claim.record_time,
        "operator": body.get("operator"),
        "payment": body.get("payment"),
        "lines": body["lines"],
    }
