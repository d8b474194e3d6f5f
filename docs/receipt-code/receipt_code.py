"""The receipt code that a scale prints, from its device number, epoch, counter and secret. Standard library alone.

Reads lines "secret-in-hexadecimal device epoch counter" and prints, for each, the code, the code in groups to read
aloud, and the URL for the QR symbol, separated by blanks:

    python3 receipt_code.py HTTPS://FOOD.EXAMPLE.CN < lines
"""

import hashlib
import hmac
import sys

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def receipt_code(secret: bytes, device: int, epoch: int, counter: int) -> str:
    """The 23 characters of the code: R, 13 of the receipt's number, 8 of its MAC, 1 check character."""
    if len(secret) != 32 or not (1 <= device < 1 << 25 and 0 <= epoch < 1 << 8 and 0 <= counter < 1 << 30):
        raise ValueError("secret, device, epoch or counter is out of range")
    number = device << 38 | epoch << 30 | counter  # 63 bits
    mac = hmac.new(secret, number.to_bytes(8, "big"), hashlib.sha256).digest()[:5]
    body = number << 40 | int.from_bytes(mac, "big")  # 103 bits in 21 characters: the two highest are zero
    values = [ALPHABET.index("R")] + [body >> 5 * place & 31 for place in range(20, -1, -1)]
    return "".join(ALPHABET[value] for value in [*values, check(values)])


def check(values: list[int]) -> int:
    """The check character's value: the sum over GF(32) of value * a^place, the last value being at place 1."""
    total, weight = 0, 1
    for value in reversed(values):
        weight = times_a(weight)
        product, factor = 0, weight
        for bit in range(5):
            product ^= factor if value >> bit & 1 else 0
            factor = times_a(factor)
        total ^= product
    return total


def times_a(element: int) -> int:
    """One element of GF(32) times a, a root of x^5 + x^2 + 1."""
    return (element << 1 ^ (0b100101 if element & 16 else 0)) & 31


def grouped(code: str) -> str:
    """R-XXXX-XXXX-XXXX-XXXX-XXXXX-C."""
    return "-".join((code[0], code[1:5], code[5:9], code[9:13], code[13:17], code[17:22], code[22]))


if __name__ == "__main__":
    for line in sys.stdin:
        secret, device, epoch, counter = line.split()
        made = receipt_code(bytes.fromhex(secret), int(device), int(epoch), int(counter))
        print(made, grouped(made), f"{sys.argv[1]}/C/{made}")
