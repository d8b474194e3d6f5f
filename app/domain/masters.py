"""Rules of master data: what a party, site or product may say of itself, what names a form, how history grows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain import identifiers, ids
from app.domain.errors import Invalid
from app.domain.identifiers import Finding
from app.domain.rows import Device, Party, Product, Site

PartyKind = Literal[
    "producer",
    "slaughterhouse",
    "processor",
    "wholesaler",
    "market",
    "vendor",
    "caterer",
    "carrier",
    "laboratory",
]
SiteKind = Literal["farm", "plant", "warehouse", "wholesale", "market", "stall", "shop", "canteen", "machine"]
DeviceKind = Literal["scale", "handheld", "kiosk", "instrument"]
Status = Literal["pending", "active", "locked"]
PARTY_KINDS: tuple[str, ...] = get_args(PartyKind)
SITE_KINDS: tuple[str, ...] = get_args(SiteKind)

DEFAULT_ZONE = "Asia/Shanghai"

M = TypeVar("M", Party, Site, Product, Device)


CAPTURED = "epcis"
"""The scheme of the external code of what captured documents name: its URI."""


def captured(row: Party | Site | Product) -> bool:
    """Whether captured documents named it, and nobody enrolled it."""
    return any(code["scheme"] == CAPTURED for code in row.external_codes)


def same_product(one: Product, other: Product) -> bool:
    """Whether two rows are one product: a GTIN names one product, whoever enrolled it. An in-store number does not."""
    if one.id == other.id:
        return True
    known = gtin14(one)
    return known is not None and known == gtin14(other)


def gtin14(product: Product) -> str | None:
    """The GTIN that names the product everywhere, as 14 digits; None for none, one in error or of a store's own."""
    return None if product.gtin is None or identifiers.check_gtin(product.gtin) else product.gtin.zfill(14)


def form_id(kind: str, recorder: UUID, form: Mapping[str, Any]) -> UUID:
    """The id of what a form enrols: the same form from the same office is the same row. A firm is one party under its
    统一社会信用代码, whoever enrols it."""
    if kind == "party" and form["credit_code"] is not None:
        return ids.firm_id(form["credit_code"])
    content = json.dumps(form, ensure_ascii=False, sort_keys=True, default=str)
    return ids.enrolled_id(recorder, f"{kind}\n{content}")


def check_party(form: Mapping[str, Any], *, strict: bool) -> list[dict[str, str]]:
    """The warnings of a party's numbers, each {slug, pointer, detail}; looks at the fields given. Raises Invalid."""
    found: list[tuple[str, Finding]] = []
    if form.get("region") is not None:
        found += [("/region", finding) for finding in identifiers.check_region(form["region"])]
    if form.get("credit_code") is not None:
        found += [("/credit_code", f) for f in identifiers.check_credit_code(form["credit_code"], strict)]
    for i, licence in enumerate(form.get("licences") or ()):
        listed = identifiers.check_licence(licence["scheme"], licence["number"], strict)
        found += [(f"/licences/{i}/number", finding) for finding in listed]
    return _warnings(found)


def check_site(form: Mapping[str, Any]) -> None:
    """Looks at the fields given. Raises Invalid."""
    found: list[tuple[str, Finding]] = []
    if form.get("region") is not None:
        found += [("/region", finding) for finding in identifiers.check_region(form["region"])]
    if form.get("gln") is not None:
        found += [("/gln", finding) for finding in identifiers.check_gln(form["gln"])]
    if form.get("time_zone") is not None and not _is_zone(form["time_zone"]):
        found.append(
            (
                "/time_zone",
                Finding(
                    "time-zone",
                    "error",
                    f"没有时区 {form['time_zone']}，应如 Asia/Shanghai",
                    f"there is no time zone {form['time_zone']}: write it as Asia/Shanghai",
                ),
            )
        )
    _warnings(found)


def check_product(form: Mapping[str, Any]) -> None:
    """Looks at the fields given. Raises Invalid."""
    if form.get("gtin") is not None:
        _warnings([("/gtin", finding) for finding in identifiers.check_gtin(form["gtin"])])


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def _warnings(found: Sequence[tuple[str, Finding]]) -> list[dict[str, str]]:
    told = [
        {"slug": finding.slug, "pointer": pointer, "detail": f"{finding.detail_zh} · {finding.detail_en}"}
        for pointer, finding in found
    ]
    errors = [said for said, (_, finding) in zip(told, found, strict=True) if finding.severity == "error"]
    if errors:
        raise Invalid(
            errors[0]["slug"], errors[0]["detail"], errors=[(error["pointer"], error["detail"]) for error in errors]
        )
    return told


def timeline(history: Sequence[M]) -> list[M]:
    """Of all versions in the order in which they were written, those that hold at some time, by time: a later written
    one stands before all earlier written ones from its own valid_from on."""
    kept: list[M] = []
    for row in reversed(history):
        if not kept or row.valid_from < kept[-1].valid_from:
            kept.append(row)
    return kept[::-1]


def amended(history: Sequence[M], changes: Mapping[str, Any], valid_from: datetime) -> list[M]:
    """The versions that a change from `valid_from` on adds to the history; the last is the row as it is now.

    A back-dated change is written through to every later version, up to the one that changed the same field itself.
    """
    line = timeline(history)
    base = ([row for row in line if row.valid_from <= valid_from] or history[:1])[-1]
    number = history[-1].version + 1
    added = [_next(base, changes, number, valid_from)]
    previous, left = base, dict(changes)
    for row in line:
        if row.valid_from > valid_from:
            left = {name: value for name, value in left.items() if getattr(row, name) == getattr(previous, name)}
            added.append(_next(row, left, number + len(added), row.valid_from))
            previous = row
    return added


def _next(row: M, changes: Mapping[str, Any], version: int, valid_from: datetime) -> M:
    return replace(row, **changes, version=version, valid_from=valid_from)
