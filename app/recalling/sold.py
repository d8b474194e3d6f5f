"""The receipts of what a recall reaches: each once, whatever of its goods are affected. A receipt is of one site, so
that sites are looked at one by one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta, timezone
from typing import Any
from uuid import UUID

from app.domain import codes
from app.domain.recalls import Recall
from app.domain.recalls_scope import read_scope
from app.domain.rights import Principal
from app.recalling.finding import Regions
from app.recalling.reaching import generations, subjects_of
from app.recalling.views import Names, Shown, sight
from app.store import recalls_reach as store
from app.store.engine import Database, Snapshot, reading
from app.store.raw import Row
from app.store.types import from_micros

AT_ONCE = 500  # receipts


def receipts(database: Database, principal: Principal, recall: Recall, secret: bytes) -> Iterator[Shown]:
    """Every receipt on which goods stand that the scope reaches now, as far as the reader sees their amounts, with
    these of its lines; by site, then by number. `secret`: the master that receipts are signed with.

    The scope is walked in one snapshot, and every site read in its own, so that whoever reads slowly holds no
    connection. Raises as `subjects_of`, before the first.
    """
    with reading(database) as snapshot:
        sites = _sites(snapshot, principal, recall)
    secrets: dict[tuple[int, int], bytes] = {}
    for rows in sites.values():
        with reading(database) as snapshot:
            names = Names(snapshot, rows.values())
            numbers = sorted({number for number, _ in store.sold_on(snapshot, rows)})
        goods = {key: names.told(row, 0, "", False) for key, row in rows.items()}
        for first in range(0, len(numbers), AT_ONCE):
            with reading(database) as snapshot:
                page = list(_page(snapshot, numbers[first : first + AT_ONCE], goods))
            for number, shown in page:
                name = codes.receipt_name(number)
                epoch = (name.device_number, name.epoch)
                if epoch not in secrets:
                    secrets[epoch] = codes.receipt_secret(secret, *epoch)
                yield {"code": codes.receipt_code(secrets[epoch], number)} | shown


def _sites(snapshot: Snapshot, principal: Principal, recall: Recall) -> dict[bytes | None, dict[bytes, Row]]:
    subjects = subjects_of(snapshot, read_scope(recall.scope), over=recall.state == "closed")
    seen, regions = sight(snapshot, principal, recall), Regions(snapshot, recall.region)
    found: dict[bytes | None, dict[bytes, Row]] = {}
    for _, keys in generations(snapshot, subjects):
        rows = [row for row in store.hands(snapshot, keys) if row[1] == "custody"]
        beyond = regions.beyond(rows)
        for row in rows:
            party = None if row[6] is None else UUID(bytes=row[6])
            if row[16] and row[0] not in beyond and seen.sees(party, regions.of(row[5])):
                found.setdefault(row[5], {})[row[0]] = row
    return found


def _page(snapshot: Snapshot, numbers: Sequence[int], goods: Mapping[bytes, Shown]) -> Iterator[tuple[int, Shown]]:
    """Receipts with their lines of the goods."""
    lines: dict[int, list[Shown]] = {number: [] for number in numbers}
    site: dict[int, Any] = {}
    for number, _, custody, value, unit in sorted(store.lines_of(snapshot, numbers), key=lambda row: row[:2]):
        if (batch := goods.get(custody)) is not None:
            said = {name: batch[name] for name in ("custody_id", "code", "lot_number", "product")}
            lines[number].append(said | {"quantity": {"value": value, "unit": unit}})
            site[number] = batch["site"]
    for number, time, offset in sorted(store.sales(snapshot, numbers)):
        clock = timezone(timedelta(minutes=offset))
        yield number, {"time": from_micros(time).astimezone(clock), "site": site[number], "lines": lines[number]}
