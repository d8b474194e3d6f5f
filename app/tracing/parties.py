"""The parties that captured events name as owners and possessors of goods, beside those of ours with the same GLN. A
name and a link, and no right (docs/decisions/0060)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.domain.epcis.book import CAPTURED, last_part
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.vocabulary import bare_word
from app.domain.rows import Party
from app.store import chain, links
from app.store.engine import Snapshot
from app.store.raw import Row
from app.tracing.answer import NamedParty, Place
from app.tracing.sight import Sight
from app.tracing.texts import Ids

_SIDES = ("source", "destination")
_ROLES = ("owning_party", "possessing_party")


def named_parties(
    snapshot: Snapshot, happened: Iterable[Row], touches: Iterable[Row], sight: Sight, ids: Ids
) -> list[NamedParty]:
    """Of the captured events that the reader sees in full. `happened` as chain.EVENT, `touches` as chain.TOUCH."""
    visible = {event for custody, event in touches if custody in sight.full}
    captured = [row[0] for row in happened if row[2].startswith(CAPTURED) and row[0] in visible]
    said = {
        (key, *each) for key, body in chain.sided(snapshot, captured) for each in _sides(body)
    }  # an event may say one thing twice
    known = links.enrolled_parties(snapshot, {uri for _, _, _, uri in said})
    return [
        NamedParty(ids[key], side, role, uri, name_of(known.get(uri), uri))
        for key, side, role, uri in sorted(said)
    ]  # fmt: skip


def name_of(party: Party | None, uri: str) -> Place:
    """The party of ours, else what the URI ends in."""
    if party is None:
        return Place(None, last_part(uri) or uri, "other", None)
    return Place(party.code, party.name, party.kind, party.region)


def _sides(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for side in _SIDES:
        listed = body.get(f"{side}List")
        for entry in listed if isinstance(listed, list) else ():
            role = bare_word("SDT", str(entry.get("type", ""))) if isinstance(entry, dict) else ""
            if role in _ROLES and isinstance(entry.get(side), str):
                yield side, role, canonical_uri(entry[side])
