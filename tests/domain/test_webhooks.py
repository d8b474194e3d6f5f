"""Where webhooks may lead, how they are signed, when they are tried again."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest

from app.domain.errors import Invalid
from app.domain.webhooks import (
    Answer,
    Delivery,
    Pace,
    Reach,
    Webhook,
    reach,
    require_listed,
    secret_of,
    secrets_of,
    settle,
    shown,
    signed_headers,
    target_of,
)

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
MASTER = bytes(range(32))
HOOK = Webhook(UUID(int=1), UUID(int=2), "https://e.cn/", ["recall"], "active", None, 1, None, 0, NOW)
DELIVERY = Delivery(
    HOOK.id, UUID(int=3), "recall.notice", "1", "{}", "pending", 1, NOW, NOW + Pace().life, None, None, NOW, None
)


@pytest.mark.parametrize(
    ("url", "authority", "at"),
    [
        ("https://ERP.example.cn", "erp.example.cn", "https://192.0.2.1:443/"),
        ("https://erp.example.cn:8443/a?b=c", "erp.example.cn:8443", "https://192.0.2.1:8443/a?b=c"),
        ("http://erp.example.cn/A%20b", "erp.example.cn", "http://192.0.2.1:80/A%20b"),
        ("https://[2001:DB8::1]:443/", "[2001:db8::1]", "https://192.0.2.1:443/"),
    ],
)
def test_a_url_in_its_parts(url: str, authority: str, at: str) -> None:
    target = target_of(url)
    assert target.authority == authority
    assert target.url_at(ip_address("192.0.2.1")) == at


def test_an_address_of_six_is_bracketed() -> None:
    assert target_of("https://e.cn/x").url_at(ip_address("2606::1")) == "https://[2606::1]:443/x"


@pytest.mark.parametrize(
    "url",
    [
        "", "erp.example.cn", "ftp://erp.example.cn/", "//erp.example.cn/", "file:///etc/passwd",
        "https://user@erp.example.cn/", "https://user:word@erp.example.cn/", "https://erp.example.cn@127.0.0.1/",
        "https://erp.example.cn#@127.0.0.1/", "https://erp.example.cn/#x", "https://erp.example.cn\\@127.0.0.1/",
        "https://erp.example.cn:0/", "https://erp.example.cn:65536/", "https://erp.example.cn:1e3/", "https://:443/",
        "https://erp.example.cn:/", "https://erp.example.cn/a b", "https://erp.example.cn/\r\nHost: x", "https:///x",
        "https://erp.example.cn\n/", "\thttps://erp.example.cn/", "https://餐.example.cn/", "https://erp.example.cn/餐",
        "https://erp。example.cn/", "https://[::1/", "https://[fe80::1%25eth0]/", "https://erp.example.cn?x@y",
        "https://exa%6dple.cn/", "gopher://erp.example.cn:70/_x", "https:erp.example.cn",
    ],
)  # fmt: skip
def test_anything_but_a_plain_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        target_of(url)
    assert (refused.value.slug, refused.value.pointer) == ("invalid", "/url")


LISTED = reach(["erp.example.cn", "*.hooks.cn", "http://10.1.2.3:9000", "https://[2001:db8::1]", "odd.cn:8443"], ())


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://erp.example.cn/a", True), ("https://erp.example.cn:443/a", True), ("http://erp.example.cn/a", False),
        ("https://erp.example.cn:8443/", False), ("https://example.cn/", False), ("https://a.erp.example.cn/", False),
        ("https://erp.example.cn./", False), ("https://erp.example.cn.evil.cn/", False), ("https://hooks.cn/", False),
        ("https://a.hooks.cn/", True), ("https://b.a.hooks.cn/", True), ("https://ahooks.cn/", False),
        ("http://10.1.2.3:9000/", True), ("http://10.1.2.3/", False), ("https://10.1.2.3:9000/", False),
        ("https://[2001:db8::1]/", True), ("https://odd.cn:8443/", True), ("https://odd.cn/", False),
        ("http://167837187:9000/", False), ("https://localhost/", False),
    ],
)  # fmt: skip
def test_only_listed_origins_are_spoken_to(url: str, listed: bool) -> None:
    assert LISTED.lists(target_of(url)) is listed
    if not listed:
        with pytest.raises(Invalid) as refused:
            require_listed(LISTED, target_of(url))
        assert refused.value.slug == "host-not-listed"


@pytest.mark.parametrize("text", ["https://", "*", "a b", "ftp://e.cn", "e.cn/path", "u@e.cn", "e.cn:99999", "e.cn:0"])
def test_a_list_with_nonsense_in_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host such as"):
        reach([text], ())


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("8.8.8.8", True), ("127.0.0.1", False), ("127.9.9.9", False), ("0.0.0.0", False), ("10.0.0.1", False),
        ("172.16.0.1", False), ("172.32.0.1", True), ("192.168.1.1", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("192.0.0.1", False), ("192.0.2.1", False), ("198.18.0.1", False), ("224.0.0.1", False),
        ("240.0.0.1", False), ("255.255.255.255", False), ("::", False), ("::1", False), ("fe80::1", False),
        ("fe80::1%eth0", False), ("fc00::1", False), ("fd00:ec2::254", False), ("ff02::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::ffff:8.8.8.8", True), ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("2001:0:1::1", False), ("2001:db8::1", False),
        ("fec0::1", False), ("2606:4700::1111", True), ("2400:3200::1", True),
    ],
)  # fmt: skip
def test_only_public_addresses_are_connected_to(address: str, admitted: bool) -> None:
    assert (Reach().admits(address) is not None) is admitted


def test_networks_that_are_listed_are_reached() -> None:
    inner = reach([], [ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    assert str(inner.admits("10.1.2.3")) == "10.1.2.3"
    assert str(inner.admits("::ffff:10.1.2.3")) == "10.1.2.3"
    assert str(inner.admits("fd12::1")) == "fd12::1"
    assert inner.admits("10.2.0.1") is None
    assert inner.admits("127.0.0.1") is None


def test_a_secret_is_derived() -> None:
    secret = secret_of(MASTER, HOOK.id, 1)
    assert len({secret, secret_of(MASTER, HOOK.id, 2), secret_of(MASTER, UUID(int=2), 1)}) == 3
    assert shown(secret) == "whsec_" + base64.b64encode(secret).decode()


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """A vector computed here from its text: HMAC-SHA256 of `id.timestamp.body`."""
    headers = signed_headers(secrets_of(MASTER, HOOK, NOW), DELIVERY.id, b'{"a": 1}', NOW)
    stamp = str(int(NOW.timestamp()))
    message = f"{DELIVERY.id}.{stamp}.".encode() + b'{"a": 1}'
    mac = base64.b64encode(hmac.new(secret_of(MASTER, HOOK.id, 1), message, hashlib.sha256).digest()).decode()
    assert headers == {
        "webhook-id": str(DELIVERY.id), "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"
    }  # fmt: skip


def test_for_a_day_both_secrets_sign() -> None:
    turned = replace(HOOK, version=2, rotated_at=NOW)
    new, old = secret_of(MASTER, HOOK.id, 2), secret_of(MASTER, HOOK.id, 1)
    assert secrets_of(MASTER, turned, NOW) == [new, old]
    assert secrets_of(MASTER, turned, NOW + timedelta(hours=24)) == [new]
    each = [signed_headers([secret], DELIVERY.id, b"", NOW)["webhook-signature"] for secret in (new, old)]
    assert signed_headers([new, old], DELIVERY.id, b"", NOW)["webhook-signature"] == " ".join(each)


def test_waits_grow_to_the_longest_and_are_spread() -> None:
    pace = Pace()
    middle = [pace.wait(tried, 0.5).total_seconds() for tried in (1, 2, 3, 8, 16, 10_000)]
    assert middle == [5, 20, 80, 21_600, 21_600, 21_600]
    assert pace.wait(1, 0.0).total_seconds() == 3.75
    assert pace.wait(1, 1.0).total_seconds() == 6.25
    assert sum((pace.wait(tried, 1.0) for tried in range(1, pace.attempts)), timedelta()) < pace.life


def test_what_comes_of_a_try() -> None:
    pace = Pace()

    def after(answer: Answer, row: Delivery = DELIVERY, hook: Webhook = HOOK) -> tuple[str, float | None]:
        got = settle(row, hook, answer, NOW, pace, 0.5)
        assert (got.settled_at is None) == (got.next_attempt is not None)
        return got.state, (got.next_attempt - NOW).total_seconds() if got.next_attempt else None

    assert after(Answer(204)) == ("sent", None)
    assert after(Answer(302)) == ("failed", 5)
    assert after(Answer(None, "timeout"), hook=replace(HOOK, failures=2)) == ("failed", 80)
    assert after(Answer(503, retry_after=60)) == ("failed", 60)
    assert after(Answer(503, retry_after=1e9)) == ("failed", 21_600)
    assert after(Answer(410)) == ("dead", None)
    assert after(Answer(500), replace(DELIVERY, attempts=16)) == ("dead", None)
    assert after(Answer(500), replace(DELIVERY, expires=NOW)) == ("dead", None)
    assert [Answer(status).unreachable for status in (200, 400, 500, 429, 502, 503, 504)] == [False] * 3 + [True] * 4
