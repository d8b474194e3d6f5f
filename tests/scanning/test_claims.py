"""Sales under one receipt number, where a scale counts nothing, was copied, or is somebody's toy."""

from tests.scanning.chains import open_market
from tests.support.story import Story, line


def test_a_counter_that_never_counts_makes_no_endless_page(story: Story) -> None:
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    scale = story.scale(town.stall)
    code = scale.sell(7, line(here, "1"))["receipt_code"]
    sales = [scale.sale(7, *[line(here, f"{grams}", "g")] * 20) for grams in range(1, 101)]
    answer = scale.post("/sales", {"sales": sales})
    assert answer.json()["conflict"] == 100, answer.text
    page = story.public.scan(code)
    assert page["status"] == "incomplete"
    assert "20 笔以上不同的销售" in page["status_reason"]
    assert "more than 20 different sales" in page["status_reason"].lower()
    assert len(page["steps"]) == 20
    assert len(page["lines"]) == 1 + 19 * 20
    assert "第 2 笔记录 ·" in story.read(code)
    # The ledger counts all of them, and shows a few.
    [sale] = town.stall.get("/sales").json()["items"]
    assert (sale["claim_count"], len(sale["claims"])) == (100, 10)


def test_few_claims_of_many_lines_are_cut_as_well(story: Story) -> None:
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    scale = story.scale(town.stall)
    code = scale.sell(7, line(here, "1"))["receipt_code"]
    sales = [scale.sale(7, *[line(here, f"{grams}", "g")] * 200) for grams in range(1, 6)]
    assert scale.post("/sales", {"sales": sales}).json()["conflict"] == 5
    page = story.public.scan(code)
    assert len(page["lines"]) == 401
    assert "3 笔以上" in page["status_reason"]


def test_a_claim_borrows_no_other_stall_s_goods(story: Story) -> None:
    """A line of the sale itself that names a batch elsewhere shows none of its way; another claim is no way around."""
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    fine = town.move(town.farm, town.other, town.harvest(lot_number="有机-1"))
    scale = story.scale(town.stall)
    code = scale.sell(1, line(here, "1"))["receipt_code"]
    scale.sell(1, line(fine, "1"), line(here, "2"))
    page = story.public.scan(code)
    assert [each["code"] for each in page["lines"]] == [here["code"], None, here["code"]]
    assert page["lines"][1]["steps"] == []
    assert "有机-1" not in story.text(code)


def test_whoever_scans_it_is_told_of_the_two_sales_first(story: Story) -> None:
    """Nothing is wrong with the way of the goods; which of the sales is one's own, nobody can tell."""
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    scale = story.scale(town.stall)
    code = scale.sell(1, line(here, "1"))["receipt_code"]
    scale.sell(1, line(here, "2"))
    for language, title, means in (
        ("zh", "小票号有两份记录", "同一小票号有不同的销售"),
        ("en", "Receipt number used twice", "Different sales bear this number"),
    ):
        page = story.read(code, language)
        assert title in page
        assert means in page
        assert "来源不全" not in page
        assert "Origin partly unknown" not in page
        assert f'<meta property="og:description" content="{means}' in story.markup(code, language)
        assert title in story.text(code, language)
    assert "小票号有两份记录" in story.kiosk(code)


def test_a_receipt_that_cannot_arrive_any_more_is_not_waited_for(story: Story) -> None:
    """What a lost scale prints has a right code, and is refused; so is what an earlier epoch left."""
    town = open_market(story)
    here = town.move(town.farm, town.stall, town.harvest())
    scale = story.handheld(town.stall, "3号秤")
    code = scale.prints(line(here, "1"))
    assert "几小时" in story.public.scan(code)["status_reason"]
    device = f"/devices/{scale.activation['device_id']}"
    assert town.market.patch(device, {"status": "locked"}).status_code == 200
    page = story.public.scan(code)
    assert page["status"] == "pending"
    assert "锁定" in page["status_reason"]
    assert "locked" in page["status_reason"]
    assert "几小时" not in page["status_reason"]
    assert town.market.patch(device, {"status": "active"}).status_code == 200
    assert "几小时" in story.public.scan(code)["status_reason"]
    anew = town.market.post(f"{device}/activation").json()["activation_code"]
    assert story.public.post("/devices/activate", {"activation_code": anew}).status_code == 200
    page = story.public.scan(code)
    assert page["status"] == "pending"
    assert "重新激活" in page["status_reason"]
    assert "activated anew" in page["status_reason"]
