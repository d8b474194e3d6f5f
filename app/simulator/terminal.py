"""A run in a terminal: a bar for each of its parts, Ctrl-C to end it early, and the books side by side."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.simulator.plan import Plan
from app.simulator.reconciling import Sum, total
from app.simulator.running import Report, Watcher, simulate

STAGES = {"enrol": "登记 · enrolling", "sell": "销售 · selling", "compare": "对账 · comparing"}
FEW = 20  # differences that are printed


def play(plan: Plan, url: str, key: str, screen: Console) -> Report:
    """Plays the plan against the service at `url` and shows the report.

    Ctrl-C ends the selling, and what was sold until then is compared; a second one ends the comparison too. Raises
    SimulationFailed, KeyboardInterrupt."""

    async def played() -> Report:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def ended(_number: int, _frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            loop.call_soon_threadsafe(stop.set)

        before = signal.signal(signal.SIGINT, ended)
        limits = httpx.Limits(max_connections=plan.connections, max_keepalive_connections=plan.connections)
        timeout = httpx.Timeout(30.0, pool=None)
        try:
            with progress(screen) as watch:
                async with httpx.AsyncClient(base_url=url, limits=limits, timeout=timeout, trust_env=False) as client:
                    return await simulate(plan, client, key, stop=stop, watch=watch)
        finally:
            signal.signal(signal.SIGINT, before)

    report = asyncio.run(played())
    show(report, screen)
    return report


@contextmanager
def progress(screen: Console) -> Iterator[Watcher]:
    """A bar for each part, shown while it lasts."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=screen
    ) as bars:
        tasks = {stage: bars.add_task(title, total=None, start=False) for stage, title in STAGES.items()}

        def watch(stage: str, done: int, total: int) -> None:
            task = tasks[stage]
            if not bars.tasks[task].started:
                bars.start_task(task)
            bars.update(task, completed=done, total=total)

        yield watch


def show(report: Report, screen: Console) -> None:
    """The books side by side, what was answered, and every difference."""
    tally, answers = report.tally, report.tally.answers
    books = Table(title="对账 · reconciliation")
    for title in ("", "账\nbook", "笔\nreceipts", "行\nlines", "克\ngrams", "件\npieces", "分\nfen", "重号\nclaims"):
        books.add_column(title, justify="right" if title and title[0] != "账" else "left", no_wrap=True)
    both = ("秤 scales", "服务 service")
    if 1 < len(report.books) <= FEW:
        for book in report.books:
            sides = (book.ours, book.our_claims), (book.theirs, book.their_claims)
            for whose, (sums, claims) in zip(both, sides, strict=True):
                books.add_row(book.name, whose, *_cells(total(sums.values())), f"{claims:,}")
    claimed = sum(book.our_claims for book in report.books), sum(book.their_claims for book in report.books)
    for whose, sum_, claims in zip(both, (report.ours, report.theirs), claimed, strict=True):
        books.add_row("全部 all", whose, *_cells(sum_), f"{claims:,}")
    screen.print(books)
    said = ", ".join(f"{number:,} {slug}" for slug, number in sorted(tally.flags.items())) or "–"
    screen.print(
        f"{report.plan.scales:,} 台秤 scales + {report.plan.habits.copied} 复制 copied, {report.seconds:.1f} s, "
        f"{tally.kept / max(report.seconds, 0.001):,.0f} 笔/秒 sales/s; 单笔 single p50 {tally.quantile(0.5)} ms, "
        f"p99 {tally.quantile(0.99)} ms\n"
        f"上传 uploads {tally.uploads:,}: 无应答 silent {tally.silences:,}, 请稍候 turned away {tally.turned_away:,}; "
        f"记录 recorded {answers['recorded']:,}, 重复 duplicate {answers['duplicate']:,}, "
        f"重号 conflict {answers['conflict']:,}, 拒绝 rejected {answers['rejected']:,}\n标记 flags: {said}",
        highlight=False,
    )
    if report.stopped:
        screen.print(f"提前结束 · stopped at {tally.kept:,} of {report.plan.total:,} sales", highlight=False)
    if report.closed:
        screen.print("[green]账目一致：克、分不差 · the books agree, to the gram and the fen[/]")
        return
    for difference in report.differences.told[:FEW]:
        screen.print(difference, markup=False, highlight=False, soft_wrap=True)
    screen.print(f"[red]{report.differences.number:,} 处不符 · differences[/]")


def _cells(of: Sum) -> list[str]:
    return [f"{number:,}" for number in (of.sales, of.lines, of.grams, of.pieces, of.fen)]
