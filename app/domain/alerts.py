"""Alerts: what somebody should look at now. A closed list of slugs, each with its gravity and its words.

An alert is no new fact: it points at an event, a receipt or a device that is in the books already. Its id is computed
from what it is about and from the event or the day, so that saying the same again makes no second row: a batch on hold
that is sold a hundred times in a day is one alert of that day. Somebody works on it: its state, its owner and whatever
was said of it are its history, to which is only added.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal, get_args
from uuid import UUID, uuid5

from app.domain.errors import Forbidden, Invalid

# Fixed for ever: the names of all alerts begin here.
_ALERT = UUID("6f0e2f54-8a3c-5d0b-9f43-0a1d5d1b7a07")


State = Literal["open", "acknowledged", "in_progress", "resolved", "dismissed"]
STATES: Final[tuple[State, ...]] = get_args(State)
CLOSED: Final = ("resolved", "dismissed")
STEPS: Final = 100  # changes that one alert may see

# Authorities as app.domain.rights counts them: a market's, a regulator's.
MARKETS: Final = 1
OFFICES: Final = 2


class Severity(StrEnum):
    """grave: people may be harmed, or somebody deceives; warning: the books are wrong; notice: a device is unwell."""

    GRAVE = "grave"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a slug means and what to do about it; `office`: a regulator's to close where it is grave, since it concerns
    papers or the market itself."""

    severity: Severity
    zh: str
    en: str
    office: bool = False


ALERTS: dict[str, Kind] = {
    "failed_test": Kind(
        Severity.GRAVE,
        "检测不合格，批次已暂停销售；4 小时内可提出复检",
        "a test failed and its lot is on hold; it may be contested within 4 hours",
    ),
    "recalled_goods": Kind(
        Severity.GRAVE,
        "已召回的货物被售出，请立即到摊位封存并通知买家",
        "recalled goods were sold: secure the rest at the stall and warn the buyers at once",
    ),
    "held_goods": Kind(
        Severity.GRAVE, "暂停销售的货物被售出，请到摊位核查", "goods on hold were sold: look into it at the stall"
    ),
    "refused_goods": Kind(
        Severity.GRAVE,
        "被拒绝入场的货物被售出，请到摊位核查",
        "goods that were refused entry were sold: look into it at the stall",
    ),
    "withdrawal_period": Kind(
        Severity.GRAVE,
        "安全间隔期（休药期）内的货物被售出，请暂停该批次",
        "goods within their withdrawal period were sold: hold the batch",
    ),
    "expired_goods": Kind(Severity.GRAVE, "过期货物被售出，请下架", "goods past their date were sold: take them down"),
    "more_than_there": Kind(
        Severity.WARNING,
        "售出数量超过该批次现有数量，请盘点",
        "more of a batch was sold than there was: count the stock",
    ),
    "counter_reused": Kind(
        Severity.WARNING,
        "小票序号重复而内容不同：秤被重置或被复制，请检查并重新激活",
        "a receipt number was used twice with other content: a scale was reset or copied; inspect and activate it anew",
    ),
    "refused_device": Kind(
        Severity.GRAVE,
        "被锁定或密钥已作废的设备仍在连接，请找回设备",
        "a device that is locked, or whose key is revoked, goes on calling: find the device",
    ),
    "clock_ahead": Kind(
        Severity.NOTICE, "设备时钟偏快，请校时", "the clock of a device is ahead: set it"
    ),
    "clock_behind": Kind(
        Severity.NOTICE, "设备时钟偏慢，请校时", "the clock of a device is behind: set it"
    ),
    "copied_code": Kind(
        Severity.GRAVE,
        "同一单品码在相距很远的两地先后被扫，可能被复制，请核查两地货源",
        "one unit's code was scanned in two places too far apart for the time between: it may be copied; look at both",
    ),
    "sold_elsewhere": Kind(
        Severity.WARNING,
        "单品首次被扫的城市不是其上架地，可能窜货或被复制，请核查",
        "the first scan of a unit came from another city than where it was put on sale: diverted or copied",
    ),
    "scan_burst": Kind(
        Severity.WARNING,
        "同一单品码或小票一小时内被扫多次，可能被复制，请核查",
        "the code of one unit or receipt was scanned many times in an hour: it may be copied",
    ),
    "revoked_code": Kind(
        Severity.GRAVE,
        "已停用的单品码被扫，请查找贴有此码的商品",
        "a withdrawn unit code was scanned: find what bears it",
    ),
    "inactive_code": Kind(
        Severity.GRAVE,
        "尚未启用的单品码被扫，标签可能流失，请核查",
        "a unit code that is not in use was scanned: labels may have been stolen",
    ),
    "sold_in_withdrawal": Kind(
        Severity.GRAVE,
        "安全间隔期（休药期）未满已售出，请追回并检测",
        "goods were sold before their withdrawal period was over: take them back and test them",
        office=True,
    ),
    "sold_more_than_received": Kind(
        Severity.GRAVE,
        "售出多于购进，可能混入无来源货物，请核查进货",
        "more was sold than came in: goods without origin may be among them; look at the purchases",
        office=True,
    ),
    "document_overused": Kind(
        Severity.GRAVE,
        "凭证使用数量超过其载明数量，请核对原件",
        "a document was used for more than the quantity it covers: compare it with the original",
        office=True,
    ),
    "test_reused": Kind(
        Severity.GRAVE,
        "同一检测结果用于不同批次，请重新抽样",
        "one test result speaks for different lots: sample them anew",
        office=True,
    ),
    "impossible_yield": Kind(
        Severity.WARNING,
        "出品率不合常理，请核对投入与产出",
        "no such process yields so much or so little: compare what went in with what came out",
    ),
    "unmatched_return": Kind(
        Severity.WARNING,
        "退货与原供货不符，请双方核对",
        "goods went back to where they, or so much of them, had not come from: let both sides compare",
    ),
    "silent_device": Kind(
        Severity.WARNING,
        "每日使用的秤在营业时间内无联络，请检查设备",
        "a scale that sold every day has not called during the market's hours: look at it",
    ),
    "licence_expired": Kind(
        Severity.WARNING, "证照已过期，请更新或停业", "a licence has expired: renew it, or stop trading"
    ),
    "licence_expiring": Kind(Severity.NOTICE, "证照即将到期，请及时更新", "a licence will expire: renew it in time"),
    "paper_expired": Kind(
        Severity.WARNING, "场所或主体的凭证已过期，请更换", "a paper of a site or party has expired: replace it"
    ),
    "webhook_given_up": Kind(
        Severity.WARNING,
        "登记的回调地址多次无法送达，已放弃，对方可能没有收到通知，请另行通知",
        "what was to be told to a webhook was given up after many tries: tell them in another way",
    ),
    "forged_code": Kind(
        Severity.GRAVE,
        "有人出示签名不符的单品码或小票，是仿造的，请核查",
        "a unit or receipt whose signature is not ours was shown: it is forged",
    ),
    "event_unpublishable": Kind(
        Severity.WARNING,
        "有事件无法写成 EPCIS，已搁置；onecode db check 逐一列出，升级或重启后自动重试",
        "an event could not be told in EPCIS and is set aside: `onecode db check` lists each; the next start, as after "
        "an upgrade, tries it again",
    ),
    "subscription_paused": Kind(
        Severity.WARNING,
        "EPCIS 订阅多次未能送达，已暂停，请检查接收端后恢复",
        "an EPCIS subscription could not be delivered and is paused: look at the receiver, then set it active",
    ),
}  # fmt: skip

