"""What a site is called by was changed: places of captured events join it, leave it, or go to another site, and what
was derived of them is computed anew (docs/decisions/0060)."""

from collections.abc import Sequence
from uuid import UUID

from app.domain import ids
from app.enrolling.keys import OPERATOR
from app.exchanging.masters import Office, Records
from app.exchanging.recording import follow, take_events
from app.store import aliases, captures
from app.store.engine import Database
from app.store.writer import Transaction, Writer, decided


def rejoin(writer: Writer, database: Database, site_id: UUID) -> None:
    """Blocks until all is on disk. One that was cut off is gone on with by the same again, and by the next document
    that names the place. Raises StoreUnavailable."""
    joined = writer.submit(reconsider, site_id)
    for take in follow(database, OPERATOR, (), joined):
        writer.submit(take_events, take)


def reconsider(transaction: Transaction, sites: Sequence[UUID]) -> Sequence[frozenset[str] | Exception]:
    """Job: where the places of these sites lead now; those whose goods are to be computed again."""
    captures.serialise(transaction.connection)
    return decided(sites, lambda site_id: _reconsider(transaction, site_id))


def _reconsider(transaction: Transaction, site_id: UUID) -> frozenset[str]:
    places = aliases.reconsider(transaction.connection, site_id, transaction.now)
    office = Office(transaction, OPERATOR, Records(), None)
    office.sites(uri for uri, site in places.items() if site == ids.captured_site_id(uri))
    office.write()
    return frozenset(places)
