"""What a consumer is told to do with recalled food, where the office says nothing else: by category, the most special
that fits."""

from collections.abc import Iterable

from app.domain.recalls_scope import covers

_FIRST = ("请不要食用、转送或出售。", "Do not eat it, give it away or sell it.")
_LAST = (
    "带上小票退回购买的摊位退款；不便退回的，密封好写上“召回”，与厨余分开丢弃。食用后不适请就医并保留小票。",
    (
        "Take it back to the stall with the receipt for a refund; if you cannot, seal it, mark it “recalled” and throw "
        "it away apart from kitchen waste. If you feel unwell see a doctor and keep the receipt."
    ),
)
_HEAT = ("加热、煮沸不能消除风险。", "Heating or boiling does not make it safe.")
_WASH = ("清洗、浸泡、去皮不能消除风险。", "Washing, soaking or peeling does not make it safe.")
_COLD = (
    "冰箱、冷柜里的也要检查，接触过的砧板刀具用热水和洗涤剂洗净。",
    "Look into your refrigerator and freezer, and wash boards and knives that touched it with hot water and soap.",
)
_CHILD = ("给婴幼儿吃过的，请立即就医。", "If an infant has eaten it, see a doctor at once.")

# Category → sentences beside the general ones.
_BY_CATEGORY: dict[str, tuple[tuple[str, str], ...]] = {
    "vegetables": (_WASH,),
    "fruit": (_WASH,),
    "pork": (_HEAT, _COLD),
    "meat": (_HEAT, _COLD),
    "beef": (_HEAT, _COLD),
    "mutton": (_HEAT, _COLD),
    "poultry": (_HEAT, _COLD),
    "cooked": (_HEAT, _COLD),
    "eggs": (_HEAT, _COLD),
    "aquatic": (_HEAT, _COLD),
    "tofu": (_HEAT, _COLD),
    "dairy": (_HEAT, _COLD),
    "milk": (_HEAT, _COLD),
    "infant": (_CHILD, _HEAT),
}


def default_advice(categories: Iterable[str]) -> dict[str, str]:
    """{"zh","en"} for goods of these categories; each sentence once."""
    found: dict[tuple[str, str], None] = {}
    for category in sorted(set(categories)):
        for known, sentences in _BY_CATEGORY.items():
            if covers(known, category):
                found |= dict.fromkeys(sentences)
    told = [_FIRST, *found, _LAST]
    return {"zh": "".join(zh for zh, _ in told), "en": " ".join(en for _, en in told)}
