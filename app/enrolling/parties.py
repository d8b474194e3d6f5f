"""Parties (经营主体): enrol, change, read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.domain import codes, masters
from app.domain.codes import CodeKind
from app.domain.errors import Conflict, Forbidden
from app.domain.rights import Principal, Role, judges, manages_party, owns_party
from app.domain.rows import Party
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


def enrol_parties(transaction: Transaction, commands: Sequence[Enrol]) -> Sequence[Enrolled[Party] | Exception]:
    """Job: each form enrols a party, finds it enrolled already, or is refused."""
    asked = named("party", commands)
    names = [key for _, key in asked]
    known = master.parties(transaction.connection, names)
    firms = master.parties_by_credit_code(
        transaction.connection, [c.form["credit_code"] for c in commands if c.form["credit_code"] is not None]
    )
    first = master.first_versions(transaction.connection, [*known, *(party.id for party in firms.values())])
    desk = Desk(transaction)

    def decide(asked: tuple[Enrol, UUID]) -> Enrolled[Party]:
        command, key = asked
        require_enrols(command.principal, "party")
        warnings = masters.check_party(command.form, strict=command.strict)
        there = firms.get(command.form["credit_code"] or "") or known.get(key)
        if there is not None:
            enrolled = first.get(there.id, there)
            if any(getattr(enrolled, name) != value for name, value in command.form.items()):
                raise _other_content(there)
            return Enrolled(there, created=False)
        if command.principal.role is Role.REGULATOR and not owns_region(command.principal, command.form["region"]):
            raise forbidden("只能登记本辖区的主体 · Enrol parties of your own region")
        if command.status == "active" and _unconfirmed(command.principal, command.form["credit_code"], ()):
            raise _to_be_confirmed()
        row = Party(
            id=key,
            code=codes.mint(CodeKind.PARTY),
            **command.form,
            status=command.status or "pending",
            status_reason=command.status_reason,
            warnings=warnings,
            enrolled_by=command.principal.recorder_id,
            version=1,
            valid_from=transaction.now,
            record_time=transaction.now,
        )
        desk.enrol(row, command.principal.recorder_id)
        known[key] = row
        if row.credit_code is not None:
            firms[row.credit_code] = row
        return Enrolled(row, created=True)

    results = decided(asked, decide)
    desk.write()
    return results


def owns_region(principal: Principal, region: str | None) -> bool:
    return principal.region is not None and (region or "").startswith(principal.region)


def _other_content(there: Party) -> Conflict:
    return Conflict(
        "party-exists",
        f"统一社会信用代码 {there.credit_code} 已由主体 {there.id}（{there.code}）登记，内容不同；请修改该主体，"
        "若不归您管理，请管理员或监管部门核对登记 · "
        f"Credit code {there.credit_code} is party {there.id} ({there.code}), enrolled with other content: change it, "
        "or where it is not yours, ask the operator or the regulator to check the registration",
        pointer="/credit_code",
        identity=str(there.id),
    )


def change_parties(transaction: Transaction, commands: Sequence[Change]) -> Sequence[Party | Exception]:
    """Job: changes parties, each change a new version."""
    connection = transaction.connection
    known = histories(transaction, Party, [command.subject_id for command in commands])
    markets = master.markets_of_parties(connection, known)
    firms = master.parties_by_credit_code(
        connection, [c.changes["credit_code"] for c in commands if c.changes.get("credit_code") is not None]
    )
    desk = Desk(transaction)
    locks = Locks(desk, known)

    def decide(command: Change) -> Party:
        history = known.get(command.subject_id)
        current = history[-1] if history else None
        if history is None or current is None or not owns_party(command.principal, current, markets[current.id]):
            raise unknown("主体", "party")
        changes = dict(command.changes)
        _may_change(command.principal, history, markets[current.id], changes)
        if changes.get("kind", current.kind) != current.kind:
            raise enrol_anew("/kind")
        warnings = masters.check_party(changes, strict=command.strict)
        if changes.keys() & {"region", "credit_code", "licences"}:
            whole = {name: changes.get(name, getattr(current, name)) for name in ("region", "credit_code", "licences")}
            # Numbers that stand already were let in under the rule of their day.
            warnings = masters.check_party(whole, strict=False)
            changes["warnings"] = warnings
        holder = firms.get(changes.get("credit_code") or "")
        if holder is not None and holder.id != current.id:
            raise _other_content(holder)
        if "status" in changes and changes["status"] != current.status:
            changes.setdefault("status_reason", None)
        row = locks.change(history, changes, command)
        if row.credit_code is not None:
            firms[row.credit_code] = row
        return row

    results = decided(commands, decide)
    desk.write()
    return results


def _may_change(
    principal: Principal, history: Sequence[Party], markets: set[UUID], changes: Mapping[str, object]
) -> None:
    party = history[-1]
    if not manages_party(principal, party, markets):
        raise forbidden(
            "该主体在别处也有场所，由其自己和管理员更改；市场可锁定其在本市场的摊位 · "
            "It stands elsewhere too: itself and the operator change it; lock the stall that it has with you"
        )
    if changes.keys() & LOCK and not judges(principal, party.id):
        raise forbidden(
            "状态由市场、监管部门或管理员设定 · The status is set by the market, the regulator or the operator"
        )
    if principal.role is Role.REGULATOR and changes.keys() - LOCK:
        raise forbidden("监管密钥只能更改状态 · A regulator's key changes the status only")
    if principal.role is Role.ADMIN:
        return
    if changes.get("region", party.region) != party.region:
        raise forbidden("辖区由管理员变更 · The operator moves a party to another region: nobody leaves its regulator")
    if changes.get("credit_code", party.credit_code) != party.credit_code:
        raise forbidden("统一社会信用代码由管理员更改 · The operator changes the credit code: it says who this is")
    if changes.get("status") == "active" and _unconfirmed(principal, party.credit_code, history):
        raise _to_be_confirmed()


def _unconfirmed(principal: Principal, credit_code: str | None, history: Sequence[Party]) -> bool:
    """A firm under its credit code, as a market says: no office has seen its registration yet."""
    return (
        principal.role is Role.MARKET
        and credit_code is not None
        and not any(version.status == "active" for version in history)
    )


def _to_be_confirmed() -> Forbidden:
    return forbidden(
        "有统一社会信用代码的主体由监管部门或管理员核对登记后启用 · "
        "A party with a credit code is activated by the regulator or the operator, who check its registration"
    )


def find_party(snapshot: Snapshot, principal: Principal, party_id: UUID, at: datetime | None = None) -> Party:
    """The party as it is, or was at an instant. Raises NotFound for one that is not the reader's."""
    party = master.parties(snapshot, [party_id]).get(party_id)
    if party is None or not owns_party(
        principal, party, master.markets_of_parties(snapshot, [party_id]).get(party_id, set())
    ):
        raise unknown("主体", "party")
    if at is None:
        return party
    was = master.versions_at(snapshot, [(party_id, at)]).get((party_id, at), party)
    assert isinstance(was, Party)
    return was


def list_parties(snapshot: Snapshot, principal: Principal, after: listing.Place | None, limit: int) -> list[Party]:
    return listing.parties(snapshot, principal, after, limit)
