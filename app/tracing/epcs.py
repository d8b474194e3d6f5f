"""What an EPC names, in whichever spelling: goods, the lot that they are of, and what is in a unit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain import codes, ids
from app.domain.codes import CodeKind, MistypedCode
from app.domain.digital_link import DigitalLink
from app.domain.epcis.identifiers import class_parts, constrained, gs1_key, malformation
from app.domain.epcis.spelling import Epc, malformed
from app.domain.errors import Malformed, NotFound
from app.store import chain, links, master, packings
from app.store.chain import Direction
from app.store.engine import Snapshot
from app.tracing.answer import PACKINGS, Begun, Opened, Packing

_SERIALS = ("21", "235")


@dataclass(frozen=True, slots=True)
class Goods:
    """Custodies that a trace begins at; `cut`: there are more."""

    keys: list[bytes]
    begun: Begun
    cut: bool = False


def goods(snapshot: Snapshot, epc: Epc, direction: Direction | None, time: datetime | None) -> Goods:
    """The custodies of goods that the EPC names, and of what is, or was at `time`, in it.

    A serial number's history goes on in its lot's, where its making said which that is; going forward a lot is also
    what bears a serial number of it. Raises Malformed for what no EPC can be, NotFound.
    """
    unit = packings.open_unit(snapshot, epc.uri, time, chain.STARTS)
    named = [epc.uri, *(unit.contents if unit is not None else ())]
    found = chain.with_epcs(snapshot, named)
    found += chain.of_lots(snapshot, _lots(snapshot, named, direction))
    lots = _lots_of(snapshot, epc, named if direction != "forward" else ())
    if lots and (direction != "forward" or not found):
        lotted = chain.with_epcs(snapshot, lots) + chain.of_lots(snapshot, _lots(snapshot, lots, "back"))
        found += _beside(snapshot, lotted, found)
    else:
        lots = []
    found += [] if found else _called(snapshot, epc)
    if not found:
        raise _refusal(snapshot, epc, time)
    keys = list(dict.fromkeys(found))
    cut = len(keys) > chain.STARTS or (unit is not None and unit.cut)
    return Goods(keys[: chain.STARTS], Begun(epc.uri, lots, _opened(unit, time)), cut)


def _opened(unit: packings.Opened | None, time: datetime | None) -> Opened | None:
    if unit is None:
        return None
    told = [Packing(one.unit_epc, one.content_epc, one.since, one.until) for one in unit.packed[:PACKINGS]]
    state = "last" if unit.last else "now" if time is None else "then"
    return Opened(state, unit.at, told, len(unit.packed), unit.loop)  # type: ignore[arg-type]


def _lots(snapshot: Snapshot, uris: Iterable[str], direction: Direction | None) -> list[bytes]:
    """Lots of ours that the EPC classes name: by GTIN and lot number, by our own code, by id. Going back without those
    single goods that only say which lot they are of."""
    labels: dict[tuple[UUID, str], str] = {}
    found: list[UUID] = []
    parts = {uri: said for uri in uris if (said := class_parts(uri)) is not None and said.lot is not None}
    known = links.products(snapshot, {said.gtin for said in parts.values() if said.gtin is not None})
    for uri, said in parts.items():
        products = [ids.captured_product_id(said.product), *(row.id for row in known.get(said.gtin or "", ()))]
        labels |= {(product, str(said.lot)): uri for product in products}
    for product, number, uri in chain.numbers(snapshot, parts):
        labels[product, number] = uri  # in the capitals of its making
    listed = chain.numbered(snapshot, {product for product, _ in labels}, {number for _, number in labels})
    for key, product, number, own in listed:
        if (product, number) in labels and (direction != "back" or own in (None, labels[product, number])):
            found.append(key)
    found += _of_ours(snapshot, [uri for uri in uris if uri not in parts])
    return [key.bytes for key in found]


def _of_ours(snapshot: Snapshot, uris: Collection[str]) -> list[UUID]:
    """Lots that have neither a GTIN nor an EPC of their own, by the names that our events give them."""
    found = []
    for uri in uris:
        scheme, _, text = uri.rpartition("/c/")
        if scheme:
            try:
                code = codes.parse(text)
            except MistypedCode:
                continue
            issued = chain.code_of(snapshot, code.text)
            found += [issued[1]] if issued is not None and issued[0] == CodeKind.LOT else []
        elif uri.startswith("urn:uuid:") and malformation(uri) is None:
            key = UUID(uri)
            found += [key] if chain.is_lot(snapshot, key) else []
    return found


def _lots_of(snapshot: Snapshot, epc: Epc, uris: Iterable[str]) -> list[str]:
    """The EPC classes of the lots that single goods with a serial number are of: as their making said, or as the
    Digital Link says in which the serial number stands."""
    found: dict[str, None] = {}
    single = {uri: said for uri in uris if (said := class_parts(uri)) is not None and said.serial is not None}
    for _, number, uri in chain.numbers(snapshot, single):
        if number != single[uri].serial:
            found[_class(single[uri].product, number)] = None
    link = epc.link
    lot = link.qualifier("10") if link is not None else None
    if link is not None and lot and any(link.qualifier(ai) for ai in _SERIALS):
        found[constrained(DigitalLink("01", link.value, (("10", lot),)))] = None
    return list(found)


def _beside(snapshot: Snapshot, lotted: list[bytes], single: list[bytes]) -> list[bytes]:
    """Of a lot those custodies from which its single goods were taken: where these have been, if it was there."""
    sites = {row[3]: None for row in chain.hands(snapshot, single)}
    there = {row[0] for row in chain.hands(snapshot, lotted) if row[3] in sites}
    return [key for key in lotted if key in there] or lotted


def _class(product: str, number: str) -> str:
    """The class of a lot of a product."""
    link = gs1_key(product)
    if link is not None:
        return constrained(DigitalLink(link.key, link.value, (("10", number),)))
    return f"{product.replace(':product:class:', ':product:lot:class:')}.{number}"


def _called(snapshot: Snapshot, epc: Epc) -> list[bytes]:
    """Custodies of the lots, and custodies, that somebody calls so."""
    named = {code.subject_id.bytes for code in master.external_codes(snapshot, {epc.text, epc.uri})}
    return chain.of_lots(snapshot, named) + [row[0] for row in chain.hands(snapshot, named) if row[1] == "custody"]


def _refusal(snapshot: Snapshot, epc: Epc, time: datetime | None) -> Malformed | NotFound:
    if time is not None and packings.is_unit(snapshot, epc.uri):
        return NotFound(
            "unit-empty",
            f"{time.isoformat()} 时单元是空的，请换一个时间；不写时间则取最后一次所装 · "
            f"nothing was in it at {time.isoformat()}: ask for another time; without one what was in it last is traced",
            identity=epc.text[:200],
        )
    wrong = malformation(epc.text)
    if wrong is not None:
        return malformed(epc.text, "请对照原件检查各段长度与校验位", wrong)
    return NotFound(
        "unknown-epc",
        f"没有这个 EPC：{epc.text[:200]}，请核对，或先导入它的文件；只有 GTIN 时请加上批号或序列号 · "
        f"no goods are known by {epc.text[:200]}: check it, or bring its document in; "
        "to a GTIN alone add the lot or serial number",
        identity=epc.text[:200],
    )
