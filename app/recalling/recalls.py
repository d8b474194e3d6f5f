"""A recall from its first draft to its end: tried out, started, widened or narrowed, closed.

Starting holds everything that the scope names; pages, scales and boards follow those holds by their own walk. Each
change is an event of kind `recall` of the office, and a line of the recall's history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain import codes, ids
from app.domain.deciding import content_hash
from app.domain.errors import Conflict, Forbidden, NotFound
from app.domain.holds import ONWARD
from app.domain.ledger import Ledger
from app.domain.recalls import RECALLS, Mode, Outcome, Recall, changed, hold_id, recall_id, recall_number
from app.domain.recalls_scope import Scope, read_scope
from app.domain.rights import AUTHORITY, Principal, Role
from app.domain.rows import TOUCHED, Custody, Event, Hold
from app.domain.selling import HOLDS_ONWARD
from app.recalling.finding import Regions
from app.recalling.reaching import Subjects, subjects_of
from app.recalling.telling import tell_changed
from app.store import recalls as store
from app.store.engine import Snapshot
from app.store.holds import any_onward
from app.store.ledger import fetch, write
from app.store.writer import Transaction, decided

ENTERED = 5_000  # custodies on whose timelines a change is entered: further ones are told by their holds


@dataclass(frozen=True, slots=True)
class NewRecall:
    """What an office wants: `body` as it was posted; the rest as rows keep it."""

    principal: Principal
    ref: str
    body: dict[str, Any]
    mode: Mode
    fields: Mapping[str, Any]  # grade, title, reason, hazard, advice, persons, known_at
    scope: Scope
    subjects: Subjects


@dataclass(frozen=True, slots=True)
class ChangeRecall:
    """`what`: start, change or close; `version`: of the recall that the change was made from, None for whichever;
    `subjects`: what is held from now on, where that changes."""

    principal: Principal
    id: UUID
    what: str
    why: str | None
    version: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope | None = None
    subjects: Subjects | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A recall, and whether this request made it."""

    recall: Recall
    created: bool


# --- who may ---


def may_recall(principal: Principal) -> None:
    """Raises Forbidden save for offices."""
    if principal.role not in (Role.REGULATOR, Role.ADMIN):
        raise Forbidden(
            "role-may-not-recall",
            "召回由监管部门发起，请联系辖区监管部门 · a recall is the regulator's: tell the office of your region",
        )


def may_change(principal: Principal, recall: Recall) -> None:
    """Raises Forbidden save for the office that recalls, one above it, and the operator."""
    may_recall(principal)
    if principal.role is Role.ADMIN:
        return
    if recall.region is None or principal.region is None or not recall.region.startswith(principal.region):
        raise Forbidden(
            "higher-authority",
            "该召回由上级或其他机构发起，请联系其修改 · started by another or higher office: ask it to change it",
            identity=str(recall.id),
        )


def in_reach(snapshot: Snapshot, principal: Principal, scope: Scope, subjects: Subjects) -> None:
    """Raises Forbidden where goods are named that a regulator has nothing to do with: of each lot some lies, or lay, in
    its region or one step from it, and so do the goods named by themselves."""
    if principal.role is Role.ADMIN:
        return
    regions = Regions(snapshot, principal.region or "-")
    of_lot: dict[bytes, list[tuple[bytes, bytes | None]]] = {lot: [] for lot in subjects.lots}
    asked = [[(key, subjects.goods[key][1])] for key in (each.bytes for each in scope.custodies)]
    for key, (lot, site, _) in subjects.goods.items():
        if lot in of_lot:
            of_lot[lot].append((key, site))
    asked += of_lot.values()
    for window in scope.windows:
        came = [(key, subjects.goods[key][1]) for key in subjects.custodies]
        if window.site_id is not None:
            asked.append([(b"", window.site_id.bytes)])
        elif came:
            asked.append(came)
    if not all(regions.reach(goods) for goods in asked):
        raise Forbidden(
            "outside-region",
            "范围内有货物不在您的辖区，也不在一步之内，请移交当地监管部门 · "
            "some of these goods are neither in your region nor one step from it: hand them over to their own office",
        )


# --- jobs ---


