"""What an office reports of a recall, closed or still under way: its scope and what was left out of it, its history,
how far it has come, and every party, batch, answer and piece of evidence, streamed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.domain.errors import Forbidden, NotFound
from app.domain.recalls import Notice, Recall, notice_id
from app.domain.recalls_scope import Scope, read_scope
from app.domain.rights import Principal
from app.domain.rows import Document
from app.recalling.views import affected, batches_of, find_recall, notices_told, sight, told
from app.store import codes as code_store
from app.store import documents as document_store
from app.store import master
from app.store import recalls as store
from app.store.engine import Snapshot

Shown = dict[str, Any]
AT_ONCE: Final = 500  # parties


@dataclass(frozen=True, slots=True)
class Named:
    """A part of a scope: `kind` lot | custody | site | party, what it is called, which goods or what window of time,
    and of an exclusion the reason."""

    kind: str
    name: str
    detail: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`told`: as the API tells the office; `interim`: it is not closed."""

    recall: Recall
    told: Shown
    scope: list[Named]
    exclusions: list[Named]
    made_at: datetime

    @property
    def interim(self) -> bool:
        return self.recall.state != "closed"


def report(snapshot: Snapshot, principal: Principal, recall_id: UUID, now: datetime) -> Report:
    """Raises NotFound; Forbidden save for the office that recalls, one above it, and the operator: it names who is
    responsible."""
    recall = find_recall(snapshot, principal, recall_id)
    if not sight(snapshot, principal, recall).whole:
        raise Forbidden(
            "forbidden",
            "报告由发起召回的机构取用，请向其索取 · the report is for the office that recalls: ask it",
            identity=str(recall_id),
        )
    scope = read_scope(recall.scope)
    return Report(
        recall, told(snapshot, principal, recall, now), _selected(snapshot, scope), _excluded(snapshot, scope), now
    )


def _selected(snapshot: Snapshot, scope: Scope) -> list[Named]:
    lots = code_store.lots(snapshot, scope.lots)
    sites = master.sites(snapshot, {window.site_id for window in scope.windows if window.site_id})
    parties = master.parties(snapshot, {window.party_id for window in scope.windows if window.party_id})
    products = master.products(snapshot, {key for window in scope.windows for key in window.products})
    products |= master.products(snapshot, {lot.product_id for lot in lots.values()})
    found = [Named("lot", products[lot.product_id].name, lot.lot_number) for lot in lots.values()]
    found += _custodies(snapshot, scope.custodies)
    for window in scope.windows:
        goods = [products[key].name for key in window.products if key in products] + list(window.categories)
        times = [f"{at:%Y-%m-%d %H:%M}" if at else "…" for at in (window.since, window.until)]
        detail = " · ".join([*goods, " – ".join(times)] if window.since or window.until else goods)
        if window.site_id is not None:
            found.append(Named("site", sites[window.site_id].name, detail))
        elif window.party_id is not None:
            found.append(Named("party", parties[window.party_id].name, detail))
    return found


def _custodies(snapshot: Snapshot, keys: tuple[UUID, ...]) -> list[Named]:
    rows = code_store.custodies(snapshot, keys)
    lots = code_store.lots(snapshot, {row.lot_id for row in rows.values()})
    products = master.products(snapshot, {row.product_id for row in rows.values()})
    sites = master.sites(snapshot, {row.site_id for row in rows.values() if row.site_id is not None})
    return [
        Named(
            "custody",
            products[row.product_id].name,
            " · ".join(
                part
                for part in (
                    lots[row.lot_id].lot_number if row.lot_id in lots else None,
                    sites[row.site_id].name if row.site_id in sites else None,
                    row.code,
                )
                if part
            ),
        )
        for row in rows.values()
    ]


def _excluded(snapshot: Snapshot, scope: Scope) -> list[Named]:
    sites = master.sites(snapshot, {each.site_id for each in scope.exclusions if each.site_id})
    found = []
    for each in scope.exclusions:
        if each.custody_id is not None:
            goods = _custodies(snapshot, (each.custody_id,))  # none where it has been archived since
            found += [replace(one, reason=each.reason) for one in goods]
        elif each.site_id is not None:
            found.append(Named("site", sites[each.site_id].name, "", each.reason))
    return found


# --- in streams ---


def parties(snapshot: Snapshot, recall: Recall, now: datetime) -> Iterator[Shown]:
    """Every notice as `views.notices_told` tells it, the first written first."""
    for rows in _pages(snapshot, recall):
        yield from notices_told(snapshot, recall.id, rows, now)


def custodies(snapshot: Snapshot, principal: Principal, recall: Recall) -> Iterator[Shown]:
    """Everything that the scope reaches now, generation by generation."""
    return (shown for _, shown in affected(snapshot, principal, recall))


def evidence(snapshot: Snapshot, recall: Recall) -> Iterator[tuple[str, datetime, Document]]:
    """Papers that answers name: whose, when they were named."""
    for rows in _pages(snapshot, recall):
        answers = store.answers_of(snapshot, recall.id, {row.party_id for row in rows})
        papers = document_store.find(snapshot, {UUID(key) for answer in answers for key in answer.evidence})
        named = master.parties(snapshot, {answer.party_id for answer in answers})
        for answer in answers:
            for key in answer.evidence:
                if (paper := papers.get(UUID(key))) is not None:
                    yield named[answer.party_id].name, answer.record_time, paper


def _pages(snapshot: Snapshot, recall: Recall) -> Iterator[list[Notice]]:
    after: tuple[datetime, UUID] | None = None
    while rows := store.page_of_notices(
        snapshot, recall.id, parties=None, region=None, state=None, after=after, limit=AT_ONCE
    ):
        yield rows
        after = (rows[-1].record_time, rows[-1].id)


# --- one party's notice ---


@dataclass(frozen=True, slots=True)
class Paper:
    """What one party is told in writing: `told` as the API tells its notice, and its `batches`."""

    recall: Recall
    told: Shown
    batches: list[Shown]


def paper(snapshot: Snapshot, principal: Principal, recall_id: UUID, party_id: UUID, now: datetime) -> Paper:
    """Raises NotFound for a party that the recall does not concern, or not as far as the reader sees it."""
    recall = find_recall(snapshot, principal, recall_id)
    notice = store.notice(snapshot, notice_id(recall.id, party_id))
    if notice is None or not sight(snapshot, principal, recall).sees(party_id, notice.region):
        raise NotFound(
            "not-concerned", "该召回不涉及该主体 · the recall does not concern this party", identity=str(party_id)
        )
    [shown] = notices_told(snapshot, recall.id, [notice], now)
    return Paper(recall, shown, batches_of(snapshot, recall, party_id))
