"""Places of captured events that are sites of ours: joined by GLN, and kept until the GLN is taken back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Connection, select, update

from app.domain import ids
from app.domain.epcis.identifiers import canonical_uri, check_digit_ok, gs1_key
from app.domain.rows import Site
from app.store import bulk, captures, master, raw, tables
from app.store.engine import Snapshot
from app.store.links import enrolled_parties, extensions


def sites_of(snapshot: Snapshot, uris: Iterable[str]) -> dict[str, UUID]:
    """Canonical URI of a place → site of ours, of those that are joined."""
    return {uri: site for uri, (site, _) in _known(snapshot, uris).items() if site != ids.captured_site_id(uri)}


def _known(snapshot: Snapshot, uris: Iterable[str]) -> dict[str, tuple[UUID, bool]]:
    """URI → its site, and whether its goods were computed since that was decided. A place whose joining was undone is
    its own site again."""
    rows = raw.select(snapshot, tables.site_alias, ("uri", "site_id", "settled"), "uri", sorted(uris))
    return {uri: (UUID(bytes=site), bool(settled)) for uri, site, settled in rows}


def join(connection: Connection, uris: Collection[str], now: datetime) -> set[str]:
    """Joins places to the sites that have their GLN. Returns those whose earlier goods are still to be computed again:
    `settled` once they are. The caller has `captures.serialise`d the connection."""
    known = _known(connection, uris)
    waiting = {uri for uri, (_, settled) in known.items() if not settled}
    free = {uri for uri in uris if uri not in known or known[uri][0] == ids.captured_site_id(uri)}
    found = {uri: site.id for uri, site in _candidates(connection, free).items()}
    before = master.sites(connection, [ids.captured_site_id(uri) for uri in found])
    told = {uri for uri in found if ids.captured_site_id(uri) in before or captures.sent_to(connection, [uri], 1)}
    _lead(connection, found, told | waiting, now)
    return waiting | told


def reconsider(connection: Connection, site_id: UUID, now: datetime) -> dict[str, UUID]:
    """As what the site is called by now has it: places that were joined to it and are not called so any more go to the
    site that is, else they are sites of their own again; places that are called so join it. What it is called by counts
    only as `join` has it. Returns the places whose goods are to be computed again, with their sites."""
    table, site = tables.site_alias.c, master.sites(connection, [site_id]).get(site_id)
    if site is None:
        return {}
    places = connection.scalars(select(table.uri).where(table.site_id == site_id))
    mine = {uri for uri in places if site.uri is None and _vouched(connection, [site])}
    now_at = {uri: other.id for uri, other in _candidates(connection, mine).items()}
    moved = {uri: now_at.get(uri, ids.captured_site_id(uri)) for uri in mine if now_at.get(uri) != site_id}
    _lead(connection, moved, set(moved), now)
    called = {name for version in master.versions(connection, [site_id])[site_id] for name in _names(version)}
    known = {row.uri for row in master.sites(connection, map(ids.captured_site_id, called)).values() if row.uri}
    known |= {uri for uri in called if captures.sent_to(connection, [uri], 1)}
    joined = join(connection, known, now)
    return moved | {uri: site for uri, (site, _) in _known(connection, joined).items()}


def _names(site: object) -> set[str]:
    """Canonical URIs of the places that a site is, by its GLN and extensions."""
    if not isinstance(site, Site) or site.gln is None:
        return set()
    said = [f"/254/{quote(extension, safe='')}" for extension in extensions(site)] or [""]
    return {canonical_uri(f"https://id.gs1.org/414/{site.gln}{extension}") for extension in said}


def _lead(connection: Connection, places: Mapping[str, UUID], unsettled: Collection[str], now: datetime) -> None:
    """Places to these sites from now on, with the events there."""
    for uri, site_id in places.items():
        _move_events(connection, uri, site_id)
    bulk.upsert(connection, tables.site_alias, [(uri, site, now, uri not in unsettled) for uri, site in places.items()])


def unsettle(connection: Connection, uris: Collection[str], now: datetime) -> frozenset[str]:
    """Places that others run than was thought: their goods are to be computed again, whatever becomes of who was to do
    it. Returns them, as `join` does from now on. The caller has `captures.serialise`d the connection."""
    known = _known(connection, uris)
    rows = [(uri, known[uri][0] if uri in known else ids.captured_site_id(uri), now, False) for uri in uris]
    bulk.upsert(connection, tables.site_alias, rows)
    return frozenset(uris)


def settle(connection: Connection, uris: Collection[str]) -> None:
    """What happened at these places has been computed again."""
    alias = tables.site_alias.c
    for chunk in master.chunks(uris):
        connection.execute(update(tables.site_alias).where(alias.uri.in_(chunk)).values(settled=True))


def join_all(connection: Connection, now: datetime) -> set[str]:
    """As `join`, for every place that was ever captured, and for whatever goods were sent to."""
    places = connection.scalars(select(tables.site.c.uri).where(tables.site.c.uri.is_not(None)))
    return join(connection, {*places, *captures.destinations(connection)}, now)


Called = tuple[str, str | None]  # GLN, extension


def _candidates(snapshot: Snapshot, uris: Collection[str]) -> dict[str, Site]:
    """The one site of ours with the GLN (and extension, if any) that a URI names, if somebody other than its own party
    has written that: who may read what others assert of a place is not for whoever claims the place to decide."""
    places: dict[Called, str] = {}
    for uri in uris:
        link = gs1_key(uri)
        if link is not None and link.key == "414" and check_digit_ok(link):
            places[link.value, link.qualifier("254")] = uri
    called: dict[Called, list[Site]] = defaultdict(list)
    for site in master.where_in(snapshot, Site, tables.site.c.gln, {gln for gln, _ in places}):
        if site.gln is not None and site.uri is None:
            for extension in tuple(extensions(site)) or (None,):
                called[site.gln, extension].append(site)
    single = {key: called[key][0] for key in places if len(called[key]) == 1}
    vouched = _vouched(snapshot, single.values())
    found = {places[key]: site for key, site in single.items() if site.id in vouched}
    return found | _only_sites(snapshot, uris)


def _only_sites(snapshot: Snapshot, uris: Collection[str]) -> dict[str, Site]:
    """The sites of parties that have one, by their GLN of party (417), as `enrolled_parties` has it."""
    parties = enrolled_parties(snapshot, uris)
    run: dict[UUID | None, list[Site]] = defaultdict(list)
    for site in master.sites_of_parties(snapshot, {party.id for party in parties.values()}) if parties else ():
        if site.uri is None:
            run[site.party_id].append(site)
    return {uri: run[party.id][0] for uri, party in parties.items() if len(run[party.id]) == 1}


def _vouched(snapshot: Snapshot, sites: Iterable[Site]) -> set[UUID]:
    """Those whose GLN was written by another office than their own party: the operator, or the market they lie in."""
    listed = {site.id: site for site in sites}
    versions = master.versions(snapshot, listed)
    writers = master.changers(snapshot, listed)
    found = set()
    for key in listed:
        called, vouched = None, False
        for version, (writer, _) in zip(versions[key], writers[key], strict=True):
            if isinstance(version, Site) and (version.gln, extensions(version)) != called:
                called, vouched = (version.gln, extensions(version)), writer not in (None, version.party_id)
        if vouched:
            found.add(key)
    return found


def _move_events(connection: Connection, uri: str, site_id: UUID) -> None:
    event, shown = tables.event.c, tables.epcis_event.c
    keys = captures.seen_at(connection, [uri])
    for chunk in master.chunks(keys):
        connection.execute(update(tables.event).where(event.id.in_(chunk)).values(site_id=site_id))
        connection.execute(update(tables.epcis_event).where(shown.event_id.in_(chunk)).values(site_id=site_id))
