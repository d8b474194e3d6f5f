"""Balances over HTTP against a plain ledger of random trade; and who may read them."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.oversight.trade import DAYS, Trade
from tests.recording.conftest import deliver, harvest
from tests.support.cast import CHINA, Actor, Cast

NEW_YEAR = "2026-01-01T00:00:00Z"
COLUMNS = ("opening", "received", "made", "sold", "shipped", "processed", "returned", "destroyed", "unexplained")


def asked(actor: Actor, **params: Any) -> dict[str, Any]:
    answer = actor.get("/balance", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def grams(figures: dict[str, Any]) -> dict[str, int]:
    columns = {name: figures[name]["grams"] for name in COLUMNS}
    gone = sum(columns[name] for name in COLUMNS[3:])
    assert sum(columns[name] for name in COLUMNS[:3]) == gone + figures["on_hand"]["grams"]
    return {name: amount for name, amount in columns.items() if amount}


@pytest.mark.parametrize("seed", [1, 2])
def test_random_trade_agrees_with_a_plain_ledger(cast: Cast, seed: int) -> None:
    trade = Trade(cast, Random(seed))
    trade.run(60)
    everything = set(trade.site_of)
    sites = {site: {key for key, at in trade.site_of.items() if at == site} for site in set(trade.site_of.values())}
    for site, inside in sites.items():
        assert grams(asked(cast.admin, site=site)["total"]) == trade.expected(inside)
        for day in range(DAYS):
            told = asked(cast.admin, site=site, day=(trade.begin + timedelta(days=day)).date().isoformat())
            assert grams(told["total"]) == trade.expected(inside, day, day + 1), (site, day)
        span = {"from": trade.begin.isoformat(), "to": (trade.begin + timedelta(days=DAYS)).isoformat()}
        days = asked(cast.admin, site=site, by="day", **span)["items"]
        for told in days:
            number = [(trade.begin + timedelta(days=n)).date().isoformat() for n in range(DAYS)].index(told["key"])
            assert grams(told) == trade.expected(inside, number, number + 1)
    # The market with both of its stalls: what one gives the other is neither received nor shipped.
    market = {key for key, at in trade.site_of.items() if at in (cast.stall.site["id"], cast.other_stall.site["id"])}
    told = asked(cast.market, site=cast.market.site["id"], by="site")
    assert grams(told["total"]) == trade.expected(market)
    for item in told["items"]:
        assert grams(item) == trade.expected(sites[item["key"]])
    half = trade.begin + timedelta(days=2)
    assert grams(asked(cast.admin, site=cast.market.site["id"], to=half.isoformat())["total"]) == trade.expected(
        market, 0, 2
    )
    for lot in set(trade.lot_of.values()):
        inside = {key for key, of in trade.lot_of.items() if of == lot}
        assert grams(asked(cast.admin, lot=lot)["total"]) == trade.expected(inside)
        late = asked(cast.admin, lot=lot, **{"from": half.isoformat()})
        assert grams(late["total"]) == trade.expected(inside, 2, DAYS)
    for key in everything:
        assert grams(asked(cast.admin, custody=key)["total"]) == trade.expected({key})
    party = asked(cast.farm, party=cast.farm.party["id"], by="custody", limit=3)
    seen = party["items"]
    assert grams(party["total"]) == trade.expected(sites[cast.farm.site["id"]])
    while party["next"]:
        party = asked(cast.farm, party=cast.farm.party["id"], by="custody", limit=3, cursor=party["next"])
        assert party["total"] is None
        seen += party["items"]
    assert {item["key"] for item in seen} == sites[cast.farm.site["id"]]
    for item in seen:
        assert grams(item) == trade.expected({item["key"]})
    windowed = asked(cast.farm, party=cast.farm.party["id"], by="custody", **{"from": half.isoformat()})
    for item in windowed["items"]:
        assert grams(item) == trade.expected({item["key"]}, 2, DAYS)


def test_pieces_with_and_without_a_weight(cast: Cast) -> None:
    pig = cast.product("生猪", "pork", "count", grams_per_piece=100_000)
    egg = cast.product("鸡蛋", "eggs", "count")
    made = cast.plant.record(
        "produce", outputs=[cast.output(pig, "10", "头"), cast.output(egg, "300", "个")]
    )["outputs"]  # fmt: skip
    cast.plant.record("sell", lines=[cast.item(made[0], "3", "头"), cast.item(made[1], "301", "个")])
    told = asked(cast.plant, site=cast.plant.site["id"])
    assert told["total"]["made"] == {"grams": 1_000_000, "pieces": 310}
    assert told["total"]["on_hand"] == {"grams": 700_000, "pieces": 6}
    assert told["total"]["weighed"] is False
    rows = {item["key"]: item for item in told["items"]}
    assert (rows["pork"]["state"], rows["pork"]["weighed"]) == ("ok", True)
    assert (rows["eggs"]["state"], rows["eggs"]["on_hand"]["pieces"]) == ("ok", -1)
    cast.plant.record("sell", lines=[cast.item(made[1], "9", "个")])
    rows = {item["key"]: item for item in asked(cast.plant, site=cast.plant.site["id"])["items"]}
    assert rows["eggs"]["state"] == "excess"
    day = asked(cast.plant, site=cast.plant.site["id"], **{"from": "2020-01-01T00:00:00Z"})
    assert day["total"]["weighed"] is False


def test_who_reads_which_books(cast: Cast) -> None:
    batch = harvest(cast)
    sold = deliver(cast, batch, "10", cast.stall)
    site, party = cast.stall.site["id"], cast.stall.party["id"]
    for actor in (cast.stall, cast.market, cast.regulator, cast.admin):
        assert asked(actor, site=site)["total"]["received"]["grams"] == 10_000
        assert asked(actor, party=party)["total"]["received"]["grams"] == 10_000
        assert asked(actor, custody=sold["custody_id"])["hidden"] == 0
    for actor in (cast.farm, cast.other_stall, cast.other_regulator, cast.lab):
        for where in ({"site": site}, {"party": party}):
            answer = actor.get("/balance", params=where)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-yours")
    # One step up and down is known, further is not.
    assert asked(cast.farm, custody=sold["custody_id"])["total"]["received"]["grams"] == 10_000
    assert asked(cast.other_stall, custody=sold["custody_id"])["hidden"] == 1
    assert asked(cast.other_stall, lot=batch["lot_id"])["hidden"] == 2
    assert asked(cast.lab, custody=sold["custody_id"])["hidden"] == 1
    cast.lab.record("test", custody_id=sold["custody_id"], stage="rapid", item="x", verdict="pass")
    assert asked(cast.lab, custody=sold["custody_id"])["total"]["received"]["grams"] == 10_000
    # A stall changes hands; its former operator reads the books of its own time.
    answer = cast.admin.patch(f"/sites/{site}", {"party_id": cast.other_stall.party["id"]})
    assert answer.status_code == 200, answer.text
    assert asked(cast.stall, site=site)["total"]["received"]["grams"] == 10_000
    assert asked(cast.other_stall, site=site)["total"]["received"]["grams"] == 0


def test_what_is_asked_wrongly(cast: Cast) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for params, status in (
        ({}, 400), ({"lot": nobody, "site": nobody}, 400), ({"lot": nobody}, 404), ({"custody": nobody}, 404),
        ({"site": nobody}, 404), ({"party": nobody}, 404), ({"site": nobody, "day": "2026-01-01", "to": NEW_YEAR}, 400),
        ({"site": nobody, "by": "colour"}, 400), ({"site": nobody, "cursor": "x"}, 400),
    ):  # fmt: skip
        assert cast.admin.get("/balance", params=params).status_code == status, params


def test_an_answer_is_bounded(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tracing.books.SITES", 2)
    answer = cast.market.get("/balance", params={"site": cast.market.site["id"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?site")
    monkeypatch.setattr("app.tracing.balance.DAYS", 1)
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    for days in range(4):
        at = (datetime.now(CHINA) - timedelta(days=days)).isoformat()
        cast.stall.record("sell", lines=[cast.item(batch, "1")], event_time=at)
    asked_by_day = {"site": cast.stall.site["id"], "by": "day", "from": "2026-01-01T00:00:00Z"}
    answer = cast.stall.get("/balance", params=asked_by_day)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?from")


def test_a_scale_of_the_market_sells_of_several_stalls(cast: Cast) -> None:
    mine, other = deliver(cast, harvest(cast), "10", cast.stall), deliver(cast, harvest(cast), "10", cast.other_stall)
    scale = cast.scale(cast.market)
    assert scale.sell(1, cast.item(mine, "1"), cast.item(other, "2"))["flags"] == []
    span = {"from": "2026-01-01T00:00:00Z"}
    for site, sold in ((cast.stall, 1_000), (cast.other_stall, 2_000), (cast.market, 3_000)):
        for window in ({}, span):
            assert asked(cast.market, site=site.site["id"], **window)["total"]["sold"]["grams"] == sold
