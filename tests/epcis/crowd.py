"""Twenty thousand events of everybody, among which a few readers find few of their own; and what a request looks at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, event

from app.domain.ids import EPCIS
from app.domain.rights import Principal, Role
from app.domain.rows import Site
from app.store import bulk, tables
from app.store.engine import writing
from app.store.master import values

COUNT = 20_000
EVERY = 500  # one of so many is of the readers that the tests know
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
STEPS = ("shipping", "receiving", "storing", "packing", "commissioning")
WE, OTHERS, SCALE = UUID(int=1), UUID(int=2), UUID(int=3)
STALLS = [UUID(int=100 + n) for n in range(4)]  # ours, in the region 3301; those of others are in 44
LEFT = UUID(int=200)  # a stall of others


@dataclass(frozen=True, slots=True)
class One:
    """An event of the crowd, as it is recorded."""

    number: int
    event_time: datetime
    record_time: datetime
    step: str
    place: str
    lot: str
    recorder: UUID
    party: UUID | None
    site: UUID | None
    role: str

    @property
    def position(self) -> int:
        return self.number + 1


def one(number: int) -> One:
    turn, ours = divmod(number, EVERY)
    recorder, party, site, role = (EPCIS, OTHERS, LEFT, "capture")
    if ours == 0:
        recorder, party, site, role = [
            (EPCIS, WE, None, "capture"),  # asserted by us
            (WE, WE, STALLS[turn % 4], "vendor"),  # recorded by us
            (UUID(int=9), UUID(int=9), STALLS[turn % 4], "market"),  # what the market says of our stall
            (OTHERS, OTHERS, STALLS[turn % 4], "vendor"),  # whose stall it was before
            (SCALE, WE, STALLS[turn % 4], "device"),
        ][turn % 5]
    # Told of hours later, some of them: neither time goes up with the other.
    moment = BEGUN + timedelta(minutes=number)
    happened = moment - timedelta(hours=number * 7 % 50)
    step = "inspecting" if number == 6 * EVERY else STEPS[number % 5 if ours else turn % 2]
    place = f"https://id.gs1.org/414/{4_012_345_000_000 + (number % 300 if ours else turn % 3)}"
    lot = f"https://id.gs1.org/01/04012345123456/10/{'WE' if ours == 0 else 'L'}{number % 700}"
    return One(number, happened, moment, step, place, lot, recorder, party, site, role)


def crowd(engine: Engine) -> list[One]:
    """Everything is written as it stands in the tables, so that it takes a second."""
    everybody = [one(number) for number in range(COUNT)]
    with writing(engine) as connection:
        bulk.insert(connection, tables.event, [_recorded(each) for each in everybody])
        bulk.insert(connection, tables.epcis_event, [_shown(each) for each in everybody])
        bulk.insert(
            connection, tables.epc_event, [(each.lot, each.position, UUID(int=each.number), 16) for each in everybody]
        )
        bulk.insert(connection, tables.site, [values(_site(key, WE, "330102", n)) for n, key in enumerate(STALLS)])
        bulk.insert(connection, tables.site, [values(_site(LEFT, OTHERS, "440100", 9))])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return everybody


def _recorded(each: One) -> tuple[object, ...]:
    body = {
        "type": "ObjectEvent", "eventTime": each.event_time.isoformat(), "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE", "bizStep": each.step, "bizLocation": {"id": each.place},
        "quantityList": [{"epcClass": each.lot}],
    }  # fmt: skip
    return (
        UUID(int=each.number), "epcis.x", each.event_time, 0, each.record_time, each.site, each.party, each.recorder,
        each.role, None, b"", body, {}, [], *[None] * (len(tables.event.columns) - 14),
    )  # fmt: skip


def _shown(each: One) -> tuple[object, ...]:
    return (
        UUID(int=each.number), each.position, "ObjectEvent", each.event_time, each.record_time, "OBSERVE", each.step,
        None, None, each.place, None, f"urn:x:{each.number}", each.recorder, each.party, each.site, each.role, None,
        None,
    )  # fmt: skip


def _site(key: UUID, party: UUID, region: str, number: int) -> Site:
    return Site(
        key, f"CROWD{number}", party, "摊位", "stall", None, f"{key.hex}/", region, None, None, "Asia/Shanghai", [],
        None, "active", None, None, 1, BEGUN, BEGUN,
    )  # fmt: skip


def reader(role: Role, party: UUID | None = None, region: str | None = None, device: UUID | None = None) -> Principal:
    return Principal(UUID(int=7), role, party, region, device, None)


READERS = {
    "vendor": (reader(Role.VENDOR, WE), lambda e: e.party == WE or (e.site in STALLS and e.role == "market")),
    "market": (reader(Role.MARKET, WE), lambda e: e.party == WE or e.site in STALLS),
    "regulator": (reader(Role.REGULATOR, region="3301"), lambda e: e.site in STALLS),
    "device": (reader(Role.DEVICE, WE, device=SCALE), lambda e: e.recorder == SCALE),
    "nobody": (reader(Role.LAB, UUID(int=8)), lambda e: False),
}


@dataclass(slots=True)
class Looked:
    """steps: of SQLite's machine, some ten for a row; rows: that PostgreSQL has read."""

    steps: int = 0
    rows: int = 0

    @property
    def much(self) -> bool:
        """Whether it is anything like the twenty thousand."""
        return self.steps > COUNT or self.rows > COUNT // 10


# Since the connection last told the server, which it does now and then.
_READ = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"


@contextmanager
def looking(engine: Engine) -> Iterator[Looked]:
    """Counts what the transactions of an engine look at."""
    looked = Looked()

    def step() -> None:
        looked.steps += 10

    def read(connection: Connection) -> int:
        with connection.connection.cursor() as cursor:
            cursor.execute(_READ)
            return int((cursor.fetchone() or (0,))[0] or 0)

    def begin(connection: Connection) -> None:
        if engine.dialect.name == "sqlite":
            connection.connection.driver_connection.set_progress_handler(step, 10)  # type: ignore[union-attr]
        else:
            looked.rows -= read(connection)

    def end(connection: Connection) -> None:
        if engine.dialect.name == "sqlite":
            connection.connection.driver_connection.set_progress_handler(None, 0)  # type: ignore[union-attr]
        else:
            looked.rows += read(connection)

    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", end)
    event.listen(engine, "rollback", end)
    try:
        yield looked
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "commit", end)
        event.remove(engine, "rollback", end)
