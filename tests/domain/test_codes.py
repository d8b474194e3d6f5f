import hashlib
import hmac
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain import codes
from app.domain.codes import (
    ALPHABET,
    Code,
    CodeKind,
    MistypedCode,
    ReceiptName,
    ReceiptSigner,
    UnitName,
    check_character,
    grouped,
    mint,
    parse,
    qr_url,
    receipt_code,
    receipt_id,
    receipt_id_of,
    receipt_mac_ok,
    receipt_name,
    receipt_parts,
    receipt_secret,
    suggestions,
    unit_code,
    unit_mac_ok,
    unit_name,
    unit_secret,
)

MASTER = bytes(range(32))
MINTED = [CodeKind.SITE, CodeKind.PARTY, CodeKind.CUSTODY, CodeKind.LOT, CodeKind.SLIP]

devices = st.integers(1, 2**25 - 1)
epochs = st.integers(0, 2**8 - 1)
counters = st.integers(0, 2**30 - 1)
jobs = st.integers(1, 2**35 - 1)
unit_counters = st.integers(0, 2**25 - 1)
receipt_ids = st.builds(receipt_id, devices, epochs, counters)
secrets_ = st.binary(min_size=32, max_size=32)
minted = st.builds(
    lambda kind, body: mint(kind, lambda size: body[:size]),
    st.sampled_from(MINTED),
    st.binary(min_size=10, max_size=10),
)
receipts = st.builds(receipt_code, secrets_, receipt_ids)
units = st.builds(unit_code, secrets_, jobs, unit_counters)
any_code = st.one_of(minted, receipts, units)

SAMPLES = [
    *(mint(kind, lambda size: hashlib.sha256(b"onecode").digest()[:size]) for kind in MINTED),
    mint(CodeKind.SITE, bytes),
    receipt_code(receipt_secret(MASTER, 4711, 2), receipt_id(4711, 2, 301_000)),
    receipt_code(receipt_secret(MASTER, 2**25 - 1, 255), receipt_id(2**25 - 1, 255, 2**30 - 1)),
    unit_code(unit_secret(MASTER, 9), 9, 19_999_999),
    unit_code(unit_secret(MASTER, 2**35 - 1), 2**35 - 1, 2**25 - 1),
]


def refuses(text: str) -> bool:
    try:
        parse(text)
    except MistypedCode:
        return True
    return False


def slow_weighted_sum(text: str) -> int:
    """The definition, without tables or masks."""

    def times(a: int, b: int) -> int:
        product = 0
        for bit in range(5):
            if b >> bit & 1:
                product ^= a << bit
        for bit in range(9, 4, -1):
            if product >> bit & 1:
                product ^= 0b100101 << bit - 5
        return product

    total, weight = 0, 1
    for char in reversed(text):
        total ^= times(ALPHABET.index(char), weight)
        weight = times(weight, 2)
    return total


@pytest.mark.parametrize("code", SAMPLES)
def test_every_single_wrong_character_is_noticed(code: str) -> None:
    for place, right in enumerate(code):
        for wrong in string.printable + "é一":
            same = wrong.upper() == right or (place and wrong.upper() in {"1": "IL", "0": "O"}.get(right, ""))
            assert refuses(code[:place] + wrong + code[place + 1 :]) != bool(same), (code, place, wrong)


@pytest.mark.parametrize("code", SAMPLES)
def test_every_swap_of_two_neighbours_is_noticed(code: str) -> None:
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert refuses(swapped) == (swapped != code), (code, place)


@given(any_code, st.data())
def test_wrong_characters_and_swaps_of_any_code_are_noticed(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda char: char != code[place]))
    assert refuses(code[:place] + wrong + code[place + 1 :])
    left = data.draw(st.integers(0, len(code) - 2))
    swapped = code[:left] + code[left + 1] + code[left] + code[left + 2 :]
    assert refuses(swapped) == (swapped != code)


@given(any_code)
def test_a_missing_or_an_added_character_is_noticed(code: str) -> None:
    assert refuses(code[:-1])
    assert refuses(code + "0")


@given(any_code)
def test_check_character_is_the_weighted_sum_over_gf32(code: str) -> None:
    assert slow_weighted_sum(code) == 0
    assert check_character(code[:-1]) == code[-1]