def create_recalls(transaction: Transaction, commands: Sequence[NewRecall]) -> Sequence[Made | Exception]:
    """Job: each becomes a recall, live ones with their holds; the same again is the same recall."""
    known = store.lock(
        transaction.connection, {recall_id(command.principal.recorder_id, command.ref) for command in commands}
    )

    def decide(command: NewRecall) -> Made:
        may_recall(command.principal)
        key, digest = recall_id(command.principal.recorder_id, command.ref), content_hash(command.body)
        there = known.get(key)
        if there is not None:
            if there.content_hash == digest:
                return Made(there, False)
            raise Conflict(
                "ref-reused",
                f"ref {command.ref} 已用于另一内容，请换一个 · the ref was used with other content; use a new one",
                identity=str(key),
            )
        now, principal = transaction.now, command.principal
        blank = Recall(
            id=key, number=recall_number(key, now), ref=command.ref, content_hash=digest, state="mock",
            region=principal.region, recorder_id=principal.recorder_id, scope=command.scope.json(), record_time=now,
            started_at=None, closed_at=None, outcome=None, conclusion=None, version=0, changed_at=now,
            **command.fields,
        )  # fmt: skip
        recall = changed(blank, now, principal.key_id, principal.role.value, "create", None)
        if command.mode == "live":
            recall = _started(recall, principal, now, None)
            _hold(transaction, principal, recall, command.subjects, "start")
        known[key] = recall
        store.add(transaction.connection, [recall])
        transaction.touched.update((key.hex, RECALLS))
        return Made(recall, True)

    return decided(commands, decide)


def change_recalls(transaction: Transaction, commands: Sequence[ChangeRecall]) -> Sequence[Recall | Exception]:
    """Job: starts, changes and closes recalls."""
    known = store.lock(transaction.connection, {command.id for command in commands})

    def decide(command: ChangeRecall) -> Recall:
        recall = known.get(command.id)
        if recall is None:
            raise unknown(command.id)
        principal, now = command.principal, transaction.now
        may_change(principal, recall)
        if command.version is not None and command.version != recall.version:
            raise Conflict(
                "changed-meanwhile",
                f"该召回已有第 {recall.version} 版，请按它修改 · "
                f"it is at version {recall.version} by now: look at that one and change it",
                identity=str(recall.id),
            )
        if recall.state == "closed":
            if (command.what, command.outcome, command.why) == ("close", recall.outcome, recall.conclusion):
                return recall  # the same again
            raise Conflict("recall-closed", "召回已结束，不能再改 · the recall is closed", identity=str(recall.id))
        match command.what:
            case "start":
                if recall.state == "live":
                    return recall
                after = _started(recall, principal, now, command.why)
            case "close":
                after = _closed(recall, command, now)
            case _:
                fields = dict(command.fields)
                if command.scope is not None:
                    fields["scope"] = command.scope.json()
                after = changed(recall, now, principal.key_id, principal.role.value, "change", command.why, **fields)
        if after.state == "live" or recall.state == "live":
            _hold(transaction, principal, after, _held_by(transaction.connection, after, command), command.what)
            if recall.state == "live":
                tell_changed(transaction, after)
        known[command.id] = after
        store.save(transaction.connection, [after])
        transaction.touched.update((after.id.hex, RECALLS))
        return after

    return decided(commands, decide)


def unknown(key: UUID) -> NotFound:
    return NotFound("unknown-recall", f"没有这个召回：{key} · no recall {key} that you may see", identity=str(key))


def _started(recall: Recall, principal: Principal, now: datetime, why: str | None) -> Recall:
    return changed(recall, now, principal.key_id, principal.role.value, "start", why, state="live", started_at=now)


def _closed(recall: Recall, command: ChangeRecall, now: datetime) -> Recall:
    if recall.state == "mock":
        raise Conflict("still-a-mock", "演练不需要结束 · a mock needs no closing", identity=str(recall.id))
    principal = command.principal
    return changed(
        recall, now, principal.key_id, principal.role.value, "close", command.why,
        state="closed", closed_at=now, outcome=command.outcome, conclusion=command.why,
    )  # fmt: skip


def _held_by(snapshot: Snapshot, recall: Recall, command: ChangeRecall) -> Subjects | None:
    """What the recall holds from now on: none for one that is lifted, None where that stays as it is."""
    if recall.state == "closed":
        return Subjects({}, {}, frozenset()) if recall.outcome == "lifted" else None
    if command.subjects is not None:
        return command.subjects
    return subjects_of(snapshot, read_scope(recall.scope)) if command.what == "start" else None


