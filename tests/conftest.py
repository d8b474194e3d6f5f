"""Prepares a run: whose settings count, where its PostgreSQL lives, whether coverage is measured; then the fixtures."""

import gc
import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support import covering  # noqa: E402

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
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


# Begun first, in this order: each takes many seconds, and begun last it would keep everybody waiting for it alone.
LONG = (
    "test_no_request_breaks_the_service",
    "test_types_are_complete",
    "test_a_job_is_gone_on_with_after_a_kill",
    "test_a_lot_that_reached_everybody",
    "test_every_role_at_every_door",
    "tests/faults/test_scales.py",
    "tests/faults/test_kill.py",
    "tests/faults/test_serve.py",
    "test_who_does_not_read_is_dropped",
    "test_the_commands_of_the_readme_run",
    "tests/test_demo.py",
    "tests/faults/test_stalled.py",
    "test_random_trade_agrees_with_a_plain_ledger",
    "test_an_index_finds_what_looking_at_everything_finds",
    "test_the_store_loads_all_that_a_decision_looks_at",
    "tests/faults/test_another_process.py",
    "tests/recording/test_sales_flood.py",
)


def _rank(item: pytest.Item) -> int | None:
    return next((rank for rank, name in enumerate(LONG) if name in item.nodeid), None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At first every worker is given an equal part of the tests, one after another: each part begins with long ones."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ranks = {item: rank for item in items if (rank := _rank(item)) is not None}
    long = sorted(ranks, key=ranks.__getitem__)
    short = [item for item in items if item not in ranks]
    left = len(items)
    items.clear()
    for number in range(workers):
        share = long[number::workers]
        fill = max(0, left // (workers - number) - len(share))
        items += share + short[:fill]
        del short[:fill]
        left -= len(share) + fill


def pytest_collection_finish() -> None:
    # What was loaded stays to the end: the collector need not look at it again and again, nor after so little as 700
    # new objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)


def pytest_configure(config: pytest.Config) -> None:
    # Before anything of the application is imported: what a module defines is run as it is imported.
    covering.cover(config)
    config.pluginmanager.import_plugin("tests.support.fixtures")
    if not hasattr(config, "workerinput"):
        from tests.support import postgres

        postgres.choose_place()
        # Tests kill processes, never the machine: their SQLite files need not wait for the disk.
        if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and "ONECODE_TEST_POSTGRES" in os.environ:
        from tests.support import postgres

        postgres.stop_server()
