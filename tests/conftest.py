"""Prepares a run: whose settings count, where its PostgreSQL lives, whether coverage is measured; then the fixtures."""

import os

import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support import covering  # noqa: E402

KEPT = ("ONECODE_VECTORS", "ONECODE_ARTEFACTS", covering.PLACE, "ONECODE_TEST_POSTGRES")

# A laptop's own settings are none of the tests' business.
for _name in [name for name in os.environ if name.startswith("ONECODE_") and name not in KEPT]:
    del os.environ[_name]


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