@pytest.mark.parametrize("payload", ["", "S" * 31, "SU", "Sé", "s", "S!"])
def test_check_character_refuses_what_is_no_payload(payload: str) -> None:
    with pytest.raises(ValueError, match="a payload is"):
        check_character(payload)


@given(any_code, st.data())
def test_a_code_may_be_typed_with_dashes_blanks_small_letters_and_look_alikes(code: str, data: st.DataObject) -> None:
    typed = code[0]
    for char in code[1:]:
        typed += data.draw(st.sampled_from(["", "-", " ", "\r\n", "－", "\u3000", "–", "\u00a0"]))
        typed += data.draw(st.sampled_from({"1": "1IiLl", "0": "0Oo"}.get(char, char + char.lower())))
    parsed = parse(typed)
    assert parsed == Code(code, CodeKind(code[0]))
    assert parsed.body == code[1:-1]


def test_full_width_input_is_read() -> None:
    code = SAMPLES[0]
    assert parse("".join(chr(ord(char) + 0xFEE0) for char in code)).text == code


@pytest.mark.parametrize("capital_elsewhere", ["ſ", "ß", "ı", "\u212a"])
def test_letters_whose_capital_is_ascii_only_in_unicode_are_wrong(capital_elsewhere: str) -> None:
    assert refuses(capital_elsewhere + SAMPLES[0][1:])
    assert refuses(SAMPLES[0][:-1] + capital_elsewhere)


@given(any_code)
def test_grouped_reads_back(code: str) -> None:
    text = grouped(code)
    assert parse(text).text == code
    assert {len(group) for group in text.split("-")[1:-1]} <= {4, 5}
    assert text.startswith(f"{code[0]}-")
    assert text.endswith(f"-{code[-1]}")


def test_grouped_form_of_a_site() -> None:
    assert [len(group) for group in grouped(SAMPLES[0]).split("-")] == [1, 4, 4, 4, 4, 1]


@pytest.mark.parametrize(
    ("text", "reason", "reason_zh"),
    [
        ("", "begins with", "开头"),
        ("X123", "begins with", "开头"),
        ("iABC", "begins with", "开头"),
        ("S123", "has 18 characters, this one 4", "应为18个字符，现为4个"),
        ("R" + "0" * 17, "has 23 characters, this one 18", "应为23个字符"),
        ("S" + "0" * 8 + "U" + "0" * 8, "character 10 is not", "第10个字符"),
        ("S" + "0" * 15 + "_0", "character 17 is not", "第17个字符"),
        ("S" + "0" * 15 + "é0", "character 17 is not", "第17个字符"),
        ("S" + "0" * 17, "check character", "校验字符"),
        ("S" * 81, "longer than 80", "超过80"),
    ],
)
def test_a_mistyped_code_says_why(text: str, reason: str, reason_zh: str) -> None:
    with pytest.raises(MistypedCode) as caught:
        parse(text)
    assert reason in caught.value.reason
    assert str(caught.value) == caught.value.reason
    assert reason_zh in caught.value.reason_zh
    assert caught.value.text == text[:80]


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    refuses(text)
    assert suggestions(text) == [code for code in suggestions(text) if parse(code).text == code]


@pytest.mark.parametrize(
    "payload",
    [
        "R" + "0" * 21,  # device 0
        "R7" + "Z" * 20,  # the last id there is: in range
        "R8" + "0" * 20,  # 64 bits and more
        "RZ" + "0" * 20,
        "N" + "0" * 25,  # job 0
        "NF" + "Z" * 24,
        "NG" + "0" * 24,  # the bit that pads the body
    ],
)
def test_numbers_that_no_receipt_or_unit_can_have_are_no_codes(payload: str) -> None:
    in_range = payload[1] in "7F"
    assert refuses(payload + check_character(payload)) != in_range


def test_mint_takes_eighty_bits_and_refuses_derived_kinds() -> None:
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return b"\xff" * size

    assert mint(CodeKind.LOT, random)[:-1] == "G" + "Z" * 16
    assert asked == [10]
    assert mint(CodeKind.LOT) != mint(CodeKind.LOT)
    for kind in (CodeKind.RECEIPT, CodeKind.UNIT):
        with pytest.raises(ValueError, match="derived"):
            mint(kind)


