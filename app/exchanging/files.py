"""Documents from files, for the command line."""

from pathlib import Path

from app.domain.errors import Refusal
from app.domain.rights import Principal
from app.exchanging.importing import Order, import_document
from app.exchanging.report import lines
from app.exchanging.sources import read_source
from app.exchanging.xml import looks_like_xml, read_xml_source
from app.store.engine import Database
from app.store.writer import Writer

MAX_FILE = 256_000_000
"""Bytes of one file: it is read as a whole."""


def import_file(
    writer: Writer,
    database: Database,
    path: Path,
    *,
    principal: Principal,
    public_url: str,
    issue: bool = False,
    proceed: bool = False,
) -> tuple[list[str], bool]:
    """What to print of a file, and whether all of it was taken in. Raises StoreUnavailable."""
    try:
        if path.stat().st_size > MAX_FILE:
            return [f"{path}: 超过 {MAX_FILE} 字节，请拆分后导入 · more than {MAX_FILE} bytes: split it"], False
        raw = path.read_bytes()
        source = read_xml_source(raw) if looks_like_xml(raw) else read_source(raw)
        report = import_document(writer, database, source, Order(principal, issue, proceed))
    except OSError as error:
        return [f"{path}: 无法读取：{error.strerror} · cannot be read: {error.strerror}"], False
    except Refusal as refusal:
        return [f"{path}: {refusal.detail}"], False
    return list(lines(str(path), report, public_url)), not report.refused
