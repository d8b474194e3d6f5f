"""Where an address is: an operator's table of networks, read once and refused where it is nonsense."""

from pathlib import Path

import pytest

from app.web.places import Places, read_places

TABLE = """\ufeffnetwork,region,note
203.0.113.0/24,330100,Hangzhou
203.0.113.128/25,3302,Ningbo
203.0.0.0/16,33,the province
2001:db8::/32,130703,Zhangjiakou
198.51.100.7/32,110101,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "places.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_the_smallest_network_tells_the_place(table: Path) -> None:
    places = read_places(table)
    for host, region in {
        "203.0.113.9": "3301", "203.0.113.200": "3302", "203.0.7.1": "33", "203.1.0.1": None, "2001:db8::5": "130703",
        "2001:db9::5": None, "198.51.100.7": "110101", "198.51.100.8": None, "testclient": None, "": None,
    }.items():  # fmt: skip
        assert places.of(host) == region, host
    assert places.of(None) is None
    assert Places().of("203.0.113.9") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("network;region\n", "first line"),
        ("network,region\n203.0.113.0/24,3301\n203.0.113.9/24,3301\n", "line 3"),
        ("network,region\nx,3301\n", "line 2"),
        ("network,region\n203.0.113.0/24\n", "line 2"),
        ("network,region\n203.0.113.0/24,9901\n", "line 2"),
        ("network,region\n203.0.113.0/24,hangzhou\n", "line 2"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "places.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=told):
        read_places(path)
