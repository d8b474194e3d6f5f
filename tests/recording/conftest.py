"""What recording left in the store, beside what it answered."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from app.domain.rows import Code, Custody, Hold, Link, Lot, Slip, SlipItem
from app.store import tables
from app.web.service import Service
from tests.support.cast import Actor, Cast

_numbers = itertools.count(1)


@dataclass(slots=True)
class Books:
    """Rows as they stand now."""

    engine: Engine

    def _rows(self, kind: Any, table: Any, *conditions: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return [kind(*row) for row in connection.execute(select(table).where(*conditions))]

    def custody(self, output: dict[str, Any]) -> Custody:
        """The custody that an outcome's output names."""
        (row,) = self._rows(Custody, tables.custody, tables.custody.c.id == UUID(output["custody_id"]))
        return row  # type: ignore[no-any-return]

    def balance(self, output: dict[str, Any]) -> dict[str, int]:
        """What came and went, without what is nothing; grams or pieces."""
        row = self.custody(output)
        names = ("amount_in", "sold", "shipped", "processed", "returned", "destroyed", "unexplained")
        return {name: getattr(row, name) for name in names if getattr(row, name)} | {"on_hand": row.on_hand}

    def parents(self, output: dict[str, Any]) -> list[Link]:
        link = tables.custody_link
        return self._rows(Link, link, link.c.child_id == UUID(output["custody_id"]))

    def children(self, output: dict[str, Any]) -> list[Link]:
        link = tables.custody_link
        return self._rows(Link, link, link.c.parent_id == UUID(output["custody_id"]))

    def gap(self, output: dict[str, Any]) -> Custody:
        """The one gap that the goods came out of."""
        (link,) = self.parents(output)
        (row,) = self._rows(Custody, tables.custody, tables.custody.c.id == link.parent_id)
        assert row.kind == "gap"
        return row  # type: ignore[no-any-return]

    def lot(self, output: dict[str, Any]) -> Lot:
        (row,) = self._rows(Lot, tables.lot, tables.lot.c.id == UUID(output["lot_id"]))
        return row  # type: ignore[no-any-return]

    def code(self, text: str) -> Code:
        (row,) = self._rows(Code, tables.code, tables.code.c.code == text)
        return row  # type: ignore[no-any-return]

    def slip(self, text: str) -> Slip:
        (row,) = self._rows(Slip, tables.slip, tables.slip.c.code == text)
        return row  # type: ignore[no-any-return]

    def items(self, text: str) -> list[tuple[int, int]]:
        """(amount, received) of the slip's items in their order."""
        rows: list[SlipItem] = self._rows(SlipItem, tables.slip_item, tables.slip_item.c.slip_code == text)
        return [(row.amount, row.received) for row in sorted(rows, key=lambda row: row.position)]

    def holds(self, output: dict[str, Any]) -> list[Hold]:
        """Active holds of the lot."""
        hold = tables.hold.c
        return self._rows(Hold, tables.hold, hold.lot_id == UUID(output["lot_id"]), hold.released_by.is_(None))


@pytest.fixture
def books(service: Service) -> Books:
    return Books(service.engine)


def until(check: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for something that another thread brings about."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def slugs(outcome: dict[str, Any], of: str = "flags") -> list[str]:
    """The slugs of an outcome's flags or reasons, in order."""
    return [each["slug"] for each in outcome[of]]


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def harvest(cast: Cast, value: str = "100", unit: str = "公斤", **fields: Any) -> dict[str, Any]:
    """A lot of a vegetable of its own at the farm; fields of the output or, of its product, `category`."""
    product = cast.product(f"蔬菜{next(_numbers)}", fields.pop("category", "vegetables"))
    made: dict[str, Any] = cast.farm.record("produce", outputs=[cast.output(product, value, unit, **fields)])
    output: dict[str, Any] = made["outputs"][0]
    return output | {"event_id": made["id"]}


def deliver(cast: Cast, batch: dict[str, Any], value: str, to: Actor, sender: Actor | None = None) -> dict[str, Any]:
    """Ships some of a batch (from the farm) and receives it: the receiver's output, with `slip` and `event_id`."""
    slip = (sender or cast.farm).record("ship", items=[cast.item(batch, value)])["slip_code"]
    got = to.record("receive", slip_code=slip)
    output: dict[str, Any] = got["outputs"][0]
    return output | {"slip": slip, "event_id": got["id"]}


def paper(owner: Actor, type: str = "conformity_certificate", **fields: str) -> str:
    """The id of a paper that the owner has uploaded; no two are alike."""
    file = ("paper.pdf", f"%PDF-1.4\n% {next(_numbers)}\n%%EOF\n".encode(), "application/pdf")
    answer = owner.request("POST", "/documents", data={"type": type, **fields}, files={"file": file})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


OUTCOME = {
    "ref", "id", "kind", "status", "record_time", "flags", "outputs", "slip_code", "receipt_code", "decision",
    "reasons", "problem",
}  # fmt: skip
OUTPUT = {"custody_id", "code", "lot_id", "lot_code", "lot_number", "product_id", "site_id", "quantity"}


def whole(outcome: dict[str, Any], expected: Sequence[str] = ()) -> dict[str, Any]:
    """Checks that every field of the contract is there and returns the outcome."""
    assert set(outcome) == OUTCOME | set(expected)
    for output in outcome["outputs"]:
        assert set(output) == OUTPUT
        assert set(output["quantity"]) == {"value", "unit", "grams", "pieces"}
    for reason in outcome["reasons"]:
        assert set(reason) == {"slug", "detail", "missing"}
    for said in [*outcome["flags"], *outcome["reasons"]]:
        chinese, _, english = said["detail"].partition(" · ")
        assert chinese
        assert english
    return outcome


# One thing was seen, nobody knows where.
EPCIS: dict[str, Any] = {
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
    "type": "EPCISDocument",
    "schemaVersion": "2.0",
    "creationDate": "2026-03-01T02:00:00Z",
    "epcisBody": {
        "eventList": [
            {
                "type": "ObjectEvent",
                "eventTime": "2026-03-01T06:30:00+08:00",
                "eventTimeZoneOffset": "+08:00",
                "action": "OBSERVE",
                "epcList": ["https://id.gs1.org/01/06901234567892/21/1"],
            }
        ]
    },
}
