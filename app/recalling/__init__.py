"""Recalling (召回): hold what a scope names, tell whom it concerns, count what comes back, close."""

from app.recalling.answers import Answered, GiveAnswer, Told, give_answers, note_told
from app.recalling.delivering import note_deliveries
from app.recalling.drafting import advice_for, draft
from app.recalling.keeping import Keep, Keeper, keep_recalls, resolve
from app.recalling.public import announced, announcement, concerning, summary
from app.recalling.recalls import ChangeRecall, Made, NewRecall, change_recalls, create_recalls, may_change
from app.recalling.reporting import Named, Paper, Report, custodies, evidence, paper, parties, report
from app.recalling.sold import receipts
from app.recalling.views import (
    affected,
    find_notices,
    find_recall,
    find_recalls,
    names_persons,
    notices_told,
    told,
)

__all__ = [
    "Answered",
    "ChangeRecall",
    "GiveAnswer",
    "Keep",
    "Keeper",
    "Made",
    "Named",
    "NewRecall",
    "Paper",
    "Report",
    "Told",
    "advice_for",
    "affected",
    "announced",
    "announcement",
    "change_recalls",
    "concerning",
    "create_recalls",
    "custodies",
    "draft",
    "evidence",
    "find_notices",
    "find_recall",
    "find_recalls",
    "give_answers",
    "keep_recalls",
    "may_change",
    "names_persons",
    "note_deliveries",
    "note_told",
    "notices_told",
    "paper",
    "parties",
    "receipts",
    "report",
    "resolve",
    "summary",
    "told",
]
