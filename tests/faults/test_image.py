"""The steps of the Dockerfile, one by one, without a container engine: what it installs serves and is healthy."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
BUILD, FINAL = DOCKERFILE.split("FROM python:3.11-slim\n")


def settings(stage: str) -> dict[str, str]:
    """Variables of the ENV lines."""
    words = [word for line in re.findall(r"^ENV (.+)$", stage, re.MULTILINE) for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


@pytest.mark.soak
def test_what_the_image_installs_serves_and_is_healthy(tmp_path: Path) -> None:
    place, data, build = tmp_path / "onecode", tmp_path / "data", tmp_path / "build"
    build.mkdir()
    data.mkdir()
    for line in re.findall(r"^COPY (?!--from)(.+)$", BUILD, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, build / target)
            else:
                shutil.copy(ROOT / source, build / target)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {**settings(BUILD), "UV_PROJECT_ENVIRONMENT": str(place)}
    _, install = re.findall(r"^RUN (.+)$", BUILD, re.MULTILINE)
    uv, *arguments = shlex.split(install)
    subprocess.run([os.environ.get("UV", uv), *arguments], cwd=build, env=environment, check=True)

    served = {name: value.replace("/data", str(data)) for name, value in settings(FINAL).items() if name != "PATH"}
    [command] = re.findall(r"^CMD (\[.+\])$", FINAL, re.MULTILINE)
    port = str(free_port())
    program, *options = json.loads(command)
    process = subprocess.Popen(
        [place / "bin" / program, *options, "--port", port], cwd=data, env={**environment, **served}
    )
    try:
        [health] = re.findall(r"^HEALTHCHECK .*CMD (\[.+\])$", FINAL, re.MULTILINE)
        interpreter, *check = json.loads(health.replace(":8000", f":{port}"))
        for _ in range(100):
            healthy = subprocess.run([place / "bin" / interpreter, *check], capture_output=True, check=False)
            if healthy.returncode == 0 or process.poll() is not None:
                break
        assert healthy.returncode == 0, healthy.stderr
    finally:
        process.terminate()
        process.wait(60)
    assert {"onecode.db", "onecode.secret"} <= {path.name for path in data.iterdir()}
