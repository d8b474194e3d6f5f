"""Named queries and who is told of what they find: made, read, changed and deleted. Each is its owner's alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from app.domain.epcis.exceptions import (
    NoSuchNameException,
    NoSuchResourceException,
    QueryTooComplexException,
    QueryValidationException,
    ResourceAlreadyExistsException,
    SecurityException,
    SubscriptionControlsException,
)
from app.domain.epcis.formats import EpcFormat
from app.domain.epcis.query import Query
from app.domain.epcis.query_parsing import parse_body
from app.domain.epcis.schedule import next_after, parse_schedule
from app.domain.epcis.standing import BATCH, NamedQuery, Subscription, query_id, veiled
from app.domain.epcis.xml_spelling import cbv_format
from app.domain.errors import Invalid
from app.domain.rights import HOOKS, Principal
from app.domain.webhooks import Reach, require_listed, target_of
from app.exchanging.answers import SIMPLE, Form
from app.exchanging.documents import to_json
from app.store import standing as store
from app.store.engine import Database, Snapshot, reading
from app.store.published import last_position, record_times
from app.store.writer import Transaction, decided

SUBSCRIPTIONS: Final = "epcis-subscriptions"  # in the change feed: there is another one, or it goes on
QUERIES: Final = 100  # of one owner
MOST: Final = 20  # subscriptions of one owner
LARGEST: Final = 65_536  # bytes of a query
LONGEST: Final = 100  # characters of a name
NEVER: Final = timedelta(days=36_500)
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MakeQuery:
    """`query` has been read by `read_query`."""

    principal: Principal
    name: str
    query: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteQuery:
    """Ends its subscriptions, too."""

    principal: Principal
    name: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a subscriber is told: at once (`schedule` None), or by a schedule; what was recorded before `since` never;
    `report_if_empty`: by schedule even where there is nothing to tell."""

    schedule: Mapping[str, Any] | None
    since: datetime | None = None
    report_if_empty: bool = False

    def next_run(self, now: datetime) -> datetime:
        """A stream may run at any time."""
        if self.schedule is None:
            return now
        return next_after(parse_schedule(self.schedule), now) or now + NEVER


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`reach`: what the operator has listed; `master` veils the token."""

    principal: Principal
    name: str
    dest: str
    token: str | None
    trigger: Trigger
    reach: Reach
    master: bytes
    form: Form = field(default_factory=Form)
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class ChangeSubscription:
    """`status`: active | paused | deleted. One that goes on does so from where it was."""

    principal: Principal
    name: str
    id: UUID
    status: str


def read_query(name: object, query: object) -> tuple[str, Query]:
    """A definition as it was given. Raises EpcisException for a name that cannot stand in a path, and a query that is
    none."""
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= LONGEST
        or not name.isprintable()
        or name != name.strip()
        or "/" in name
        or name in (".", "..")
    ):
        raise QueryValidationException(
            f"name 须为 1 至 {LONGEST} 个可见字符，不含 / · `name` is a text of 1 to {LONGEST} visible characters "
            "without a slash",
            pointer="/name",
        )
    if not isinstance(query, dict):
        raise QueryValidationException(
            "query 须为 JSON 对象，如 {} · `query` is a JSON object such as {}", pointer="/query"
        )
    if len(to_json(query)) > LARGEST:
        raise QueryTooComplexException(
            f"查询超过 {LARGEST} 字节，请分成几个 · The query has more than {LARGEST} bytes: make several of it",
            pointer="/query",
        )
    return name, parse_body(query)


def read_trigger(stream: object, schedule: object, since: datetime | None, report_if_empty: bool) -> Trigger:
    """Raises SubscriptionControlsException unless exactly one of stream and schedule says when to tell."""
    if (stream is True) == (schedule is not None) or stream not in (None, True, False):
        raise SubscriptionControlsException(
            "请给出 schedule，或 stream: true，二者取一 · Say when to be told: either `schedule` or `stream`: true",
            pointer="/schedule",
        )
    if schedule is None:
        return Trigger(None, since, report_if_empty)
    if not isinstance(schedule, Mapping):
        raise SubscriptionControlsException(
            'schedule 须为对象，如 {"hour": "1"} · `schedule` is an object such as {"hour": "1"}', pointer="/schedule"
        )
    parse_schedule(schedule)
    return Trigger(dict(schedule), since, report_if_empty)


def require_standing(query: Query) -> None:
    """Raises SubscriptionControlsException for a query that stops counting: who subscribes is told of everything."""
    if query.event_count_limit is not None or query.max_event_count is not None:
        raise SubscriptionControlsException(
            "含 eventCountLimit 或 maxEventCount 的查询不能订阅 · A query with eventCountLimit or maxEventCount cannot "
            "be subscribed to"
        )


# --- queries ---


def find_query(snapshot: Snapshot, principal: Principal, name: str) -> NamedQuery:
    """One of the principal's own, or that which the standard defines for everybody (EPCIS 2.0 §8.2.7.1). Raises
    NoSuchNameException."""
    key = query_id(principal.recorder_id, name)
    if name == SIMPLE:
        return NamedQuery(key, principal.recorder_id, SIMPLE, {}, _EVER)
    return _named(store.queries(snapshot, [key]).get(key))


def _named(found: NamedQuery | None) -> NamedQuery:
    if found is None:
        raise NoSuchNameException("没有这个名称的查询 · You have no query of this name: see GET /epcis/queries")
    return found


def list_queries(database: Database, principal: Principal, after: str, limit: int) -> list[NamedQuery]:
    """The principal's own, by name."""
    with reading(database) as snapshot:
        return store.queries_of(snapshot, principal.recorder_id, after, limit)


