"""docs/receipt-code.md: its implementations in Python and C say what the service says, whatever they are given."""

import csv
import hmac
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from app.domain import codes

DOCS = Path(__file__).resolve().parents[1] / "docs"
PLACE = DOCS / "receipt-code"
PAGE = (DOCS / "receipt-code.md").read_text("utf-8")
URL = "HTTPS://FOOD.EXAMPLE.CN"
RANDOM = 4_000
LONGEST = 60  # lines of a reference implementation

Input = tuple[bytes, int, int, int]  # secret, device, epoch, counter


def vectors() -> list[tuple[Input, str]]:
    with (PLACE / "vectors.csv").open(newline="") as file:
        return [
            ((bytes.fromhex(row["secret"]), int(row["device"]), int(row["epoch"]), int(row["counter"])), row["code"])
            for row in csv.DictReader(file)
        ]


def drawn() -> Iterator[Input]:
    """Anywhere in the ranges, and often at their ends."""
    random = Random(2026)
    for _ in range(RANDOM):
        device, epoch, counter = (
            random.choice((low, high, random.randint(low, high), random.randint(low, high)))
            for low, high in ((1, 2**25 - 1), (0, 255), (0, 2**30 - 1))
        )
        yield random.randbytes(32), device, epoch, counter


def ours(made_of: Input) -> str:
    """What the service says, as both programs print it."""
    secret, *name = made_of
    code = codes.receipt_code(secret, codes.receipt_id(*name))
    return f"{code} {codes.grouped(code)} {codes.qr_url(URL.lower(), code)}"


def told(command: Sequence[str], inputs: Sequence[Input]) -> list[str]:
    lines = "".join(f"{secret.hex()} {device} {epoch} {counter}\n" for secret, device, epoch, counter in inputs)
    done = subprocess.run([*command, URL], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> str:
    compiler = shutil.which("cc")
    assert compiler is not None, "no C compiler: install one (Debian: apt-get install gcc libc6-dev)"
    program = str(tmp_path_factory.mktemp("c") / "receipt_code")
    strict = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2")
    done = subprocess.run(
        [compiler, *strict, "-o", program, str(PLACE / "receipt_code.c")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return program


def test_the_vectors_are_what_the_service_says() -> None:
    known = vectors()
    assert len(known) >= 12
    for (secret, *name), code in known:
        assert codes.receipt_code(secret, codes.receipt_id(*name)) == code
    # They go to the ends of every range.
    for place, ends in enumerate(((1, 2**25 - 1), (0, 255), (0, 2**30 - 1)), 1):
        seen = [i[place] for i, _ in known]
        assert (min(seen), max(seen)) == ends
    macs = [hmac.digest(i[0], codes.receipt_id(*i[1:]).to_bytes(8, "big"), "sha256") for i, _ in known]
    assert any(mac[0] == 0 for mac in macs)
    assert any(mac[4] == 0 for mac in macs)


def test_python_says_the_same() -> None:
    inputs = [*(i for i, _ in vectors()), *drawn()]
    assert told([sys.executable, str(PLACE / "receipt_code.py")], inputs) == [ours(i) for i in inputs]


def test_c_says_the_same(compiled: str) -> None:
    inputs = [*(i for i, _ in vectors()), *drawn()]
    assert told([compiled], inputs) == [ours(i) for i in inputs]


@pytest.mark.parametrize("name", [(0, 0, 0), (2**25, 0, 0), (1, 256, 0), (1, 0, 2**30)])
def test_both_refuse_what_is_out_of_range(compiled: str, name: tuple[int, int, int]) -> None:
    line = " ".join(map(str, ("00" * 32, *name)))
    for command in ([sys.executable, str(PLACE / "receipt_code.py")], [compiled]):
        done = subprocess.run([*command, URL], input=line, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert done.stdout == ""


def test_the_implementations_are_short() -> None:
    for name in ("receipt_code.py", "receipt_code.c"):
        assert len((PLACE / name).read_text().splitlines()) <= LONGEST, name


def test_the_worked_example_is_right() -> None:
    example = dict(re.findall(r"^(\S+) {2,}(.+)$", PAGE.split("## 例")[1].split("```")[1], re.MULTILINE))
    secret = bytes.fromhex(example["receipt_secret"])
    device, epoch, counter = map(int, re.findall(r"\d+", example["device_number"]))
    number = codes.receipt_id(device, epoch, counter)
    mac = hmac.digest(secret, number.to_bytes(8, "big"), "sha256")
    code = codes.receipt_code(secret, number)
    assert example["number"] == f"{number:016x}"
    assert example["HMAC-SHA256"] == mac.hex()
    assert example["mac"] == mac[:5].hex()
    assert [int(value) for value in example["values"].split()] == [codes.ALPHABET.index(char) for char in code]
    assert example["code"] == code
    assert example["aloud"] == codes.grouped(code)
    assert example["symbol"] == codes.qr_url("https://food.example.cn", code)


def test_the_page_names_the_alphabet_and_the_groups() -> None:
    assert codes.ALPHABET in PAGE
    assert "R-XXXX-XXXX-XXXX-XXXX-XXXXX-C" in PAGE
    _, shape = vectors()[0]
    assert [len(group) for group in codes.grouped(shape).split("-")] == [1, 4, 4, 4, 4, 5, 1]


def test_capitals_make_the_symbol_smaller_as_the_page_says() -> None:
    from app.web import symbols

    code = vectors()[0][1]
    small, capitals = f"https://food.example.cn/c/{code}", codes.qr_url("https://food.example.cn", code)
    sizes = (len(symbols.modules(capitals)), len(symbols.modules(small)))
    assert sizes == (29, 33)
    assert "{} modules across instead of {}".format(*sizes) in PAGE
