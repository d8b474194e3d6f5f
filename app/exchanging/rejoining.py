"""What a site is called by was changed: places of captured events join it, leave it, or go to another site, and what
was derived of them is computed anew (docs/decisions/0060)."""

from collections.abc import Sequence
from uuid import UUID

from app.domain import ids
from app.domain.masters import CAPTURED, captured, gtin14
from app.domain.rows import Product
from app.enrolling.keys import OPERATOR
from app.exchanging.masters import Office, Records
from app.exchanging.recording import follow, take_events
from app.store import aliases, captures
from app.store.engine import Database, reading
from app.store.links import alike
from app.store.writer import Transaction, Writer, decided


def rejoin(writer: Writer, database: Database, site_id: UUID) -> None:
    """Blocks until all is on disk. One that was cut off is gone on with by the same again, and by the next document
    that names the place. Raises StoreUnavailable."""
    joined = writer.submit(reconsider, site_id)
    for take in follow(database, OPERATOR, joined):
        writer.submit(take_events, take)


def reconsider(transaction: Transaction, sites: Sequence[UUID]) -> Sequence[frozenset[str] | Exception]:
    """Job: where the places of these sites lead now; those whose goods are to be computed again."""
    captures.serialise(transaction.connection)
    return decided(sites, lambda site_id: _reconsider(transaction, site_id))


def name_captured(writer: Writer, database: Database, product: Product) -> None:
    """What captured documents name by the product's GTIN is called as it is, where they do not say. Blocks until that
    is on disk. Raises StoreUnavailable."""
    if gtin14(product) is None:
        return
    with reading(database) as snapshot:
        same = alike(snapshot, [product.id])[product.id]
    if any(map(captured, same)):
        writer.submit(adopt, product.id)


def adopt(transaction: Transaction, products: Sequence[UUID]) -> Sequence[Exception | None]:
    """Job: as `name_captured`, of these products."""
    captures.serialise(transaction.connection)
    return decided(products, lambda key: _adopt(transaction, key))


def _adopt(transaction: Transaction, key: UUID) -> None:
    same = alike(transaction.connection, [key]).get(key, ())
    uris = [code["value"] for row in same for code in row.external_codes if code["scheme"] == CAPTURED]
    office = Office(transaction, OPERATOR, Records(), None)
    office.products(dict.fromkeys(uris))
    office.write()


def _reconsider(transaction: Transaction, site_id: UUID) -> frozenset[str]:
    places = aliases.reconsider(transaction.connection, site_id, transaction.now)
    office = Office(transaction, OPERATOR, Records(), None)
    office.sites(uri for uri, site in places.items() if site == ids.captured_site_id(uri))
    office.write()
    return frozenset(places)
