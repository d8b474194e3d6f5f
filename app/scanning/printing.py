"""A sale as the paper that the buyer takes home (追溯小票): what stands on it, for those who may see its prices."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain import codes
from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.money import unit_price
from app.domain.rights import Principal
from app.domain.rows import Party
from app.scanning.audience import Audience, redact
from app.scanning.names import Names, in_zone
from app.store import deposits
from app.store import papers as store
from app.store.engine import Snapshot


@dataclass(frozen=True, slots=True)
class PaperLine:
    """Quantity as entered; money in fen, None where the scale told none or no price gives the amount."""

    product: str | None
    value: str
    unit: str
    price_fen: int | None
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt's content, names as they were at the sale. `market` is None for a shop that stands alone; `sold_at` is
    in the site's own time zone; `total_fen` is None where a line's amount is not known."""

    code: str
    market: str | None
    stall: str
    trader: str | None
    credit_code: str | None
    licence: str | None
    sold_at: datetime
    device_number: int
    counter: int
    operator: str | None
    payment: str | None
    total_fen: int | None
    other_sales: int
    lines: list[PaperLine]


def paper(snapshot: Snapshot, code: codes.Code, reader: Principal) -> Paper:
    """The receipt of a sale; the code's MAC has been checked.

    Raises Invalid not-a-receipt, NotFound sale-pending and sale-archived, Forbidden not-your-site for whoever is
    neither the scale that made it nor has a say in its stall."""
    if code.kind is not codes.CodeKind.RECEIPT:
        raise Invalid("not-a-receipt", "这不是小票的编码，小票的编码以 R 开头 · a receipt's code begins with R")
    number = codes.receipt_id_of(code)
    sale = store.sale(snapshot, number)
    if sale is None and deposits.archived_until(snapshot, number) is not None:
        raise NotFound(
            "sale-archived",
            "小票真实，但已过保存期，销售记录已归档 · "
            "The receipt is authentic; its sale is past its retention and archived",
            identity=code.text,
        )
    if sale is None:
        raise NotFound(
            "sale-pending",
            "小票真实，但秤尚未上传这笔销售，请稍后再打印 · "
            "The receipt is authentic, its sale has not come in yet: print it later",
            identity=code.text,
        )
    sold = store.sale_lines(snapshot, number)
    names = Names(snapshot, reader).load([sale.site_id, *(line.product_id for line in sold)])
    made_it = reader.device_id == sale.device_id
    audience = max(names.audience(sale.site_id), Audience.PARTY if made_it else Audience.PUBLIC)
    if audience < Audience.PARTY:
        raise Forbidden(
            "not-your-site",
            "只有开出它的秤、摊位、市场和监管部门可以打印这张小票；公众请扫码查看 · only the scale, stall, market and "
            "regulator of this receipt print it; its code shows the public what it may see",
            identity=code.text,
        )
    here = names.site(sale.site_id, sale.event_time)
    root = UUID(hex=here.path[:32]) if here else None
    names.load([here.party_id if here else None, root])
    market = names.site(root, sale.event_time) if root != sale.site_id else None
    party = names.party(here.party_id, sale.event_time) if here else None
    lines = [_line(names, sale.event_time, line, audience) for line in sold]
    amounts = [line.amount_fen for line in sold if line.amount_fen is not None]
    name = codes.receipt_name(number)
    fields = {
        "code": code.text,
        "market": market.name if market else None,
        "stall": here.name if here else "",
        "trader": party.name if party else None,
        "credit_code": party.credit_code if party else None,
        "licence": _licence(party),
        "sold_at": in_zone(sale.event_time, here),
        "device_number": name.device_number,
        "counter": name.counter,
        "operator": sale.operator,
        "payment": sale.payment,
        "total_fen": sum(amounts) if len(amounts) == len(sold) else None,
        "other_sales": store.other_sales(snapshot, number),
    }
    return Paper(**redact("paper", audience, fields), lines=lines)


def _line(names: Names, at: datetime, line: store.SaleLine, audience: Audience) -> PaperLine:
    product = names.product(line.product_id, at)
    fields = {
        "product": product.name if product else None,
        "value": line.value,
        "unit": line.unit,
        "price_fen": None if line.amount_fen is None else unit_price(line.amount_fen, line.value),
        "amount_fen": line.amount_fen,
    }
    return PaperLine(**redact("paper_line", audience, fields))


def _licence(party: Party | None) -> str | None:
    """The first of its licences by number, where it has any."""
    return next((str(each["number"]) for each in party.licences if each.get("number")), None) if party else None
