"""Who and what things were called when it happened: a stall changes hands, its receipts of last month do not."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.rights import Principal
from app.domain.rows import Party, Product, Site
from app.scanning.answer import Shown
from app.scanning.audience import Audience, audience_of, audience_of_party, redact
from app.store import master
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Source, look_up

M = TypeVar("M", Party, Site, Product)

HOME = "Asia/Shanghai"
BEGINNING = datetime.min.replace(tzinfo=UTC)


class Names:
    """Parties, sites and products with their history, read in one statement; what the reader is to each site."""

    def __init__(self, snapshot: Snapshot, reader: Principal | None) -> None:
        self._snapshot = snapshot
        self._reader = reader
        self._history: dict[UUID, list[Any]] = {}
        self._markets: dict[UUID, Site] = {}

    def load(self, subjects: Iterable[UUID | None]) -> "Names":
        wanted = self.unknown(subjects)
        if wanted:
            self.learn(look_up(self._snapshot, {store.VERSIONS: sorted(wanted)}).of(store.VERSIONS), wanted)
        return self

    def unknown(self, subjects: Iterable[UUID | None]) -> set[UUID]:
        """Those of which nothing was learnt yet."""
        return {key for key in subjects if key is not None} - self._history.keys()

    def learn(self, versions: Iterable[store.Version], asked: Iterable[UUID]) -> None:
        """Takes the versions of all subjects that were asked for."""
        for key, _, row in sorted(versions, key=lambda version: version[:2]):
            self._history.setdefault(key, []).append(row)
        # What a captured document named and nobody enrolled has no history.
        if missing := sorted(self.unknown(asked)):
            kinds: tuple[Source[Any], ...] = (store.PARTIES, store.SITES, store.PRODUCTS)
            found = look_up(self._snapshot, dict.fromkeys(kinds, missing))
            self._history |= {row.id: [row] for kind in kinds for row in found.of(kind)}
        if self._reader is not None:
            now = [rows[-1] for rows in self._history.values() if isinstance(rows[-1], Site)]
            self._markets = master.sites(self._snapshot, master.roots_of(now))

    def site(self, key: UUID | None, at: datetime | None = None) -> Site | None:
        """As of an instant; without one, as of now."""
        return self._at(Site, key, at)

    def party(self, key: UUID | None, at: datetime | None = None) -> Party | None:
        return self._at(Party, key, at)

    def product(self, key: UUID | None, at: datetime | None = None) -> Product | None:
        return self._at(Product, key, at)

    def since(self, keys: Iterable[UUID | None]) -> datetime:
        """From when on all of them are shown as they are shown now; what never changed was so ever before."""
        return max((_settled(self._history[key]) for key in keys if key in self._history), default=BEGINNING)

    def _at(self, kind: type[M], key: UUID | None, at: datetime | None) -> M | None:
        known = [row for row in self._history.get(key, ()) if isinstance(row, kind)] if key else []
        if not known:
            return None
        if at is None:
            return known[-1]
        valid = [row for row in known if row.valid_from <= at]
        return (valid or known[:1])[-1]

    def audience(self, site_id: UUID | None) -> Audience:
        """What the reader is to the site as it is now."""
        site = self.site(site_id)
        return audience_of(self._reader, site, self._markets.get(UUID(hex=site.path[:32])) if site else None)

    def audience_of_party(self, party_id: UUID | None) -> Audience:
        """What the reader is to the party as it is now."""
        return audience_of_party(self._reader, self.party(party_id))

    def today(self, site_id: UUID | None, now: datetime) -> date:
        """The site's own day."""
        return in_zone(now, self.site(site_id)).date()


def _settled(history: Sequence[Party | Site | Product]) -> datetime:
    shown = [(place(row) if isinstance(row, Site | Party) else goods(row), _run_by(row)) for row in history]
    first = next(i for i in range(len(shown)) if all(each == shown[-1] for each in shown[i:]))
    return history[first].valid_from if first else BEGINNING


def _run_by(row: Party | Site | Product) -> UUID | None:
    return row.party_id if isinstance(row, Site) else None


def place(row: Site | Party | None) -> Shown | None:
    if row is None:
        return None
    fields = {"code": row.code, "name": row.name, "kind": row.kind, "region": row.region}
    return redact("place", Audience.PUBLIC, fields)


def goods(row: Product | None) -> Shown | None:
    """A product's place: category for kind, GTIN for code."""
    if row is None:
        return None
    fields = {"code": row.gtin, "name": row.name, "kind": row.category, "region": None}
    return redact("place", Audience.PUBLIC, fields)


def in_zone(instant: datetime, site: Site | None) -> datetime:
    """As a clock at the site shows it."""
    return instant.astimezone(ZoneInfo(site.time_zone if site else HOME))


def local(instant: datetime, utc_offset: int) -> datetime:
    """As the recorder's clock showed it; `utc_offset` in minutes east."""
    return instant.astimezone(timezone(timedelta(minutes=utc_offset)))
