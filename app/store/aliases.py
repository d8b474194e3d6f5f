"""Places of captured events that are sites of ours: joined by GLN once, and kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from app.domain import ids
from app.domain.epcis.identifiers import check_digit_ok, gs1_key
from app.domain.rows import Site
from app.store import bulk, captures, master, raw, tables
from app.store.engine import Snapshot
from app.store.links import extensions

_CHUNK = 500


def sites_of(snapshot: Snapshot, uris: Iterable[str]) -> dict[str, UUID]:
    """Canonical URI of a place → site of ours, of those that were joined."""
    rows = raw.select(snapshot, tables.site_alias, ("uri", "site_id"), "uri", sorted(uris))
    return {uri: UUID(bytes=site) for uri, site in rows}


def join(connection: Connection, uris: Collection[str], now: datetime) -> set[str]:
    """Joins places to the sites that have their GLN. Returns those whose earlier goods are still to be computed again:
    `settled` once they are. The caller has `captures.serialise`d the connection."""
    rows = raw.select(connection, tables.site_alias, ("uri", "settled"), "uri", sorted(uris))
    waiting = {uri for uri, settled in rows if not settled}
    found = _candidates(connection, set(uris) - {uri for uri, _ in rows})
    before = master.sites(connection, [ids.captured_site_id(uri) for uri in found])
    sent = {uri for uri in found if captures.sent_to(connection, [uri], 1)}
    joined = []
    for uri, site in found.items():
        old = ids.captured_site_id(uri)
        if old in before:
            _move_events(connection, old, site.id)
        if old in before or uri in sent:
            waiting.add(uri)
        joined.append((uri, site.id, now, uri not in waiting))
    bulk.insert(connection, tables.site_alias, joined)
    return waiting


def settle(connection: Connection, uris: Collection[str]) -> None:
    """What happened at these places has been computed again."""
    alias = tables.site_alias.c
    for chunk in master.chunks(uris):
        connection.execute(update(tables.site_alias).where(alias.uri.in_(chunk)).values(settled=True))


def join_all(connection: Connection, now: datetime) -> set[str]:
    """As `join`, for every place that was ever captured."""
    places = connection.scalars(select(tables.site.c.uri).where(tables.site.c.uri.is_not(None)))
    return join(connection, set(places), now)


Called = tuple[str, str | None]  # GLN, extension


def _candidates(snapshot: Snapshot, uris: Iterable[str]) -> dict[str, Site]:
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
    return {places[key]: site for key, site in single.items() if site.id in vouched}


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


def _move_events(connection: Connection, old: UUID, new: UUID) -> None:
    event, shown = tables.event.c, tables.epcis_event.c
    while keys := connection.scalars(select(event.id).where(event.site_id == old).limit(_CHUNK)).all():
        connection.execute(update(tables.event).where(event.id.in_(keys)).values(site_id=new))
        connection.execute(update(tables.epcis_event).where(shown.event_id.in_(keys)).values(site_id=new))
