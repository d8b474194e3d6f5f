"""Roles: whose site is whose, who enrols whom, and under what name events are recorded."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from app.domain.rights import (
    AUTHORITY,
    ENROLS,
    RECORDS,
    Principal,
    Role,
    judges,
    lifts_lock,
    manages_key,
    manages_party,
    owns_party,
    owns_site,
    region_prefix,
    takes_in,
)
from app.domain.rows import Party, Site

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SPACE = UUID(int=0)


def named(name: str) -> UUID:
    return uuid5(_SPACE, name)


def site(name: str, party: str, *above: str, region: str | None = "330106") -> Site:
    path = "".join(f"{named(each).hex}/" for each in (*above, name))
    return Site(
        named(name), "S", named(party), name, "stall", named(above[-1]) if above else None, path, region, None, None,
        "Asia/Shanghai", [], None, "active", None, None, 1, NOW, NOW,
    )  # fmt: skip


MARKET = site("market", "operator")
STALL = site("stall", "seller", "market")


def principal(role: Role, party: str | None = None, **fields: object) -> Principal:
    said = {"region": None, "device_id": None, "site_id": None} | fields
    return Principal(named("key"), role, named(party) if party else None, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "own"),
    [
        (principal(Role.ADMIN), True),
        (principal(Role.REGULATOR, region="3301"), True),
        (principal(Role.REGULATOR, region="330106"), True),
        (principal(Role.REGULATOR, region="3302"), False),
        (principal(Role.REGULATOR), False),
        (principal(Role.VENDOR, "seller"), True),
        (principal(Role.PRODUCER, "seller"), True),
        (principal(Role.VENDOR, "operator"), False),
        (principal(Role.MARKET, "operator"), True),
        (principal(Role.MARKET, "seller"), True),
        (principal(Role.MARKET, "other"), False),
        (principal(Role.LAB, "seller"), False),
        (principal(Role.DEVICE, site_id=STALL.id), True),
        (principal(Role.DEVICE, site_id=MARKET.id), True),
        (principal(Role.DEVICE, site_id=named("other")), False),
        (principal(Role.DEVICE), False),
    ],
)
def test_whose_site_it_is(who: Principal, own: bool) -> None:
    assert owns_site(who, STALL, MARKET) is own


def test_a_site_without_region_is_no_regulators() -> None:
    bare = site("stall", "seller", "market", region=None)
    assert not owns_site(principal(Role.REGULATOR, region="33"), bare, None)
    assert not owns_site(principal(Role.MARKET, "operator"), bare, None)


def party(name: str, region: str | None = "330106", enrolled_by: str | None = None) -> Party:
    by = named(enrolled_by) if enrolled_by else None
    return Party(
        named(name), "P", name, "vendor", region, None, [], None, [], "active", None, [], by, 1, NOW, NOW
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "own"),
    [
        (principal(Role.ADMIN), True),
        (principal(Role.REGULATOR, region="33"), True),
        (principal(Role.REGULATOR, region="32"), False),
        (principal(Role.VENDOR, "seller"), True),
        (principal(Role.LAB, "seller"), True),
        (principal(Role.VENDOR, "other"), False),
        (principal(Role.MARKET, "operator"), True),
        (principal(Role.MARKET, "registrar"), True),
        (principal(Role.MARKET, "other"), False),
        (principal(Role.DEVICE, site_id=STALL.id), False),
    ],
)
def test_whose_party_it_is(who: Principal, own: bool) -> None:
    assert owns_party(who, party("seller", enrolled_by="registrar"), {named("operator")}) is own


def test_who_an_event_is_recorded_by() -> None:
    device = principal(Role.DEVICE, device_id=named("scale"))
    assert device.recorder_id == named("scale")
    assert principal(Role.VENDOR, "seller").recorder_id == named("seller")
    # An office is one recorder, whichever of its keys speaks.
    office = principal(Role.REGULATOR, region="3301")
    assert office.recorder_id == Principal(named("b"), Role.REGULATOR, None, "3301", None, None).recorder_id
    assert office.recorder_id != principal(Role.REGULATOR, region="3302").recorder_id
    assert office.recorder_id != principal(Role.ADMIN).recorder_id


def test_every_role_stands_in_every_table() -> None:
    assert set(RECORDS) == set(AUTHORITY) == set(ENROLS) == set(Role)
    assert AUTHORITY[Role.REGULATOR] > AUTHORITY[Role.MARKET] == AUTHORITY[Role.LAB] > AUTHORITY[Role.VENDOR]
    assert {role for role, kinds in RECORDS.items() if "correct" not in kinds} == {Role.AUDITOR}, "it records nothing"


@pytest.mark.parametrize(
    ("region", "prefix"),
    [("330106", "330106"), ("330100", "3301"), ("330000", "33"), ("3301", "3301"), ("33", "33"), ("100000", "10")],
)
def test_a_region_covers_what_lies_in_it(region: str, prefix: str) -> None:
    assert region_prefix(region) == prefix


def test_a_market_gives_stalls_to_those_who_stand_nowhere() -> None:
    operator = principal(Role.MARKET, "operator")
    assert takes_in(operator, party("seller", enrolled_by="operator"), set())
    assert takes_in(operator, party("seller", enrolled_by="operator"), {named("operator"), named("another market")})
    assert takes_in(operator, party("seller"), {named("operator")})
    assert takes_in(operator, party("operator"), {named("another market")})
    assert not takes_in(operator, party("seller", enrolled_by="operator"), {named("another market")})
    assert not takes_in(operator, party("seller", enrolled_by="another market"), set())
    assert not takes_in(operator, party("seller"), set())
    assert not takes_in(principal(Role.VENDOR, "seller's neighbour"), party("seller"), set())
    assert takes_in(principal(Role.ADMIN), party("seller"), {named("another market")})


@pytest.mark.parametrize(
    ("office", "kind", "region", "taken"),
    [
        (principal(Role.ADMIN), "vendor", "330106", True),
        (principal(Role.ADMIN), "vendor", None, True),
        (principal(Role.REGULATOR, region="3301"), "vendor", "330106", True),
        (principal(Role.REGULATOR, region="330106"), "vendor", "330106", True),
        (principal(Role.REGULATOR, region="33"), "vendor", "330100", True),
        (principal(Role.REGULATOR, region="3302"), "vendor", "330106", False),
        (principal(Role.ADMIN), "producer", "330106", False),
        (principal(Role.ADMIN), "wholesaler", "330106", False),
    ],
)
def test_a_market_takes_in_the_vendors_that_an_office_enrolled(
    office: Principal, kind: str, region: str | None, taken: bool
) -> None:
    newcomer = replace(party("seller", region=region), kind=kind, enrolled_by=office.recorder_id)
    assert takes_in(principal(Role.MARKET, "operator"), newcomer, set()) is taken


@pytest.mark.parametrize(
    ("who", "enrolled_by", "markets", "managed"),
    [
        (principal(Role.MARKET, "operator"), None, {"operator"}, True),
        (principal(Role.MARKET, "operator"), None, {"operator", "another market"}, False),
        (principal(Role.MARKET, "operator"), None, {"operator", "seller"}, False),
        (principal(Role.MARKET, "operator"), "operator", {"another market"}, False),
        (principal(Role.MARKET, "operator"), "operator", set(), True),
        (principal(Role.MARKET, "operator"), "another market", set(), False),
        (principal(Role.MARKET, "seller"), None, {"operator", "another market"}, True),
        (principal(Role.VENDOR, "seller"), None, {"operator", "another market"}, True),
        (principal(Role.REGULATOR, region="33"), None, {"operator", "another market"}, True),
        (principal(Role.ADMIN), None, {"operator", "another market"}, True),
    ],
)
def test_who_manages_a_party(who: Principal, enrolled_by: str | None, markets: set[str], managed: bool) -> None:
    assert manages_party(who, party("seller", enrolled_by=enrolled_by), {*map(named, markets)}) is managed


def test_a_key_manages_none_above_its_own() -> None:
    assert manages_key(Role.VENDOR, Role.PRODUCER)
    assert manages_key(Role.MARKET, Role.VENDOR)
    assert manages_key(Role.MARKET, Role.MARKET)
    assert not manages_key(Role.VENDOR, Role.MARKET)
    assert not manages_key(Role.PRODUCER, Role.LAB)


@pytest.mark.parametrize(
    ("who", "holders", "lifted"),
    [
        (principal(Role.ADMIN), [principal(Role.ADMIN), principal(Role.REGULATOR, region="33")], True),
        (principal(Role.REGULATOR, region="3301"), [principal(Role.REGULATOR, region="33")], True),
        (principal(Role.REGULATOR, region="3301"), [principal(Role.MARKET, "operator")], True),
        (principal(Role.REGULATOR, region="3301"), [principal(Role.ADMIN)], False),
        (principal(Role.MARKET, "operator"), [principal(Role.MARKET, "operator")], True),
        (principal(Role.MARKET, "operator"), [principal(Role.VENDOR, "seller")], True),
        (principal(Role.MARKET, "operator"), [principal(Role.MARKET, "another market")], False),
        (principal(Role.MARKET, "operator"), [principal(Role.REGULATOR, region="33")], False),
        (principal(Role.VENDOR, "seller"), [principal(Role.VENDOR, "seller")], True),
        (principal(Role.VENDOR, "seller"), [principal(Role.MARKET, "operator")], False),
    ],
)
def test_who_lifts_whose_lock(who: Principal, holders: list[Principal], lifted: bool) -> None:
    assert lifts_lock(who, {holder.recorder_id for holder in holders}, named("seller")) is lifted


def test_a_seller_that_runs_a_market_lifts_nothing_with_its_seller_s_key() -> None:
    seller = principal(Role.VENDOR, "seller")
    assert not lifts_lock(seller, {seller.recorder_id}, named("seller"), runs_market=True)
    market = principal(Role.MARKET, "seller")
    assert lifts_lock(market, {market.recorder_id}, named("seller"), runs_market=True)


def test_who_sets_the_status_of_a_party() -> None:
    assert judges(principal(Role.ADMIN), named("seller"))
    assert judges(principal(Role.REGULATOR, region="33"), named("seller"))
    assert judges(principal(Role.MARKET, "operator"), named("seller"))
    assert not judges(principal(Role.MARKET, "operator"), named("operator"))
    assert not judges(principal(Role.VENDOR, "seller"), named("seller"))
