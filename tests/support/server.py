"""A real `onecode serve` process on a loopback port, to be killed.

It is forked from a process that has loaded the program once: to start again after a kill takes half a second.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["app.__main__"])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class Server:
    """`url` to speak to, and the process behind it."""

    url: str
    process: ForkServerProcess
    log: Path

    def printed(self, end: str) -> str:
        """What it has printed, as soon as `end` is in it."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            text = self.log.read_text()
            if end in text:
                return text
            time.sleep(0.05)
        raise AssertionError(f"never printed {end!r}:\n{self.log.read_text()}")

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """As a power cut takes it: no clean-up runs."""
        self.signal(signal.SIGKILL)
        self.process.join()


@contextmanager
def serving(
    directory: Path, database_url: str, *arguments: str, port: int | None = None, **environment: str
) -> Iterator[Server]:
    """Starts `onecode serve` and waits until it is ready; ends it with SIGTERM where the test has not killed it.

    `port`: where it listened before, for clients that wait for it to come back."""
    port = free_port() if port is None else port
    settings = {
        "ONECODE_DATABASE_URL": database_url,
        "ONECODE_SECRET_FILE": str(directory / "onecode.secret"),
        "ONECODE_FILES_DIR": str(directory / "files"),
        **environment,
    }
    log = directory / "serve.log"
    process = _processes.Process(target=_run, args=(["serve", "--port", str(port), *arguments], settings, log, ROOT))
    process.start()
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _await_ready(server)
        yield server
    finally:
        if process.is_alive():
            process.terminate()
        process.join(START_SECONDS)
        assert process.exitcode is not None, "the server did not end"


def commanded(arguments: list[str], directory: Path, **environment: str) -> None:
    """Runs `onecode` with these arguments in the directory, to its end; fails unless it exits with 0."""
    log = directory / "command.log"
    log.unlink(missing_ok=True)
    process = _processes.Process(target=_run, args=(arguments, environment, log, directory))
    process.start()
    process.join(START_SECONDS)
    assert process.exitcode == 0, f"onecode {' '.join(arguments)}:\n{log.read_text() if log.exists() else ''}"


def _run(arguments: list[str], environment: Mapping[str, str], log: Path, directory: Path) -> None:
    from app.__main__ import cli

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(directory)
    os.environ.update(environment)
    cli(arguments)


def _await_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client() as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{server.url}/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            if not server.process.is_alive():
                break
            time.sleep(0.01)
    raise AssertionError(f"the server did not start:\n{server.log.read_text() if server.log.exists() else ''}")
