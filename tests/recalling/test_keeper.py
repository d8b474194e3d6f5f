"""The scope stays live: what arrives later, or is uploaded later, is held, counted and told by itself."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from app.recalling import Keeper
from app.store.errors import StoreUnavailable
from app.web.service import Service
from tests.recalling.conftest import Goods, affected, notices, recalled
from tests.recording.conftest import deliver, harvest, slugs, until
from tests.support.cast import Cast, ago
from tests.support.databases import Database
from tests.support.server import Server, serving


def test_goods_that_move_on_are_followed(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    # It has left by the lorry all the same, without a slip, and arrives.
    shop = cast.enrol("vendor", "城东小店", "vendor", "shop", region="330102")
    returned = cast.other_stall.record(
        "return", items=[cast.item(goods.at_other, "5")], reason="召回 · recall", to_site_id=cast.farm.site["id"]
    )
    back = returned["outputs"][0]
    assert cast.public.scan(back["code"])["status"] == "recalled", "its page follows by itself"
    until(lambda: back["custody_id"] in affected(cast.regulator, recall))
    until(lambda: notices(cast.regulator, recall)["河东蔬菜合作社"]["goods"][0]["batches"] == 2)
    assert "城东小店" not in notices(cast.regulator, recall)
    # A dish of it is made: a party that had none until now.
    made = cast.stall.record(
        "transform", process="process", inputs=[cast.item(goods.at_stall, "5")],
        outputs=[cast.output(cast.product("咸菜", "cooked"), "4")],
    )["outputs"][0]  # fmt: skip
    sold_on = cast.stall.record("ship", items=[cast.item(made, "2")], slip=False)
    assert slugs(sold_on) == ["recalled_goods", "no_slip"]
    assert cast.public.scan(made["code"])["status"] == "recalled"
    until(
        lambda: (
            made["product_id"] in {g["product_id"] for g in notices(cast.regulator, recall)["一号摊经营户"]["goods"]}
        )
    )
    assert shop.get("/recalls").json()["items"] == []


def test_a_late_upload_within_the_window_is_held(cast: Cast, goods: Goods) -> None:
    now = datetime.now(UTC)
    window = {
        "site_id": cast.other_stall.site["id"],
        "since": (now - timedelta(hours=3)).isoformat(),
        "until": now.isoformat(),
    }
    recall = recalled(cast.regulator, {"sites": [window]})
    lot = harvest(cast)
    late = deliver(cast, lot, "10", cast.other_stall)  # an hour ago by its clock
    other = deliver(cast, lot, "10", cast.stall)
    until(lambda: cast.public.scan(late["code"])["status"] == "recalled")
    assert affected(cast.regulator, recall) == {goods.at_other["custody_id"], late["custody_id"]}
    until(lambda: len(notices(cast.regulator, recall)["二号摊经营户"]["goods"]) == 2)
    assert cast.public.scan(other["code"])["status"] == "ok"
    # After the window.
    slip = cast.farm.record("ship", items=[cast.item(lot, "10")], event_time=ago(seconds=2))["slip_code"]
    after = cast.other_stall.record("receive", slip_code=slip, event_time=datetime.now(UTC).isoformat())["outputs"][0]
    scale = cast.scale(cast.other_stall)
    assert after["custody_id"] in {item["custody_id"] for item in scale.get("/devices/me/stock").json()["items"]}


def test_a_widened_scope_brings_back_who_was_let_go(cast: Cast, goods: Goods) -> None:
    lot, other = {"lots": [goods.lot["lot_id"]]}, cast.other_stall.site["id"]
    recall = recalled(cast.regulator, lot)
    cast.other_stall.made(f"/recalls/{recall['id']}/acknowledgements", {"ref": "heard"})
    narrow = lot | {"exclusions": [{"site_id": other, "reason": "x"}]}
    for scope, state in ((narrow, "withdrawn"), (lot, "acknowledged")):
        assert cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "x", "scope": scope}).status_code == 200
        told = notices(cast.regulator, recall)["二号摊经营户"]
        assert told["state"] == state
    assert [step["what"] for step in told["history"]] == ["concerned", "acknowledged", "withdrawn", "concerned"]
    until(lambda: cast.public.scan(goods.at_other["code"])["status"] == "recalled")


def test_sales_are_summed_again(cast: Cast, goods: Goods, service: Service) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    cast.scale(cast.stall).sell(0, cast.item(goods.dish, "2"))
    service.keeper.look()
    sums = {p["product_id"]: p for p in cast.regulator.get(f"/recalls/{recall['id']}").json()["counts"]["products"]}
    assert sums[goods.dish["product_id"]]["sold"]["grams"] == 2_000
    again = cast.regulator.get(f"/recalls/{recall['id']}").json()["resolved_at"]
    service.keeper.look()
    assert cast.regulator.get(f"/recalls/{recall['id']}").json()["resolved_at"] == again, "nothing new, nothing written"


class TestTheThread:
    def test_it_goes_on_where_it_cannot(
        self,
        cast: Cast,
        goods: Goods,
        service: Service,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        failures: list[Exception] = [StoreUnavailable("gone"), RuntimeError("a bug")]
        keeper = Keeper(service.engine, service.writer, period=0.01)
        look = keeper.look

        def failing() -> float:
            if failures:
                keeper.hear_all()
                raise failures.pop(0)
            return look()

        monkeypatch.setattr(keeper, "look", failing)
        keeper.start()
        try:
            until(lambda: not failures)
            until(lambda: "recalls cannot be kept up to date: gone" in caplog.text)
            until(lambda: "a recall could not be kept up to date" in caplog.text)
        finally:
            keeper.close()

    def test_a_scope_that_is_no_more_is_said_and_the_others_are_kept(
        self,
        cast: Cast,
        goods: Goods,
        service: Service,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
        monkeypatch.setattr("app.recalling.reaching.HOLDS", 0)
        service.keeper.look()
        assert f"the scope of recall {recall['number']} cannot be resolved any more" in caplog.text

    def test_with_more_goods_than_it_watches_it_hears_everything(
        self, cast: Cast, goods: Goods, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.recalling.keeping.WATCHED", 1)
        recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
        service.keeper.look()
        cast.stall.record("destroy", items=[cast.item(goods.dish, "1")], reason="x")
        until(lambda: cast.regulator.get(f"/recalls/{recall['id']}").json()["progress"]["weight"]["recovered"] == 1_000)

    def test_a_closed_keeper_looks_no_more(self, cast: Cast, goods: Goods, service: Service) -> None:
        recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
        keeper = Keeper(service.engine, service.writer)
        keeper.close()
        keeper.look()
        keeper.start()
        keeper.close()


@pytest.fixture
def processes(cast: Cast, database: Database, tmp_path: Path) -> Callable[[str], AbstractContextManager[Server]]:
    """Starts a process of its own that shares the database and the secret with ours."""
    return lambda name: serving(tmp_path, database.url)


def test_a_killed_process_leaves_nothing_undone(
    cast: Cast, goods: Goods, service: Service, processes: Callable[[str], AbstractContextManager[Server]]
) -> None:
    """Its recall is there, whole; whoever lives on, or comes after it, does what is left."""
    service.keeper.close()  # ours rests: the others do it
    window = {"site_id": cast.stall.site["id"]}
    with processes("first") as first, httpx2.Client(base_url=first.url, timeout=30) as client:
        office = replace(cast.regulator, client=client)
        recall = recalled(office, {"sites": [window]})
        first.kill()
    late = deliver(cast, harvest(cast), "10", cast.stall)
    assert cast.public.scan(late["code"])["status"] == "ok", "nobody was there to hold it"
    with processes("second"):
        until(lambda: cast.public.scan(late["code"])["status"] == "recalled", 20)
        assert late["custody_id"] in affected(cast.regulator, recall)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_four_processes_show_it_and_write_nothing_twice(
    cast: Cast, goods: Goods, processes: Callable[[str], AbstractContextManager[Server]]
) -> None:
    with ExitStack() as stack:
        actors = []
        for name in ("one", "two", "three"):
            server = stack.enter_context(processes(name))
            client = stack.enter_context(httpx2.Client(base_url=server.url, timeout=30))
            actors.append(replace(cast.public, client=client))
        actors.append(cast.public)
        for actor in actors:
            assert actor.scan(goods.dish["code"])["status"] == "ok"
        recall = recalled(cast.regulator, {"sites": [{"site_id": cast.farm.site["id"]}]})
        for actor in actors:
            until(lambda actor=actor: actor.scan(goods.dish["code"])["status"] == "recalled")  # type: ignore[misc]
        late = harvest(cast)
        for actor in actors:
            until(lambda actor=actor: actor.scan(late["code"])["status"] == "recalled")  # type: ignore[misc]
        until(lambda: len(notices(cast.regulator, recall)["河东蔬菜合作社"]["goods"]) == 2)
        told = notices(cast.regulator, recall)
        assert [step["what"] for step in told["河东蔬菜合作社"]["history"]] == ["concerned"]
        assert len(told) == 3