@given(devices, epochs, counters)
def test_receipt_id_packs_into_a_bigint_and_back(device: int, epoch: int, counter: int) -> None:
    number = receipt_id(device, epoch, counter)
    assert 0 < number < 2**63
    assert receipt_name(number) == ReceiptName(device, epoch, counter)


@given(st.tuples(devices, epochs, counters), st.tuples(devices, epochs, counters))
def test_receipt_ids_sort_as_their_names(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    assert (receipt_id(*one) < receipt_id(*other)) == (one < other)


@pytest.mark.parametrize(
    "name", [(0, 0, 0), (2**25, 0, 0), (-1, 0, 0), (1, 256, 0), (1, -1, 0), (1, 0, 2**30), (1, 0, -1)]
)
def test_receipt_ids_outside_the_range_are_refused(name: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        receipt_id(*name)


@pytest.mark.parametrize("number", [-1, 0, 2**38 - 1, 2**63])
def test_integers_that_are_no_receipt_id_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not a receipt id"):
        receipt_name(number)
    with pytest.raises(ValueError, match="not a receipt id"):
        receipt_code(MASTER, number)
    with pytest.raises(ValueError, match="not a receipt"):
        ReceiptSigner(MASTER).code(number)


@given(devices, epochs, counters)
def test_receipt_code_carries_its_id_and_its_mac(device: int, epoch: int, counter: int) -> None:
    secret = receipt_secret(MASTER, device, epoch)
    number = receipt_id(device, epoch, counter)
    code = parse(receipt_code(secret, number))
    assert len(code.text) == 23
    assert code.kind is CodeKind.RECEIPT
    assert receipt_id_of(code) == number
    assert receipt_mac_ok(secret, code)
    assert not receipt_mac_ok(receipt_secret(MASTER, device, epoch ^ 1), code)
    assert not receipt_mac_ok(receipt_secret(MASTER, device ^ 1, epoch), code)


def test_what_a_scale_has_to_compute() -> None:
    """The derivation spelled out, as a scale's firmware would."""
    secret = hmac.new(MASTER, b"onecode receipt\x00\x00\x12\x67\x02", hashlib.sha256).digest()
    assert receipt_secret(MASTER, 4711, 2) == secret
    number = 4711 << 38 | 2 << 30 | 301_000
    mac = hmac.new(secret, number.to_bytes(8, "big"), hashlib.sha256).digest()[:5]
    body, rest = "", number << 40 | int.from_bytes(mac, "big")
    for _ in range(21):
        body, rest = ALPHABET[rest % 32] + body, rest // 32
    assert receipt_code(secret, number) == "R" + body + check_character("R" + body)
    job_secret = hmac.new(MASTER, b"onecode unit\x00\x00\x00\x00\x09", hashlib.sha256).digest()
    assert unit_secret(MASTER, 9) == job_secret


def flip(code: str, bit: int) -> Code | None:
    """The code with one bit of its body flipped and its check character made good; None where no such code can be."""
    number = 0
    for char in code[1:-1]:
        number = number * 32 + ALPHABET.index(char)
    number ^= 1 << bit
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (len(code) - 3), -1, -5))
    text = code[0] + body + check_character(code[0] + body)
    return None if refuses(text) else parse(text)


def test_a_receipt_mac_rejects_every_bit_flip() -> None:
    secret = receipt_secret(MASTER, 4711, 2)
    code = receipt_code(secret, receipt_id(4711, 2, 301_000))
    flipped = [flip(code, bit) for bit in range(105)]
    assert [bit for bit, forged in enumerate(flipped) if forged is None] == [103, 104]
    assert not any(receipt_mac_ok(secret, forged) for forged in flipped if forged)


def test_a_unit_mac_rejects_every_bit_flip() -> None:
    secret = unit_secret(MASTER, 9)
    code = unit_code(secret, 9, 19_999_999)
    flipped = [flip(code, bit) for bit in range(125)]
    assert [bit for bit, forged in enumerate(flipped) if forged is None] == [124]
    assert not any(unit_mac_ok(secret, forged) for forged in flipped if forged)


