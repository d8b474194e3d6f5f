"""What came of telling by webhook, written on the notice in the transaction that notes the delivery."""

import json
from collections.abc import Sequence
from uuid import UUID

from app.domain.webhooks import Delivery
from app.recalling.answers import Told, note_told
from app.recalling.telling import EVENT
from app.store.writer import Transaction


def note_deliveries(transaction: Transaction, rows: Sequence[Delivery]) -> None:
    """Hears of deliveries that were made or given up."""
    commands = []
    for row in rows:
        data = json.loads(row.body)["data"]
        if row.topic.partition(".")[0] == EVENT and data["notice_id"] is not None:
            recall, party = UUID(data["recall_id"]), UUID(data["party_id"])
            commands.append(Told(recall, party, "webhook", None, row.state == "sent", row.last_error))
    note_told(transaction, commands)
