"""Products (商品): enrol, change, read. Every key reads them all; who enrolled one changes it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.domain import masters
from app.domain.rights import Role
from app.domain.rows import Product
from app.enrolling.forms import (
    Change,
    Desk,
    Enrol,
    Enrolled,
    enrol_anew,
    forbidden,
    histories,
    named,
    require_enrols,
    unknown,
)
from app.store import listing, master
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided


def enrol_products(transaction: Transaction, commands: Sequence[Enrol]) -> Sequence[Enrolled[Product] | Exception]:
    """Job: each form enrols a product, finds it enrolled already, or is refused."""
    asked = named("product", commands)
    names = [key for _, key in asked]
    known = master.products(transaction.connection, names)
    desk = Desk(transaction)

    def decide(asked: tuple[Enrol, UUID]) -> Enrolled[Product]:
        command, key = asked
        require_enrols(command.principal, "product")
        masters.check_product(command.form)
        there = known.get(key)
        if there is not None:
            return Enrolled(there, created=False)
        row = Product(
            id=key,
            **command.form,
            external_codes=[],
            enrolled_by=command.principal.recorder_id,
            version=1,
            valid_from=transaction.now,
            record_time=transaction.now,
        )
        desk.enrol(row, command.principal.recorder_id)
        known[key] = row
        return Enrolled(row, created=True)

    results = decided(asked, decide)
    desk.write()
    return results


def change_products(transaction: Transaction, commands: Sequence[Change]) -> Sequence[Product | Exception]:
    """Job: changes products, each change a new version."""
    known = histories(transaction, Product, [command.subject_id for command in commands])
    desk = Desk(transaction)

    def decide(command: Change) -> Product:
        history = known.get(command.subject_id)
        if history is None:
            raise unknown("商品", "product")
        current = history[-1]
        if command.principal.role is not Role.ADMIN and command.principal.recorder_id != current.enrolled_by:
            raise forbidden("商品由登记者更改 · A product is changed by who enrolled it")
        masters.check_product(command.changes)
        # Amounts are stored as grams or pieces by the measure: another measure would change what they mean.
        if command.changes.get("measure", current.measure) != current.measure:
            raise enrol_anew("/measure")
        return desk.change(history, command.changes, command)

    results = decided(commands, decide)
    desk.write()
    return results


def find_product(snapshot: Snapshot, product_id: UUID, at: datetime | None = None) -> Product:
    """The product as it is, or was at an instant. Raises NotFound."""
    product = master.products(snapshot, [product_id]).get(product_id)
    if product is None:
        raise unknown("商品", "product")
    if at is None:
        return product
    was = master.versions_at(snapshot, [(product_id, at)]).get((product_id, at), product)
    assert isinstance(was, Product)
    return was


def list_products(snapshot: Snapshot, after: listing.Place | None, limit: int) -> list[Product]:
    return listing.products(snapshot, after, limit)
