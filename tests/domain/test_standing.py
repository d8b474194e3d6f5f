"""Who may record at all, where a key was let in before its party was locked."""

from dataclasses import replace

import pytest

from app.domain.deciding.draft import active_party
from app.domain.errors import Forbidden
from tests.support.stage import ledger, named, principal


@pytest.mark.parametrize(
    ("status", "slug", "told"), [("locked", "party-locked", "卫生不合格"), ("pending", "party-pending", "farm")]
)
def test_a_party_that_may_not_trade_records_nothing(status: str, slug: str, told: str) -> None:
    made = ledger()
    active_party(made, principal("farm"))
    active_party(made, principal("regulator"))
    farm = named("farm")
    made.parties[farm] = replace(made.parties[farm], status=status, status_reason="卫生不合格")
    with pytest.raises(Forbidden, match=told) as refused:
        active_party(made, principal("farm"))
    assert refused.value.slug == slug
