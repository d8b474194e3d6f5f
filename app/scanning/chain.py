"""What goods came from, generation by generation, and what stands in their way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from app.domain.holds import reached
from app.domain.rows import Custody, Hold, Link, Lot
from app.domain.selling import hold_reason
from app.scanning.answer import Reason
from app.scanning.audience import AUDIENCE, Audience, redact
from app.store.scan import Recalled


@dataclass(frozen=True, slots=True)
class Way:
    """What one custody came from. `generation` counts hops back from it over links that both sides stand by;
    `shadow` is what one side alone has named: it proves nothing of the goods, and a hold or recall of it reaches them
    all the same."""

    root: UUID
    generation: Mapping[UUID, int]
    shadow: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Chain:
    """Custodies with their parents, lots and active holds; `cut` are those beyond which the walk did not go."""

    custodies: Mapping[UUID, Custody]
    parents: Mapping[UUID, list[Link]]
    lots: Mapping[UUID, Lot]
    holds: Mapping[UUID, list[Hold]]
    cut: frozenset[UUID]
    recalls: Mapping[UUID, Recalled] = field(default_factory=dict)

    def way(self, root: UUID) -> Way:
        generation = self._generations(root)
        reached = self._reach([root], claims=True)
        return Way(root, generation, frozenset(reached - generation.keys()))

    def open_gaps(self, way: Way) -> list[Custody]:
        """Gaps that neither side, or one side alone, has closed; the nearest first."""
        gaps = [self.custodies[key] for key in way.generation if key in self.custodies and key != way.root]
        return sorted(
            (gap for gap in gaps if gap.kind == "gap" and not self.closed(gap)),
            key=lambda gap: (way.generation[gap.id], gap.arrived_at, gap.id),
        )

    def closed(self, gap: Custody) -> bool:
        return any(link.kind == "identify" and link.claimed_by is None for link in self.parents[gap.id])

    def claims(self, gap: Custody) -> list[Link]:
        return [link for link in self.parents[gap.id] if link.claimed_by is not None]

    def cut_on(self, way: Way) -> list[UUID]:
        return sorted(key for key in way.generation if key in self.cut)

    def obstacles(self, way: Way, today: date) -> list[Reason]:
        """Every status of the root that rows show: recalled, held, refused, expired, incomplete."""
        root = self.custodies[way.root]
        lot = self.lots.get(root.lot_id)
        found = [self._held(hold) for hold in self.holds_on(way)]
        if root.admission == "refused":
            found.append(Reason("refused", None))
        expires_on = root.expires_on or (lot.expires_on if lot else None)
        if expires_on is not None and expires_on < today:
            found.append(Reason("expired", f"保质期至 {expires_on}，已过期 · best before {expires_on}: past its date"))
        gaps = len(self.open_gaps(way)) + len(self.cut_on(way))
        return [*found, incomplete(gaps)] if gaps else found

    def _held(self, hold: Hold) -> Reason:
        recall = self.recalls.get(hold.recall_id) if hold.recall_id is not None else None
        if recall is None:
            status = "held" if hold.recall_id is None else "recalled"
            return Reason(status, hold_reason(hold.reason, automatic=hold.automatic))
        zh, _, en = recall.reason.partition(" · ")
        shown = redact("recall", Audience.PUBLIC, {name: getattr(recall, name) for name in AUDIENCE["recall"]})
        detail = f"{zh}（召回 {recall.number}） · {en or zh} (recall {recall.number})"
        return Reason("recalled", detail, shown)

    def holds_on(self, way: Way) -> list[Hold]:
        """Active holds that reach the root: on it, on its lot, or on anything that it came from, claimed or not."""
        keys = [key for key in (*way.generation, *way.shadow) if key in self.custodies]
        goods = {key: (self.custodies[key].lot_id, self.custodies[key].site_id) for key in keys}
        active = {hold.id: hold for lot, _ in goods.values() for hold in self.holds[lot]}
        if not active:
            return []
        links = [(link.parent_id, link.child_id) for key in goods for link in self.parents[key]]
        found = [hold for hold in active.values() if way.root in reached([hold.stop], goods, links)]
        return sorted(found, key=lambda hold: (hold.placed_at, hold.id))

    def held_sources(self, way: Way) -> list[tuple[Custody, Hold]]:
        """Goods of other lots that went into the root, claimed or not, and that are on hold where the hold does not
        reach the root itself (decision 0044): of each lot the nearest, with the latest hold."""
        root = self.custodies[way.root]
        reaching = {hold.id for hold in self.holds_on(way)}
        found: dict[UUID, tuple[Custody, Hold]] = {}
        for key in sorted(way.generation.keys() | way.shadow, key=lambda key: (way.generation.get(key, 0), key)):
            custody = self.custodies.get(key)
            if custody is None or custody.lot_id == root.lot_id or custody.lot_id in found:
                continue
            own = [h for h in self.holds[custody.lot_id] if h.scope == "lot" or h.custody_id == key]
            if holds := [hold for hold in own if hold.id not in reaching]:
                found[custody.lot_id] = custody, max(holds, key=lambda hold: (hold.placed_at, hold.id))
        return list(found.values())

    def _reach(self, start: Iterable[UUID], *, claims: bool) -> set[UUID]:
        seen = set(start)
        ahead = list(seen)
        while ahead:
            for link in self.parents[ahead.pop()]:
                if link.parent_id not in seen and (claims or link.claimed_by is None):
                    seen.add(link.parent_id)
                    ahead.append(link.parent_id)
        return seen

    def _generations(self, root: UUID) -> dict[UUID, int]:
        """The longest way back counts, so that nothing stands before what it came from."""
        reached = self._reach([root], claims=False)
        children: dict[UUID, int] = defaultdict(int)
        for key in reached:
            for parent in self._confirmed(key):
                children[parent] += 1
        generation = dict.fromkeys(reached, 0)
        ready, settled = [root], set()
        while ready:
            key = ready.pop()
            settled.add(key)
            for parent in self._confirmed(key):
                generation[parent] = max(generation[parent], generation[key] + 1)
                children[parent] -= 1
                if not children[parent]:
                    ready.append(parent)
        # Links that run in a circle cannot be, yet a page must not hang on them: they come last.
        last = max(generation.values()) + 1
        return {key: value if key in settled else last for key, value in generation.items()}

    def _confirmed(self, key: UUID) -> set[UUID]:
        return {link.parent_id for link in self.parents[key] if link.claimed_by is None} - {key}


def incomplete(gaps: int) -> Reason:
    return Reason(
        "incomplete", f"来路上有 {gaps} 处没有查明 · {gaps} place{'s' if gaps > 1 else ''} on the way not known"
    )
