"""The rows that somebody may list: the rules of app.domain.rights as conditions, in pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select

from app.domain.rights import Principal, Role
from app.domain.rows import Device, Party, Product, Site
from app.store import keys, master, tables
from app.store.engine import Snapshot
from app.store.keys import ApiKey

Place = tuple[datetime, UUID]
Conditions = Sequence[ColumnElement[bool]]


def parties(snapshot: Snapshot, principal: Principal, after: Place | None, limit: int) -> list[Party]:
    return master.page(snapshot, Party, _parties(snapshot, principal), after, limit)


def sites(snapshot: Snapshot, principal: Principal, after: Place | None, limit: int) -> list[Site]:
    return master.page(snapshot, Site, own_sites(snapshot, principal), after, limit)


def own(snapshot: Snapshot, principal: Principal) -> list[Site]:
    """All sites that are the principal's own."""
    return master.where(snapshot, Site, *own_sites(snapshot, principal))


def products(snapshot: Snapshot, after: Place | None, limit: int) -> list[Product]:
    return master.page(snapshot, Product, (), after, limit)


def devices(snapshot: Snapshot, principal: Principal, after: Place | None, limit: int) -> list[Device]:
    return master.page(snapshot, Device, _devices(snapshot, principal), after, limit)


def api_keys(snapshot: Snapshot, principal: Principal, after: Place | None, limit: int) -> list[ApiKey]:
    key = tables.api_key
    match principal.role:
        case Role.ADMIN:
            conditions: Conditions = ()
        case Role.MARKET:
            seen = select(tables.party.c.id).where(*_parties(snapshot, principal))
            standing = select(tables.device.c.id).where(*_devices(snapshot, principal))
            conditions = (or_(key.c.party_id.in_(seen), key.c.device_id.in_(standing)),)
        case Role.VENDOR | Role.PRODUCER | Role.LAB:
            conditions = (key.c.party_id == principal.party_id,)
        case Role.REGULATOR | Role.DEVICE | Role.AUDITOR:
            conditions = (key.c.id == principal.key_id,)
    return keys.page(snapshot, conditions, after, limit)


def _parties(snapshot: Snapshot, principal: Principal) -> Conditions:
    party, site = tables.party, tables.site
    match principal.role:
        case Role.ADMIN:
            return ()
        case Role.REGULATOR:
            return (_in_region(party.c.region, principal),)
        case Role.MARKET:
            under = select(site.c.party_id).where(*own_sites(snapshot, principal))
            own = principal.party_id
            return (or_(party.c.id == own, party.c.enrolled_by == own, party.c.id.in_(under)),)
        case Role.VENDOR | Role.PRODUCER | Role.LAB:
            return (party.c.id == principal.party_id,)
        case Role.DEVICE | Role.AUDITOR:
            return (false(),)


def own_sites(snapshot: Snapshot, principal: Principal) -> Conditions:
    """The sites that are the principal's own, as they stand now."""
    site = tables.site
    match principal.role:
        case Role.ADMIN:
            return ()
        case Role.REGULATOR:
            return (_in_region(site.c.region, principal),)
        case Role.MARKET:
            roots = _paths(
                snapshot,
                select(site.c.path).where(site.c.party_id == principal.party_id, site.c.parent_site_id.is_(None)),
            )
            return (or_(site.c.party_id == principal.party_id, *map(master.below, roots)),)
        case Role.VENDOR | Role.PRODUCER:
            return (site.c.party_id == principal.party_id,)
        case Role.DEVICE:
            own = _paths(snapshot, select(site.c.path).where(site.c.id == principal.site_id))
            return (or_(false(), *map(master.below, own)),)
        case Role.LAB | Role.AUDITOR:
            return (false(),)


def _devices(snapshot: Snapshot, principal: Principal) -> Conditions:
    if principal.role is Role.DEVICE:
        return (tables.device.c.id == principal.device_id,)
    conditions = own_sites(snapshot, principal)
    if not conditions:
        return ()
    return (tables.device.c.site_id.in_(select(tables.site.c.id).where(*conditions)),)


def _paths(snapshot: Snapshot, statement: Select[tuple[Any]]) -> list[str]:
    return list(snapshot.execute(statement).scalars())


def _in_region(column: ColumnElement[Any], principal: Principal) -> ColumnElement[bool]:
    return false() if principal.region is None else column.startswith(principal.region, autoescape=True)
