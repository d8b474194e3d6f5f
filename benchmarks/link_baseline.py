"""The least that a look-up of a Digital Link can cost: a bare Starlette route that redirects with the same headers,
from a dict where the answers are hot, else after one SELECT by primary key by the raw driver (`sqlite3` in the event
loop, psycopg's async connections).
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.p13 import lot_id

URL = os.environ["ONECODE_DATABASE_URL"]
HOT = bool(os.environ["BENCHMARK_HOT"])
ANSWERS: dict[str, dict[str, str]] = json.loads(Path(os.environ["BENCHMARK_ANSWERS"]).read_text())
FIRST = next(iter(ANSWERS.values()))
CONNECTIONS = 4
_COLUMNS = "code, product_id, lot_number"
_pool: asyncio.Queue[Any] = asyncio.Queue()


async def hot(request: Request) -> Response:
    return Response(status_code=307, headers=ANSWERS[request.scope["path"]])


def _answer(row: Any) -> Response:
    return Response(status_code=307, headers=FIRST) if row is not None else Response(status_code=404)


async def on_sqlite(request: Request) -> Response:
    key = lot_id(int(request.path_params["lot"][1:])).bytes
    return _answer(_sqlite.execute(f"SELECT {_COLUMNS} FROM lot WHERE id = ?", (key,)).fetchone())


async def on_postgres(request: Request) -> Response:
    key = lot_id(int(request.path_params["lot"][1:]))
    connection = await _pool.get()
    try:
        found = await connection.execute(f"SELECT {_COLUMNS} FROM lot WHERE id = %s".encode(), (key,))
        return _answer(await found.fetchone())
    finally:
        _pool.put_nowait(connection)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    if not URL.startswith("sqlite"):
        for _number in range(CONNECTIONS):
            _pool.put_nowait(await psycopg.AsyncConnection.connect(URL, autocommit=True, prepare_threshold=3))
    yield


if URL.startswith("sqlite"):
    _sqlite = sqlite3.connect(str(make_url(URL).database), isolation_level=None)
    _sqlite.execute("PRAGMA mmap_size=1073741824")
    cold = on_sqlite
else:
    cold = on_postgres
app = Starlette(routes=[Route("/01/{gtin}/10/{lot}", hot if HOT else cold)], lifespan=lifespan)
