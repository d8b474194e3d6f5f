"""docs/integrating-a-scale.md: every command in it, in its order, against a real service; the shell reads them."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast, operator_key
from tests.support.server import serving

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "integrating-a-scale.md").read_text()
KEPT = re.compile(r"\s+# → (.+)$")

# Prints the arguments that the shell has made of a command's words instead of asking anybody, each ended by a NUL.
CURL = "curl() { for word; do printf '%s\\0' \"$word\"; done; }\n"


def commands() -> Iterator[tuple[str, dict[str, str]]]:
    """Each command of the page with what is kept of its answer: variable → field."""
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        lines: list[str] = []
        for line in block.splitlines():
            lines.append(line)
            whole = "\n".join(lines)
            if line.endswith("\\") or KEPT.sub("", whole).count("'") % 2:
                continue
            kept = KEPT.search(whole)
            wanted = dict(pair.split() for pair in kept[1].split(", ")) if kept else {}
            yield KEPT.sub("", whole), wanted
            lines = []
        assert not lines, block


def shell(command: str, variables: dict[str, str], place: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", command], env={"PATH": path, **variables}, cwd=place, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, command + done.stderr
    return done.stdout


def ask(words: list[str], place: Path) -> httpx2.Response:
    """What curl would do with these arguments, as far as the page uses it."""
    method, url, headers, body = None, "", {}, None
    rest = iter(words)
    for word in rest:
        if word in ("-s", "-i"):
            continue
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest).encode()
        elif word == "--data-binary":
            body = (place / next(rest).removeprefix("@")).read_bytes()
        else:
            assert not word.startswith("-"), word
            url = word
    return httpx2.request(method or ("POST" if body else "GET"), url, headers=headers, content=body, timeout=30)


def field(answer: httpx2.Response, path: str) -> str:
    if path in answer.headers:
        return answer.headers[path]
    found: Any = answer.json()
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    return str(found)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A service of its own, and what the page takes for given."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    url = f"sqlite:///{tmp_path}/onecode.db"
    with serving(tmp_path, url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        engine = open_engine(url)
        writer = Writer(engine)
        cast = Cast(client, operator_key(writer))
        writer.close()
        engine.dispose()
        batch = deliver(cast, harvest(cast), "10", cast.stall)
        assert cast.market.key is not None
        yield {
            "cast": cast,
            "place": tmp_path,
            "given": {
                "ONECODE": server.url, "MARKET_KEY": cast.market.key, "STALL": cast.stall.site["id"],
                "PRODUCT": batch["product_id"],
            },
        }  # fmt: skip


def test_from_enrolment_to_the_first_receipt(page: dict[str, Any]) -> None:
    variables, place, cast = dict(page["given"]), page["place"], page["cast"]
    statuses = []
    for command, kept in commands():
        if re.match(r"[A-Z_]+=", command):
            assert command.split("=")[0] in page["given"], "the page takes for given what it does not get"
            continue
        if not command.startswith("curl "):
            printed = shell(command, variables, place).split()
            variables |= {name: printed[int(place_in)] for name, place_in in kept.items()}
            continue
        answer = ask(shell(CURL + command, variables, place).split("\0")[:-1], place)
        statuses.append(answer.status_code)
        assert answer.is_success or answer.status_code == 304, command + answer.text
        variables |= {name: field(answer, path) for name, path in kept.items()}
        if command.find("ndjson.gz") > 0:
            assert json.loads(answer.text.splitlines()[-1])["summary"]["recorded"] == 1
    # Enrol, activate, who, prices, stock, 304, sale, day, scan, who, a new code, lock.
    assert statuses == [201, 200, 200, 200, 200, 304, 200, 200, 200, 200, 200, 200]
    # What the scale printed offline is what the service calls it, and a shopper's scan tells of it.
    assert variables["RECEIPT"] == variables["SAME"]
    assert variables["STATUS"] in ("ok", "incomplete")
    [scale] = cast.market.get("/devices").json()["items"]
    assert (scale["firmware"], scale["status"], scale["id"]) == ("ACS-30 2.4.1", "locked", variables["DEVICE"])
    alert_free = [alert["slug"] for alert in cast.market.get("/alerts").json()["items"]]
    assert "clock_ahead" not in alert_free
    assert "clock_behind" not in alert_free


def test_the_page_is_one_page() -> None:
    assert len(PAGE.splitlines()) < 160
    for command, _ in commands():
        assert shlex.split(KEPT.sub("", command), comments=True)
