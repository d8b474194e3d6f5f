"""Archives: rows as lines of JSON, compressed with gzip, a member a batch, and a manifest beside them when they are
whole.

    retention-….ndjson.gz    {"archive": …} first, then {"table", "op": "gone" | "was", "columns", "rows"} as taken
                             and {"file", "size", "content"}: a paper's file by its SHA-256, in base64
    retention-….manifest.json    counts, SHA-256, range of times, rules, the archive before
"""

import gzip
import hashlib
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from app.domain.epcis.values import exact_number
from app.domain.retention import Rule
from app.store import retention as store
from app.store.thinning import Taken

FORMAT: Final = 1
# Captured documents hold numbers with more digits than a float has.
_decode = msgspec.json.Decoder(float_hook=exact_number).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class ArchiveUnusable(Exception):
    """The archive cannot be read or written; says what to do."""


def name_of(begun: datetime) -> str:
    return f"retention-{begun:%Y%m%dT%H%M%SZ}.ndjson.gz"


def header(path: Path, begun: datetime, revision: str, rules: Sequence[Rule]) -> int:
    """Begins an archive; its length. Raises ArchiveUnusable where there is one of that name."""
    if path.exists():
        raise ArchiveUnusable(f"{path} is there already: name another directory")
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "format": FORMAT, "begun_at": begun.isoformat(), "revision": revision, "rules": [asdict(rule) for rule in rules]
    }  # fmt: skip
    return append(path, 0, [{"archive": about}])


def lines(taken: Taken) -> list[dict[str, Any]]:
    """What is archived of a batch: shortened rows as they were first, so that they come back first."""
    found = []
    for op, by_table in (("was", taken.was), ("gone", taken.gone)):
        for table in sorted(by_table, key=lambda table: table.name):
            columns = store.names_of(table)
            rows = [store.encoded(table, row) for row in by_table[table]]
            if rows:
                found.append({"table": str(table.name), "op": op, "columns": columns, "rows": rows})
    return found


def file_line(digest: bytes, content: bytes) -> dict[str, Any]:
    return {"file": digest.hex(), "size": len(content), "content": b64encode(content).decode()}


def append(path: Path, length: int, batch: Sequence[dict[str, Any]]) -> int:
    """Writes a batch after what is known to be whole, and waits for the disk; the new length."""
    member = gzip.compress(b"".join(_encode(each) + b"\n" for each in batch), mtime=0)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(length)
        file.seek(length)
        file.write(member)
        file.flush()
        os.fsync(file.fileno())
    return length + len(member)


def finish(
    path: Path, length: int, counts: dict[str, Any], ended: datetime, rules: Sequence[Rule], previous: str | None
) -> Path:
    """Writes the manifest: an archive without one was not finished. `length`: up to which it is known to be whole; what
    a kill has left behind that is taken off."""
    with path.open("r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())
    about = {
        "format": FORMAT, "file": path.name, "sha256": digest(path), "bytes": path.stat().st_size,
        "ended_at": ended.isoformat(), **counts, "rules": [asdict(rule) for rule in rules], "previous": previous,
    }  # fmt: skip
    manifest = manifest_of(path)
    draft = manifest.with_name(f".{manifest.name}")
    draft.write_bytes(msgspec.json.format(_encode(about), indent=1) + b"\n")
    descriptor = os.open(draft, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    draft.rename(manifest)
    return manifest


def manifest_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".ndjson.gz") + ".manifest.json")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path) -> dict[str, Any]:
    """The manifest of an archive that is whole. Raises ArchiveUnusable."""
    try:
        about: dict[str, Any] = msgspec.json.decode(manifest_of(path).read_bytes())
    except FileNotFoundError:
        raise ArchiveUnusable(
            f"{manifest_of(path)} is missing: the run was cut off; end it with `onecode retention run`"
        ) from None
    if about["format"] != FORMAT or not path.is_file() or digest(path) != about["sha256"]:
        raise ArchiveUnusable(f"{path} is missing, damaged or of another format: take another copy")
    return about


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The batches of rows and the files, without the header, as they were written."""
    with gzip.open(path, "rb") as file:
        for number, line in enumerate(file):
            if number:
                yield _decode(line)


def summed(taken: Taken) -> Counter[str]:
    """Rows taken away by table."""
    return Counter({str(table.name): len(rows) for table, rows in taken.gone.items() if rows})
