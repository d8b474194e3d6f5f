"""What each `/problems/<slug>` means, in a few words and with advice; every slug that is raised stands here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A title and what to do next, Chinese and English."""

    zh: str
    en: str
    advice_zh: str
    advice_en: str


# A slug without words of its own is named by its kind.
KINDS: dict[int, Text] = {
    400: Text("请求有误", "Malformed request", "检查请求的格式。", "Check the form of the request."),
    401: Text("需要密钥", "Key required", "以 Bearer 出示密钥。", "Send a key as Authorization: Bearer."),
    403: Text("无权操作", "Not yours to do", "使用有此权限的密钥。", "Use a key that has this right."),
    404: Text("未找到", "Not found", "检查地址或编号。", "Check the address or the number."),
    405: Text("方法不适用", "Method not allowed", "见答复的 Allow 头。", "See the Allow header of the answer."),
    409: Text("与现状冲突", "Conflict", "先读取现状，再决定。", "Read the present state, then decide."),
    413: Text("内容过大", "Too large", "分成几份发送。", "Send it in several pieces."),
    415: Text("不支持的类型", "Unsupported type", "改用受支持的类型。", "Use a type that is taken here."),
    422: Text("内容不合要求", "Invalid content", "按 errors 逐条改正。", "Mend what `errors` lists."),
    429: Text("请求过多", "Too many requests", "按 Retry-After 稍后重试。", "Wait as Retry-After says."),
    500: Text("服务内部错误", "Internal error", "把请求编号告知运维方。", "Tell the operator the request id."),
    503: Text("暂时不可用", "Unavailable", "按 Retry-After 稍后重发。", "Send it again as Retry-After says."),
}

TEXTS: dict[str, Text] = {
    "not-found": KINDS[404],
    "method-not-allowed": KINDS[405],
    "malformed": KINDS[400],
    "invalid": KINDS[422],
    "too-large": KINDS[413],
    "unsupported-type": KINDS[415],
    "internal": KINDS[500],
    "unavailable": KINDS[503],
    "busy": Text("繁忙", "Busy", "按 Retry-After 稍后重发同一请求。", "Send the same again as Retry-After says."),
    "unauthenticated": KINDS[401],
    "forbidden": KINDS[403],
    "bad-json": Text("JSON 有误", "Broken JSON", "检查 JSON 语法。", "Check the JSON syntax."),
    "bad-text": Text(
        "文本含非法字符",
        "Text that cannot be stored",
        "去掉空字符和残缺字符。",
        "Remove NULs and lone surrogates.",
    ),
    "too-deep": Text("嵌套过深", "Nested too deeply", "减少嵌套层数。", "Use fewer levels."),
    "mistyped-code": Text(
        "编码有误", "Mistyped code", "对照印刷的编码重新输入。", "Compare it with the printed code and type it again."
    ),
    "party-locked": Text(
        "主体已锁定", "Party locked", "联系市场或监管部门解除锁定。", "Ask the market or the regulator to unlock it."
    ),
    "party-pending": Text(
        "主体待审核", "Party pending", "等待市场或监管部门审核。", "Wait for the market or the regulator to confirm it."
    ),
    "device-locked": Text(
        "设备已锁定", "Device locked", "联系市场或管理员解除锁定。", "Ask the market or the operator to unlock it."
    ),
    "key-revoked": Text("密钥已作废", "Key revoked", "申请新的密钥。", "Ask for a new key."),
}
