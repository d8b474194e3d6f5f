"""What one place adds to a board: its goods, and what was tested, refused and delivered there today.

A board of a market is put together from the stands of its stalls, each kept apart: a change at one stall costs the
reading of that stall.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.domain.rows import Custody, Event, Site, Slip, SlipItem
from app.scanning.answer import STATUSES, Answer, Reason, Shown
from app.scanning.audience import Audience, redact
from app.scanning.batches import judged, newest, unknown
from app.scanning.chain import Way
from app.scanning.names import Names, goods, in_zone, place
from app.scanning.places import GOODS, ON_SALE, sources_of, standing
from app.scanning.rows import slip_of
from app.scanning.story import gather, lot_number, refusal_of, test_of
from app.store import boards as store
from app.store import codes, scan
from app.store.engine import Snapshot

GRAVE = STATUSES[: STATUSES.index("pending")]  # what must not be sold

# Who has bought such goods within so long is warned as well.
WARNED = ("recalled", "held")
RECENT = timedelta(days=3)

# A slip's code receives the goods of an open slip: the end of it is enough to know a paper by.
SLIP_DIGITS = 6

KITCHEN = 8  # steps of work in one place that are looked through for what a dish was made of


@dataclass(frozen=True, slots=True)
class Stand:
    """A place and its part of a board, everything redacted for the public, the newest first. `reasons`: why it may not
    trade; `until`: when its day is over."""

    shown: Shown
    trader: Shown | None
    reasons: list[Reason]
    batches: list[Shown]
    tests: list[Shown]
    slips: list[Shown]
    refused: list[Shown]
    notices: list[Shown]
    record_time: datetime
    until: datetime


def midnight(now: datetime, site: Site, days: int = 0) -> datetime:
    """When the site's day began; with 1, when it ends."""
    local = in_zone(now, site) + timedelta(days=days)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def stand(snapshot: Snapshot, site_id: UUID, now: datetime) -> Stand:
    """The place as it is now. Raises NotFound where there is none."""
    names = Names(snapshot, None).load([site_id])
    here = names.site(site_id)
    if here is None:
        raise unknown(str(site_id))
    return _Reading(snapshot, names.load([here.party_id]), here, now).stand()


