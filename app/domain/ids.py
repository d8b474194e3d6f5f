"""Identity is computed from what a row names: a retry is a primary-key conflict, uniqueness needs no look-up.

Every function returns a version 5 UUID (RFC 9562 §5.5); equal names give equal ids on every machine and in every order.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

# Fixed for ever: changing one renames every row of its kind.
PARTY = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a01")
SITE = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a02")
PRODUCT = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a03")
EPCIS = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a04")
EPC = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a05")
RECORDER = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a06")
LINK = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a21")


def uuid5(space: UUID, name: str) -> UUID:
    """As uuid.uuid5, in half the time."""
    number = int.from_bytes(sha1(space.bytes + name.encode(), usedforsecurity=False).digest()[:16], "big")
    return UUID(int=number & _FREE | _VERSION_5)


_FREE = (1 << 128) - 1 ^ (0xF000 << 64) ^ (0xC000 << 48)
_VERSION_5 = (5 << 76) | (1 << 63)  # and the variant of RFC 9562


def event_id(recorder: UUID, ref: str) -> UUID:
    """Native event: the recorder is the device, else the party; never the key, which is rotated."""
    return uuid5(recorder, ref)


def event_text(recorder: UUID, ref: str) -> str:
    """str(event_id(recorder, ref)), in a third of the time: every sale of a scale is told its id."""
    digest = sha1(recorder.bytes + ref.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@lru_cache(maxsize=1024)
def office_recorder(role: str, region: str | None) -> UUID:
    """The recorder of a key that belongs to no party: the office of a regulator or the operator itself."""
    return uuid5(RECORDER, f"{role}/{region or ''}")


def captured_event_id(content_hash: str, declaration_time: str | None) -> UUID:
    """Captured event: the same content from two sources is one event, two contents under one eventID are two."""
    return uuid5(EPCIS, f"{content_hash}/{declaration_time or ''}")


def lot_id(maker: UUID, product: UUID, lot_number: str) -> UUID:
    """A lot keeps its number, and so its identity, wherever it moves."""
    return uuid5(maker, f"{product}/{lot_number}")


def unnumbered_lot_id(event: UUID, output: int) -> UUID:
    """A lot without a number (none may be demanded for vegetables, Food Safety Law §65) is named by its event."""
    return uuid5(event, f"lot/{output}")


def custody_id(lot: UUID, site: UUID, arriving_event: UUID) -> UUID:
    """One arrival of a lot at a site; a second delivery is a second custody."""
    return uuid5(lot, f"{site}/{arriving_event}")


def gap_id(event: UUID, item: int) -> UUID:
    """The unknown origin of goods that came from outside the system."""
    return uuid5(event, f"gap/{item}")


def capture_id(recorder: UUID, content_hash: str) -> UUID:
    """A document as one importer brought it: the same again is the same capture."""
    return uuid5(recorder, f"capture/{content_hash}")


@lru_cache(maxsize=8_192)
def captured_lot_id(epc: str) -> UUID:
    return uuid5(EPC, epc)


@lru_cache(maxsize=8_192)
def captured_custody_id(epc: str, site_uri: str) -> UUID:
    return uuid5(EPC, f"{epc}\n{site_uri}")


def captured_gap_id(epc: str) -> UUID:
    """The unknown origin of captured goods whose making nobody has recorded."""
    return uuid5(captured_lot_id(epc), "gap")


@lru_cache(maxsize=8_192)
def captured_site_id(uri: str) -> UUID:
    return uuid5(SITE, uri)


def captured_party_id(uri: str) -> UUID:
    return uuid5(PARTY, uri)


@lru_cache(maxsize=8_192)
def captured_product_id(uri: str) -> UUID:
    return uuid5(PRODUCT, uri)


def firm_id(credit_code: str) -> UUID:
    """A firm is one party under its 统一社会信用代码, whoever enrols it."""
    return uuid5(PARTY, credit_code)


def enrolled_id(owner: UUID, content: str) -> UUID:
    """Master data without an official number: the same form sent again by the same office is the same row."""
    return uuid5(owner, content)


def case_id(office: UUID, ref: str) -> UUID:
    return uuid5(office, f"case/{ref}")


def display_lot_number(event: UUID, event_time: datetime, output: int) -> str:
    """A lot number to show where the maker gave none: day of making plus four characters of the lot's own id."""
    return f"{event_time:%y%m%d}-{unnumbered_lot_id(event, output).hex[:4].upper()}"
