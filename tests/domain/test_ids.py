"""Ids that are computed in two ways are the same."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from app.domain import ids
from app.domain.ids import event_id, event_text


@given(st.uuids(), st.text())
def test_the_text_of_an_event_id_is_that_of_the_id(recorder: UUID, ref: str) -> None:
    assert event_text(recorder, ref) == str(event_id(recorder, ref))


def test_an_id_is_a_version_5_uuid() -> None:
    for name in ("", "https://id.gs1.org/01/06901234567892", "白菜", "x" * 1_000):
        assert ids.uuid5(ids.EPC, name) == uuid5(ids.EPC, name)
