"""P13: look-ups of GS1 Digital Links, a million lots under one GTIN: each of a lot that was never asked for before,
against a bare Starlette route with one SELECT by primary key on the same data by the raw driver; and hot ones, against
a bare Starlette route that redirects from a dict.
"""

import json
import os
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid5

import httpx
import psycopg
from sqlalchemy import make_url

from benchmarks.harness import KINDS, Pair, Result, Stage, paired
from benchmarks.p1 import CLIENTS, OURS, drive_paths, operator_key
from benchmarks.p4 import served

LOTS, HOT = (1_000_000, 50_000), 1_000  # of a full and of a quick run; lots that are asked for again and again
GOALS = {("cold", "sqlite"): 0.60, ("cold", "postgresql"): 1.0, ("hot", "sqlite"): 0.90, ("hot", "postgresql"): 0.90}
ASKED = 12_000  # lots a second, more than either side answers
GTIN = "06901234567892"
_LOTS = UUID(int=13)


def run(stage: Stage) -> Iterator[Result]:
    pairs, seconds = (1, 1.0) if stage.quick else (5, 4.0)
    number = LOTS[stage.quick]
    for kind in KINDS:
        url = stage.database(kind)
        key = operator_key(url)
        with TemporaryDirectory(dir=stage.directory) as place, served(url, Path(place), *OURS) as port:
            product = _product(port, key)
        fill_lots(url, number, product)
        for heat, asked in (("cold", number), ("hot", HOT)):
            pair = _compare(url, stage.directory, number, asked, pairs, seconds)
            told = "never asked for before" if heat == "cold" else f"of {HOT:,} that are asked for again"
            what = f"Digital Link of one of {number:,} lots under one GTIN, {told}, {CLIENTS} clients"
            goal = GOALS[heat, kind]
            yield Result("P13", kind, what, pair.ours, pair.baseline, "/s", pair.ratio, goal, less=False)
        stage.drop(url)


def _product(port: int, key: str) -> UUID:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=60) as client:
        form = {"name": "鸡蛋", "category": "eggs", "measure": "weight", "gtin": GTIN}
        made = client.post("/products", json=form)
        made.raise_for_status()
        return UUID(made.json()["id"])


def fill_lots(url: str, number: int, product: UUID) -> None:
    """Lots of one product, numbered L0000000 and so on, each with a code."""
    rows = ((lot_id(n), code(n), product, f"L{n:07}", _LOTS) for n in range(number))
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN")
            connection.executemany(
                f"INSERT INTO lot ({_LOT}) VALUES (?, ?, ?, ?, ?)",
                ((r[0].bytes, r[1], r[2].bytes, r[3], r[4].bytes) for r in rows),
            )
            connection.execute("COMMIT")
            connection.execute("ANALYZE")
        return
    with psycopg.connect(url, autocommit=True) as server, server.cursor() as cursor:
        with cursor.copy(f"COPY lot ({_LOT}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("VACUUM ANALYZE lot")


_LOT = "id, code, product_id, lot_number, made_event_id"


def lot_id(n: int) -> UUID:
    return uuid5(_LOTS, str(n))


def code(n: int) -> str:
    """Of the length and the alphabet of a lot's code."""
    return f"G{n:017}"


def _compare(url: str, directory: Path, number: int, asked: int, pairs: int, seconds: float) -> Pair:
    chance = random.Random(os.urandom(8))
    hot = asked <= HOT
    numbers = chance.sample(range(number), asked) if hot else []
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=directory)))
        ours = stack.enter_context(served(url, place, *OURS))

        def paths(wanted: int) -> list[str]:
            return [f"/01/{GTIN}/10/L{n:07}" for n in numbers or chance.sample(range(number), wanted)]

        answers = fetched(ours, paths(HOT)[: HOT if hot else 1])
        kept = place / "answers.json"
        kept.write_text(json.dumps(answers))
        baseline = stack.enter_context(
            served(
                url, place, "benchmarks.link_baseline:app",
                environment={"BENCHMARK_ANSWERS": str(kept), "BENCHMARK_HOT": "1" if hot else ""},
            )
        )  # fmt: skip
        found: list[list[float]] = [[], []]
        for pair in range(pairs + 1):
            for side in (0, 1) if pair % 2 else (1, 0):
                rate = drive_paths((ours, baseline)[side], paths(min(number, int(ASKED * seconds))), {}, seconds, place)
                if pair:  # the first is a warm-up
                    found[side].append(rate)
    return paired(*found)


def fetched(port: int, paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """The headers of what our server answers, for the baseline to repeat."""
    told = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 307, answer.text
            told[path] = {name: answer.headers[name] for name in _REPEATED}
    return told


_REPEATED = ("location", "link", "vary", "cache-control", "access-control-allow-origin")
