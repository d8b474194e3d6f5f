"""What a scale may sell: the service hands over goods that nothing stands against, and says of the rest why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# What the change feed calls the first of all holds that reach what comes from the goods they were placed on: as long as
# there is none, nobody looks back along the chain.
HOLDS_ONWARD = "holds:onward"


@dataclass(frozen=True, slots=True)
class Against:
    """Why goods are held, as "中文 · English"; `recalled`: by a recall."""

    reason: str
    recalled: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`slug` is the flag that a sale all the same would get; `detail` is "中文 · English"."""

    slug: str
    detail: str


def obstacles(
    holds: Sequence[Against], *, refused: bool, expires_on: date | None, withdrawal_until: date | None, day: date
) -> list[Obstacle]:
    """Everything that keeps goods off a scale on a day of their site, a recall first; `holds`: the active ones."""
    ranked = sorted(holds, key=lambda hold: not hold.recalled)
    found = [Obstacle("recalled_goods" if hold.recalled else "held_goods", hold.reason) for hold in ranked]
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
