"""Each kind of damage is found and named, and what is a projection is put right from the events."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from app.domain.codes import CodeKind, mint
from app.store import tables
from app.store.check import verify
from app.store.engine import reading, writing
from app.store.rebuild import rebuild
from tests.support import ledger
from tests.support.databases import Database
from tests.support.ledger import AT_FARM, AT_STALL, FARM, LOT, MADE, NOW, RECEIVED, SHIPPED, STALL, named, put

Damage = Callable[[Connection], object]


@pytest.fixture
def kept(engine: Engine) -> Engine:
    with writing(engine) as connection:
        ledger.make(connection)
    return engine


def test_a_sound_ledger_has_no_finding(kept: Engine) -> None:
    assert verify(kept) == []
    assert rebuild(kept) == []


PROJECTIONS: dict[str, tuple[Damage, str]] = {
    "balance": (
        lambda c: c.execute(update(tables.custody).where(tables.custody.c.id == AT_STALL).values(sold=700)),
        f"custody {AT_STALL}: sold is 700, its events and receipts make 750",
    ),
    "receipts": (
        lambda c: c.execute(update(tables.custody).where(tables.custody.c.id == AT_STALL).values(receipts=2)),
        f"custody {AT_STALL}: receipts is 2, its events and receipts make 1",
    ),
    "entry lost": (
        lambda c: c.execute(delete(tables.timeline).where(tables.timeline.c.event_id == SHIPPED)),
        f"event {SHIPPED}: its entry shipped of custody {AT_FARM} is not in timeline",
    ),
    "entry of no event": (
        lambda c: put(
            c, tables.timeline, custody_id=AT_STALL, event_id=MADE, entry="touched", kind="produce", event_time=NOW
        ),
        f"timeline {AT_STALL}/{MADE}/touched: is produce {NOW} 0, its event says None",
    ),
    "entry changed": (
        lambda c: c.execute(update(tables.timeline).where(tables.timeline.c.event_id == SHIPPED).values(amount=3)),
        f"timeline {AT_FARM}/{SHIPPED}/shipped: is ship {NOW} 3, its event says ('ship', {NOW!r}, 2000)",
    ),
    "lost to the repository": (
        lambda c: c.execute(delete(tables.unpublished).where(tables.unpublished.c.event_id == MADE)),
        f"event {MADE}: is neither in epcis_event nor in unpublished",
    ),
    "slip": (
        lambda c: c.execute(update(tables.slip_item).values(received=0)),
        "received is 0, its links make 1500",
    ),
}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_projection_that_differs_is_found_and_rebuilt(kept: Engine, name: str) -> None:
    damage, finding = PROJECTIONS[name]
    with writing(kept) as connection:
        damage(connection)
    assert any(finding in line for line in verify(kept)), verify(kept)
    assert rebuild(kept) != []
    assert verify(kept) == []
    assert rebuild(kept) == []


def _event_gone(connection: Connection) -> None:
    connection.execute(delete(tables.event).where(tables.event.c.id == RECEIVED))


def _loop(connection: Connection) -> None:
    put(connection, tables.custody_link, child_id=AT_FARM, parent_id=AT_STALL, event_id=RECEIVED, kind="return")


def _far_loop(connection: Connection) -> None:
    for name in ("second", "third"):
        put(
            connection, tables.custody, id=named(name), kind="custody", lot_id=LOT, product_id=named("cabbage"),
            measure="weight", arrived_event_id=MADE, arrived_at=NOW,
        )  # fmt: skip
    for parent, child in ((AT_STALL, named("second")), (named("second"), named("third")), (named("third"), AT_FARM)):
        put(connection, tables.custody_link, child_id=child, parent_id=parent, event_id=RECEIVED, kind="return")


def _hold(connection: Connection, placed: object, released: object) -> None:
    put(connection, tables.hold, id=placed, scope="lot", custody_id=AT_STALL, lot_id=LOT, released_by=released)


def _version(connection: Connection) -> None:
    put(connection, tables.master_version, subject_id=STALL, version=2, kind="site", body={})


DAMAGES: dict[str, tuple[Damage, str]] = {
    "event gone": (_event_gone, f"event_id {RECEIVED} is not in event"),
    "loop": (_loop, "goods come from themselves"),
    "far loop": (_far_loop, "goods come from themselves"),
    "parent gone": (
        lambda c: c.execute(update(tables.custody_link).values(parent_id=named("nobody"))),
        f"parent_id {named('nobody')} is not in custody",
    ),
    "lot gone": (lambda c: c.execute(delete(tables.lot)), f"custody {AT_FARM}: lot_id {LOT} is not in lot"),
    "receipt gone": (lambda c: c.execute(delete(tables.receipt)), "receipt_id 274877906944 is not in receipt"),
    "code of nothing": (
        lambda c: put(c, tables.code, code="B1", kind="B", subject_id=named("nobody"), status="active"),
        f"code B1: {named('nobody')} is not in custody",
    ),
    "code gone": (
        lambda c: c.execute(delete(tables.code).where(tables.code.c.kind == "T")),
        "is not in code, or names something else",
    ),
    "code of another": (
        lambda c: c.execute(update(tables.code).where(tables.code.c.subject_id == STALL).values(subject_id=FARM)),
        f"site {STALL}: its code",
    ),
    "replacement gone": (
        lambda c: c.execute(update(tables.code).where(tables.code.c.kind == "B").values(replacement="B2")),
        "its replacement B2 is not in code",
    ),
    "revoked without a time": (
        lambda c: c.execute(update(tables.code).where(tables.code.c.kind == "B").values(status="revoked")),
        "is revoked, revoked at None",
    ),
    "hold by a sale": (
        lambda c: _hold(c, MADE, None),
        f"hold {MADE}: was placed by an event of kind produce",
    ),
    "hold released by shipping": (
        lambda c: _hold(c, MADE, SHIPPED),
        f"hold {MADE}: was released by an event of kind ship",
    ),
    "path": (
        lambda c: c.execute(update(tables.site).where(tables.site.c.id == STALL).values(parent_site_id=FARM)),
        f"site {STALL}: its path does not lead through its parent",
    ),
    "version": (_version, f"site {STALL}: is version 1, its history ends at 2"),
    "body changed": (
        lambda c: c.execute(update(tables.event).where(tables.event.c.id == RECEIVED).values(body={})),
        f"event {RECEIVED}: its body is not what was recorded",
    ),
    "ref changed": (
        lambda c: c.execute(update(tables.event).where(tables.event.c.id == RECEIVED).values(ref="other")),
        f"event {RECEIVED}: is not the id of its recorder and ref",
    ),
    "entry unheard of": (
        lambda c: c.execute(update(tables.timeline).where(tables.timeline.c.event_id == MADE).values(entry="lost")),
        "there is no such entry",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(kept: Engine, database: Database, name: str) -> None:
    database.damaged = True
    damage, finding = DAMAGES[name]
    with writing(kept) as connection:
        damage(connection)
    assert any(finding in line for line in verify(kept)), verify(kept)


def test_what_a_replaced_slip_delivered_counts_on_the_one_that_stands(kept: Engine) -> None:
    new = mint(CodeKind.SLIP)
    with writing(kept) as connection:
        old = connection.scalar(select(tables.slip.c.code))
        ledger.event(connection, "shipped again", "ship", FARM, [])
        again = ledger.event_key("shipped again")
        put(connection, tables.code, code=new, kind="T", subject_id=again, status="active")
        put(connection, tables.slip, code=new, event_id=again, site_id=FARM, status="open")
        put(
            connection, tables.slip_item, slip_code=new, custody_id=AT_FARM, product_id=ledger.CABBAGE, lot_id=LOT,
            amount=2000, received=1500,
        )  # fmt: skip
        connection.execute(
            update(tables.code)
            .where(tables.code.c.code == old)
            .values(status="revoked", replacement=new, revoked_at=NOW)
        )
    assert [line.split(": ")[1] for line in verify(kept)] == ["received is 1500, its links make 0"]
    rebuild(kept)
    with reading(kept) as snapshot:
        amounts = select(tables.slip_item.c.slip_code, tables.slip_item.c.received)
        assert {row.slip_code: row.received for row in snapshot.execute(amounts)} == {old: 0, new: 1500}


def test_findings_end_somewhere(kept: Engine, database: Database) -> None:
    database.damaged = True
    with writing(kept) as connection:
        lost = {"position": 0, "slug": "late", "detail": "", "record_time": NOW}
        connection.execute(insert(tables.flag), [{**lost, "event_id": named(str(i))} for i in range(1_100)])
    assert len(verify(kept)) == 1_000
