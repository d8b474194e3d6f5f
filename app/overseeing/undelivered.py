"""What a webhook was to be told and never was: somebody should tell its owner in another way."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from app.domain.alerts import raised
from app.domain.webhooks import Delivery
from app.overseeing.watching import HOME
from app.store import alerts as alert_store
from app.store import master
from app.store import webhooks as store
from app.store.writer import Transaction


def note_given_up(transaction: Transaction, rows: Sequence[Delivery]) -> None:
    """Hears of deliveries that were made or given up: an alert a webhook and day, at the first site of whose it is."""
    connection, now = transaction.connection, transaction.now
    dead = Counter(row.webhook_id for row in rows if row.state == "dead")
    hooks = [hook for hook in store.webhooks(connection, dead).values() if hook.status != "deleted"]
    owners = master.parties(connection, {hook.owner_id for hook in hooks})
    sites = {site.party_id: site for site in sorted(master.sites_of_parties(connection, owners), key=lambda s: s.code)}
    errors = {row.webhook_id: row.last_error or str(row.last_status or "") for row in rows if row.state == "dead"}
    found = []
    for hook in hooks:
        about = f"{urlsplit(hook.url).hostname}: {errors[hook.id]}"  # the rest of an address may be a secret
        party, site = owners.get(hook.owner_id), sites.get(hook.owner_id)
        found.append(
            raised(
                "webhook_given_up", hook.id, now.astimezone(HOME).date(), (about, about), event_time=now,
                record_time=now, party_id=party.id if party else None, site_id=site.id if site else None,
            )
        )  # fmt: skip
    known = alert_store.known(connection, [alert.id for alert in found])
    transaction.alerts += [alert for alert in found if alert.id not in known]
