"""What stands on a label beside its symbol: names and numbers of many codes, for everybody to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.domain import codes as spelled
from app.domain.codes import CodeKind
from app.domain.rows import Code, Party, Product, Site
from app.scanning.audience import Audience, redact
from app.scanning.names import Names
from app.store import codes as store
from app.store import scan
from app.store.engine import Snapshot


@dataclass(frozen=True, slots=True)
class Tag:
    """`title`: goods, else whose or which place it is, None where that is not known; `place`: where, or whose;
    `kind` as in an Answer."""

    code: str
    kind: str
    title: str | None = None
    place: str | None = None
    lot_number: str | None = None
    produced_on: date | None = None


def tags(snapshot: Snapshot, wanted: Sequence[spelled.Code], rows: dict[str, Code]) -> list[Tag]:
    """For each code what its label says, as of now; `rows` of all of them but receipts and units. One statement for
    each 500 of a kind."""
    subjects = {code: row.subject_id for code, row in rows.items()}
    kinds = {each.text: each.kind for each in wanted}
    lots = store.lots(snapshot, _of(CodeKind.LOT, kinds, subjects))
    custodies = store.custodies(snapshot, _of(CodeKind.CUSTODY, kinds, subjects))
    lots |= store.lots(snapshot, {custody.lot_id for custody in custodies.values()})
    slips = store.slips(snapshot, [code for code, kind in kinds.items() if kind is CodeKind.SLIP])
    names = Names(snapshot, None).load([
        *subjects.values(),
        *(key for lot in lots.values() for key in (lot.product_id, lot.maker_id)),
        *(custody.site_id for custody in custodies.values()),
        *(slip.site_id for slip in slips.values()),
    ])  # fmt: skip
    above = [site.path for key in subjects.values() if (site := names.site(key))]
    names.load([UUID(hex=path[:32]) for path in above])

    def told(code: spelled.Code) -> Tag:
        key = subjects.get(code.text)
        match code.kind:
            case CodeKind.SITE:
                site = names.site(key)
                market = names.site(UUID(hex=site.path[:32])) if site and site.path[:32] != site.id.hex else None
                return _tag(code, "site", _name(site), _name(market))
            case CodeKind.PARTY:
                party = names.party(key)
                return _tag(code, "party", _name(party))
            case CodeKind.LOT | CodeKind.CUSTODY:
                custody = custodies.get(key) if key else None
                lot = lots.get(custody.lot_id) if custody else lots.get(key) if key else None
                product = names.product(lot.product_id) if lot else None
                where = names.site(custody.site_id) if custody else names.party(lot.maker_id) if lot else None
                kind = "custody" if code.kind is CodeKind.CUSTODY else "lot"
                return _tag(
                    code, kind, _name(product), _name(where),
                    lot.lot_number if lot else None, lot.produced_on if lot else None,
                )  # fmt: skip
            case CodeKind.SLIP:
                sender = names.site(slips[code.text].site_id) if code.text in slips else None
                return _tag(code, "slip", _name(sender))
            case CodeKind.RECEIPT:
                sale = scan.receipt(snapshot, spelled.receipt_id_of(code))
                stall = names.load([sale.site_id]).site(sale.site_id) if sale else None
                return _tag(code, "receipt", _name(stall))
            case CodeKind.UNIT:
                return _tag(code, "unit")

    return [told(code) for code in wanted]


def _of(kind: CodeKind, kinds: dict[str, CodeKind], subjects: dict[str, UUID]) -> list[UUID]:
    return [key for code, key in subjects.items() if kinds[code] is kind]


def _name(row: Site | Party | Product | None) -> str | None:
    return row.name if row else None


def _tag(
    code: spelled.Code,
    kind: str,
    title: str | None = None,
    place: str | None = None,
    lot_number: str | None = None,
    produced_on: date | None = None,
) -> Tag:
    fields = {"title": title, "place": place, "lot_number": lot_number, "produced_on": produced_on}
    return Tag(code.text, kind, **redact("tag", Audience.PUBLIC, fields))
