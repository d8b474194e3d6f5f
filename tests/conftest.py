"""Prepares a run: whose settings count, where its PostgreSQL lives, whether coverage is measured; then the fixtures."""

import os
import sys
from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support import covering  # noqa: E402

KEPT = ("ONECODE_VECTORS", "ONECODE_ARTEFACTS", covering.PLACE, "ONECODE_TEST_POSTGRES")

# Where Python may not write what it compiles beside the source, every process of the run would compile it all anew.
if sys.dont_write_bytecode:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ["PYTHONPYCACHEPREFIX"]

# A laptop's own settings are none of the tests' business.
for _name in [name for name in os.environ if name.startswith("ONECODE_") and name not in KEPT]:
    del os.environ[_name]


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("onecode", deadline=None)
hypothesis.settings.load_profile("onecode")


def pytest_xdist_auto_num_workers() -> int:
    """Half of the time a test waits: for a commit, a process, a second that has to pass."""
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_configure(config: pytest.Config) -> None:
    # Before anything of the application is imported: what a module defines is run as it is imported.
    covering.cover(config)
    config.pluginmanager.import_plugin("tests.support.fixtures")
    if not hasattr(config, "workerinput"):
        from tests.support import postgres

        postgres.choose_place()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and "ONECODE_TEST_POSTGRES" in os.environ:
        from tests.support import postgres

        postgres.stop_server()
