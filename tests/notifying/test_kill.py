"""`kill -9` while a delivery is being made: it is made again, under its own id."""

from pathlib import Path

import httpx2
from sqlalchemy import func, select

from app.store import tables
from app.store.engine import open_engine, writing
from app.store.writer import Writer
from tests.notifying.conftest import until
from tests.notifying.receiver import in_turn, receiving, stall
from tests.support.cast import Actor, operator_key
from tests.support.databases import Database
from tests.support.server import serving


def test_a_killed_process_loses_no_delivery(database: Database, tmp_path: Path) -> None:
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    c = tables.delivery.c
    with receiving(stall) as receiver:
        reach = {"ONECODE_WEBHOOK_HOSTS": receiver.origin, "ONECODE_WEBHOOK_NETWORKS": "127.0.0.0/8"}
        with serving(tmp_path, database.url, **reach) as server, httpx2.Client(base_url=server.url) as client:
            admin = Actor(client, key)
            hooks = [admin.made("/webhooks", {"url": f"{receiver.origin}/{n}", "events": ["recall"]}) for n in range(5)]
            sent = {admin.post(f"/webhooks/{each['id']}/test").json()["id"] for each in hooks}
            receiver.wait(5)
            server.kill()
        with writing(engine) as connection:
            states = connection.execute(select(c.state, c.attempts, func.count()).group_by(c.state, c.attempts)).all()
            assert states == [("pending", 1, 5)]
            connection.execute(tables.delivery.update().values(next_attempt=c.record_time))  # the leases end
        receiver.behave = in_turn(204)
        receiver.got.clear()
        with serving(tmp_path, database.url, **reach):
            assert {each.id for each in receiver.wait(5)} == sent

            def noted() -> bool:
                with engine.connect() as connection:
                    return set(connection.scalars(select(c.state))) == {"sent"}

            until(noted)
    engine.dispose()
