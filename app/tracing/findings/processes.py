"""Processes that yield what no process can, and returns of what did not come from there."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from app.domain.balance import tolerance_for, yield_for
from app.domain.findings import Finding, Proof, spoken
from app.store import balance, chain, findings, windows
from app.tracing.findings.looking import Looking, proofs, text


def impossible_yields(looking: Looking) -> list[Finding]:
    """Processes out of which came more, or less, than the rules of the goods and process allow."""
    found = []
    for block in _events(looking, "transform"):
        rows = looking.custodies(UUID(hex=custody).bytes for event in block for custody, _, _ in event.entries)
        products = looking.products(())
        for event in block:
            went: Counter[bytes] = Counter()
            came: Counter[bytes] = Counter()
            unknown = False
            for custody, entry, amount in event.entries:
                key = UUID(hex=custody).bytes
                grams = products[rows[key][4]].weight(amount)[0] if key in rows else None
                unknown = unknown or grams is None
                (went if entry == "processed" else came)[key] += grams or 0
            into, out = sum(went.values()), sum(came.values())
            if unknown or into <= 0:
                continue
            heaviest = max(went, key=lambda key: (went[key], key))
            process = event.body["process"]
            rule = yield_for(process, products[rows[heaviest][4]].category, looking.rules.yields)
            if rule is None or rule.least * into <= out * 1000 <= rule.most * into:
                continue
            share = f"{out * 100 / into:.0f} %（{rule.least / 10:g}–{rule.most / 10:g} %）"
            proved = [Proof("event", str(event.id), (f"出品率 {share}", f"yield {share}"))]
            proved += [Proof("custody", text(key), ("投入", "went in"), grams) for key, grams in sorted(went.items())]
            proved += [Proof("custody", text(key), ("产出", "came out"), grams) for key, grams in sorted(came.items())]
            beyond = (
                out - rule.most * into // 1000 if out * 1000 > rule.most * into else rule.least * into // 1000 - out
            )
            found.append(
                Finding(
                    "impossible_yield", str(event.id), None,
                    (
                        f"{process}：{spoken(into, None)} → {spoken(out, None)}，{share}",
                        f"{process}: {spoken(into, None)} → {spoken(out, None)}, {share}",
                    ),
                    event.site_id, event.party_id, event.event_time, proofs(proved), len(proved),
                    custody_id=UUID(bytes=heaviest), event_id=event.id, excess_grams=beyond,
                )
            )  # fmt: skip
    return found


def unmatched_returns(looking: Looking) -> list[Finding]:
    """Returns to where the goods had not come from, or of more than had come from there."""
    found = []
    for block in _events(looking, "return"):
        flagged = {row[0] for row in chain.flags(looking.snapshot, [event.id.bytes for event in block])
                   if row[2] == "returned_elsewhere"}  # fmt: skip
        gone = {
            (event.id, UUID(hex=custody).bytes): amount
            for event in block
            for custody, entry, amount in event.entries
            if entry == "returned"
        }
        rows = looking.custodies(key for _, key in gone)
        up = balance.links_up(looking.snapshot, list(rows))
        down = [
            link for link in chain.neighbours(looking.snapshot, list(rows)) if link[0] in rows and link[3] == "return"
        ]
        ends = {row[0]: row for row in balance.hands(looking.snapshot, {link[1] for link in (*up, *down)})}
        products = looking.products(())
        for event in block:
            for key in [custody for other, custody in gone if other == event.id and custody in rows]:
                row, product = rows[key], products[rows[key][4]]
                place = 0 if product.measure == "weight" else 1
                back = [link for link in down if link[0] == key and link[2] == event.id.bytes]
                target = ends[back[0][1]][4] if back and back[0][1] in ends else None
                had = sum(link[4 + place] or 0 for link in up
                          if link[0] == key and link[1] in ends and ends[link[1]][4] == target)  # fmt: skip
                sent = sum(link[4 + place] or 0 for link in down
                           if link[0] == key and link[1] in ends and ends[link[1]][4] == target)  # fmt: skip
                excess = tolerance_for(product.category, looking.rules.tolerances).excess
                too_much = had > 0 and sent * 1000 > had * (1000 + excess)
                if event.id.bytes not in flagged and not too_much:
                    continue
                grams, pieces = product.weight(sent - had if too_much else gone[event.id, key])
                said = spoken(*product.weight(sent))
                before = spoken(*product.weight(had))
                proved = [
                    Proof("event", str(event.id), ("退货", "the return"), *product.weight(gone[event.id, key])),
                    Proof("custody", text(key), ("退出的批次", "the batch that went back"), *product.weight(row[9])),
                ]
                proved += [
                    Proof("custody", text(link[1]), ("来自", "it came from"), *product.weight(link[4 + place] or 0))
                    for link in up
                    if link[0] == key
                ]
                found.append(
                    Finding(
                        "unmatched_return", f"{event.id}/{text(key)}", None,
                        (
                            f"{product.name}：退回 {said}，原由其供应 {before}",
                            f"{product.name}: {said} went back, {before} had come from there",
                        ),
                        event.site_id, event.party_id, event.event_time, proofs(proved), len(proved),
                        custody_id=UUID(bytes=key), event_id=event.id, excess_grams=grams, excess_pieces=pieces,
                    )
                )  # fmt: skip
    return found


def _events(looking: Looking, kind: str) -> Iterator[list[windows.Found]]:
    """Events of a kind that stand, a block at a time."""
    scope = looking.scope
    names = ("party_id", "body", "entries")
    for block in windows.events(looking.snapshot, kind, names, looking.sites, scope.since, scope.until):
        void = findings.corrected(looking.snapshot, [row.id.bytes for row in block])
        yield [row for row in block if row.id.bytes not in void]
