"""Who may record what, and whose."""

from typing import Any

from tests.recording.conftest import deliver, harvest, paper, until
from tests.support.cast import Actor, Cast, quantity
from tests.support.story import day

TRADE = {
    "produce",
    "transform",
    "ship",
    "receive",
    "return",
    "sell",
    "destroy",
    "certify",
    "identify",
    "count",
    "correct",
}
# The contract's table of roles.
MAY: dict[str, set[str]] = {
    "device": {"sell", "return", "correct"},
    "vendor": TRADE,
    "producer": TRADE,
    "market": TRADE | {"admit", "test", "hold", "release"},
    "lab": {"test", "correct"},
    "regulator": {"hold", "release", "test", "correct"},
    "admin": TRADE | {"admit", "test", "hold", "release"},
}


def test_every_role_and_every_kind(cast: Cast) -> None:
    """What a role does not record is refused before anything else is looked at; the rest is not refused for that."""
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    scale = cast.scale(cast.stall)
    seller = cast.enrol("vendor", "三号摊", "vendor", "stall", parent=cast.market)
    actors = {
        "device": scale, "vendor": seller, "producer": cast.farm, "market": cast.market, "lab": cast.lab,
        "regulator": cast.regulator, "admin": cast.admin,
    }  # fmt: skip
    here = {"site_id": cast.stall.site["id"]}
    items, some = [cast.item(got, "1")], {"custody_id": got["custody_id"]}
    bodies: dict[str, dict[str, Any]] = {
        "produce": here | {"outputs": [cast.output({"id": batch["product_id"]}, "1")]},
        "transform": here | {"process": "split", "inputs": items, "outputs": []},
        "ship": here | {"items": items},
        "receive": here | {"slip_code": got["slip"]},
        "return": here | {"items": items, "reason": "x"},
        "sell": here | {"lines": items},
        "destroy": here | {"items": items, "reason": "x"},
        "certify": here | {"document_id": got["custody_id"]},
        "identify": {"gap_custody_id": got["custody_id"], "parent_custody_id": got["custody_id"]},
        "count": here | {"items": items},
        "correct": {"event_id": got["custody_id"], "reason": "did_not_occur"},
        "admit": here | {"custody_ids": [got["custody_id"]]},
        "test": some | {"stage": "rapid", "item": "x", "verdict": "pass"},
        "hold": some | {"scope": "custody", "reason": "x"},
        "release": {"hold_event_id": got["custody_id"], "reason": "x"},
    }
    bodies["transform"]["outputs"] = [cast.output({"id": batch["product_id"]}, "1")]
    refused: dict[str, set[str]] = {}
    for role, actor in actors.items():
        events = [Actor.event(actor, kind, **fields) for kind, fields in bodies.items()]
        results = actor.post("/events", {"events": events}).json()["results"]
        refused[role] = {
            event["kind"]
            for event, outcome in zip(events, results, strict=True)
            if outcome["problem"] and outcome["problem"]["type"] == "/problems/role-may-not-record"
        }
    assert refused == {role: bodies.keys() - kinds for role, kinds in MAY.items()}


def test_whose_site_and_whose_goods(cast: Cast) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    outputs = [cast.output({"id": batch["product_id"]}, "1")]
    market = cast.enrol("market", "城东市场", "market", "market")
    # A market works for its stalls, not for another's; a stall not for its neighbour.
    cast.market.record("produce", site_id=cast.stall.site["id"], outputs=outputs)
    for actor in (market, cast.other_stall, cast.farm):
        problem = actor.refused("produce", 403, site_id=cast.stall.site["id"], outputs=outputs)
        assert problem["type"] == "/problems/not-your-site"
        problem = actor.refused("sell", 403, lines=[cast.item(got, "1")])
        assert problem["type"] == "/problems/not-yours"
    cast.market.record("sell", site_id=cast.stall.site["id"], lines=[cast.item(got, "1")])
    cast.admin.record("sell", site_id=cast.stall.site["id"], lines=[cast.item(got, "1")])
    # A device works for the site that it stands at.
    scale = cast.scale(cast.stall)
    event = scale.record("return", items=[cast.item(got, "1")], reason="x")
    for fields in ({"site_id": cast.other_stall.site["id"]}, {"site_id": cast.market.site["id"]}):
        assert scale.refused("sell", 403, lines=[cast.item(got, "1")], **fields)["type"] == "/problems/not-your-site"
    assert cast.scale(cast.market).record("sell", site_id=cast.stall.site["id"], lines=[cast.item(got, "1")])
    scale.record("correct", event_id=event["id"], reason="did_not_occur")


