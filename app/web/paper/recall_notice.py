"""The notice that one party gets of a recall (召回通知书), to be printed and signed for."""

from datetime import datetime
from typing import Any

from app.recalling import Paper
from app.web.i18n import Words
from app.web.pages import HOME
from app.web.paper.sheets import BAD, SOFT, Column, Sheets

Shown = dict[str, Any]
MOST = 500  # batches of one notice; the rest is in the interface


def amount(words: Words, shown: Shown | None) -> str:
    """As answers show it: value and unit."""
    return f"{shown['value']} {words.word('unit', shown['unit'])}" if shown else ""


def moment(words: Words, at: datetime | None) -> str:
    return words.moment(at.astimezone(HOME)) if at else ""


def notice_pdf(paper: Paper, words: Words, office: str, url: str) -> bytes:
    """`office`: who recalls; `url`: of the public notice."""
    t, recall, told = words.t, paper.recall, paper.told
    party = (told["party"] or {}).get("name") or ""
    sheets = Sheets(f"{t('notice.title')} {recall.number}", words.tag, f"{t('notice.title')} {recall.number} · {party}")
    sheets.band(t("notice.title"), BAD)
    with sheets.beside(url, t("notice.scan")) as room:
        sheets.text(t("notice.to", name=party), 12, bold=True, room=room)
        sheets.space(1)
        withdrawn = told["state"] == "withdrawn"
        sheets.text(t("notice.withdrawn" if withdrawn else "notice.lead"), 10.5, room=room)
        sheets.space(2)
        sheets.facts(
            [
                (t("announced.number"), recall.number),
                (t("announced.products"), recall.title),
                (t("announced.grade"), t(f"announced.grade.{recall.grade}")),
                (t("announced.state"), t(f"announced.state.{recall.outcome or recall.state}")),
                (t("announced.reason"), words.half(recall.reason)),
                (t("announced.hazard"), words.half(recall.hazard)),
                (t("announced.office"), office),
                (t("announced.contact"), t("hotline")),
            ],
            room=room,
        )
    sheets.heading(t("notice.terms"))
    sheets.facts(
        [
            (t("announced.started"), moment(words, recall.started_at)),
            (t("notice.acknowledge_due"), moment(words, told["acknowledge_due"])),
            (t("notice.answer_due"), moment(words, told["answer_due"])),
            (t("notice.complete_due"), moment(words, recall.complete_due)),
            (t("notice.state"), t(f"notice.state.{told['state']}")),
        ]
    )
    sheets.heading(t("notice.goods"))
    columns = [
        Column(t("notice.product"), 4),
        Column(t("notice.site"), 4),
        *(Column(t(f"notice.{name}"), 2, right=True) for name in ("received", "sold", "on_hand")),
    ]
    sheets.table(columns, (_goods(words, goods) for goods in told["goods"]))
    if paper.batches:
        sheets.heading(t("notice.batches"), 11)
        columns = [
            Column(t("notice.product"), 3),
            Column(t("notice.lot"), 2.4),
            Column(t("notice.code"), 3.2),
            Column(t("notice.arrived"), 2.6),
            *(Column(t(f"notice.{name}"), 1.7, right=True) for name in ("received", "on_hand")),
        ]
        sheets.table(columns, (_batch(words, batch) for batch in paper.batches[:MOST]))
        if len(paper.batches) > MOST:
            sheets.text(t("report.more", n=len(paper.batches) - MOST), 9, colour=SOFT)
    if not withdrawn:
        sheets.heading(t("notice.do"))
        terms = {"heard": moment(words, told["acknowledge_due"]), "done": moment(words, told["answer_due"])}
        for number, key in enumerate(("stop", "tell", "answer", "evidence"), 1):
            said = t("notice.do.answer", **terms) if key == "answer" else t(f"notice.do.{key}")
            sheets.text(f"{number}. {said}")
        sheets.heading(t("notice.how"))
        path = f"POST /api/v1/recalls/{recall.id}/acknowledgements"
        sheets.text(t("notice.how.text", path=path, number=recall.number))
        sheets.need(22)
        sheets.space(10)
        sheets.text(t("notice.sign"), 11)
    return sheets.output()


def _goods(words: Words, goods: Shown) -> list[str]:
    sums = (amount(words, goods[name]) for name in ("received", "sold", "on_hand"))
    return [goods["product"], (goods["site"] or {}).get("name") or "", *sums]


def _batch(words: Words, batch: Shown) -> list[str]:
    return [
        (batch["product"] or {}).get("name") or "",
        batch["lot_number"] or "",
        batch["code"] or "",
        moment(words, batch["arrived_at"]),
        amount(words, batch["received"]),
        amount(words, batch["on_hand"]),
    ]
