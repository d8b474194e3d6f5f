"""The rules that a machine can hold the code to: form, types, rings, size."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APP = sorted((ROOT / "app").rglob("*.py"))
MIGRATIONS = sorted((ROOT / "migrations").rglob("*.py"))
CODE = [*APP, *sorted((ROOT / "benchmarks").rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES = 450


# Which of our packages may import which of others'.
HTTP = {"fastapi", "starlette", "pydantic", "pydantic_settings", "uvicorn"}
SQL = {"sqlalchemy", "psycopg", "alembic"}
EDGE = {"__main__", "commands", "main", "settings", "web"}


def run(program: str, *arguments: str) -> None:
    """A tool of the environment that the tests run in; what it says is the reason of a failure."""
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", ".")


def test_ruff_would_format_nothing() -> None:
    run("ruff", "format", "--check", ".")


def test_types_are_complete() -> None:
    run("mypy")


def test_imports_point_down() -> None:
    run("lint-imports", "--no-cache")


def ring(path: Path) -> str:
    """The part of `app` that a file belongs to: domain, store, a verb, web, main…"""
    return path.relative_to(ROOT / "app").parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Dotted names of everything that the file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(names: set[str]) -> set[str]:
    """Rings that import one of the packages."""
    return {ring(path) for path in APP if names & {name.split(".")[0] for name in imported(path)}}


def test_the_domain_knows_the_standard_library_alone() -> None:
    for path in APP:
        if ring(path) == "domain":
            foreign = {n for n in imported(path) if n.split(".")[0] not in sys.stdlib_module_names}
            assert {n for n in foreign if not n.startswith("app.domain")} == set(), path


def test_http_stays_at_the_edge() -> None:
    assert importers(HTTP) <= EDGE


def test_sql_stays_in_the_store() -> None:
    assert importers(SQL) == {"store"}


def test_settings_are_read_at_the_edge_and_passed_down() -> None:
    knowing = {ring(path) for path in APP if "app.settings.Settings" in imported(path)}
    assert knowing <= EDGE
    reading = {
        str(path.relative_to(ROOT))
        for path in [*APP, *MIGRATIONS]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Settings"
    }
    assert reading == {"app/main.py", "app/__main__.py", "app/commands/__init__.py", "migrations/env.py"}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("BaseHTTPMiddleware", "it takes three quarters of the throughput"),
        ("recursive=True", "a sharded database refuses recursive queries"),
        ("RECURSIVE", "a sharded database refuses recursive queries"),
        (".cte(recursive", "a sharded database refuses recursive queries"),
    ],
)
def test_what_is_nowhere(word: str, why: str) -> None:
    assert [str(path) for path in APP if word in path.read_text()] == [], why


def test_no_file_is_too_long_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): length for path in CODE if (length := len(path.read_text().splitlines())) > LINES
    }
    assert long == {}


def test_no_test_is_left_out() -> None:
    """Markers that would let a failing test pass."""
    found = {
        f"{path.relative_to(ROOT)}:{node.attr}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail")
    }
    assert found <= {"tests/support/fixtures.py:skip"}, "test vectors alone may be absent"


def test_the_top_level_holds_what_it_may() -> None:
    allowed = {
        "app", "migrations", "tests", "benchmarks", "docs", ".ci", "alembic.ini", "pyproject.toml", "Dockerfile",
        "README.md", "CHANGELOG.md", "LICENSE", "uv.lock", ".gitignore",
    }  # fmt: skip
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:  # a copy without its history has nothing to be listed
        assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= allowed
