"""What happened on the way, from the farm to the reader: events as steps, with their papers and tests."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.domain.epcis.measured import measurements
from app.domain.inspections import Inspection
from app.domain.rows import Custody, Document, Event, Site, Slip
from app.domain.testing import OBJECTION
from app.scanning.answer import Gap, Shown, Step
from app.scanning.audience import Audience, redact
from app.scanning.chain import Chain, Way
from app.scanning.names import Names, goods, in_zone, local, place
from app.scanning.rows import Rows, slip_of
from app.store.engine import Snapshot

CAPTURED = "epcis."
# Recorded by an authority of its own standing, not by a party.
OFFICES = ("regulator", "admin")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that steps are told from, loaded at once for all custodies of a chain."""

    chain: Chain
    names: Names
    told: Mapping[UUID, list[Event]]  # custody → events that a page tells, corrected ones left out
    slips: Mapping[str, Slip]
    documents: Mapping[UUID, Document]
    attached: Mapping[UUID, list[tuple[UUID, UUID]]]  # subject → (document, event)
    retests: Mapping[tuple[UUID, str], list[Event]]  # (lot, item) → laboratory tests
    inspections: list[Inspection]


def gather(
    snapshot: Snapshot,
    names: Names,
    roots: Iterable[UUID],
    *,
    custodies: Iterable[Custody] = (),
    slips: Iterable[Slip] = (),
    named: Iterable[UUID | None] = (),
    inspected: Site | None = None,
) -> Facts:
    """What the roots came from, and all that is told of it: a statement a generation, and two. `custodies` and `slips`
    were read before, and the latter travel with the goods; `named` are named beside them, places with who runs them.
    Of a place that is asked for itself (`inspected`) its papers, who runs it and the records of authorities are read as
    well."""
    rows = Rows(snapshot, names)
    if inspected is None:
        rows.begin(named, ())
    else:
        rows.begin([*named, inspected.party_id], [inspected.id])
        rows.records_of(inspected.id, inspected.party_id)
    rows.have(custodies, slips)
    rows.read(roots)
    events, corrected = rows.events, rows.corrected

    told: dict[UUID, dict[UUID, Event]] = defaultdict(dict)
    happened = [(entry.custody_id, entry.event_id) for entry in rows.entries]
    happened += [(row.id, row.arrived_event_id) for row in rows.custodies.values() if row.kind == "custody"]
    for custody_id, event_id in happened:
        actual: UUID | None = event_id
        while actual in corrected:  # a replacement may have been replaced in its turn
            actual = corrected[actual]
        if actual is not None and actual in events:
            told[custody_id][actual] = events[actual]

    attached: dict[UUID, list[tuple[UUID, UUID]]] = defaultdict(list)
    for row in rows.attachments:
        if row.event_id not in corrected:
            attached[row.subject_id].append((row.document_id, row.event_id))
    retests: dict[tuple[UUID, str], list[Event]] = defaultdict(list)
    for custody_id, its in told.items():
        for event in its.values():
            if event.kind == "test" and event.body.get("stage") == "laboratory":
                retests[rows.custodies[custody_id].lot_id, str(event.body.get("item"))].append(event)
    return Facts(
        Chain(rows.custodies, rows.parents, rows.lots, rows.holds, frozenset(rows.cut), rows.recalls),
        names,
        {key: list(its.values()) for key, its in told.items()},
        rows.slips,
        rows.documents,
        attached,
        retests,
        rows.inspections,
    )


def steps_of(facts: Facts, way: Way, carrying: Slip | None = None) -> list[Step]:
    """Ordered by generation, the farthest first, then by event time: clocks differ, and feed is "shipped" after it was
    eaten. An event that touched several custodies stands once, with the nearest of them. `carrying` is the slip that
    the way's own goods travel with, where that is what was scanned."""
    found: dict[tuple[UUID, UUID | None], Step] = {}
    arrived_with: dict[UUID, set[str]] = defaultdict(set)  # sender's custody → slips that lead to the reader
    if carrying is not None:
        arrived_with[way.root].add(carrying.code)
        root = facts.chain.custodies[way.root]
        found[carrying.event_id, root.id] = shipping(facts, root, carrying, -1)
    for key in sorted(way.generation, key=lambda key: (way.generation[key], str(key))):
        custody = facts.chain.custodies.get(key)
        if custody is None or custody.kind == "gap":
            continue
        for event in facts.told.get(key, ()):
            code = slip_of(event)
            if event.kind == "admit" and code is not None and code not in arrived_with[key]:
                continue  # the slip of another branch
            found.setdefault((event.id, None), _step(facts, custody, event, way.generation[key]))
            slip = facts.slips.get(code) if code and event.kind == "receive" else None
            if code is None or slip is None:
                continue
            for link in facts.chain.parents[key]:
                parent = facts.chain.custodies.get(link.parent_id)
                if parent is not None and parent.site_id == slip.site_id and link.kind == "move":
                    arrived_with[parent.id].add(code)
                    behind = way.generation.get(parent.id, way.generation[key] + 1)
                    found.setdefault((slip.event_id, parent.id), shipping(facts, parent, slip, behind))
    return sorted(found.values(), key=lambda step: (-step.generation, step.event_time, str(step.event_id)))