@given(jobs, unit_counters)
def test_unit_code_carries_its_name_and_its_mac(job: int, counter: int) -> None:
    secret = unit_secret(MASTER, job)
    code = parse(unit_code(secret, job, counter))
    assert len(code.text) == 27
    assert unit_name(code) == UnitName(job, counter)
    assert unit_mac_ok(secret, code)
    assert not unit_mac_ok(unit_secret(MASTER, job ^ 1), code)


@pytest.mark.parametrize("name", [(0, 0), (2**35, 0), (1, -1), (1, 2**25)])
def test_units_outside_the_range_are_refused(name: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        unit_code(MASTER, *name)


def test_a_code_of_another_kind_has_no_receipt_and_no_unit() -> None:
    site = parse(SAMPLES[0])
    with pytest.raises(ValueError, match="not a receipt"):
        receipt_id_of(site)
    with pytest.raises(ValueError, match="not a receipt"):
        receipt_mac_ok(MASTER, site)
    with pytest.raises(ValueError, match="not a unit"):
        unit_name(site)
    with pytest.raises(ValueError, match="not a unit"):
        unit_mac_ok(MASTER, site)


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://onecode.example", "HTTPS://ONECODE.EXAMPLE/C/S1"),
        ("https://onecode.example/", "HTTPS://ONECODE.EXAMPLE/C/S1"),
        ("http://127.0.0.1:8000", "HTTP://127.0.0.1:8000/C/S1"),
        ("https://onecode.example/YM", "HTTPS://ONECODE.EXAMPLE/YM/C/S1"),
        ("https://onecode.example/food", "https://onecode.example/food/c/S1"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]/c/S1"),
        ("https://一码.example", "https://一码.example/c/S1"),
        ("https://straße.example", "https://straße.example/c/S1"),
    ],
)
def test_qr_url_is_in_capitals_where_that_is_safe(public_url: str, expected: str) -> None:
    assert qr_url(public_url, "S1") == expected


@given(any_code, st.data())
def test_suggestions_find_the_code_behind_a_swap(code: str, data: st.DataObject) -> None:
    places = [place for place in range(len(code) - 1) if code[place] != code[place + 1]]
    place = data.draw(st.sampled_from(places))
    found = suggestions(code[:place] + code[place + 1] + code[place] + code[place + 2 :])
    assert code in found
    assert len(found) <= 20


@given(any_code, st.data())
def test_suggestions_find_the_code_behind_a_confusion(code: str, data: st.DataObject) -> None:
    pairs = {"8": "B", "B": "8", "5": "S", "S": "5", "Z": "2", "V": "U", "M": "N", "N": "M", "D": "0", "T": "7"}
    places = [place for place, char in enumerate(code) if char in pairs]
    assume(places)
    place = data.draw(st.sampled_from(places))
    typed = code[:place] + pairs[code[place]] + code[place + 1 :]
    assert code in suggestions(typed.lower())


def test_suggestions_for_a_right_code_or_for_no_code_at_all() -> None:
    assert suggestions(SAMPLES[0]) == []
    assert suggestions("") == []
    assert suggestions("S" * 81) == []
    assert suggestions("hello") == []


def test_suggestions_are_never_more_than_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "_LOOK_ALIKES", dict.fromkeys(ALPHABET, ALPHABET))
    wrong = "S" + "0123456789ABCDEF" + "0"
    assert refuses(wrong)
    found = suggestions(wrong)
    assert 0 < len(found) <= 20


@given(st.binary(min_size=1, max_size=64), st.lists(receipt_ids, min_size=1, max_size=5))
def test_a_signer_makes_the_same_codes(secret: bytes, numbers: list[int]) -> None:
    signer = ReceiptSigner(secret)
    assert [signer.code(number) for number in numbers] == [receipt_code(secret, number) for number in numbers]
    assert all(signer.signed(*receipt_parts(parse(signer.code(number)))) for number in numbers)
    others = [receipt_parts(parse(receipt_code(b"another " + secret, number))) for number in numbers]
    assert not any(signer.signed(*parts) for parts in others)
    with pytest.raises(ValueError, match="not a receipt"):
        receipt_parts(parse(mint(CodeKind.LOT)))
