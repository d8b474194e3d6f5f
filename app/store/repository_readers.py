"""What of the repository somebody may read, as the beginnings of indexes."""

from uuid import UUID

from sqlalchemy import select

from app.domain.rights import Principal, Role
from app.store import tables
from app.store.engine import Snapshot
from app.store.places import market_sites, region_sites
from app.store.repository_rows import Key
from app.store.tables.published import ASSERTED, OWN

MOST = 10_000  # sites that are told one by one

_BY_OFFICES = "\"role\" NOT IN ('vendor', 'producer', 'device')"


def keys_of(snapshot: Snapshot, principal: Principal) -> list[Key] | None:
    """As `events.visible_to` has it: what it recorded itself, what its party asserts, and what was recorded at its
    sites. None for who may read everything, or at more sites than can be told one by one."""
    site, party = tables.site.c, principal.party_id
    # A party that asserts something records it by itself: its keys bear no device.
    found = [Key("recorder_id", principal.recorder_id, OWN)]
    if principal.role in (Role.VENDOR, Role.PRODUCER, Role.MARKET) and party is not None:
        found.append(Key("party_id", party, ASSERTED))
    match principal.role:
        case Role.ADMIN:
            return None
        case Role.REGULATOR:
            sites, also = region_sites(principal), ""
        case Role.MARKET:
            sites, also = market_sites(principal), ""
        case Role.VENDOR | Role.PRODUCER:
            sites, also = select(site.id).where(site.party_id == party), _BY_OFFICES
        case Role.LAB | Role.DEVICE | Role.AUDITOR:
            return found
    listed: list[UUID] = list(snapshot.scalars(sites.distinct().limit(MOST + 1)))
    return None if len(listed) > MOST else found + [Key("site_id", one, also) for one in sorted(listed)]
