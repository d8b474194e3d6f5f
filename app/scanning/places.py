"""What the code of a stall, shop, farm or market (S) and of a party (P) answers: who they are and what they have."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from app.domain.rights import Principal
from app.domain.rows import Code, Custody, Party, Site
from app.scanning import inspections
from app.scanning.answer import STATUSES, Answer, Gap, Reason, Shown, Step, Stock
from app.scanning.audience import Audience, redact
from app.scanning.batches import judged, newest, revoked, unknown
from app.scanning.chain import Way
from app.scanning.names import Names, goods, in_zone, place
from app.scanning.own import own_view, party_actions, site_actions
from app.scanning.story import Facts, gaps_of, gather, lot_number, paper_for, steps_of
from app.store import master
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found, look_up

# Rice may lie half a year; what is older was not counted.
ON_SALE = timedelta(days=180)
GOODS = 200  # the newest of a whole market; boards show more

_NOW_HELD = ("receive", "return", "produce", "transform")


def site(snapshot: Snapshot, row: Code, found: Found, now: datetime, reader: Principal | None) -> Answer:
    """A place, `found` with its history and the places within it: who runs it, what it has now and from
    whom, and how that was tested."""
    names = Names(snapshot, reader)
    names.learn(found.of(store.PLACE_VERSIONS), [row.subject_id])
    here = names.site(row.subject_id)
    if here is None:
        raise unknown(row.code)
    within = [here.id, *sorted({place.id for place in found.of(store.PLACES_WITHIN)} - {here.id})]
    midnight = in_zone(now, here).replace(hour=0, minute=0, second=0, microsecond=0)
    there = store.there(snapshot, within, now - ON_SALE, midnight, GOODS)
    roots = [custody.id for custody in there]
    facts = gather(snapshot, names, roots, custodies=there, inspected=here)
    party = names.party(here.party_id)
    ways = {key: facts.chain.way(key) for key in roots}
    steps = {key: steps_of(facts, way) for key, way in ways.items()}
    stock = [
        _stock(facts, ways[custody.id], custody, steps[custody.id], now) for custody in there if custody.on_hand > 0
    ]
    audience = names.audience(here.id)
    records = inspections.of_site(facts.inspections, here, names)
    documents = [facts.documents[key] for key, _ in facts.attached.get(here.id, ()) if key in facts.documents]
    return Answer(
        row.code,
        "site",
        revoked(row) + standing(here, party),
        site=place(here),
        party=place(party),
        steps=_arrivals(step for its in steps.values() for step in its),
        gaps=_gaps(facts, ways.values()),
        documents=licences(party, audience) + [paper_for(document, names, here.id) for document in documents],
        tests=_tests(step for its in steps.values() for step in its),
        inspections=records,
        stock=stock,
        record_time=newest(
            facts, [here.record_time, row.revoked_at or row.minted_at, *inspections.times(records)], ways.values()
        ),
        replacement=row.replacement,
        own=None if reader is None else own_view(site_actions(reader, here, audience)),
    )


def party(snapshot: Snapshot, row: Code, _: Found, now: datetime, reader: Principal | None) -> Answer:
    """A firm or person: who it is, its licences, its places."""
    names = Names(snapshot, reader)
    known = look_up(snapshot, dict.fromkeys((store.VERSIONS, store.INSPECTED), (row.subject_id,)))
    names.learn(known.of(store.VERSIONS), [row.subject_id])
    found = names.party(row.subject_id)
    if found is None:
        raise unknown(row.code)
    places = sorted(master.sites_of_party(snapshot, found.id), key=lambda site: (site.record_time, site.id))
    names.load([site.id for site in places] if reader is not None else [])
    records = inspections.of_party(known.of(store.INSPECTED), found, places, names)
    return Answer(
        row.code,
        "party",
        revoked(row) + standing(None, found),
        site=place(places[0]) if len(places) == 1 else None,
        party=place(found),
        documents=licences(found, max(map(names.audience, (site.id for site in places)), default=Audience.PUBLIC)),
        inspections=records,
        record_time=max(found.record_time, row.revoked_at or row.minted_at, *inspections.times(records)),
        replacement=row.replacement,
        places=[shown for site in places if (shown := place(site)) is not None],
        own=None if reader is None else own_view(party_actions(found, names.audience_of_party(found.id))),
    )


def standing(site: Site | None, party: Party | None) -> list[Reason]:
    """Whether they may trade at all."""
    reasons = []
    for row, zh, en in ((party, "经营者", "the operator"), (site, "场所", "the place")):
        if row is None or row.status == "active":
            continue
        if row.status == "pending":
            reasons.append(Reason("pending", f"{zh}尚未通过审核启用 · {en} has not been confirmed yet"))
        else:
            why = row.status_reason or ""
            zh_why, _, en_why = why.partition(" · ")
            reasons.append(
                Reason(
                    "held",
                    f"{zh}已被停业或锁定{'：' + zh_why if why else ''} · "
                    f"{en} may not trade now{': ' + (en_why or zh_why) if why else ''}",
                )
            )
    return reasons


def licences(party: Party | None, audience: Audience) -> list[Shown]:
    """A party's licences as documents: the display duty of Food Safety Law §35 and the E-Commerce Law §15."""
    if party is None:
        return []
    found: list[dict[str, Any]] = []
    if party.credit_code:
        found.append({"type": "business_licence", "number": party.credit_code, "expires_on": None, "class": None})
    for licence in party.licences:
        scheme = str(licence.get("scheme") or "")
        found.append(
            {
                "type": _LICENCES.get(scheme.upper(), "other"),
                "number": licence.get("number"),
                "expires_on": licence.get("expires_on"),
                "class": scheme or None,
            }
        )
    empty = {"id": None, "issuer": None, "issued_on": None, "covers": None}
    return [
        redact("private_document" if fields["type"] == "other" else "document", audience, empty | fields)
        for fields in found
    ]


