"""Who may see what: the one table that decides which field of an answer is for whom, and the one place that redacts.

A field that stands in no shape of the table cannot be shown at all. Never for the public: numbers of identity cards,
telephones, buyers, prices, quantities, and to whom a slip's goods go (Personal Information Protection Law §6; the
display duty of SAMR order 81 asks for name, origin, producer or seller and no more).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from app.domain.rights import Principal, Role, owns_party, owns_site
from app.domain.rows import Party, Site


class Audience(IntEnum):
    """In rising order of what they see of one site's business; each sees all that those before it see."""

    PUBLIC = 0
    PARTY = 1  # whoever holds the goods, and its devices
    MARKET = 2  # the operator of the market it stands in
    REGULATOR = 3
    ADMIN = 4


_P = Audience.PUBLIC

# Of a record that an authority made about a place or a party.
_RECORD = (
    "id", "kind", "inspected_on", "result", "grade", "score", "text", "number", "authority", "site", "party", "public",
    "record_time",
)  # fmt: skip

# Shape → field → the first audience that sees it.
AUDIENCE: Mapping[str, Mapping[str, Audience]] = {
    "place": dict.fromkeys(("code", "name", "kind", "region"), _P),
    "lot": dict.fromkeys(("code", "lot_number", "produced_on", "expires_on", "unit_number"), _P),
    "step": dict.fromkeys(
        (
            "event_id",
            "kind",
            "event_time",
            "site",
            "party",
            "product",
            "lot_number",
            "documents",
            "tests",
            "readings",
            "reported_by",
        ),
        _P,
    ),
    # Cold-chain temperatures are the consumer's to see.
    "reading": dict.fromkeys(("type", "unit", "least", "most", "count", "since", "until"), _P),
    "document": {
        **dict.fromkeys(("type", "number", "issuer", "issued_on", "expires_on", "class"), _P),
        "id": Audience.PARTY,
        "covers": Audience.PARTY,
    },
    # Papers of no named kind may be anything, an identity card too.
    "private_document": {
        **dict.fromkeys(("type", "issuer", "issued_on", "expires_on", "class"), _P),
        "number": Audience.PARTY,
        "id": Audience.PARTY,
        "covers": Audience.PARTY,
    },
    "test": {
        **dict.fromkeys(
            (
                "event_id",
                "event_time",
                "product",
                "lot_number",
                "stage",
                "item",
                "method",
                "value",
                "unit",
                "limit",
                "verdict",
                "presumptive",
                "contest_until",
                "retest",
                "party",
            ),
            _P,
        ),
        "sample_number": Audience.PARTY,
        "tester": Audience.MARKET,
    },
    "gap": dict.fromkeys(("node_id", "reason", "from"), _P),
    "source": {
        **dict.fromkeys(("name", "claimed", "reported_by"), _P),
        "contact": Audience.PARTY,
        "address": Audience.PARTY,
    },
    "node": dict.fromkeys(("code", "product", "lot_number", "site", "party", "status"), _P),
    "held_source": dict.fromkeys(("code", "product", "lot_number", "status_reason"), _P),
    "supplier": dict.fromkeys(("code", "name", "address", "contact"), Audience.PARTY),
    # What consumers are told of a recall; who is responsible stands nowhere here.
    "recall": dict.fromkeys(
        ("number", "state", "grade", "title", "reason", "hazard", "advice", "started_at", "closed_at"), _P
    ),
    "stock": {
        **dict.fromkeys(("code", "product", "lot_number", "status", "since"), _P),
    },
    "line": {
        **dict.fromkeys(("code", "product", "steps"), _P),
        "quantity": Audience.PARTY,
    },
    # Whoever has the reference follows it; who wrote what, and how to reach them, is for those who work on it.
    "complaint": {
        **dict.fromkeys(("code", "kind", "state", "answer", "record_time", "changed_at"), _P),
        **dict.fromkeys(
            (
                "id",
                "text",
                "contact",
                "photos",
                "language",
                "site",
                "party",
                "site_id",
                "party_id",
                "region",
                "custody_ids",
                "lot_ids",
                "history",
                "owner",
            ),
            Audience.MARKET,
        ),
    },
    # What an authority has made public; and what it has not, or has replaced since: whom it is about sees that too.
    "inspection": {
        **dict.fromkeys(_RECORD, _P),
        **dict.fromkeys(("replaces", "replaced_by"), Audience.PARTY),
        "note": Audience.REGULATOR,
    },
    "private_inspection": {
        **dict.fromkeys((*_RECORD, "replaces", "replaced_by"), Audience.PARTY),
        "note": Audience.REGULATOR,
    },
    # What hangs in the market hall for everybody to read: names of goods and who brought them, never how much.
    "board_stall": dict.fromkeys(("code", "name", "kind", "region", "party", "status", "batches", "products"), _P),
    "board_batch": dict.fromkeys(
        (
            "code",
            "product",
            "lot_number",
            "status",
            "since",
            "on_sale",
            "site",
            "sources",
            "reported",
            "tests",
            "ingredients",
        ),
        _P,
    ),
    "board_ingredient": dict.fromkeys(("code", "product", "lot_number", "status", "sources", "reported", "tests"), _P),
    "board_result": dict.fromkeys(("item", "stage", "verdict", "presumptive", "event_time"), _P),
    "board_test": dict.fromkeys(("code", "site"), _P),
    # The code of a slip receives its goods: its end alone is shown.
    "board_slip": dict.fromkeys(
        ("number", "site", "party", "products", "shipped_at", "admitted", "status", "status_reason"), _P
    ),
    "board_refusal": dict.fromkeys(("site", "party", "products", "event_time", "reason"), _P),
    "board_notice": dict.fromkeys(("code", "product", "lot_number", "site", "status", "status_reason"), _P),
    # What is about to lapse is its owner's business, and that of who answers for the place.
    "expiring": dict.fromkeys(
        ("kind", "type", "number", "code", "product", "lot_number", "site", "party", "expires_on", "days"),
        Audience.PARTY,
    ),
    # What a label shows hangs in the market hall.
    "tag": dict.fromkeys(("title", "place", "lot_number", "produced_on"), _P),
    # The receipt as it is printed: its buyer has it on paper, everybody else scans its code.
    "paper": dict.fromkeys(
        (
            "code",
            "market",
            "stall",
            "trader",
            "credit_code",
            "licence",
            "sold_at",
            "device_number",
            "counter",
            "operator",
            "payment",
            "total_fen",
            "other_sales",
        ),
        Audience.PARTY,
    ),
    "paper_line": dict.fromkeys(("product", "value", "unit", "price_fen", "amount_fen"), Audience.PARTY),
    "balance": dict.fromkeys(
        (
            "measure",
            "received",
            "sold",
            "shipped",
            "processed",
            "returned",
            "destroyed",
            "unexplained",
            "on_hand",
            "receipts",
        ),
        Audience.PARTY,
    ),
}


