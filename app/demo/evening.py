"""What the market day leaves for the desk: a recall under way and one tried out, complaints, looks, a doubtful book."""

from app.demo.day import TONGLU, Day
from app.demo.stage import Actor, Json, quantity, some


def evening(day: Day, cabbage: Json, bought: Json) -> Json:
    """Posts it; returns the recalled goods at a stall. `cabbage`: the lot that a recall is tried out with; `bought`:
    goods of a supplier outside the system."""
    stage, lab, office = day.stage, day.lab, day.regulator
    ducks = stage.enrol("producer", "芦荡鸭场", "producer", "farm", TONGLU)
    contact = {"contact": {"name": "芦荡鸭场值班", "phone": "0571-00000001"}}
    stage.patch(stage.operator.key, f"/parties/{ducks.party['id']}", contact)
    eggs = stage.product("鸭蛋", "eggs", shelf_life_days=30)
    lot = ducks.record("produce", "00:40", outputs=[stage.lot(eggs, "240", lot_number="YD-7")])["outputs"][0]
    ducks.certify(lot, "00:50", "conformity_certificate", "LD-0307", ducks.name)
    stalls = [day.stalls[name] for name in ("roots", "leeks", "cooked")]
    there = []
    for stall, amount in zip(stalls, ("80", "60", "40"), strict=True):
        slip = day.deliver(ducks, "01:30", some(lot, amount))
        there += stall.receive(slip, "04:50")
    for name, goods in zip(("roots", "leeks", "cooked"), there, strict=True):
        day.sell(name, goods, "12", "7.5", "9")
    lab.record(
        "test", "13:10", custody_id=there[0]["custody_id"], stage="laboratory", method="GB/T 21312-2007",
        item="恩诺沙星", value="186", unit="μg/kg", limit="10", verdict="fail", sample_number="YD-7-01",
    )  # fmt: skip
    recall = _recall(
        office, "live", "芦荡鸭场 鸭蛋 YD-7", lot["lot_code"], "检出恩诺沙星超标 · enrofloxacin above its limit",
        "长期食用可能产生耐药 · may make germs resistant",
    )  # fmt: skip
    answered = {"custody_id": there[0]["custody_id"], "withdrawn": quantity("60")}
    stage.post(
        stalls[0].key, f"/recalls/{recall['id']}/acknowledgements",
        {"ref": stage.ref(stalls[0].name, "answer"), "lines": [answered], "note": "已全部下架封存"},
    )  # fmt: skip
    _recall(
        office, "mock", "青山蔬菜合作社 大白菜", cabbage["lot_code"], "年度召回演练 · the yearly exercise",
        "无 · none",
    )  # fmt: skip
    # A second scale that nobody has registered: more is sold than came.
    day.sell("tofu", _small(day), "30", "26")
    stage.get(office.key, f"/trace?custody={bought['custody_id']}&direction=back")
    stage.get(office.key, f"/parties/{ducks.party['id']}")
    _complaints(day, there[1]["code"], bought["code"])
    found: Json = there[0]
    return found


def _recall(office: Actor, mode: str, title: str, code: str, *said: str) -> Json:
    """`said`: reason and hazard."""
    stage = office.stage
    return stage.post(
        office.key, "/recalls",
        {
            "ref": stage.ref("recall", mode), "mode": mode, "grade": "II", "title": title,
            "reason": said[0], "hazard": said[1],
            "known_at": stage.time("13:10"), "scope": {"codes": [code]},
            "persons": [{"name": "质量负责人", "position": title.split()[0], "phone": "0571-00000001"}],
        },
    )  # fmt: skip


def _small(day: Day) -> Json:
    """A little tofu skin at the stall that sells a lot of it."""
    skin = day.stage.product("豆腐皮", "tofu", shelf_life_days=3)
    made = day.maker.record("produce", "01:00", outputs=[day.stage.lot(skin, "20", lot_number="DP-3")])["outputs"][0]
    [goods] = day.stalls["tofu"].receive(day.deliver(day.maker, "02:10", some(made, "20")), "05:05")
    return goods


def _complaints(day: Day, eggs: str, mushrooms: str) -> None:
    """Three, of which the regulator has answered one; once, however often the day is played."""
    stage, office = day.stage, day.regulator
    if stage.get(office.key, "/reports?limit=1")["items"]:
        return
    for code, text, contact in (
        (eggs, "鸭蛋煮熟后有药味，同一摊买的两次都这样。", "13900000000"),
        (mushrooms, "香菇发黏，摊主说不清从哪里来的。", None),
        (day.stalls["pork"].site["code"], "电子秤没有打小票。", None),
    ):
        stage.complain(code, text, contact)
    last = stage.get(office.key, f"/reports?code={day.stalls['pork'].site['code']}")["items"][0]
    answer = {"answer": "已到摊位核查，小票纸已补装，谢谢您的反映。"}
    stage.patch(office.key, f"/reports/{last['id']}", answer)
