"""What a sweep raises beside findings: silent scales, licences and papers that ran out. Each alert's id follows from
what it is about, so that a sweep that comes again raises nothing twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.alerts import Alert, raised
from app.domain.opening import Opening, open_between
from app.domain.rows import Document, Party, Site
from app.store import master, sweeping
from app.store.engine import Snapshot

FROM_SIX_TO_SEVEN: Final = Opening(6 * 60, 19 * 60)
HOME: Final = ZoneInfo("Asia/Shanghai")
FORGOTTEN: Final = timedelta(days=14)  # a scale that has been silent for longer is out of use
SOLD_DAYS, OF_DAYS = 3, 7  # a scale that sold on so many of the days before is one that is used daily
SOON: Final = timedelta(days=30)
LONG_AGO: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Watch:
    """`silent`: how long a scale may say nothing while its market is open."""

    opening: Opening = FROM_SIX_TO_SEVEN
    silent: timedelta = timedelta(hours=4)


def silent_devices(snapshot: Snapshot, watch: Watch, now: datetime) -> Iterator[list[Alert]]:
    """Scales that sold daily and have not called while their market was open; one alert a silence."""
    for block in sweeping.last_seen(snapshot, now - FORGOTTEN, now - watch.silent):
        sites = master.sites(snapshot, {device.site_id for device, _ in block})
        found = []
        for device, seen in block:
            site = sites[device.site_id]
            zone = ZoneInfo(site.time_zone)
            if site.status == "locked" or open_between(seen, now, zone, watch.opening) < watch.silent:
                continue
            days = (sweeping.sold_on(snapshot, device, seen - timedelta(days=n)) for n in range(1, OF_DAYS + 1))
            if sum(days) < SOLD_DAYS:
                continue
            local = seen.astimezone(zone)
            said = f"{device.name}，最后联络 {local:%m-%d %H:%M}", f"{device.name}, last heard of {local:%m-%d %H:%M}"
            found.append(
                raised(
                    "silent_device", device.id, local.date(), said, site_id=site.id, party_id=site.party_id,
                    device_id=device.id, event_time=seen, record_time=now,
                )
            )  # fmt: skip
        yield found


def licences(snapshot: Snapshot, now: datetime) -> Iterator[list[Alert]]:
    """Licences of parties that have expired, or will within thirty days."""
    today = now.astimezone(HOME).date()
    for parties in sweeping.parties(snapshot):
        ending = [
            (party, licence, date.fromisoformat(licence["expires_on"]))
            for party in parties
            for licence in party.licences
            if party.status != "locked" and licence.get("expires_on")
        ]
        ending = [(party, licence, last) for party, licence, last in ending if last <= today + SOON]
        places = _places(snapshot, [party for party, _, _ in ending])
        yield [
            raised(
                "licence_expired" if last < today else "licence_expiring",
                f"{party.id}/{licence['scheme']}/{licence['number']}", last,
                (f"{party.name} {licence['number']}，{last}", f"{party.name} {licence['number']}, {last}"),
                site_id=places.get(party.id), party_id=party.id, event_time=now, record_time=now,
            )
            for party, licence, last in ending
        ]  # fmt: skip


def papers(snapshot: Snapshot, now: datetime) -> Iterator[list[Alert]]:
    """Papers of sites, and licences that parties have deposited, that ran out and were not replaced."""
    today = now.astimezone(HOME).date()
    for block in sweeping.expired_papers(snapshot, today - LONG_AGO, today):
        by_id = {paper.id: paper for paper in block}
        pairs = sweeping.speaks_for_sites(snapshot, by_id)
        known = sweeping.papers_of_sites(snapshot, {site for site, _ in pairs})
        sites = master.sites(snapshot, known)
        yield [
            _ran_out(by_id[paper], f"{site}/{paper}", sites[site].name, site, sites[site].party_id, now)
            for site, paper in pairs
            if not _replaced(by_id[paper], known[site], today)
        ]
        owned = [paper for paper in block if paper.owner_party_id is not None and paper.type in sweeping.LICENCES]
        owners = {paper.owner_party_id for paper in owned if paper.owner_party_id is not None}
        deposited = sweeping.licences_of(snapshot, owners)
        parties = master.parties(snapshot, owners)
        places = _places(snapshot, list(parties.values()))
        yield [
            _ran_out(paper, f"{key}/{paper.id}", parties[key].name, places.get(key), key, now)
            for paper in owned
            if (key := paper.owner_party_id) is not None and not _replaced(paper, deposited[key], today)
        ]


def _replaced(paper: Document, others: list[Document], today: date) -> bool:
    """Whether another of its type is good."""
    return any(other.type == paper.type and (other.expires_on is None or other.expires_on >= today) for other in others)


def _ran_out(paper: Document, subject: str, whose: str, site: UUID | None, party: UUID | None, now: datetime) -> Alert:
    name = paper.number or paper.type
    said = f"{whose} {name}，{paper.expires_on}", f"{whose} {name}, {paper.expires_on}"
    return raised(
        "paper_expired", subject, paper.expires_on, said, site_id=site, party_id=party, event_time=now, record_time=now
    )


def _places(snapshot: Snapshot, parties: list[Party]) -> dict[UUID, UUID]:
    """A site of each party, one in its region if there is any: whoever answers for the place is told."""
    from_region = {party.id: party.region for party in parties}
    found: dict[UUID, Site] = {}
    for site in sorted(master.sites_of_parties(snapshot, from_region), key=lambda site: site.id):
        here = site.region == from_region[site.party_id]
        if site.party_id not in found or (here and found[site.party_id].region != site.region):
            found[site.party_id] = site
    return {party: site.id for party, site in found.items()}
