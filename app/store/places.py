"""Sites that somebody answers for, as conditions of other tables' queries."""

from uuid import UUID

from sqlalchemy import Select, select

from app.domain.rights import Principal
from app.store import tables


def region_sites(principal: Principal) -> Select[tuple[UUID]]:
    """Ids of the sites in a regulator's region."""
    site = tables.site.c
    return select(site.id).where(site.region.startswith(principal.region or "-", autoescape=True))


def market_sites(principal: Principal) -> Select[tuple[UUID]]:
    """Ids of a market's sites: its own are roots, everything below one begins with its path."""
    site, root = tables.site.c, tables.site.alias("root")
    return (
        select(site.id)
        .join(root, site.path.startswith(root.c.path))
        .where(root.c.party_id == principal.party_id, root.c.parent_site_id.is_(None))
    )
