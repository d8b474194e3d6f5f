"""A receipt as plain text: 32 columns on 58 mm, 48 on 80 mm; the URL stands where the symbol would."""

from collections.abc import Iterator

from app.scanning import Paper
from app.web.i18n import Words
from app.web.paper.glyphs import columns, wrap
from app.web.paper.layout import Element, Line, Rule, Symbol, lay_out, stop

COLUMNS = {58: 32, 80: 48}  # 12 dots each, as printers of 203 dpi have them


def text(paper: Paper, words: Words, url: str, width: int) -> str:
    """`width` of the paper in millimetres, 58 or 80."""
    across = COLUMNS[width]
    elements = lay_out(paper, words, url, across, lambda part, _style: columns(part))
    return "".join(line + "\n" for element in elements for line in _set(element, across))


def _set(element: Element, across: int) -> Iterator[str]:
    match element:
        case Rule():
            yield "-" * across
        case Symbol(url):
            base, _, code = url.rpartition("/")
            yield from wrap(f"{base}/", across, columns)
            yield code
        case Line():
            yield filled(element, across)


def filled(line: Line, across: int) -> str:
    """The line with its parts at their places, without blanks at its end."""
    if line.centred:
        return " " * ((across - columns(line.left)) // 2) + line.left
    made = line.left
    for part, end in ((line.middle, stop(across)), (line.right, across)):
        if part:
            made += " " * (end - columns(part) - columns(made)) + part
    return made
