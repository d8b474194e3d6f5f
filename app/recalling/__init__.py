"""Recalling (召回): hold what a scope names, tell whom it concerns, count what comes back, close."""

from app.recalling.answers import Answered, GiveAnswer, Told, give_answers, note_told
from app.recalling.delivering import note_deliveries
from app.recalling.drafting import advice_for, draft
from app.recalling.keeping import Keep, Keeper, keep_recalls, resolve
from app.recalling.recalls import ChangeRecall, Made, NewRecall, change_recalls, create_recalls, may_change
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
    "NewRecall",
    "Told",
    "advice_for",
    "affected",
    "change_recalls",
    "create_recalls",
    "draft",
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
    "resolve",
    "told",
]
