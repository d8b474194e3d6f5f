"""The least that a cold scan can cost: a bare Starlette route, one SELECT by primary key by the raw driver (`sqlite3`
in the event loop, psycopg's async connections), and the same bytes as ours for an answer.
"""

import asyncio
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

from app.domain import codes

URL = os.environ["ONECODE_DATABASE_URL"]
BODY = Path(os.environ["BENCHMARK_ANSWER"]).read_bytes()
HEADERS = {"content-type": os.environ["BENCHMARK_TYPE"], "cache-control": "public, no-cache", "etag": '"1"'}
CONNECTIONS = 4  # the best of 1, 2, 4 and 8
_COLUMNS = "device_id, site_id, event_time, utc_offset, record_time"
_pool: asyncio.Queue[Any] = asyncio.Queue()


def _answer(row: Any) -> Response:
    return Response(BODY, headers=HEADERS) if row is not None else Response(status_code=404)


async def on_sqlite(request: Request) -> Response:
    number = codes.receipt_id_of(codes.parse(request.path_params["code"]))
    return _answer(_sqlite.execute(f"SELECT {_COLUMNS} FROM receipt WHERE id = ?", (number,)).fetchone())


async def on_postgres(request: Request) -> Response:
    number = codes.receipt_id_of(codes.parse(request.path_params["code"]))
    connection = await _pool.get()
    try:
        found = await connection.execute(f"SELECT {_COLUMNS} FROM receipt WHERE id = %s".encode(), (number,))
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
    endpoint = on_sqlite
else:
    endpoint = on_postgres
app = Starlette(routes=[Route("/c/{code}", endpoint)], lifespan=lifespan)
