"""The events of some goods as one EPCIS 2.0 document, written piece by piece."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.domain.epcis.book import CAPTURED
from app.domain.epcis.event_names import in_json
from app.domain.epcis.writing import event, head
from app.exchanging.hops import Goods, Moved, side_of
from app.store import chain, events, master
from app.store.engine import Snapshot
from app.store.raw import Row

PAGE = 500  # events

_encode = msgspec.json.Encoder(decimal_format="number").encode


def chain_document(snapshot: Snapshot, custodies: Sequence[bytes], public_url: str, now: datetime) -> Iterator[bytes]:
    """JSON-LD; every event that touches one of the custodies, with the goods that are among them and no others. Events
    of ours in the words of CBV, captured ones as they came."""
    told = _Told.read(snapshot, custodies, public_url)
    start = _encode(head(now, told.goods.vocabularies()))
    yield start[:-1] + b',"epcisBody":{"eventList":['
    first = True
    for keys in told.pages():
        for made in told.events(snapshot, keys):
            yield (b"\n" if first else b",\n") + _encode(made)
            first = False
    yield b"]}}"


@dataclass(slots=True)
class _Told:
    goods: Goods
    moved: dict[bytes, list[Moved]]  # by event
    times: dict[bytes, Row]  # event → chain.EVENT

    @classmethod
    def read(cls, snapshot: Snapshot, custodies: Sequence[bytes], url: str) -> "_Told":
        goods = Goods.read(snapshot, custodies, url)
        moved: dict[bytes, list[Moved]] = defaultdict(list)
        for custody, key, entry, _, _, amount in sorted(chain.entries(snapshot, goods.nodes)):
            moved[key].append((side_of(entry), custody, abs(amount)))
        for custody, key in sorted(set(chain.touches(snapshot, goods.nodes))):
            if not any(one[1] == custody for one in moved[key]):
                moved[key].append(("touched", custody, None))
        times = {row[0]: row for row in chain.events(snapshot, moved)}
        goods.sites |= master.sites(snapshot, {UUID(bytes=row[6]) for row in times.values() if row[6]})
        return cls(goods, moved, times)

    def pages(self) -> Iterator[list[bytes]]:
        keys = sorted(self.times, key=lambda key: (self.times[key][3], key))
        for start in range(0, len(keys), PAGE):
            yield keys[start : start + PAGE]

    def events(self, snapshot: Snapshot, keys: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        rows = {row.id.bytes: row for row in events.by_id(snapshot, [UUID(bytes=key) for key in keys])}
        wrong = {row.event_id: row for row in events.corrections(snapshot, [row.id for row in rows.values()])}
        self.goods.also_at(snapshot, rows.values())
        for key in keys:
            row = rows[key]
            if row.kind.startswith(CAPTURED):
                yield in_json(row.body)
            elif (made := event(self.goods.hop(row, self.moved[key], wrong.get(row.id)))) is not None:
                yield made
