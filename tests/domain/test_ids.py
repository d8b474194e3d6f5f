"""Ids that are computed in two ways are the same."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import event_id, event_text


@given(st.uuids(), st.text())
def test_the_text_of_an_event_id_is_that_of_the_id(recorder: UUID, ref: str) -> None:
    assert event_text(recorder, ref) == str(event_id(recorder, ref))
