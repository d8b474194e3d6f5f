"""Records of an authority about a place or a party: written once under their ref, replaced by later ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.domain.errors import Conflict, Forbidden
from app.domain.inspections import Inspection, check, inspection_id
from app.domain.rights import Principal, Role, owns_party, owns_site
from app.enrolling.forms import unknown
from app.store import inspections as store
from app.store import master
from app.store.writer import Transaction, decided


@dataclass(frozen=True, slots=True)
class RecordInspection:
    """`form`: every field that the authority fills in, `site_id` or `party_id` None."""

    principal: Principal
    ref: str
    form: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """`created` is False where the same was sent before."""

    row: Inspection
    created: bool


def record_inspections(
    transaction: Transaction, commands: Sequence[RecordInspection]
) -> Sequence[Recorded | Exception]:
    """Job: an authority records what it found, in its region. Raises Forbidden, Invalid, Conflict ref-reused where the
    ref was used for another record, already-replaced."""
    connection = transaction.connection
    keys = {id(command): inspection_id(command.principal.recorder_id, command.ref) for command in commands}
    known = store.find(connection, {*keys.values(), *(_named(commands, "replaces"))})
    replaced = store.replacements(connection, _named(commands, "replaces"))
    sites = master.sites(connection, _named(commands, "site_id"))
    markets = master.markets(connection, sites.values())
    parties = master.parties(connection, {*_named(commands, "party_id"), *(site.party_id for site in sites.values())})
    latest = (transaction.now + timedelta(hours=14)).date()  # in the time zone that is furthest ahead
    new: list[Inspection] = []

    def decide(command: RecordInspection) -> Recorded:
        principal, form, key = command.principal, command.form, keys[id(command)]
        if principal.role not in (Role.REGULATOR, Role.ADMIN):
            raise Forbidden(
                "forbidden", "监管记录由监管部门登记 · Such records are for the regulator to make: use its key"
            )
        check(form, latest)
        party_id, region = _subject(principal, form)
        row = Inspection(
            **{**form, "party_id": party_id},
            id=key,
            region=region,
            recorder_id=principal.recorder_id,
            record_time=transaction.now,
        )
        before = known.get(key)
        if before is not None:
            same = replace(row, party_id=before.party_id, region=before.region, record_time=before.record_time)
            if before != same:
                raise Conflict(
                    "ref-reused",
                    "该 ref 已用于另一条记录，请换一个 · This ref names another record: choose another",
                    pointer="/ref",
                )
            return Recorded(before, created=False)
        if row.replaces is not None:
            _require_replaceable(principal, row)
            replaced[row.replaces] = key
        known[key] = row
        new.append(row)
        transaction.touched |= {inspected_name(subject) for subject in (row.site_id, row.party_id) if subject}
        return Recorded(row, created=True)

    def _subject(principal: Principal, form: Mapping[str, Any]) -> tuple[UUID, str | None]:
        """Whose it is, and the region that it lies in."""
        if form["site_id"] is not None:
            site = sites.get(form["site_id"])
            if site is None or not owns_site(principal, site, markets[site.id]):
                raise unknown("场所", "site", "/site_id")
            return site.party_id, site.region or parties[site.party_id].region
        party = parties.get(form["party_id"])
        if party is None or not owns_party(principal, party, ()):
            raise unknown("主体", "party", "/party_id")
        return party.id, party.region

    def _require_replaceable(principal: Principal, row: Inspection) -> None:
        assert row.replaces is not None
        old = known.get(row.replaces)
        own = old is not None and (old.recorder_id == principal.recorder_id or principal.role is Role.ADMIN)
        same_subject = old is not None and (old.site_id, old.site_id or old.party_id) == (
            row.site_id,
            row.site_id or row.party_id,
        )
        if not own or not same_subject:
            raise unknown("监管记录", "inspection", "/replaces")
        if row.replaces in replaced:
            raise Conflict(
                "already-replaced",
                "这条记录已被更正，请更正最新的一条 · This record was replaced before: replace the latest one",
                pointer="/replaces",
            )

    results = decided(commands, decide)
    store.add(connection, new)
    return results


def _named(commands: Sequence[RecordInspection], field: str) -> set[UUID]:
    return {command.form[field] for command in commands if command.form[field] is not None}


def inspected_name(subject: UUID) -> str:
    """What the change feed calls the records about a site or a party."""
    return f"inspected:{subject.hex}"
