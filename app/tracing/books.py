"""Whose books a balance is of, and what of them its reader may know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Site
from app.store import chain, master
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.sold import traded_at
from app.tracing.names import HOME
from app.tracing.sight import EVERYTHING, Hands, Sight, sight

Kind = Literal["custody", "lot", "site", "party"]

SITES: Final = 3_000


@dataclass(frozen=True, slots=True)
class Subject:
    """`keys`: what `store.pages` goes by; `inside` whether a custody (as HANDS) is of it; `sites`: where its sales may
    have been booked, None for those of every custody; `zone`: whose days count."""

    keys: tuple[str, list[UUID]]
    inside: Callable[[Row], bool]
    sites: list[UUID] | None
    zone: ZoneInfo
    owned: bool


def subject_of(snapshot: Snapshot, reader: Principal, kind: Kind, key: UUID) -> Subject:
    match kind:
        case "custody":
            if not chain.is_custody(snapshot, key):
                raise _unknown("custody", "流转批次", key)
            return Subject(("id", [key]), lambda row: row[0] == key.bytes, None, HOME, False)
        case "lot":
            if not chain.is_lot(snapshot, key):
                raise _unknown("lot", "批次", key)
            return Subject(("lot_id", [key]), lambda row: row[2] == key.bytes, None, HOME, False)
        case "site":
            return _of_site(snapshot, reader, key)
        case _:
            return _of_party(snapshot, reader, key)


def _of_site(snapshot: Snapshot, reader: Principal, key: UUID) -> Subject:
    site = master.sites(snapshot, [key]).get(key)
    if site is None:
        raise _unknown("site", "场所", key)
    if not owns_site(reader, site, master.markets(snapshot, [site])[site.id]) and not _stood_there(
        snapshot, reader, site
    ):
        raise _not_yours(key)
    below = [each.id for each in master.sites_below(snapshot, [site.path])]
    if len(below) > SITES:
        raise Invalid(
            "invalid",
            f"场所超过 {SITES} 个，请分开查询 · more than {SITES} sites: ask for them one by one",
            pointer="?site",
        )
    own = {each.bytes for each in below}
    tenant = reader.party_id.bytes if reader.role in (Role.VENDOR, Role.PRODUCER) and reader.party_id else None
    above = [UUID(hex=part) for part in site.path.strip("/").split("/")]
    return Subject(
        ("site_id", below),
        # The operator of the time: a stall that changes hands takes no books along.
        lambda row: row[4] in own and (tenant is None or row[5] == tenant),
        list(dict.fromkeys([*above, *below])),
        ZoneInfo(site.time_zone),
        True,
    )


def _stood_there(snapshot: Snapshot, reader: Principal, site: Site) -> bool:
    if reader.role not in (Role.VENDOR, Role.PRODUCER):
        return False
    versions = master.versions(snapshot, [site.id]).get(site.id, [])
    return any(isinstance(version, Site) and version.party_id == reader.party_id for version in versions)


def _of_party(snapshot: Snapshot, reader: Principal, key: UUID) -> Subject:
    if key not in master.parties(snapshot, [key]):
        raise _unknown("party", "主体", key)
    sites = master.sites_of_party(snapshot, key)
    markets = master.markets(snapshot, sites)
    own = {site.id.bytes for site in sites if owns_site(reader, site, markets[site.id])}
    everything = reader.role is Role.ADMIN or reader.party_id == key
    if not everything and not own:
        raise _not_yours(key)
    above = {UUID(hex=part) for site in traded_at(snapshot, key) for part in site.path.strip("/").split("/")}
    return Subject(
        ("party_id", [key]),
        lambda row: row[5] == key.bytes and (everything or row[4] in own),
        sorted(above),
        HOME,
        True,
    )


def _unknown(name: str, name_zh: str, key: UUID) -> NotFound:
    return NotFound(f"unknown-{name}", f"没有这个{name_zh}：{key} · no {name} {key}; check it", identity=str(key))


def _not_yours(key: UUID) -> Forbidden:
    return Forbidden(
        "not-yours",
        "只能查询自己名下的台账 · the books of a site or party are its own: ask for one of yours",
        identity=str(key),
    )


def sight_of(snapshot: Snapshot, reader: Principal, rows: list[Row]) -> Sight:
    """What of the custodies the reader may know: its own and one step around them."""
    if reader.role is Role.ADMIN:
        return EVERYTHING
    keys = [row[0] for row in rows]
    links = chain.neighbours(snapshot, keys)
    hands = {row[0]: Hands(row[5], row[6], False) for row in rows}
    further = {end for link in links for end in link[:2]} - hands.keys()
    for key, kind, _, site, party in chain.hands(snapshot, further):
        hands[key] = Hands(site, party, kind == "gap")
    sites = master.sites(snapshot, {UUID(bytes=held.site_id) for held in hands.values() if held.site_id is not None})
    markets = master.markets(snapshot, sites.values())
    tested = _tested(snapshot, reader, keys)
    return sight(reader, hands, links, {key.bytes: site for key, site in sites.items()}, markets, tested)


def _tested(snapshot: Snapshot, reader: Principal, keys: list[bytes]) -> set[bytes]:
    if reader.role is not Role.LAB or reader.party_id is None:
        return set()
    touches = chain.touches(snapshot, keys)
    events = {
        row[0]
        for row in chain.events(snapshot, {event for _, event in touches})
        if row[2] == "test" and row[7] == reader.party_id.bytes
    }
    return {custody for custody, event in touches if event in events}
