"""Goods that were sold too early, or that never came in."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.domain.balance import tolerance_for
from app.domain.findings import Finding, Proof, spoken
from app.store import balance, findings, windows
from app.store.types import from_micros
from app.tracing.findings.looking import Looking, proofs, text

WITHDRAWAL: Final = timedelta(days=90)  # no period is longer
SHELF: Final = timedelta(days=30)  # goods that came earlier are not what is sold now


def sold_in_withdrawal(looking: Looking) -> list[Finding]:
    """Batches of which something was sold before the last day of a withdrawal period (安全间隔期、休药期), also where
    that became known only after the sale."""
    scope = looking.scope
    found = []
    for block in windows.restricted(looking.snapshot, looking.sites, scope.since - WITHDRAWAL, scope.until):
        until = {row.id.bytes: row.withdrawal_until for row in block}
        rows = looking.custodies(until)
        early: dict[bytes, list[Proof]] = defaultdict(list)
        amounts: Counter[bytes] = Counter()
        first: dict[bytes, datetime] = {}
        sold = [
            (custody, from_micros(time), amount, "event", text(event))
            for custody, event, entry, time, amount in balance.changes(looking.snapshot, list(until), scope.since)
            if entry == "sold"
        ]
        for lines in balance.sold_of(looking.snapshot, list(until), scope.since):
            sold += [(custody, at, amount, "receipt", str(receipt)) for custody, at, amount, receipt in lines]
        for custody, at, amount, kind, key in sorted(sold, key=lambda one: one[1]):
            row = rows[custody]
            day = looking.day(at, UUID(bytes=row[5]))
            if at >= scope.until or until[custody] <= day:
                continue
            grams, pieces = looking.products(())[row[4]].weight(amount)
            early[custody].append(Proof(kind, key, (f"{day} 售出", f"sold on {day}"), grams, pieces))
            amounts[custody] += amount
            first.setdefault(custody, at)
        for custody, proved in early.items():
            row = rows[custody]
            product = looking.products(())[row[4]]
            grams, pieces = product.weight(amounts[custody])
            said = spoken(grams, pieces)
            batch = Proof(
                "custody", text(custody),
                (f"安全间隔期至 {until[custody]}", f"withdrawal period until {until[custody]}"), grams, pieces,
            )  # fmt: skip
            found.append(
                Finding(
                    "sold_in_withdrawal", text(custody), None,
                    (f"{product.name}，{said}，至 {until[custody]}", f"{product.name}, {said}, until {until[custody]}"),
                    UUID(bytes=row[5]), UUID(bytes=row[6]) if row[6] else None, first[custody],
                    proofs([batch, *proved]), 1 + len(proved), custody_id=UUID(bytes=custody),
                    excess_grams=grams, excess_pieces=pieces,
                )
            )  # fmt: skip
    return found


def sold_more_than_received(looking: Looking) -> list[Finding]:
    """Stalls that sold more of a product than came in: of its batches together, and what was sold without a batch."""
    scope = looking.scope
    overdrawn = findings.overdrawn(looking.snapshot, looking.sites, scope.since, scope.until)
    batches: dict[tuple[UUID, UUID], list[tuple[UUID, int]]] = defaultdict(list)
    for custody, site, product, on_hand in overdrawn:
        batches[site, product].append((custody, on_hand))
    loose: Counter[tuple[UUID, UUID]] = Counter()
    receipts: dict[tuple[UUID, UUID], list[tuple[int, int]]] = defaultdict(list)
    for block in windows.receipts(looking.snapshot, looking.sites, scope.since, scope.until):
        at = {row.id: row.site_id for row in block}
        for receipt, _, batch, goods, amount in balance.lines_of(looking.snapshot, at):
            if batch is None and goods is not None:
                key = (at[receipt], UUID(bytes=goods))
                loose[key] += amount
                if len(receipts[key]) < 10:
                    receipts[key].append((receipt, amount))
    asked = {site for site, _ in (*batches, *loose)}
    stocks = findings.stocks(looking.snapshot, asked, scope.since - SHELF, scope.until)
    products = looking.products(product.bytes for _, product in (*batches, *loose))
    found = []
    for site, product in sorted({*batches, *loose}):
        on_hand, came = stocks.get((site, product), (0, 0))
        goods_ = products[product.bytes]
        net = on_hand - loose[site, product]
        if net * 1000 >= -came * tolerance_for(goods_.category, looking.rules.tolerances).excess:
            continue
        grams, pieces = goods_.weight(-net)
        said = spoken(grams, pieces)
        proved = [
            Proof("custody", str(key), ("售出多于购进", "more went than came"), *goods_.weight(-left))
            for key, left in sorted(batches[site, product], key=lambda one: one[1])
        ]
        proved += [
            Proof("receipt", str(receipt), ("销售未指明批次", "sold without a batch"), *goods_.weight(amount))
            for receipt, amount in receipts[site, product]
        ]
        day = looking.day(scope.until - timedelta(microseconds=1), site)
        spot = looking.by_id[site]
        found.append(
            Finding(
                "sold_more_than_received", f"{site}/{product}", day.replace(day=1),
                (f"{spot.name} {goods_.name}，多 {said}", f"{spot.name}, {goods_.name}: {said} more"),
                site, spot.party_id, scope.until, proofs(proved), len(proved),
                custody_id=batches[site, product][0][0] if batches[site, product] else None,
                excess_grams=grams, excess_pieces=pieces,
            )
        )  # fmt: skip
    return found
