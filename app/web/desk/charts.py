"""Charts as SVG pictures, drawn on the server: a page loads them as data, nothing in them runs, and they follow the
reader's light and dark. The numbers stand beside each as a table."""

import re
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pygal  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

# pygal looks for plug-ins by a hook of Python 2 that every later import would warn of.
sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

_SCRIPT = re.compile("<script.*?</script>", re.DOTALL)
FONT = '"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif'
Colours = Literal["alarm", "calm"]
# By day and by night; told apart by brightness as well as by hue. The style sheet has the same for the legend.
_COLOURS: dict[Colours, tuple[tuple[str, str], ...]] = {
    "alarm": (("#a8141c", "#ff8a83"), ("#c77700", "#f0b35a"), ("#2b6ea3", "#7db9e8")),
    "calm": (("#2b6ea3", "#7db9e8"), ("#1f6f4a", "#5fcf98"), ("#c77700", "#f0b35a"), ("#6b5b95", "#b7a6e0")),
}


def _night(colours: Colours) -> str:
    """The rules by which a picture follows the reader's dark page."""
    drawn = "".join(
        f".color-{n}{{fill:{night} !important;stroke:{night} !important}}"
        for n, (_, night) in enumerate(_COLOURS[colours])
    )
    axes = "text{fill:#e9efeb !important}.axis .line,.axis .guides path{stroke:#4b5852 !important}"
    return f"@media (prefers-color-scheme:dark){{{axes}{drawn}}}"


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    colours: Colours,
    *,
    stacked: bool = True,
    percent: bool = False,
) -> str:
    """A bar for each label, of the values of each series: SVG. The page has its legend."""
    return _drawn(pygal.StackedBar if stacked else pygal.Bar, labels, series, colours, percent)


def data(picture: str) -> str:
    """The picture as a `data:` address."""
    return "data:image/svg+xml;base64," + b64encode(picture.encode()).decode()


def _steps(series: Mapping[str, Sequence[float | None]], *, stacked: bool) -> list[int]:
    """Round numbers from nothing to the highest, four steps or so."""
    columns = list(zip(*series.values(), strict=True))
    highest = max((sum(v or 0 for v in c) if stacked else max(v or 0 for v in c) for c in columns), default=0)
    step = next(unit * 10**power for power in range(12) for unit in (1, 2, 5) if unit * 10**power * 4 >= highest)
    return [step * n for n in range(5)]


def _drawn(
    kind: Any, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], colours: Colours, percent: bool
) -> str:
    style = Style(
        background="transparent", plot_background="transparent", foreground="#16201b", foreground_strong="#16201b",
        foreground_subtle="#515c56", colors=tuple(day for day, _ in _COLOURS[colours]),
        font_family=FONT, label_font_size=17, major_label_font_size=17,
        legend_font_size=17, value_font_size=17, opacity="1", opacity_hover="1",
    )  # fmt: skip
    chart = kind(
        style=style, width=760, height=270, js=(), show_legend=False, margin=8,
        range=(0, 100) if percent else None, include_x_axis=True, print_values=False, dots_size=4,
        x_labels_major_every=1 if len(labels) <= 10 else 2, show_minor_x_labels=False, truncate_label=-1,
        x_label_rotation=25 if max(map(len, labels), default=0) > 6 else 0, disable_xml_declaration=True,
        value_formatter=lambda value: f"{value:.0f}%" if percent else f"{value:.0f}",
        y_labels=_steps(series, stacked=kind is pygal.StackedBar) if not percent else (0, 25, 50, 75, 100),
        show_y_guides=True, spacing=14,
    )  # fmt: skip
    chart.x_labels = list(labels)
    for name, values in series.items():
        chart.add(name, list(values))
    drawn: str = _SCRIPT.sub("", chart.render(is_unicode=True))
    return drawn.replace("</style>", f"{_night(colours)}</style>", 1)
