"""Locks: who locked what is in its history, and nobody lifts a lock of a higher authority."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any, TypeVar
from uuid import UUID

from app.domain.errors import Forbidden
from app.domain.rights import Principal, Role, lifts_lock
from app.domain.rows import Device, Party, Site
from app.enrolling.forms import Change, Desk
from app.store import keys, master

L = TypeVar("L", Party, Site, Device)

LOCK = frozenset({"status", "status_reason"})


class Locks:
    """Changes rows through the desk, and keeps to whoever holds their locks."""

    def __init__(self, desk: Desk, subjects: Iterable[UUID]) -> None:
        self._desk = desk
        self._written = master.changers(desk.transaction.connection, subjects)

    def change(self, history: list[L], changes: Mapping[str, Any], command: Change, seller: UUID | None = None) -> L:
        """As Desk.change; `seller` is whose stall a device stands at. Raises Forbidden where it would lift or reword a
        lock that is not the principal's to lift."""
        current = history[-1]
        now, recorder = self._desk.transaction.now, command.principal.recorder_id
        written = self._written.setdefault(current.id, [(None, current.record_time)] * len(history))
        if current.status == "locked" and changes.keys() & LOCK:
            holders = _holders(history, written)
            if all(changes.get(name, value) == value for name, value in _said(current).items()):
                if recorder not in holders:
                    # Said again, it is its own lock as well: a version says so.
                    command = replace(command, valid_from=command.valid_from or now)
            elif not lifts_lock(command.principal, holders, seller, runs_market=self._runs_market(command.principal)):
                raise _higher()
        row = self._desk.change(history, changes, command)
        written += [(recorder, now)] * (len(history) - len(written))
        return row

    def _runs_market(self, principal: Principal) -> bool:
        party_id = principal.party_id
        return party_id is not None and keys.has_role(self._desk.transaction.connection, party_id, Role.MARKET)


def _said(row: Party | Site | Device) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LOCK if hasattr(row, name)}


def _holders(history: list[L], written: list[tuple[UUID | None, datetime]]) -> set[UUID | None]:
    """Who locked it, or said so again, since it was last open. A back-dated change is written as several versions: what
    counts is what the row was when each change was done with."""
    changes = [(by, [row for _, row in its][-1]) for (by, _), its in groupby(zip(written, history, strict=True), _by)]
    holders = {changes[0][0]} if changes[0][1].status == "locked" else set()
    for (_, before), (by, after) in pairwise(changes):
        if after.status != "locked":
            holders = set()
        elif _said(after) != _said(before) or _same(before, after):
            holders.add(by)
    return holders


def _by(entry: tuple[tuple[UUID | None, datetime], Any]) -> tuple[UUID | None, datetime]:
    return entry[0]


# What says nothing of a lock: when it was written, and how far a device's activation has come.
_ASIDE = {"version", "valid_from", "activation_hash", "activation_expires", "activation_tries", "epoch"}


def _same(before: L, after: L) -> bool:
    return all(
        getattr(before, field.name) == getattr(after, field.name)
        for field in fields(before)
        if field.name not in _ASIDE
    )


def _higher() -> Forbidden:
    return Forbidden(
        "higher-authority",
        "由上级或其他机构锁定，请联系其解锁 · locked by another or higher authority; ask it to unlock",
    )
