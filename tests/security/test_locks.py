"""Nobody lifts a lock of a higher authority, on whatever it lies."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast, ago

LOCK = {"status": "locked", "status_reason": "抽检不合格"}


def party(cast: Cast) -> str:
    return f"/parties/{cast.stall.party['id']}"


def stall(cast: Cast) -> str:
    return f"/sites/{cast.stall.site['id']}"


def scale(cast: Cast) -> str:
    return f"/devices/{cast.scale(cast.stall).activation['device_id']}"


def refused(answer: Any) -> None:
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/higher-authority")


def done(actor: Actor, path: str, **changes: Any) -> dict[str, Any]:
    answer = actor.patch(path, changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("thing", [party, stall, scale])
def test_from_below(cast: Cast, thing: Any) -> None:
    path = thing(cast)
    ladder = [cast.market, cast.regulator, cast.admin]
    for i, above in enumerate(ladder):
        done(above, path, status="locked")
        for below in ladder[:i]:
            refused(below.patch(path, {"status": "active"}))
        assert done(above, path, status="active")["status"] == "active"
    for i, below in enumerate(ladder):
        for above in ladder[i:]:
            done(below, path, status="locked")
            assert done(above, path, status="active")["status"] == "active"


@pytest.mark.parametrize("thing", [party, stall])
def test_the_reason_is_the_lock_s(cast: Cast, thing: Any) -> None:
    path = thing(cast)
    done(cast.regulator, path, **LOCK)
    refused(cast.market.patch(path, {"status_reason": "装修"}))
    refused(cast.market.patch(path, {"status": "locked", "status_reason": "装修"}))
    assert done(cast.market, path, **LOCK)["status_reason"] == LOCK["status_reason"]
    # What the market has said again does not keep the regulator from lifting it.
    assert done(cast.regulator, path, status="active")["status_reason"] is None


@pytest.mark.parametrize("thing", [party, stall, scale])
def test_a_lock_said_again_by_one_above_is_its_own_too(cast: Cast, thing: Any) -> None:
    path = thing(cast)
    done(cast.market, path, status="locked")
    first = done(cast.regulator, path, status="locked")
    assert done(cast.regulator, path, status="locked") == first
    refused(cast.market.patch(path, {"status": "active"}))
    done(cast.regulator, path, status="active")
    # What was lifted is forgotten.
    done(cast.market, path, status="locked")
    done(cast.market, path, status="active")


def test_other_changes_meanwhile_lift_nothing_and_lock_nothing(cast: Cast) -> None:
    path = stall(cast)
    done(cast.market, path, status="locked")
    # Back-dated, too: before the lock it was open.
    done(cast.stall, path, name="新招牌", valid_from=ago(days=2))
    done(cast.admin, path, address="东门")
    assert done(cast.market, path, status="active")["name"] == "新招牌"
    done(cast.regulator, path, status="locked")
    done(cast.stall, path, name="旧招牌", valid_from=ago(days=3))
    done(cast.market, path, name="市场的招牌", valid_from=ago(hours=1))
    refused(cast.market.patch(path, {"status": "active"}))
    refused(cast.market.patch(path, {"status": "active", "valid_from": ago(days=1)}))
    done(cast.regulator, path, status="active")


def test_a_seller_unlocks_what_it_locked_itself(cast: Cast) -> None:
    path = scale(cast)
    done(cast.stall, path, status="locked")
    assert done(cast.stall, path, status="active")["status"] == "active"
    done(cast.stall, path, status="locked")
    assert done(cast.market, path, status="active")["status"] == "active"
    done(cast.market, path, status="locked")
    refused(cast.stall.patch(path, {"status": "active"}))
    # Renaming it is not locking it.
    done(cast.stall, path, name="门口的秤")
    refused(cast.stall.patch(path, {"status": "active"}))
    done(cast.market, path, status="active")


def test_a_seller_s_key_of_the_market_s_own_party_lifts_no_lock_of_the_market(cast: Cast) -> None:
    clerk = cast.key("vendor", party_id=cast.market.party["id"])
    path = f"/devices/{cast.scale(cast.market).activation['device_id']}"
    done(cast.market, path, status="locked")
    refused(clerk.patch(path, {"status": "active"}))
    assert done(clerk, path, name="新名")["status"] == "locked"
    refused(clerk.patch(path, {"status": "active"}))
    assert done(cast.market, path, status="active")["status"] == "active"
    # Nobody can tell whose of the two a lock is: the clerk locks, the market unlocks.
    done(clerk, path, status="locked")
    refused(clerk.patch(path, {"status": "active"}))
    assert done(cast.market, path, status="active")["status"] == "active"
    # So it is with every further market key of one party: a name is as high as its highest key.
    done(cast.key("market", party_id=cast.market.party["id"]), path, status="locked")
    refused(clerk.patch(path, {"status": "active"}))
    done(cast.market, path, status="active")


def test_one_regulator_is_as_high_as_another_and_other_regions_see_nothing(cast: Cast) -> None:
    district = cast.key("regulator", region="330106")
    done(cast.regulator, party(cast), **LOCK)
    assert cast.other_regulator.patch(party(cast), {"status": "active"}).status_code == 404
    assert done(district, party(cast), status="active")["status"] == "active"


def test_who_is_enrolled_locked_is_locked_by_whoever_enrolled_it(cast: Cast) -> None:
    form = {"name": "被查封的摊贩", "kind": "vendor", "region": "330106", "status": "locked"}
    made = cast.regulator.made("/parties", form)
    place = {"party_id": made["id"], "name": "五号摊", "kind": "stall", "parent_site_id": cast.market.site["id"]}
    cast.market.made("/sites", place)
    refused(cast.market.patch(f"/parties/{made['id']}", {"status": "active"}))
    done(cast.regulator, f"/parties/{made['id']}", status="active")
