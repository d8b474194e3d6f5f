"""P12: memory of a worker after a million distinct scans and a million sales, beyond what it has at the start."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from app.domain import codes
from benchmarks import p5
from benchmarks.harness import KINDS, Kind, Result, Stage
from benchmarks.p1 import BROWSER, OURS, batches, drive, operator_key
from benchmarks.p3 import ASKED, EPOCH, MASTER, fill_receipts, goods_of
from benchmarks.p4 import fill, served

MOST = 150.0  # megabytes
NUMBER = (1_000_000, 20_000)  # of a full and of a quick run
GOODS = 40  # batches that the receipts are of: some 1,000 pairs
POSTS = 80  # lists of sales prepared at a time: two of every scale
SECONDS = 10.0


def run(stage: Stage) -> Iterator[Result]:
    number = NUMBER[stage.quick]
    for kind in KINDS:
        url = stage.database(kind)
        scales = fill(url)
        key = operator_key(url)
        with TemporaryDirectory(dir=stage.directory) as place:
            with served(url, Path(place), *OURS) as port:
                site, goods = goods_of(port, key, batches(port, key)[:GOODS])
            fill_receipts(url, number + int(ASKED * SECONDS), site, goods)
            with served(url, Path(place), *OURS) as port:
                yield _grown(kind, port, scales, number, Path(place))
        stage.drop(url)


def _grown(kind: Kind, port: int, scales: p5.Scales, number: int, place: Path) -> Result:
    start = _own_megabytes(port)
    for first in range(0, number, POSTS * p5.SALES):
        lists = min(POSTS, -(-(number - first) // p5.SALES))
        p5.drive(port, p5.posts(scales, 1 + first // len(scales), lists), 3_600.0)
    after_sales = _own_megabytes(port)
    secret = codes.receipt_secret(MASTER, 1, EPOCH)
    order = random.Random(5).sample(range(number + int(ASKED * SECONDS)), number + int(ASKED * SECONDS))
    scanned = 0
    while scanned < number:
        seconds = min(SECONDS, max(1.0, (number - scanned) / 2_000))
        some = order[scanned : scanned + int(ASKED * seconds)]
        asked = [codes.receipt_code(secret, codes.receipt_id(1, EPOCH, n)) for n in some]
        scanned += int(drive(port, asked, BROWSER, seconds, place) * seconds)
    end = _own_megabytes(port)
    what = f"MB after {number:,} sales ({after_sales:.0f}) and {scanned:,} scans ({end:.0f}), beyond {start:.0f}"
    return Result("P12", kind, what, end - start, MOST, "MB", (end - start) / MOST, 1.0)


def _own_megabytes(port: int) -> float:
    """What the server of the port has to itself; pages of files that it has mapped are everybody's."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            if b"uvicorn" in words and str(port).encode() in words and place.name != str(os.getpid()):
                [kilobytes] = [
                    line.split()[1]
                    for line in (place / "status").read_text().splitlines()
                    if line.startswith("RssAnon")
                ]
                return int(kilobytes) / 1_000
        except FileNotFoundError:  # it has ended meanwhile
            continue
    raise RuntimeError(f"no server on port {port}")