def make_queries(transaction: Transaction, commands: Sequence[MakeQuery]) -> Sequence[NamedQuery | Exception]:
    """Job: each a query of a name that its owner has not used yet."""
    connection = transaction.connection
    known = set(store.queries(connection, {query_id(c.principal.recorder_id, c.name) for c in commands}))
    counts = store.count_queries(connection, {command.principal.recorder_id for command in commands})
    made: list[NamedQuery] = []

    def decide(command: MakeQuery) -> NamedQuery:
        owner = command.principal.recorder_id
        key = query_id(owner, command.name)
        if key in known or command.name == SIMPLE:
            raise ResourceAlreadyExistsException(
                "已有同名查询，请换名或先删除 · There is a query of this name: choose another, or delete it first",
                pointer="/name",
            )
        if counts.get(owner, 0) >= QUERIES:
            raise SecurityException(
                f"最多 {QUERIES} 个查询，请先删除不用的 · At most {QUERIES} queries: delete one that is not used"
            )
        counts[owner] = counts.get(owner, 0) + 1
        known.add(key)
        row = NamedQuery(key, owner, command.name, command.query, transaction.now)
        made.append(row)
        return row

    results = decided(commands, decide)
    store.add_queries(connection, made)
    return results


def delete_queries(transaction: Transaction, commands: Sequence[DeleteQuery]) -> Sequence[Exception | None]:
    """Job: each query with its subscriptions; sockets that listen to it hear of it through the feed."""
    connection = transaction.connection
    keys = {query_id(command.principal.recorder_id, command.name) for command in commands}
    known = store.lock(connection, keys)
    gone: set[UUID] = set()

    def decide(command: DeleteQuery) -> None:
        key = query_id(command.principal.recorder_id, command.name)
        _named(known.pop(key, None))
        gone.add(key)
        transaction.touched.add(key.hex)

    results = decided(commands, decide)
    store.delete_queries(connection, gone)
    return results


# --- subscriptions ---