class _Reading:
    """Everything that the stand is told from, read once."""

    def __init__(self, snapshot: Snapshot, names: Names, here: Site, now: datetime) -> None:
        self.names, self.here, self.now = names, here, now
        self.since = midnight(now, here)
        there = scan.there(snapshot, [here.id], now - ON_SALE, self.since - RECENT, GOODS)
        decided = store.judged_at(snapshot, here.id, self.since)
        named = store.slips_to(snapshot, here.id, self.since)
        slips = {slip.code: slip for slip in named}
        at_gate = {code for event in decided if (code := slip_of(event))}
        slips |= codes.slips(snapshot, sorted(at_gate - slips.keys()))
        items = store.items_of(snapshot, sorted(slips))
        roots = [custody.id for custody in there] + [item.custody_id for item in items]
        roots += [key for event in decided for key in _goods_of(event)]
        self.there = there
        self.facts = gather(snapshot, names, dict.fromkeys(roots), custodies=there, slips=slips.values())
        self.chain = self.facts.chain
        came = {code for custody in there if custody.arrived_at >= self.since for code in self._came_with(custody)}
        slips |= {code: self.facts.slips[code] for code in came if code in self.facts.slips}
        items += store.items_of(snapshot, sorted(came - {item.slip_code for item in items}))
        self.slips = slips
        self.items: Mapping[str, list[SlipItem]] = defaultdict(list)
        for item in items:
            self.items[item.slip_code].append(item)
        names.load([item.product_id for item in items])
        # What a correction has taken back is told of no goods any more.
        told = {event.id for its in self.facts.told.values() for event in its}
        self.decided = [event for event in decided if event.id in told]
        self.ways: dict[UUID, Way] = {}

    def stand(self) -> Stand:
        party = self.names.party(self.here.party_id)
        shown = [custody for custody in self.there if custody.on_hand > 0 or custody.arrived_at >= self.since]
        batches = [self._batch(custody) for custody in shown]
        return Stand(
            place(self.here) or {},
            place(party),
            standing(self.here, party),
            batches,
            self._tests(),
            [self._slip(slip) for slip in self.slips.values() if slip.status == "open"],
            self._refused(),
            [*self._notices()],
            newest(self.facts, [self.here.record_time], self.ways.values()),
            midnight(self.now, self.here, 1),
        )

    def _came_with(self, custody: Custody) -> set[str]:
        arrivals = [event for event in self.facts.told.get(custody.id, ()) if event.kind == "receive"]
        return {code for event in arrivals if (code := slip_of(event))}

    def _way(self, key: UUID) -> Way:
        if key not in self.ways:
            self.ways[key] = self.chain.way(key)
        return self.ways[key]

    def _verdict(self, custody: Custody) -> Answer:
        """Its gravest status, with the reason."""
        return Answer(custody.code or "", "custody", judged(self.facts, self._way(custody.id), self.now))

    def _batch(self, custody: Custody) -> Shown:
        made_of = [*self._ingredients(custody)]
        found = [sources_of(self.facts, each) for each in made_of or [custody]]
        fields = {
            **self._goods(custody),
            "status": self._verdict(custody).status,
            "since": in_zone(custody.arrived_at, self.here),
            "on_sale": custody.on_hand > 0,
            "site": place(self.here),
            "sources": list(dict.fromkeys(name for sources, _ in found for name in sources)),
            "reported": any(reported for _, reported in found),
            "tests": self._latest(custody),
            "ingredients": [self._ingredient(each) for each in made_of],
        }
        return redact("board_batch", Audience.PUBLIC, fields)

    def _goods(self, custody: Custody) -> Shown:
        product = self.names.product(custody.product_id, custody.arrived_at)
        return {"code": custody.code, "product": goods(product), "lot_number": lot_number(self.facts, custody)}

    def _ingredients(self, custody: Custody) -> Iterator[Custody]:
        """What the goods were made of, where that was done in this place; the nearest that came from elsewhere."""
        ahead, seen = [custody.id], {custody.id}
        for _ in range(KITCHEN):
            behind = [link for key in ahead for link in self.chain.parents.get(key, ()) if link.kind == "transform"]
            ahead = list(dict.fromkeys(link.parent_id for link in behind if link.parent_id not in seen))
            seen.update(ahead)
            for key in ahead:
                parent = self.chain.custodies.get(key)
                if parent is None or parent.site_id != self.here.id:
                    continue
                if not any(link.kind == "transform" for link in self.chain.parents.get(key, ())):
                    yield parent

    def _ingredient(self, custody: Custody) -> Shown:
        sources, reported = sources_of(self.facts, custody)
        fields = {
            **self._goods(custody),
            "status": self._verdict(custody).status,
            "sources": sources,
            "reported": reported,
            "tests": self._latest(custody),
        }
        return redact("board_ingredient", Audience.PUBLIC, fields)

    def _latest(self, custody: Custody) -> list[Shown]:
        """Of each item that it was tested for on its way the latest result, failures first."""
        latest: dict[tuple[object, object], Shown] = {}
        told = [(event, key) for key in self._way(custody.id).generation for event in self._tests_of(key)]
        for event, key in sorted(told, key=lambda each: (each[0].event_time, str(each[0].id))):
            test = test_of(self.facts, self.chain.custodies[key], event)
            fields = {name: test[name] for name in _RESULT}
            latest[test["item"], test["stage"]] = redact("board_result", Audience.PUBLIC, fields)
        return sorted(latest.values(), key=lambda test: (test["verdict"] != "fail", -test["event_time"].timestamp()))

    def _tests_of(self, key: UUID) -> list[Event]:
        return [event for event in self.facts.told.get(key, ()) if event.kind == "test" and key in self.chain.custodies]

    def _tests(self) -> list[Shown]:
        """Today's, of goods that are here, were here or are on their way."""
        found = {}
        for key, custody in self.chain.custodies.items():
            where = place(self.here) if custody.site_id == self.here.id else None
            for event in self._tests_of(key):
                if event.event_time >= self.since:
                    added = redact("board_test", Audience.PUBLIC, {"code": custody.code, "site": where})
                    found[event.id] = test_of(self.facts, custody, event) | added
        return sorted(found.values(), key=lambda test: (test["event_time"], str(test["event_id"])), reverse=True)

    def _slip(self, slip: Slip) -> Shown:
        items = self.items[slip.code]
        reasons = [
            reason
            for item in items
            if item.custody_id in self.chain.custodies
            for reason in judged(self.facts, self._way(item.custody_id), self.now)
        ]
        if slip.admission == "refused":
            reasons.append(Reason("refused", refusal_of(self.facts, [item.custody_id for item in items], [slip.code])))
        verdict = Answer("", "slip", reasons)
        return redact(
            "board_slip",
            Audience.PUBLIC,
            {
                "number": slip.code[-SLIP_DIGITS:],
                "site": place(self.names.site(slip.site_id, slip.shipped_at)),
                "party": place(self.names.party(slip.party_id, slip.shipped_at)),
                "products": self._products(items, slip.shipped_at),
                "shipped_at": in_zone(slip.shipped_at, self.here),
                "admitted": slip.admission == "admitted",
                "status": verdict.status,
                "status_reason": verdict.status_reason,
            },
        )

    def _products(self, items: Iterable[SlipItem], at: datetime) -> list[Shown | None]:
        return [goods(self.names.product(key, at)) for key in dict.fromkeys(item.product_id for item in items)]

    def _refused(self) -> list[Shown]:
        """What the gate has refused today and not let in since."""
        found: dict[str | UUID, Shown] = {}
        sender: tuple[UUID | None, UUID | None]
        for event in self.decided:
            if event.kind != "admit" or event.outcome.get("decision") != "refused":
                continue
            code = slip_of(event)
            if code is not None:
                slip = self.slips[code]
                if slip.admission == "refused":
                    items = self.items[code]
                    keys = [item.custody_id for item in items]
                    sender, products = (slip.site_id, slip.party_id), self._products(items, slip.shipped_at)
                    found.setdefault(code, self._refusal(event, keys, sender, products))
                continue
            out = [self.chain.custodies[key] for key in _goods_of(event)]
            for custody in out:
                if custody.admission == "refused" and custody.id not in found:
                    sender = custody.site_id, custody.party_id
                    found[custody.id] = self._refusal(event, [custody.id], sender, [self._goods(custody)["product"]])
        return list(found.values())

    def _refusal(
        self, event: Event, keys: list[UUID], sender: tuple[UUID | None, UUID | None], products: list[Shown | None]
    ) -> Shown:
        fields = {
            "site": place(self.names.site(sender[0], event.event_time)),
            "party": place(self.names.party(sender[1], event.event_time)),
            "products": products,
            "event_time": in_zone(event.event_time, self.here),
            "reason": refusal_of(self.facts, keys, [slip_of(event)]),
        }
        return redact("board_refusal", Audience.PUBLIC, fields)

    def _notices(self) -> Iterator[Shown]:
        """What is here, or was sold lately and may still be in a kitchen, and must not be eaten."""
        for custody in self.there:
            verdict = self._verdict(custody)
            if verdict.status in (GRAVE if custody.on_hand > 0 else WARNED):
                fields = {
                    **self._goods(custody),
                    "site": place(self.here),
                    "status": verdict.status,
                    "status_reason": verdict.status_reason,
                }
                yield redact("board_notice", Audience.PUBLIC, fields)


_RESULT = ("item", "stage", "verdict", "presumptive", "event_time")


def _goods_of(event: Event) -> list[UUID]:
    """The custodies that a test or a decision without a slip names."""
    named = [event.body.get("custody_id"), *(event.body.get("custody_ids") or ())]
    return [UUID(str(key)) for key in named if key]
