"""Sites (场所): enrol, change, read; the admission rules of a market."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain import codes, masters
from app.domain.codes import CodeKind
from app.domain.errors import Invalid
from app.domain.rights import Principal, Role, owns_site, takes_in
from app.domain.rows import Party, Site
from app.enrolling.forms import (
    Change,
    Desk,
    Enrol,
    Enrolled,
    enrol_anew,
    forbidden,
    histories,
    named,
    require_enrols,
    unknown,
)
from app.enrolling.locks import LOCK, Locks
from app.store import listing, master
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided

DEEPEST = 8  # a counter in a stall in a hall in a market …


def enrol_sites(transaction: Transaction, commands: Sequence[Enrol]) -> Sequence[Enrolled[Site] | Exception]:
    """Job: each form enrols a site, finds it enrolled already, or is refused."""
    connection = transaction.connection
    asked = named("site", commands)
    names = [key for _, key in asked]
    parents = [c.form["parent_site_id"] for c in commands if c.form["parent_site_id"] is not None]
    known = master.sites(connection, [*names, *parents])
    roots = master.sites(connection, master.roots_of(known.values()))
    parties = master.parties(connection, [command.form["party_id"] for command in commands])
    standing = master.markets_of_parties(connection, parties)
    desk = Desk(transaction)

    def decide(asked: tuple[Enrol, UUID]) -> Enrolled[Site]:
        command, key = asked
        form = command.form
        require_enrols(command.principal, "site")
        masters.check_site(form)
        party = parties.get(form["party_id"])
        if party is None:
            raise unknown("主体", "party", "/party_id")
        parent = known.get(form["parent_site_id"]) if form["parent_site_id"] is not None else None
        if form["parent_site_id"] is not None and parent is None:
            raise unknown("场所", "site", "/parent_site_id")
        _may_enrol(command.principal, party, parent, roots, standing.get(party.id, set()))
        there = known.get(key)
        if there is not None:
            return Enrolled(there, created=False)
        if parent is not None and parent.path.count("/") >= DEEPEST:
            raise Invalid(
                "too-deep", f"场所层级超过 {DEEPEST} 层 · Sites nest {DEEPEST} deep at most", pointer="/parent_site_id"
            )
        row = Site(
            id=key,
            code=codes.mint(CodeKind.SITE),
            **_completed(form, party, parent),
            path=f"{parent.path if parent else ''}{key.hex}/",
            admission_rules=None,
            status=command.status or "active",
            status_reason=command.status_reason,
            uri=None,
            version=1,
            valid_from=transaction.now,
            record_time=transaction.now,
        )
        desk.enrol(row, command.principal.recorder_id)
        if parent is not None:
            transaction.touched.add(parent.id.hex)  # what was made of all that lies below it knows of one less
        known[key] = row
        return Enrolled(row, created=True)

    results = decided(asked, decide)
    desk.write()
    return results


def _completed(form: Mapping[str, Any], party: Party, parent: Site | None) -> dict[str, Any]:
    """What a form leaves out is what its surroundings say."""
    return {
        **form,
        "region": form["region"] or (parent.region if parent else None) or party.region,
        "time_zone": form["time_zone"] or (parent.time_zone if parent else masters.DEFAULT_ZONE),
    }


def _root(site: Site, roots: Mapping[UUID, Site]) -> Site:
    return roots[UUID(hex=site.path[:32])]


def _may_enrol(
    principal: Principal, party: Party, parent: Site | None, roots: Mapping[UUID, Site], standing: set[UUID]
) -> None:
    own = principal.role is Role.ADMIN or principal.party_id == party.id
    if parent is None:
        allowed = own
    elif owns_site(principal, parent, _root(parent, roots)):
        # A market enrols stalls for its vendors; a vendor, below its own sites, only what is its own.
        allowed = own or (principal.role is Role.MARKET and takes_in(principal, party, standing))
    else:
        allowed = False
    if not allowed:
        raise forbidden(
            "只能为自己或本市场的主体、在自己的场所或市场内登记，请由其市场、主体或管理员登记 · "
            "Not a site or not a party of yours: let its party, its market or the operator enrol it"
        )


def change_sites(transaction: Transaction, commands: Sequence[Change]) -> Sequence[Site | Exception]:
    """Job: changes sites, each change a new version. A stall changes hands by its `party_id`."""
    connection = transaction.connection
    known = histories(transaction, Site, [command.subject_id for command in commands])
    markets = master.markets(connection, [history[-1] for history in known.values()])
    parties = master.parties(connection, [c.changes["party_id"] for c in commands if "party_id" in c.changes])
    standing = master.markets_of_parties(connection, parties)
    desk = Desk(transaction)
    locks = Locks(desk, known)

    def decide(command: Change) -> Site:
        history = known.get(command.subject_id)
        if history is None or not owns_site(command.principal, history[-1], markets[command.subject_id]):
            raise unknown("场所", "site")
        current = history[-1]
        changes = dict(command.changes)
        _may_change(command.principal, current, markets[current.id], changes)
        masters.check_site(changes)
        if changes.pop("parent_site_id", current.parent_site_id) != current.parent_site_id:
            raise enrol_anew("/parent_site_id")
        if "party_id" in changes and changes["party_id"] not in parties:
            raise unknown("主体", "party", "/party_id")
        taker = parties.get(changes.get("party_id", current.party_id))
        if taker is not None and taker.id != current.party_id:
            _may_take_over(command.principal, taker, standing.get(taker.id, set()))
        if changes.get("status", current.status) != current.status:
            changes.setdefault("status_reason", None)
        row = locks.change(history, changes, command)
        if row.party_id != current.party_id:
            transaction.touched |= {row.party_id.hex, current.party_id.hex}
        return row

    results = decided(commands, decide)
    desk.write()
    return results


def _may_take_over(principal: Principal, taker: Party, standing: set[UUID]) -> None:
    if not takes_in(principal, taker, standing):
        raise forbidden(
            "该主体不属于本市场，请由管理员变更 · "
            "That party is not this market's: ask the operator to hand the site over"
        )


_MARKETS_OWN = LOCK | {"party_id", "admission_rules"}


def _may_change(principal: Principal, site: Site, market: Site, changes: Mapping[str, Any]) -> None:
    match principal.role:
        case Role.ADMIN:
            return
        case Role.REGULATOR:
            refused = set(changes) - LOCK
        case Role.MARKET if principal.party_id == market.party_id:
            # Its own market's status is the operator's and the regulator's to set.
            refused = set(changes) & LOCK if site.id == market.id else set()
        case Role.VENDOR | Role.PRODUCER | Role.MARKET:
            refused = set(changes) & _MARKETS_OWN
        case Role.DEVICE | Role.LAB | Role.AUDITOR:
            refused = set(changes)
    if changes.get("region", site.region) != site.region:
        refused |= {"region"}  # nobody leaves its regulator by itself
    if refused:
        names = ", ".join(sorted(refused))
        raise forbidden(
            f"此密钥不能更改 {names}，请由市场、监管部门或管理员更改 · "
            f"This key does not change {names}: ask the market, the regulator or the operator"
        )


def find_site(snapshot: Snapshot, principal: Principal, site_id: UUID, at: datetime | None = None) -> Site:
    """The site as it is, or was at an instant. Raises NotFound for one that is not the reader's."""
    site = master.sites(snapshot, [site_id]).get(site_id)
    if site is None or not owns_site(principal, site, master.markets(snapshot, [site])[site_id]):
        raise unknown("场所", "site")
    if at is None:
        return site
    was = master.versions_at(snapshot, [(site_id, at)]).get((site_id, at), site)
    assert isinstance(was, Site)
    return was


def list_sites(snapshot: Snapshot, principal: Principal, after: listing.Place | None, limit: int) -> list[Site]:
    return listing.sites(snapshot, principal, after, limit)
