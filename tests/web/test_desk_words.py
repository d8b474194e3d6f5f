"""What the desk says and draws, without anybody at it."""

import re
from base64 import b64decode

from app.domain.alerts import ALERTS, STATES
from app.domain.recalls import NOTICE_STATES
from app.web.desk import charts
from app.web.desk.rendering import PLACES
from app.web.i18n import CATALOGUES


def test_every_closed_list_of_the_desk_has_words() -> None:
    wanted = {f"alert.{slug}" for slug in ALERTS} | {f"alert.state.{state}" for state in STATES}
    wanted |= {f"notice.state.{state}" for state in NOTICE_STATES} | {f"desk.nav.{name}" for name, _ in PLACES}
    assert wanted - CATALOGUES["zh"].texts.keys() == set()


def test_a_chart_is_a_picture_that_follows_the_night() -> None:
    drawn = b64decode(charts.data(charts.bars(["a", "b"], {"x": [1, None]}, "alarm")).partition(",")[2]).decode()
    assert "prefers-color-scheme:dark" in drawn
    assert "<script" not in drawn
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"|<!--.*?-->', "", drawn)
    assert charts._steps({"x": [7], "y": [4]}, stacked=True) == [0, 5, 10, 15, 20]
    assert charts._steps({}, stacked=False) == [0, 1, 2, 3, 4]