def redact(shape: str, audience: Audience, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with null in place of what this audience may not see. KeyError for a field the table does not know."""
    table = AUDIENCE[shape]
    return {name: value if audience >= table[name] else None for name, value in fields.items()}


def sees(shape: str, audience: Audience) -> bool:
    """True where any field of the shape is for this audience."""
    return any(audience >= first for first in AUDIENCE[shape].values())


def audience_of(reader: Principal | None, site: Site | None, market: Site | None) -> Audience:
    """What the reader is to a site; `market` is the site's topmost ancestor (itself for a root)."""
    if reader is None or site is None or not owns_site(reader, site, market):
        return Audience.ADMIN if reader is not None and reader.role is Role.ADMIN else Audience.PUBLIC
    return _of_role(reader.role)


def audience_of_party(reader: Principal | None, party: Party | None) -> Audience:
    """What the reader is to a party wherever it trades; to a stall in its market, see `audience_of`."""
    if reader is None or party is None or not owns_party(reader, party, ()):
        return Audience.PUBLIC
    return _of_role(reader.role)


def _of_role(role: Role) -> Audience:
    match role:
        case Role.ADMIN:
            return Audience.ADMIN
        case Role.REGULATOR:
            return Audience.REGULATOR
        case Role.MARKET:
            return Audience.MARKET
        case _:
            return Audience.PARTY
