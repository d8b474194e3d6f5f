"""The documents GS1 publishes with EPCIS 2.0: each is taken in and comes out equal, or is refused with a reason."""

from pathlib import Path

from sqlalchemy import Engine

from app.domain.errors import Malformed
from app.enrolling.keys import OPERATOR
from app.exchanging import export_capture
from app.store.check import verify
from app.store.engine import reading
from app.store.writer import Writer
from tests.exchanging.world import bring, ledger, load, plain


def test_all_47(engine: Engine, writer: Writer, vectors: Path) -> None:
    paths = sorted((vectors / "gs1-epcis" / "examples").rglob("*.jsonld"))
    assert len(paths) == 47
    taken, refused = {}, {}
    for path in paths:
        try:
            document = load(path)
        except Malformed as refusal:
            refused[path.stem] = refusal.detail
            continue
        report = bring(writer, engine, document, issue=True)
        assert not report.refused, (path, report.refusals)
        assert report.capture_id is not None
        taken[path] = report.capture_id
    # Of two eventIDs in one event a parser would keep the second and lose the first without a word.
    assert refused.keys() == {"AssociationEvent-h"}
    assert all("eventID stands twice" in detail for detail in refused.values())
    assert verify(engine) == []
    with reading(engine) as snapshot:
        for path, capture_id in taken.items():
            assert export_capture(snapshot, capture_id, OPERATOR) == plain(path), path
    found = ledger(engine)
    for path in reversed(taken):
        assert bring(writer, engine, load(path)).counts["recorded"] == 0
    assert ledger(engine) == found


def test_documents_of_the_event_hash(engine: Engine, writer: Writer, vectors: Path) -> None:
    for path in sorted((vectors / "event-hash").glob("*.jsonld")):
        report = bring(writer, engine, load(path))
        assert report.capture_id is not None, report.refusals
        with reading(engine) as snapshot:
            assert export_capture(snapshot, report.capture_id, OPERATOR) == plain(path), path
    assert verify(engine) == []
