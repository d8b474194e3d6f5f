"""Pages of docs whose commands are run, in their order, against a real service; the shell reads them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
KEPT = re.compile(r"\s+# → (.+)$")

# Prints the arguments that the shell has made of a command's words instead of asking anybody, each ended by a NUL.
CURL = "curl() { for word; do printf '%s\\0' \"$word\"; done; }\n"


def commands(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each command of a page with what is kept of its answer: variable → field."""
    for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
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
    """What curl would do with these arguments, as far as the pages use it."""
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


def walked(page: str, given: dict[str, str], place: Path) -> tuple[list[tuple[str, httpx2.Response]], dict[str, str]]:
    """Runs a page's commands: each `curl` of it with its answer, and all that was kept. `given`: what the page says
    that its reader has, which it says in so many words."""
    variables, answers = dict(given), []
    for command, kept in commands(page):
        if re.match(r"[A-Z_]+=", command):
            assert command.split("=")[0] in given, "the page takes for given what it does not get"
            continue
        if not command.startswith("curl "):
            printed = shell(command, variables, place).split()
            variables |= {name: printed[int(place_in)] for name, place_in in kept.items()}
            continue
        answer = ask(shell(CURL + command, variables, place).split("\0")[:-1], place)
        assert answer.is_success or answer.status_code == 304, command + answer.text
        variables |= {name: field(answer, path) for name, path in kept.items()}
        answers.append((command, answer))
    return answers, variables
