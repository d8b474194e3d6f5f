"""The slips of captured shipments: as they are and as the events make them, like all else that is projected.

A slip is the event's; its items are those of the EPCs that are computed, the others stay. What was received off it is
a matter of native events and stays as well.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.epcis.book import Book
from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.departures import VOID_SHIPPING
from app.domain.epcis.shipments import Shipment, shipments_of
from app.domain.rows import Code, Site, Slip, SlipItem, within
from app.store import bulk, master, tables
from app.store.ledger import fetch
from app.store.master import values

_NEW = ""  # the code of a slip that is still to get one


class Shipments:
    """Of `events`, with the goods of `governed` custodies as `book` has them; `ours` as `shipments_of` has it."""

    def __init__(
        self,
        connection: Connection,
        events: Mapping[UUID, CapturedEvent],
        book: Book,
        governed: Collection[UUID],
        ours: Mapping[str, UUID],
        *,
        lock: bool,
    ) -> None:
        self._connection = connection
        self._events = events
        sending = {key: event for key, event in events.items() if event.destination is not None}
        self._slips = {slip.event_id: slip for slip in fetch(connection, Slip, "event_id", sending, lock=lock)}
        self._items: dict[UUID, dict[UUID, SlipItem]] = defaultdict(dict)
        by_code = {slip.code: slip.event_id for slip in self._slips.values()}
        for item in fetch(connection, SlipItem, "slip_code", by_code, lock=lock):
            self._items[by_code[item.slip_code]][item.custody_id] = item
        voided = {event_id for event_id, _ in book.declared}
        found = shipments_of(sending.values(), book, voided, ours)
        sites = master.versions_at(connection, [(one.site_id, one.event.event_time) for one in found.values()])
        self._should_items: dict[UUID, dict[UUID, SlipItem]] = {}
        self._should: dict[UUID, Slip] = {}
        for key in sending:
            shipment = found.get(key)
            self._should_items[key] = self._goods(key, shipment, book, governed)
            site = sites.get((shipment.site_id, shipment.event.event_time)) if shipment is not None else None
            party = site.party_id if isinstance(site, Site) else None
            self._slip(key, shipment, party)

    def _goods(
        self, key: UUID, shipment: Shipment | None, book: Book, governed: Collection[UUID]
    ) -> dict[UUID, SlipItem]:
        """The items of a slip as they should be. What was received off one that is no more stays told."""
        slip = self._slips.get(key)
        made: dict[UUID, SlipItem] = {}
        for custody_id, item in self._items[key].items():
            if custody_id not in governed:
                made[custody_id] = item
            elif item.received:
                made[custody_id] = replace(item, amount=0)
        for custody_id, amount in (shipment.items if shipment is not None else {}).items():
            row, known = book.custodies[custody_id], self._items[key].get(custody_id)
            code = _NEW if slip is None else slip.code
            made[custody_id] = SlipItem(
                code, custody_id, row.product_id, row.lot_id, 0, amount, 0 if known is None else known.received
            )
        return made

    def _slip(self, key: UUID, shipment: Shipment | None, party_id: UUID | None) -> None:
        """Who ran the site that it comes from when it was first told of stays."""
        slip = self._slips.get(key)
        stands = shipment is not None and bool(self._should_items[key])
        if slip is not None:
            site_id, to = (
                (slip.site_id, slip.to_site_id) if shipment is None else (shipment.site_id, shipment.to_site_id)
            )
            self._should[key] = replace(slip, site_id=site_id, to_site_id=to, status="open" if stands else "voided")
        elif shipment is not None and stands:
            time = shipment.event.event_time
            self._should[key] = Slip(_NEW, key, shipment.site_id, party_id, shipment.to_site_id, None, time, "open")

    def received_though_void(self, fresh: Collection[UUID], book: Book) -> set[UUID]:
        """The fresh events that take goods back which have been received off their slip."""
        back = {
            (key, custody_id)
            for key, was in self._items.items()
            for custody_id, item in was.items()
            if (should := self._should_items[key].get(custody_id)) and should.amount < min(item.received, item.amount)
        }
        shipments, goods = {key for key, _ in back}, {custody_id for _, custody_id in back}
        declared = {by for event_id, by in book.declared if event_id in shipments}
        void = {key for key in fresh if self._events[key].biz_step == VOID_SHIPPING}
        return {key for key in declared if key in fresh} | {
            key for key in void if any(custody_id in goods for custody_id, _, _ in book.entries.get(key, ()))
        }

    def differences(self) -> Iterator[str]:
        """A sentence for everything that is not as it should be."""
        for key in sorted(self._should):
            if self._slips.get(key) != self._should[key]:
                yield f"slip of captured event {key}: {self._slips.get(key)} → {self._should[key]}"
        for key in sorted(self._should_items):
            was, should = self._items[key], self._should_items[key]
            for custody_id in sorted(was.keys() | should.keys()):
                if was.get(custody_id) != should.get(custody_id):
                    yield (
                        f"slip of captured event {key}, custody {custody_id}: "
                        f"{was.get(custody_id)} → {should.get(custody_id)}"
                    )

    def write(self, touched: set[str], now: datetime) -> None:
        """Writes every difference; a slip that stands no more loses its code, which comes back with it."""
        changed = {key: slip for key, slip in self._should.items() if self._slips.get(key) != slip}
        minted = []
        for key, slip in changed.items():
            if slip.code == _NEW:
                slip.code = codes.mint(CodeKind.SLIP)
                minted.append(Code(slip.code, CodeKind.SLIP, key, "active", None, None, now))
                for item in self._should_items[key].values():
                    item.slip_code = slip.code
        turned = {key: slip for key, slip in changed.items() if key in self._slips}
        by_code = {slip.code: slip for slip in turned.values()}
        for code in fetch(self._connection, Code, "code", by_code):
            stands = by_code[code.code].status == "open"
            if stands and code.reason == "voided":
                minted.append(replace(code, status="active", reason=None, revoked_at=None))
            elif not stands and code.status == "active":
                minted.append(replace(code, status="revoked", reason="voided", revoked_at=now))
        bulk.upsert(self._connection, tables.code, [values(code) for code in minted])
        bulk.upsert(self._connection, tables.slip, [values(slip) for slip in changed.values()])
        gone, new = [], []
        for key, should in self._should_items.items():
            was = self._items[key]
            gone += [(was[one].slip_code, one) for one in was.keys() - should.keys()]
            items = [item for one, item in should.items() if was.get(one) != item]
            new += items
            if items or was.keys() - should.keys():
                changed.setdefault(key, self._should[key])
        bulk.delete(self._connection, tables.slip_item, gone)
        bulk.upsert(self._connection, tables.slip_item, [values(item) for item in new])
        before = [self._slips[key] for key in changed if key in self._slips]
        touched |= {slip.code for slip in changed.values()}
        touched |= {within(slip.to_site_id) for slip in (*before, *changed.values()) if slip.to_site_id is not None}
