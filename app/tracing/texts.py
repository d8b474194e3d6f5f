"""Ids, amounts and instants of raw rows as an answer shows them, each value made once."""

from datetime import UTC, datetime, timedelta, timezone

from app.tracing.answer import Amount

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ids(dict[bytes, str]):
    """16 bytes → the text of a UUID."""

    def __missing__(self, key: bytes) -> str:
        hexed = key.hex()
        text = self[key] = f"{hexed[:8]}-{hexed[8:12]}-{hexed[12:16]}-{hexed[16:20]}-{hexed[20:]}"
        return text


class Amounts(dict[tuple[int | None, int | None], Amount | None]):
    """(grams, pieces) → an amount: counted where there are pieces, else weighed; None where neither is known."""

    def __missing__(self, key: tuple[int | None, int | None]) -> Amount | None:
        grams, pieces = key
        amount = None
        if pieces is not None:
            amount = Amount(str(pieces), "pcs", grams, pieces)
        elif grams is not None:
            amount = Amount(f"{grams / 1000:f}".rstrip("0").rstrip("."), "kg", grams, None)
        self[key] = amount
        return amount


class Epochs(dict[int, datetime]):
    """Minutes east of UTC → 1970 there: a span added to it is an instant as that clock showed it."""

    def __missing__(self, offset: int) -> datetime:
        epoch = self[offset] = _EPOCH.astimezone(timezone(timedelta(minutes=offset)))
        return epoch
