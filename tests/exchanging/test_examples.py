"""The documents GS1 publishes with EPCIS 2.0: each is taken in and comes out equal."""

from pathlib import Path

from sqlalchemy import Engine

from app.enrolling.keys import OPERATOR
from app.exchanging import export_capture
from app.store.check import verify
from app.store.engine import reading
from app.store.writer import Writer
from tests.exchanging.world import bring, ledger, load, plain


def test_all_47(engine: Engine, writer: Writer, vectors: Path) -> None:
    paths = sorted((vectors / "gs1-epcis" / "examples").rglob("*.jsonld"))
    assert len(paths) == 47
    taken, repeating = {}, set()
    for path in paths:
        report = bring(writer, engine, load(path), issue=True)
        assert not report.refused, (path, report.refusals)
        assert report.capture_id is not None
        taken[path] = report.capture_id
        if any(slug == "repeated-name" for event in report.events for slug, _ in event.flags):
            repeating.add(path.stem)
    # It has two eventIDs in one event, of which every reader keeps the last.
    assert repeating == {"AssociationEvent-h"}
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
