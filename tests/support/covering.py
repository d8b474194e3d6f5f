"""Statement coverage of the rules and the verbs, measured in the test run itself, which fails where one was not run.

A run of everything is `pytest` without arguments; whoever picks tests is told nothing.
"""

import json
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from slipcover import Slipcover
from slipcover.importer import FileMatcher, ImportManager

ROOT = Path(__file__).resolve().parents[2]
PLACE = "ONECODE_TEST_COVERAGE"
EVERYTHING = "not soak and not browser"
WHOLE = (
    "domain", "enrolling", "exchanging", "issuing", "notifying", "overseeing", "recalling", "recording", "resolving",
    "retaining", "scanning", "tracing",
)  # fmt: skip
# Marks of what has run are taken out of the code before these tests of a process, when nothing else runs: that looks at
# every function that there is, and begun by a mark that is worn it would be in the midst of some thread's work.
TIDIED = frozenset((20, 80, 250, 800))
NEVER = 1 << 30
STUBS = r"\.\.\.$"  # what a protocol has for a body


class Covering:
    """One for each process of the run."""

    def __init__(self, place: str, worker: str) -> None:
        self._place = Path(place)
        self._worker = worker
        self._gaps: list[str] = []
        self._tests = 0
        packages = [str(ROOT / "app" / name) for name in WHOLE if (ROOT / "app" / name).is_dir()]
        self._slipcover = Slipcover(source=packages, exclude_also=[STUBS], d_miss_threshold=NEVER)
        ImportManager(self._slipcover, FileMatcher(sources=packages)).__enter__()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._tests += 1
        if self._tests in TIDIED:
            self._slipcover.deinstrument_seen()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # A worker has saved what it saw before the process that started it comes here.
        (self._place / self._worker).write_text(json.dumps(self._slipcover.get_coverage()["files"]))
        if self._worker != "starter":
            return
        there, run = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
        for seen in self._place.iterdir():
            for path, lines in json.loads(seen.read_text()).items():
                there[path].update(lines["missing_lines"])
                run[path].update(lines["executed_lines"])
        for path in sorted(there):
            missing = sorted(there[path] - run[path])
            if missing:
                self._gaps.append(f"{path}: {', '.join(map(str, missing))}")
        shutil.rmtree(self._place)
        if self._gaps and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._gaps:
            terminalreporter.section("statements of rules and verbs that no test has run", red=True)
            for gap in self._gaps:
                terminalreporter.line(gap)
        else:
            terminalreporter.line(f"every statement of {', '.join(WHOLE)} was run")


def cover(config: pytest.Config) -> None:
    """Starts measuring, before anything of `app` is imported, where everything is run."""
    worker = getattr(config, "workerinput", None)
    option = config.option
    everything = config.args == config.getini("testpaths") and option.markexpr == EVERYTHING
    if worker is None and everything and not (option.keyword or option.lf or option.deselect or option.collectonly):
        os.environ[PLACE] = tempfile.mkdtemp(prefix="onecode-coverage-")
    if PLACE in os.environ:
        config.pluginmanager.register(Covering(os.environ[PLACE], worker["workerid"] if worker else "starter"))
