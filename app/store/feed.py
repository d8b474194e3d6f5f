"""The change feed: what was touched, in commit order as far as a reader can tell; see `Tail`."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, select, text

from app.store import tables
from app.store.engine import dump_json, holding
from app.store.errors import StoreUnavailable
from app.store.types import micros

log = logging.getLogger(__name__)

KEEP = timedelta(days=1)  # no reader of the feed falls further behind; one that does starts again
NEWEST = 10_000  # entries that stay however old the clock makes them: one that jumps by days cuts no reader off
PRUNED = 1_000
PERIOD = 0.1  # seconds between two looks; a lock of a key must work within one second


def append(connection: Connection, now: datetime, touched: Iterable[str]) -> None:
    """The last statement of a transaction."""
    postgres = connection.dialect.name == "postgresql"
    names = dump_json(sorted(touched))
    connection.exec_driver_sql(_POSTGRES if postgres else _SQLITE, (now if postgres else micros(now), names))


_SQLITE = "INSERT INTO feed (record_time, touched) VALUES (?, ?)"
_POSTGRES = "INSERT INTO feed (record_time, touched) VALUES (%s, %s::jsonb)"


def prune(connection: Connection, now: datetime) -> None:
    """Drops the oldest entries once they are older than KEEP, at most PRUNED of them and none of the NEWEST: the feed
    stays bounded."""
    feed = tables.feed.c
    oldest = select(feed.seq).order_by(feed.seq).limit(PRUNED).scalar_subquery()
    last = select(func.max(feed.seq)).scalar_subquery()
    old = (feed.seq.in_(oldest), feed.seq <= last - NEWEST, feed.record_time < now - KEEP)
    connection.execute(delete(tables.feed).where(*old))


class Tail:
    """Calls `on_change(touched)` for every transaction after the start, none missed and none twice.

    SQLite has one writer, so `seq > last` is safe. On PostgreSQL sequence order is not commit order: the reader keeps
    its previous snapshot and takes the rows that have become visible since. Where the feed cannot be read,
    `on_loss()` is called before anything else is: a cache must drop all it holds.
    """

    def __init__(self, engine: Engine, on_change: Callable[[Iterable[str]], None], on_loss: Callable[[], None]) -> None:
        self._engine = engine
        self._on_change = on_change
        self._on_loss = on_loss
        self._stop = threading.Event()
        self._position: str | int | None = None
        self._seen = float("-inf")
        self._looked = time.time()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    @property
    def age(self) -> float:
        """Seconds since the feed was last read to its end."""
        return time.monotonic() - self._seen

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            try:
                # A connection of its own: where scans wait for one, a feed that waits in their line would be cut,
                # nothing kept would be believed, and every scan would need a connection.
                with holding(self._engine) as connection:
                    self._follow(connection)
            except StoreUnavailable as error:
                log.warning("the change feed cannot be read: %s", error)
                self._position = None
                self._on_loss()

    def _follow(self, connection: Connection) -> None:
        while True:
            begun, looked = time.monotonic(), time.time()
            if looked - self._looked > KEEP.total_seconds() / 2:  # it was stopped so long that entries may be gone
                self._position = None
            self._looked = looked
            with connection.begin():
                for touched in self._take(connection):
                    self._on_change(touched)
            self._seen = begun
            if self._stop.wait(PERIOD):
                return

    def _take(self, connection: Connection) -> list[list[str]]:
        if connection.dialect.name == "postgresql":
            return self._take_postgres(connection)
        last = self._position
        if last is None:
            # Before what is kept is dropped: what is made after that has seen all that this skips.
            self._position = connection.scalar(select(func.coalesce(func.max(tables.feed.c.seq), 0)))
            self._on_loss()
            return []
        rows = connection.execute(
            select(tables.feed.c.seq, tables.feed.c.touched).where(tables.feed.c.seq > last).order_by(tables.feed.c.seq)
        ).all()
        if rows:
            self._position = rows[-1].seq
        return [row.touched for row in rows]

    def _take_postgres(self, connection: Connection) -> list[list[str]]:
        if self._position is None:
            self._position = connection.scalar(text("SELECT pg_current_snapshot()::text"))
            self._on_loss()
            return []
        rows = connection.execute(_POSTGRES_NEXT, {"previous": self._position}).all()
        self._position = rows[0].snapshot
        return [row.touched for row in rows if row.seq is not None]


# One statement: the snapshot taken is the one the rows are read in.
_POSTGRES_NEXT = text(
    """
    SELECT pg_current_snapshot()::text AS snapshot, f.seq, f.touched
    FROM (SELECT 1) AS one LEFT JOIN feed AS f
      ON f.xid >= pg_snapshot_xmin(CAST(:previous AS pg_snapshot))
     AND NOT pg_visible_in_snapshot(f.xid, CAST(:previous AS pg_snapshot))
    ORDER BY f.seq
    """
)
