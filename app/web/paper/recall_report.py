"""The report of a recall as PDF: to be read and filed. What has no room in it is in the spreadsheet."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from app.domain.quantities import shown as quantity
from app.domain.rows import Document
from app.recalling import Named, Report
from app.web.i18n import Words
from app.web.paper.recall_notice import amount, moment
from app.web.paper.sheets import BAD, GOOD, SOFT, WARN, Bar, Column, Sheets

Shown = dict[str, Any]
PARTIES = 1_500  # listed, those that owe an answer first
PAPERS = 500


def report_pdf(
    report: Report,
    parties: Iterable[Shown],
    evidence: Iterable[tuple[str, datetime, Document]],
    words: Words,
    office: str,
    url: str,
) -> bytes:
    """`parties` as notices are told; `evidence`: whose, when, which paper; `office`: who recalls; `url`: of the public
    notice."""
    t, recall = words.t, report.recall
    kind = t("report.mock" if recall.state == "mock" else "report.interim" if report.interim else "report.final")
    sheets = Sheets(f"{t('report.title')} {recall.number}", words.tag, f"{t('report.title')} {recall.number} · {kind}")
    _cover(sheets, report, words, kind, office, url)
    _scope(sheets, report, words)
    _history(sheets, report, words)
    _effect(sheets, report, words)
    _parties(sheets, parties, words)
    _evidence(sheets, evidence, words)
    return sheets.output()


def _cover(sheets: Sheets, report: Report, words: Words, kind: str, office: str, url: str) -> None:
    t, recall, told = words.t, report.recall, report.told
    sheets.band(t("report.title"), BAD if report.interim else GOOD, 24)
    with sheets.beside(url, t("notice.scan")) as room:
        sheets.text(recall.title, 15, bold=True, room=room)
        sheets.text(kind, 11, colour=SOFT, room=room)
        sheets.space(3)
        sheets.facts(
            [
                (t("announced.number"), recall.number),
                (t("announced.grade"), t(f"announced.grade.{recall.grade}")),
                (t("announced.state"), t(f"announced.state.{recall.outcome or recall.state}")),
                (t("announced.office"), office),
                (t("report.made"), moment(words, report.made_at)),
            ],
            room=room,
        )
    due, late = told["deadlines"], told["overdue"] or {}

    def term(at: datetime, name: str) -> str:
        return moment(words, at) + (f" · {t('report.late')}" if late.get(name) else "")

    counts = told["counts"] or {}
    reach = (
        t(
            "report.found.text",
            **{name: counts[name] for name in ("custodies", "sites", "parties", "receipts")},
            ms=counts["ms"].get("total", "–"),
        )
        if counts
        else ""
    )
    sheets.facts(
        [
            (t("announced.reason"), words.half(recall.reason)),
            (t("announced.hazard"), words.half(recall.hazard)),
            (t("announced.advice"), recall.advice.get(words.language) or recall.advice.get("en", "")),
            (t("report.known"), moment(words, recall.known_at)),
            (t("report.start_due"), term(due["start_due"], "start")),
            (t("announced.started"), moment(words, recall.started_at)),
            (t("report.notify_due"), term(due["notify_due"], "notify")),
            (t("report.complete_due"), term(due["complete_due"], "complete")),
            (t("announced.closed"), moment(words, recall.closed_at)),
            (t("announced.conclusion"), recall.conclusion or ""),
            (t("report.found"), reach),
        ]
    )
    if recall.persons:
        sheets.heading(t("report.persons"), 11)
        columns = [Column(t("report.name"), 3), Column(t("report.position"), 3), Column(t("report.phone"), 3)]
        rows = [[person.get(name) or "" for name in ("name", "position", "phone")] for person in recall.persons]
        sheets.table(columns, rows)


def _scope(sheets: Sheets, report: Report, words: Words) -> None:
    t = words.t
    columns = [Column(t("report.kind"), 3), Column(t("report.name"), 4), Column(t("report.detail"), 5, lines=4)]
    sheets.heading(t("report.scope"))
    sheets.table(columns, (_named(words, part) for part in report.scope))
    sheets.heading(t("report.exclusions"))
    if not report.exclusions:
        sheets.text(t("report.none"), colour=SOFT)
        return
    columns.append(Column(t("report.reason"), 5, lines=4))
    sheets.table(columns, ([*_named(words, part), part.reason or ""] for part in report.exclusions))


def _named(words: Words, part: Named) -> list[str]:
    return [words.t(f"report.kind.{part.kind}"), part.name, part.detail]


def _history(sheets: Sheets, report: Report, words: Words) -> None:
    t = words.t
    sheets.heading(t("report.history"))
    columns = [
        Column(t("report.time"), 3),
        Column(t("report.what"), 2),
        Column(t("report.by"), 2),
        Column(t("report.why"), 6, lines=6),
    ]
    sheets.table(columns, (history_row(words, line) for line in report.recall.history))


def history_row(words: Words, line: Shown) -> list[str]:
    """Time, what, by whom, why."""
    at = moment(words, datetime.fromisoformat(line["time"]))
    return [at, words.t(f"report.what.{line['what']}"), words.word("role", line["role"]), line["why"] or ""]


def _effect(sheets: Sheets, report: Report, words: Words) -> None:
    t, progress = words.t, report.told["progress"]
    if progress is None:
        return
    sheets.heading(t("report.effect"))
    bars = []
    for measure in ("weight", "count"):
        part = progress[measure]
        if part["answers_for"]:
            both = [amount(words, quantity(part[name], measure, None)) for name in ("recovered", "answers_for")]
            told = t("report.part", part=both[0], whole=both[1], percent=part["percent"])
            bars.append(Bar(t(f"report.{measure}"), part["recovered"], part["answers_for"], told, GOOD))
    answers = progress["parties"]
    for name, key in (("notified", "told"), ("acknowledged", "acknowledged"), ("answered", "answered")):
        whole = answers["parties"]
        share = answers[name] * 100 // whole if whole else 0
        told = t("report.part", part=answers[name], whole=whole, percent=share)
        bars.append(Bar(t(f"report.{key}"), answers[name], whole, told, GOOD if share == 100 else WARN))
    sheets.bars(bars)
    sheets.text(t("report.effect.note"), 8.5, colour=SOFT)


def _parties(sheets: Sheets, parties: Iterable[Shown], words: Words) -> None:
    t = words.t
    sheets.heading(t("report.parties"))
    columns = [
        Column(t("report.party"), 4),
        Column(t("report.region"), 2.6),
        Column(t("notice.state"), 2.2),
        Column(t("report.answers_for"), 2, right=True),
        Column(t("report.recovered"), 2, right=True),
        Column(t("report.percent"), 1.4, right=True),
        Column(t("report.answered_at"), 2.8),
    ]
    rows: list[tuple[int, list[str]]] = []
    beyond = 0
    for told in parties:
        if len(rows) == PARTIES:
            beyond += 1
            continue
        rows.append((_ORDER.get(told["state"], 9), party_row(words, told)))
    sheets.table(columns, (row for _, row in sorted(rows, key=lambda row: row[0])))
    if beyond:
        sheets.text(t("report.more", n=beyond), 9, colour=SOFT)


_ORDER = {"pending": 0, "notified": 1, "acknowledged": 2, "answered": 3, "withdrawn": 4}


def party_row(words: Words, told: Shown) -> list[str]:
    """Who, where, how far, for how much, of that how much, when answered."""
    party = told["party"] or {}
    state = words.t(f"notice.state.{told['state']}") + (f" · {words.t('report.late')}" if told["overdue"] else "")
    sums = [sums_told(words, told["answers_for"], name) for name in ("answers_for", "recovered")]
    percent = "" if told["percent"] is None else f"{told['percent']} %"
    return [
        party.get("name") or "", words.region_short(told["region"]), state, *sums, percent,
        moment(words, told["answered_at"]),
    ]  # fmt: skip


def sums_told(words: Words, shares: Iterable[Shown], name: str) -> str:
    """Of several products together, what is weighed and what is counted apart."""
    grams = pieces = 0
    for share in shares:
        if share[name]["unit"] == "pcs":
            pieces += share[name]["pieces"]
        else:
            grams += share[name]["grams"]
    parts = [quantity(grams, "weight", None)] if grams or not pieces else []
    parts += [quantity(pieces, "count", None)] if pieces else []
    return " + ".join(amount(words, part) for part in parts)


def _evidence(sheets: Sheets, evidence: Iterable[tuple[str, datetime, Document]], words: Words) -> None:
    t = words.t
    sheets.heading(t("report.evidence"))
    rows = list(islice(evidence, PAPERS + 1))
    if not rows:
        sheets.text(t("report.none"), colour=SOFT)
        return
    columns = [
        Column(t("report.party"), 3),
        Column(t("report.document"), 2.4),
        Column(t("report.file"), 3),
        Column(t("report.time"), 2.6),
        Column(t("report.hash"), 4, lines=3),
    ]
    sheets.table(columns, (evidence_row(words, *row) for row in rows[:PAPERS]), 7.5)
    if len(rows) > PAPERS:
        sheets.text(t("report.more", n="…"), 9, colour=SOFT)


def evidence_row(words: Words, party: str, at: datetime, paper: Document) -> list[str]:
    """Whose, what, its file, when it was named, its SHA-256."""
    told = " ".join(filter(None, (words.word("document", paper.type), paper.number)))
    return [party, told, paper.file_name or "", moment(words, at), paper.file_hash.hex()]
