"""Who may revoke the code of goods that were captured nowhere, and codes that were never issued."""

from app.domain import codes
from tests.exchanging.test_gaps import bring, told
from tests.support.cast import ago
from tests.support.story import Story

REASON = {"reason": "标签遗失"}
PLACED = ("readPoint", "bizLocation")


def test_a_code_that_was_never_issued_is_unknown(story: Story) -> None:
    for kind in (codes.CodeKind.LOT, codes.CodeKind.SITE, codes.CodeKind.SLIP):
        answer = story.admin.post(f"/codes/{codes.mint(kind)}/revoke", REASON)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-code")


def test_goods_that_nobody_is_known_to_have_made_are_the_operators_to_revoke(story: Story) -> None:
    maker = story.enrol("producer", "中宁辣椒酱厂", "processor", "plant", region="640521")
    seen = {key: value for key, value in told(ago(hours=5), "ADD", "commissioning").items() if key not in PLACED}
    report = bring(story.admin, seen)
    [lot] = [code["code"] for code in report["codes"] if code["kind"] == "lot"]
    assert maker.post(f"/codes/{lot}/revoke", REASON).status_code == 403
    assert story.admin.post(f"/codes/{lot}/revoke", REASON).json()["status"] == "revoked"
