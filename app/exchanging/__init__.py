"""Exchanging: EPCIS 2.0 in, and out again as it came; our own events as EPCIS."""

from app.exchanging.capturer import Capturer
from app.exchanging.capturing import CAPTURES, Limits
from app.exchanging.documents import read_document, to_json
from app.exchanging.exporting import export_capture
from app.exchanging.files import import_file
from app.exchanging.importing import Order, import_document
from app.exchanging.publishing import Publisher
from app.exchanging.pushing import Pusher
from app.exchanging.rejoining import name_captured, rejoin
from app.exchanging.report import EventOutcome, ImportReport, IssuedCode, lines
from app.exchanging.sources import Parsed, read_source
from app.exchanging.subscribing import SUBSCRIPTIONS
from app.exchanging.xml import read_xml, read_xml_source

__all__ = [
    "CAPTURES",
    "SUBSCRIPTIONS",
    "Capturer",
    "EventOutcome",
    "ImportReport",
    "IssuedCode",
    "Limits",
    "Order",
    "Parsed",
    "Publisher",
    "Pusher",
    "export_capture",
    "import_document",
    "import_file",
    "lines",
    "name_captured",
    "read_document",
    "read_source",
    "read_xml",
    "read_xml_source",
    "rejoin",
    "to_json",
]
