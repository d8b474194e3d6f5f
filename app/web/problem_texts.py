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
    406: Text("无可接受的格式", "Not acceptable", "检查 Accept 头。", "Check the Accept header."),
    408: Text("内容未传完", "Body not complete", "重新发送。", "Send it again."),
    409: Text("与现状冲突", "Conflict", "先读取现状，再决定。", "Read the present state, then decide."),
    413: Text("内容过大", "Too large", "分成几份发送。", "Send it in several pieces."),
    414: Text("地址过长", "Address too long", "改用 POST。", "Use POST."),
    415: Text("不支持的类型", "Unsupported type", "改用受支持的类型。", "Use a type that is taken here."),
    422: Text("内容不合要求", "Invalid content", "按 errors 逐条改正。", "Mend what `errors` lists."),
    429: Text("请求过多", "Too many requests", "按 Retry-After 稍后重试。", "Wait as Retry-After says."),
    500: Text("服务内部错误", "Internal error", "把请求编号告知运维方。", "Tell the operator the request id."),
    501: Text("未提供", "Not offered", "查看 /docs。", "See /docs."),
    503: Text("暂时不可用", "Unavailable", "按 Retry-After 稍后重发。", "Send it again as Retry-After says."),
}

TEXTS: dict[str, Text] = {
    "not-found": KINDS[404],
    "method-not-allowed": KINDS[405],
    "malformed": KINDS[400],
    "invalid": KINDS[422],
    "body-stalled": KINDS[408],
    "too-large": KINDS[413],
    "unsupported-type": KINDS[415],
    "internal": KINDS[500],
    "unavailable": KINDS[503],
    "unauthenticated": KINDS[401],
    "forbidden": KINDS[403],
    "busy": Text("繁忙", "Busy", "稍后重发同一请求。", "Send the same again in a moment."),
    "bad-json": Text("JSON 有误", "Broken JSON", "检查 JSON 语法。", "Check the JSON syntax."),
    "bad-xml": Text(
        "XML 有误",
        "Broken XML",
        "检查 XML 语法，以及编码是否与声明一致。",
        "Check the XML's syntax, and its declared encoding.",
    ),
    "xml-with-dtd": Text(
        "XML 带有实体或 DTD", "XML with entities or a DTD", "去掉 <!DOCTYPE …>。", "Remove the <!DOCTYPE …>."
    ),
    "xml-oversized": Text("XML 过大", "XML out of bounds", "拆成几份发送。", "Send it in several pieces."),
    "not-epcis": Text(
        "不是 EPCIS 文档",
        "No EPCIS document",
        "发送 EPCISDocument 或 EPCISQueryDocument。",
        "Send an EPCISDocument or EPCISQueryDocument.",
    ),
    "bad-digital-link": Text(
        "GS1 Digital Link 有误", "Incorrect Digital Link", "对照印刷的网址和编码。", "Compare the address and its keys."
    ),
    "unknown-key": Text("没有这个 GS1 编码", "Unknown GS1 key", "核对编码。", "Compare the key."),
    "no-such-link": Text(
        "没有这类链接", "No such link", "用 linkType=all 查看全部。", "Ask with linkType=all for those that there are."
    ),
    "bad-anchor": Text(
        "锚点有误", "Bad anchor", "写成 /01/…/10/… 的形式。", "Write it as /01/…/10/…, with its check digits."
    ),
    "bad-link-type": Text("链接类型有误", "Bad link type", "用 GS1 词汇的类型。", "Use a type of GS1's vocabulary."),
    "circular-link": Text(
        "链接循环",
        "A link in a circle",
        "改用网页地址；linkType=all 列出全部链接。",
        "Name the address of a page; linkType=all lists all links.",
    ),
    "bad-href": Text("目标网址有误", "Bad target", "用 https:// 网址。", "Use an address that begins with https://."),
    "bad-language": Text("语言有误", "Bad language", "写成 zh 或 en-GB。", "Write it as zh or en-GB."),
    "bad-media-type": Text("媒体类型有误", "Bad media type", "写成 text/html 等。", "Write it as text/html."),
    "bad-context": Text("语境有误", "Bad context", "填写文字。", "Give it a text."),
    "link-exists": Text("链接已存在", "Link exists", "用 PATCH 修改。", "Change the link that is there."),
    "too-many-links": Text("链接过多", "Too many links", "删除不用的链接。", "Delete one that is not used."),
    "not-your-key": Text(
        "不是您的 GS1 编码", "Not your GS1 key", "先登记商品或场所。", "Enrol the product or the site first."
    ),
    "bad-text": Text(
        "文本含非法字符", "Text that cannot be stored", "去掉空字符和残缺字符。", "Remove NULs and lone surrogates."
    ),
    "bad-encoding": Text(
        "压缩内容损坏", "Broken compression", "重新压缩，整个重发。", "Compress it again and send it all again."
    ),
    "too-deep": Text("嵌套过深", "Nested too deeply", "减少层数。", "Use fewer levels."),
    "too-long": Text("内容过长", "Too long", "缩短或分成几份。", "Shorten it, or send it in pieces."),
    "bad-cursor": Text("翻页标记无效", "Bad cursor", "从第一页重新开始。", "Begin with the first page."),
    "bad-id": Text("编号有误", "Bad id", "检查编号的格式。", "Check the form of the id."),
    "enrol-anew": Text("不可更改", "Not to be changed", "重新登记。", "Enrol it anew."),
    "valid-from-future": Text(
        "生效时间在将来", "Takes effect later", "生效时再提交。", "Send it when it takes effect."
    ),
    "party-exists": Text("主体已登记", "Party exists", "修改已登记的主体。", "Change the party that is enrolled."),
    "party-locked": Text("主体已锁定", "Party locked", "联系市场或监管部门。", "Ask the market or the regulator."),
    "party-pending": Text("主体待审核", "Party pending", "等待市场或监管部门审核。", "Wait until it is confirmed."),
    "device-locked": Text("设备已锁定", "Device locked", "联系市场或管理员。", "Ask the market or the operator."),
    "site-closed": Text(
        "场所已停用", "Site closed", "联系市场或管理员启用。", "Ask the market or the operator to open it."
    ),
    "key-revoked": Text("密钥已作废", "Key revoked", "申请新的密钥。", "Ask for a new key."),
    "wrong-login": Text("登录未成功", "Login failed", "核对登录名和密码。", "Compare the name and the password."),
    "wrong-code": Text("验证码不正确", "Wrong one-time code", "输入新的验证码。", "Type the next code."),
    "codes-on": Text("动态验证码已启用", "One-time codes are on", "先停用。", "Turn them off first."),
    "weak-password": Text("密码不合要求", "Password not taken", "另选一个较长的密码。", "Choose a longer one."),
    "too-many-logins": Text(
        "登录的人过多", "Too many logins", "按 Retry-After 稍后重试。", "Wait as Retry-After says."
    ),
    "issuer-failed": Text("统一认证未完成", "Issuer failed", "重试，或用密码登录。", "Try again, or use a password."),
    "not-enrolled": Text("此人未登记", "Not enrolled", "请管理员登记。", "Ask the operator to enrol you."),
    "forged-form": Text("表单已失效", "Form not ours", "刷新页面后重试。", "Load the page again and try once more."),
    "login-taken": Text("登录名已被占用", "Login name taken", "另取登录名。", "Choose another name."),
    "unknown-person": Text("没有此人", "Unknown person", "检查编号。", "Check the id."),
    "activation-refused": Text(
        "激活码无效", "Activation refused", "请市场重新生成激活码。", "Ask for a new activation code."
    ),
    "too-many-tries": Text(
        "试错过多", "Too many tries", "按 Retry-After 稍后重试。", "Wait as Retry-After says, then try again."
    ),
    "too-many-complaints": Text(
        "投诉过于频繁", "Too many complaints", "稍后再试，紧急情况请拨打 12315。", "Try again later."
    ),
    "mistyped-reference": Text(
        "受理编号有误", "Mistyped reference", "对照原文重新输入。", "Compare it and type it again."
    ),
    "unknown-complaint": Text("没有这件投诉", "Unknown complaint", "核对受理编号。", "Compare its reference."),
    "no-answer": Text("缺少答复", "No answer", "先填写答复。", "Write the answer first."),
    "unknown-alert": Text("没有这条警报", "Unknown alert", "核对 id。", "Check the id."),
    "too-many-changes": Text(
        "改动次数过多", "Changed too often", "另行联系投诉人。", "Reach the reporter in another way."
    ),
    "too-many-drawings": Text(
        "打印排队过长", "Too many drawings", "稍后重试。", "Wait as Retry-After says, then try again."
    ),
    "too-many-screens": Text(
        "看板打开过多", "Too many screens", "按 Retry-After 稍后重试，或定时刷新。", "Load the board every half minute."
    ),
    "host-not-listed": Text(
        "主机未列入", "Host not listed", "请运维方列入该主机。", "Ask the operator to list the host in its settings."
    ),
    "too-many-webhooks": Text("回调过多", "Too many webhooks", "删除不用的回调。", "Delete one that is not used."),
    "webhook-paused": Text("回调已暂停", "Webhook paused", "先恢复回调。", "Set the webhook active first."),
    "unknown-codes": Text("有不能打印的编码", "Codes that cannot be printed", "见 errors。", "Mend what errors lists."),
    "too-many-scans": Text(
        "扫码过于频繁", "Too many scans", "按 Retry-After 稍后再扫。", "Wait as Retry-After says, then scan again."
    ),
    "epochs-used-up": Text("激活次数用尽", "Activated too often", "登记为新设备。", "Enrol it as a new device."),
    "product-twice": Text("商品重复", "Product twice", "合并为一条。", "Merge the two into one."),
    "plu-twice": Text("PLU 重复", "PLU twice", "换一个 PLU。", "Choose another PLU."),
    "unsupported-file": Text("文件类型不支持", "Unsupported file", "改用 PDF、JPEG 或 PNG。", "Use PDF, JPEG or PNG."),
    "mislabelled-file": Text("文件类型不符", "Mislabelled file", "按实际类型上传。", "Upload it as what it is."),
    "broken-file": Text("文件损坏", "Broken file", "重新拍摄或导出。", "Photograph or export it again."),
    "too-many-pixels": Text("图片过大", "Too many pixels", "缩小图片。", "Make the picture smaller."),
    "mistyped-code": Text("编码有误", "Mistyped code", "对照印刷的编码重新输入。", "Compare it with the print."),
    "unknown-code": Text(
        "没有这个编码", "Unknown code", "对照印刷的编码，或向出示者核实。", "Compare it, or ask whoever shows it."
    ),
    "no-board": Text("没有看板", "No board", "用市场或摊位的编码。", "Use the code of a market or stall."),
    "not-authentic": Text("不是真码", "Not authentic", "向销售者核实并可举报。", "Ask the seller; it can be reported."),
    "unknown-code-job": Text("没有这个赋码任务", "Unknown code job", "检查编号。", "Check the id."),
    "code-job-cancelled": Text("赋码任务已取消", "Code job cancelled", "新建任务。", "Make a new job."),
    "range-not-satisfiable": Text(
        "超出文件范围", "Range not satisfiable", "从已收到的字节继续。", "Go on from the bytes that you have."
    ),
    "no-replacement": Text("不能换码", "No replacement", "更正发货记录。", "Correct the shipment."),
    "sale-archived": Text(
        "销售已归档",
        "Sale archived",
        "可向运营方调取归档。",
        "Ask the operator for the archive.",
    ),
    "sale-pending": Text("销售尚未上传", "Sale pending", "稍后再查。", "Look again later."),
    "unknown-party": Text("没有这个主体", "Unknown party", "检查编号，或先登记。", "Check the id, or enrol it first."),
    "unknown-site": Text("没有这个场所", "Unknown site", "检查编号，或先登记。", "Check the id, or enrol it first."),
    "unknown-product": Text(
        "没有这个商品", "Unknown product", "检查编号，或先登记。", "Check the id, or enrol it first."
    ),
    "unknown-device": Text(
        "没有这个设备", "Unknown device", "检查编号，或先登记。", "Check the id, or enrol it first."
    ),
    "unknown-document": Text("没有这个凭证", "Unknown document", "先上传凭证。", "Deposit the document first."),
    "unknown-custody": Text("没有这批货物", "Unknown custody", "检查编号。", "Check the id."),
    "unknown-lot": Text("没有这个批次", "Unknown lot", "检查编号。", "Check the id."),
    "unknown-slip": Text("没有这张溯源单", "Unknown slip", "检查单号。", "Check its code."),
    "unknown-event": Text("没有这条记录", "Unknown event", "检查编号。", "Check the id."),
    "unknown-case": Text("没有这个案卷", "Unknown case", "检查编号和辖区。", "Check the id, and whose region it is."),
    "unknown-capture": Text("没有这次导入", "Unknown capture", "检查编号。", "Check the id."),
    "capture-limit": Text("文档超限", "Too large to capture", "拆分后发送。", "Split the document."),
    "capture-failed": Text("未能采集", "Capture failed", "告知运维方。", "Tell the operator."),
    "event-id-taken": Text("事件编号已用", "eventID taken", "换一个 eventID。", "Give it another eventID."),
    "native-event": Text("本系统的事件", "Recorded here", "在本系统内更正。", "Correct it in this system."),
    "unknown-hold": Text("没有这次暂停", "Unknown hold", "检查编号。", "Check the id."),
    "one-start": Text("起点须唯一", "One start", "只给出一个起点。", "Give exactly one start."),
    "malformed-epc": Text("EPC 有误", "Malformed EPC", "对照原件检查。", "Compare it with the original."),
    "unit-empty": Text("单元当时是空的", "Empty unit", "换一个时间。", "Ask for another time."),
    "unknown-epc": Text("没有这个 EPC", "Unknown EPC", "检查 EPC，或先导入文件。", "Check it, or import its document."),
    "unknown-kind": Text(
        "没有这种事件", "Unknown kind", "见接口文档的事件种类。", "See the kinds in the documentation."
    ),
    "role-may-not-record": Text(
        "角色无权记录", "Role may not record", "使用有此权限的密钥。", "Use a key that has this right."
    ),
    "role-may-not-read": Text(
        "角色无权查看", "Role may not read", "使用有此权限的密钥。", "Use a key that has this right."
    ),
    "site-needed": Text("缺少场所", "No site", "指明场所。", "Name the site."),
    "not-your-site": Text("不是您的场所", "Not your site", "使用该场所的密钥。", "Use a key of that site."),
    "not-yours": Text(
        "不在您名下", "Not yours", "先收货，或使用所属方密钥。", "Receive it first, or use its holder's key."
    ),
    "not-your-event": Text("不是您的记录", "Not your event", "由记录者更正。", "Let its recorder correct it."),
    "not-your-document": Text("不是您的凭证", "Not your document", "使用自己的凭证。", "Use a document of your own."),
    "outside-region": Text(
        "不在辖区", "Outside the region", "由所在地监管部门处理。", "Let the regulator of that region do it."
    ),
    "higher-authority": Text(
        "由上级作出", "Higher authority", "由作出暂停或锁定的一方解除。", "Let whoever placed the hold or lock lift it."
    ),
    "already-replaced": Text("已被更正", "Replaced before", "更正最新的一条。", "Replace the latest one."),
    "unknown-inspection": Text("没有这条监管记录", "Unknown record", "检查编号。", "Check the id."),
    "already-released": Text("已经解除", "Already released", "无需再操作。", "There is nothing more to do."),
    "already-corrected": Text("已经更正", "Already corrected", "更正最新的记录。", "Correct the latest record."),
    "already-claimed": Text("已被认领", "Already claimed", "与认领方核对。", "Settle it with whoever claimed it."),
    "already-identified": Text("来源已确认", "Already identified", "无需再操作。", "There is nothing more to do."),
    "not-correctable": Text("不能更正", "Not correctable", "先更正后面的记录。", "Correct what came after it first."),
    "other-kind": Text(
        "种类不同", "Other kind", "替换记录须与原记录同种。", "The replacement has the kind of the original."
    ),
    "is-a-gap": Text("这是来源缺口", "A gap", "使用收到的货物。", "Use the goods that were received."),
    "not-a-gap": Text("不是来源缺口", "Not a gap", "检查编号。", "Check the id."),
    "not-a-slip": Text("不是溯源单", "Not a slip", "检查单号。", "Check its code."),
    "not-a-receipt": Text("不是小票", "Not a receipt", "小票的编码以 R 开头。", "A receipt's code begins with R."),
    "slip-not-yours": Text("不是发给您的", "Slip not yours", "由收货方收货。", "Let its receiver receive it."),
    "slip-used-up": Text("溯源单已收完", "Slip used up", "查看已收记录。", "See what was received."),
    "slip-voided": Text("溯源单已作废", "Slip voided", "向发货方索取新单。", "Ask the sender for another."),
    "not-on-slip": Text("不在溯源单上", "Not on the slip", "核对溯源单。", "Compare it with the slip."),
    "custody-elsewhere": Text("货物在别处", "Goods elsewhere", "检查编号和场所。", "Check id and site."),
    "voided-custody": Text("批次已作废", "Voided batch", "使用替换的批次。", "Use the batch that replaced it."),
    "would-loop": Text("来源形成循环", "Would loop", "检查上下游。", "Check which came from which."),
    "unknown-recall": Text("没有这个召回", "Unknown recall", "检查编号。", "Check the id."),
    "role-may-not-recall": Text(
        "无权召回", "Not yours to recall", "联系辖区监管部门。", "Tell the office of your region."
    ),
    "empty-scope": Text("范围为空", "Empty scope", "给出编码、批次或场所。", "Name codes, lots or sites."),
    "too-many-selectors": Text("范围项过多", "Too many selectors", "分成几次召回。", "Divide the recall."),
    "scope-too-wide": Text("范围过宽", "Scope too wide", "按产品或时间分开。", "Divide it by product or time."),
    "changed-meanwhile": Text(
        "已有新版本", "Changed meanwhile", "按最新版本修改。", "Look at the latest version first."
    ),
    "recall-closed": Text("召回已结束", "Recall closed", "另行发起召回。", "Start another recall."),
    "still-a-mock": Text("仍是演练", "Still a mock", "先发起召回。", "Start it first."),
    "under-recall": Text("处于召回中", "Under recall", "修改或结束召回。", "Narrow or close the recall."),
    "not-concerned": Text("不涉及该主体", "Not concerned", "核对主体。", "Check the party."),
    "not-in-scope": Text("不在召回范围", "Not in the scope", "核对批次。", "Check the batch."),
    "no-evidence": Text("缺少凭证", "No evidence", "上传照片或记录。", "Upload a photo or record."),
    "goods-on-hold": Text("货物暂停销售", "Goods on hold", "等待解除暂停。", "Wait for the release."),
    "event-time-in-future": Text("时间在将来", "Time ahead", "校正时钟后重发。", "Set the clock and send it again."),
    "produced-in-future": Text("生产日期在将来", "Produced ahead", "检查生产日期。", "Check the date."),
    "too_old": Text("销售过旧", "Sale too old", "检查设备时钟，校正后重发。", "Set the clock and send it again."),
    "ref-reused": Text("编号重复使用", "Reference reused", "换一个 ref。", "Use another ref."),
    "no-verdict": Text("缺少判定", "No verdict", "给出 verdict 或限量。", "Give a verdict or a limit."),
    "invalid-rule": Text("规则有误", "Invalid rule", "按 errors 改正规则。", "Mend the rule as errors says."),
    "format-not-available": Text("没有这种格式", "No such format", "见接口文档。", "See the documentation."),
    "size-not-available": Text("没有这种尺寸", "No such size", "见接口文档。", "See the documentation."),
    "invalid-quantity": Text("数量有误", "Invalid quantity", "以数字和单位填写。", "Write a number and a unit."),
    "negative-quantity": Text("数量为负", "Negative quantity", "填写正数。", "Write a positive number."),
    "absurd-quantity": Text("数量过大", "Absurd quantity", "检查数量和单位。", "Check number and unit."),
    "unknown-unit": Text(
        "没有这个单位", "Unknown unit", "使用 斤、公斤、两、kg、g、pcs 等。", "Use 斤, 公斤, 两, kg, g or pcs."
    ),
    "wrong-measure": Text("计量方式不符", "Wrong measure", "按商品的计量方式填写。", "Use the product's own measure."),
    "time-zone": Text("没有这个时区", "Unknown time zone", "如 Asia/Shanghai。", "Write it as Asia/Shanghai."),
    "credit-code-length": Text(
        "统一社会信用代码长度不对", "Credit code has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "credit-code-character": Text(
        "统一社会信用代码有不可用的字符",
        "Credit code has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "credit-code-check": Text(
        "统一社会信用代码校验位不对",
        "Credit code has a wrong check digit",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "sc-length": Text(
        "食品生产许可证编号长度不对",
        "Production licence has a wrong length",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "sc-character": Text(
        "食品生产许可证编号有不可用的字符",
        "Production licence has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "sc-check": Text(
        "食品生产许可证编号校验位不对",
        "Production licence has a wrong check digit",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "sc-prefix": Text(
        "食品生产许可证编号开头不对",
        "Production licence has a wrong beginning",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "jy-length": Text(
        "食品经营许可证编号长度不对",
        "Business licence has a wrong length",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "jy-character": Text(
        "食品经营许可证编号有不可用的字符",
        "Business licence has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "jy-check": Text(
        "食品经营许可证编号校验位不对",
        "Business licence has a wrong check digit",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "jy-prefix": Text(
        "食品经营许可证编号开头不对",
        "Business licence has a wrong beginning",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "gtin-length": Text(
        "商品条码长度不对", "GTIN has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "gtin-character": Text(
        "商品条码有不可用的字符", "GTIN has a wrong character", "对照证件原文。", "Compare it with the original."
    ),
    "gtin-check": Text(
        "商品条码校验位不对", "GTIN has a wrong check digit", "对照证件原文。", "Compare it with the original."
    ),
    "gln-length": Text(
        "位置码 GLN长度不对", "GLN has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "gln-character": Text(
        "位置码 GLN有不可用的字符", "GLN has a wrong character", "对照证件原文。", "Compare it with the original."
    ),
    "gln-check": Text(
        "位置码 GLN校验位不对", "GLN has a wrong check digit", "对照证件原文。", "Compare it with the original."
    ),
    "region-length": Text(
        "行政区划代码长度不对", "Region code has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "region-character": Text(
        "行政区划代码有不可用的字符",
        "Region code has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "region-unknown": Text(
        "行政区划代码不存在", "Region code does not exist", "对照证件原文。", "Compare it with the original."
    ),
    "licence-scheme-length": Text(
        "证照类别长度不对", "Licence scheme has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "licence-scheme-character": Text(
        "证照类别有不可用的字符",
        "Licence scheme has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "licence-number-length": Text(
        "证照编号长度不对", "Licence number has a wrong length", "对照证件原文。", "Compare it with the original."
    ),
    "licence-number-character": Text(
        "证照编号有不可用的字符",
        "Licence number has a wrong character",
        "对照证件原文。",
        "Compare it with the original.",
    ),
    "gtin-in-store": Text("店内码", "In-store barcode", "使用商品自己的条码。", "Use the product's own barcode."),
}
