"""Telling whom a recall concerns, by the webhooks that they have: once for each version, and whenever more of their
goods come into the scope."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from app.domain.ids import office_recorder
from app.domain.quantities import shown
from app.domain.recalls import Notice, Recall, RecallPlace
from app.domain.rights import OPERATORS_OFFICE, Role
from app.domain.rows import Product
from app.notifying import Message, listeners, post
from app.store import master
from app.store import recalls as store
from app.store.writer import Transaction

NOTICE, CHANGED, CLOSED = "recall.notice", "recall.changed", "recall.closed"
EVENT = "recall"


def tell_kept(
    transaction: Transaction,
    recall: Recall,
    fresh: Iterable[Notice],
    grown: Collection[UUID],
    places: Sequence[RecallPlace],
) -> None:
    """What a look at a live recall found: `fresh` notices, new, withdrawn or standing again; parties that have `grown`
    goods; all `places` of the recall."""
    told = {notice.party_id: notice for notice in fresh}
    rows = store.notices(transaction.connection, [recall.id]) if grown else []
    more = [row for row in rows if row.party_id in grown and row.party_id not in told]
    topics = {row.id: CHANGED if row.state == "withdrawn" else NOTICE for row in told.values()}
    _tell_parties(transaction, recall, [*told.values(), *more], places, topics)
    first = recall.history[-1]["what"] in ("create", "start")
    _tell_offices(transaction, recall, (place.region for place in places), NOTICE if first else CHANGED)


def tell_changed(transaction: Transaction, recall: Recall) -> None:
    """That a recall that was live says something else, or is closed."""
    topic = CLOSED if recall.state == "closed" else CHANGED
    notices = [row for row in store.notices(transaction.connection, [recall.id]) if row.state != "withdrawn"]
    places = store.places(transaction.connection, recall.id)
    _tell_parties(transaction, recall, notices, places, dict.fromkeys((row.id for row in notices), topic))
    _tell_offices(transaction, recall, (place.region for place in places), topic)


def _tell_parties(
    transaction: Transaction,
    recall: Recall,
    notices: Collection[Notice],
    places: Iterable[RecallPlace],
    topics: dict[UUID, str],
) -> None:
    hearing = listeners(transaction.connection, {row.party_id for row in notices}, EVENT)
    if not hearing:
        return
    goods: dict[UUID, list[RecallPlace]] = defaultdict(list)
    for place in places:
        if place.party_id in hearing and not place.gone:
            assert place.party_id is not None
            goods[place.party_id].append(place)
    listed = [place for each in goods.values() for place in each]
    products = master.products(transaction.connection, {place.product_id for place in listed})
    sites = master.sites(transaction.connection, {place.site_id for place in listed if place.site_id is not None})
    messages = []
    for row in notices:
        if row.party_id not in hearing:
            continue
        own = goods[row.party_id]
        received = sum(place.received for place in own)
        subject = f"{row.id}/{recall.version}/{row.state == 'withdrawn':d}/{received}"
        data = _said(recall) | {
            "notice_id": str(row.id),
            "party_id": str(row.party_id),
            "notice_state": row.state,
            "acknowledge_due": row.acknowledge_due.isoformat(),
            "answer_due": row.answer_due.isoformat(),
            "goods": [
                {
                    "site_id": str(place.site_id) if place.site_id else None,
                    "site": sites[place.site_id].name if place.site_id in sites else None,
                    "product_id": str(place.product_id),
                    "product": products[place.product_id].name,
                    "batches": place.custodies,
                    **{
                        name: _amount(getattr(place, name), products[place.product_id])
                        for name in ("received", "sold", "on_hand")
                    },
                }
                for place in own
            ],
        }
        messages.append(Message(row.party_id, topics.get(row.id, CHANGED), subject, data))
    post(transaction, messages)


def _amount(amount: int, product: Product) -> dict[str, Any]:
    return shown(amount, product.measure, product.grams_per_piece)


def _tell_offices(transaction: Transaction, recall: Recall, regions: Iterable[str | None], topic: str) -> None:
    """The operator, and regulators in whose region there is any of it."""
    prefixes = {region[:length] for region in set(regions) if region for length in (2, 4, 6)}
    offices = {OPERATORS_OFFICE} | {office_recorder(Role.REGULATOR, prefix) for prefix in prefixes}
    data = _said(recall) | {"notice_id": None, "party_id": None}
    subject = f"{recall.id}/{recall.version}"
    post(transaction, [Message(office, topic, subject, data) for office in sorted(offices)])


def _said(recall: Recall) -> dict[str, Any]:
    place = f"/api/v1/recalls/{recall.id}"
    return {
        "recall_id": str(recall.id),
        "number": recall.number,
        "version": recall.version,
        "state": recall.state,
        "outcome": recall.outcome,
        "grade": recall.grade,
        "title": recall.title,
        "reason": recall.reason,
        "hazard": recall.hazard,
        "advice": recall.advice,
        "started_at": recall.started_at.isoformat() if recall.started_at else None,
        "complete_due": recall.complete_due.isoformat(),
        "links": {
            "recall": place,
            "affected": f"{place}/affected",
            "acknowledgements": f"{place}/acknowledgements",
            "public": f"/recalls/{recall.number}",
        },
    }