# Flags of a sale that are alerts, too; the slug is the same.
SOLD = ("recalled_goods", "held_goods", "refused_goods", "expired_goods", "withdrawal_period", "more_than_there")


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of alert. `party_id` is whose stall it was at `event_time`; what it is not about is None.

    event_time: when it happened by the clock of who said so; record_time: ours. `owner`: the key or person that works
    on it; `authority`: who may close it, see `changed`; `history`: each change as
    {"time","by","state","owner","note"}."""

    id: UUID
    slug: str
    severity: str
    site_id: UUID | None
    party_id: UUID | None
    device_id: UUID | None
    event_id: UUID | None
    receipt_id: int | None
    custody_id: UUID | None
    detail: str
    event_time: datetime
    record_time: datetime
    state: str = "open"
    owner: UUID | None = None
    authority: int = MARKETS
    changed_at: datetime | None = None
    history: list[dict[str, Any]] | None = field(default=None)


def changed(
    alert: Alert,
    now: datetime,
    by: UUID,
    authority: int,
    *,
    own: bool,
    state: State | None,
    owner: UUID | None,
    assigned: bool,
    note: str | None,
) -> Alert:
    """With a new state, a new owner (where `assigned`; None for nobody), a note. Whoever takes it up owns it where
    nobody does. `own`: it is about the party that changes it.

    Nobody closes or reopens a grave alert that a higher authority has taken up or that is an office's, nor one about
    itself: Forbidden higher-authority. Invalid where it is dismissed without a note, too-many-changes after STEPS."""
    before = alert.history or []
    if len(before) >= STEPS:
        raise Invalid("too-many-changes", f"已改动 {STEPS} 次，不能再改 · It has been changed {STEPS} times: no more")
    to = state or alert.state
    if alert.severity == Severity.GRAVE and (to in CLOSED) != (alert.state in CLOSED):
        least = max(alert.authority, OFFICES) if own else alert.authority
        if authority < least:
            raise Forbidden(
                "higher-authority",
                "该警报由上级处理，请联系其结案 · this alert is a higher authority's to close: ask it to",
                identity=str(alert.id),
            )
    if to == "dismissed" and state is not None and note is None:
        raise Invalid("invalid", "不予处理须说明理由 · Say in `note` why it is dismissed", pointer="/note")
    if not assigned:
        owner = by if alert.owner is None and to in ("acknowledged", "in_progress") else alert.owner
    said = {
        "time": now.isoformat(), "by": str(by), "state": to, "owner": str(owner) if owner else None, "note": note,
    }  # fmt: skip
    return replace(
        alert,
        state=to,
        owner=owner,
        authority=max(alert.authority, authority),
        changed_at=now,
        history=[*before, said],
    )


def alert_id(slug: str, subject: UUID | str, on: date | None) -> UUID:
    return uuid5(_ALERT, f"{slug}/{subject}/{on or ''}")


def raised(
    slug: str,
    subject: UUID | str,
    on: date | None,
    about: tuple[str, str] | None,
    *,
    event_time: datetime,
    record_time: datetime,
    **where: Any,
) -> Alert:
    """An alert about a subject on a day; without a day for a subject that is an event. `about`: particulars, Chinese
    and English. `where`: site_id, party_id, device_id, event_id, receipt_id, custody_id, as far as known."""
    kind = ALERTS[slug]
    zh, en = (f"（{about[0]}）", f" ({about[1]})") if about else ("", "")
    return Alert(
        id=alert_id(slug, subject, on),
        slug=slug,
        severity=kind.severity,
        detail=f"{kind.zh}{zh} · {kind.en}{en}",
        event_time=event_time,
        record_time=record_time,
        authority=OFFICES if kind.office else MARKETS,
        site_id=where.get("site_id"),
        party_id=where.get("party_id"),
        device_id=where.get("device_id"),
        event_id=where.get("event_id"),
        receipt_id=where.get("receipt_id"),
        custody_id=where.get("custody_id"),
    )