def test_a_locked_or_pending_party_and_a_closed_site_record_nothing(cast: Cast) -> None:
    batch = harvest(cast)
    lines = [cast.item(batch, "1")]
    pending = cast.admin.made("/parties", {"name": "新户", "kind": "vendor", "region": "330106"})
    assert cast.admin.patch(f"/parties/{pending['id']}", {"status": "pending"}).status_code == 200
    novice = cast.key("vendor", party_id=pending["id"])
    assert novice.refused("sell", 403, site_id=cast.farm.site["id"], lines=lines)["type"] == "/problems/party-pending"
    closed = cast.site(cast.farm, "旧棚", "farm")
    assert cast.admin.patch(f"/sites/{closed['id']}", {"status": "locked"}).status_code == 200
    outputs = [cast.output({"id": batch["product_id"]}, "1")]
    assert cast.farm.refused("produce", 403, site_id=closed["id"], outputs=outputs)["type"] == "/problems/site-closed"
    cast.admin.patch(f"/parties/{cast.farm.party['id']}", {"status": "locked", "status_reason": "抽检不合格"})
    problem = cast.farm.refused("sell", 403, lines=lines)
    assert problem["type"] == "/problems/party-locked"
    assert "抽检不合格" in problem["detail"]


def test_a_revoked_or_wrong_key_records_nothing(cast: Cast) -> None:
    body = cast.farm.event("produce", outputs=[cast.output(cast.product("豆角"), "1")])
    key = cast.admin.made("/keys", {"role": "producer", "party_id": cast.farm.party["id"], "name": "old"})
    old = Actor(cast.client, key["key"], cast.farm.party, cast.farm.site)
    assert old.post("/events", body).status_code == 201
    assert cast.admin.post(f"/keys/{key['id']}/revoke").status_code == 200
    # Within a second, not even the same again is answered.
    until(lambda: old.post("/events", body).status_code == 401)
    assert old.post("/events", body).json()["type"] == "/problems/key-revoked"
    for key_text in (
        "",
        "Bearer",
        "ock_0",
        key["key"][:-1] + "01"[key["key"][-1] == "0"],
        "ock_" + "0" * 32 + "_" + "0" * 32,
    ):
        answer = cast.client.post("/api/v1/events", json=body, headers={"Authorization": f"Bearer {key_text}"})
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert cast.public.post("/events", body).status_code == 401
    # Another key of the same party is the same recorder: the same event is a duplicate.
    again = cast.farm.post("/events", body)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")


def test_only_ones_own_events_are_corrected(cast: Cast) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    for actor in (cast.stall, cast.market, cast.regulator, cast.lab, cast.scale(cast.stall)):
        problem = actor.refused("correct", 403, event_id=batch["event_id"], reason="did_not_occur")
        assert problem["type"] == "/problems/not-your-event"
    # What the market recorded for its stall is the market's, and what a colleague's key recorded is one's own.
    colleague = Actor(cast.client, cast.key("vendor", party_id=cast.stall.party["id"]).key, cast.stall.party)
    colleague.record("correct", event_id=got["event_id"], reason="did_not_occur")
    sold = cast.market.record(
        "sell", site_id=cast.stall.site["id"], lines=[{"product_id": batch["product_id"], "quantity": quantity("1")}]
    )
    assert cast.stall.refused("correct", 403, event_id=sold["id"], reason="did_not_occur")
    cast.admin.record("correct", event_id=sold["id"], reason="did_not_occur")
    # A right to correct is none to record: a laboratory that also sells replaces no sale with its laboratory key.
    seller = cast.enrol("vendor", "检测中心食堂", "laboratory", "canteen")
    sale = seller.record("sell", lines=[{"product_id": batch["product_id"], "quantity": quantity("1")}])
    lab = cast.key("lab", party_id=seller.party["id"])
    other = seller.event("sell", lines=[{"product_id": batch["product_id"], "quantity": quantity("2")}])
    problem = lab.refused("correct", 403, event_id=sale["id"], reason="incorrect_data", replacement=other)
    assert problem["type"] == "/problems/role-may-not-record"


