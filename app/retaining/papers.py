"""Papers (凭证) that are past their time and that nothing names any more, and the files that go with them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.domain.retention import PAPERS, Rule, keep_until, of_papers, shortest
from app.retaining.planning import HOME, before_months
from app.store import deposits as store
from app.store import tables
from app.store.deposits import Deposit
from app.store.engine import Snapshot
from app.store.files import FileStore
from app.store.thinning import Taken

BATCH: Final = 200
BYTES: Final = 16 << 20  # of files in one transaction, if there is more than one
FRESH: Final = 3_600.0  # seconds: a file that somebody put again since then stays


def going(
    snapshot: Snapshot,
    files: FileStore,
    rules: Sequence[Rule],
    now: datetime,
    after: UUID | None,
    alive: Callable[[], object] = lambda: None,
) -> tuple[list[Deposit], UUID | None]:
    """Of the next papers those that may go, and where to go on. One whose file is not there stays: it could not come
    back."""
    fitting = of_papers(rules)
    page, last = store.deposits(snapshot, before_months(shortest(fitting), now), after)
    today = now.astimezone(HOME).date()
    old = []
    for paper in page:
        day = max(paper.record_time.astimezone(HOME).date(), paper.issued_on or paper.record_time.date())
        until = keep_until(f"{PAPERS}.{paper.type}", day, paper.expires_on, fitting)
        if until is not None and until < today and files.there(paper.file_hash):
            old.append(paper)
    if not old:
        return [], last
    unnamed = store.unnamed(snapshot, [paper.id for paper in old], min(paper.record_time for paper in old), alive)
    return [paper for paper in old if paper.id in unnamed], last


def batches(papers: Sequence[Deposit]) -> Iterator[list[Deposit]]:
    some: list[Deposit] = []
    for paper in papers:
        if some and (len(some) == BATCH or sum(one.size for one in some) + paper.size > BYTES):
            yield some
            some = []
        some.append(paper)
    if some:
        yield some


def gather(connection: Snapshot, papers: Sequence[Deposit], since: datetime) -> tuple[Taken, set[bytes]]:
    """What goes of papers that nothing named until then, if nothing has named them since; and the hashes of files that
    are nobody else's."""
    taken = Taken()
    left = store.unnamed(connection, [paper.id for paper in papers], since)
    taken.gone[tables.document] = store.rows_of(connection, left)
    gone = {row.id for row in taken.gone[tables.document]}
    hashes = {row.file_hash for row in taken.gone[tables.document]}
    return taken, hashes - store.needed_files(connection, hashes, without=gone)