def _step(facts: Facts, custody: Custody, event: Event, generation: int) -> Step:
    names, at = facts.names, event.event_time
    office = event.role in OFFICES and event.party_id is None
    judged = event.kind in ("test", "admit")
    return Step(
        event.id,
        kind_of(event),
        local(at, event.utc_offset),
        place(names.site(event.site_id or custody.site_id, at)),
        None if office and judged else place(names.party((event.party_id if judged else None) or custody.party_id, at)),
        goods(names.product(custody.product_id, at)),
        lot_number(facts, custody),
        [
            paper(facts, facts.documents[document_id], custody)
            for document_id, event_id in facts.attached.get(custody.id, ())
            if event_id == event.id and document_id in facts.documents
        ],
        [test_of(facts, custody, event)] if event.kind == "test" else [],
        custody.id,
        generation,
        readings_of(event),
        place(names.party(event.party_id, at)) if _by_others(event) else None,
        process=event.body.get("process") if event.kind == "transform" else None,
        decision=event.outcome.get("decision") if event.kind == "admit" else None,
        office=office,
    )


def _by_others(event: Event) -> bool:
    """Whether a captured event tells of a place of ours that is not its sender's."""
    return event.kind.startswith(CAPTURED) and any(
        flag["slug"] == "reported_by_others" for flag in event.outcome.get("flags", ())
    )


def readings_of(event: Event) -> list[Shown]:
    """What sensors measured, a row a sort: the least and the most of it, how often, from when until when."""
    sorts: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = defaultdict(list)
    if event.kind == "observe":
        for said in event.body["readings"]:
            sorts[said["type"], said["unit"]].append((datetime.fromisoformat(said["time"]), Decimal(said["value"])))
    elif event.kind.startswith(CAPTURED):
        for one in measurements(event.body, event.event_time):
            sorts[one.sort, one.unit].append((one.time, one.value))
    return [
        redact(
            "reading",
            Audience.PUBLIC,
            {
                "type": kind,
                "unit": unit,
                "least": str(min(value for _, value in found)),
                "most": str(max(value for _, value in found)),
                "count": len(found),
                "since": min(time for time, _ in found),
                "until": max(time for time, _ in found),
            },
        )
        for (kind, unit), found in sorts.items()
    ]


def shipping(facts: Facts, parent: Custody, slip: Slip, generation: int) -> Step:
    """A slip says all of a dispatch that the public may know."""
    names, at = facts.names, slip.shipped_at
    site = names.site(slip.site_id, at)
    return Step(
        slip.event_id,
        "ship",
        in_zone(at, site),
        place(site),
        place(names.party(slip.party_id, at)),
        goods(names.product(parent.product_id, at)),
        lot_number(facts, parent),
        [],
        [],
        parent.id,
        generation,
    )


def kind_of(event: Event) -> str:
    """Our own kind; for a captured event the short name of its business step (CBV 2.0 §7.1), else of its type."""
    if not event.kind.startswith(CAPTURED):
        return event.kind
    named = str(event.body.get("bizStep") or event.kind)
    for separator in ("/", ":", "#", "."):
        named = named.rsplit(separator, 1)[-1]
    return named.removeprefix("BizStep-") or event.kind


def recalled(facts: Facts, way: Way) -> datetime | None:
    """Since when the goods are recalled (CBV persistent disposition `recalled`, set and not unset since), by a captured
    event on them or on anything that they came from, claimed or not."""
    since: datetime | None = None
    for key in way.generation.keys() | way.shadow:
        state: datetime | None = None
        for event in sorted(facts.told.get(key, ()), key=lambda event: (event.event_time, str(event.id))):
            persistent = event.body.get("persistentDisposition") if event.kind.startswith(CAPTURED) else None
            if not isinstance(persistent, Mapping):
                continue
            if _names_recall(persistent.get("set")):
                state = event.event_time
            elif _names_recall(persistent.get("unset")):
                state = None
        if state is not None and (since is None or state < since):
            since = state
    return since


def _names_recall(values: Any) -> bool:
    return isinstance(values, list) and any(
        isinstance(value, str) and value.lower().endswith(("recalled", "disp-recalled")) for value in values
    )


def refusal_of(facts: Facts, custody_ids: Iterable[UUID], slips: Collection[str | None]) -> str | None:
    """Why the gate refused these custodies with these slips (None: without one), as "中文 · English"; the latest
    decision counts."""
    admissions = [
        e for key in custody_ids for e in facts.told.get(key, ()) if e.kind == "admit" and slip_of(e) in slips
    ]
    refusals = [e for e in admissions if e.outcome.get("decision") == "refused"]
    if not refusals:
        return None
    last = max(refusals, key=lambda event: (event.event_time, str(event.id)))
    details = [str(reason["detail"]).partition(" · ") for reason in last.outcome.get("reasons", ())]
    chinese, english = "；".join(zh for zh, _, _ in details), "; ".join(en or zh for zh, _, en in details)
    return f"{chinese} · {english}" if chinese else None


