"""Subscriptions by WebSocket: a real server and a real client."""

import json
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.exchanging.xml import read_xml
from app.store.engine import open_engine
from app.store.writer import Writer
from tests.epcis.listening import arrival, bring, named, names, taken
from tests.notifying.conftest import until
from tests.support.cast import Actor, operator_key
from tests.support.databases import Database
from tests.support.epcis import SECONDS
from tests.support.server import Server, serving

WAIT = 30


@dataclass(slots=True)
class House:
    """A running service, its operator, and sockets to it."""

    server: Server
    admin: Actor

    def open(
        self, query: str, parameters: str = "stream=true", key: str | None = None, **options: Any
    ) -> ClientConnection:
        headers = {"Authorization": f"Bearer {key or self.admin.key}", **options.pop("headers", {})}
        url = f"{self.server.url.replace('http', 'ws', 1)}{query}/events?{parameters}"
        return connect(url, additional_headers=headers, proxy=None, open_timeout=WAIT, **options)

    def refused(self, query: str, parameters: str = "stream=true", **options: Any) -> tuple[int, dict[str, Any]]:
        with pytest.raises(InvalidStatus) as caught, self.open(query, parameters, **options):
            pass
        response = caught.value.response
        assert response.headers["x-request-id"]
        return response.status_code, json.loads(response.body or b"{}")


@contextmanager
def housed(database: Database, directory: Path, **environment: str) -> Iterator[House]:
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    engine.dispose()
    with serving(directory, database.url, **environment) as server, httpx2.Client(base_url=server.url) as client:
        yield House(server, Actor(client, key))


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with housed(database, tmp_path) as opened:
        yield opened


def next_names(connection: ClientConnection) -> list[str]:
    return names(json.loads(connection.recv(timeout=WAIT)))


def closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    """With which code and reason the server ends it; what it still says before does not matter."""
    with suppress(ConnectionClosed):
        while True:
            connection.recv(timeout=WAIT)
    return connection.close_code, connection.close_reason


