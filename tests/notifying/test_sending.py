"""One try: where it connects to, whatever names resolve to."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence

import pytest

from app.domain.webhooks import Answer, Reach, reach
from app.notifying import sending
from tests.notifying.conftest import LOOPBACK
from tests.notifying.receiver import Receiver


def send(url: str, allowed: Reach, names: Sequence[Sequence[str]] = (), attempts: int = 1) -> tuple[Answer, int]:
    """What comes of it, and how often the name was asked for; it answers differently each time, as `names` say."""
    answers = list(names)
    asked = 0

    async def resolve(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return answers.pop(0)

    async def run() -> Answer:
        async with sending.http_client() as client:
            using = resolve if names else sending.resolve
            return await sending.send(client, url, {}, b"{}", allowed, attempt=attempts, seconds=10, resolve=using)

    return asyncio.run(run()), asked


def named(receiver: Receiver, name: str = "erp.example.cn") -> tuple[str, Reach]:
    return f"http://{name}:{receiver.port}/hook", reach([f"http://{name}:{receiver.port}"], LOOPBACK)


def test_the_name_is_asked_for_once_and_its_address_connected_to(receiver: Receiver) -> None:
    url, allowed = named(receiver)
    answer, asked = send(url, allowed, [["127.0.0.1"], ["192.0.2.9"]])
    assert (answer, asked) == (Answer(204), 1)
    assert receiver.got[0].headers["host"] == f"erp.example.cn:{receiver.port}"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["10.0.0.1", "192.168.0.1"], ["0.0.0.0"], []],
)
def test_a_name_that_leads_inside_is_not_followed(receiver: Receiver, addresses: list[str]) -> None:
    """Whatever it resolved to when it was registered."""
    url, allowed = named(receiver)
    answer, _ = send(url, Reach(allowed.hosts), [addresses])
    assert answer == Answer(None, "address not allowed")
    assert receiver.got == []


def test_of_several_addresses_those_that_may_be_reached_take_turns(receiver: Receiver) -> None:
    url, allowed = named(receiver)
    names = [["10.0.0.1", "127.0.0.1", "127.0.0.2"]]
    assert send(url, allowed, names, attempts=1)[0] == Answer(204)
    assert send(url, allowed, names, attempts=2)[0] == Answer(None, "ConnectError")  # nobody listens at the second
    assert send(url, allowed, names, attempts=3)[0] == Answer(204)


def test_a_host_that_is_no_longer_listed_is_not_spoken_to(receiver: Receiver) -> None:
    url, _ = named(receiver)
    assert send(url, reach([], LOOPBACK), [["127.0.0.1"]]) == (Answer(None, "host not listed"), 0)


def test_a_url_that_no_longer_reads_as_one(receiver: Receiver) -> None:
    assert send("https://e.cn\\x", Reach())[0] == Answer(None, "invalid")


def test_an_address_for_a_name_is_resolved_as_it_is(receiver: Receiver) -> None:
    allowed = reach([receiver.origin], LOOPBACK)
    assert send(f"{receiver.origin}/hook?x=1", allowed)[0] == Answer(204)
    assert receiver.got[0].path == "/hook?x=1"


def test_a_name_that_there_is_not() -> None:
    answer, _ = send("https://no.invalid/", reach(["no.invalid"], ()))
    assert answer == Answer(None, "gaierror")


def test_the_environments_proxy_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    url, allowed = named(receiver)
    assert send(url, allowed, [["127.0.0.1"]])[0] == Answer(204)


def test_the_certificate_asked_for_is_that_of_the_name() -> None:
    """The hello names the host, not the address; without a certificate for it nothing is sent."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, whole: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        allowed = reach([f"erp.example.cn:{port}"], LOOPBACK)
        answer, _ = send(f"https://erp.example.cn:{port}/", allowed, [["127.0.0.1"]])
        thread.join()
    assert answer == Answer(None, "ConnectError")
    assert names == ["erp.example.cn"]
