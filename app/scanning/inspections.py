"""What authorities recorded about a place and who runs it: inspections, samplings, penalties, credit ratings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.domain.errors import Forbidden, NotFound
from app.domain.inspections import Inspection
from app.domain.rights import Principal, Role
from app.domain.rows import Party, Site
from app.scanning.answer import Shown
from app.scanning.audience import Audience, redact, sees
from app.scanning.names import Names, place
from app.store import inspections as store
from app.store.engine import Snapshot


def of_site(rows: Iterable[Inspection], here: Site, names: Names) -> list[Shown]:
    """Those of the place and of who runs it now, the newest first. What is said of who was there before is for the
    authority alone."""
    mine = [row for row in rows if row.party_id == here.party_id or names.audience(here.id) >= Audience.REGULATOR]
    return _told(mine, names, {here.id: here}, _replaced(mine))


def of_party(rows: Iterable[Inspection], party: Party, places: Iterable[Site], names: Names) -> list[Shown]:
    """Those of the party and of its places, the newest first."""
    listed = list(rows)
    return _told(listed, names, {site.id: site for site in places}, _replaced(listed))


def times(shown: Iterable[Shown]) -> list[datetime]:
    """When they were recorded."""
    return [record["record_time"] for record in shown]


def find_inspections(
    snapshot: Snapshot,
    principal: Principal,
    *,
    site_id: UUID | None = None,
    party_id: UUID | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Shown]:
    """The latest recorded first, at most `limit`, of what the principal may see. Forbidden for devices and labs."""
    _require_reader(principal)
    rows = store.search(
        snapshot, principal,
        site_id=site_id, party_id=party_id, kind=kind, since=since, after=after, limit=limit,
    )  # fmt: skip
    return _listed(snapshot, principal, rows)


def find_inspection(snapshot: Snapshot, principal: Principal, key: UUID) -> Shown:
    """Raises Forbidden, NotFound."""
    _require_reader(principal)
    rows = store.search(snapshot, principal, inspection_id=key)
    if not rows:
        raise NotFound("not-found", "没有这条监管记录，请检查编号 · There is no such record: check the id")
    return _listed(snapshot, principal, rows)[0]


def _require_reader(principal: Principal) -> None:
    if principal.role in (Role.DEVICE, Role.LAB, Role.AUDITOR):
        raise Forbidden(
            "forbidden",
            "监管记录由监管部门、市场和当事人查看，公开的见其编码的页面 · "
            "Such records are for the regulator, the market and whom they are about; what is public is on its page",
        )


def _listed(snapshot: Snapshot, principal: Principal, rows: Sequence[Inspection]) -> list[Shown]:
    names = Names(snapshot, principal).load([key for row in rows for key in (row.site_id, row.party_id)])
    known = {key: site for row in rows if (key := row.site_id) and (site := names.site(key))}
    replaced = store.replacements(snapshot, [row.id for row in rows])
    return [_shown(row, names, known, replaced, _audience(row, names)) for row in rows]


def _replaced(rows: Iterable[Inspection]) -> dict[UUID, UUID]:
    return {row.replaces: row.id for row in rows if row.replaces is not None}


def _told(
    rows: Iterable[Inspection], names: Names, sites: Mapping[UUID, Site], replaced: Mapping[UUID, UUID]
) -> list[Shown]:
    found = [
        _shown(row, names, sites, replaced, audience)
        for row in rows
        if sees(_shape(row, replaced), audience := _audience(row, names))
    ]
    return sorted(found, key=lambda shown: (shown["inspected_on"], shown["record_time"]), reverse=True)


def _audience(row: Inspection, names: Names) -> Audience:
    """Whoever reads the place, or the party, in full."""
    return max(names.audience(row.site_id), names.audience_of_party(row.party_id))


def _shape(row: Inspection, replaced: Mapping[UUID, UUID]) -> str:
    return "inspection" if row.public and row.id not in replaced else "private_inspection"


def _shown(
    row: Inspection, names: Names, sites: Mapping[UUID, Site], replaced: Mapping[UUID, UUID], audience: Audience
) -> Shown:
    fields = {
        "id": row.id,
        "kind": row.kind,
        "inspected_on": row.inspected_on,
        "result": row.result,
        "grade": row.grade,
        "score": row.score,
        "text": row.text,
        "number": row.number,
        "authority": row.authority,
        "site": place(sites.get(row.site_id)) if row.site_id else None,
        "party": place(names.party(row.party_id)),
        "public": row.public,
        "note": row.note,
        "replaces": row.replaces,
        "replaced_by": replaced.get(row.id),
        "record_time": row.record_time,
    }
    return redact(_shape(row, replaced), audience, fields)
