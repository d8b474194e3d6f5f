"""Who was told of a recall, and how: what those who carry the message note on the notice."""

from uuid import UUID

import pytest

from app.domain.errors import NotFound
from app.domain.rights import Principal, Role
from app.recalling import ChangeRecall, Told, change_recalls, note_told
from app.web.service import Service
from tests.recalling.conftest import Goods, notices, recalled
from tests.support.cast import Cast

NOTHING = UUID("00000000-0000-5000-8000-000000000000")


def test_a_try_that_failed_is_kept_and_one_that_reached_counts(cast: Cast, goods: Goods, service: Service) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    key, party = UUID(recall["id"]), UUID(cast.stall.party["id"])

    def tell(**fields: object) -> None:
        service.writer.submit(note_told, Told(key, party, "webhook", None, **fields))  # type: ignore[arg-type]

    tell(reached=False, detail="503")
    told = notices(cast.stall, recall)["一号摊经营户"]
    assert (told["state"], told["notified_at"], told["channel"]) == ("pending", None, None)
    tell()
    tell()
    told = notices(cast.stall, recall)["一号摊经营户"]
    assert (told["state"], told["channel"]) == ("notified", "webhook")
    assert [step["what"] for step in told["history"]] == ["concerned", "failed", "notified", "notified"]
    assert told["history"][1]["detail"] == "503"
    # Let go and taken in again, a notice stands as it stood.
    lot, here = {"lots": [goods.lot["lot_id"]]}, f"/recalls/{recall['id']}"
    line = {"product_id": goods.dish["product_id"], "withdrawn": {"value": "8", "unit": "公斤"}}
    for answer, state in ((None, "notified"), ({"ref": "1", "lines": [line]}, "answered")):
        if answer is not None:
            assert cast.stall.made(f"{here}/acknowledgements", answer)["notice"]["state"] == "answered"
        spared = [{"site_id": cast.stall.site["id"], "reason": "x"}]
        cast.regulator.patch(here, {"why": "x", "scope": lot | {"exclusions": spared}})
        assert notices(cast.regulator, recall)["一号摊经营户"]["state"] == "withdrawn"
        tell()
        assert notices(cast.regulator, recall)["一号摊经营户"]["state"] == "withdrawn"
        cast.regulator.patch(here, {"why": "x", "scope": lot})
        assert notices(cast.regulator, recall)["一号摊经营户"]["state"] == state


def test_what_is_not_there_cannot_be_told_or_changed(cast: Cast, service: Service) -> None:
    with pytest.raises(NotFound):
        service.writer.submit(note_told, Told(NOTHING, NOTHING, "print", None))
    office = Principal(NOTHING, Role.ADMIN, None, None, None, None)
    with pytest.raises(NotFound):
        service.writer.submit(change_recalls, ChangeRecall(office, NOTHING, "change", "x"))
