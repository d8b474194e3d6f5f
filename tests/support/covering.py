"""Statement coverage of the rules and the verbs, measured in the test run itself; what is unrun may only become less.

A run of everything is `pytest` without arguments; whoever picks tests is told nothing.
"""

import os
import shutil
import tempfile
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACE = "ONECODE_TEST_COVERAGE"
EVERYTHING = "not soak and not browser"
UNRUN = 60  # statements that no test runs yet; to be lowered to none and never raised
WHOLE = ("domain", "enrolling", "exchanging", "issuing", "recalling", "recording", "scanning", "tracing")


class Covering:
    """One for each process of the run."""

    def __init__(self, place: str, worker: str) -> None:
        self._place = place
        self._starter = worker == "starter"
        self._coverage = coverage.Coverage(data_file=f"{place}/data.{worker}", config_file=str(ROOT / "pyproject.toml"))
        self._gaps: list[str] = []
        self._unrun = 0
        self._coverage.start()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # A worker has saved what it saw before the process that started it comes here.
        self._coverage.stop()
        self._coverage.save()
        if not self._starter:
            return
        seen = coverage.Coverage(data_file=f"{self._place}/all", config_file=str(ROOT / "pyproject.toml"))
        seen.combine([str(path) for path in Path(self._place).glob("data.*")], keep=True)
        for path in sorted((ROOT / "app").rglob("*.py")):
            if path.relative_to(ROOT / "app").parts[0].removesuffix(".py") in WHOLE:
                missing = seen.analysis2(str(path))[3]
                self._unrun += len(missing)
                if missing:
                    self._gaps.append(f"{path.relative_to(ROOT)}: {', '.join(map(str, missing))}")
        shutil.rmtree(self._place)
        if self._unrun > UNRUN and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._gaps:
            told = f"{self._unrun} statements of rules and verbs that no test has run (at most {UNRUN})"
            terminalreporter.section(told, red=self._unrun > UNRUN)
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
