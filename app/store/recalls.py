"""Recalls, the places and parties that they concern, and answers: rows written by their verb, read by who may."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from app.domain.recalls import Answer, Notice, Recall, RecallPlace, State
from app.domain.rights import Principal, Role
from app.domain.rows import Hold
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
from app.store.places import market_sites

_recall, _place, _notice, _answer = tables.recall, tables.recall_place, tables.recall_notice, tables.recall_answer


def find(snapshot: Snapshot, recall_id: UUID) -> Recall | None:
    row = snapshot.execute(select(_recall).where(_recall.c.id == recall_id)).one_or_none()
    return Recall(*row) if row else None


def lock(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Recall]:
    """Nobody else changes them until the transaction ends; locked in the order of their ids."""
    found: dict[UUID, Recall] = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        statement = select(_recall).where(_recall.c.id.in_(chunk)).order_by(_recall.c.id).with_for_update()
        found |= {row.id: Recall(*row) for row in connection.execute(statement)}
    return found


def add(connection: Snapshot, rows: Iterable[Recall]) -> None:
    bulk.insert(connection, _recall, [values(row) for row in rows])


def save(connection: Snapshot, rows: Iterable[Recall]) -> None:
    bulk.upsert(connection, _recall, [values(row) for row in rows])


def live(snapshot: Snapshot) -> list[Recall]:
    """The first to start first."""
    statement = select(_recall).where(_recall.c.state == "live").order_by(_recall.c.record_time, _recall.c.id)
    return [Recall(*row) for row in snapshot.execute(statement)]


def published(snapshot: Snapshot, after: tuple[datetime, UUID] | None, limit: int) -> list[Recall]:
    """What the public is told of: live and closed ones, the latest first."""
    c = _recall.c
    conditions: list[ColumnElement[bool]] = [c.state.in_(("live", "closed"))]
    if after is not None:
        time, key = after
        conditions.append(or_(c.record_time < time, and_(c.record_time == time, c.id < key)))
    statement = select(_recall).where(*conditions).order_by(c.record_time.desc(), c.id.desc()).limit(limit)
    return [Recall(*row) for row in snapshot.execute(statement)]


def find_all(snapshot: Snapshot, ids: Iterable[UUID]) -> list[Recall]:
    found: list[Recall] = []
    for chunk in chunks(ids):
        found += [Recall(*row) for row in snapshot.execute(select(_recall).where(_recall.c.id.in_(chunk)))]
    return found


def by_number(snapshot: Snapshot, number: str) -> Recall | None:
    """The live or closed one of this number."""
    statement = select(_recall).where(_recall.c.number == number, _recall.c.state.in_(("live", "closed")))
    row = snapshot.execute(statement.order_by(_recall.c.id).limit(1)).one_or_none()
    return Recall(*row) if row else None


# --- who sees what ---


def _places_of(principal: Principal) -> Select[tuple[UUID]]:
    """Ids of the recalls that reach goods in the principal's hands, market or region."""
    c = _place.c
    statement = select(c.recall_id).where(c.gone.is_(False))
    match principal.role:
        case Role.MARKET:
            return statement.where(or_(c.party_id == principal.party_id, c.site_id.in_(market_sites(principal))))
        case Role.REGULATOR:
            return statement.where(c.region.startswith(principal.region or "-", autoescape=True))
        case _ if principal.party_id is not None:
            return statement.where(c.party_id == principal.party_id)
        case _:
            return statement.where(false())


def concerned(snapshot: Snapshot, principal: Principal, recall_id: UUID) -> bool:
    """Whether it reaches goods in the principal's hands, market or region."""
    statement = _places_of(principal).where(_place.c.recall_id == recall_id).limit(1)
    return snapshot.execute(statement).first() is not None


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    state: State | None = None,
    number: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Recall]:
    """The latest first: an admin all; a regulator those of its region's offices and those that reach into it; others
    the live and closed ones that reach their goods."""
    c = _recall.c
    conditions: list[ColumnElement[bool]] = []
    if principal.role is not Role.ADMIN:
        ids = list(dict.fromkeys(snapshot.scalars(_places_of(principal))))
        reaching = and_(c.id.in_(ids), c.state != "mock")
        if principal.role is Role.REGULATOR:
            reaching = or_(reaching, c.region.startswith(principal.region or "-", autoescape=True))
        conditions.append(reaching)
    if state is not None:
        conditions.append(c.state == state)
    if number is not None:
        conditions.append(c.number == number)
    if after is not None:
        time, key = after
        conditions.append(or_(c.record_time < time, and_(c.record_time == time, c.id < key)))
    statement = select(_recall).where(*conditions).order_by(c.record_time.desc(), c.id.desc()).limit(limit)
    return [Recall(*row) for row in snapshot.execute(statement)]


# --- what they concern ---


def places(snapshot: Snapshot, recall_id: UUID) -> list[RecallPlace]:
    statement = select(_place).where(_place.c.recall_id == recall_id).order_by(_place.c.record_time, _place.c.id)
    return [RecallPlace(*row) for row in snapshot.execute(statement)]