def subscribe(transaction: Transaction, commands: Sequence[Subscribe]) -> Sequence[Subscription | Exception]:
    """Job: each a subscription of its own, from now on, or from the first event recorded at `since`."""
    connection, now = transaction.connection, transaction.now
    keys = {query_id(command.principal.recorder_id, command.name) for command in commands}
    queries = store.lock(connection, keys)
    counts = store.count_subscriptions(connection, {command.principal.recorder_id for command in commands})
    last = last_position(connection)
    made: list[Subscription] = []

    def decide(command: Subscribe) -> Subscription:
        principal, trigger, form = command.principal, command.trigger, command.form
        owner = principal.recorder_id
        query = _named(queries.get(query_id(owner, command.name)))
        require_standing(parse_body(query.query))
        _may(principal)
        _reachable(command)
        if counts.get(owner, 0) >= MOST:
            raise SubscriptionControlsException(
                f"最多 {MOST} 个订阅，请先删除不用的 · At most {MOST} subscriptions: delete one that is not used"
            )
        counts[owner] = counts.get(owner, 0) + 1
        token = veiled(command.master, command.id, command.token.encode()) if command.token else None
        past = trigger.since is not None and trigger.since <= now
        row = Subscription(
            command.id, query.id, owner, str(principal.role), principal.party_id, principal.region, principal.key_id,
            command.dest, token, str(form.epcs), form.words, form.media_type, form.version, trigger.report_if_empty,
            trigger.since, trigger.schedule, "active", None, 0 if past else last, BATCH, trigger.next_run(now), 0, 0,
            None, now,
        )  # fmt: skip
        made.append(row)
        return row

    results = decided(commands, decide)
    store.add(connection, made)
    if made:
        transaction.touched.add(SUBSCRIPTIONS)
    return results


def form_of(row: Subscription) -> Form:
    """How a subscriber is told; of what its row does not say, as everybody is."""
    default = Form()
    return Form(
        row.media_type or default.media_type,
        EpcFormat(row.epc_format or default.epcs),
        cbv_format(row.cbv_xml_format or default.words),
        "1.2" if row.xml_version == "1.2" else default.version,
    )


def _may(principal: Principal) -> None:
    if principal.role not in HOOKS:
        raise SecurityException(
            f"{principal.role} 密钥不能订阅，请用经营主体、监管部门或管理员的密钥，或 WebSocket · A key of role "
            f"{principal.role} does not subscribe: use one of a party, a regulator or the operator, or a WebSocket"
        )


def _reachable(command: Subscribe) -> None:
    """Raises SubscriptionControlsException for what is no address, SecurityException for a host that is not listed."""
    try:
        target = target_of(command.dest)
    except Invalid as error:
        raise SubscriptionControlsException(error.detail, pointer="/dest") from None
    try:
        require_listed(command.reach, target)
    except Invalid as error:
        raise SecurityException(error.detail, pointer="/dest") from None


def list_subscriptions(database: Database, principal: Principal, name: str) -> list[Subscription]:
    """Of one of the principal's queries. Raises NoSuchNameException."""
    with reading(database) as snapshot:
        return store.of_query(snapshot, find_query(snapshot, principal, name).id)


def find_subscription(database: Database, principal: Principal, name: str, key: UUID) -> Subscription:
    """Raises NoSuchNameException, NoSuchResourceException."""
    with reading(database) as snapshot:
        query = find_query(snapshot, principal, name)
        return _of(query, store.subscriptions(snapshot, [key]).get(key))


def least_record_times(database: Database, rows: Sequence[Subscription]) -> dict[UUID, datetime]:
    """What each will still be told of was recorded then or later (GS1-Query-Min-Record-Time): initialRecordTime at
    first, then when the event was recorded up to which it has been told."""
    with reading(database) as snapshot:
        reached = record_times(snapshot, {row.position for row in rows})
    begun = {row.id: row.since or row.record_time for row in rows}
    return {row.id: max(begun[row.id], reached.get(row.position, begun[row.id])) for row in rows}


def _of(query: NamedQuery, found: Subscription | None) -> Subscription:
    if found is None or found.query_id != query.id:
        raise NoSuchResourceException("没有这个订阅，请检查编号 · There is no such subscription: check the id")
    return found


def change_subscriptions(
    transaction: Transaction, commands: Sequence[ChangeSubscription]
) -> Sequence[Subscription | Exception]:
    """Job: pauses subscriptions, lets them go on from where they were, or deletes them."""
    connection, now = transaction.connection, transaction.now

    def decide(command: ChangeSubscription) -> Subscription:
        query = find_query(connection, command.principal, command.name)
        row = _of(query, store.subscriptions(connection, [command.id]).get(command.id))
        if command.status == "deleted":
            store.delete(connection, [row.id])
            return row
        if command.status == row.status:
            return row
        changes: dict[str, Any] = {"status": command.status, "reason": None, "failures": 0}
        if command.status == "active":
            changes["due"] = now
            transaction.touched.add(SUBSCRIPTIONS)
        changed = store.change(connection, row.id, changes)
        return _of(query, changed)

    return decided(commands, decide)
