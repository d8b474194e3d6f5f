"""What a key must not be able to take: parties, devices and papers of others."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast


@pytest.fixture
def rival(cast: Cast) -> Actor:
    return cast.enrol("market", "城东农贸市场", "market", "market", region="330105")


@pytest.mark.parametrize("victim", ["farm", "market", "lab", "stall"])
def test_a_market_gets_no_hold_of_a_party_by_giving_it_a_stall(cast: Cast, rival: Actor, victim: str) -> None:
    other: Actor = getattr(cast, victim)
    place = {"party_id": other.party["id"], "name": "空摊", "kind": "stall", "parent_site_id": rival.site["id"]}
    assert rival.post("/sites", place).status_code == 403
    own = rival.made("/sites", {**place, "party_id": rival.party["id"]})
    assert rival.patch(f"/sites/{own['id']}", {"party_id": other.party["id"]}).status_code == 403
    assert rival.get(f"/parties/{other.party['id']}").status_code == 404
    assert rival.patch(f"/parties/{other.party['id']}", {"status": "locked"}).status_code == 404
    key = rival.post("/keys", {"role": "vendor", "party_id": other.party["id"]})
    assert key.status_code == 403


def test_a_market_takes_in_its_own_and_who_stands_nowhere(cast: Cast, rival: Actor) -> None:
    def stall(party: dict[str, Any], name: str) -> dict[str, Any]:
        return {"party_id": party["id"], "name": name, "kind": "stall", "parent_site_id": rival.site["id"]}

    enrolled = rival.made("/parties", {"name": "三号摊经营户", "kind": "vendor"})
    newcomer = cast.admin.made("/parties", {"name": "四号摊经营户", "kind": "vendor"})
    first = rival.made("/sites", stall(enrolled, "三号摊"))
    rival.made("/sites", stall(newcomer, "四号摊"))
    assert rival.patch(f"/sites/{first['id']}", {"party_id": newcomer["id"]}).json()["party_id"] == newcomer["id"]
    # The operator puts anybody anywhere.
    assert cast.admin.post("/sites", stall(cast.stall.party, "五号摊")).status_code == 201


def test_the_lock_of_a_scale_is_not_its_seller_s_to_lift(cast: Cast) -> None:
    scale = cast.scale(cast.stall)
    path = f"/devices/{scale.activation['device_id']}"
    assert cast.regulator.patch(path, {"status": "locked"}).status_code == 200
    assert cast.stall.patch(path, {"status": "active"}).status_code == 403
    assert scale.get("/events").status_code == 403
    assert cast.regulator.patch(path, {"status": "active"}).json()["status"] == "active"
    assert cast.stall.patch(path, {"status": "locked"}).json()["status"] == "locked"