# --- holds ---


def _hold(transaction: Transaction, principal: Principal, recall: Recall, subjects: Subjects | None, what: str) -> None:
    """Records the change as an event, and places and releases holds so that they are what the subjects say."""
    connection = transaction.connection
    ref = f"recall/{recall.id}/{recall.version}"
    key = ids.event_id(principal.recorder_id, ref)
    change = hold_changes(connection, recall, subjects, AUTHORITY[principal.role], key, transaction.now)
    body = {
        "kind": "recall", "ref": ref, "event_time": transaction.now.isoformat(), "recall_id": str(recall.id),
        "number": recall.number, "what": what, "grade": recall.grade, "reason": recall.reason, "scope": recall.scope,
        "outcome": recall.outcome, "released": [str(row.custody_id) for row in change.released[:ENTERED]],
    }  # fmt: skip
    event = Event(
        key, "recall", transaction.now, 0, transaction.now, None,
        principal.party_id, principal.recorder_id, principal.role.value, ref, content_hash(body), body, {}, [],
    )  # fmt: skip
    ledger = Ledger(transaction.now, codes.mint)
    ledger.add(event)
    touched = [row.custody_id for row in (*change.placed, *change.released)][:ENTERED]
    for custody in fetch(connection, Custody, "id", touched):
        ledger.load([custody])
        ledger.enter(event, custody, TOUCHED)
        if event.site_id is None:
            ledger.edit(event, site_id=custody.site_id)
    ledger.edit(event, outcome=_outcome(event, what))
    write(transaction, ledger)
    change.write(transaction)


def _outcome(event: Event, what: str) -> dict[str, Any]:
    return {
        "ref": event.ref, "id": str(event.id), "kind": event.kind, "record_time": event.record_time.isoformat(),
        "flags": [], "outputs": [], "slip_code": None, "receipt_code": None, "decision": what, "reasons": [],
        "problem": None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class HoldChange:
    """Rows to write: new or different ones, and ones let go of."""

    placed: list[Hold]
    released: list[Hold]

    def write(self, transaction: Transaction) -> None:
        rows = [*self.placed, *self.released]
        if not rows:
            return
        if self.placed and not any_onward(transaction.connection):
            transaction.touched.add(HOLDS_ONWARD)
        store.save_holds(transaction.connection, rows)
        for row in rows:
            transaction.touched.update((row.custody_id.hex, row.lot_id.hex))


def hold_changes(
    snapshot: Snapshot, recall: Recall, subjects: Subjects | None, authority: int, by: UUID | None, now: datetime
) -> HoldChange:
    """What has to be placed and released so that the holds of the recall are what the subjects say; without subjects
    they stay, and only say what it says by now. `by`: the event that releases; without one nothing is released."""
    there = {row.id: row for row in store.holds(snapshot, recall.id)}
    if subjects is None:
        said = [row for row in there.values() if row.released_by is None and row.reason != recall.reason]
        return HoldChange([replace(row, reason=recall.reason) for row in said], [])
    spares = sorted(str(UUID(bytes=key)) for key in subjects.spares) or None
    wanted: dict[UUID, Hold] = {}
    named = [(UUID(bytes=lot), "lot_downstream", custody, lot) for lot, custody in subjects.lots.items()]
    named += [(UUID(bytes=key), "downstream", key, lot) for key, lot in subjects.custodies.items()]
    for subject, scope, custody, lot in named:
        key = hold_id(recall.id, subject)
        old = there.get(key)
        row = Hold(
            key, scope, UUID(bytes=custody), UUID(bytes=lot), recall.reason, authority, recall.recorder_id,
            now if old is None or old.released_by is not None else old.placed_at, False, None, recall.id, spares,
        )  # fmt: skip
        assert row.scope in ONWARD
        if old is not None and old.released_by is None:  # another of the lot's custodies would do as well
            row = replace(row, custody_id=old.custody_id, authority=max(row.authority, old.authority))
        if row != old:
            wanted[key] = row
    kept = {hold_id(recall.id, subject) for subject, *_ in named}
    gone = [row for key, row in there.items() if key not in kept and row.released_by is None] if by else []
    return HoldChange([*wanted.values()], [replace(row, released_by=by) for row in gone])
