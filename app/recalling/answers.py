"""What parties say of goods under recall: that they have heard, and what has become of the goods; who has been told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.deciding import content_hash
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.quantities import QuantityError, convert, parse_quantity
from app.domain.recalls import Answer, Notice, NoticeState, Recall, answer_id, notice_id
from app.domain.recalls_progress import WITHDRAWN
from app.domain.rights import Principal, Role
from app.domain.rows import Custody, Product
from app.recalling.recalls import unknown
from app.store import documents as document_store
from app.store import holds, master
from app.store import recalls as store
from app.store.codes import custodies as find_custodies
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided

HISTORY = 200  # steps of one notice that are kept
LINES = 500  # of one answer


@dataclass(frozen=True, slots=True)
class GiveAnswer:
    """`party_id`: for whom, None for the principal's own party; `lines`: {"custody_id" or "product_id", "withdrawn",
    "returned", "destroyed": {"value","unit"} or None}; `body` as posted."""

    principal: Principal
    recall_id: UUID
    ref: str
    body: dict[str, Any]
    party_id: UUID | None
    lines: Sequence[Mapping[str, Any]]
    note: str | None
    evidence: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Answered:
    """The notice as it is now, the answer, and whether this request gave it."""

    notice: Notice
    answer: Answer
    created: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A party was told by a channel (webhook, print, telephone, desk, page); `detail`: where to, or why it failed.
    `reached`: whether it was; a try that failed is kept in the history."""

    recall_id: UUID
    party_id: UUID
    channel: str
    by: str | None
    reached: bool = True
    detail: str | None = None


def give_answers(transaction: Transaction, commands: Sequence[GiveAnswer]) -> Sequence[Answered | Exception]:
    """Job: what parties say, appended; it stands for what they said before. Without lines: that they have heard."""
    desk = _Desk(transaction, commands)
    results = decided(commands, desk.decide)
    desk.write()
    return results


class _Desk:
    """Everything that the answers are decided from, and what they change."""

    def __init__(self, transaction: Transaction, commands: Sequence[GiveAnswer]) -> None:
        connection = self._connection = transaction.connection
        self._transaction = transaction
        self._recalls = {key: store.find(connection, key) for key in {command.recall_id for command in commands}}
        self._parties: dict[UUID, UUID] = {}
        named = {
            (command.recall_id, party)
            for command in commands
            if (party := command.party_id or command.principal.party_id) is not None
        }
        self._notices = store.lock_notices(connection, {notice_id(*each) for each in named})
        self._known = store.known_answers(
            connection, {answer_id(notice_id(recall, party), c.ref) for recall, party in named for c in commands}
        )
        self._places = {each: store.places_of_party(connection, *each) for each in named}
        self._custodies: dict[UUID, Custody] = find_custodies(
            connection, {line["custody_id"] for command in commands for line in command.lines if line["custody_id"]}
        )
        self._under = _recalls_on(connection, self._custodies.values())
        products = {place.product_id for places in self._places.values() for place in places}
        self._products: dict[UUID, Product] = master.products(connection, products)
        self._documents = document_store.find(
            connection, {document for command in commands for document in command.evidence}
        )
        self._fresh: list[Answer] = []
        self._changed: dict[UUID, Notice] = {}

    def decide(self, command: GiveAnswer) -> Answered:
        recall = self._recalls[command.recall_id]
        party = command.party_id or command.principal.party_id
        if recall is None or recall.state == "mock" or party is None:
            raise unknown(command.recall_id)
        notice = self._notices.get(notice_id(recall.id, party))
        if notice is None:
            raise NotFound(
                "not-concerned",
                "该召回不涉及该主体 · the recall does not concern this party",
                identity=str(party),
            )
        answers_for(self._connection, command.principal, recall, party)
        now = self._transaction.now
        key, digest = answer_id(notice.id, command.ref), content_hash(command.body)
        there = self._known.get(key)
        if there is not None:
            if there.content_hash == digest:
                return Answered(notice, there, False)
            raise Conflict(
                "ref-reused", "ref 已用于另一内容，请换一个 · the ref was used with other content; use a new one"
            )
        lines = [self._line(i, line, party, recall) for i, line in enumerate(command.lines)]
        self._evidence(command, lines, party)
        answer = Answer(
            key, recall.id, notice.id, party, command.ref, digest, command.principal.recorder_id,
            command.principal.key_id, lines, command.note, [str(each) for each in command.evidence], now,
        )  # fmt: skip
        said: NoticeState = "answered" if lines else "acknowledged"
        by = {"by": str(command.principal.key_id)}
        after = replace(
            notice,
            state=_risen(notice.state, said),
            acknowledged_at=notice.acknowledged_at or now,
            answered_at=now if lines else notice.answered_at,
            changed_at=now,
            history=[*notice.history, _step(now, said) | by][-HISTORY:],
        )
        self._notices[notice.id] = self._changed[notice.id] = after
        self._known[key] = answer
        self._fresh.append(answer)
        self._transaction.touched.add(recall.id.hex)
        return Answered(after, answer, True)

    def write(self) -> None:
        store.add_answers(self._connection, self._fresh)
        store.save_notices(self._connection, self._changed.values())

    def _line(self, position: int, line: Mapping[str, Any], party: UUID, recall: Recall) -> dict[str, Any]:
        pointer = f"/lines/{position}"
        custody = self._custodies.get(line["custody_id"]) if line["custody_id"] else None
        product_id = custody.product_id if custody is not None else line["product_id"]
        concerned = {place.product_id for place in self._places[recall.id, party]}
        product = self._products.get(product_id) if product_id in concerned else None
        mine = custody is None or (custody.party_id == party and recall.id in self._under.get(custody.id, ()))
        if product is None or not mine or (line["custody_id"] and custody is None):
            raise Invalid(
                "not-in-scope",
                "这批货物不在召回范围内，或不在您名下 · these goods are not under this recall, or not in your hands",
                pointer=pointer,
            )
        amounts = {}
        for name in WITHDRAWN:
            said = line[name]
            amounts[name] = 0 if said is None else _amount(said, product, f"{pointer}/{name}")
        return {
            "custody_id": str(custody.id) if custody is not None else None,
            "product_id": str(product.id),
            "measure": product.measure,
            **amounts,
        }

    def _evidence(self, command: GiveAnswer, lines: Sequence[Mapping[str, Any]], party: UUID) -> None:
        for key in command.evidence:
            document = self._documents.get(key)
            if document is None:
                raise NotFound("unknown-document", f"没有这个凭证：{key} · no document {key}", identity=str(key))
            owners = (party, command.principal.party_id)
            if document.owner_party_id not in owners and command.principal.role is not Role.ADMIN:
                raise Forbidden("not-your-document", "凭证不是您上传的 · the document is not yours", identity=str(key))
        if any(line["destroyed"] for line in lines) and not command.evidence:
            raise Invalid(
                "no-evidence",
                "销毁须附凭证（照片、记录） · destruction needs evidence: upload a photo or record and name it",
                pointer="/evidence",
            )


