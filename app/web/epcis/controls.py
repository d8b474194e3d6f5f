"""Particulars of a subscription, as a body, a query string and headers give them."""

from datetime import UTC, datetime

from app.domain.epcis.exceptions import SubscriptionControlsException
from app.domain.epcis.formats import EpcFormat
from app.domain.epcis.values import parse_time

_FLAGS: dict[object, bool] = {None: False, True: True, False: False, "true": True, "false": False}
CBV_FORMATS = ("Always_Web_URI", "Always_URN", "Never_Translates", "No_Preference")


def read_flag(name: str, given: object) -> bool:
    """False where it is not given. Raises SubscriptionControlsException."""
    if not isinstance(given, bool | str | None) or given not in _FLAGS:
        raise _refused(name, "须为 true 或 false", "true or false")
    return _FLAGS[given]


def read_time(name: str, given: object) -> datetime | None:
    """Raises SubscriptionControlsException for what is no time with an offset."""
    if given is None:
        return None
    if not isinstance(given, str) or parse_time(given) is None:
        raise _refused(name, "须为带偏移的时间，如 2026-11-01T08:00:00+08:00", "a time with its offset")
    # To the microsecond: what was recorded then is not to be left out.
    return datetime.fromisoformat(given.upper()).astimezone(UTC)


def read_epc_format(given: object) -> EpcFormat | None:
    """None where it is not given. Raises SubscriptionControlsException."""
    if given is None:
        return None
    if given not in list(EpcFormat):
        raise _refused("epcFormat", f"须为 {'、'.join(EpcFormat)} 之一", f"one of {', '.join(EpcFormat)}")
    return EpcFormat(str(given))


def read_cbv_format(given: object) -> str | None:
    """How words are written in XML. Raises SubscriptionControlsException."""
    if given is None or given in CBV_FORMATS:
        return given if isinstance(given, str) else None
    raise _refused("cbvXmlFormat", f"须为 {'、'.join(CBV_FORMATS)} 之一", f"one of {', '.join(CBV_FORMATS)}")


def _refused(name: str, zh: str, en: str) -> SubscriptionControlsException:
    return SubscriptionControlsException(f"{name} {zh} · `{name}`: {en}", pointer=f"/{name}")
