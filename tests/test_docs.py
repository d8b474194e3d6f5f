"""What the documents say is what there is: settings, routes, kinds, problems, systems, commands."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from app.domain.events import KINDS
from app.domain.rights import Role
from app.settings import Settings
from app.store import tables
from app.store.engine import open_engine
from app.web.problem_texts import TEXTS
from tests.support.server import commanded, serving

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()


def first_cells(text: str, heading: str) -> list[str]:
    """The code in the first column of the table under a heading."""
    part = text.split(heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(ONECODE_\w+)` \| (?:`([^`]*)`|–) \|", README, re.MULTILINE))
    settings = Settings.model_fields
    assert set(rows) == {f"ONECODE_{name.upper()}" for name in settings}
    for name, field in settings.items():
        shown = rows[f"ONECODE_{name.upper()}"]
        assert shown == {True: "true", False: "false", (): "", None: ""}.get(field.default, str(field.default)), name


def test_every_route_is_in_the_documents(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    documented = set(first_cells(API, "## 地址"))
    assert documented - {"GET /docs", "GET /openapi.json"} == routes
    assert client.get("/docs").status_code == 200


def test_every_kind_of_event_is_in_the_documents() -> None:
    assert first_cells(API, "## 事件") == list(KINDS)


def test_every_problem_is_in_the_documents() -> None:
    assert first_cells(API, "## 错误") == list(TEXTS)


def test_every_role_is_in_the_readme() -> None:
    part = README.split("## 角色", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"`(\w+)`", part)) >= set(Role)


def test_every_system_leads_to_its_test_and_every_scenario_to_a_system() -> None:
    rows = re.findall(r"^\| (S\d\d) \| .+ \| (.+) \|$", README, re.MULTILINE)
    assert [name for name, _ in rows] == [f"S{number:02}" for number in range(1, 30)]
    linked = {}
    for name, cell in rows:
        if "coming" in cell:
            continue
        [path] = re.findall(r"\((tests/scenarios/[^)]+)\)", cell)
        assert Path(path).name.startswith(f"test_{name.lower()}_")
        linked[path] = name
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "scenarios").glob("test_s*.py")}
    assert set(linked) == there


def test_every_test_of_the_conformance_record_is_there() -> None:
    """`path::name`, or a name alone, of the resolver's; no criterion without one."""
    text = (ROOT / "docs" / "conformance.md").read_text()
    named = re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", text)
    assert len(named) >= 80
    resolver = "".join(path.read_text() for path in (ROOT / "tests" / "web").glob("test_resolver*.py"))
    for path, name in named:
        source = (ROOT / path).read_text() if path else resolver
        assert re.search(rf"def {name}\(", source), f"{path}::{name}"
    for path in re.findall(r"`(tests/[\w/.]+\.py)", text):
        assert (ROOT / path).exists(), path
    rows = re.findall(r"^\| (?!criterion|---)(.+) \|$", text, re.MULTILINE)
    assert [row for row in rows if "`test" not in row and not row.endswith("not built")] == []


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def commands(text: str) -> Iterator[str]:
    """Lines of the shell blocks, without their comments."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.strip():
                yield line.split("  #")[0].strip()


# Tried by other means: installing (in the pipeline, on a machine without uv), the tests themselves, container engines,
# the demonstration (tests/test_demo.py), and the simulator (tests/simulator).
TRIED = (
    "pip install uv && uv run onecode serve --demo",
    "python3 -m venv",
    "uv run pytest",
    "uv run onecode simulate-",
    "docker ",
)


def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, in an empty directory beside the examples; restore goes where the backup did not come from."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    run = [command for command in commands(README) if not command.startswith(TRIED)]
    assert len(run) == 11
    environment: dict[str, str] = {}
    for number, command in enumerate(run):
        words = shlex.split(command.removeprefix("uv run "))
        assert words.pop(0) == "onecode"
        if words[0] == "serve":
            with serving(tmp_path, f"sqlite:///{tmp_path}/onecode.db") as server:
                assert httpx2.get(f"{server.url}/readyz").status_code == 200
            continue
        if words[:2] == ["db", "restore"]:
            environment["ONECODE_DATABASE_URL"] = "sqlite:///restored.db"
        if number == len(run) - 1:  # one of them as a shell starts it: to load the program takes seconds
            started = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
            subprocess.run([sys.executable, "-m", "app", *words], env=started, check=True)
        else:
            commanded(words, tmp_path, **environment)
    engine = open_engine("sqlite:///restored.db")
    with engine.connect() as connection:
        assert connection.execute(tables.event.select()).fetchall()
    engine.dispose()


def test_the_dockerfile_does_what_the_readme_does() -> None:
    """Its steps are commands of the README, of `.ci/run` or of the soak test that walks through them."""
    steps = re.findall(r"^RUN (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert steps[0] == "pip install --no-cache-dir uv"
    assert steps[1] == "uv sync --frozen --no-dev --no-editable"
    assert len(steps) == 3
