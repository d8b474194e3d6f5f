"""Chains of custody put down row by row, in whatever shape a test needs; not a ledger that would verify."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from app.domain.codes import CodeKind, mint
from app.domain.rights import Principal, Role
from app.store import tables
from tests.support.ledger import named, put

START = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@dataclass(slots=True)
class Chains:
    """Everything is called by a name; its id is `named(name)`. Time moves an hour with every event."""

    connection: Connection
    codes: dict[str, str] = field(default_factory=dict)
    hours: int = 0

    def party(self, name: str, **values: Any) -> UUID:
        self._master(
            tables.party, name, CodeKind.PARTY, {"kind": "vendor", "region": "330106", "status": "active"}, values
        )
        return named(name)

    def site(self, name: str, party: str, *, inside: str | None = None, **values: Any) -> UUID:
        path = (f"{named(inside).hex}/" if inside else "") + f"{named(name).hex}/"
        fixed = {
            "kind": "stall", "party_id": named(party), "path": path, "region": "330106", "status": "active",
            "time_zone": "Asia/Shanghai", "parent_site_id": named(inside) if inside else None,
        }  # fmt: skip
        self._master(tables.site, name, CodeKind.SITE, fixed, values)
        return named(name)

    def product(self, name: str, **values: Any) -> UUID:
        put(
            self.connection, tables.product,
            **({"id": named(name), "name": name, "category": "vegetables", "measure": "weight", "version": 1} | values),
        )  # fmt: skip
        return named(name)

    def _master(self, table: Any, name: str, kind: CodeKind, fixed: dict[str, Any], values: dict[str, Any]) -> None:
        row = {"id": named(name), "name": name, "version": 1} | fixed | values
        put(self.connection, table, code=self.code(name, kind, named(name)), **row)

    def code(self, name: str, kind: CodeKind, subject: UUID) -> str:
        text = self.codes[name] = mint(kind)
        put(self.connection, tables.code, code=text, kind=kind, subject_id=subject, status="active")
        return text

    def lot(self, name: str, product: str = "cabbage", **values: Any) -> UUID:
        code = self.code(name, CodeKind.LOT, named(name))
        row = {"id": named(name), "code": code, "product_id": named(product), "lot_number": f"no {name}"} | values
        put(self.connection, tables.lot, **row)
        return named(name)

    def event(self, name: str, kind: str, *touched: str, **values: Any) -> UUID:
        """An event an hour after the last, on the timelines of the custodies it touches."""
        self.hours += 1
        at = START + timedelta(hours=self.hours)
        row = {"id": named(name), "kind": kind, "event_time": at, "utc_offset": 480, "record_time": at, "ref": name}
        row |= {"body": {}, "outcome": {}}
        put(self.connection, tables.event, **(row | values))
        for custody in touched:
            put(
                self.connection, tables.timeline, custody_id=named(custody), event_id=named(name), entry="touched",
                kind=kind, event_time=(row | values)["event_time"],
            )  # fmt: skip
        return named(name)

    def custody(
        self,
        name: str,
        lot: str,
        site: str | None,
        party: str | None,
        *parents: str,
        product: str = "cabbage",
        grams: int = 1000,
        link: str = "move",
        claimed_by: str | None = None,
        **values: Any,
    ) -> UUID:
        """A custody that arrived by an event of its own from its parents, each giving `grams`."""
        event = self.event(f"arrival of {name}", "transform" if link == "transform" else "receive", name)
        kind = values.pop("kind", "custody")
        row = {
            "id": named(name), "kind": kind, "lot_id": named(lot), "product_id": named(product),
            "site_id": named(site) if site else None, "party_id": named(party) if party else None,
            "measure": "weight", "arrived_event_id": event, "arrived_at": START + timedelta(hours=self.hours),
            "amount_in": grams * max(len(parents), 1) if kind == "custody" else 0,
            "code": self.code(name, CodeKind.CUSTODY, named(name)) if kind == "custody" else None,
        }  # fmt: skip
        put(self.connection, tables.custody, **(row | values))
        for parent in parents:
            self.link(parent, name, f"arrival of {name}", kind=link, grams=grams, claimed_by=claimed_by)
        return named(name)

    def gap(self, name: str, lot: str, receiver: str, **values: Any) -> UUID:
        fixed = {"kind": "gap", "gap_reason": "outside", "reported_by": named(receiver)}
        return self.custody(name, lot, None, receiver, **(fixed | values))

    def link(
        self, parent: str, child: str, event: str, *, kind: str = "move", claimed_by: str | None = None, **q: Any
    ) -> None:
        put(
            self.connection, tables.custody_link, child_id=named(child), parent_id=named(parent),
            event_id=named(event), kind=kind, claimed_by=named(claimed_by) if claimed_by else None, **q,
        )  # fmt: skip

    def hold(self, name: str, scope: str, custody: str, lot: str, **values: Any) -> None:
        kind = values.pop("kind", "hold")
        self.event(name, kind, custody)
        put(
            self.connection, tables.hold, id=named(name), scope=scope, custody_id=named(custody), lot_id=named(lot),
            reason="r", **values,
        )  # fmt: skip


def reader(role: Role, party: str | None = None, *, region: str | None = None, site: str | None = None) -> Principal:
    return Principal(named("key"), role, named(party) if party else None, region, None, named(site) if site else None)


ADMIN = reader(Role.ADMIN)
YESTERDAY = date(2026, 2, 28)
