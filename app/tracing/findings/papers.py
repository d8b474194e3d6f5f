"""Documents that speak for more than they say, and test reports that speak for several lots."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from app.domain.balance import tolerance_for
from app.domain.findings import Finding, Proof, covered, spoken
from app.domain.rows import Document
from app.store import balance, documents, findings, windows
from app.store.raw import Row
from app.store.types import from_micros, micros
from app.tracing.findings.looking import Looking, proofs, text

# A document, the custodies (as `store.balance.CUSTODY`) that it speaks for, the first of them that is asked for.
Use = tuple[Document, list[Row], Row]


def overused(looking: Looking) -> list[Finding]:
    """Documents of which the batches together are more than the quantity it covers; goods that moved from one of the
    batches to another count once."""
    found = []
    for document, rows, first in _uses(looking):
        grams, pieces = covered(document.covers)
        counted = grams is None
        allowed = pieces if counted else grams
        if allowed is None:
            continue
        products = looking.products(())
        used: dict[bytes, int] = {}
        for row in rows:
            weight, count = products[row[4]].weight(row[9])
            used[row[0]] = (count if counted else weight) or 0
        for child, parent, _, _, link_grams, link_pieces in balance.links_up(looking.snapshot, list(used)):
            if parent in used:
                used[child] -= (link_pieces if counted else link_grams) or 0
        total = sum(max(amount, 0) for amount in used.values())
        category = products[first[4]].category
        if total * 1000 <= allowed * (1000 + tolerance_for(category, looking.rules.tolerances).excess):
            continue
        both = [(None, amount) if counted else (amount, None) for amount in (total, allowed, total - allowed)]
        said, limit = spoken(*both[0]), spoken(*both[1])
        proved = [Proof("document", str(document.id), (f"载明 {limit}", f"covers {limit}"), *both[1])]
        proved += [
            Proof("custody", text(key), ("使用此凭证", "relies on it"), *((None, n) if counted else (n, None)))
            for key, n in sorted(used.items(), key=lambda one: (-one[1], one[0]))
            if n > 0
        ]
        name = document.number or document.type
        found.append(
            Finding(
                "document_overused", str(document.id), None,
                (f"{name}：载明 {limit}，已用 {said}", f"{name}: covers {limit}, used for {said}"),
                UUID(bytes=first[5]), UUID(bytes=first[6]) if first[6] else None, from_micros(first[8]),
                proofs(proved), len(proved), custody_id=UUID(bytes=first[0]),
                excess_grams=both[2][0], excess_pieces=both[2][1],
            )
        )  # fmt: skip
    return found


def reused(looking: Looking) -> list[Finding]:
    """Test reports that speak for lots of which none was made of another."""
    found = []
    for start in range(0, len(looking.scope.spots), 200):
        part = looking.part(looking.scope.spots[start : start + 200])
        for document, rows, first in _uses(part):
            if document.type != "test_report":
                continue
            lots = _families(part, rows)
            if len(lots) < 2:
                continue
            name = document.number or str(document.id)
            proved = [Proof("document", str(document.id), ("检测报告", "the test report"))]
            proved += [Proof("custody", text(row[0]), ("使用此报告", "relies on it")) for row in lots]
            found.append(
                Finding(
                    "test_reused", f"document/{document.id}", None,
                    (f"报告 {name} 用于 {len(lots)} 个批次", f"report {name} is used for {len(lots)} lots"),
                    UUID(bytes=first[5]), UUID(bytes=first[6]) if first[6] else None, from_micros(first[8]),
                    proofs(proved), len(proved), custody_id=UUID(bytes=first[0]), excess_pieces=len(lots) - 1,
                )
            )  # fmt: skip
    return found


def _uses(looking: Looking) -> Iterator[Use]:
    """The documents that speak for batches which came to the part's sites in the time, each with all it speaks for; one
    whose first batch came to another part's site is that part's."""
    scope = looking.scope
    seen: set[bytes] = set()
    here = {spot.id.bytes for spot in looking.spots}
    there = {spot.id.bytes for spot in scope.spots}
    since, until = micros(scope.since), micros(scope.until)
    for block in windows.arrivals(looking.snapshot, looking.sites, scope.since, scope.until):
        named = {row[0] for row in findings.attached_to(looking.snapshot, [row.id.bytes for row in block])} - seen
        seen |= named
        known = documents.find(looking.snapshot, [UUID(bytes=key) for key in named])
        wanted = {key.bytes for key, row in known.items() if row.covers or row.type == "test_report"}
        subjects: dict[bytes, list[bytes]] = defaultdict(list)
        for document, subject, _ in findings.attachments(looking.snapshot, wanted):
            subjects[document].append(subject)
        rows = looking.custodies(key for listed in subjects.values() for key in listed)
        for document in sorted(subjects):
            spoken_for = [rows[key] for key in subjects[document] if key in rows and rows[key][1] == "custody"]
            asked = [row for row in spoken_for if row[5] in there and since <= row[8] < until]
            first = min(asked, key=lambda row: (row[8], row[0]))
            if first[5] in here:
                yield known[UUID(bytes=document)], spoken_for, first


def _families(looking: Looking, rows: list[Row]) -> list[Row]:
    """One custody of each lot that no other of the lots was made of, or made."""
    lot_of = {row[0]: row[3] for row in rows}
    family = {row[3]: row[3] for row in rows}

    def head(lot: bytes) -> bytes:
        while family[lot] != lot:
            lot = family[lot]
        return lot

    for _, lot, lineage in findings.lineages(looking.snapshot, list(lot_of)):
        for start in range(0, len(lineage or b""), 16):
            before = lot_of.get(lineage[start : start + 16])
            if before is not None:
                family[head(before)] = head(lot)
    firsts: dict[bytes, Row] = {}
    for row in sorted(rows, key=lambda row: (row[8], row[0])):
        firsts.setdefault(head(row[3]), row)
    return list(firsts.values())
