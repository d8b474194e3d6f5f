"""Restoring an archive: every row comes back as it was. Of several archives the newest comes back first."""

from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.retaining import archive
from app.retaining.archive import ArchiveUnusable
from app.store import retention as store
from app.store import tables
from app.store.files import FileStore
from app.store.writer import Transaction, Writer

ROWS = 500


@dataclass(frozen=True, slots=True)
class _Back:
    table: str
    rows: Sequence[tuple[Any, ...]]
    shortened: bool


def restore(writer: Writer, files: FileStore, path: Path) -> dict[str, int]:
    """Rows that came back, by table, and files; those that are there already stay. Again it changes nothing. Raises
    ArchiveUnusable for an archive that is not whole, or of tables that there are no more."""
    archive.verified(path)
    unknown = {batch["table"] for batch in archive.read(path) if "table" in batch} - tables.metadata.tables.keys()
    if unknown:
        raise ArchiveUnusable(f"{path} has rows of {', '.join(sorted(unknown))}, of which this program knows nothing")
    counts: Counter[str] = Counter()
    first: set[Any] = set()
    for batch in archive.read(path):
        if "file" in batch:  # before the paper whose it is
            files.put(b64decode(batch["content"]))
            counts["files"] += 1
            continue
        name, shortened = batch["table"], batch["op"] == "was"
        table = tables.metadata.tables[name]
        rows = [store.decoded(table, batch["columns"], values) for values in batch["rows"]]
        if shortened:
            # A row that was shortened twice is whole in the first.
            keys = [i for i, column in enumerate(table.columns) if column.primary_key]
            marks = [(name, *(row[i] for i in keys)) for row in rows]
            rows = [row for mark, row in zip(marks, rows, strict=True) if mark not in first]
            first.update(marks)
        for start in range(0, len(rows), ROWS):
            writer.submit(_put_back, _Back(name, rows[start : start + ROWS], shortened), store.PAGE)
        counts[name] += 0 if shortened else len(rows)
    return dict(counts)


def _put_back(transaction: Transaction, commands: Sequence[_Back]) -> Sequence[None]:
    """Job: rows into their tables; pages that show them are made anew."""
    for command in commands:
        table = tables.metadata.tables[command.table]
        store.restore(transaction.connection, table, command.rows, shortened=command.shortened)
        if table in (tables.custody, tables.lot):
            transaction.touched.update(row[0].hex for row in command.rows if isinstance(row[0], UUID))
        if table is tables.code:
            transaction.touched.update(row[0] for row in command.rows)
    return [None] * len(commands)