def test_who_reads_which_events(cast: Cast) -> None:
    batch = harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    test = cast.lab.record("test", custody_id=got["custody_id"], stage="rapid", item="x", verdict="pass")
    scale = cast.scale(cast.stall)
    back = scale.record("return", items=[cast.item(got, "1")], reason="x")
    seen = {
        name: {event["kind"] for event in actor.get("/events").json()["items"]}
        for name, actor in (
            ("farm", cast.farm), ("stall", cast.stall), ("neighbour", cast.other_stall), ("market", cast.market),
            ("lab", cast.lab), ("scale", scale), ("regulator", cast.regulator),
            ("other regulator", cast.other_regulator), ("admin", cast.admin),
        )
    }  # fmt: skip
    assert seen == {
        "farm": {"produce", "ship"}, "stall": {"receive", "test", "return"}, "neighbour": set(),
        "market": {"receive", "test", "return"}, "lab": {"test"}, "scale": {"return"},
        "regulator": {"produce", "ship", "receive", "test", "return"}, "other regulator": set(),
        "admin": {"produce", "ship", "receive", "test", "return"},
    }  # fmt: skip
    assert cast.lab.get(f"/events/{test['id']}").status_code == 200
    assert cast.lab.get(f"/events/{back['id']}").json()["type"] == "/problems/unknown-event"
    assert cast.public.get("/events").status_code == 401


def test_events_are_found_by_what_they_are_about(cast: Cast) -> None:
    batch, other = harvest(cast), harvest(cast)
    got = deliver(cast, batch, "10", cast.stall)
    sold = cast.farm.record("sell", lines=[cast.item(other, "101")], event_time=f"{day(-9)}T10:00:00+05:45")

    def found(actor: Actor = cast.admin, **query: str) -> list[str]:
        answer = actor.get("/events", params=query)
        assert answer.status_code == 200, answer.text
        return [event["kind"] for event in answer.json()["items"]]

    assert found() == ["sell", "receive", "ship", "produce", "produce"]
    assert found(kind="ship") == ["ship"]
    assert found(site=cast.stall.site["id"]) == ["receive"]
    assert found(party=cast.farm.party["id"]) == ["sell", "ship", "produce", "produce"]
    assert found(custody=batch["custody_id"]) == ["receive", "ship", "produce"]
    assert found(lot=batch["lot_id"]) == ["receive", "ship", "produce"]
    assert found(lot=batch["lot_id"], custody=other["custody_id"]) == ["sell", "receive", "ship", "produce", "produce"]
    assert found(flag="more_than_there") == ["sell"]
    assert found(flag="more_than_there", lot=batch["lot_id"]) == []
    assert found(flag="no_such_flag") == []
    assert found(**{"from": f"{day(-10)}T00:00:00Z", "to": f"{day(-8)}T00:00:00Z"}) == ["sell"]
    [event] = [e for e in cast.admin.get("/events").json()["items"] if e["kind"] == "sell"]
    assert event["event_time"] == f"{day(-9)}T10:00:00+05:45"
    assert event == cast.farm.get(f"/events/{sold['id']}").json()
    assert set(event) == {
        "id", "kind", "event_time", "record_time", "site_id", "party_id", "role", "ref", "body", "outcome", "flags",
        "corrected_by", "epcis_event_id",
    }  # fmt: skip
    assert event["flags"] == sold["flags"] == event["outcome"]["flags"]
    done = cast.stall.record("correct", event_id=got["event_id"], reason="did_not_occur")
    assert cast.stall.get(f"/events/{got['event_id']}").json()["corrected_by"] == done["id"]

    pages, cursor = [], None
    while True:
        page = cast.admin.get("/events", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        pages += [event["id"] for event in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == [event["id"] for event in cast.admin.get("/events").json()["items"]]
    assert len(pages) == 6


def test_a_paper_of_the_regulator_stays_with_the_regulator(cast: Cast) -> None:
    batch = harvest(cast)
    secret = paper(cast.regulator)
    problem = cast.farm.refused("certify", 403, document_id=secret, custody_id=batch["custody_id"])
    assert problem["type"] == "/problems/not-your-document"
