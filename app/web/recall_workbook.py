"""The report of a recall as a workbook: everything in it, row by row, however many rows there are."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.rows import Document
from app.exchanging.tables import workbook_bytes
from app.recalling import Report
from app.web.i18n import Words
from app.web.paper.recall_notice import moment
from app.web.paper.recall_report import evidence_row, history_row, sums_told

Shown = dict[str, Any]
Cells = list[Any]
_SUMMARY, _PARTIES, _CUSTODIES, _ANSWERS, _HISTORY, _EVIDENCE = (
    "summary", "parties", "custodies", "answers", "history", "evidence"
)  # fmt: skip


def workbook(
    report: Report,
    parties: Iterable[Shown],
    custodies: Iterable[Shown],
    evidence: Iterable[tuple[str, datetime, Document]],
    words: Words,
    office: str,
) -> Iterator[bytes]:
    """The file in pieces. Amounts stand as numbers, in kilograms or pieces, their unit beside them."""
    t = words.t
    heads = {
        _SUMMARY: ["report.name", "report.detail"],
        _PARTIES: [
            "report.party", "report.region", "notice.state", "report.overdue", "report.answers_for", "report.recovered",
            "report.percent", "report.channel", "report.notified_at", "report.acknowledged_at", "report.answered_at",
            "notice.answer_due",
        ],
        _CUSTODIES: [
            "notice.product", "notice.lot", "notice.code", "notice.site", "report.party", "report.region",
            "report.generation", "notice.arrived", "report.unit", "notice.received", "notice.sold", "notice.on_hand",
            "report.receipts", "report.beyond",
        ],
        _ANSWERS: [
            "report.party", "report.time", "notice.product", "notice.batches", "report.unit", "report.withdrawn",
            "report.returned", "report.destroyed", "report.note", "report.evidence",
        ],
        _HISTORY: ["report.time", "report.what", "report.by", "report.why"],
        _EVIDENCE: ["report.party", "report.document", "report.file", "report.time", "report.hash"],
    }  # fmt: skip
    titles = {name: t(f"report.sheet.{name}") for name in heads}
    sheets = {titles[name]: [t(key) for key in keys] for name, keys in heads.items()}
    rows = _rows(report, parties, custodies, evidence, words, office)
    return workbook_bytes(sheets, ((titles[name], cells) for name, cells in rows))


def _rows(
    report: Report,
    parties: Iterable[Shown],
    custodies: Iterable[Shown],
    evidence: Iterable[tuple[str, datetime, Document]],
    words: Words,
    office: str,
) -> Iterator[tuple[str, Cells]]:
    for pair in _summary(report, words, office):
        yield _SUMMARY, list(pair)
    for line in report.recall.history:
        yield _HISTORY, list(history_row(words, line))
    for told in parties:
        yield _PARTIES, _party(words, told)
        for answer in told["answers"]:
            yield from ((_ANSWERS, cells) for cells in _answers(words, told, answer))
    for batch in custodies:
        yield _CUSTODIES, _custody(words, batch)
    for row in evidence:
        yield _EVIDENCE, list(evidence_row(words, *row))


def _summary(report: Report, words: Words, office: str) -> Iterator[tuple[str, str]]:
    t, recall, told = words.t, report.recall, report.told
    kind = "report.mock" if recall.state == "mock" else "report.interim" if report.interim else "report.final"
    yield t("report.title"), t(kind)
    yield t("announced.number"), recall.number
    yield t("announced.products"), recall.title
    yield t("announced.grade"), t(f"announced.grade.{recall.grade}")
    yield t("announced.state"), t(f"announced.state.{recall.outcome or recall.state}")
    yield t("announced.office"), office
    yield t("announced.reason"), words.half(recall.reason)
    yield t("announced.hazard"), words.half(recall.hazard)
    yield t("report.made"), moment(words, report.made_at)
    yield t("report.known"), moment(words, recall.known_at)
    yield t("announced.started"), moment(words, recall.started_at)
    yield t("announced.closed"), moment(words, recall.closed_at)
    yield t("announced.conclusion"), recall.conclusion or ""
    if progress := told["progress"]:
        for name in ("weight", "count"):
            part = progress[name]
            if part["answers_for"]:
                yield t(f"report.{name}"), f"{part['percent']} %"
        for name, key in (("notified", "told"), ("acknowledged", "acknowledged"), ("answered", "answered")):
            yield t(f"report.{key}"), f"{progress['parties'][name]} / {progress['parties']['parties']}"
    for part in report.scope:
        yield t("report.scope"), " · ".join(filter(None, (t(f"report.kind.{part.kind}"), part.name, part.detail)))
    for part in report.exclusions:
        said = (t(f"report.kind.{part.kind}"), part.name, part.detail, part.reason)
        yield t("report.exclusions"), " · ".join(filter(None, said))
    for person in recall.persons:
        named = (person.get(name) for name in ("name", "position", "phone"))
        yield t("report.persons"), " · ".join(filter(None, named))


def _party(words: Words, told: Shown) -> Cells:
    return [
        (told["party"] or {}).get("name") or "",
        words.region(told["region"]),
        words.t(f"notice.state.{told['state']}"),
        words.t("report.yes") if told["overdue"] else "",
        *(sums_told(words, told["answers_for"], name) for name in ("answers_for", "recovered")),
        None if told["percent"] is None else Decimal(str(told["percent"])),
        told["channel"] or "",
        *(moment(words, told[name]) for name in ("notified_at", "acknowledged_at", "answered_at", "answer_due")),
    ]


def _custody(words: Words, batch: Shown) -> Cells:
    return [
        (batch["product"] or {}).get("name") or "",
        batch["lot_number"] or "",
        batch["code"] or "",
        (batch["site"] or {}).get("name") or "",
        (batch["party"] or {}).get("name") or "",
        words.region(batch["region"]),
        batch["generation"],
        moment(words, batch["arrived_at"]),
        *_numbers(words, [batch[name] for name in ("received", "sold", "on_hand")]),
        batch["receipts"],
        words.t("report.yes") if batch["beyond"] else "",
    ]


def _numbers(words: Words, amounts: list[Shown | None]) -> Cells:
    """The unit, and the amounts in it; nothing where they are not told."""
    unit = next((shown["unit"] for shown in amounts if shown), None)
    return [words.word("unit", unit), *(Decimal(shown["value"]) if shown else None for shown in amounts)]


def _answers(words: Words, told: Shown, answer: Shown) -> Iterator[Cells]:
    products = {str(goods["product_id"]): goods["product"] for goods in told["goods"]}
    head = [(told["party"] or {}).get("name") or "", moment(words, answer["record_time"])]
    papers = ", ".join(answer["evidence"])
    if not answer["lines"]:
        yield [*head, "", "", "", None, None, None, answer["note"] or "", papers]
    for line in answer["lines"]:
        sums = _numbers(words, [line[name] for name in ("withdrawn", "returned", "destroyed")])
        product = products.get(str(line["product_id"]), "")
        yield [*head, product, line["custody_id"] or "", *sums, answer["note"] or "", papers]