def test_of(facts: Facts, custody: Custody, event: Event) -> Shown:
    """A rapid failure is possible non-compliance (Food Safety Law §112): `presumptive` until a laboratory has confirmed
    it, and may be contested until `contest_until`; `retest` is the laboratory's verdict, where there is one."""
    body = event.body
    verdict = event.outcome.get("decision") or body.get("verdict")
    later = [
        retest
        for retest in facts.retests.get((custody.lot_id, str(body.get("item"))), ())
        if retest.id != event.id and retest.event_time >= event.event_time
    ]
    retest = None
    if body.get("stage") == "rapid" and later:
        retest = max(later, key=lambda e: (e.event_time, str(e.id))).outcome.get("decision")
    presumptive = body.get("stage") == "rapid" and verdict == "fail" and retest != "fail"
    open_until = event.record_time + OBJECTION if presumptive and retest is None else None
    tester = (
        None
        if event.role in OFFICES and event.party_id is None
        else facts.names.party(event.party_id, event.event_time)
    )
    return redact(
        "test",
        facts.names.audience(custody.site_id),
        {
            "event_id": event.id,
            "event_time": local(event.event_time, event.utc_offset),
            "product": goods(facts.names.product(custody.product_id, event.event_time)),
            "lot_number": lot_number(facts, custody),
            "stage": body.get("stage"),
            "item": body.get("item"),
            "method": body.get("method"),
            "value": body.get("value"),
            "unit": body.get("unit"),
            "limit": body.get("limit"),
            "verdict": verdict,
            "presumptive": presumptive,
            "contest_until": local(open_until, event.utc_offset) if open_until else None,
            "retest": retest,
            "party": place(tester),
            "sample_number": body.get("sample_number"),
            "tester": body.get("tester"),
        },
    )


def paper(facts: Facts, document: Document, custody: Custody) -> Shown:
    return paper_for(document, facts.names, custody.site_id)


def paper_for(document: Document, names: Names, site_id: UUID | None) -> Shown:
    """A document as those may see it who have to do with the site."""
    return redact(
        "private_document" if document.type == "other" else "document",
        names.audience(site_id),
        {
            "id": document.id,
            "type": document.type,
            "number": document.number,
            "issuer": document.issuer,
            "issued_on": document.issued_on,
            "expires_on": document.expires_on,
            "class": document.class_,
            "covers": document.covers,
        },
    )


def papers_of(facts: Facts, way: Way) -> list[Shown]:
    """Every document of the way, the farthest first, once."""
    found: dict[UUID, Shown] = {}
    for key in sorted(way.generation, key=lambda key: (-way.generation[key], str(key))):
        custody = facts.chain.custodies.get(key)
        if custody is None:
            continue
        ids = [document_id for document_id, _ in facts.attached.get(key, ())]
        ids += [UUID(text) for text in (custody.paper or {}).get("document_ids", ())]
        for document_id in ids:
            if document_id in facts.documents:
                found.setdefault(document_id, paper(facts, facts.documents[document_id], custody))
    return list(found.values())


def gaps_of(facts: Facts, way: Way) -> list[Gap]:
    """What is not known of the way, and what one side alone says of it."""
    names, found = facts.names, []
    for gap in facts.chain.open_gaps(way):
        claimed = [facts.chain.custodies.get(link.parent_id) for link in facts.chain.claims(gap)]
        source = next((custody for custody in claimed if custody is not None), None)
        said = gap.paper or {}
        fields = {
            "name": said.get("name"),
            "contact": said.get("contact"),
            "address": said.get("address"),
            "claimed": place(names.site(source.site_id, gap.arrived_at)) if source else None,
            "reported_by": place(names.party(gap.reported_by or gap.party_id, gap.arrived_at)),
        }
        receivers = [
            names.audience(child.site_id)
            for key, links in facts.chain.parents.items()
            if any(link.parent_id == gap.id for link in links) and (child := facts.chain.custodies.get(key)) is not None
        ]
        product = goods(names.product(gap.product_id, gap.arrived_at))
        told = gap.gap_reason == "outside" or source is not None
        shown = redact("source", max(receivers, default=names.audience(None)), fields) if told else None
        found.append(Gap(gap.id, gap.gap_reason or "outside", shown, way.generation[gap.id], product))
    found += [Gap(key, "truncated", None, way.generation[key] + 1) for key in facts.chain.cut_on(way)]
    return found


def lot_number(facts: Facts, custody: Custody) -> str | None:
    lot = facts.chain.lots.get(custody.lot_id)
    return lot.lot_number if lot else None
