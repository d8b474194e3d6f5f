"""The page of a board: for a hall's screen, a scale's second screen, and whoever opens it on a telephone."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from markupsafe import Markup

from app.domain import codes
from app.scanning.answer import Shown
from app.scanning.boards import EMPTY, Board
from app.scanning.stands import GRAVE
from app.web import assets, symbols
from app.web.i18n import Language, Words
from app.web.pages import environment, policy, stylesheet

# A screen turns its pages; more would not be seen before the first comes again. The JSON has it all.
ROWS = 60
NOTICES = 12

_STYLE = stylesheet("style.css", "board.css")
_SCRIPT = assets.address("board.js")
# The scripts of this service, and what they ask it for.
SCRIPTS = "script-src 'self'; connect-src 'self'; "
POLICY = policy(_STYLE, SCRIPTS)
# A page of another version has another script or style, and is loaded anew as a whole.
VERSION = assets.version(_STYLE.encode(), _SCRIPT.encode())

# How many columns of tiles fit the map of so many stalls on a wide screen.
_COLUMNS = ((6, 2), (12, 3), (20, 4), (30, 5), (42, 6), (56, 8), (90, 10))
_MOST = 12


def board_page(board: Board, tag: str, language: Language, public_url: str, expiring: list[Shown] | None) -> str:
    """`expiring`: what is about to lapse, for a reader with a key."""
    words = Words(language)
    arrived = [batch for batch in board.batches if batch["since"].date() >= board.day]
    on_sale = [batch for batch in board.batches if batch["on_sale"]]
    url = codes.qr_url(public_url, board.code)
    template = environment.get_template("board.html")
    return template.render(
        words=words,
        t=words.t,
        style=Markup(_STYLE),
        script=_SCRIPT,
        version=VERSION,
        board=board,
        tag=tag,
        grave=GRAVE,
        empty=EMPTY,
        columns=next((columns for most, columns in _COLUMNS if len(board.stalls) <= most), _MOST),
        legend=[(status, sum(stall["status"] == status for stall in board.stalls)) for status in _order(board)],
        goods=sorted(on_sale, key=lambda batch: batch["status"] not in GRAVE)[:ROWS],
        arrived=arrived[:ROWS],
        tests=sorted(board.tests, key=lambda test: test["verdict"] != "fail")[:ROWS],
        slips=board.slips[:ROWS],
        refused=board.refused[:ROWS],
        notices=board.notices[:NOTICES],
        expiring=expiring,
        today=words.day(board.day),
        this_year=board.day.year,
        at=board.record_time.astimezone(ZoneInfo(board.zone)),
        symbol=Markup(symbols.svg(url, words.t("label.scan"))),
        spelled=codes.grouped(board.code),
    )


def _order(board: Board) -> Sequence[str]:
    """The statuses on the map, the good ones first."""
    found = {stall["status"] for stall in board.stalls}
    return [status for status in ("ok", "incomplete", EMPTY, "pending", *GRAVE) if status in found]
