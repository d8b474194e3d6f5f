"""Puts an answer together from the rows of a walk, redacted for its reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from app.domain.graph import Balance, Walk, generations
from app.domain.rights import Principal, Role
from app.store import chain, master
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.store.raw import Row
from app.tracing.answer import Amount, Confidence, Gap, Link, Node, Share, Source, Status, Totals, Trace
from app.tracing.confidence import Inflow, accounted
from app.tracing.happenings import happenings
from app.tracing.names import Names
from app.tracing.parties import named_parties
from app.tracing.proofs import documents, recipients, tests
from app.tracing.sight import EVERYTHING, Hands, Sight, sight
from app.tracing.states import States, states
from app.tracing.texts import Amounts, Ids

_CLOSED = Confidence("closed", None, None)


def build(
    snapshot: Snapshot,
    reader: Principal,
    way: Walk[bytes],
    direction: Direction,
    now: datetime,
    more: bool,
    cursor: str | None,
    whole: bool,
) -> Trace:
    """`more`: the walk did not go through everything; `cursor`: how to go on; `whole`: it began at the start."""
    rows = chain.nodes(snapshot, way.depth)
    touches = chain.touches(snapshot, way.depth)
    happened = chain.events(snapshot, {event for _, event in touches})
    seen = sight_of(snapshot, reader, way, rows, touches, happened)
    names = Names(
        snapshot,
        _keys(rows, 5),
        {*_keys(rows, 6), *_keys([row for row in rows if row[1] == "gap"], 21)},
        _keys(rows, 4),
    )
    edges = [(link[1], link[0]) if direction == "back" else (link[0], link[1]) for link in way.links]
    generation = generations(way.depth, edges)
    rows.sort(key=lambda row: (generation[row[0]], row[8], row[0]))
    lots = {row[0]: row for row in chain.lots(snapshot, {row[3] for row in rows})}
    inflow = Inflow(snapshot, way, rows, direction, whole)
    page = _Page(way.depth, lots, names, seen, states(snapshot, way, rows, direction), inflow, now)
    nodes = page.nodes(rows)
    joined = [page.link(row) for row in way.links]
    events = happenings(snapshot, happened, touches, generation, direction, seen, page.ids)
    gaps = [page.gap(row) for row in rows if page.unknown(row)]
    totals = page.totals(len(nodes), len(joined), len(events), len(gaps))
    known = {row[0]: row for row in rows}
    shared = accounted(snapshot, way, known, generation, direction, inflow) if whole and not more else None
    return Trace(
        nodes, joined, events, gaps, totals, more, cursor, documents(snapshot, rows, seen, page.ids),
        tests(snapshot, happened, touches, seen, page.ids), recipients(snapshot, happened, touches, seen, page.ids),
        None if shared is None else page.shares(known, shared),
        parties=named_parties(snapshot, happened, touches, seen, page.ids),
    )  # fmt: skip


def _keys(rows: Iterable[Row], column: int) -> set[bytes]:
    return {row[column] for row in rows if row[column] is not None}


def sight_of(
    snapshot: Snapshot, reader: Principal, way: Walk[bytes], rows: list[Row], touches: list[Row], happened: list[Row]
) -> Sight:
    """Rights are of now: the sites as they are, whatever they were called when the goods came."""
    if reader.role is Role.ADMIN:
        return EVERYTHING
    links = [*way.links, *chain.neighbours(snapshot, list(way.depth))]
    hands = {row[0]: Hands(row[5], row[6], row[1] == "gap") for row in rows}
    further = {end for link in links for end in link[:2]} - hands.keys()
    for key, kind, _, site, party in chain.hands(snapshot, further):
        hands[key] = Hands(site, party, kind == "gap")
    sites = master.sites(snapshot, {UUID(bytes=held.site_id) for held in hands.values() if held.site_id is not None})
    markets = master.markets(snapshot, sites.values())
    tested = _tested(reader, happened, touches)
    return sight(reader, hands, links, {key.bytes: site for key, site in sites.items()}, markets, tested)


def _tested(reader: Principal, happened: list[Row], touches: list[Row]) -> set[bytes]:
    if reader.party_id is None:
        return set()
    tests = {row[0] for row in happened if row[2] == "test" and row[7] == reader.party_id.bytes}
    return {custody for custody, event in touches if event in tests}


@dataclass(slots=True)
class _Page:
    """One answer while it is written."""

    depth: Mapping[bytes, int]
    lots: Mapping[bytes, Row]
    names: Names
    sight: Sight
    states: States
    inflow: Inflow
    now: datetime
    ids: Ids = field(default_factory=Ids)
    amounts: Amounts = field(default_factory=Amounts)
    days: dict[bytes | None, str] = field(default_factory=dict)
    receipts: int = 0
    grams: int = 0
    pieces: int = 0
    all_seen: bool = True

    def nodes(self, rows: Iterable[Row]) -> list[Node]:
        """Written for a hundred thousand of them: what is the same for all is looked up once."""
        lots, depth, ids, place, amount = self.lots, self.depth, self.ids, self.names.place, self._amount
        full, status = self.sight.full, self._status
        found = []
        for row in rows:
            key, kind, code, lot, product, site, party, measure, at, expires_on = row[:10]
            known = lots.get(lot)
            if known is not None and expires_on is None:
                expires_on = known[2]
            came = left = kept = sure = None
            if kind == "custody":
                if key in full:
                    balance = Balance._make(row[10:17])
                    gone = balance.left
                    came = amount(balance.received, measure, product)
                    left = amount(gone, measure, product)
                    kept = amount(balance.received - gone, measure, product)
                    sure = self._confidence(key, balance, measure, product)
                    self._sum(row[17], balance.ended, measure)
                else:
                    self.all_seen = False
            else:
                # A gap is on its receiver's books, which says nothing of whose hands the goods came from.
                party = None
            found.append(
                Node(
                    ids[key], kind, code, ids[lot], known[1] if known else None, place(product, at), place(site, at),
                    place(party, at), status(row, expires_on), depth[key], came, left, kept,
                    sure,
                )
            )  # fmt: skip
        return found

    def link(self, row: Row) -> Link:
        parent, child, event, kind, grams, pieces, _ = row
        own, ids = self.sight.own, self.ids
        amount = self.amounts[grams, pieces] if parent in own or child in own else None
        return Link(ids[parent], ids[child], ids[event], kind, amount)

    def shares(self, rows: Mapping[bytes, Row], found: Iterable[tuple[bytes, bytes | None, int, int]]) -> list[Share]:
        """Those of which the reader may know both ends."""
        full, ids = self.sight.full, self.ids
        return [
            Share(
                ids[key], ids[start] if start is not None else None, self._known(least, whole), self._known(most, whole)
            )
            for key, start, least, most in found
            if key in full and (start is None or start in full)
            for whole in [rows[key if start is None else start]]
        ]

    def _known(self, amount: int, row: Row) -> Amount:
        found = self._amount(amount, row[7], row[4])
        assert found is not None, "an amount that is known is shown"
        return found

    def _confidence(self, key: bytes, balance: Balance, measure: str, product: bytes) -> Confidence:
        state, unexplained, claimed = self.inflow.closure(key, balance, measure)
        if state == "closed":
            return _CLOSED
        return Confidence(
            state,
            self._amount(claimed, measure, product) if claimed else None,
            self._amount(unexplained, measure, product) if unexplained else None,
        )

    def unknown(self, row: Row) -> bool:
        """Whether it is a gap that is not closed; a voided custody is one for what came out of it."""
        stands = row[22] is None or row[19] == "voided"
        return row[1] == "gap" and stands and self.states.gaps.get(row[0]) != "closed"

    def gap(self, row: Row) -> Gap:
        paper = msgspec.json.decode(row[20]) if row[20] is not None else {}
        full = row[0] in self.sight.full
        source = Source(
            name=paper.get("name"),
            contact=paper.get("contact") if full else None,
            address=paper.get("address"),
            document_ids=paper.get("document_ids") if full else None,
            reported_by=self.names.place(row[21], row[8]),
        )
        claimed = self.states.gaps.get(row[0]) == "claimed"
        return Gap(self.ids[row[0]], "claimed" if claimed else row[19] or "outside", source)

    def totals(self, nodes: int, links: int, events: int, gaps: int) -> Totals:
        if self.all_seen:
            return Totals(nodes, links, events, gaps, self.receipts, self.grams, self.pieces)
        return Totals(nodes, links, events, gaps, None, None, None)

    def _sum(self, receipts: int, ended: int, measure: str) -> None:
        self.receipts += receipts
        if measure == "weight":
            self.grams += ended
        else:
            self.pieces += ended

    def _amount(self, amount: int, measure: str, product: bytes) -> Amount | None:
        if measure == "weight":
            return self.amounts[amount, None]
        each = self.names.grams_per_piece(product)
        return self.amounts[amount * each if each else None, amount]

    def _status(self, row: Row, expires_on: str | None) -> Status:
        """The gravest of its states."""
        key = row[0]
        if row[22] is not None:
            return "voided"
        if row[1] == "gap" and self.unknown(row):
            return "gap"
        if key in self.states.recalled:
            return "recalled"
        if key in self.states.held:
            return "held"
        if row[18] == "refused":
            return "refused"
        return "expired" if expires_on is not None and expires_on < self._today(row[5]) else "ok"

    def _today(self, site: bytes | None) -> str:
        """The site's own day."""
        day = self.days.get(site)
        if day is None:
            day = self.days[site] = self.now.astimezone(self.names.zone(site)).date().isoformat()
        return day
