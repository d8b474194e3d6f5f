"""The whole demonstration: the market day, its evening, and what to open."""

from app.demo.day import Day
from app.demo.evening import evening
from app.demo.showing import Key, Page
from app.demo.stage import Json, Stage


def market_day(stage: Stage) -> tuple[list[Page], list[Key]]:
    """Posts the whole day; returns what to open and whose key is whose. Raises DemoFailed."""
    day = Day(stage)
    greens, corrected, refused, outside = day.vegetables(), day.corrected(), day.refused(), day.outside()
    meat, tofu, fruit, fish = day.pork(), day.tofu(), day.fruit(), day.fish()
    receipt = day.scale("greens", greens["cabbage"])
    day.inspected()
    eggs = evening(day, greens["lot"], outside)
    stall = day.stalls["greens"]
    pages = [
        Page("大白菜，从农场到一号摊", "cabbage, from the farm to the stall", _code(greens["cabbage"])),
        Page("卤猪肉，来自两批鲜肉", "cooked pork made of two lots", _code(meat["cooked"])),
        Page("猪肉，两证齐全", "pork with both of its certificates", _code(meat["pork"])),
        Page("盐卤豆腐", "tofu, and where its beans came from", _code(tofu["tofu"])),
        Page("智利车厘子，进口、批发、零售", "cherries by importer and wholesaler", _code(fruit["cherries"])),
        Page("草鱼，快检合格", "carp that passed its rapid test", _code(fish["carp"])),
        Page("鲈鱼，快检不合格，暂停销售", "bass that failed its rapid test: held", _code(fish["bass"])),
        Page("鸭蛋，召回中", "duck eggs under recall", _code(eggs)),
        Page("香菇，系统外购入，来源缺口", "mushrooms from outside: a gap", _code(outside)),
        Page("白萝卜，收货数量已更正", "radish: a quantity corrected", _code(corrected)),
        Page("韭菜的溯源单，入场被拒", "a slip refused at the gate", f"/c/{refused}"),
        Page("一张溯源单，分给两家", "a slip split between two stalls", f"/c/{tofu['slip']['code']}"),
        Page("一号摊：一摊一码", "a stall and what it sells now", f"/c/{stall.site['code']}"),
        Page("六号摊：监管记录", "a stall that was inspected", f"/c/{day.stalls['cooked'].site['code']}"),
        Page("市场看板", "the market's screen", f"/boards/{day.market.site['code']}"),
        Page("查询机", "the kiosk in the hall", "/kiosk"),
        Page("青山蔬菜合作社：一企一码", "the farm's own code", f"/c/{day.farm.party['code']}"),
        Page("整批大白菜，出产时", "the lot of cabbage as it was made", f"/c/{greens['lot']['lot_code']}"),
        Page("二维码", "a QR symbol", f"/qr/{stall.site['code']}.svg"),
        Page("标签", "a label to print", f"/labels/{greens['cabbage']['code']}"),
        Page("盐卤豆腐，按商品条码和批号", "the same tofu as a GS1 Digital Link", tofu["link"]["path"]),
        Page("它的链接集，供程序读取", "its linkset, for programs", f"{tofu['link']['path']}?linkType=linkset"),
        Page("接口文档", "the interface", "/docs"),
    ]
    if receipt is not None:
        pages.insert(11, Page("追溯小票", "a receipt of a scale", f"/c/{receipt}"))
    actors = (stage.operator, day.regulator, day.market, stall, day.farm, day.lab)
    return pages, [Key(actor.name, actor.role, actor.key) for actor in actors]


def _code(goods: Json) -> str:
    return f"/c/{goods['code']}"