def places_of(snapshot: Snapshot, recall_id: UUID, parties: Iterable[UUID]) -> list[RecallPlace]:
    c = _place.c
    found: list[RecallPlace] = []
    for chunk in chunks(parties):
        statement = select(_place).where(c.recall_id == recall_id, c.party_id.in_(chunk))
        found += [RecallPlace(*row) for row in snapshot.execute(statement.order_by(c.record_time, c.id))]
    return found


def places_of_party(snapshot: Snapshot, recall_id: UUID, party_id: UUID) -> list[RecallPlace]:
    c = _place.c
    statement = select(_place).where(c.recall_id == recall_id, c.party_id == party_id).order_by(c.record_time, c.id)
    return [RecallPlace(*row) for row in snapshot.execute(statement)]


def save_places(connection: Snapshot, rows: Iterable[RecallPlace]) -> None:
    bulk.upsert(connection, _place, [values(row) for row in rows])


def parties_of_market(snapshot: Snapshot, principal: Principal, recall_id: UUID) -> set[UUID]:
    """Parties of the market's stalls that a recall concerns, and itself."""
    c = _place.c
    statement = select(c.party_id).where(
        c.recall_id == recall_id,
        c.party_id.is_not(None),
        or_(c.party_id == principal.party_id, c.site_id.in_(market_sites(principal))),
    )
    return {key for key in snapshot.scalars(statement) if key is not None}


def holds(snapshot: Snapshot, recall_id: UUID) -> list[Hold]:
    """What the recall holds, and what it has let go of."""
    statement = select(tables.hold).where(tables.hold.c.recall_id == recall_id).order_by(tables.hold.c.id)
    return [Hold(*row) for row in snapshot.execute(statement)]


def save_holds(connection: Snapshot, rows: Iterable[Hold]) -> None:
    bulk.upsert(connection, tables.hold, [values(row) for row in rows])


# --- notices and answers ---


def notices(snapshot: Snapshot, recall_ids: Collection[UUID]) -> list[Notice]:
    """The first written first."""
    found: list[Notice] = []
    c = _notice.c
    for chunk in chunks(recall_ids):
        statement = select(_notice).where(c.recall_id.in_(chunk)).order_by(c.record_time, c.id)
        found += [Notice(*row) for row in snapshot.execute(statement)]
    return found


def notice(snapshot: Snapshot, key: UUID) -> Notice | None:
    row = snapshot.execute(select(_notice).where(_notice.c.id == key)).one_or_none()
    return Notice(*row) if row else None


def page_of_notices(
    snapshot: Snapshot,
    recall_id: UUID,
    *,
    parties: Collection[UUID] | None,
    region: str | None,
    state: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Notice]:
    """Of these parties (None: all) in this region, the first written first."""
    c = _notice.c
    conditions: list[ColumnElement[bool]] = [c.recall_id == recall_id]
    if parties is not None:
        conditions.append(c.party_id.in_(list(parties)))
    if region is not None:
        conditions.append(c.region.startswith(region, autoescape=True))
    if state is not None:
        conditions.append(c.state == state)
    if after is not None:
        time, key = after
        conditions.append(or_(c.record_time > time, and_(c.record_time == time, c.id > key)))
    statement = select(_notice).where(*conditions).order_by(c.record_time, c.id).limit(limit)
    return [Notice(*row) for row in snapshot.execute(statement)]


def lock_notices(connection: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Notice]:
    found: dict[UUID, Notice] = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        statement = select(_notice).where(_notice.c.id.in_(chunk)).order_by(_notice.c.id).with_for_update()
        found |= {row.id: Notice(*row) for row in connection.execute(statement)}
    return found


def save_notices(connection: Snapshot, rows: Iterable[Notice]) -> None:
    bulk.upsert(connection, _notice, [values(row) for row in rows])


def answers(snapshot: Snapshot, recall_id: UUID, party_id: UUID | None = None) -> list[Answer]:
    """The first given first."""
    conditions = [_answer.c.recall_id == recall_id]
    if party_id is not None:
        conditions.append(_answer.c.party_id == party_id)
    statement = select(_answer).where(*conditions).order_by(_answer.c.record_time, _answer.c.id)
    return [Answer(*row) for row in snapshot.execute(statement)]


def answers_of(snapshot: Snapshot, recall_id: UUID, parties: Iterable[UUID]) -> list[Answer]:
    """Of these parties, the first given first."""
    c = _answer.c
    found: list[Answer] = []
    for chunk in chunks(parties):
        statement = select(_answer).where(c.recall_id == recall_id, c.party_id.in_(chunk))
        found += [Answer(*row) for row in snapshot.execute(statement.order_by(c.record_time, c.id))]
    return found


def known_answers(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Answer]:
    found: dict[UUID, Answer] = {}
    for chunk in chunks(ids):
        statement = select(_answer).where(_answer.c.id.in_(chunk))
        found |= {row.id: Answer(*row) for row in snapshot.execute(statement)}
    return found


def add_answers(connection: Snapshot, rows: Iterable[Answer]) -> None:
    bulk.insert(connection, _answer, [values(row) for row in rows])