_LICENCES = {"SC": "production_licence", "JY": "business_licence"}


def sources_of(facts: Facts, custody: Custody) -> tuple[list[str], bool]:
    """Who the goods came from, and whether their receiver alone says so."""
    parents = [facts.chain.custodies.get(link.parent_id) for link in facts.chain.parents[custody.id]]
    sources = [
        known.name
        for parent in parents
        if parent is not None and parent.kind == "custody"
        if (known := facts.names.party(parent.party_id, custody.arrived_at)) is not None
    ]
    reported = [
        str(parent.paper["name"])
        for parent in parents
        if parent is not None and parent.kind == "gap" and parent.paper and parent.paper.get("name")
    ]
    return list(dict.fromkeys(sources or reported)), bool(reported) and not sources


def _stock(facts: Facts, way: Way, custody: Custody, steps: list[Step], now: datetime) -> Stock:
    found = {reason.status for reason in judged(facts, way, now)}
    names = facts.names
    sources, reported = sources_of(facts, custody)
    fields = {
        "code": custody.code,
        "product": goods(names.product(custody.product_id, custody.arrived_at)),
        "lot_number": lot_number(facts, custody),
        "status": next((status for status in STATUSES if status in found), "ok"),
        "since": in_zone(custody.arrived_at, names.site(custody.site_id)),
    }
    return Stock(
        redact("stock", Audience.PUBLIC, fields),
        sources,
        reported,
        [test for step in steps for test in step.tests],
    )


def _arrivals(steps: Iterable[Step]) -> list[Step]:
    """How the goods came to the place: one step back, no further."""
    near = {
        (step.event_id, step.custody_id): step
        for step in steps
        if (step.generation == 0 and step.kind in _NOW_HELD) or (step.generation == 1 and step.kind == "ship")
    }
    return sorted(near.values(), key=lambda step: (step.event_time, str(step.event_id), str(step.custody_id)))


def _tests(steps: Iterable[Step]) -> list[Shown]:
    """The newest first."""
    found = {test["event_id"]: test for step in steps for test in step.tests}
    return sorted(found.values(), key=lambda test: (test["event_time"], str(test["event_id"])), reverse=True)


def _gaps(facts: Facts, ways: Iterable[Way]) -> list[Gap]:
    return list({gap.node_id: gap for way in ways for gap in gaps_of(facts, way)}.values())
