"""Money: whole fen (分), a hundredth of a yuan, as scales send it."""

from fractions import Fraction


def yuan(fen: int) -> str:
    """Yuan with two decimals: 1234 is 12.34, -5 is -0.05."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"


def unit_price(amount_fen: int, units: str) -> int | None:
    """What one of so many units (a plain decimal number) cost, in fen, rounded half to even.

    None where no price in whole fen gives the amount back: it was bargained or rounded off, or nothing was weighed."""
    count = Fraction(units)
    if not count:
        return None
    price = round(amount_fen / count)
    return price if round(price * count) == amount_fen else None
