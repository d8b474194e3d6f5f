"""`python -m benchmarks [NAME…] [--quick] [--directory DIR]`: one table, and the same as JSON in artefacts/."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import oversight, p1, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15
from benchmarks.harness import Result, Stage, report, stage, table

BENCHMARKS: dict[str, Callable[[Stage], Iterator[Result]]] = {
    "P1": p1.run,  # and P2
    "P3": p3.run,
    "P4": p4.run,
    "P5": p5.run,
    "P6": p6.run,
    "P7": p7.run,
    "P8": p8.run,
    "P9": p9.run,
    "P10": p10.run,
    "P11": p11.run,
    "P12": p12.run,
    "P13": p13.run,
    "P14": p14.run,
    "P15": p15.run,
    "OVERSIGHT": oversight.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="less data and fewer runs: whether it works, not how fast")
    parser.add_argument("--directory", type=Path, help="where the databases go; 30 GB for P6 (default: temporary)")
    asked = parser.parse_args()
    # Asked to stop, it still stops the server and gives the room back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [name.upper() for name in asked.names] or list(BENCHMARKS)
    if unknown := sorted(set(names) - BENCHMARKS.keys()):
        parser.error(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    results: list[Result] = []
    with stage(asked.quick, asked.directory) as place:
        for name in names:
            for result in BENCHMARKS[name](place):
                print(f"{result.id} {result.database}: {result.what}: {result.ratio:.2f}", file=sys.stderr, flush=True)
                results.append(result)
    command = " ".join(["python -m benchmarks", *names, *(["--quick"] if asked.quick else [])])
    file = report(results, command, Path("artefacts"))
    print(table(results))
    print(f"\n{command} · {os.cpu_count()} cores · {file}")


if __name__ == "__main__":
    main()
