"""Hostile inputs at the doors: each is refused, none is a failure of ours."""

from urllib.parse import quote

import pytest

from tests.support.cast import Cast

PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-1.4 %%EOF\r\n"
    b'--b\r\nContent-Disposition: form-data; name="type"\r\n\r\nother\r\n'
    b'--b\r\nContent-Disposition: form-data; name="number"\r\n\r\n\xff+2AA-\r\n--b--\r\n'
)


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "utf-7", "unicode_escape", "hex", "\0", "none"])
def test_a_form_in_a_charset_that_is_none(cast: Cast, charset: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
    answer = cast.stall.post("/documents", content=PARTS, headers=headers)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("typed", ["/c/%00", "https://x/c/S%00", "/c/%2500", "/01/00000000", "/c/%ff"])
def test_looking_up_a_pasted_address_with_a_nul(cast: Cast, typed: str) -> None:
    for text in (typed, quote(typed)):
        answer = cast.public.request("GET", "https://food.example.cn/lookup", params={"q": text})
        assert answer.status_code in (200, 400), answer.text
