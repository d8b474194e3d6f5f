"""What a scale may sell: the service hands over goods that nothing stands against, and says of the rest why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# What the change feed calls any change of a hold that reaches what comes from the goods it was placed on.
HOLDS_DOWNSTREAM = "holds:downstream"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`slug` is the flag that a sale all the same would get; `detail` is "中文 · English"."""

    slug: str
    detail: str


def obstacles(
    holds: Sequence[str], *, refused: bool, expires_on: date | None, withdrawal_until: date | None, day: date
) -> list[Obstacle]:
    """Everything that keeps goods off a scale on a day of their site; `holds` are the reasons of active holds."""
    found = [Obstacle("held_goods", reason) for reason in holds]
    if refused:
        found.append(Obstacle("refused_goods", "被拒绝入场，请退回 · refused entry to the market: send it back"))
    if expires_on is not None and expires_on < day:
        found.append(
            Obstacle("expired_goods", f"保质期至 {expires_on}，请下架 · past its date {expires_on}: take it down")
        )
    if withdrawal_until is not None and withdrawal_until > day:
        found.append(
            Obstacle(
                "withdrawal_period",
                f"安全间隔期（休药期）内，{withdrawal_until} 起可售 · "
                f"within its withdrawal period: for sale from {withdrawal_until}",
            )
        )
    return found


def hold_reason(reason: str, *, automatic: bool) -> str:
    """Why goods are held, as "中文 · English"; a test's own words are "item value (stage)"."""
    if not automatic:
        return reason
    for stage, (chinese, english) in _STAGES.items():
        if reason.endswith(f"({stage})"):
            said = reason.removesuffix(f"({stage})").strip()
            return f"{chinese}：{said} · {english}: {said}"
    return f"检测不合格：{reason} · test failed: {reason}"


_STAGES = {"rapid": ("快检不合格", "rapid test failed"), "laboratory": ("实验室检测不合格", "laboratory test failed")}
