"""A small ledger put down row by row, without the writer: a farm makes a lot, a stall gets part of it and sells."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Boolean, Connection, Date, LargeBinary, Table

from app.domain.codes import CodeKind, mint
from app.domain.deciding import content_hash
from app.domain.ids import event_id
from app.store import bulk, tables
from app.store.types import Id, Instant, Json

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
_SPACE = UUID("00000000-0000-5000-8000-000000000000")


def named(name: str) -> UUID:
    return uuid5(_SPACE, name)


def put(connection: Connection, table: Table, **values: Any) -> None:
    """One row; columns that are not named are null, or empty where they may not be null."""
    bulk.insert(connection, table, [[values.get(column.name, _empty(column)) for column in table.columns]])


def _empty(column: Any) -> Any:
    if column.nullable or column.default is not None:
        return None
    kind = column.type
    if isinstance(kind, Id):
        return _SPACE
    if isinstance(kind, Instant):
        return NOW
    if isinstance(kind, Date):
        return date(2026, 3, 1)
    if isinstance(kind, LargeBinary):
        return b""
    if isinstance(kind, Boolean):
        return False
    if kind is Json:
        return []
    return 0 if kind.python_type is int else ""


def event_key(ref: str) -> UUID:
    return event_id(_SPACE, ref)


FARM, STALL, CABBAGE, SCALE = named("farm"), named("stall"), named("cabbage"), named("scale")
MADE, SHIPPED, RECEIVED = event_key("made"), event_key("shipped"), event_key("received")
LOT, AT_FARM, AT_STALL = named("lot"), named("at farm"), named("at stall")
RECEIPT = 1 << 38


def make(connection: Connection) -> Mapping[str, str]:
    """Puts the ledger down; returns its codes by what they name."""
    codes = {
        "party": mint(CodeKind.PARTY),
        "farm": mint(CodeKind.SITE),
        "stall": mint(CodeKind.SITE),
        "lot": mint(CodeKind.LOT),
        "at farm": mint(CodeKind.CUSTODY),
        "at stall": mint(CodeKind.CUSTODY),
        "slip": mint(CodeKind.SLIP),
    }
    subjects = {
        "party": named("party"), "farm": FARM, "stall": STALL, "lot": LOT,
        "at farm": AT_FARM, "at stall": AT_STALL, "slip": SHIPPED,
    }  # fmt: skip
    for name, text in codes.items():
        put(connection, tables.code, code=text, kind=text[0], subject_id=subjects[name], status="active")
    put(connection, tables.party, id=named("party"), code=codes["party"], name="Party", status="active", version=1)
    for name, site in (("farm", FARM), ("stall", STALL)):
        put(
            connection, tables.site, id=site, code=codes[name], party_id=named("party"), name=name,
            path=f"{site.hex}/", time_zone="Asia/Shanghai", status="active", version=1,
        )  # fmt: skip
    put(connection, tables.product, id=CABBAGE, name="cabbage", category="vegetables", measure="weight", version=1)
    put(connection, tables.device, id=SCALE, number=1, site_id=STALL, name="scale", kind="scale", version=1)
    event(connection, "made", "produce", FARM, [[AT_FARM.hex, "in", 5000]])
    event(connection, "shipped", "ship", FARM, [[AT_FARM.hex, "shipped", 2000]])
    event(
        connection, "received", "receive", STALL, [[AT_STALL.hex, "in", 1500], [AT_FARM.hex, "touched", 0]],
        slip_code=codes["slip"],
    )  # fmt: skip
    put(connection, tables.lot, id=LOT, code=codes["lot"], product_id=CABBAGE, lot_number="1", made_event_id=MADE)
    common = {"kind": "custody", "lot_id": LOT, "product_id": CABBAGE, "measure": "weight"}
    put(
        connection, tables.custody, id=AT_FARM, code=codes["at farm"], site_id=FARM, arrived_event_id=MADE,
        arrived_at=NOW, amount_in=5000, shipped=2000, **common,
    )  # fmt: skip
    put(
        connection, tables.custody, id=AT_STALL, code=codes["at stall"], site_id=STALL, arrived_event_id=RECEIVED,
        arrived_at=NOW, amount_in=1500, sold=750, receipts=1, **common,
    )  # fmt: skip
    put(
        connection, tables.custody_link, child_id=AT_STALL, parent_id=AT_FARM, event_id=RECEIVED, kind="move",
        grams=1500,
    )  # fmt: skip
    put(connection, tables.slip, code=codes["slip"], event_id=SHIPPED, site_id=FARM, status="open")
    put(
        connection, tables.slip_item, slip_code=codes["slip"], custody_id=AT_FARM, product_id=CABBAGE, lot_id=LOT,
        amount=2000, received=1500,
    )  # fmt: skip
    put(connection, tables.receipt, id=RECEIPT, device_id=SCALE, site_id=STALL)
    for line, amount in ((0, 500), (1, 250)):
        put(
            connection, tables.receipt_line, receipt_id=RECEIPT, line=line, custody_id=AT_STALL, amount=amount,
            value="1", unit="斤",
        )  # fmt: skip
    return codes


def event(connection: Connection, ref: str, kind: str, site: UUID, entries: list[list[Any]], **body: Any) -> None:
    key = event_key(ref)
    put(
        connection, tables.event, id=key, kind=kind, site_id=site, entries=entries, body=body, outcome={},
        recorder_id=_SPACE, ref=ref, content_hash=content_hash(body),
    )  # fmt: skip
    put(connection, tables.unpublished, event_id=key)
    for custody_id, entry, amount in entries:
        put(
            connection, tables.timeline, custody_id=UUID(hex=custody_id), event_id=key, entry=entry, kind=kind,
            event_time=NOW, amount=amount,
        )  # fmt: skip
