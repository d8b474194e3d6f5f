"""The walk of a recall: the same goods as their own pages find, and a lot that reached everybody, in bounded memory."""

import itertools
import random
import tracemalloc
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from app.domain.holds import Stop, reached
from app.recalling.finding import find
from app.recalling.reaching import Subjects, generations
from app.store.engine import reading, writing
from app.web.service import Service
from tests.recalling.conftest import recalled
from tests.support.cast import Cast
from tests.support.chains import Chains
from tests.support.databases import Database
from tests.support.ledger import named
from tests.support.statements import Statements

WORLDS = 40
BUYERS, RECEIPTS = 1_300, 77  # 100,100 receipts


def key(name: str) -> bytes:
    return named(name).bytes


def test_it_reaches_what_the_goods_say_themselves(engine: Engine, database: Database) -> None:
    database.damaged = True
    random_ = random.Random(20)
    for world in range(WORLDS):
        number = random_.randint(2, 12)
        names = [f"{world}/{i}" for i in range(number)]
        lots = {name: f"{world}/lot {random_.randrange(4)}" for name in names}
        sites = {name: random_.choice([None, f"{world}/here", f"{world}/there"]) for name in names}
        parents = {name: random_.sample(names[:i], min(i, random_.randint(0, 2))) for i, name in enumerate(names)}
        with writing(engine) as connection:
            chains = Chains(connection)
            for name in names:
                chains.custody(name, lots[name], sites[name], None, *parents[name])
        places = [*names, f"{world}/here", f"{world}/there"]
        spares = frozenset(map(key, random_.sample(places, random_.randint(0, 2))))
        by_lot = set(random_.sample(names, random_.randint(0, 2)))
        alone = set(random_.sample(names, random_.randint(0, 2)))
        goods = {key(n): (key(lots[n]), key(site) if (site := sites[n]) else None) for n in names}
        links = [(key(parent), key(name)) for name in names for parent in parents[name]]
        stops = [Stop("lot_downstream", key(n), key(lots[n]), spares) for n in by_lot]
        stops += [Stop("downstream", key(n), key(lots[n]), spares) for n in alone]
        subjects = Subjects(
            {key(lots[n]): key(n) for n in by_lot},
            {key(n): key(lots[n]) for n in alone},
            spares,
            goods={k: (lot, site, b"") for k, (lot, site) in goods.items()},
        )
        with reading(engine) as snapshot:
            walked = list(itertools.chain.from_iterable(keys for _, keys in generations(snapshot, subjects)))
        assert len(walked) == len(set(walked)), "each once"
        assert set(walked) == reached(stops, goods, links)


def everybody(engine: Engine) -> None:
    """A lot of which 1,300 shops have some, each of which has sold it 77 times."""
    with writing(engine) as connection:
        chains = Chains(connection)
        chains.product("cabbage")
        chains.party("farmer")
        chains.site("farm", "farmer", region="330122")
        chains.lot("lot")
        chains.custody("harvest", "lot", "farm", "farmer", shipped=BUYERS * 1000, grams=BUYERS * 1000)
        for i in range(BUYERS):
            chains.party(f"p{i}")
            chains.site(f"s{i}", f"p{i}")
            chains.custody(f"c{i}", "lot", f"s{i}", f"p{i}", "harvest", receipts=RECEIPTS, sold=400)


def test_a_lot_that_reached_everybody(cast: Cast, service: Service, database: Database) -> None:
    database.damaged = True
    everybody(service.engine)
    recall = recalled(cast.regulator, {"lots": [str(named("lot"))]})
    counts = recall["counts"]
    assert (counts["custodies"], counts["parties"], counts["receipts"]) == (1301, 1301, BUYERS * RECEIPTS)
    [sums] = counts["products"]
    assert (sums["sold"]["grams"], sums["on_hand"]["grams"]) == (BUYERS * 400, BUYERS * 600)
    assert recall["progress"]["weight"]["answers_for"] == BUYERS * 1000
    assert recall["progress"]["parties"]["parties"] == 1301
    path, found, cursor = f"/recalls/{recall['id']}", set(), None
    while True:
        asked = {"limit": 500} | ({"cursor": cursor} if cursor else {})
        page = cast.regulator.get(f"{path}/affected", params=asked).json()
        found |= {item["custody_id"] for item in page["items"]}
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == 1301
    lines = cast.regulator.get(f"{path}/affected", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert len(lines) == 1302
    owed, cursor = 0, None
    while True:
        page = cast.regulator.get(
            f"{path}/notices", params={"limit": 400} | ({"cursor": cursor} if cursor else {})
        ).json()
        owed += len(page["items"])
        cursor = page["next"]
        if cursor is None:
            break
    assert owed == 1301


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_it_costs(engine: Engine, database: Database, statements: Statements) -> None:
    """Statements by generations and chunks, not by buyers; memory by what is summed, not by rows read."""
    database.damaged = True
    everybody(engine)
    lot = {key("lot"): key("harvest")}
    with reading(engine) as snapshot:
        statements.clear()
        tracemalloc.start()
        found = find(snapshot, named("recall"), "3301", lambda _: Subjects(lot, {}, frozenset()), datetime.now(UTC))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (found.custodies, found.receipts, len(found.places)) == (1301, BUYERS * RECEIPTS, 1301)
    assert len(statements) <= 6, str(statements)
    assert peak < 20_000_000
