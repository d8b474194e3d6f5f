"""Tables as bytes: CSV a row at a time, workbooks in constant memory, NDJSON with its progress."""

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import xlsxwriter  # type: ignore[import-untyped]

from app.exchanging.sheets import SHEETS, Cell, Name, Row, Sheet, told
from app.tracing.streaming import Piece

BOM = "\ufeff"  # by which Excel knows UTF-8
END = "完 · end: "  # of a table, before how many rows it has
ROWS = 1_048_575  # of a worksheet, below its head
TEXT = 32_767  # characters of a cell
LINES = 1_000  # of NDJSON that are sent together
_AT_ONCE = 1 << 16  # bytes
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_encode = msgspec.json.Encoder().encode


def csv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with a BOM, RFC 4180; texts that would be formulas are led by an apostrophe. The last row is one cell that
    says how many rows came before it: a table without it was cut off."""
    number = 0
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow(safe_row(row))
        if buffer.tell() > _AT_ONCE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    writer.writerow([f"{END}{number}"])
    yield buffer.getvalue().encode()


def safe_row(row: Row) -> Row:
    """Cells of which none is taken for a formula."""
    return [_safe(cell) for cell in row]


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class Workbook:
    """A workbook that is written to a file row by row, sheets side by side; what does not fit on a sheet goes on the
    next one. Close it before the file is read."""

    def __init__(self, path: Path, sheets: Mapping[str, Sequence[str]]) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": str(path.parent),
            },
        )
        self._bold = self._book.add_format({"bold": True, "bottom": 1})
        self._columns = dict(sheets)
        self._number: Counter[str] = Counter()
        self._row: Counter[str] = Counter()
        self._open = {title: self._begin(title) for title in sheets}

    def _begin(self, title: str) -> "xlsxwriter.worksheet.Worksheet":
        self._number[title] += 1
        number = self._number[title]
        sheet = self._book.add_worksheet(title if number == 1 else f"{title} {number}")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(self._columns[title]) - 1, 18)
        for column, head in enumerate(self._columns[title]):
            sheet.write_string(0, column, head, self._bold)
        self._row[title] = 0
        return sheet

    def add(self, title: str, cells: Row) -> None:
        if self._row[title] == ROWS:
            self._open[title] = self._begin(title)
        self._row[title] += 1
        sheet, row = self._open[title], self._row[title]
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell[:TEXT])
            elif isinstance(cell, int | Decimal):
                sheet.write_number(row, column, cell)

    def close(self) -> None:
        self._book.close()


def workbook_bytes(sheets: Mapping[str, Sequence[str]], rows: Iterable[tuple[str, Row]]) -> Iterator[bytes]:
    """A workbook by the titles and heads of its sheets; `rows` as (title, cells). It is written to a temporary file and
    read from there."""
    with tempfile.TemporaryDirectory(prefix="onecode-") as directory:
        path = Path(directory) / "book.xlsx"
        book = Workbook(path, sheets)
        try:
            for title, cells in rows:
                book.add(title, cells)
        finally:
            book.close()
        with path.open("rb") as file:
            while part := file.read(_AT_ONCE):
                yield part


def chain_csv(pieces: Iterable[Piece], name: Name) -> Iterator[bytes]:
    """One sheet of a chain."""
    sheet = SHEETS[name]
    return csv_bytes(sheet.columns, (row for piece in pieces for row in sheet.rows(piece)))


def chain_workbook(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """All sheets of a chain."""
    return workbook_bytes({sheet.title: sheet.columns for sheet in SHEETS.values()}, _rows(pieces, SHEETS.values()))


def _rows(pieces: Iterable[Piece], sheets: Iterable[Sheet]) -> Iterator[tuple[str, Row]]:
    listed = list(sheets)
    for piece in pieces:
        for sheet in listed:
            yield from ((sheet.title, row) for row in sheet.rows(piece))


def chain_lines(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """A chain as NDJSON: `{"node":…}`, `{"link":…}` and so on, from an EPC after `{"start":…}`; after each piece
    `{"progress":{counts, "next"}}`, whose `next` goes on where the stream broke off; at the end
    `{"summary":{counts, "truncated"}}`."""
    sorts = ("nodes", "links", "events", "gaps", "documents", "tests", "recipients", "receipts")
    counts: dict[str, int] = dict.fromkeys(sorts, 0)
    truncated = False
    for piece in pieces:
        lines: list[bytes] = [_encode({"start": start})] if (start := piece.trace.start) is not None else []
        for name, one in told(piece):
            counts[f"{name}s"] += 1
            lines.append(_encode({name: one}))
            if len(lines) == LINES:
                yield b"\n".join(lines) + b"\n"
                lines.clear()
        truncated = truncated or piece.trace.truncated
        lines.append(_encode({"progress": {**counts, "next": piece.trace.next}}))
        yield b"\n".join(lines) + b"\n"
    yield _encode({"summary": {**counts, "truncated": truncated}}) + b"\n"
