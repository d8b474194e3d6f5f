"""Connections to the PostgreSQL databases of the tests: let go of, they wait for the next test of the same database.

To open one takes a server longer than most of what a test asks through it.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

MOST = 6  # that wait for one database: all processes of the run share the hundred that a server has

# By the name of a database that is lent to a test. Put back, it gets another list: who closes later finds its own gone.
_waiting: dict[str, list["Kept"]] = {}


class Kept(psycopg.Connection[Any]):
    _home: list["Kept"] | None = None

    def close(self) -> None:
        home, self._home = self._home, None
        idle = not self.closed and self.info.transaction_status == TransactionStatus.IDLE
        if idle and home is not None and home is _waiting.get(self.info.dbname) and len(home) < MOST:
            home.append(self)
        else:
            super().close()


def connect(_dialect: Any, _record: Any, cargs: Iterable[Any], cparams: dict[str, Any]) -> Kept | None:
    """SQLAlchemy's `do_connect`: one that waits, or a new one that will; None for the databases of others."""
    home = _waiting.get(cparams.get("dbname", ""))
    if home is None:
        return None
    try:
        made = home.pop()
    except IndexError:
        made = Kept.connect(*cargs, **cparams)
    made._home = home
    return made


def lend(name: str) -> None:
    """From now on connections to the database are kept."""
    _waiting.setdefault(name, [])


def take_back(name: str) -> list[Kept]:
    """Those that wait: none is kept from now on."""
    return _waiting.pop(name, [])


def keep(name: str, waiting: list[Kept]) -> None:
    """They wait for the next test."""
    _waiting[name] = waiting


def close(waiting: Iterable[Kept]) -> None:
    for connection in waiting:
        psycopg.Connection.close(connection)


def close_all() -> None:
    while _waiting:
        _, waiting = _waiting.popitem()
        close(waiting)
