"""Particulars of a subscription, as a body, a query string and headers give them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import HTTPConnection

from app.domain.epcis.exceptions import SubscriptionControlsException
from app.domain.epcis.formats import EpcFormat
from app.domain.epcis.schedule import FIELDS, ZONE
from app.domain.epcis.values import parse_time
from app.domain.epcis.xml_spelling import CBV_FORMATS, CbvFormat, cbv_format
from app.exchanging.answers import Form
from app.web.epcis import ground

_FLAGS: dict[object, bool] = {None: False, True: True, False: False, "true": True, "false": False}
STANDING = frozenset({*FIELDS, ZONE, "stream", "reportIfEmpty", "initialRecordTime"})
CONTROLS = {"mediaType": None, "epcFormat": "GS1-EPC-Format", "cbvXmlFormat": "GS1-CBV-XML-Format"}


def read_form(given: Mapping[str, Any], client: HTTPConnection) -> Form:
    """How a subscriber wants to be told: by members (or parameters) of the subscription, else by the headers that say
    how it wants an answer. Raises SubscriptionControlsException, NotAcceptable."""
    said = {
        name: given.get(name, None if header is None else client.headers.get(header))
        for name, header in CONTROLS.items()
    }
    media_type = said["mediaType"]
    if media_type is None:
        media_type = ground.shape_of(client)[1]
    elif media_type not in ground.MEDIA:
        raise _refused("mediaType", f"须为 {'、'.join(ground.MEDIA)} 之一", f"one of {', '.join(ground.MEDIA)}")
    epcs = _read_epc_format(said["epcFormat"])
    return Form(media_type, epcs, _read_cbv_format(said["cbvXmlFormat"]), ground.edition(client.headers))


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


def _read_epc_format(given: object) -> EpcFormat:
    if given is None:
        return Form().epcs
    if given not in list(EpcFormat):
        raise _refused("epcFormat", f"须为 {'、'.join(EpcFormat)} 之一", f"one of {', '.join(EpcFormat)}")
    return EpcFormat(str(given))


def _read_cbv_format(given: object) -> CbvFormat:
    """How words are written in XML."""
    if given is None:
        return Form().words
    if given not in CBV_FORMATS:
        raise _refused("cbvXmlFormat", f"须为 {'、'.join(CBV_FORMATS)} 之一", f"one of {', '.join(CBV_FORMATS)}")
    return cbv_format(str(given))


def _refused(name: str, zh: str, en: str) -> SubscriptionControlsException:
    return SubscriptionControlsException(f"{name} {zh} · `{name}`: {en}", pointer=f"/{name}")
