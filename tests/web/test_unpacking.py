"""Compressed bodies: taken at every door, in bounded memory, and no bombs."""

import asyncio
import gzip
import json
import random
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.domain.errors import Malformed, Refusal, TooLarge, UnsupportedType
from app.web.unpacking import BLOCK, FREE, unpacked
from tests.support.cast import Actor, Cast
from tests.support.databases import Database, fresh

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
PRODUCT = {"name": "葱", "category": "vegetables", "measure": "weight"}


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One kind is enough for what the database has no part in."""
    with fresh("sqlite", tmp_path, sqlite_template) as made:
        yield made


@pytest.fixture
def admin(cast: Cast) -> Actor:
    return cast.admin


def unpack(encoding: str, *chunks: bytes) -> list[bytes]:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def run() -> list[bytes]:
        return [piece async for piece in unpacked(body(), encoding)]

    return asyncio.run(run())


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 4 * BLOCK + 7])
@pytest.mark.parametrize("chunk", [1_000, 10**9])
def test_what_was_packed_comes_out(encoding: str, size: int, chunk: int) -> None:
    content = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    pieces = unpack(encoding, *in_chunks(PACK[encoding](content), chunk))
    assert b"".join(pieces) == content
    assert max(map(len, pieces), default=0) <= BLOCK


@pytest.mark.parametrize("encoding", PACK)
def test_members_follow_one_another(encoding: str) -> None:
    parts = [PACK[encoding](bytes([i]) * 100_000) for i in range(3)]
    whole = b"".join(bytes([i]) * 100_000 for i in range(3))
    assert b"".join(unpack(encoding, b"".join(parts))) == whole
    assert b"".join(unpack(encoding, *in_chunks(b"".join(parts), 1))) == whole
    assert unpack(encoding) == []


@pytest.mark.parametrize("encoding", PACK)
def test_what_is_broken(encoding: str) -> None:
    packed = PACK[encoding](random.Random(1).randbytes(10_000))
    middle = len(packed) // 2
    for chunks in (
        [b"plain"], [packed[:-1]], [packed[:middle]], [packed, b"rest"], [packed + packed[:9]],
        [packed[:-6] + bytes(6)] if encoding == "gzip" else [packed[:4] + b"\xff" + packed[5:]],
    ):  # fmt: skip
        with pytest.raises(Malformed) as caught:
            unpack(encoding, *chunks)
        assert caught.value.slug == "bad-encoding"


@pytest.mark.parametrize("encoding", PACK)
def test_a_bomb_is_seen_as_it_goes_off(encoding: str) -> None:
    bomb = PACK[encoding](bytes(500_000_000))
    pieces: list[int] = []

    async def run() -> None:
        async def body() -> AsyncIterator[bytes]:
            for chunk in in_chunks(bomb, 1_000):
                yield chunk

        async for piece in unpacked(body(), encoding):
            pieces.append(len(piece))  # noqa: PERF401 - what came before the refusal counts

    with pytest.raises(TooLarge):
        asyncio.run(run())
    assert sum(pieces) < 10 * FREE
    assert max(pieces) <= BLOCK
    # What is short is none, however dense.
    assert len(b"".join(unpack(encoding, PACK[encoding](bytes(FREE))))) == FREE


def test_a_window_larger_than_any_content_needs_is_refused() -> None:
    wide = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=wide)
    packed = compressor.compress(random.Random(1).randbytes(20_000_000)) + compressor.flush()
    with pytest.raises(Malformed):
        unpack("zstd", packed)


@pytest.mark.parametrize("encoding", ["br", "deflate", "compress", "gzip, zstd", "zstd, zstd", "*", ""])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(UnsupportedType):
        unpack(encoding, b"x")


def test_every_refusal_says_it_in_both_languages() -> None:
    for encoding, chunk in (("br", b""), ("gzip", b"x"), ("zstd", zstd.compress(bytes(100_000_000)))):
        with pytest.raises(Refusal) as caught:
            unpack(encoding, chunk)
        assert " · " in caught.value.detail


# --- at the doors ---


@pytest.mark.parametrize("encoding", [*PACK, "GZIP", "x-gzip", "identity"])
def test_json_at_a_door(admin: Actor, encoding: str) -> None:
    pack = PACK.get(encoding.lower().removeprefix("x-"), bytes)
    answer = admin.request(
        "POST", "/products", content=pack(json.dumps(PRODUCT).encode()),
        headers={"Content-Type": "application/json", "Content-Encoding": encoding},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("encoding", PACK)
def test_ndjson_at_a_door(admin: Actor, encoding: str) -> None:
    lines = b"".join(json.dumps(PRODUCT | {"name": f"葱 {i}"}).encode() + b"\n" for i in range(1_200))
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": encoding}
    packed = PACK[encoding](lines)
    answer = admin.request("POST", "/products/batch", content=packed, headers=headers)
    *outcomes, last = answer.text.splitlines()
    assert len(outcomes) == 1_200
    assert json.loads(last)["summary"]["recorded"] == 1_200
    broken = admin.request("POST", "/products/batch", content=packed[:-9], headers=headers)
    assert (broken.status_code, broken.json()["type"]) == (400, "/problems/bad-encoding")


@pytest.mark.parametrize(
    ("encoding", "content", "status", "slug"),
    [
        ("gzip", b"{}", 400, "bad-encoding"),
        ("zstd", b"{}", 400, "bad-encoding"),
        ("gzip", zlib.compress(b"{}"), 400, "bad-encoding"),
        ("deflate", zlib.compress(b"{}"), 415, "unsupported-type"),
        ("br", b"{}", 415, "unsupported-type"),
        ("gzip, gzip", b"{}", 415, "unsupported-type"),
        ("gzip", gzip.compress(bytes(8_000_001)), 413, "too-large"),
        ("zstd", zstd.compress(bytes(8_000_001)), 413, "too-large"),
        ("zstd", zstd.compress(b"{"), 400, "bad-json"),
    ],
)
def test_what_a_door_does_not_take(admin: Actor, encoding: str, content: bytes, status: int, slug: str) -> None:
    answer = admin.request(
        "POST", "/products", content=content,
        headers={"Content-Type": "application/json", "Content-Encoding": encoding},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


def test_files_come_as_they_are(admin: Actor) -> None:
    answer = admin.request("POST", "/documents", content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
