"""A chain as tables: what stands in which column of which sheet."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from app.tracing import Trace
from app.tracing.answer import Amount, Place
from app.tracing.streaming import Piece, Sold

Cell = str | int | Decimal | None
Row = list[Cell]
Name = Literal["nodes", "links", "events", "gaps", "documents", "tests", "recipients", "receipts"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`columns`: heads, Chinese before the name of the field; `rows`: of one piece of a chain."""

    title: str
    columns: tuple[str, ...]
    rows: Callable[[Piece], Iterator[Row]]


def _amount(amount: Amount | None) -> Row:
    if amount is None:
        return [None, None, None, None]
    return [Decimal(amount.value), amount.unit, amount.grams, amount.pieces]


def _name(place: Place | None) -> Row:
    return [place.name, place.code, place.kind, place.region] if place is not None else [None] * 4


def _time(time: datetime) -> str:
    return time.isoformat()


def _nodes(piece: Piece) -> Iterator[Row]:
    for node in piece.trace.nodes:
        sure = node.confidence
        yield [
            node.id, node.kind, node.code, node.lot_id, node.lot_number, *_name(node.product)[:3], *_name(node.site),
            *_name(node.party)[:3], node.status, node.depth, *_amount(node.in_), *_amount(node.out),
            *_amount(node.on_hand), sure.state if sure else None, *_amount(sure.claimed if sure else None)[:2],
            *_amount(sure.unexplained if sure else None)[:2],
        ]  # fmt: skip


def _links(piece: Piece) -> Iterator[Row]:
    for link in piece.trace.links:
        yield [link.parent_id, link.child_id, link.event_id, link.kind, *_amount(link.quantity)]


def _events(piece: Piece) -> Iterator[Row]:
    for event in piece.trace.events:
        flags = None if event.flags is None else "; ".join(flag.slug for flag in event.flags)
        yield [
            event.id, event.kind, _time(event.event_time), _time(event.record_time), event.site_id,
            event.epcis_event_id, flags, event.corrected_by,
        ]  # fmt: skip


def _gaps(piece: Piece) -> Iterator[Row]:
    for gap in piece.trace.gaps:
        said = gap.from_
        papers = None if said.document_ids is None else "; ".join(said.document_ids)
        by = said.reported_by
        yield [gap.node_id, gap.reason, said.name, said.contact, said.address, papers, by.name if by else None]


def _documents(piece: Piece) -> Iterator[Row]:
    for paper in piece.trace.documents:
        told: Row = [paper.type, paper.number, paper.issuer, paper.issued_on, paper.expires_on, paper.class_]
        yield from ([paper.id, *told, node] for node in paper.node_ids)


def _tests(piece: Piece) -> Iterator[Row]:
    for test in piece.trace.tests:
        yield [
            test.node_id, test.event_id, test.stage, test.item, test.method, test.value, test.unit, test.limit,
            test.verdict, test.sample_number, test.tester,
        ]  # fmt: skip


def _recipients(piece: Piece) -> Iterator[Row]:
    for one in piece.trace.recipients:
        yield [
            one.node_id, one.event_id, one.kind, _time(one.event_time), one.name, one.contact, one.address,
            *_amount(one.quantity),
        ]  # fmt: skip


def _receipts(piece: Piece) -> Iterator[Row]:
    for sold in piece.sold:
        yield [
            sold.node_id, sold.receipt_code, sold.line, _time(sold.time), sold.site_id, Decimal(sold.value), sold.unit,
            sold.quantity.grams, sold.quantity.pieces,
        ]  # fmt: skip


def _of(what: str, name: str) -> tuple[str, ...]:
    """Heads of an amount."""
    return (f"{what} {name}", f"{what}单位 {name}_unit", f"{what}（克） {name}_grams", f"{what}（件） {name}_pieces")


SHEETS: dict[Name, Sheet] = {
    "nodes": Sheet(
        "节点 nodes",
        (
            "节点 id", "类别 kind", "编码 code", "批次 lot_id", "批号 lot_number", "商品 product", "条码 gtin",
            "品类 category", "场所 site", "场所编码 site_code", "场所类别 site_kind", "场所区划 site_region",
            "主体 party", "主体编码 party_code", "主体类别 party_kind", "状态 status", "代 depth",
            *_of("进", "in"), *_of("出", "out"), *_of("存", "on_hand"), "账目 confidence", "单方说法 claimed",
            "单方说法单位 claimed_unit", "对不上 unexplained", "对不上单位 unexplained_unit",
        ),
        _nodes,
    ),
    "links": Sheet(
        "环节 links",
        ("来自 parent_id", "去往 child_id", "记录 event_id", "类别 kind", *_of("数量", "quantity")),
        _links,
    ),
    "events": Sheet(
        "记录 events",
        (
            "记录 id", "类别 kind", "发生时间 event_time", "记录时间 record_time", "场所 site_id",
            "EPCIS 记录 epcis_event_id", "标记 flags", "更正于 corrected_by",
        ),
        _events,
    ),
    "gaps": Sheet(
        "来源不明 gaps",
        (
            "节点 node_id", "原因 reason", "名称 name", "联系方式 contact", "地址 address", "凭证 document_ids",
            "填报 reported_by",
        ),
        _gaps,
    ),
    "documents": Sheet(
        "凭证 documents",
        (
            "凭证 id", "类别 type", "编号 number", "签发 issuer", "签发日期 issued_on", "有效期至 expires_on",
            "等级 class", "节点 node_id",
        ),
        _documents,
    ),
    "tests": Sheet(
        "检测 tests",
        (
            "节点 node_id", "记录 event_id", "阶段 stage", "项目 item", "方法 method", "数值 value", "单位 unit",
            "限值 limit", "结论 verdict", "样品编号 sample_number", "检测人 tester",
        ),
        _tests,
    ),
    "recipients": Sheet(
        "买方 recipients",
        (
            "节点 node_id", "记录 event_id", "类别 kind", "时间 event_time", "名称 name",
            "联系方式 contact", "地址 address", *_of("数量", "quantity"),
        ),
        _recipients,
    ),
    "receipts": Sheet(
        "小票 receipts",
        (
            "节点 node_id", "小票 receipt_code", "行 line", "时间 event_time", "场所 site_id", "数量 value",
            "单位 unit", "克 grams", "件 pieces",
        ),
        _receipts,
    ),
}  # fmt: skip


def told(piece: Piece) -> Iterator[tuple[str, Any]]:
    """Everything in a piece under the name of its sort."""
    trace: Trace = piece.trace
    sorts: tuple[tuple[str, Iterable[Any]], ...] = (
        ("node", trace.nodes), ("link", trace.links), ("event", trace.events), ("gap", trace.gaps),
        ("document", trace.documents), ("test", trace.tests), ("recipient", trace.recipients), ("receipt", piece.sold),
    )  # fmt: skip
    for name, each in sorts:
        yield from ((name, one) for one in each)


__all__ = ["SHEETS", "Cell", "Name", "Row", "Sheet", "Sold", "told"]
