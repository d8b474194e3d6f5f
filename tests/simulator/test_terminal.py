"""The command: what it shows, how it is ended early, and its exit codes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from app import logs
from app.__main__ import cli
from app.simulator import Plan, play, terminal
from app.simulator.running import Watcher
from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support.cast import operator_key
from tests.support.databases import Database
from tests.support.server import Server, serving


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, database.url) as started:
        yield started


def test_the_command_plays_and_reconciles(
    server: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "configure", lambda _level: None)
    monkeypatch.setenv("ONECODE_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "200")
    asked = ["simulate-scales", "--markets", "2", "--stalls", "3", "--sales", "10", "--seconds", "0.5"]
    done = CliRunner().invoke(cli, [*asked, "--url", server.url])
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "the books agree, to the gram and the fen" in done.stdout
    assert "002市场" in done.stdout
    assert "6 台秤 scales + 1 复制 copied" in done.stdout
    unknown = CliRunner().invoke(cli, [*asked, "--url", server.url, "--key", "ock_nobody_nothing"])
    assert unknown.exit_code == 1
    assert "401" in unknown.stderr
    gone = CliRunner().invoke(cli, [*asked, "--url", "http://127.0.0.1:9"])
    assert gone.exit_code == 1
    assert "nobody answers there" in gone.stderr


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_ctrl_c_ends_the_selling_and_what_was_sold_is_compared(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = terminal.progress

    @contextmanager
    def impatient(screen: Console) -> Iterator[Watcher]:
        with shown(screen) as watch:

            def interrupted(stage: str, done: int, total: int) -> None:
                if stage == "sell" and done >= 8 and not seen:
                    seen.append(done)
                    signal.raise_signal(signal.SIGINT)
                watch(stage, done, total)

            yield interrupted

    seen: list[int] = []
    monkeypatch.setattr(terminal, "progress", impatient)
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    engine.dispose()
    before = signal.getsignal(signal.SIGINT)
    screen = Console(record=True, width=120, quiet=True)
    report = play(Plan(1, 3, 100, seconds=120), server.url, key, screen)
    assert signal.getsignal(signal.SIGINT) is before
    assert report.stopped
    assert report.closed, report.differences.told
    assert 4 <= report.theirs.sales < 300


def test_differences_are_shown_and_end_with_exit_code_1(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "configure", lambda _level: None)
    monkeypatch.setenv("ONECODE_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("app.simulator.reconciling._claims", lambda claim, sale: False)
    asked = ["simulate-scales", "--markets", "1", "--stalls", "1", "--sales", "30", "--seconds", "0.2"]
    done = CliRunner().invoke(cli, [*asked, "--url", server.url])
    assert done.exit_code == 1
    assert "a claim that nobody made" in done.stdout
    assert "60 处不符 · differences" in done.stdout