def _recalls_on(snapshot: Snapshot, custodies: Iterable[Custody]) -> dict[UUID, set[UUID]]:
    """The recalls that reach each of them."""
    goods = {row.id.bytes: (row.lot_id.bytes, row.site_id.bytes if row.site_id else None) for row in custodies}
    found = holds.on(snapshot, goods, back=True).holds
    return {UUID(bytes=key): {UUID(bytes=row[4]) for row in rows if row[4] is not None} for key, rows in found.items()}


def answers_for(snapshot: Snapshot, principal: Principal, recall: Recall, party: UUID) -> None:
    """Raises Forbidden save for the party itself, the market of its stalls, and the operator."""
    match principal.role:
        case Role.ADMIN:
            return
        case Role.VENDOR | Role.PRODUCER if principal.party_id == party:
            return
        case Role.MARKET if party in store.parties_of_market(snapshot, principal, recall.id):
            return
    raise Forbidden(
        "not-yours",
        "只能由经营者本人或其市场答复 · the party itself answers, or the market that it stands in",
        identity=str(party),
    )


def note_told(transaction: Transaction, commands: Sequence[Told]) -> Sequence[Notice | Exception]:
    """Job: that parties were told, or that it was tried."""
    locked = store.lock_notices(
        transaction.connection, {notice_id(command.recall_id, command.party_id) for command in commands}
    )
    now, changed = transaction.now, {}

    def decide(command: Told) -> Notice:
        notice = locked.get(notice_id(command.recall_id, command.party_id))
        if notice is None:
            raise unknown(command.recall_id)
        what = "notified" if command.reached else "failed"
        step = _step(now, what) | {"by": command.by, "channel": command.channel, "detail": command.detail}
        after = replace(notice, changed_at=now, history=[*notice.history, step][-HISTORY:])
        if command.reached:
            after = replace(
                after,
                state=_risen(notice.state, "notified"),
                notified_at=notice.notified_at or now,
                channel=command.channel,
            )
        locked[notice.id] = changed[notice.id] = after
        return after

    results = decided(commands, decide)
    store.save_notices(transaction.connection, changed.values())
    if changed:
        transaction.touched.update(notice.recall_id.hex for notice in changed.values())
    return results


_RISING: tuple[NoticeState, ...] = ("pending", "notified", "acknowledged", "answered")


def _risen(state: NoticeState, to: NoticeState) -> NoticeState:
    """A notice never falls back; one that was withdrawn stays so."""
    if state == "withdrawn":
        return state
    return max(state, to, key=_RISING.index)


def _step(now: datetime, what: str) -> dict[str, Any]:
    return {"time": now.isoformat(), "what": what, "by": None}


def _amount(said: Mapping[str, str], product: Product, pointer: str) -> int:
    try:
        quantity = parse_quantity(said["value"], said["unit"], allow_zero=True)
        return convert(quantity, product.measure, product.grams_per_piece)
    except QuantityError as error:
        raise Invalid(error.slug, f"{error.detail_zh} · {error.detail}", pointer=pointer) from None
