"""The market day: what twelve stalls of one market sell, where it came from, and what went wrong on the way."""

from collections.abc import Mapping
from typing import Any

from app.demo.stage import Actor, Json, Stage, quantity, some

XIHU, GONGSHU, TONGLU, QIANTANG, XIAOSHAN, HAISHU = "330106", "330105", "330122", "330114", "330109", "330203"

GTIN = "09521234543213"  # of the prefix that GS1 keeps for examples

STALLS = {
    "greens": "一号摊 蔬菜", "roots": "二号摊 蔬菜", "leeks": "三号摊 蔬菜", "pork": "四号摊 猪肉",
    "ribs": "五号摊 猪肉", "cooked": "六号摊 卤味", "tofu": "七号摊 豆制品", "beans": "八号摊 豆制品",
    "fruit": "九号摊 水果", "cherries": "十号摊 进口水果", "carp": "十一号摊 水产", "bass": "十二号摊 水产",
}  # fmt: skip


class Day:
    """Who takes part, enrolled by the operator."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.farm = stage.enrol("producer", "青山蔬菜合作社", "producer", "farm", TONGLU)
        self.orchard = stage.enrol("producer", "晨露果园", "producer", "farm", TONGLU)
        self.pigs = stage.enrol("producer", "河湾养猪场", "producer", "farm", QIANTANG)
        self.pond = stage.enrol("producer", "湖畔水产养殖场", "producer", "farm", XIAOSHAN)
        self.slaughterhouse = stage.enrol("producer", "北郊屠宰厂", "slaughterhouse", "plant", XIAOSHAN)
        self.maker = stage.enrol("producer", "豆香豆制品厂", "processor", "plant", GONGSHU)
        self.importer = stage.enrol("vendor", "海通进口行", "wholesaler", "warehouse", HAISHU)
        self.wholesaler = stage.enrol("vendor", "城北批发行", "wholesaler", "wholesale", GONGSHU)
        self.market = stage.enrol("market", "城西农贸市场", "market", "market", XIHU)
        self.stalls = {
            name: stage.enrol("vendor", title, "vendor", "stall", XIHU, self.market) for name, title in STALLS.items()
        }
        self.lab = stage.enrol("lab", "市食品检测中心", "laboratory", None, XIHU)
        self.regulator = stage.office("杭州市监管 · Hangzhou regulator", "regulator", "3301")

    def deliver(self, sender: Actor, at: str, *items: Json) -> str:
        """Ships to the market and brings the slip to its gate; returns the slip's code."""
        shipped = sender.record("ship", at, items=list(items), to_site_id=self.market.site["id"])
        slip: str = shipped["slip_code"]
        self.market.record("admit", "04:30", slip_code=slip)
        return slip

    def sell(self, stall: str, goods: Json, *amounts: str) -> None:
        """Sells by the 斤, at nine o'clock and on."""
        for number, amount in enumerate(amounts):
            line = {**some(goods, amount, "斤"), "amount_fen": 100 * (number + 3)}
            self.stalls[stall].record("sell", f"{9 + number}:15", lines=[line])

    # --- what each trade does ---

    def vegetables(self) -> Mapping[str, Json]:
        stage, farm = self.stage, self.farm
        cabbage = stage.product("大白菜", "vegetables")
        tomato = stage.product("番茄", "vegetables")
        used = [{
            "kind": "pesticide", "name": "苏云金杆菌", "code": "PD20086009", "used_on": stage.date(-12),
            "withdrawal_until": stage.date(-5),
        }]  # fmt: skip
        made = farm.record(
            "produce", "02:00", outputs=[stage.lot(cabbage, "600"), stage.lot(tomato, "240")], inputs_used=used
        )["outputs"]
        for goods, number in zip(made, ("HGZ-0101", "HGZ-0102"), strict=True):
            farm.certify(goods, "02:20", "conformity_certificate", number, "青山蔬菜合作社")
        slip = self.deliver(farm, "03:00", some(made[0], "500"), some(made[1], "200"))
        [at_greens] = self.stalls["greens"].receive(slip, "05:00", some(made[0], "200"))
        self.stalls["roots"].receive(slip, "05:05", some(made[0], "120"), some(made[1], "80"))
        self.market.record(
            "test", "05:30", custody_id=at_greens["custody_id"], stage="rapid", method="GB/T 5009.199",
            item="农药残留", value="12.5", unit="%", sample_number="KJ-0001",
        )  # fmt: skip
        self.sell("greens", at_greens, "2.5", "1.2", "3")
        self.stalls["greens"].record(
            "count", "18:00", items=[{"custody_id": at_greens["custody_id"], "quantity": quantity("195")}]
        )
        return {"cabbage": at_greens, "lot": made[0], "slip": {"code": slip}}

    def corrected(self) -> Json:
        """A stall has written one nought too many, and corrects it."""
        stage, stall = self.stage, self.stalls["roots"]
        radish = stage.product("白萝卜", "vegetables")
        [made] = self.farm.record("produce", "02:10", outputs=[stage.lot(radish, "80")])["outputs"]
        self.farm.certify(made, "02:25", "conformity_certificate", "HGZ-0103", "青山蔬菜合作社")
        slip = self.deliver(self.farm, "03:05", some(made, "60"))
        wrong = stall.record("receive", "05:10", slip_code=slip, items=[some(made, "600")])
        right = {
            "kind": "receive", "event_time": stage.time("05:10"), "ref": stage.ref(stall.name, "corrected"),
            "site_id": stall.site["id"], "slip_code": slip, "items": [some(made, "60")],
        }  # fmt: skip
        done = stall.record("correct", "05:20", event_id=wrong["id"], reason="incorrect_data", replacement=right)
        outputs: list[Json] = done["outputs"]
        return outputs[0]

    def refused(self) -> str:
        """Leeks without any paper, and no test at the gate: refused."""
        leek = self.stage.product("韭菜", "vegetables")
        [made] = self.orchard.record("produce", "02:30", outputs=[self.stage.lot(leek, "40")])["outputs"]
        return self.deliver(self.orchard, "03:20", some(made, "40"))

    def outside(self) -> Json:
        """Mushrooms from somebody who is not in the system: a gap, with what the paper says."""
        mushroom = self.stage.product("香菇", "vegetables")
        paper = self.stage.paper(self.stalls["leeks"].key, "purchase_slip", "GH-7788", "邻县菌菇批发点")
        source = {
            "name": "邻县菌菇批发点",
            "contact": "0570-0000000",
            "address": "邻县城东路",
            "document_ids": [paper["id"]],
        }
        [goods] = self.stalls["leeks"].record(
            "receive",
            "05:15",
            items=[{"product_id": mushroom["id"], "quantity": quantity("30")}],
            **{"from": {**source, "document_ids": [paper["id"]]}},
        )["outputs"]
        self.sell("leeks", goods, "1", "0.5")
        found: Json = goods
        return found

    def pork(self) -> Mapping[str, Json]:
        stage, house = self.stage, self.slaughterhouse
        pig = stage.product("生猪", "pork.live", "count", grams_per_piece=115_000)
        carcass = stage.product("猪肉", "pork", shelf_life_days=7)
        cooked = stage.product("卤猪肉", "cooked", shelf_life_days=3)
        at_stalls = []
        for number, (made_at, stall) in enumerate((("00:30", "pork"), ("00:50", "ribs")), 1):
            [live] = self.pigs.record("produce", made_at, outputs=[stage.lot(pig, "6", "头")])["outputs"]
            shipped = self.pigs.record("ship", "01:10", items=[some(live, "6", "头")], to_site_id=house.site["id"])
            [arrived] = house.receive(shipped["slip_code"], "01:40")
            [made] = house.record(
                "transform", "02:40", process="slaughter", inputs=[some(arrived, "6", "头")],
                outputs=[stage.lot(carcass, "480", lot_number=f"TZ{stage.day:%m%d}-{number}")],
            )["outputs"]  # fmt: skip
            house.certify(made, "03:00", "quarantine_certificate", f"JY-330109-{number}", "萧山区动物检疫站")
            house.certify(made, "03:05", "meat_quality_certificate", f"RP-330109-{number}", "北郊屠宰厂")
            slip = self.deliver(house, "03:40", some(made, "300"))
            [goods] = self.stalls[stall].receive(slip, "04:50", some(made, "240"))
            [for_cooking] = self.stalls["cooked"].receive(slip, "05:00", some(made, "40"))
            at_stalls.append((goods, for_cooking))
        [dish] = self.stalls["cooked"].record(
            "transform", "07:00", process="process", inputs=[some(raw, "40") for _, raw in at_stalls],
            outputs=[stage.lot(cooked, "56")],
        )["outputs"]  # fmt: skip
        self.sell("pork", at_stalls[0][0], "2", "1.5", "4")
        self.sell("cooked", dish, "1", "0.8")
        return {"pork": at_stalls[0][0], "cooked": dish}

    def tofu(self) -> Mapping[str, Json]:
        stage, maker = self.stage, self.maker
        soy = stage.product("大豆", "grain")
        tofu = stage.product("盐卤豆腐", "tofu", shelf_life_days=4, gtin=GTIN)
        [beans] = maker.record(
            "receive", "00:10", items=[{"product_id": soy["id"], "quantity": quantity("300")}],
            **{"from": {"name": "东北粮油经销点", "address": "哈尔滨"}},
        )["outputs"]  # fmt: skip
        [made] = maker.record(
            "transform", "01:00", process="process", inputs=[some(beans, "200")],
            outputs=[stage.lot(tofu, "520", lot_number=f"DF{stage.day:%m%d}")],
        )["outputs"]  # fmt: skip
        maker.certify(made, "01:30", "production_licence", "SC10633019702613", "拱墅区市场监管局")
        slip = self.deliver(maker, "03:30", some(made, "300"))
        [goods] = self.stalls["tofu"].receive(slip, "04:55", some(made, "180"))
        self.stalls["beans"].receive(slip, "05:00", some(made, "120"))
        self.sell("tofu", goods, "1", "2")
        return {"tofu": goods, "slip": {"code": slip}, "link": {"path": f"/01/{GTIN}/10/{made['lot_number']}"}}

    def fruit(self) -> Mapping[str, Json]:
        stage = self.stage
        mandarin = stage.product("蜜桔", "fruit")
        [picked] = self.orchard.record("produce", "02:15", outputs=[stage.lot(mandarin, "200")])["outputs"]
        self.orchard.certify(picked, "02:35", "conformity_certificate", "HGZ-0201", "晨露果园")
        slip = self.deliver(self.orchard, "03:15", some(picked, "150"))
        self.stalls["fruit"].receive(slip, "05:00")
        cherry = stage.product("智利车厘子", "imported", "count", grams_per_piece=5_000, shelf_life_days=21)
        [landed] = self.importer.record(
            "receive", "00:05", items=[{"product_id": cherry["id"], "quantity": quantity("80", "件")}],
            **{"from": {"name": "Valle Central Export", "address": "Rancagua, Chile"}},
        )["outputs"]  # fmt: skip
        self.importer.certify(landed, "00:20", "import_inspection", "310120263001", "宁波海关")
        to_wholesale = self.importer.record(
            "ship", "00:40", items=[some(landed, "60", "件")], to_site_id=self.wholesaler.site["id"]
        )["slip_code"]
        [stored] = self.wholesaler.receive(to_wholesale, "02:45")
        slip = self.deliver(self.wholesaler, "03:25", some(stored, "20", "件"))
        [goods] = self.stalls["cherries"].receive(slip, "05:00")
        return {"cherries": goods}

    def fish(self) -> Mapping[str, Json]:
        """Two lots of fish: one passes its rapid test, one fails it and is held everywhere."""
        stage, found = self.stage, {}
        for name, title, value in (("carp", "草鱼", "未检出"), ("bass", "鲈鱼", "检出")):
            product = stage.product(title, "aquatic")
            [made] = self.pond.record("produce", "02:05", outputs=[stage.lot(product, "120")])["outputs"]
            self.pond.certify(made, "02:30", "conformity_certificate", f"HGZ-03-{name}", "湖畔水产养殖场")
            slip = self.deliver(self.pond, "03:10", some(made, "100"))
            [goods] = self.stalls[name].receive(slip, "04:45")
            self.market.record(
                "test", "06:00", custody_id=goods["custody_id"], stage="rapid", method="KJ202107 胶体金",
                item="恩诺沙星", value=value, limit="100 μg/kg", sample_number=f"KJ-{name}",
            )  # fmt: skip
            found[name] = goods
        self.sell("carp", found["carp"], "2.2", "1.8")
        return found

    def inspected(self) -> None:
        """What the regulator found at three stalls; one sampling is not public yet."""
        found: dict[str, Json] = {
            "greens": {"kind": "inspection", "result": "pass", "grade": "A", "score": 96, "public": True,
                       "text": "台账齐全，公示规范 · Ledger complete, notices in place"},
            "cooked": {"kind": "inspection", "result": "improve", "grade": "B", "score": 81, "public": True,
                       "text": "防蝇帘破损，三日内更换 · Fly screen torn: three days to replace it"},
            "bass": {"kind": "sampling", "result": "fail", "public": False,
                     "text": "鲈鱼抽样送检，结果待公布 · Bass sampled; not published yet"},
        }  # fmt: skip
        for stall, record in found.items():
            about = {"ref": self.stage.ref("inspection", stall), "site_id": self.stalls[stall].site["id"]}
            common = {"inspected_on": self.stage.date(-6), "authority": "西湖区市场监督管理局"}
            self.stage.post(self.regulator.key, "/inspections", {**about, **common, **record})

    def scale(self, stall: str, goods: Json) -> str | None:
        """A scale sells and prints its own receipts: the code of one, None where it had been activated before."""
        stage, actor = self.stage, self.stalls[stall]
        device = stage.post(
            stage.operator.key, "/devices",
            {"site_id": actor.site["id"], "name": f"{actor.name} 秤 {stage.day}", "kind": "scale"},
        )  # fmt: skip
        if device["activation_code"] is None:
            return None
        activated = stage.post(None, "/devices/activate", {"activation_code": device["activation_code"]})
        first = activated["next_counter"]
        sales: list[dict[str, Any]] = [
            {
                "counter": first + number,
                "event_time": stage.time(f"{10 + number // 6}:{number % 6 * 9:02}"),
                "lines": [{**some(goods, amount, "斤"), "amount_fen": 380}],
                "payment": "mobile",
            }
            for number, amount in enumerate(("1.5", "2", "0.8", "3.2", "1", "2.6", "1.1", "4"))
        ]
        answered = stage.post(activated["key"], "/sales", {"sales": sales})
        code: str = answered["results"][0]["receipt_code"]
        return code