def test_new_events_are_told_as_they_come(house: House) -> None:
    query = named(house.admin, "arrivals", {"EQ_bizStep": ["receiving"]})
    bring(house.admin, "before")
    with house.open(query) as connection:
        assert connection.response is not None
        assert connection.response.headers["gs1-epcis-version"] == "2.0.0"
        assert connection.response.headers["x-request-id"]
        assert datetime.fromisoformat(connection.response.headers["gs1-query-min-record-time"]) <= datetime.now(UTC)
        bring(house.admin, "a")
        told = json.loads(connection.recv(timeout=WAIT))
        assert names(told) == ["a"]
        [event] = told["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert told["epcisBody"]["queryResults"]["queryName"] == "arrivals"
        assert event["quantityList"][0]["epcClass"].startswith("https://id.gs1.org/01/")
        connection.send("a client has nothing to say")
        bring(house.admin, "left", step="shipping")
        bring(house.admin, "b")
        assert next_names(connection) == ["b"]
    # Who comes back says from when on.
    with house.open(query, f"stream=true&initialRecordTime={event['recordTime'].replace('+', '%2B')}") as connection:
        found: list[str] = []
        while len(found) < 2:
            found += next_names(connection)
        assert found == ["a", "b"]
    with house.open(query, "stream=true&mediaType=application/xml") as connection:
        bring(house.admin, "x")
        text = connection.recv(timeout=WAIT)
        assert isinstance(text, str)
        document = read_xml(text.encode())
        assert (names(document), document["epcisBody"]["queryResults"]["queryName"]) == (["x"], "arrivals")
    with house.open(query, headers={"GS1-EPC-Format": "Always_EPC_URN"}) as connection:
        bring(house.admin, "c")
        told = connection.recv(timeout=WAIT)
        assert "urn:epc:class:lgtin:4012345.012345.c" in told
    until(lambda: "\nonecode_sockets_open 0\n" in metrics(house))
    assert 'route="/epcis/queries/{query}/events",status="101"' in metrics(house)


def metrics(house: House) -> str:
    return httpx2.get(f"{house.server.url}/metrics").text


def test_a_schedule_tells_what_came_since(house: House) -> None:
    query = named(house.admin)
    with house.open(query, "second=%5B0-59%5D&timeZone=Asia%2FShanghai&reportIfEmpty=true") as connection:
        assert next_names(connection) == []
        bring(house.admin, "a")
        told = next_names(connection)
        while not told:
            told = next_names(connection)
        assert told == ["a"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_no_subscription_is_refused_before_the_handshake(house: House) -> None:
    query = named(house.admin)
    controls = "epcisException:SubscriptionControlsException"
    for parameters in (
        "", "stream=false", "stream=maybe", "stream=true&hour=1", "hour=99", "stream=true&more=1",
        "stream=true&stream=true", "stream=true&initialRecordTime=noon", "stream=true&reportIfEmpty=x",
        "stream=true&epcFormat=x", "second=%00", "month=2&dayOfMonth=30",
    ):  # fmt: skip
        status, problem = house.refused(query, parameters)
        assert (status, problem["type"]) == (400, controls), parameters
        assert " · " in problem["detail"]
    assert house.refused("/epcis/queries/none")[0] == 404
    assert house.refused("/epcis/queries/%00")[0] == 404
    assert house.refused(query, key="ock_wrong")[0] == 401
    limited = named(house.admin, "limited", {"maxEventCount": 3})
    assert house.refused(limited)[1]["type"] == controls
    for parameters in ("stream=true", "hour=1&minute=5"):
        plain = house.admin.get(f"{query}/events?{parameters}")
        assert (plain.status_code, plain.json()["type"]) == (400, controls)
        assert "Upgrade: websocket" in plain.json()["detail"]
    other = {"Authorization": ""}
    assert house.refused(query, headers=other)[0] == 401
    with pytest.raises(InvalidStatus), house.open("/api/v1"):
        pass


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_handshake_that_cannot_be_read_is_answered_and_closed(house: House) -> None:
    host, port = house.server.url.removeprefix("http://").split(":")
    upgrade = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    for line, header, status in (("a=b&" * 5_000, "", 414), ("", f"X: {'x' * 20_000}\r\n", 431)):
        with socket.create_connection((host, int(port)), timeout=SECONDS) as opened:
            opened.sendall(f"GET /epcis/queries/q/events?{line} HTTP/1.1\r\n{header}{upgrade}\r\n\r\n".encode())
            told = b"".join(iter(lambda: opened.recv(65_536), b""))
        assert told.startswith(f"HTTP/1.1 {status} ".encode())


def test_there_are_so_many_of_one_owner_and_of_a_process(database: Database, tmp_path: Path) -> None:
    with housed(database, tmp_path, ONECODE_EPCIS_SOCKETS="2") as house:
        query = named(house.admin)
        with house.open(query) as stays:
            with house.open(query):
                status, problem = house.refused(query)
                assert (status, "WebSocket" in problem["detail"]) == (503, True)
            until(lambda: "\nonecode_sockets_open 1\n" in metrics(house))
            with house.open(query):
                bring(house.admin, "a")
                assert next_names(stays) == ["a"]


def test_the_end_of_a_query_ends_its_sockets(house: House) -> None:
    query, other = named(house.admin), named(house.admin, "other")
    with house.open(query) as connection, house.open(other) as stays:
        assert house.admin.request("DELETE", query).status_code == 204
        named(house.admin)  # another one of that name
        assert closed(connection) == (1000, "the query was deleted")
        bring(house.admin, "a")
        assert next_names(stays) == ["a"]


def test_a_key_that_is_revoked_ends_its_sockets(house: House) -> None:
    made = house.admin.made("/keys", {"name": "x", "role": "admin"})
    query = named(house.admin)
    with house.open(query, key=made["key"]) as connection:
        assert house.admin.post(f"/keys/{made['id']}/revoke").status_code == 200
        assert closed(connection) == (1008, "key-revoked")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_service_does_not_wait_for_sockets(database: Database, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with housed(database, tmp_path) as house:
            query = named(house.admin)
            connection = stack.enter_context(house.open(query))
        # Here it has ended, within the time that is waited for it.
        assert closed(connection)[0] in (1001, 1012)


def test_who_does_not_read_is_dropped(database: Database, tmp_path: Path) -> None:
    """Its memory is bounded: a document waits, then the connection is cut, whether or not it reads."""
    with housed(database, tmp_path) as house:
        query = named(house.admin)
        with raw_socket(house, query) as idle:
            large = "x" * 60_000
            for n in range(40):
                note = {f"ex:note{i}": large for i in range(10)}
                taken(house.admin, arrival(f"e{n}", **note))
            until(lambda: "\nonecode_sockets_open 0\n" in metrics(house))
            idle.settimeout(WAIT)
            rest = b""
            try:
                while piece := idle.recv(1_000_000):
                    rest = (rest + piece)[-100:]
            except ConnectionError:
                pass


def raw_socket(house: House, query: str) -> AbstractContextManager[socket.socket]:
    """A client that has shaken hands and reads nothing more."""
    address = house.server.url.removeprefix("http://").split(":")
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    opened.connect((address[0], int(address[1])))
    opened.sendall(
        f"GET {query}/events?stream=true HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {house.admin.key}\r\n\r\n".encode()
    )
    assert b" 101 " in opened.recv(15)
    return opened
